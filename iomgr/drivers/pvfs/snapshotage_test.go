package pvfs

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// TestSnapshotsAge: a list is read again after a moment, and not before.
func TestSnapshotsAge(t *testing.T) {
	m, dir := mountQuotas(t, nil)
	s := &api.Snapshots{Dir: "snap", Format: api.GMTFormat}
	h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\`, DesiredAccess: nt.FileReadData, ShareAccess: 7, Disposition: nt.FileOpen, Contexts: []any{s}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	v := h.(*api.File).Device().Impl().(*volume)
	pass := func(d time.Duration) {
		v.snapshots.mu.Lock()
		for _, l := range v.snapshots.lists {
			l.read = l.read.Add(-d)
		}
		v.snapshots.mu.Unlock()
	}
	count := func(what string, want uint32) {
		t.Helper()
		b := make([]byte, 16)
		n, err := m.FsControlFile(t.Context(), h, nt.FsctlSrvEnumerateSnapshots, nil, b)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := api.ParseSnapshotArray(b[:n]); err != nil || a.Available != want {
			t.Errorf("%s: %+v %v, want %d", what, a, err, want)
		}
	}
	first, second := filepath.Join(dir, "snap/@GMT-2024.01.02-03.04.05"), filepath.Join(dir, "snap/@GMT-2024.01.02-03.04.06")
	if err := os.MkdirAll(first, 0o777); err != nil {
		t.Fatal(err)
	}
	pass(snapshotsKept) // the open has looked
	count("first", 1)
	if err := os.Mkdir(second, 0o777); err != nil {
		t.Fatal(err)
	}
	count("at once", 1)
	pass(snapshotsKept)
	count("after a moment", 2)
	if err := os.RemoveAll(filepath.Join(dir, "snap")); err != nil {
		t.Fatal(err)
	}
	pass(snapshotsKept)
	count("gone", 0)
	for i := range 2 * maxSnapshotLists {
		if _, status := v.snapshotsOf(&api.Snapshots{Dir: string(rune('a' + i)), Format: api.GMTFormat}); status != nt.StatusSuccess {
			t.Fatal(status)
		}
	}
	if n := len(v.snapshots.lists); n > maxSnapshotLists {
		t.Errorf("%d lists are remembered", n)
	}
}
