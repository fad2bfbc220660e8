package npfs

import (
	"encoding/binary"
	"math"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// waiter is a pended FSCTL_PIPE_WAIT, or a create for which a pipe that is nt.FilePipeReplaced has no instance yet.
type waiter struct {
	p     *pipe
	r     *api.Request
	timer *time.Timer // guarded by p.mu; nil for ever
	until time.Time   // of a create: when it is given up
}

// creating reports whether it is a create that waits.
func (w *waiter) creating() bool { return !w.until.IsZero() }

// patience is how long a create waits for the next instance of a server that makes one.
const patience = time.Second

// maxCreating bounds the creates that wait at one pipe.
const maxCreating = 256

// creating counts the creates that wait; mu is held.
func (p *pipe) creating() (n int) {
	for _, w := range p.waiters {
		if w.creating() {
			n++
		}
	}
	return n
}

// awaitInstance has a create wait until an instance listens; w is what it has waited with before, nil at first. mu is held.
func (p *pipe) awaitInstance(r *api.Request, w *waiter) nt.Status {
	if w == nil {
		w = &waiter{p: p, r: r, until: time.Now().Add(patience)}
		if !r.Pend(w.cancel) {
			return nt.StatusCancelled
		}
	}
	left := time.Until(w.until)
	switch {
	case r.Cancelled():
		return nt.StatusCancelled
	case left <= 0, p.creating() >= maxCreating:
		return nt.StatusPipeNotAvailable
	}
	p.waiters = append(p.waiters, w)
	w.timer = time.AfterFunc(left, func() { w.end(nt.StatusPipeNotAvailable) })
	return nt.StatusPending
}

func (w *waiter) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// wait is FSCTL_PIPE_WAIT (MS-FSCC 2.3.49): it ends when an instance listens.
func (fs *fs) wait(r *api.Request) {
	name, timeout, given, ok := parseWait(r.In)
	if !ok {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	fs.mu.RLock()
	p := fs.pipes[nt.Upcase(name)]
	fs.mu.RUnlock()
	if p == nil {
		r.Complete(nt.StatusObjectNameNotFound, 0)
		return
	}
	if !given {
		timeout = p.defaultTimeout
	}
	w := &waiter{p: p, r: r}
	p.mu.Lock()
	status := nt.StatusPending
	switch {
	case p.gone:
		status = nt.StatusObjectNameNotFound
	case p.listening.head != nil:
		status = nt.StatusSuccess
	case !r.Pend(w.cancel):
		status = nt.StatusCancelled
	default:
		p.waiters = append(p.waiters, w)
		if d := relative(timeout); d >= 0 {
			w.timer = time.AfterFunc(d, func() { w.end(nt.StatusIoTimeout) })
		}
	}
	p.mu.Unlock()
	if status != nt.StatusPending {
		r.Complete(status, 0)
	}
}

// relative makes a duration of an NT time-out: negative ones are relative, in 100 ns; the smallest means for ever (-1 here). An absolute time is
// counted from now.
func relative(t int64) time.Duration {
	switch {
	case t == math.MinInt64:
		return -1
	case t > 0:
		return max(0, time.Until(nt.Time(t).Go()))
	case t < -int64(math.MaxInt64/100):
		return -1
	}
	return time.Duration(-t) * 100
}

func parseWait(b []byte) (name string, timeout int64, given, ok bool) {
	if len(b) < 14 {
		return
	}
	n := binary.LittleEndian.Uint32(b[8:])
	if n == 0 || n%2 != 0 || uint64(n) > uint64(len(b)-14) || n > 2*256 {
		return
	}
	return nt.DecodeUTF16(b[14 : 14+n]), int64(binary.LittleEndian.Uint64(b)), b[12] != 0, true
}

func (w *waiter) cancel(*api.Request) { w.end(nt.StatusCancelled) }

// end completes the wait if it is still there.
func (w *waiter) end(status nt.Status) {
	w.p.mu.Lock()
	found := false
	for i, x := range w.p.waiters {
		if x == w {
			w.p.waiters = append(w.p.waiters[:i], w.p.waiters[i+1:]...)
			w.stop()
			found = true
			break
		}
	}
	w.p.mu.Unlock()
	if found {
		w.r.Complete(status, 0)
	}
}

// wakeWaiters ends every wait: all may try, one will be served. Of the creates that wait one is tried again. mu is held.
func (p *pipe) wakeWaiters(c *completions) {
	rest := p.waiters[:0]
	for _, w := range p.waiters {
		switch {
		case !w.creating():
			w.stop()
			c.add(w.r, nt.StatusSuccess, 0)
		case c.open == nil: // the instance is its, unless somebody comes before
			w.stop()
			c.open = w
		default:
			rest = append(rest, w)
		}
	}
	clear(p.waiters[len(rest):])
	p.waiters = rest
}
