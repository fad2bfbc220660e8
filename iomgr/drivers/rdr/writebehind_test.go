package rdr_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/iofs"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// slow has a client keep what was written until it has to go.
func slow(c *rdr.Config) { c.WriteDelay = time.Hour }

// TestWriteBehind: small writes are done without the server, and everything that could show them finds them there.
func TestWriteBehind(t *testing.T) {
	var moved atomic.Int64
	e := newEnv(t, nil, func(c *rdr.Config) { slow(c); counted(&moved)(c) })
	ctx := t.Context()
	other := newClient(t, nil)
	file := filepath.Join(e.dir, "f")
	onServer := func() string { b, _ := os.ReadFile(file); return string(b) }
	write := func(h api.Handle, s string, at int64) {
		t.Helper()
		if _, err := e.m.WriteFile(ctx, h, []byte(s), at); err != nil {
			t.Fatal(err)
		}
	}
	for name, show := range map[string]func(h api.Handle) error{
		"flush": func(h api.Handle) error { return e.m.FlushBuffersFile(ctx, h) },
		"lock": func(h api.Handle) error {
			return e.m.LockFile(ctx, h, &api.LockArgs{Length: 1, Exclusive: true, FailImmediately: true})
		},
		"query": func(h api.Handle) error {
			b := make([]byte, 24)
			_, err := e.m.QueryInformationFile(ctx, h, nt.FileStandardInformation, b)
			if n := binary.LittleEndian.Uint64(b[8:]); n != 10 {
				t.Errorf("%d bytes long", n)
			}
			return err
		},
		"attribute": func(h api.Handle) error {
			_, err := e.m.FsControlFile(ctx, h, nt.FsctlPipeGetConnectionAttribute, []byte("WriteError\x00"), make([]byte, 4))
			return err
		},
		"stat by name": func(api.Handle) error {
			i, err := iofs.New(e.m, e.name("data"), iofs.Config{}).Stat("f")
			if err == nil && i.Size() != 10 {
				t.Errorf("%v", i.Size())
			}
			return err
		},
		"listing": func(api.Handle) error {
			list, err := iofs.New(e.m, e.name("data"), iofs.Config{}).ReadDir(".")
			if i, _ := list[0].Info(); err == nil && i.Size() != 10 {
				t.Errorf("%v", i.Size())
			}
			return err
		},
		"another client": func(api.Handle) error {
			b, err := iofs.New(other, e.name("data"), iofs.Config{}).ReadFile("f")
			if string(b) != "abcdefghij" {
				t.Errorf("%q", b)
			}
			return err
		},
		"the end": func(h api.Handle) error {
			b := make([]byte, 20)
			n, err := e.m.ReadFile(ctx, h, b, 0)
			if string(b[:n]) != "abcdefghij" {
				t.Errorf("%q", b[:n])
			}
			return err
		},
		"write through": func(h api.Handle) error {
			return api.Do(ctx, e.m, &api.Request{Op: api.OpWrite, Handle: h, In: []byte("abc"), Flags: api.FlagWriteThrough})
		},
		"close": func(h api.Handle) error {
			err := e.m.Close(h)
			until(t, "it is written", func() bool { return onServer() == "abcdefghij" })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			e.nothingOpen(t)
			h := e.open(`data\f`, func(a *api.CreateArgs) { a.Disposition = nt.FileOverwriteIf })
			defer e.m.Close(h)
			before := moved.Load()
			for i, s := range []string{"abc", "def", "xhi", "g", "j"} {
				write(h, s, []int64{0, 3, 6, 6, 9}[i])
			}
			b := make([]byte, 4)
			if n, err := e.m.ReadFile(ctx, h, b, 3); n != 4 || err != nil || string(b) != "defg" {
				t.Errorf("%q, %v", b[:n], err)
			}
			if n := moved.Load() - before; n != 0 {
				t.Errorf("%d bytes went over the connection", n)
			}
			if err := show(h); err != nil {
				t.Error(err)
			}
			if got := onServer(); got != "abcdefghij" {
				t.Errorf("the server has %q", got)
			}
		})
	}
	h := e.open(`data\g`, create, func(a *api.CreateArgs) { a.Options = nt.FileWriteThrough })
	defer e.m.Close(h)
	write(h, "now", 0)
	if b, _ := os.ReadFile(filepath.Join(e.dir, "g")); string(b) != "now" {
		t.Errorf("an open for writing through: the server has %q", b)
	}
}

// TestWriteBehindBounds: what waits is bounded, and goes by itself after a while.
func TestWriteBehindBounds(t *testing.T) {
	e := newEnv(t, nil, func(c *rdr.Config) {
		c.WriteDelay = 20 * time.Millisecond
		c.Limits.DirtyBytes, c.Limits.DirtyBytesPerFile = 96<<10, 64<<10
	})
	rnd := rand.New(rand.NewPCG(1, 2))
	want := make([]byte, 1<<20)
	h := e.open(`data\f`, create)
	for range 2000 {
		at, n := rnd.IntN(len(want)-9000), 1+rnd.IntN(9000)
		for i := range n {
			want[at+i] = byte(rnd.Uint32())
		}
		if _, err := e.m.WriteFile(t.Context(), h, want[at:at+n], int64(at)); err != nil {
			t.Fatal(err)
		}
		from, m := rnd.IntN(len(want)-5000), rnd.IntN(5000)
		buf := make([]byte, m)
		if k, err := e.m.ReadFile(t.Context(), h, buf, int64(from)); err == nil && !bytes.Equal(buf[:k], want[from:from+k]) {
			t.Fatalf("read %d bytes at %d: not what was written", k, from)
		}
	}
	until(t, "it is written", func() bool {
		b, _ := os.ReadFile(filepath.Join(e.dir, "f"))
		return bytes.Equal(b, want[:len(b)]) && bytes.Equal(want[len(b):], make([]byte, len(want)-len(b)))
	})
	if err := e.m.Close(h); err != nil {
		t.Error(err)
	}
}

