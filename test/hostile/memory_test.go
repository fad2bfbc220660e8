package hostile

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	echogen "lwio/gen/echo"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/smb2"
	"lwio/pipes"
	"lwio/pipes/npfs"
	rpcclient "lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/echo"
)

// footprint is what heap and stacks take, after what pools keep has gone.
func footprint() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// TestIdleConnectionMemory: an authenticated connection that is idle costs less than 64 KiB of heap and stack, that of its client in this process among
// it.
func TestIdleConnectionMemory(t *testing.T) {
	const many = 500
	for _, tree := range []bool{false, true} {
		h := start(t, func(c *srv.Config) { c.Limits.ConnectionsPerAddress = 2 * many })
		h.serves()
		list := make([]*client, many)
		before := footprint()
		each(t, many, func(i int) (err error) {
			if list[i], err = logon(h.addr, user, smb2.Dialect311, i%2 == 0); err == nil && tree {
				err = list[i].connectTree("IPC$")
			}
			return err
		})
		for _, c := range list {
			c.buf, c.out = nil, nil
		}
		per := (footprint() - before) / many
		t.Logf("with a tree %v: %d bytes a connection", tree, per)
		if per > 64<<10 {
			t.Errorf("with a tree %v: an idle connection costs %d bytes", tree, per)
		}
		for _, c := range list {
			c.nc.Close()
		}
	}
}

// newPipes is a manager with the named pipe file system only.
func newPipes(t testing.TB) *iomgr.Manager {
	t.Helper()
	ctx := context.Background()
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(ctx, npfs.DriverEntry(npfs.Config{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return m
}

// TestIdlePipeMemory: an opened pipe that is idle costs less than 1 KiB: its instance and the handles of both ends, also when data have been through it.
func TestIdlePipeMemory(t *testing.T) {
	const many = 4000
	ctx := context.Background()
	for _, used := range []bool{false, true} {
		m := newPipes(t)
		handles := make([]api.Handle, 0, 2*many)
		name := func(i int) string { return fmt.Sprintf("pipe%d", i%16) }
		cfg := pipes.Config{Message: true, ReadMessages: true}
		for i := range 16 { // the pipes themselves
			h, err := pipes.CreateNamedPipe(ctx, m, name(i), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close(h)
			if _, err := pipes.Dial(ctx, m, name(i), pipes.DialConfig{}); err != nil {
				t.Fatal(err)
			}
		}
		buf := make([]byte, 4096)
		before := int64(heapInUse())
		for i := range many {
			s, err := pipes.CreateNamedPipe(ctx, m, name(i), cfg)
			if err != nil {
				t.Fatal(err)
			}
			args := api.CreateArgs{Name: pipes.Name(name(i)), DesiredAccess: 0x12019f, ShareAccess: 3, Disposition: 1, Impersonation: api.ImpersonateImpersonation}
			c, err := m.CreateFile(ctx, &args)
			if err != nil {
				t.Fatal(err)
			}
			handles = append(handles, s, c)
			if !used {
				continue
			}
			for _, ends := range [][2]api.Handle{{s, c}, {c, s}} {
				if _, err := m.WriteFile(ctx, ends[0], buf, 0); err != nil {
					t.Fatal(err)
				}
				if n, err := m.ReadFile(ctx, ends[1], buf, 0); err != nil || n != len(buf) {
					t.Fatal(n, err)
				}
			}
		}
		per := (int64(heapInUse()) - before) / many
		t.Logf("used %v: %d bytes a pipe", used, per)
		if per >= 1<<10 {
			t.Errorf("used %v: an idle pipe costs %d bytes", used, per)
		}
		for _, h := range handles {
			if err := m.Close(h); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestCallAllocations: an RPC call through Dial, npfs and the server, both ends of it, allocates little.
func TestCallAllocations(t *testing.T) {
	ctx := context.Background()
	m := newPipes(t)
	l, err := pipes.Listen(ctx, m, "echo", pipes.Config{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{})
	if err := s.Register(echogen.RpcechoInterface, echo.New(echo.Config{})); err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	conn, err := pipes.Dial(ctx, m, "echo", pipes.DialConfig{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	assoc := rpcclient.NewConn(conn, rpcclient.Config{})
	defer assoc.Close()
	binding, err := assoc.Bind(ctx, echogen.RpcechoInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := echogen.NewClient(binding)
	call := func() {
		if out, err := e.AddOne(ctx, &echogen.AddOneRequest{InData: 1}); err != nil || out.OutData != 2 {
			t.Fatal(out, err)
		}
	}
	call()
	var before, after runtime.MemStats
	const calls = 2000
	runtime.ReadMemStats(&before)
	n := testing.AllocsPerRun(calls, call)
	runtime.ReadMemStats(&after)
	size := (after.TotalAlloc - before.TotalAlloc) / calls
	t.Logf("%.1f allocations, %d bytes a call", n, size)
	if raceEnabled {
		return // pools forget there
	}
	if n > 24 || size > 2048 {
		t.Errorf("a call makes %.1f allocations of %d bytes", n, size)
	}
}
