package api

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"lwio/iomgr/nt"
)

// pendFile pends reads until somebody ends them.
type pendFile struct {
	DefaultFile
	mu    sync.Mutex
	queue []*Request
}

func (f *pendFile) Read(r *Request) {
	f.mu.Lock()
	if !r.Pend(f.cancel) {
		f.mu.Unlock()
		r.Complete(nt.StatusCancelled, 0)
		return
	}
	f.queue = append(f.queue, r)
	f.mu.Unlock()
}

func (f *pendFile) take(r *Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, x := range f.queue {
		if x == r {
			f.queue = append(f.queue[:i], f.queue[i+1:]...)
			return true
		}
	}
	return false
}

func (f *pendFile) cancel(r *Request) {
	if f.take(r) {
		r.Complete(nt.StatusCancelled, 0)
	}
}

type pendDevice struct {
	DefaultDevice
	f *pendFile
}

func (d *pendDevice) Create(r *Request) {
	r.File().SetImpl(d.f, nt.FileAllAccess)
	r.Complete(nt.StatusSuccess, 0)
}

// direct submits to one device.
type direct struct{ d *Device }

func (s direct) Submit(r *Request) {
	if r.Op == OpCreate {
		StartCreate(r, s.d, "")
		return
	}
	Dispatch(r)
}

func openPend(t *testing.T) (direct, *pendFile, Handle) {
	f := &pendFile{}
	s := direct{NewDevice("d", "d", &pendDevice{f: f})}
	h, err := Calls{s}.CreateFile(t.Context(), &CreateArgs{})
	if err != nil {
		t.Fatal(err)
	}
	return s, f, h
}

// TestCompleteOnce has drivers complete and callers cancel at the same time: each request is completed once.
func TestCompleteOnce(t *testing.T) {
	s, f, h := openPend(t)
	var done atomic.Int32
	var wg sync.WaitGroup
	const n = 2000
	for range n {
		r := &Request{Op: OpRead, Handle: h, Done: func(*Request) { done.Add(1) }}
		s.Submit(r)
		wg.Go(func() { r.Cancel() })
		wg.Go(func() {
			if f.take(r) {
				r.Complete(nt.StatusSuccess, 0)
			}
		})
	}
	wg.Wait()
	if got := done.Load(); got != n {
		t.Errorf("%d of %d requests were completed", got, n)
	}
	if h.(*File).pending != nil {
		t.Error("requests are left on the file")
	}
}

func TestCancelBeforeSubmit(t *testing.T) {
	s, _, h := openPend(t)
	r := &Request{Op: OpRead, Handle: h}
	r.Cancel()
	if err := Do(t.Context(), s, r); !errors.Is(err, nt.StatusCancelled) {
		t.Errorf("%v", err)
	}
}

func TestCloseWhilePended(t *testing.T) {
	s, _, h := openPend(t)
	r := &Request{Op: OpRead, Handle: h}
	ended := make(chan struct{})
	r.Done = func(*Request) { close(ended) }
	s.Submit(r)
	if !r.Pended() || r.Completed() {
		t.Fatal("the request is not pended")
	}
	if err := (Calls{s}).Close(h); err != nil {
		t.Fatal(err)
	}
	<-ended
	if r.Status != nt.StatusCancelled || s.d.OpenFiles() != 0 {
		t.Errorf("%s, %d files open", r.Status.Name(), s.d.OpenFiles())
	}
}

func TestCompletedTwice(t *testing.T) {
	r := &Request{Op: OpRead}
	r.Complete(nt.StatusSuccess, 0)
	defer func() {
		if recover() == nil {
			t.Error("a driver that completes twice goes unnoticed")
		}
	}()
	r.Complete(nt.StatusSuccess, 0)
}

// TestForgottenImpl: a driver that says it opened and set nothing.
func TestForgottenImpl(t *testing.T) {
	s := direct{NewDevice("d", "d", forgetful{})}
	if _, err := (Calls{s}).CreateFile(context.Background(), &CreateArgs{}); !errors.Is(err, nt.StatusInternalError) {
		t.Errorf("%v", err)
	}
	if s.d.OpenFiles() != 0 {
		t.Error("the file is left on the device")
	}
}

type forgetful struct{ DefaultDevice }

func (forgetful) Create(r *Request) { r.Complete(nt.StatusSuccess, 0) }
