package ipc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/iotest"
	"lwio/iomgr/ipc"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/pipes/npfs"
	"lwio/pipes/pipetest"
)

// serve puts an API on a socket and gives the socket's path.
func serve(t testing.TB, a api.API, cfg ipc.ServerConfig) string {
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	cfg.API = a
	if cfg.Token == nil {
		cfg.Token = func(api.Process) (*nt.Token, error) { return nt.SystemToken(), nil }
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ipc.Serve(ctx, l, cfg) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return path
}

func dial(t testing.TB, path string) *ipc.Client {
	c, err := ipc.Dial(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Shutdown() })
	return c
}

func TestAPI(t *testing.T) {
	iotest.RunAPI(t, func(t testing.TB) iotest.Target {
		m, d := iomgr.New(iomgr.Config{}), iotest.NewDriver()
		if err := m.Load(context.Background(), d.Entry); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Release(); m.Shutdown(context.Background()) })
		return iotest.Target{API: dial(t, serve(t, m, ipc.ServerConfig{})), Driver: d}
	})
}

func npfsManager(t testing.TB) *iomgr.Manager {
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(context.Background(), npfs.DriverEntry(npfs.Config{})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown(context.Background()) })
	return m
}

func TestPipes(t *testing.T) {
	t.Run("BothRemote", func(t *testing.T) {
		pipetest.Run(t, func(t testing.TB) (api.API, api.API) {
			path := serve(t, npfsManager(t), ipc.ServerConfig{})
			return dial(t, path), dial(t, path)
		})
	})
	t.Run("ServerRemote", func(t *testing.T) { // a service in a process of its own, its clients come through the manager
		pipetest.Run(t, func(t testing.TB) (api.API, api.API) {
			m := npfsManager(t)
			return dial(t, serve(t, m, ipc.ServerConfig{})), m
		})
	})
}

