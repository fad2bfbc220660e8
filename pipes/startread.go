package pipes

import (
	"net"
	"sync/atomic"
	"unsafe"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// reading is the one read of an end that StartRead begins.
type reading struct {
	r     *api.Request // used over and over
	state uint32       // changed by atomic operations alone while the request is under way
	ready func(n int, err error)
	done  func(*api.Request) // made once, as work
	work  func()
}

// States of a request whose Done and whose submitter meet.
const (
	opStarts = iota // Submit has not returned
	opWaits
	opDone
)

// OnRead says who is told that a read of StartRead has ended. It is called before the first of them.
func (c *Conn) OnRead(ready func(n int, err error)) {
	rd := &reading{ready: ready}
	rd.work = func() { rd.ready(c.readResult(rd.r)) }
	rd.done = func(r *api.Request) {
		if atomic.SwapUint32(&rd.state, opDone) != opStarts && !r.Borrow(rd.work) {
			go rd.work()
		}
	}
	c.reading = rd
}

// StartRead begins to read into b, and does not wait: an end that is idle so needs no goroutine. If there is something to read it is read, and waits is false. Otherwise
// the function of OnRead is told once the read has ended; it may take its time. It runs on the goroutine of who wrote, where that lends it (api.Request),
// or else on one of its own. There is one such read at a time. Deadlines do not hold for it; Close ends it.
func (c *Conn) StartRead(b []byte) (n int, waits bool, err error) {
	rd := c.reading
	r := rd.r
	if r == nil || !r.Reusable() {
		r = &api.Request{Op: api.OpRead, Handle: c.h, Done: rd.done}
		rd.r = r
	} else {
		r.Again()
	}
	if len(r.Out) != len(b) || unsafe.SliceData(r.Out) != unsafe.SliceData(b) { // mostly they are the same
		r.Out = b
	}
	rd.state = opStarts
	c.a.Submit(r)
	if atomic.CompareAndSwapUint32(&rd.state, opStarts, opWaits) {
		return 0, true, nil
	}
	n, err = c.readResult(r)
	return n, false, err
}

// readResult is what Read makes of a request.
func (c *Conn) readResult(r *api.Request) (int, error) {
	if r.Status == nt.StatusSuccess {
		return r.N, nil
	}
	select {
	case <-c.closed:
		return r.N, net.ErrClosed
	default:
		return c.readError(r.N, r.Status.Err())
	}
}
