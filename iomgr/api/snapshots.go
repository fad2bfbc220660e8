package api

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"lwio/iomgr/nt"
)

// Snapshots is a create context, given as a pointer, that says where the previous versions of a directory are kept: a file system that
// understands it opens, with [TimeWarp] besides, what was there at that time, lists the times in answer to FSCTL_SRV_ENUMERATE_SNAPSHOTS, and
// lets nobody change a version. srv adds it for shares that have one.
type Snapshots struct {
	Root   string // the directory on its device, `\srv\data`, empty for the device's root
	Dir    string // where they are below Root, "/" between components: ".snapshots"
	Format string // how their names tell the time: see ParseSnapshots
}

// TimeWarp is a create context that asks for the version of a time, to the second (MS-SMB2 2.2.13.2.7). There has to be one of just
// that time, else the create fails with StatusObjectNameNotFound (MS-SMB2 3.3.5.9.4).
type TimeWarp struct{ Time nt.Time }

// Formats of names.
const (
	// GMTFormat is the default: the names that clients use.
	GMTFormat = "@GMT-%Y.%m.%d-%H.%M.%S"
	// SnapperFormat is that of snapper on btrfs: N/snapshot has the version, N/info.xml the time.
	SnapperFormat = "snapper"
)

const (
	maxSnapshotSpec  = 512
	maxSnapshotStars = 2
)

// ParseSnapshots reads how an administrator names the place of previous versions: DIR or DIR:FORMAT. DIR is relative to the
// share. FORMAT is the form of the names in it: %Y %m %d %H %M %S are the parts of the time in UTC, %y a year without its century (of this
// one), %s seconds since 1970, * any text, %% a percent sign; or "snapper". What a name leaves out of the time of day is zero.
func ParseSnapshots(spec string) (Snapshots, error) {
	dir, format, named := strings.Cut(spec, ":")
	if !named {
		format = GMTFormat
	}
	s := Snapshots{Dir: strings.Trim(dir, "/"), Format: format}
	if len(spec) > maxSnapshotSpec {
		return Snapshots{}, fmt.Errorf("place of previous versions: more than %d bytes", maxSnapshotSpec)
	}
	if dir == "" || dir[0] == '/' || strings.ContainsAny(dir, "\\\x00") {
		return Snapshots{}, fmt.Errorf("place of previous versions %q: want a directory relative to the share, .snapshots", dir)
	}
	for part := range strings.SplitSeq(s.Dir, "/") {
		if part == "" || part == "." || part == ".." {
			return Snapshots{}, fmt.Errorf("place of previous versions %q: %q is no name", dir, part)
		}
	}
	if err := checkFormat(format); err != nil {
		return Snapshots{}, fmt.Errorf("names of previous versions %q: %w", format, err)
	}
	return s, nil
}

// Spec is what ParseSnapshots reads.
func (s *Snapshots) Spec() string {
	if s.Format == GMTFormat {
		return s.Dir
	}
	return s.Dir + ":" + s.Format
}

var errNoDate = errors.New("want %Y, %m and %d, or %s")

func checkFormat(format string) error {
	if format == SnapperFormat {
		return nil
	}
	if strings.ContainsAny(format, "/\\\x00") {
		return errors.New("a name has no separator")
	}
	if strings.Count(format, "*") > maxSnapshotStars {
		return fmt.Errorf("at most %d *", maxSnapshotStars)
	}
	var seen [128]bool
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		if i++; i == len(format) || strings.IndexByte("YymdHMSs%", format[i]) < 0 {
			return errors.New("of % there are %Y %y %m %d %H %M %S %s %%")
		}
		seen[format[i]] = true
	}
	if !seen['s'] && !((seen['Y'] || seen['y']) && seen['m'] && seen['d']) {
		return errNoDate
	}
	return nil
}

// stamp is what of a time a name has told.
type stamp struct {
	year, month, day, hour, minute, second int
	unix                                   int64
	isUnix                                 bool
}

// TimeOf reads the time from the name of a version.
func (s *Snapshots) TimeOf(name string) (nt.Time, bool) {
	f := stamp{month: 1, day: 1}
	if !f.match(s.Format, name) {
		return 0, false
	}
	if f.isUnix {
		t := nt.TimeOf(time.Unix(f.unix, 0))
		return t, t != 0
	}
	t := time.Date(f.year, time.Month(f.month), f.day, f.hour, f.minute, f.second, 0, time.UTC)
	if t.Month() != time.Month(f.month) || t.Day() != f.day || f.hour > 23 || f.minute > 59 || f.second > 59 {
		return 0, false // there is no such day
	}
	at := nt.TimeOf(t)
	return at, at != 0
}

