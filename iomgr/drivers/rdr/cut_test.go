package rdr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/nt"
	"lwio/pipes"
)

// cutter is a connection that ends after so many bytes, counted both ways.
type cutter struct {
	net.Conn
	left *atomic.Int64
}

var errCut = errors.New("cut")

func (c *cutter) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if left := c.left.Add(-int64(n)); left < 0 {
		_ = c.Conn.Close()
		if n = max(0, n+int(left)); n == 0 {
			return 0, errCut
		}
		return n, nil
	}
	return n, err
}

func (c *cutter) Write(b []byte) (int, error) {
	left := c.left.Add(-int64(len(b)))
	if left >= 0 {
		return c.Conn.Write(b)
	}
	n := max(0, len(b)+int(left))
	n, _ = c.Conn.Write(b[:n])
	_ = c.Conn.Close()
	return n, errCut
}

// TestCut cuts the connection after each byte of a whole connect, open, call and close: either it all works, or the error is clear and nothing is left.
func TestCut(t *testing.T) {
	e := newServer(t, nil)
	var opens atomic.Int32
	e.listen("echo", func(c *pipes.Conn) {
		opens.Add(1)
		defer opens.Add(-1)
		echo(c)
	})
	before := runtime.NumGoroutine()
	const forever = 1 << 40
	used := e.cutAt(t, forever, true)
	t.Logf("%d bytes in all", used)
	if used < 1000 {
		t.Fatal("nothing went over the connection")
	}
	step := int64(1)
	if testing.Short() {
		step = 17
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
				e.cutAt(t, n, false)
			}
		})
	}
	wg.Wait()
	until(t, "the server has closed every pipe", func() bool { return opens.Load() == 0 })
	until(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

func (e *env) cutAt(t *testing.T, n int64, must bool) int64 {
	left := new(atomic.Int64)
	left.Store(n)
	m := iomgr.New(iomgr.Config{Log: testLog(t)})
	cfg := rdr.Config{Initiator: ntlmInitiator, Default: credential("alice"), RequestTimeout: testTimeout,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &cutter{nc, left}, nil
		}}
	if err := m.Load(context.Background(), rdr.DriverEntry(cfg)); err != nil {
		t.Error(err)
		return 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	h, err := m.CreateFile(ctx, &api.CreateArgs{Name: e.name(`IPC$\echo`), DesiredAccess: nt.GenericRead | nt.GenericWrite,
		Disposition: nt.FileOpen, Impersonation: api.ImpersonateImpersonation})
	clear := func(what string, err error) {
		if must && err != nil || err != nil && !errors.Is(err, nt.StatusConnectionDisconnected) {
			t.Errorf("cut after %d bytes: %s: %v", n, what, err)
		}
	}
	clear("open", err)
	if err == nil {
		buf := make([]byte, 64)
		got, err := m.FsControlFile(ctx, h, nt.FsctlPipeTransceive, []byte("hello"), buf)
		clear("transceive", err)
		if err == nil && !bytes.Equal(buf[:got], []byte("hello")) {
			t.Errorf("cut after %d bytes: got %q", n, buf[:got])
		}
		if err := m.Close(h); err != nil {
			t.Errorf("cut after %d bytes: close: %v", n, err)
		}
	}
	end, done := context.WithTimeout(context.Background(), testTimeout)
	defer done()
	if err := m.Shutdown(end); err != nil {
		t.Errorf("cut after %d bytes: %v", n, err)
	}
	return n - left.Load()
}

// TestLost: a connection that is lost ends everything that is under way; its handles stay dead, and the next open connects anew.
func TestLost(t *testing.T) {
	var dials counter
	e := newEnv(t, nil, func(c *rdr.Config) { c.Dial = dials.dial })
	e.listen("silent", silent)
	h := e.open(`IPC$\silent`)
	const count = 20
	done := make(chan nt.Status, count)
	for range count {
		e.m.Submit(&api.Request{Op: api.OpRead, Handle: h, Out: make([]byte, 10), Done: func(r *api.Request) { done <- r.Status }})
	}
	dials.cut()
	for range count {
		if st := wait(t, done); st != nt.StatusConnectionDisconnected {
			t.Error(st)
		}
	}
	if _, err := e.m.WriteFile(t.Context(), h, []byte("x"), 0); !errors.Is(err, nt.StatusConnectionDisconnected) {
		t.Error(err)
	}
	again := e.open(`IPC$\silent`)
	if _, err := e.m.WriteFile(t.Context(), again, []byte("x"), 0); err != nil {
		t.Error(err)
	}
	for _, h := range []api.Handle{h, again} {
		if err := e.m.Close(h); err != nil {
			t.Error(err)
		}
	}
	if n := dials.n.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

// TestMemory bounds what a connection with a session, a tree and a pended read holds.
func TestMemory(t *testing.T) {
	f := &fake{t: t, dialect: 0x311, pipe: true}
	f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
		switch q.h.Command {
		case 8: // READ
			return []*answer{a.interim()}
		case 12: // CANCEL
			return nil
		}
		return []*answer{a}
	}
	const count = 200
	m := f.client(func(c *rdr.Config) { c.RequestTimeout = time.Minute })
	handles := make([]api.Handle, 0, count)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc + s.StackInuse
	}
	before := heap()
	for i := range count {
		name := `\rdr\server` + string(rune('a'+i%26)) + string(rune('a'+i/26)) + `\IPC$\pipe`
		h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: name, DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpen})
		if err != nil {
			t.Fatal(err)
		}
		handles = append(handles, h)
		m.Submit(&api.Request{Op: api.OpRead, Handle: h, Out: make([]byte, 10)})
	}
	f.mu.Lock()
	n := len(f.conns)
	f.mu.Unlock()
	each := (heap() - before) / count
	t.Logf("%d bytes for each of %d connections, server's end and all", each, n)
	if n != count || each > 64<<10 {
		t.Errorf("%d connections hold %d bytes each", n, each)
	}
	for _, h := range handles {
		if err := m.Close(h); err != nil {
			t.Error(err)
		}
	}
}

// TestMemoryOfOpens bounds what a file holds that is open with a lease and a handle that outlives its connection, and of which something is kept.
func TestMemoryOfOpens(t *testing.T) {
	f := &fake{t: t, dialect: 0x311}
	leasing(f, durably, nil)
	const count = 2000
	m := f.client(nil)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc + s.StackInuse
	}
	handles := make([]api.Handle, 0, count+1)
	open := func(i int) {
		h, err := m.CreateFile(t.Context(), &api.CreateArgs{Name: fmt.Sprintf(`\rdr\server\data\directory\a file of some name %d.txt`, i),
			DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpen, ShareAccess: 7, Impersonation: api.ImpersonateImpersonation})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := m.ReadFile(t.Context(), h, make([]byte, 10), 0); n != 10 || err != nil {
			t.Fatal(n, err)
		}
		handles = append(handles, h)
	}
	open(-1)
	before := heap()
	for i := range count {
		open(i)
	}
	each := (heap() - before) / count
	t.Logf("%d bytes for each of %d opens", each, count)
	if each > 2<<10 {
		t.Errorf("an open holds %d bytes", each)
	}
	for _, h := range handles {
		if err := m.Close(h); err != nil {
			t.Error(err)
		}
	}
}
