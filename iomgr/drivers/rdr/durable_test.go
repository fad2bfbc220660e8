package rdr_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"lwio/gen/srvctl"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/devctl"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// cutFirst cuts the first connection after n bytes; those that come after it are whole.
func cutFirst(left *atomic.Int64) func(*rdr.Config) {
	var dials atomic.Int32
	return func(c *rdr.Config) {
		c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if err != nil || dials.Add(1) > 1 {
				return nc, err
			}
			return &cutter{nc, left}, nil
		}
	}
}

// TestCutFile cuts the connection after each byte of everything that is done to a file. Once it is open all of it goes well; nothing is
// written that was not to be, and nothing stays open.
func TestCutFile(t *testing.T) {
	for name, dialect := range map[string]smb2.Dialect{"2.1": smb2.Dialect210, "3.0": smb2.Dialect300, "3.1.1": smb2.Dialect311} {
		t.Run(name, func(t *testing.T) {
			e := newServer(t, nil)
			used := e.fileCutAt(t, 1<<40, dialect)
			t.Logf("%d bytes in all", used)
			step := int64(7)
			if testing.Short() {
				step = 211
			}
			var next atomic.Int64
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for {
						n := next.Add(step) - step
						if n >= used || t.Failed() {
							return
						}
						e.fileCutAt(t, n, dialect)
					}
				})
			}
			wg.Wait()
			if dialect == smb2.Dialect210 { // where a create has no name of its own, one whose answer was lost lasts until somebody needs the file
				e.needAll(t)
			}
			e.nothingOpen(t)
		})
	}
}

