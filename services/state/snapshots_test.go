package state

import (
	"errors"
	"maps"
	"testing"
)

func TestSnapshots(t *testing.T) {
	ctx := t.Context()
	store := NewMemory()
	table := NewShares(store)
	want := map[string]string{"DATA": ".snapshots", "GRÖßE": ".zfs/snapshot:auto-%Y%m%d"}
	for _, put := range [][2]string{{"data", "elsewhere"}, {"Data", ".snapshots"}, {"größe", want["GRÖßE"]}, {"gone", "x"}, {"GONE", ""}, {"never", ""}} {
		if err := table.PutSnapshots(ctx, put[0], put[1]); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := table.LoadSnapshots(ctx); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
	if list, err := table.Load(ctx); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	if err := table.PutSnapshots(ctx, "", "x"); !errors.Is(err, ErrInvalid) {
		t.Errorf("%v", err)
	}
	for _, bad := range [][]byte{nil, {2}, {0}, {1, 5, 'x'}} {
		if _, err := store.Put(ctx, snapshotPrefix+"BAD", bad); err != nil {
			t.Fatal(err)
		}
		if got, err := table.LoadSnapshots(ctx); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%x: %v %v", bad, got, err)
		}
	}
}
