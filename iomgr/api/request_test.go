package api

import (
	"context"
	"errors"
	"slices"
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

// keepFile keeps its reads itself.
type keepFile struct{ pendFile }

func (f *keepFile) Read(r *Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.PendKept(f.cancel) {
		f.queue = append(f.queue, r)
	}
}

func (f *keepFile) Pended(each func(*Request)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.queue) - 1; i >= 0; i-- {
		each(f.queue[i])
	}
}

// Flush pends as other drivers do.
func (f *keepFile) Flush(r *Request) { f.pendFile.Read(r) }

type keepDevice struct {
	DefaultDevice
	f *keepFile
}

func (d keepDevice) Create(r *Request) {
	r.File().SetImpl(d.f, nt.FileAllAccess)
	r.Complete(nt.StatusSuccess, 0)
}

// TestKeeper: what a file keeps itself is cancelled with the rest, each once and the oldest first, and is not used again by who may be told of it.
func TestKeeper(t *testing.T) {
	f := &keepFile{}
	s := direct{NewDevice("d", "d", keepDevice{f: f})}
	h, err := Calls{s}.CreateFile(t.Context(), &CreateArgs{})
	if err != nil {
		t.Fatal(err)
	}
	var order []int
	var list []*Request
	for i, op := range []Op{OpRead, OpFlush, OpRead} {
		r := &Request{Op: op, Handle: h, Place: uint8(i), Done: func(*Request) { order = append(order, i) }}
		s.Submit(r)
		list = append(list, r)
	}
	if !list[0].Reusable() {
		t.Error("a request that nobody cancels cannot be used again")
	}
	if n := h.(*File).CancelPending(); n != 3 || len(order) != 3 || len(f.queue) != 0 {
		t.Fatalf("%d cancelled, %v ended, %d left", n, order, len(f.queue))
	}
	for i, r := range list {
		if r.Status != nt.StatusCancelled || r.Reusable() {
			t.Errorf("%d: %s, reusable %v", i, r.Status.Name(), r.Reusable())
		}
	}
	if slices.Index(order, 0) > slices.Index(order, 2) {
		t.Errorf("ended in the order %v", order)
	}
	if c := s.d.Counters(OpRead); c != (Counters{Requests: 2, Failed: 2, Pended: 2}) {
		t.Errorf("reads counted as %+v", c)
	}
	if c := s.d.Counters(OpFlush); c != (Counters{Requests: 1, Failed: 1, Pended: 1}) {
		t.Errorf("the flush counted as %+v", c)
	}
}

// TestAgain: a request that has completed is submitted over and over, and each time is a request of its own.
func TestAgain(t *testing.T) {
	f := &keepFile{}
	s := direct{NewDevice("d", "d", keepDevice{f: f})}
	h, err := Calls{s}.CreateFile(t.Context(), &CreateArgs{})
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	r := &Request{Op: OpRead, Handle: h, Out: make([]byte, 8), Done: func(*Request) { done++ }}
	for i := range 3 {
		s.Submit(r)
		if !r.Pended() || r.Completed() || r.N != 0 || r.Status != 0 {
			t.Fatalf("%d: %+v", i, r)
		}
		if !f.take(r) {
			t.Fatal("it does not wait")
		}
		r.Complete(nt.StatusBufferOverflow, 8)
		if done != i+1 || r.N != 8 || !r.Reusable() {
			t.Fatalf("%d: done %d, %d bytes", i, done, r.N)
		}
		r.Again()
	}
	if err := (Calls{s}).Close(h); err != nil || s.d.OpenFiles() != 0 {
		t.Errorf("%v, %d files open", err, s.d.OpenFiles())
	}
}

// TestPlaces: requests are counted whatever place they name, and one that is brought by another counts in its place from then on.
func TestPlaces(t *testing.T) {
	s, f, h := openPend(t)
	for i := range 256 {
		r := &Request{Op: OpRead, Handle: h, Place: uint8(i)}
		s.Submit(r)
		f.take(r)
		by := &Request{Lent: i%2 == 0, Place: 7}
		r.BroughtBy(by)
		r.Complete(nt.StatusSuccess, 0)
		want := uint8(i)
		if by.Lent {
			want = by.Place
		}
		if r.Place != want {
			t.Errorf("place %d, want %d", r.Place, want)
		}
	}
	if c := s.d.Counters(OpRead); c != (Counters{Requests: 256, Pended: 256}) {
		t.Errorf("%+v", c)
	}
}
