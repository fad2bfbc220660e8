package pvfs

import (
	"bytes"
	"testing"

	"lwio/iomgr/nt"
)

func TestParseEAs(t *testing.T) {
	var b []byte
	last := -1
	want := []ea{{"EAONE", []byte("VALUE1")}, {"SECONDEA", []byte("ValueTwo")}, {"EMPTY", nil}}
	for _, e := range want {
		b, last = appendEA(b, last, e)
	}
	got, status := parseEAs(b)
	if status != nt.StatusSuccess || len(got) != len(want) {
		t.Fatalf("%v %v", got, status.Name())
	}
	for i := range want {
		if got[i].name != want[i].name || !bytes.Equal(got[i].value, want[i].value) {
			t.Errorf("%d: %v", i, got[i])
		}
	}
	for n := 1; n < len(b); n++ {
		if list, status := parseEAs(b[:n]); status == nt.StatusSuccess {
			t.Errorf("cut at %d: %v", n, list)
		}
	}
	one := func(flags byte, name string) []byte {
		b, _ := appendEA(nil, -1, ea{name, []byte("v")})
		b[4] = flags
		return b
	}
	for _, c := range []struct {
		b      []byte
		status nt.Status
	}{
		{one(fileNeedEA, "A"), nt.StatusInvalidParameter},
		{one(0, ""), nt.StatusInvalidEaName},
		{one(0, "a:b"), nt.StatusInvalidEaName},
		{one(0, "lwio.dos"), nt.StatusInvalidEaName},
		{one(0, "LWIO.sd"), nt.StatusInvalidEaName},
		{one(0, "DOSATTRIB"), nt.StatusInvalidEaName},
	} {
		if _, status := parseEAs(c.b); status != c.status {
			t.Errorf("%q: %v", c.b, status.Name())
		}
	}
}

func FuzzParseEAs(f *testing.F) {
	b, _ := appendEA(nil, -1, ea{"NAME", []byte("value")})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		list, status := parseEAs(b)
		if status != nt.StatusSuccess {
			return
		}
		var again []byte
		last := -1
		for _, e := range list {
			again, last = appendEA(again, last, e)
		}
		if got, status := parseEAs(again); status != nt.StatusSuccess || len(got) != len(list) {
			t.Errorf("%v: %v %v", list, got, status.Name())
		}
	})
}
