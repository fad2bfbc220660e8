package authority

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"lwio/iomgr/nt"
)

func sampleMembership() Membership {
	return Membership{Keys: []Key{{"cifs/ours.lab.test", "LAB.TEST", 3, 18, []byte("0123456789abcdef0123456789abcdef")}},
		Ranges: IDRanges{{nt.MustSID("S-1-5-21-1-2-3"), 0, 1000, 100000}, {nt.MustSID("S-1-5-21-4-5-6"), 0, 1000, 101000}, {nt.MustSID("S-1-5-21-1-2-3"), 1000, 1000, 102000}}}
}

func TestMembership(t *testing.T) {
	want := sampleMembership()
	x := toMembership(&want)
	got, err := fromMembership(x)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if again := toMembership(&want); again.Revision != x.Revision || x.Revision == 0 {
		t.Errorf("revisions %d and %d of the same", x.Revision, again.Revision)
	}
	changed := sampleMembership()
	changed.Keys[0].Value = bytes.Repeat([]byte{1}, 32)
	if toMembership(&changed).Revision == x.Revision {
		t.Error("another key is the same revision")
	}
	if text := fmt.Sprintf("%v %+v %#v %x", want, want, want.Keys, want.Keys[0]); strings.Contains(text, "0123456789") || strings.Contains(text, "3031323334") {
		t.Errorf("a key is shown: %s", text)
	}
	bad := *x
	bad.Ranges[0].FirstId = 1<<32 - 1
	if _, err := fromMembership(&bad); err == nil {
		t.Error("a range that wraps around is taken")
	}
}

func TestIDRanges(t *testing.T) {
	r := sampleMembership().Ranges
	for sid, want := range map[string]uint32{"S-1-5-21-1-2-3-500": 100500, "S-1-5-21-4-5-6-999": 101999, "S-1-5-21-1-2-3-1000": 102000, "S-1-5-21-1-2-3-2000": 0, "S-1-5-21-4-5-6-1000": 0,
		"S-1-5-21-7-8-9-1": 0, "S-1-5-32-544": 0, "S-1-5-21-1-2-3": 0} {
		id, ok := r.UnixID(nt.MustSID(sid))
		if ok != (want != 0) || id != want {
			t.Errorf("%s: %d, %v", sid, id, ok)
		}
		if back, ok := r.SIDOf(id); want != 0 && (!ok || back.String() != sid) {
			t.Errorf("%d is %v", id, back)
		}
	}
	for _, id := range []uint32{0, 99999, 103000} {
		if sid, ok := r.SIDOf(id); ok {
			t.Errorf("%d is %v", id, sid)
		}
	}
}
