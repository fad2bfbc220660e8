package stress

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
)

// TestOpensStop: one client that opens and opens is stopped at the limit of its session; others go on, and what it closes it may open again.
func TestOpensStop(t *testing.T) {
	const limit = 10000
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil || lim.Cur < limit+1000 {
		t.Skipf("%d descriptors are too few", lim.Cur)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	server, addr := startServer(t, dir, srv.Limits{OpensPerSession: limit})
	defer server.Shutdown(context.Background())
	one, two := startClient(t, "one", new(wire)), startClient(t, "two", new(wire))
	defer one.Shutdown(context.Background())
	defer two.Shutdown(context.Background())
	args := func() *api.CreateArgs {
		return &api.CreateArgs{Name: `\rdr\` + addr + `\data\f`, DesiredAccess: nt.FileReadData, ShareAccess: 7, Disposition: nt.FileOpen, Impersonation: api.ImpersonateImpersonation}
	}
	var open []api.Handle
	for {
		h, err := one.CreateFile(t.Context(), args())
		if err != nil {
			if !errors.Is(err, nt.StatusInsufficientResources) && !errors.Is(err, nt.StatusTooManyOpenedFiles) {
				t.Error(err)
			}
			t.Logf("%d opens, then %v", len(open), err)
			break
		}
		if open = append(open, h); len(open) > limit {
			t.Fatal("there is no limit")
		}
	}
	if len(open) != limit {
		t.Errorf("%d opens, want %d", len(open), limit)
	}
	h, err := two.CreateFile(t.Context(), args())
	if err != nil {
		t.Fatalf("the other client: %v", err)
	}
	two.Close(h)
	one.Close(open[0])
	if open[0], err = one.CreateFile(t.Context(), args()); err != nil {
		t.Errorf("in the place of one that was closed: %v", err)
	}
	for _, h := range open {
		one.Close(h)
	}
	until(t, "opens of the server", func() int { return opens(server) }, 0)
}

// TestVanish: the directory of a share goes, and comes back. What is open lives on, other shares do not notice.
func TestVanish(t *testing.T) {
	base := t.TempDir()
	dir, away := filepath.Join(base, "share"), filepath.Join(base, "away")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	server, addr := startServer(t, dir, srv.Limits{})
	defer server.Shutdown(context.Background())
	m := startClient(t, "one", new(wire))
	defer m.Shutdown(context.Background())
	create := func(name string, disposition uint32) (api.Handle, error) {
		return m.CreateFile(t.Context(), &api.CreateArgs{Name: `\rdr\` + addr + `\data\` + name, DesiredAccess: nt.FileGenericRead | nt.FileGenericWrite, ShareAccess: 7, Disposition: disposition,
			Impersonation: api.ImpersonateImpersonation})
	}
	h, err := create("f", nt.FileCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	for range 3 {
		if err := os.Rename(dir, away); err != nil {
			t.Fatal(err)
		}
		for name, disposition := range map[string]uint32{"f": nt.FileOpen, "g": nt.FileCreate, `d\x`: nt.FileOpenIf} {
			if h, err := create(name, disposition); !errors.Is(err, nt.StatusObjectPathNotFound) && !errors.Is(err, nt.StatusObjectNameNotFound) {
				if err == nil {
					m.Close(h)
				}
				t.Errorf("%s in a share that is gone: %v", name, err)
			}
		}
		if n, err := m.WriteFile(t.Context(), h, []byte("open"), 0); err != nil || n != 4 {
			t.Errorf("what was open before: %d, %v", n, err)
		}
		if err := os.Rename(away, dir); err != nil {
			t.Fatal(err)
		}
		again, err := create("f", nt.FileOpen)
		if err != nil {
			t.Fatalf("when it is back: %v", err)
		}
		b := make([]byte, 10)
		if n, err := m.ReadFile(t.Context(), again, b, 0); err != nil || string(b[:n]) != "open" {
			t.Errorf("%q, %v", b[:n], err)
		}
		m.Close(again)
	}
	if _, err := os.Stat(filepath.Join(dir, "g")); err == nil {
		t.Error("something was made in a share that was gone")
	}
}
