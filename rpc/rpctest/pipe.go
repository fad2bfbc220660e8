package rpctest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"lwio/iomgr/nt"
)

// Quota is how many octets one direction of a Pipe holds; a writer with more waits for the reader.
const Quota = 64 << 10

// Peer is what the far end of a Pipe says of the near one, and of itself: see the methods that rpc/server looks for.
type Peer struct {
	Token      *nt.Token // nil is anonymous
	SessionKey []byte
	ClientName string
	Endpoint   string // empty is \PIPE\test
}

// Conn is an end of a Pipe.
type Conn struct {
	in, out *queue
	turn    chan struct{} // held over a Transact
}

// Server is the far end of a Pipe, which knows its client.
type Server struct {
	Conn
	peer Peer
}

// Pipe makes a message-mode pipe. Each Write is a message; a Read of less than one leaves the rest for the next.
func Pipe(p Peer) (near *Conn, far *Server) {
	a, b := newQueue(), newQueue()
	near = &Conn{in: a, out: b, turn: make(chan struct{}, 1)}
	return near, &Server{Conn{in: b, out: a, turn: make(chan struct{}, 1)}, p}
}

// Token is who the client is.
func (s *Server) Token() *nt.Token { return s.peer.Token }

// SessionKey is the transport's.
func (s *Server) SessionKey() []byte { return s.peer.SessionKey }

// ClientName is what the client calls itself.
func (s *Server) ClientName() string { return s.peer.ClientName }

// Transport is where the server listens.
func (s *Server) Transport() (protseq, endpoint string) {
	if s.peer.Endpoint == "" {
		return "ncacn_np", `\PIPE\test`
	}
	return "ncacn_np", s.peer.Endpoint
}

// Read reads of one message.
func (c *Conn) Read(b []byte) (int, error) {
	n, _, err := c.in.read(context.Background(), b)
	return n, err
}

// Write writes one message.
func (c *Conn) Write(b []byte) (int, error) { return c.out.write(context.Background(), b) }

// Transact writes one message and reads the next. If that is longer than out, the error is nt.StatusBufferOverflow and the rest is left.
func (c *Conn) Transact(ctx context.Context, in, out []byte) (int, error) {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-c.turn }()
	if _, err := c.out.write(ctx, in); err != nil {
		return 0, err
	}
	n, more, err := c.in.read(ctx, out)
	if err == nil && more {
		err = nt.StatusBufferOverflow
	}
	return n, err
}

// Close closes both directions: the other end reads what is there still, and then io.EOF.
func (c *Conn) Close() error {
	c.in.close(true)
	c.out.close(false)
	return nil
}

// Addr is the address of both ends.
type Addr struct{}

// Network is "pipe".
func (Addr) Network() string { return "pipe" }

// String is the pipe's name.
func (Addr) String() string { return "memory" }

// LocalAddr is an Addr.
func (c *Conn) LocalAddr() net.Addr { return Addr{} }

// RemoteAddr is an Addr.
func (c *Conn) RemoteAddr() net.Addr { return Addr{} }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline bounds Read and Transact.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.deadline(&c.in.readers, t)
	return nil
}

// SetWriteDeadline bounds Write.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.deadline(&c.out.writers, t)
	return nil
}

// queue is one direction.
type queue struct {
	mu       sync.Mutex
	messages [][]byte      // guarded by mu
	held     int           // octets in messages; guarded by mu
	closed   bool          // no more is written; guarded by mu
	dropped  bool          // the reader is gone; guarded by mu
	changed  chan struct{} // closed and replaced when any of this changes; guarded by mu

	readers, writers limit
}

// limit is a deadline.
type limit struct {
	timer   *time.Timer
	expired chan struct{} // closed when it has passed; guarded by the queue's mu
}

func newQueue() *queue {
	q := &queue{changed: make(chan struct{})}
	q.readers.expired, q.writers.expired = make(chan struct{}), make(chan struct{})
	return q
}

// change wakes all that wait. The caller holds mu.
func (q *queue) change() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// wait gives up mu until something has changed.
func (q *queue) wait(ctx context.Context, l *limit) error {
	changed, expired := q.changed, l.expired
	q.mu.Unlock()
	defer q.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-expired:
		return os.ErrDeadlineExceeded
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *limit) passed() bool {
	select {
	case <-l.expired:
		return true
	default:
		return false
	}
}

func (q *queue) read(ctx context.Context, b []byte) (n int, more bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.dropped:
			return 0, false, net.ErrClosed
		case q.readers.passed():
			return 0, false, os.ErrDeadlineExceeded
		case len(q.messages) > 0:
			n = copy(b, q.messages[0])
			q.held -= n
			if more = n < len(q.messages[0]); more {
				q.messages[0] = q.messages[0][n:]
			} else {
				q.messages = q.messages[1:]
			}
			q.change()
			return n, more, nil
		case q.closed:
			return 0, false, io.EOF
		}
		if err := q.wait(ctx, &q.readers); err != nil {
			return 0, false, err
		}
	}
}

func (q *queue) write(ctx context.Context, b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.closed:
			return 0, net.ErrClosed
		case q.dropped:
			return 0, io.ErrClosedPipe
		case q.writers.passed():
			return 0, os.ErrDeadlineExceeded
		case q.held == 0 || q.held+len(b) <= Quota: // a message over the quota goes alone
			q.messages = append(q.messages, append([]byte{}, b...))
			q.held += len(b)
			q.change()
			return len(b), nil
		}
		if err := q.wait(ctx, &q.writers); err != nil {
			return 0, err
		}
	}
}

func (q *queue) close(reader bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if reader {
		q.dropped, q.messages, q.held = true, nil, 0
	} else {
		q.closed = true
	}
	q.change()
}

func (q *queue) deadline(l *limit, t time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	expired := make(chan struct{})
	l.expired, l.timer = expired, nil
	if !t.IsZero() {
		if d := time.Until(t); d <= 0 {
			close(expired)
		} else {
			l.timer = time.AfterFunc(d, func() { close(expired) })
		}
	}
	q.change()
}
