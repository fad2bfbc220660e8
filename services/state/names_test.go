package state

import (
	"reflect"
	"strings"
	"testing"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

func TestNames(t *testing.T) {
	d := NewDomain(NewMemory())
	if got, err := d.LoadNames(t.Context()); err != nil || got != nil {
		t.Fatalf("%v %v", got, err)
	}
	domain := nt.MustSID("S-1-5-21-1-2-3")
	want := []KnownName{{`LAB\ALICE`, auth.Identity{SID: domain.Child(5), Type: auth.SIDTypeUser, Name: "alice", Domain: "LAB", DomainSID: domain}, 7},
		{"", auth.Identity{SID: domain.Child(512), Type: auth.SIDTypeGroup, Name: "Domain Admins", Domain: "LAB", DomainSID: domain}, 8}}
	if err := d.SaveNames(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := d.LoadNames(t.Context())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	e, err := d.store.Get(t.Context(), namesKey)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(e.Value) {
		if got, err := parseNames(e.Value[:n]); err == nil && reflect.DeepEqual(got, want) {
			t.Errorf("%d of %d bytes are the whole", n, len(e.Value))
		}
	}
	long := make([]KnownName, 100)
	for i := range long {
		long[i] = KnownName{Asked: strings.Repeat("x", 20000)}
	}
	if err := d.SaveNames(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	if got, err := d.LoadNames(t.Context()); err != nil || len(got) == 0 || len(got) == len(long) {
		t.Errorf("%d, %v", len(got), err)
	}
	if err := d.ForgetNames(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := d.LoadNames(t.Context()); err != nil || got != nil {
		t.Errorf("%v %v", got, err)
	}
}