// needAll opens every file for itself alone.
func (e *env) needAll(t *testing.T) {
	m := newClient(t, nil)
	list, err := os.ReadDir(e.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: e.name(`data\` + f.Name()), DesiredAccess: nt.GenericWrite, Disposition: nt.FileOpen,
			Impersonation: api.ImpersonateImpersonation})
		if err != nil {
			t.Error(f.Name(), err)
			continue
		}
		if err := m.Close(h); err != nil {
			t.Error(err)
		}
	}
}

// nothingOpen waits until the server has no file open.
func (e *env) nothingOpen(t *testing.T) {
	t.Helper()
	dev, err := devctl.Open(t.Context(), e.server, `\srv`)
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	until(t, "the server has closed every file", func() bool {
		res, err := srvctl.NewClient(dev).SrvFileEnum(t.Context(), &srvctl.SrvFileEnumRequest{})
		return err == nil && res.Files.Count == 0
	})
}

// fileCutAt does all that can be done to a file, over a connection that is cut after n bytes.
func (e *env) fileCutAt(t *testing.T, n int64, dialect smb2.Dialect) int64 {
	left := new(atomic.Int64)
	left.Store(n)
	cfg := rdr.Config{Initiator: ntlmInitiator, Default: credential("alice"), RequestTimeout: testTimeout, MaxDialect: dialect}
	cutFirst(left)(&cfg)
	m := iomgr.New(iomgr.Config{Log: testLog(t)})
	if err := m.Load(context.Background(), rdr.DriverEntry(cfg)); err != nil {
		t.Error(err)
		return 0
	}
	defer func() {
		end, done := context.WithTimeout(context.Background(), testTimeout)
		defer done()
		if err := m.Shutdown(end); err != nil {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	name := "cut" + strconv.FormatInt(n, 10)
	h, err := m.CreateFile(ctx, &api.CreateArgs{Name: e.name(`data\` + name), DesiredAccess: nt.GenericRead | nt.GenericWrite | nt.Delete,
		Disposition: nt.FileOpenIf, Impersonation: api.ImpersonateImpersonation})
	if err != nil {
		if !errors.Is(err, nt.StatusConnectionDisconnected) {
			t.Errorf("cut after %d bytes: open: %v", n, err)
		}
		return n - left.Load()
	}
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("cut after %d bytes: %s: %v", n, what, err)
		}
	}
	want := bytes.Repeat([]byte("0123456789abcdef"), 20)
	for at := 0; at < len(want); at += 160 {
		_, err := m.WriteFile(ctx, h, want[at:at+160], int64(at))
		check("write", err)
	}
	lock := &api.LockArgs{Offset: 10, Length: 5, Exclusive: true, FailImmediately: true}
	check("lock", m.LockFile(ctx, h, lock))
	got := make([]byte, 400)
	k, err := m.ReadFile(ctx, h, got, 0)
	check("read", err)
	if !bytes.Equal(got[:k], want) {
		t.Errorf("cut after %d bytes: read %q", n, got[:k])
	}
	check("flush", m.FlushBuffersFile(ctx, h))
	check("unlock", m.UnlockFile(ctx, h, lock))
	check("set end", m.SetInformationFile(ctx, h, nt.FileEndOfFileInformation, binary.LittleEndian.AppendUint64(nil, 300)))
	info := make([]byte, 24)
	_, err = m.QueryInformationFile(ctx, h, nt.FileStandardInformation, info)
	check("query", err)
	if size := binary.LittleEndian.Uint64(info[8:]); size != 300 {
		t.Errorf("cut after %d bytes: %d bytes long", n, size)
	}
	check("close", m.Close(h))
	if b, err := os.ReadFile(filepath.Join(e.dir, name)); err != nil || !bytes.Equal(b, want[:300]) {
		t.Errorf("cut after %d bytes: the server has %q, %v", n, b, err)
	}
	return n - left.Load()
}

// TestDurableLost: a handle that somebody else needed meanwhile is lost, and says so; another client's data is not overwritten.
func TestDurableLost(t *testing.T) {
	var dials counter
	e := newEnv(t, nil, func(c *rdr.Config) { c.Dial = dials.dial })
	h := e.open(`data\f`, create)
	if _, err := e.m.WriteFile(t.Context(), h, []byte("mine"), 0); err != nil {
		t.Fatal(err)
	}
	dials.refuse.Store(true)
	dials.cut()
	other := newClient(t, nil)
	ctx := t.Context()
	g, err := other.CreateFile(ctx, &api.CreateArgs{Name: e.name(`data\f`), DesiredAccess: nt.GenericRead | nt.GenericWrite,
		Disposition: nt.FileOpen, ShareAccess: 7, Impersonation: api.ImpersonateImpersonation})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.WriteFile(ctx, g, []byte("ours"), 0); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(g); err != nil {
		t.Fatal(err)
	}
	dials.refuse.Store(false)
	buf := make([]byte, 4)
	if _, err := e.m.WriteFile(ctx, h, []byte("late"), 0); !errors.Is(err, nt.StatusConnectionDisconnected) {
		t.Errorf("write: %v", err)
	}
	if _, err := e.m.ReadFile(ctx, h, buf, 0); !errors.Is(err, nt.StatusConnectionDisconnected) {
		t.Errorf("read: %v", err)
	}
	if err := e.m.Close(h); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile(filepath.Join(e.dir, "f")); string(b) != "ours" {
		t.Errorf("%q", b)
	}
}

// TestReopenWaits: what is asked while the server cannot be reached is done when it can, or is cancelled.
func TestReopenWaits(t *testing.T) {
	var dials counter
	e := newEnv(t, nil, func(c *rdr.Config) { c.Dial = dials.dial })
	h := e.open(`data\f`, create)
	dials.refuse.Store(true)
	dials.cut()
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { _, err := e.m.ReadFile(ctx, h, make([]byte, 4), 0); gone <- err }()
	until(t, "it is tried again", func() bool { return dials.refused.Load() > 1 })
	cancel()
	if err := wait(t, gone); !errors.Is(err, nt.StatusCancelled) && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	wrote := make(chan error, 1)
	go func() { _, err := e.m.WriteFile(t.Context(), h, []byte("held"), 0); wrote <- err }()
	dials.refuse.Store(false)
	if err := wait(t, wrote); err != nil {
		t.Error(err)
	}
	dials.refuse.Store(true)
	dials.cut()
	if err := e.m.Close(h); err != nil {
		t.Error(err)
	}
	dials.refuse.Store(false)
	until(t, "what was written is on the server", func() bool { b, _ := os.ReadFile(filepath.Join(e.dir, "f")); return string(b) == "held" })
	e.nothingOpen(t)
}

// TestReopenRenamed: a file is had back by its new name.
func TestReopenRenamed(t *testing.T) {
	var dials counter
	e := newEnv(t, nil, func(c *rdr.Config) { c.Dial = dials.dial })
	h := e.open(`data\old`, create, func(a *api.CreateArgs) { a.DesiredAccess |= nt.Delete })
	info := make([]byte, 20)
	name := nt.AppendUTF16(nil, "new")
	binary.LittleEndian.PutUint32(info[16:], uint32(len(name)))
	if err := e.m.SetInformationFile(t.Context(), h, nt.FileRenameInformation, append(info, name...)); err != nil {
		t.Fatal(err)
	}
	old := e.open(`data\old`, create)
	defer e.m.Close(old)
	dials.cut()
	for i, h := range []api.Handle{h, old} {
		if _, err := e.m.WriteFile(t.Context(), h, []byte{'0' + byte(i)}, 0); err != nil {
			t.Error(i, err)
		}
	}
	if err := e.m.Close(h); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"new": "0", "old": "1"} {
		until(t, name, func() bool { b, _ := os.ReadFile(filepath.Join(e.dir, name)); return string(b) == want })
	}
}
