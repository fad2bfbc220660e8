package api

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"lwio/iomgr/nt"
)

func at(year, month, day, hour, minute, second int) nt.Time {
	return nt.TimeOf(time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC))
}

func TestSnapshotNames(t *testing.T) {
	for _, c := range []struct {
		format, name string
		want         nt.Time
	}{
		{GMTFormat, "@GMT-2024.02.29-23.59.59", at(2024, 2, 29, 23, 59, 59)},
		{GMTFormat, "@GMT-2023.02.29-23.59.59", 0}, // no leap year
		{GMTFormat, "@GMT-2024.02.29-24.00.00", 0},
		{GMTFormat, "@GMT-2024.02.29-23.59.5", 0},
		{GMTFormat, "@GMT-2024.02.29-23.59.590", 0},
		{GMTFormat, "", 0},
		{"auto-%Y%m%d.%H%M", "auto-20240301.0405", at(2024, 3, 1, 4, 5, 0)},
		{"auto-%Y%m%d.%H%M", "auto-2024031.0405", 0},
		{"%y-%m-%d", "24-12-31", at(2024, 12, 31, 0, 0, 0)},
		{"*_%Y-%m-%d_%H:%M:%S_*", "autosnap_2024-03-01_04:05:06_daily", at(2024, 3, 1, 4, 5, 6)},
		{"*_%Y-%m-%d_%H:%M:%S_*", "auto_snap_2024-03-01_04:05:06_", at(2024, 3, 1, 4, 5, 6)},
		{"*_%Y-%m-%d_%H:%M:%S_*", "2024-03-01_04:05:06_daily", 0},
		{"snap-%s", "snap-1700000000", nt.TimeOf(time.Unix(1700000000, 0))},
		{"snap-%s", "snap-", 0},
		{"100%%-%s", "100%-1", nt.TimeOf(time.Unix(1, 0))},
		{"100%%-%s", "100-1", 0},
	} {
		s, err := ParseSnapshots("d:" + c.format)
		if err != nil {
			t.Errorf("%s: %v", c.format, err)
			continue
		}
		if got, ok := s.TimeOf(c.name); got != c.want || ok != (c.want != 0) {
			t.Errorf("%s, %s: %v, want %v", c.format, c.name, got, c.want)
		}
	}
}

func TestParseSnapshots(t *testing.T) {
	for spec, want := range map[string]Snapshots{
		".snapshots":                    {Dir: ".snapshots", Format: GMTFormat},
		".zfs/snapshot/:x-%s":           {Dir: ".zfs/snapshot", Format: "x-%s"},
		".snapshots:snapper":            {Dir: ".snapshots", Format: SnapperFormat},
		"d:%Y-%m-%d_%H:%M":              {Dir: "d", Format: "%Y-%m-%d_%H:%M"},
		"":                              {},
		"/abs":                          {},
		"..":                            {},
		"a/../b":                        {},
		"a//b":                          {},
		`a\b`:                           {},
		"a\x00":                         {},
		"a:":                            {},
		"a:%Y-%m":                       {},
		"a:%Q":                          {},
		"a:%Y%m%d%":                     {},
		"a:x/%s":                        {},
		"a:***%s":                       {},
		"a:" + strings.Repeat("x", 600): {},
	} {
		got, err := ParseSnapshots(spec)
		if got != want || (err == nil) != (want != Snapshots{}) {
			t.Errorf("%q: %+v, %v", spec, got, err)
		}
		if err == nil {
			if again, err := ParseSnapshots(got.Spec()); err != nil || again != got {
				t.Errorf("%q: %q gives %+v, %v", spec, got.Spec(), again, err)
			}
		}
	}
}

func TestSnapshotArray(t *testing.T) {
	list := []nt.Time{at(2006, 4, 26, 4, 8, 27), at(2005, 1, 1, 0, 0, 0)}
	a := NewSnapshotArray(list, 114)
	b := a.Append(nil)
	if len(b) != 114 || a.Size != 102 || le.Uint32(b) != 2 || le.Uint32(b[4:]) != 2 || le.Uint32(b[8:]) != 102 || nt.DecodeUTF16(b[12:60]) != "@GMT-2006.04.26-04.08.27" {
		t.Errorf("%d %x", len(b), b)
	}
	if got, err := ParseSnapshotArray(b); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v %v", got, err)
	}
	for n := range b {
		if got, err := ParseSnapshotArray(b[:n:n]); !errors.Is(err, ErrSnapshotArray) {
			t.Errorf("%d bytes: %+v %v", n, got, err)
		}
	}
	// One byte less, and only the number comes.
	a = NewSnapshotArray(list, 113)
	if b = a.Append(nil); !bytes.Equal(b, []byte{2, 0, 0, 0, 0, 0, 0, 0, 102, 0, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("%x", b)
	}
	if got, err := ParseSnapshotArray(b); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v %v", got, err)
	}
	a = NewSnapshotArray(nil, 16)
	if b = a.Append(nil); !bytes.Equal(b, []byte{0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("%x", b)
	}
}

func FuzzSnapshotArray(f *testing.F) {
	a := NewSnapshotArray([]nt.Time{at(2006, 4, 26, 4, 8, 27)}, 100)
	f.Add(a.Append(nil))
	a = NewSnapshotArray([]nt.Time{1, 2}, 16)
	f.Add(a.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseSnapshotArray(b)
		if err != nil {
			return
		}
		again, err := ParseSnapshotArray(a.Append(nil))
		if err != nil || !reflect.DeepEqual(a, again) {
			t.Errorf("%+v, %+v, %v", a, again, err)
		}
	})
}

func FuzzSnapshotName(f *testing.F) {
	f.Add(".snapshots", "@GMT-2024.02.29-23.59.59")
	f.Add("d:*_%Y%m%d*", "a_20240229b")
	f.Add("d:%s", "1")
	f.Fuzz(func(t *testing.T, spec, name string) {
		if s, err := ParseSnapshots(spec); err == nil {
			if at, ok := s.TimeOf(name); ok && at == 0 {
				t.Error("no time")
			}
		}
	})
}
