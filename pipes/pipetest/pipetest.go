// Package pipetest is the conformance suite of the named pipe API: it is run against the manager in process and through a connection to
// another one.
package pipetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/pipes"
)

// New gives an API whose namespace has an empty `\npfs`, for a server and for a client of it. They may be the same.
type New func(t testing.TB) (server, client api.API)

// Run runs the suite.
func Run(t *testing.T, fresh New) {
	t.Run("ByteConn", func(t *testing.T) { testConn(t, fresh, false) })
	t.Run("MessageConn", func(t *testing.T) { testConn(t, fresh, true) })
	for name, f := range map[string]func(*testing.T, api.API, api.API){
		"Messages": testMessages, "Call": testCall, "Wait": testWait, "Burst": testBurst, "MaxInstances": testMaxInstances,
		"ListenerClose": testListenerClose, "Peer": testPeer, "State": testState, "Directory": testDirectory, "Cancel": testCancel,
		"FirstInstance": testFirstInstance, "Transact": testTransact,
	} {
		t.Run(name, func(t *testing.T) {
			s, c := fresh(t)
			f(t, s, c)
		})
	}
}

var seq atomic.Int64

func testConn(t *testing.T, fresh New, message bool) {
	srv, cli := fresh(t)
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		name := fmt.Sprintf("nettest%d", seq.Add(1))
		l, err := pipes.Listen(t.Context(), srv, name, pipes.Config{Message: message})
		if err != nil {
			return nil, nil, nil, err
		}
		c1, err = pipes.Dial(t.Context(), cli, name, pipes.DialConfig{})
		if err != nil {
			return nil, nil, nil, err
		}
		c2, err = l.Accept()
		return c1, c2, func() { c1.Close(); c2.Close(); l.Close() }, err
	})
}

func pair(t *testing.T, srv, cli api.API, cfg pipes.Config) (server, client *pipes.Conn) {
	t.Helper()
	l, err := pipes.Listen(t.Context(), srv, "p", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	client, err = pipes.Dial(t.Context(), cli, "p", pipes.DialConfig{Message: cfg.Message})
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.AcceptPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return server, client
}

func testMessages(t *testing.T, srv, cli api.API) {
	s, c := pair(t, srv, cli, pipes.Config{Message: true, ReadMessages: true})
	for _, m := range []string{"one", "", "three"} {
		if _, err := c.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 2)
	for _, want := range []string{"on", "e", "", "th", "re", "e"} {
		n, err := s.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Fatalf("read %q, %v; want %q", buf[:n], err, want)
		}
	}
	big := bytes.Repeat([]byte("0123456789"), 30000) // beyond the quota
	go c.Write(big)
	got, err := io.ReadAll(io.LimitReader(s, int64(len(big))))
	if err != nil || !bytes.Equal(got, big) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
}

func testTransact(t *testing.T, srv, cli api.API) {
	s, c := pair(t, srv, cli, pipes.Config{Message: true, ReadMessages: true})
	go func() {
		buf := make([]byte, 64)
		for {
			n, err := s.Read(buf)
			if err != nil {
				return
			}
			s.Write(append([]byte("re:"), buf[:n]...))
		}
	}()
	out := make([]byte, 64)
	for i := range 100 {
		in := fmt.Sprint("q", i)
		n, err := c.Transact(t.Context(), []byte(in), out)
		if err != nil || string(out[:n]) != "re:"+in {
			t.Fatalf("%q, %v", out[:n], err)
		}
	}
	n, err := c.Transact(t.Context(), []byte("longer"), out[:4])
	if !errors.Is(err, nt.StatusBufferOverflow) || string(out[:n]) != "re:l" {
		t.Fatalf("%q, %v; want a warning with the first part", out[:n], err)
	}
	if n, err = c.Read(out); err != nil || string(out[:n]) != "onger" {
		t.Fatalf("%q, %v; want the rest", out[:n], err)
	}
}

