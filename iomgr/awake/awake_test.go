package awake

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// pair gives both ends of a unix socket.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if far, err = net.Dial("unix", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if near, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func TestReads(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	}
	near, far := pair(t)
	a := New(near)
	buf := make([]byte, 16)
	if _, err := far.Write([]byte("here")); err != nil {
		t.Fatal(err)
	}
	if n, err := a.Read(buf); err != nil || string(buf[:n]) != "here" {
		t.Fatalf("what is there: %q, %v", buf[:n], err)
	}
	type result struct {
		s   string
		err error
	}
	got := make(chan result)
	go func() {
		for {
			n, err := a.Read(buf)
			got <- result{string(buf[:n]), err}
			if err != nil {
				return
			}
		}
	}()
	// Each answer is taken before the next is sent: the reader looks, or waits in the poller, whichever it has come to.
	for range 200 {
		if _, err := far.Write([]byte("next")); err != nil {
			t.Fatal(err)
		}
		if x := <-got; x.err != nil || x.s != "next" {
			t.Fatalf("what comes: %q, %v", x.s, x.err)
		}
	}
	far.Close()
	if x := <-got; x.err != io.EOF {
		t.Fatalf("the end: %v, want EOF", x.err)
	}
}

func TestEnds(t *testing.T) {
	near, _ := pair(t)
	a := New(near)
	got := make(chan error)
	go func() {
		_, err := a.Read(make([]byte, 1))
		got <- err
	}()
	near.Close()
	if err := <-got; !errors.Is(err, net.ErrClosed) {
		t.Fatalf("closed under the reader: %v, want net.ErrClosed", err)
	}
}

func TestDeadline(t *testing.T) {
	near, _ := pair(t)
	a := New(near)
	if err := near.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("after the deadline: %v, want os.ErrDeadlineExceeded", err)
	}
}

// A reader for whom looking is in vain does it seldom, one for whom it pays always; two never do it at once.
func TestSeldom(t *testing.T) {
	near, _ := pair(t)
	a := New(near)
	raw, err := near.(*net.UnixConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	looks := 0
	_ = raw.Control(func(fd uintptr) {
		a.p = make([]byte, 1)
		for range 10 * (maxSkip + 1) {
			before := a.skip
			if a.look(fd) {
				t.Error("something to read where nothing was written")
			}
			if before == 0 {
				looks++
			}
		}
	})
	if looks > 16 || a.after != maxSkip {
		t.Errorf("%d looks in vain out of %d waits, then %d skipped: want at most 16, and %d", looks, 10*(maxSkip+1), a.after, maxSkip)
	}
	looking.Store(true)
	defer looking.Store(false)
	a.skip, a.after = 0, 0
	_ = raw.Control(func(fd uintptr) { a.look(fd) })
	if a.after != 0 {
		t.Error("looked while another did")
	}
}

// TestReadSoon: data that are there are read, what does not come is not waited for, and the end is told.
func TestReadSoon(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	}
	near, far := pair(t)
	a := New(near)
	if !sockets {
		t.Skip("this system's sockets are not read so")
	}
	if !a.CanReadSoon() {
		t.Fatal("a socket is not read so")
	}
	buf := make([]byte, 16)
	if n, err := a.ReadSoon(buf); n != 0 || err != nil {
		t.Errorf("%d bytes of nothing, %v", n, err)
	}
	if _, err := far.Write([]byte("here")); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; { // what was written may take its time
		n, err := a.ReadSoon(buf)
		if err != nil || string(buf[:n]) != "here"[:n] {
			t.Fatalf("%q, %v", buf[:n], err)
		}
		if n == 4 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("what was written did not come")
		}
	}
	far.Close()
	if n, err := a.ReadSoon(buf); n != 0 || err != io.EOF {
		t.Errorf("at the end %d bytes, %v", n, err)
	}
	near.Close()
	if _, err := a.ReadSoon(buf); err == nil {
		t.Error("a closed connection is read")
	}
}
