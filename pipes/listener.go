package pipes

import (
	"context"
	"net"
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Listener accepts clients of a pipe. It keeps several instances listening, and puts a new one in the place of each that a client
// takes before that client learns of its success, so that clients that come together all find one. More at once than there are instances wait for those that
// are being made, unless there is a limit to instances.
type Listener struct {
	a    api.API
	name string
	cfg  Config

	accepted chan *Conn
	done     chan struct{}

	mu      sync.Mutex
	closed  bool                    // guarded by mu
	waiting map[*listening]struct{} // guarded by mu
	err     error                   // guarded by mu: why no new instance could be made
	failed  chan struct{}           // closed with err set
}

// listening is an instance that waits for its client.
type listening struct {
	l *Listener
	h api.Handle
	r api.Request
}

// Backlog is how many instances a Listener keeps listening.
const Backlog = 8

// acceptQueue is how many connected clients may wait for Accept; more are cut off.
const acceptQueue = 1024

// Listen creates a pipe and listens on it. The name must be free: another server's pipe is not joined. Quotas and the other fields of cfg
// hold for every instance.
func Listen(ctx context.Context, a api.API, name string, cfg Config) (*Listener, error) {
	l := &Listener{a: a, name: Name(name), cfg: cfg, accepted: make(chan *Conn, acceptQueue), done: make(chan struct{}),
		waiting: make(map[*listening]struct{}), failed: make(chan struct{})}
	l.cfg.NonBlocking, l.cfg.FirstInstance, l.cfg.replaced = false, false, cfg.MaxInstances == 0
	n := Backlog
	if cfg.MaxInstances > 0 {
		n = min(n, int(cfg.MaxInstances))
	}
	for i := range n {
		if err := l.add(ctx, i == 0); err != nil {
			_ = l.Close()
			return nil, &net.OpError{Op: "listen", Net: "pipe", Addr: Addr(l.name), Err: err}
		}
	}
	return l, nil
}

// add makes one more listening instance.
func (l *Listener) add(ctx context.Context, first bool) error {
	cfg := l.cfg
	cfg.FirstInstance = first
	h, err := CreateNamedPipe(ctx, l.a, l.name, cfg)
	if err != nil {
		return err
	}
	w := &listening{l: l, h: h}
	w.r = api.Request{Op: api.OpFsControl, Handle: h, Code: nt.FsctlPipeListen, Done: w.connected}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		_ = l.a.Close(h)
		return net.ErrClosed
	}
	l.waiting[w] = struct{}{}
	l.mu.Unlock()
	l.a.Submit(&w.r)
	return nil
}

// connected is told that a client came, or that the instance's wait ended. Calls to the API must not be made on the goroutine that delivers the
// completions of another process.
func (w *listening) connected(r *api.Request) {
	if _, remote := w.l.a.(interface{ Remote() }); remote {
		go w.ended(r)
		return
	}
	w.ended(r)
}

func (w *listening) ended(r *api.Request) {
	l := w.l
	ok := r.Status == nt.StatusSuccess || r.Status == nt.StatusPipeConnected
	gone := r.Status == nt.StatusPipeClosing // a client came and went before we listened
	l.mu.Lock()
	delete(l.waiting, w)
	closed := l.closed
	l.mu.Unlock()
	if closed {
		_ = l.a.Close(w.h)
		return
	}
	if ok {
		c := newConn(l.a, w.h, l.name, true)
		if l.cfg.MaxInstances > 0 {
			c.onClose = l.refill
		}
		select {
		case l.accepted <- c:
		default:
			gone = true
		}
	}
	if !ok || gone {
		_ = l.a.Close(w.h)
	}
	if !ok && !gone {
		l.fail(r.Status)
		return
	}
	l.replace()
}

// refill makes up for an instance that could not be made while all that the limit allows were in use.
func (l *Listener) refill() {
	l.mu.Lock()
	missing := !l.closed && len(l.waiting) < min(Backlog, int(l.cfg.MaxInstances))
	l.mu.Unlock()
	if missing {
		l.replace()
	}
}

// replace puts a new instance in the place of one that was taken.
func (l *Listener) replace() { l.failIf(l.add(context.Background(), false)) }

func (l *Listener) failIf(err error) {
	if err == nil {
		return
	}
	if nt.StatusOf(err) == nt.StatusInstanceNotAvailable && l.cfg.MaxInstances > 0 {
		return // all that the limit allows are in use; refill follows when one is closed
	}
	l.fail(err)
}

func (l *Listener) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil && !l.closed {
		l.err = err
		close(l.failed)
	}
}

// Accept gives the next client.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptPipe()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptPipe is Accept with the concrete type.
func (l *Listener) AcceptPipe() (*Conn, error) {
	select {
	case <-l.done:
		return nil, l.wrap(net.ErrClosed)
	default:
	}
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.done:
		return nil, l.wrap(net.ErrClosed)
	case <-l.failed:
		l.mu.Lock()
		defer l.mu.Unlock()
		return nil, l.wrap(l.err)
	}
}

func (l *Listener) wrap(err error) error {
	return &net.OpError{Op: "accept", Net: "pipe", Addr: Addr(l.name), Err: err}
}

// Close stops listening. Clients that were accepted stay.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return net.ErrClosed
	}
	l.closed = true
	waiting := make([]*listening, 0, len(l.waiting))
	for w := range l.waiting {
		waiting = append(waiting, w)
	}
	close(l.done)
	l.mu.Unlock()
	for _, w := range waiting {
		_ = l.a.Close(w.h)
	}
	for {
		select {
		case c := <-l.accepted:
			_ = c.Close()
		default:
			return nil
		}
	}
}

// Addr is the pipe's name.
func (l *Listener) Addr() net.Addr { return Addr(l.name) }
