package memfs_test

import (
	"context"
	"errors"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/memfs"
	"lwio/iomgr/iotest"
	"lwio/iomgr/nt"
)

func mount(t testing.TB, cfg memfs.Config) *iomgr.Manager {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(context.Background(), memfs.DriverEntry(cfg)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	return m
}

func TestFiles(t *testing.T) {
	iotest.RunFiles(t, func(t testing.TB) iotest.Files {
		m := mount(t, memfs.Config{})
		h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\memfs\suite`, DesiredAccess: nt.GenericRead, Disposition: nt.FileCreate, Options: nt.FileDirectoryFile})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Close(h); err != nil {
			t.Fatal(err)
		}
		return iotest.Files{API: m, Root: `\memfs\suite`}
	})
}

// TestFull: what does not fit is refused, and what is deleted makes room.
func TestFull(t *testing.T) {
	m := mount(t, memfs.Config{Capacity: 128 << 10})
	open := func(name string, options uint32) api.Handle {
		h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\memfs\` + name, DesiredAccess: nt.GenericAll, ShareAccess: 7, Disposition: nt.FileOpenIf, Options: options})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	a, b := open("a", nt.FileDeleteOnClose), open("b", 0)
	if n, err := m.WriteFile(t.Context(), a, make([]byte, 200<<10), 0); err != nil || n != 128<<10 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := m.WriteFile(t.Context(), b, []byte("x"), 0); !errors.Is(err, nt.StatusDiskFull) {
		t.Errorf("%v", err)
	}
	m.Close(a)
	if n, err := m.WriteFile(t.Context(), b, []byte("x"), 1<<40); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := m.WriteFile(t.Context(), b, []byte("x"), 1<<62); !errors.Is(err, nt.StatusInvalidParameter) {
		t.Errorf("%v", err)
	}
}

// TestOplock: a second open waits until the holder of an exclusive oplock has answered its break.
func TestOplock(t *testing.T) {
	m := mount(t, memfs.Config{})
	args := func(contexts ...any) *api.CreateArgs {
		return &api.CreateArgs{Name: `\memfs\f`, DesiredAccess: nt.GenericAll, ShareAccess: 7, Disposition: nt.FileOpenIf, Contexts: contexts}
	}
	a := args(api.Oplock{State: api.CacheRead | api.CacheWrite})
	h, err := m.CreateFile(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := api.Find[api.Oplock](a.Result.Contexts); !ok || o.State != api.CacheRead|api.CacheWrite {
		t.Fatalf("%+v", a.Result.Contexts)
	}
	second := make(chan error, 1)
	go func() {
		_, err := m.CreateFile(context.Background(), args())
		second <- err
	}()
	b := make([]byte, api.OplockBreakLen)
	if _, err := m.FsControlFile(t.Context(), h, nt.FsctlOplockBreakNotify, nil, b); err != nil || b[0] != 5 || b[1] != api.CacheRead {
		t.Fatalf("%x, %v", b, err)
	}
	select {
	case err := <-second:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	if _, err := m.FsControlFile(t.Context(), h, nt.FsctlOplockBreakAcknowledge, []byte{0}, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-second; err != nil {
		t.Fatal(err)
	}
}

// TestSecurity: descriptors decide, those of files made in a directory come of its own.
func TestSecurity(t *testing.T) {
	m := mount(t, memfs.Config{})
	alice := &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-1001"), PrimaryGroup: nt.SIDBuiltinUsers}
	bob := &nt.Token{User: nt.MustSID("S-1-5-21-1-2-3-1002"), PrimaryGroup: nt.SIDBuiltinUsers}
	sd, err := nt.ParseSDDL("D:P(A;OICI;FA;;;S-1-5-21-1-2-3-1001)(A;OICI;FR;;;S-1-5-21-1-2-3-1002)", nt.SID{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		token       *nt.Token
		access      nt.AccessMask
		disposition uint32
		options     uint32
		sd          *nt.SecurityDescriptor
		status      nt.Status
	}{
		{"d", nil, nt.GenericAll, nt.FileCreate, nt.FileDirectoryFile, sd, 0},
		{`d\f`, bob, nt.GenericRead, nt.FileCreate, 0, nil, nt.StatusAccessDenied},
		{`d\f`, alice, nt.GenericAll, nt.FileCreate, 0, nil, 0},
		{`d\f`, bob, nt.GenericRead, nt.FileOpen, 0, nil, 0},
		{`d\f`, bob, nt.GenericWrite, nt.FileOpen, 0, nil, nt.StatusAccessDenied},
		{`d\f`, bob, nt.GenericRead, nt.FileOverwrite, 0, nil, nt.StatusAccessDenied},
	} {
		h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: `\memfs\` + c.name, Token: c.token, DesiredAccess: c.access, ShareAccess: 7, Disposition: c.disposition,
			Options: c.options, SecurityDescriptor: c.sd})
		if nt.StatusOf(err) != c.status {
			t.Errorf("%+v: %v", c, err)
		}
		if err == nil {
			m.Close(h)
		}
	}
}
