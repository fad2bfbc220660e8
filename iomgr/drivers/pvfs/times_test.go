package pvfs

import (
	"testing"
	"time"

	"lwio/iomgr/nt"
)

func TestDOSAttributes(t *testing.T) {
	a := dosAttributes{attrs: nt.FileAttributeHidden | nt.FileAttributeArchive, created: 1, change: 2, stamp: 3, write: 4, writeShown: 5, stored: true}
	b := a.append(nil)
	if got := parseDOS(b); got != a {
		t.Errorf("%+v", got)
	}
	for n := range b {
		if got := parseDOS(b[:n]); got.stored {
			t.Errorf("cut at %d: %+v", n, got)
		}
	}
	v1 := append([]byte{1, 0, 0, 0, 2, 0, 0, 0}, 9, 0, 0, 0, 0, 0, 0, 0)
	if got := parseDOS(v1); got != (dosAttributes{attrs: nt.FileAttributeHidden, created: 9, stored: true}) {
		t.Errorf("version 1: %+v", got)
	}
	if got := a.changeTime(3 + changeSlack); got != 2 {
		t.Errorf("as it was set: %d", got)
	}
	if got := a.changeTime(4 + changeSlack); got != 4+changeSlack {
		t.Errorf("changed since: %d", got)
	}
	if a.writeTime(5) != 4 || a.writeTime(6) != 6 {
		t.Error("the time of writing")
	}
}

func TestWriteTimeShown(t *testing.T) {
	at := time.Unix(1000, 0)
	now = func() time.Time { return at }
	defer func() { now = time.Now }()
	w := writeTime{held: true, shown: 7, since: at}
	for _, c := range []struct {
		after time.Duration
		w     writeTime
		want  nt.Time
	}{
		{0, writeTime{}, 9},
		{time.Second, w, 7},
		{writeDelay, w, 9},
		{time.Hour, writeTime{held: true, shown: 7, settled: true}, 7},
		{time.Hour, writeTime{held: true, shown: 7, set: true}, 7},
	} {
		at = time.Unix(1000, 0).Add(c.after)
		if got := c.w.of(9); got != c.want {
			t.Errorf("%+v after %s: %d", c.w, c.after, got)
		}
	}
}

func TestParseBasicTime(t *testing.T) {
	for v, want := range map[int64]basicTime{0: {}, 5: {set: 5}, -1: {freeze: true}, -2: {let: true}} {
		if got, ok := parseBasicTime(le.AppendUint64(nil, uint64(v))); !ok || got != want {
			t.Errorf("%d: %+v %t", v, got, ok)
		}
	}
	if _, ok := parseBasicTime(le.AppendUint64(nil, ^uint64(2))); ok {
		t.Error("-3 is no time")
	}
}

func FuzzParseDOS(f *testing.F) {
	f.Add((dosAttributes{attrs: 2, change: 5}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a := parseDOS(b); a.stored && parseDOS(a.append(nil)) != a {
			t.Errorf("%+v", a)
		}
	})
}
