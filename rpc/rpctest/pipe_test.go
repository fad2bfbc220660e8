package rpctest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"lwio/iomgr/nt"
	"lwio/rpc/rpctest"
)

var bg = context.Background()

// A read takes of one message, and leaves what it has no room for.
func TestPipeMessages(t *testing.T) {
	near, far := rpctest.Pipe(rpctest.Peer{})
	for _, s := range []string{"first", "", "second"} {
		if n, err := near.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	b := make([]byte, 3)
	for _, want := range []string{"fir", "st", "", "sec", "ond"} {
		if n, err := far.Read(b); string(b[:n]) != want || err != nil {
			t.Errorf("read %q, %v; want %q", b[:n], err, want)
		}
	}
}

func TestPipeTransact(t *testing.T) {
	near, far := rpctest.Pipe(rpctest.Peer{})
	if _, err := far.Write([]byte("the answer")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	n, err := near.Transact(bg, []byte("question"), b)
	if string(b[:n]) != "the " || !errors.Is(err, nt.StatusBufferOverflow) {
		t.Errorf("%q, %v", b[:n], err)
	}
	b = make([]byte, 20)
	if n, err := near.Read(b); string(b[:n]) != "answer" || err != nil {
		t.Errorf("the rest: %q, %v", b[:n], err)
	}
	if n, err := far.Read(b); string(b[:n]) != "question" || err != nil {
		t.Errorf("%q, %v", b[:n], err)
	}
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if _, err := near.Transact(ctx, []byte("x"), b); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A writer over the quota waits for the reader; a message that is over it by itself goes alone.
func TestPipeQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := rpctest.Pipe(rpctest.Peer{})
		if n, err := near.Write(make([]byte, 2*rpctest.Quota)); n != 2*rpctest.Quota || err != nil {
			t.Fatal(n, err)
		}
		done := make(chan error)
		go func() { _, err := near.Write([]byte{1}); done <- err }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("the second write did not wait: %v", err)
		default:
		}
		if n, err := io.ReadFull(far, make([]byte, 2*rpctest.Quota)); err != nil {
			t.Fatal(n, err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPipeDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := rpctest.Pipe(rpctest.Peer{})
		near.SetDeadline(time.Now().Add(time.Minute))
		start := time.Now()
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		near.SetDeadline(time.Time{})
		near.Write(make([]byte, rpctest.Quota))
		near.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := near.Write([]byte{1}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		// One that is set during a read holds for it.
		done := make(chan error)
		go func() { _, err := near.Read(make([]byte, 1)); done <- err }()
		synctest.Wait()
		near.SetReadDeadline(time.Now().Add(-time.Second))
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestPipeClose(t *testing.T) {
	near, far := rpctest.Pipe(rpctest.Peer{})
	near.Write([]byte("last"))
	near.Close()
	b := make([]byte, 10)
	if n, err := far.Read(b); string(b[:n]) != "last" || err != nil {
		t.Errorf("%q, %v", b[:n], err)
	}
	if _, err := far.Read(b); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	if _, err := far.Write(b); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write to nobody: %v", err)
	}
	if _, err := near.Read(b); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read of a closed end: %v", err)
	}
	if _, err := near.Write(b); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write to a closed end: %v", err)
	}
}