// TestWriteBehindErrors: what the server refuses later is told, once, by the next that can tell it.
func TestWriteBehindErrors(t *testing.T) {
	for name, ask := range map[string]func(api.API, api.Handle) error{
		"flush": func(m api.API, h api.Handle) error { return m.FlushBuffersFile(context.Background(), h) },
		"attribute": func(m api.API, h api.Handle) error {
			b := make([]byte, 4)
			if _, err := m.FsControlFile(context.Background(), h, nt.FsctlPipeGetConnectionAttribute, []byte("WriteError\x00"), b); err != nil {
				return err
			}
			return nt.Status(binary.LittleEndian.Uint32(b))
		},
		"write": func(m api.API, h api.Handle) error {
			_, err := m.WriteFile(context.Background(), h, make([]byte, 1<<20), 0)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{t: t, dialect: smb2.Dialect311}
			leasing(f, durably, func(_ *fakeConn, q *query, a *answer) []*answer {
				if q.h.Command == smb2.Write {
					a.fail(nt.StatusDiskFull)
				}
				return []*answer{a}
			})
			m := f.client(slow)
			h, err := openFake(m)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.WriteFile(t.Context(), h, []byte("much"), 0); err != nil {
				t.Errorf("write: %v", err)
			}
			if n := f.count(smb2.Write); n != 0 {
				t.Errorf("%d writes were sent", n)
			}
			if err := ask(m, h); !errors.Is(err, nt.StatusDiskFull) {
				t.Errorf("%v", err)
			}
			if err := m.FlushBuffersFile(t.Context(), h); err != nil {
				t.Errorf("again: %v", err)
			}
			if err := m.Close(h); err != nil {
				t.Error(err)
			}
			shutdown(t, m)
			f.ended()
			if n := f.balance(); n != 0 {
				t.Errorf("%d files open", n)
			}
		})
	}
}

// TestWriteBehindShutdown: a client that ends brings what was written to the server first.
func TestWriteBehindShutdown(t *testing.T) {
	e := newEnv(t, nil, slow)
	m := newClient(t, slow)
	h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: e.name(`data\f`), DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpenIf,
		Impersonation: api.ImpersonateImpersonation})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.WriteFile(t.Context(), h, []byte("last words"), 0); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(filepath.Join(e.dir, "f")); len(b) != 0 {
		t.Errorf("the server has %q already", b)
	}
	shutdown(t, m)
	if b, _ := os.ReadFile(filepath.Join(e.dir, "f")); string(b) != "last words" {
		t.Errorf("the server has %q", b)
	}
}

// TestWriteBehindMoves: what was written and closed is on the server before a directory above it gets another name, which one that is open there would forbid.
func TestWriteBehindMoves(t *testing.T) {
	e := newEnv(t, nil, slow)
	ctx := t.Context()
	files := iofs.New(e.m, e.name("data"), iofs.Config{})
	for i := range 60 {
		dir := "d" + string(rune('a'+i%26))
		below := dir
		if i%3 == 0 {
			below = dir + `\deep`
		}
		for _, name := range []string{dir, below} {
			h, err := e.try(`data\`+name, create, func(a *api.CreateArgs) { a.Options = nt.FileDirectoryFile })
			if err != nil {
				t.Fatal(err)
			}
			e.m.Close(h)
		}
		h := e.open(`data\`+below+`\f`, create)
		if _, err := e.m.WriteFile(ctx, h, []byte("F"), 0); err != nil {
			t.Fatal(err)
		}
		if err := e.m.Close(h); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			if err := files.Rename(dir, "moved"); err != nil {
				t.Fatalf("round %d: %v", i, err)
			}
		} else {
			h, err := e.try(`data\`+dir, func(a *api.CreateArgs) {
				a.DesiredAccess, a.Disposition, a.Options, a.ShareAccess = nt.Delete, nt.FileOpen, nt.FileDirectoryFile, 7
			})
			if err != nil {
				t.Fatal(err)
			}
			in := make([]byte, 20)
			binary.LittleEndian.PutUint32(in[16:], 10)
			in = nt.AppendUTF16(in, "moved")
			if err := e.m.SetInformationFile(ctx, h, nt.FileRenameInformation, in); err != nil {
				t.Fatalf("round %d: %v", i, err)
			}
			e.m.Close(h)
		}
		if b, err := files.ReadFile("moved/" + map[bool]string{true: "deep/f", false: "f"}[i%3 == 0]); err != nil || string(b) != "F" {
			t.Fatalf("round %d: %q, %v", i, b, err)
		}
		if err := os.RemoveAll(filepath.Join(e.dir, "moved")); err != nil {
			t.Fatal(err)
		}
	}
}
