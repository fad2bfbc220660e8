package state

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"lwio/iomgr/nt"
)

func TestIDMap(t *testing.T) {
	store := NewMemory()
	m, err := NewIDMap(t.Context(), store, 1000, 3)
	if err != nil {
		t.Fatal(err)
	}
	one, two := nt.MustSID("S-1-5-21-1-2-3"), nt.MustSID("S-1-5-21-4-5-6")
	ensure := func(want bool, wantErr error, sids ...nt.SID) {
		t.Helper()
		if added, err := m.Ensure(t.Context(), sids...); added != want || !errors.Is(err, wantErr) {
			t.Errorf("%v: %v, %v; want %v, %v", sids, added, err, want, wantErr)
		}
	}
	ensure(true, nil, one.Child(513), nt.SIDWorld, nt.SIDBuiltinUsers, one, nt.SID{}) // a domain's own SID is no account of one
	ensure(false, nil, one.Child(500), one.Child(999))
	ensure(true, nil, two.Child(1), one.Child(1000))
	ensure(false, nil, one.Child(1999))
	ensure(false, ErrIDsFull, two.Child(1000))
	want := []IDSlice{{one, 0}, {two, 0}, {one, 1000}}
	if !slices.Equal(m.Slices(), want) {
		t.Errorf("%v", m.Slices())
	}
	again, err := NewIDMap(t.Context(), store, 1000, 3)
	if err != nil || !slices.Equal(again.Slices(), want) {
		t.Errorf("after a restart: %v, %v", again.Slices(), err)
	}
	// Files would be others' with another size.
	if _, err := NewIDMap(t.Context(), store, 2000, 3); err == nil || !strings.Contains(err.Error(), "slices of 1000") {
		t.Errorf("with another size: %v", err)
	}
	if err := store.Delete(t.Context(), idSliceKey(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := NewIDMap(t.Context(), store, 1000, 3); !errors.Is(err, ErrCorrupt) {
		t.Errorf("with one missing: %v", err)
	}
}