func TestIdentity(t *testing.T) {
	m := npfsManager(t)
	user := nt.MustSID("S-1-5-21-1-2-3-1000")
	path := serve(t, m, ipc.ServerConfig{Token: func(p api.Process) (*nt.Token, error) {
		if p.ID != uint32(os.Getpid()) || p.UID != uint32(os.Getuid()) {
			t.Errorf("peer %+v", p)
		}
		return &nt.Token{User: user, Groups: []nt.Group{{SID: nt.SIDWorld, Attributes: nt.SEGroupEnabled}}}, nil
	}})
	c := dial(t, path)
	_, err := c.CreateFile(t.Context(), &api.CreateArgs{Name: `\npfs\x`, Token: nt.SystemToken()})
	if !errors.Is(err, nt.StatusPrivilegeNotHeld) {
		t.Errorf("naming a token: %v", err)
	}
	_, err = c.CreateFile(t.Context(), &api.CreateArgs{Name: `\npfs\x`, Contexts: []any{&api.Peer{}}})
	if !errors.Is(err, nt.StatusPrivilegeNotHeld) {
		t.Errorf("naming a peer: %v", err)
	}
	if _, err := pipes.Listen(t.Context(), c, "mine", pipes.Config{}); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("a plain user makes a pipe: %v", err)
	}
	everyone, err := nt.ParseSDDL("D:(A;;GA;;;WD)", nt.SID{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := pipes.Listen(t.Context(), m, "p", pipes.Config{Security: everyone})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := pipes.Dial(t.Context(), c, "p", pipes.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s, err := l.AcceptPipe()
	if err != nil {
		t.Fatal(err)
	}
	if s.Token() == nil || s.Token().User != user {
		t.Errorf("token %+v", s.Token())
	}
	if pid, err := pipes.GetNamedPipeClientProcessId(t.Context(), m, s.Handle()); err != nil || pid != uint64(os.Getpid()) {
		t.Errorf("process id %d, %v", pid, err)
	}
}

func TestClientGoes(t *testing.T) {
	m := npfsManager(t)
	path := serve(t, m, ipc.ServerConfig{})
	c := dial(t, path)
	l, err := pipes.Listen(t.Context(), c, "p", pipes.Config{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pipes.Dial(t.Context(), m, "p", pipes.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() { _, err := conn.Read(make([]byte, 1)); got <- err }()
	c.Shutdown()
	if err := <-got; err != io.EOF {
		t.Errorf("the other end reads %v", err)
	}
	<-c.Done()
	if _, err := c.CreateFile(context.Background(), &api.CreateArgs{Name: `\npfs\p`}); !errors.Is(err, nt.StatusConnectionDisconnected) {
		t.Errorf("a dead client: %v", err)
	}
	// Its pipes have gone with it, and the name is free.
	c2 := dial(t, path)
	for {
		l2, err := pipes.Listen(t.Context(), c2, "p", pipes.Config{})
		if err == nil {
			l2.Close()
			return
		}
		if !errors.Is(err, nt.StatusAccessDenied) { // the old one is still being closed
			t.Fatal(err)
		}
	}
}

func TestLimits(t *testing.T) {
	m, d := iomgr.New(iomgr.Config{}), iotest.NewDriver()
	if err := m.Load(context.Background(), d.Entry); err != nil {
		t.Fatal(err)
	}
	c := dial(t, serve(t, m, ipc.ServerConfig{MaxHandles: 2, MaxRequests: 3, MaxBytes: 1 << 20}))
	open := func(name string) (api.Handle, error) {
		return c.CreateFile(t.Context(), &api.CreateArgs{Name: name, DesiredAccess: nt.FileReadData | nt.FileWriteData, Disposition: nt.FileOpen})
	}
	h, err := open(`\iotest\pend`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(`\iotest\echo`); err != nil {
		t.Fatal(err)
	}
	if _, err := open(`\iotest\echo`); !errors.Is(err, nt.StatusTooManyOpenedFiles) {
		t.Errorf("a third handle: %v", err)
	}
	if _, err := c.ReadFile(t.Context(), h, make([]byte, ipc.MaxData), 0); !errors.Is(err, nt.StatusInsufficientResources) {
		t.Errorf("beyond MaxBytes: %v", err)
	}
	if _, err := c.ReadFile(t.Context(), h, make([]byte, ipc.MaxData+1), 0); !errors.Is(err, nt.StatusInvalidParameter) {
		t.Errorf("beyond MaxData: %v", err)
	}
	ends := make(chan nt.Status, 4)
	for range 4 {
		c.Submit(&api.Request{Op: api.OpRead, Handle: h, Out: make([]byte, 1), Done: func(r *api.Request) { ends <- r.Status }})
	}
	if s := <-ends; s != nt.StatusInsufficientResources {
		t.Errorf("a fourth request: %v", s)
	}
	// What lets things go needs no credit.
	if err := c.CancelIoFile(h); err != nil {
		t.Error(err)
	}
	if err := c.Close(h); err != nil {
		t.Error(err)
	}
	d.Release()
	for range 3 {
		<-ends
	}
}

func BenchmarkTransact(b *testing.B) {
	m := npfsManager(b)
	path := serve(b, m, ipc.ServerConfig{})
	l, err := pipes.Listen(b.Context(), dial(b, path), "p", pipes.Config{Message: true, ReadMessages: true})
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		s, err := l.Accept()
		if err != nil {
			return
		}
		buf := make([]byte, 256)
		for {
			n, err := s.Read(buf)
			if err != nil {
				return
			}
			s.Write(buf[:n])
		}
	}()
	c, err := pipes.Dial(b.Context(), m, "p", pipes.DialConfig{Message: true})
	if err != nil {
		b.Fatal(err)
	}
	in, out := make([]byte, 64), make([]byte, 256)
	for b.Loop() {
		if _, err := c.Transact(context.Background(), in, out); err != nil {
			b.Fatal(err)
		}
	}
}
