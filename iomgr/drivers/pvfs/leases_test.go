package pvfs_test

import (
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// TestDirectoryLeaseAndWrites breaks the lease on a directory when a file in it that was written is closed, and not before.
func TestDirectoryLeaseAndWrites(t *testing.T) {
	m, _ := mount(t)
	m.Close(mustOpen(t, m, "d", nt.FileCreate, nt.FileDirectoryFile))
	m.Close(mustOpen(t, m, `d\f`, nt.FileCreate, 0))
	a := &api.CreateArgs{Name: `\pvfs\d`, DesiredAccess: nt.FileGenericRead, ShareAccess: 7, Disposition: nt.FileOpen, Options: nt.FileDirectoryFile,
		Contexts: []any{api.Oplock{State: api.CacheRead | api.CacheHandle, Lease: true, Key: nt.GUID{1}, Version: 2}}}
	d, err := m.CreateFile(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(d)
	if got, ok := api.Find[api.Oplock](a.Result.Contexts); !ok || got.State != api.CacheRead|api.CacheHandle {
		t.Fatalf("%+v", got)
	}
	broken := make(chan *api.Request, 1)
	m.Submit(&api.Request{Op: api.OpFsControl, Handle: d, Code: nt.FsctlOplockBreakNotify, Out: make([]byte, api.OplockBreakLen), Done: func(r *api.Request) { broken <- r }})
	h := mustOpen(t, m, `d\f`, nt.FileOpen, 0)
	if _, err := m.WriteFile(t.Context(), h, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	select {
	case <-broken:
		t.Error("broken by the write")
	default:
	}
	m.Close(h)
	select {
	case r := <-broken:
		if b, ok := api.ParseOplockBreak(r.Out[:r.N]); !ok || b.To != 0 {
			t.Errorf("%v %+v", r.Status, b)
		}
	default:
		t.Error("not broken by the close")
	}
}
