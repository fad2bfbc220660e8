package nt

import "time"

// Time is a FILETIME (MS-DTYP 2.3.3): 100-nanosecond intervals since 1601-01-01 UTC. Zero means "not set".
// The values of MS-FSCC 2.4.7 that are instructions and not times (-1 and -2 in a set request) keep their bits.
type Time uint64

const (
	// TimeNever is the "never" of account policies and of sessions that do not expire.
	TimeNever Time = 0x7FFFFFFFFFFFFFFF
	// TimeNoChange in FileBasicInformation says that the time is left as it is for as long as the file is open.
	TimeNoChange Time = 0xFFFFFFFFFFFFFFFF
	// TimeResume in FileBasicInformation takes back TimeNoChange.
	TimeResume Time = 0xFFFFFFFFFFFFFFFE

	ticksPerSecond = 10_000_000
	// unixEpoch is 1970-01-01 in seconds since 1601-01-01.
	unixEpoch = 11_644_473_600
)

// TimeOf converts a Go time, rounding down to 100 ns. The zero time.Time and every time before 1601 become 0; a
// time past the range of a positive FILETIME becomes TimeNever.
func TimeOf(t time.Time) Time {
	sec := t.Unix()
	if t.IsZero() || sec < -unixEpoch {
		return 0
	}
	if sec >= int64(TimeNever/ticksPerSecond)-unixEpoch {
		return TimeNever
	}
	return Time(sec+unixEpoch)*ticksPerSecond + Time(t.Nanosecond()/100)
}

// NowTime is the present time.
func NowTime() Time { return TimeOf(time.Now()) }

// Go converts to a Go time in UTC; 0 becomes the zero time.Time.
func (t Time) Go() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.Unix(int64(t/ticksPerSecond)-unixEpoch, int64(t%ticksPerSecond)*100).UTC()
}

// IsZero reports "not set".
func (t Time) IsZero() bool { return t == 0 }

// String is RFC 3339 in UTC with as many digits as are needed.
func (t Time) String() string {
	switch t {
	case 0:
		return "none"
	case TimeNever:
		return "never"
	}
	return t.Go().Format(time.RFC3339Nano)
}
