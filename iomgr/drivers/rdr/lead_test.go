package rdr_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// newLed starts a client of a server that is reached by a socket, with a file open, and flushes it as often as it takes for the one who waits to read the
// answers himself.
func newLed(t *testing.T, edit func(c *fakeConn, q *query, a *answer) []*answer) (*fake, *iomgr.Manager, api.Handle) {
	t.Helper()
	if runtime.GOMAXPROCS(0) < 2 {
		old := runtime.GOMAXPROCS(2)
		t.Cleanup(func() { runtime.GOMAXPROCS(old) })
	}
	f := &fake{t: t, dialect: smb2.Dialect311, tcp: true, edit: edit}
	m := f.client(nil)
	h, err := openFake(m)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := m.FlushBuffersFile(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	return f, m, h
}

// TestLead: who waits for an answer reads it himself. The answer is not sent before the request has been submitted, so that it is there when Attend returns
// only if Attend has read it.
func TestLead(t *testing.T) {
	allow := make(chan struct{}, 1)
	_, m, h := newLed(t, only(smb2.Ioctl, func(_ *fakeConn, _ *query, a *answer) []*answer {
		<-allow
		return []*answer{a}
	}))
	for try := 1; ; try++ { // a machine that is busy elsewhere may let it take longer than anybody leads
		done := make(chan struct{}, 1)
		r := &api.Request{Op: api.OpFsControl, Handle: h, Code: nt.FsctlPipePeek, Out: make([]byte, 8), Waited: true, Done: func(*api.Request) { done <- struct{}{} }}
		m.Submit(r)
		allow <- struct{}{}
		r.Attend()
		led := r.Completed()
		wait(t, done)
		if r.Status != nt.StatusSuccess {
			t.Fatal(r.Status)
		}
		if led {
			return
		}
		if try == 50 {
			t.Fatal("not once did who waited read the answer")
		}
		for range 20 {
			if err := m.FlushBuffersFile(t.Context(), h); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestLeadUnread: what the server says or does while no request is under way is heard, and soon.
func TestLeadUnread(t *testing.T) {
	for name, c := range map[string]func(*fakeConn){
		"a message": func(c *fakeConn) {
			_ = c.send(&answer{h: smb2.Header{Command: smb2.Echo, Flags: smb2.FlagServerToRedir, MessageID: 1 << 40}, body: (&smb2.EchoResponse{}).Append(nil)})
		},
		"the end": func(c *fakeConn) { _ = c.nc.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			f, m, h := newLed(t, nil)
			f.mu.Lock()
			first := f.conns[0]
			f.mu.Unlock()
			c(first)
			ended := make(chan struct{})
			go func() { f.wg.Wait(); close(ended) }()
			wait(t, ended) // the client has hung up
			if err := m.FlushBuffersFile(t.Context(), h); !errors.Is(err, nt.StatusConnectionDisconnected) && !errors.Is(err, nt.StatusFileClosed) {
				t.Errorf("a flush of what was open: %v", err)
			}
		})
	}
}

// TestLeadCancel: who reads for himself is not kept by an answer that does not come.
func TestLeadCancel(t *testing.T) {
	var held []*answer
	_, m, h := newLed(t, func(c *fakeConn, q *query, a *answer) []*answer {
		switch q.h.Command {
		case smb2.Ioctl:
			held = append(held, a)
			return nil
		case smb2.Cancel:
			for _, a := range held {
				a.fail(nt.StatusCancelled)
			}
			return held
		}
		return []*answer{a}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.FsControlFile(ctx, h, nt.FsctlPipePeek, nil, make([]byte, 8)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if err := m.FlushBuffersFile(t.Context(), h); err != nil {
		t.Error(err)
	}
}

// TestLeadMany: requests of many at a time, and of one at a time between them, are all answered.
func TestLeadMany(t *testing.T) {
	_, m, h := newLed(t, nil)
	for round := range 20 {
		var wg sync.WaitGroup
		for range 1 + round%4 {
			wg.Go(func() {
				for range 50 {
					if err := m.FlushBuffersFile(t.Context(), h); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestLeadLarge: an answer that is no small message is left to the reader, whole.
func TestLeadLarge(t *testing.T) {
	data := make([]byte, 40<<10)
	for i := range data {
		data[i] = byte(i * 7)
	}
	_, m, h := newLed(t, only(smb2.Ioctl, func(_ *fakeConn, q *query, a *answer) []*answer {
		req, _ := smb2.ParseIoctlRequest(q.body)
		a.body = (&smb2.IoctlResponse{CtlCode: req.CtlCode, FileID: req.FileID, Output: data}).Append(nil)
		return []*answer{a}
	}))
	for range 10 {
		out := make([]byte, len(data))
		n, err := m.FsControlFile(t.Context(), h, nt.FsctlPipePeek, nil, out)
		if err != nil || n != len(data) || string(out) != string(data) {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if err := m.FlushBuffersFile(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
}