func (f *stamp) match(format, name string) bool {
	for format != "" {
		if format[0] == '*' {
			for i := range len(name) + 1 {
				if g := *f; g.match(format[1:], name[i:]) {
					*f = g
					return true
				}
			}
			return false
		}
		verb := byte(0)
		if format[0] == '%' && len(format) > 1 {
			verb, format = format[1], format[1:]
		}
		if verb == 0 || verb == '%' {
			if name == "" || name[0] != format[0] {
				return false
			}
			format, name = format[1:], name[1:]
			continue
		}
		n, digits, ok := number(name, verb)
		if !ok {
			return false
		}
		format, name = format[1:], name[digits:]
		switch verb {
		case 'Y':
			f.year = int(n)
		case 'y':
			f.year = 2000 + int(n)
		case 'm':
			f.month = int(n)
		case 'd':
			f.day = int(n)
		case 'H':
			f.hour = int(n)
		case 'M':
			f.minute = int(n)
		case 'S':
			f.second = int(n)
		case 's':
			f.unix, f.isUnix = n, true
		}
	}
	return name == ""
}

// number reads the digits of a verb: four of a year, up to twelve of seconds, two of anything else.
func number(s string, verb byte) (n int64, digits int, ok bool) {
	least, most := 2, 2
	switch verb {
	case 'Y':
		least, most = 4, 4
	case 's':
		least, most = 1, 12
	}
	for digits < len(s) && digits < most && s[digits] >= '0' && s[digits] <= '9' {
		n = n*10 + int64(s[digits]-'0')
		digits++
	}
	return n, digits, digits >= least
}

// SnapshotArray is SRV_SNAPSHOT_ARRAY, the answer to FSCTL_SRV_ENUMERATE_SNAPSHOTS (MS-SMB2 2.2.32.2).
type SnapshotArray struct {
	Available uint32    // NumberOfSnapShots
	Size      uint32    // SnapShotArraySize: what all of them take
	Snapshots []nt.Time // those that are returned: all, or none
}

const (
	snapshotArrayFixed = 12
	snapshotArrayLeast = 16
	snapshotEntry      = 2 * (nt.GMTTokenLen + 1)
)

// NewSnapshotArray is the answer that fits into room bytes: all of them, or how many there are (MS-SMB2 3.3.5.15.1).
func NewSnapshotArray(list []nt.Time, room int) SnapshotArray {
	a := SnapshotArray{Available: uint32(len(list)), Size: uint32(len(list)*snapshotEntry + 2)}
	if snapshotArrayFixed+int(a.Size) <= room {
		a.Snapshots = list
	}
	return a
}

// Append writes it. An answer without names is of 16 bytes, as Windows gives it.
func (a *SnapshotArray) Append(b []byte) []byte {
	b = le.AppendUint32(b, a.Available)
	b = le.AppendUint32(b, uint32(len(a.Snapshots)))
	b = le.AppendUint32(b, a.Size)
	if len(a.Snapshots) == 0 {
		return append(b, 0, 0, 0, 0)
	}
	for _, t := range a.Snapshots {
		b = append(nt.AppendUTF16(b, t.GMTToken()), 0, 0)
	}
	return append(b, 0, 0)
}

// ErrSnapshotArray says that an answer is none.
var ErrSnapshotArray = errors.New("malformed SRV_SNAPSHOT_ARRAY")

// ParseSnapshotArray reads the answer.
func ParseSnapshotArray(b []byte) (SnapshotArray, error) {
	if len(b) < snapshotArrayLeast {
		return SnapshotArray{}, fmt.Errorf("%w: %d bytes", ErrSnapshotArray, len(b))
	}
	a := SnapshotArray{Available: le.Uint32(b), Size: le.Uint32(b[8:])}
	n := le.Uint32(b[4:])
	if n == 0 {
		return a, nil
	}
	names := b[snapshotArrayFixed:]
	if size := uint64(n)*uint64(snapshotEntry) + 2; n > a.Available || size > uint64(len(names)) || size != uint64(a.Size) {
		return SnapshotArray{}, fmt.Errorf("%w: %d of %d names in %d bytes", ErrSnapshotArray, n, a.Available, len(names))
	}
	a.Snapshots = make([]nt.Time, 0, n)
	for range n {
		t, ok := nt.ParseGMTToken(nt.DecodeUTF16(names[:2*nt.GMTTokenLen]))
		if !ok || le.Uint16(names[2*nt.GMTTokenLen:]) != 0 {
			return SnapshotArray{}, fmt.Errorf("%w: a name is none", ErrSnapshotArray)
		}
		a.Snapshots = append(a.Snapshots, t)
		names = names[snapshotEntry:]
	}
	return a, nil
}
