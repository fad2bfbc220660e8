package rdr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/iotest"
	"lwio/iomgr/nt"
)

// counted has a client count the bytes that come and go.
func counted(moved *atomic.Int64) func(*rdr.Config) {
	return func(c *rdr.Config) {
		c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &counting{nc, moved}, nil
		}
	}
}

type counting struct {
	net.Conn
	moved *atomic.Int64
}

func (m *counting) Read(b []byte) (int, error) {
	n, err := m.Conn.Read(b)
	m.moved.Add(int64(n))
	return n, err
}

func (m *counting) Write(b []byte) (int, error) {
	m.moved.Add(int64(len(b)))
	return m.Conn.Write(b)
}

// TestCoherence checks histories of two clients with caches, of two without, and of such that keep what they write for long, for short and not at all.
func TestCoherence(t *testing.T) {
	rounds := 150
	if testing.Short() {
		rounds = 40
	}
	small := func(c *rdr.Config) { c.Limits.CacheBytes = 128 << 10 }
	for name, edit := range map[string]func(*rdr.Config){"cache": nil, "small cache": small, "no cache": func(c *rdr.Config) { c.NoCache = true },
		"slow writes": slow, "quick writes": func(c *rdr.Config) { c.WriteDelay = time.Millisecond }, "no write-behind": func(c *rdr.Config) { c.NoWriteBehind = true },
		"few dirty bytes": func(c *rdr.Config) { slow(c); c.Limits.DirtyBytes = 64 }} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, nil, edit)
			iotest.RunCoherence(t, e.m, newClient(t, edit), e.name(`data\f`), nil, rounds, rand.Uint64())
			e.nothingOpen(t)
		})
	}
}

// scan reads a file in pieces.
func scan(t *testing.T, m *iomgr.Manager, h api.Handle, piece int) []byte {
	t.Helper()
	var all []byte
	buf := make([]byte, piece)
	for {
		n, err := m.ReadFile(t.Context(), h, buf, int64(len(all)))
		all = append(all, buf[:n]...)
		if errors.Is(err, nt.StatusEndOfFile) || errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestCachedReads: what was read is not asked for again, until somebody else can have changed it.
func TestCachedReads(t *testing.T) {
	var moved atomic.Int64
	e := newEnv(t, nil, counted(&moved))
	for _, size := range []int{1, 1000, 64 << 10, 1<<20 + 5} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i*31>>5 + i)
		}
		name := fmt.Sprintf(`data\f%d`, size)
		h := e.open(name, func(a *api.CreateArgs) { a.Disposition = nt.FileOverwriteIf })
		if _, err := e.m.WriteFile(t.Context(), h, data, 0); err != nil {
			t.Fatal(err)
		}
		if err := e.m.FlushBuffersFile(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		if got := scan(t, e.m, h, 4096); !bytes.Equal(got, data) {
			t.Fatalf("%d bytes of %d", len(got), size)
		}
		before := moved.Load()
		if got := scan(t, e.m, h, 3000); !bytes.Equal(got, data) {
			t.Errorf("again: %d bytes of %d", len(got), size)
		}
		if n := moved.Load() - before; n != 0 {
			t.Errorf("%d bytes went over the connection to read %d again", n, size)
		}
		if _, err := e.m.WriteFile(t.Context(), h, []byte("#"), int64(size/2)); err != nil {
			t.Fatal(err)
		}
		data[size/2] = '#'
		if got := scan(t, e.m, h, 4096); !bytes.Equal(got, data) {
			t.Errorf("after a write: %d bytes of %d", len(got), size)
		}
		other := newClient(t, nil)
		g, err := other.CreateFile(t.Context(), &api.CreateArgs{Name: e.name(name), DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpen,
			ShareAccess: 7, Impersonation: api.ImpersonateImpersonation})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.WriteFile(t.Context(), g, []byte("more"), int64(size)); err != nil {
			t.Fatal(err)
		}
		data = append(data, "more"...)
		if got := scan(t, e.m, h, 4096); !bytes.Equal(got, data) {
			t.Errorf("after another's write: %d bytes of %d", len(got), size)
		}
		if err := other.Close(g); err != nil {
			t.Error(err)
		}
		if err := e.m.Close(h); err != nil {
			t.Error(err)
		}
	}
}

// TestUncachedReads: who wants no cache has none.
func TestUncachedReads(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*rdr.Config)
		open func(*api.CreateArgs)
	}{
		"off":    {func(c *rdr.Config) { c.NoCache = true }, create},
		"leases": {func(c *rdr.Config) { c.NoLeases = true }, create},
		"direct": {nil, func(a *api.CreateArgs) { a.Disposition, a.Options = nt.FileOpenIf, nt.FileNoIntermediateBuffering }},
	} {
		t.Run(name, func(t *testing.T) {
			var moved atomic.Int64
			e := newEnv(t, nil, func(cfg *rdr.Config) {
				counted(&moved)(cfg)
				if c.edit != nil {
					c.edit(cfg)
				}
			})
			h := e.open(`data\f`, c.open)
			defer e.m.Close(h)
			data := bytes.Repeat([]byte("x"), 8192)
			if _, err := e.m.WriteFile(t.Context(), h, data, 0); err != nil {
				t.Fatal(err)
			}
			before := moved.Load()
			for range 3 {
				if got := scan(t, e.m, h, 4096); !bytes.Equal(got, data) {
					t.Fatalf("%d bytes", len(got))
				}
			}
			if n := moved.Load() - before; n < 3*8192 {
				t.Errorf("%d bytes went over the connection", n)
			}
		})
	}
}
