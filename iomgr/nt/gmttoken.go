package nt

import "time"

// GMTTokenLen is the length of a token that names a previous version.
const GMTTokenLen = len(gmtLayout)

const gmtLayout = "@GMT-2006.01.02-15.04.05"

// GMTToken names the previous version of a time: `@GMT-YYYY.MM.DD-HH.MM.SS`, in UTC (MS-SMB 2.2.1.1.1, MS-SMB2 2.2.32.2). Parts of a second
// are left out.
func (t Time) GMTToken() string { return t.Go().Format(gmtLayout) }

// ParseGMTToken reads such a token, and nothing but one.
func ParseGMTToken(s string) (Time, bool) {
	if len(s) != GMTTokenLen || s[0] != '@' {
		return 0, false
	}
	t, err := time.Parse(gmtLayout, s)
	if err != nil {
		return 0, false
	}
	at := TimeOf(t)
	return at, at != 0
}

// Seconds is the time without the parts of a second.
func (t Time) Seconds() Time { return t - t%ticksPerSecond }
