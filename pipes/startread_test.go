package pipes

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/pipes/npfs"
)

// ends gives both ends of a message pipe.
func ends(t *testing.T, cfg Config) (m *iomgr.Manager, server, client *Conn) {
	t.Helper()
	m = iomgr.New(iomgr.Config{})
	if err := m.Load(t.Context(), npfs.DriverEntry(npfs.Config{})); err != nil {
		t.Fatal(err)
	}
	cfg.Message = true
	l, err := Listen(t.Context(), m, "ends", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if client, err = Dial(t.Context(), m, "ends", DialConfig{}); err != nil {
		t.Fatal(err)
	}
	if server, err = l.AcceptPipe(); err != nil {
		t.Fatal(err)
	}
	return m, server, client
}

type outcome struct {
	n   int
	err error
}

// TestStartRead: a read that need not wait is done at once. One that waits is told on the goroutine of who wrote, if that is lent, and only when that
// has returned; else on another. It ends with the pipe.
func TestStartRead(t *testing.T) {
	m, s, c := ends(t, Config{})
	ended := make(chan outcome, 1)
	s.OnRead(func(n int, err error) { ended <- outcome{n, err} })
	buf := make([]byte, 16)
	start := func(waits bool, n int) {
		t.Helper()
		got, waited, err := s.StartRead(buf)
		if got != n || waited != waits || err != nil {
			t.Fatalf("%d bytes, waits %v, %v; want %d, %v", got, waited, err, n, waits)
		}
	}
	if _, err := c.Write([]byte("before")); err != nil {
		t.Fatal(err)
	}
	start(false, 6)
	start(true, 0)
	if _, err := c.Write([]byte("alone")); err != nil {
		t.Fatal(err)
	}
	if x := <-ended; x != (outcome{5, nil}) || string(buf[:5]) != "alone" {
		t.Fatalf("%+v %q", x, buf)
	}

	start(true, 0)
	w := &api.Request{Op: api.OpWrite, Handle: c.Handle(), In: []byte("lent"), Lent: true}
	m.Submit(w)
	work := w.Borrowed()
	if work == nil || w.Borrowed() != nil || !w.Completed() || w.Status != nt.StatusSuccess {
		t.Fatalf("work %v, %v", work != nil, w.Status)
	}
	if len(ended) != 0 {
		t.Fatal("told before the goroutine that is lent is free")
	}
	work()
	if x := <-ended; x != (outcome{4, nil}) {
		t.Fatalf("%+v", x)
	}

	// A transceive is lent before it is answered.
	if err := SetNamedPipeHandleState(t.Context(), m, c.Handle(), HandleState{ReadMessages: true}); err != nil {
		t.Fatal(err)
	}
	start(true, 0)
	x := &api.Request{Op: api.OpFsControl, Code: nt.FsctlPipeTransceive, Handle: c.Handle(), In: []byte("ask"), Out: make([]byte, 8), Lent: true}
	m.Submit(x)
	if work = x.Borrowed(); work == nil || x.Completed() {
		t.Fatalf("work %v, completed %v", work != nil, x.Completed())
	}
	work()
	if got := <-ended; got != (outcome{3, nil}) {
		t.Fatalf("%+v", got)
	}
	if _, err := s.Write([]byte("told")); err != nil || x.Status != nt.StatusSuccess || string(x.Out[:x.N]) != "told" {
		t.Fatalf("%v %q", err, x.Out)
	}

	start(true, 0)
	c.Close()
	if x := <-ended; x != (outcome{0, io.EOF}) {
		t.Fatalf("after the client went: %+v", x)
	}
	_, s, c = ends(t, Config{})
	defer c.Close()
	s.OnRead(func(n int, err error) { ended <- outcome{n, err} })
	start(true, 0)
	s.Close()
	if x := <-ended; x.n != 0 || !errors.Is(x.err, net.ErrClosed) {
		t.Fatalf("after its own end: %+v", x)
	}
	if _, waits, err := s.StartRead(buf); waits || !errors.Is(err, net.ErrClosed) {
		t.Fatalf("begun after that: %v %v", waits, err)
	}
}

// TestWriteTimeout: each write has its time by itself.
func TestWriteTimeout(t *testing.T) {
	const timeout = 20 * time.Millisecond
	_, s, c := ends(t, Config{OutQuota: 4096})
	defer s.Close()
	defer c.Close()
	s.SetWriteTimeout(timeout)
	if _, err := s.Write(make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		began := time.Now()
		if _, err := s.Write([]byte("more")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) < timeout {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
	}
	s.SetWriteTimeout(0)
	written := make(chan error, 1)
	go func() { _, err := s.Write([]byte("last")); written <- err }()
	buf, got := make([]byte, 8192), 0
	for got < 4096+len("last") { // both in one read, or each in one
		n, err := c.Read(buf[got:])
		if err != nil {
			t.Fatal(err)
		}
		got += n
	}
	if err := <-written; err != nil || string(buf[4096:got]) != "last" {
		t.Fatalf("%q %v", buf[4096:got], err)
	}
}