func testCall(t *testing.T, srv, cli api.API) {
	h, err := pipes.CreateNamedPipe(t.Context(), srv, "call", pipes.Config{Message: true, ReadMessages: true})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close(h)
	done := make(chan error, 1)
	go func() {
		done <- func() error {
			if err := pipes.ConnectNamedPipe(t.Context(), srv, h); err != nil {
				return err
			}
			buf := make([]byte, 16)
			n, err := srv.ReadFile(t.Context(), h, buf, 0)
			if err != nil {
				return err
			}
			if _, err := srv.WriteFile(t.Context(), h, bytes.ToUpper(buf[:n]), 0); err != nil {
				return err
			}
			if err := srv.FlushBuffersFile(t.Context(), h); err != nil {
				return err
			}
			return pipes.DisconnectNamedPipe(t.Context(), srv, h)
		}()
	}()
	out := make([]byte, 16)
	n, err := pipes.CallNamedPipe(t.Context(), cli, "call", []byte("abc"), out, time.Minute)
	if err != nil || string(out[:n]) != "ABC" {
		t.Fatalf("%q, %v", out[:n], err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func testWait(t *testing.T, srv, cli api.API) {
	if err := pipes.WaitNamedPipe(t.Context(), cli, "w", time.Minute); !errors.Is(err, nt.StatusObjectNameNotFound) {
		t.Fatalf("no such pipe: %v", err)
	}
	h, err := pipes.CreateNamedPipe(t.Context(), srv, "w", pipes.Config{MaxInstances: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close(h)
	if err := pipes.WaitNamedPipe(t.Context(), cli, "w", time.Minute); err != nil {
		t.Fatalf("it listens: %v", err)
	}
	c, err := pipes.Dial(t.Context(), cli, "w", pipes.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := pipes.WaitNamedPipe(t.Context(), cli, "w", time.Millisecond); !errors.Is(err, nt.StatusIoTimeout) {
		t.Fatalf("busy: %v", err)
	}
	if _, err := pipes.Dial(t.Context(), cli, "w", pipes.DialConfig{}); !errors.Is(err, nt.StatusPipeNotAvailable) {
		t.Fatalf("busy: %v", err)
	}
	got := make(chan error, 1)
	go func() {
		c2, err := pipes.Dial(t.Context(), cli, "w", pipes.DialConfig{Timeout: time.Minute})
		if err == nil {
			defer c2.Close()
		}
		got <- err
	}()
	c.Close()
	if err := pipes.DisconnectNamedPipe(t.Context(), srv, h); err != nil {
		t.Fatal(err)
	}
	if err := pipes.ConnectNamedPipe(t.Context(), srv, h); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatalf("waited: %v", err)
	}
}

// testBurst has many clients come at once: each finds an instance.
func testBurst(t *testing.T, srv, cli api.API) {
	l, err := pipes.Listen(t.Context(), srv, "burst", pipes.Config{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	var wg sync.WaitGroup
	errs := make(chan error, 200)
	for i := range 200 {
		wg.Go(func() {
			c, err := pipes.Dial(t.Context(), cli, "burst", pipes.DialConfig{Timeout: time.Minute})
			if err != nil {
				errs <- err
				return
			}
			defer c.Close()
			want := fmt.Sprint("hello ", i)
			if _, err := c.Write([]byte(want)); err != nil {
				errs <- err
				return
			}
			got := make([]byte, len(want))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
				errs <- fmt.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

func testMaxInstances(t *testing.T, srv, cli api.API) {
	l, err := pipes.Listen(t.Context(), srv, "max", pipes.Config{MaxInstances: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 3 { // an instance that is let go is made again
		var held []net.Conn
		for range 2 {
			c, err := pipes.Dial(t.Context(), cli, "max", pipes.DialConfig{Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			s, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, c, s)
		}
		if _, err := pipes.Dial(t.Context(), cli, "max", pipes.DialConfig{}); !errors.Is(err, nt.StatusPipeNotAvailable) {
			t.Fatalf("a third client: %v", err)
		}
		for _, c := range held {
			c.Close()
		}
	}
}

func testListenerClose(t *testing.T, srv, cli api.API) {
	l, err := pipes.Listen(t.Context(), srv, "again", pipes.Config{})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() { _, err := l.Accept(); got <- err }()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, net.ErrClosed) {
		t.Fatalf("Accept of a closed listener: %v", err)
	}
	if _, err := pipes.Dial(t.Context(), cli, "again", pipes.DialConfig{}); !errors.Is(err, nt.StatusObjectNameNotFound) {
		t.Fatalf("dial after close: %v", err)
	}
	if l, err = pipes.Listen(t.Context(), srv, "again", pipes.Config{}); err != nil {
		t.Fatalf("listen again: %v", err)
	}
	l.Close()
}

func testPeer(t *testing.T, srv, cli api.API) {
	s, c := pair(t, srv, cli, pipes.Config{})
	if s.Token() == nil || s.Token().User.IsZero() {
		t.Fatalf("token %v", s.Token())
	}
	if c.Token() != nil {
		t.Fatal("a client's end has no peer token")
	}
	if proto, ep := s.Transport(); proto != "ncalrpc" || ep != `\PIPE\p` {
		t.Fatalf("transport %s %s", proto, ep)
	}
	if _, err := pipes.ImpersonateNamedPipeClient(t.Context(), srv, s.Handle()); !errors.Is(err, nt.StatusCannotImpersonate) {
		t.Fatalf("impersonation before a read: %v", err)
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	tok, err := pipes.ImpersonateNamedPipeClient(t.Context(), srv, s.Handle())
	if err != nil || tok.User != s.Token().User {
		t.Fatalf("%v, %v", tok, err)
	}
	if _, err := pipes.GetNamedPipeClientProcessId(t.Context(), srv, s.Handle()); err != nil {
		t.Fatal(err)
	}
}

func testState(t *testing.T, srv, cli api.API) {
	s, c := pair(t, srv, cli, pipes.Config{Message: true, InQuota: 100, OutQuota: 200})
	ctx := t.Context()
	info, err := pipes.GetNamedPipeInfo(ctx, cli, c.Handle())
	if err != nil {
		t.Fatal(err)
	}
	if !info.Message || info.Server || info.InQuota != 100 || info.OutQuota != 200 || info.Writable != 100 || info.State != nt.FilePipeConnectedState ||
		info.MaxInstances != nt.FilePipeUnlimitedInstances || info.Direction != pipes.Duplex {
		t.Errorf("%+v", info)
	}
	if _, err := s.Write([]byte("some")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2)
	peek, err := pipes.PeekNamedPipe(ctx, cli, c.Handle(), buf)
	if err != nil || peek != (pipes.Peek{State: nt.FilePipeConnectedState, Available: 4, Messages: 1, Message: 4, N: 2}) || string(buf) != "so" {
		t.Errorf("%+v %q %v", peek, buf, err)
	}
	if st, err := pipes.GetNamedPipeHandleState(ctx, cli, c.Handle()); err != nil || st != (pipes.HandleState{ReadMessages: true}) {
		t.Errorf("%+v %v", st, err)
	}
	if err := pipes.SetNamedPipeHandleState(ctx, cli, c.Handle(), pipes.HandleState{NonBlocking: true}); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 10)); err != nil || n != 4 {
		t.Errorf("%d %v", n, err)
	}
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, nt.StatusPipeEmpty) {
		t.Errorf("empty: %v", err)
	}
}

func testDirectory(t *testing.T, srv, cli api.API) {
	for _, name := range []string{"beta", "alpha", "gamma"} {
		h, err := pipes.CreateNamedPipe(t.Context(), srv, name, pipes.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close(h)
	}
	names, err := pipes.List(t.Context(), cli, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range names {
		got = append(got, fmt.Sprint(e.Name, e.Instances))
	}
	if fmt.Sprint(got) != "[alpha1 beta1 gamma1]" {
		t.Errorf("%v", got)
	}
	if names, err = pipes.List(t.Context(), cli, "*A?A"); err != nil || len(names) != 0 {
		t.Errorf("%v %v", names, err)
	}
	if names, err = pipes.List(t.Context(), cli, "?ETA"); err != nil || len(names) != 1 || names[0].Name != "beta" {
		t.Errorf("%v %v", names, err)
	}
}

func testCancel(t *testing.T, srv, cli api.API) {
	s, c := pair(t, srv, cli, pipes.Config{Message: true, ReadMessages: true})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := c.Transact(ctx, []byte("question"), make([]byte, 10))
		got <- err
	}()
	if _, err := s.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	// The pipe lives on.
	if _, err := s.Write([]byte("late")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, err := c.Read(buf); err != nil || string(buf[:n]) != "late" {
		t.Fatalf("%q %v", buf[:n], err)
	}
}

func testFirstInstance(t *testing.T, srv, _ api.API) {
	l, err := pipes.Listen(t.Context(), srv, "mine", pipes.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l2, err := pipes.Listen(t.Context(), srv, "MINE", pipes.Config{}); !errors.Is(err, nt.StatusAccessDenied) {
		t.Fatalf("a second listener: %v %v", l2, err)
	}
}
