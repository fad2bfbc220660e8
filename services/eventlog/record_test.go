package eventlog_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lwio/iomgr/nt"
	"lwio/services/eventlog"
	"lwio/services/state"
)

func records() []state.EventRecord {
	const at nt.Time = 133000000000000000 // a whole second
	return []state.EventRecord{
		{Number: 1, Generated: at, Written: at, ID: 6005, Type: 4, Source: "EventLog", Computer: "FIRST"},
		{Number: 2, Generated: at, Written: at + 10_000_000, ID: 0xC0001234, Type: 16, Category: 7, Source: "Größe", Computer: "", User: nt.MustSID("S-1-5-21-1-2-3-1000"),
			Strings: []string{"", "eins", "zwei 💾"}, Data: []byte{0, 1, 2, 3, 0}},
		{Number: 0xFFFFFFFF, Generated: at, Written: at, Source: "", Computer: "x", Data: bytes.Repeat([]byte{7}, 1000)},
	}
}

// TestRecord: what is laid out is read as it was, in either width, one record behind the other; no beginning of one is a record.
func TestRecord(t *testing.T) {
	for _, wide := range []bool{true, false} {
		var all []byte
		for i, r := range records() {
			b := eventlog.AppendRecord(nil, &r, wide)
			if len(b)%4 != 0 {
				t.Errorf("record %d has %d octets", i, len(b))
			}
			got, n, err := eventlog.ParseRecord(append(b[:len(b):len(b)], 0xAA, 0xBB), wide)
			if err != nil || n != len(b) {
				t.Fatalf("record %d: %d octets of %d, %v", i, n, len(b), err)
			}
			if diff := cmp.Diff(r, got, cmp.Comparer(func(a, b nt.SID) bool { return a == b })); diff != "" {
				t.Errorf("record %d (wide %v):\n%s", i, wide, diff)
			}
			for n := range len(b) {
				if _, _, err := eventlog.ParseRecord(b[:n], wide); err == nil {
					t.Errorf("%d octets of record %d are taken for one", n, i)
				}
			}
			all = append(all, b...)
		}
		n := 0
		for len(all) > 0 {
			_, size, err := eventlog.ParseRecord(all, wide)
			if err != nil {
				t.Fatal(err)
			}
			all = all[size:]
			n++
		}
		if n != len(records()) {
			t.Errorf("%d records of %d", n, len(records()))
		}
	}
}

// TestRecordLies has places and lengths that point elsewhere.
func TestRecordLies(t *testing.T) {
	r := records()[1]
	good := eventlog.AppendRecord(nil, &r, true)
	for name, edit := range map[string]func(b []byte){
		"signature":       func(b []byte) { b[4]++ },
		"length":          func(b []byte) { b[0] -= 4 },
		"second length":   func(b []byte) { b[len(b)-4]++ },
		"strings in head": func(b []byte) { b[36], b[37] = 8, 0 },
		"strings behind":  func(b []byte) { b[37] = 0xFF },
		"more strings":    func(b []byte) { b[26] = 0xFF },
		"SID in head":     func(b []byte) { b[44] = 0 },
		"SID behind":      func(b []byte) { b[46] = 1 },
		"SID too long":    func(b []byte) { b[40]++ },
		"data in head":    func(b []byte) { b[52], b[53] = 0, 0 },
		"data behind":     func(b []byte) { b[55] = 0xFF },
		"data too long":   func(b []byte) { b[49] = 0xFF },
	} {
		b := bytes.Clone(good)
		edit(b)
		if _, _, err := eventlog.ParseRecord(b, true); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// FuzzRecord: what is taken for a record is one: laid out again, it says the same.
func FuzzRecord(f *testing.F) {
	for _, r := range records() {
		f.Add(eventlog.AppendRecord(nil, &r, true), true)
		f.Add(eventlog.AppendRecord(nil, &r, false), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, wide bool) {
		r, n, err := eventlog.ParseRecord(b, wide)
		if err != nil {
			return
		}
		if n > len(b) || n < 60 {
			t.Fatalf("%d octets of %d", n, len(b))
		}
		again, _, err := eventlog.ParseRecord(eventlog.AppendRecord(nil, &r, wide), wide)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again, cmp.Comparer(func(a, b nt.SID) bool { return a == b })); diff != "" {
			t.Error(diff)
		}
	})
}
