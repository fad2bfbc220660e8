package srv

import (
	"sync"
	"time"

	"lwio/iomgr/smb2"
)

// sender writes what goes out in order. Whoever completes a request tries the socket at once without blocking; what the socket does not take
// waits in a queue that a goroutine writes, which lives only as long as the queue does. So no completion blocks on a slow client, nor on another that
// writes: what it has is taken along.
type sender struct {
	c *conn

	mu      sync.Mutex
	queue   []outgoing // guarded by mu
	queued  int        // guarded by mu: bytes in it
	writing bool       // guarded by mu: somebody writes, who looks at the queue when he is done
	empty   chan struct{}

	// Of who writes.
	try  func(fd uintptr) bool
	b    []byte
	n    int
	errs error
}

type outgoing struct {
	buf *buffer
	b   []byte // of buf, what is still to write
}

func (s *sender) init(c *conn) {
	s.c = c
	s.empty = make(chan struct{}, 1)
	s.try = func(fd uintptr) bool {
		s.n, s.errs = writeNow(fd, s.b)
		return true
	}
}

// transmit sends the message of end-outStart bytes that stands at outStart of buf; it takes over the reference. With a sealer it goes encrypted.
func (s *sender) transmit(buf *buffer, end int, seal *smb2.Sealer) {
	c := s.c
	from := outStart - smb2.FrameHeaderSize
	if seal != nil {
		from = 0
		if err := seal.Seal(buf.b[smb2.FrameHeaderSize:end]); err != nil {
			c.cut(err)
			buf.unref()
			return
		}
	}
	smb2.PutFrameHeader(buf.b[from:], end-from-smb2.FrameHeaderSize)
	b := buf.b[from:end]
	c.bytesOut.Add(uint64(len(b)))
	s.mu.Lock()
	if c.dead.Load() {
		s.mu.Unlock()
		buf.unref()
		return
	}
	if s.writing {
		s.queue = append(s.queue, outgoing{buf, b})
		s.queued += len(b)
		s.mu.Unlock()
		return
	}
	s.writing = true
	s.mu.Unlock()
	s.now(outgoing{buf, b})
}

// atOnce bounds the messages that one completion writes.
const atOnce = 8

// now writes a message, and those that others have queued meanwhile, as far as the socket takes them.
func (s *sender) now(o outgoing) {
	c := s.c
	for i := 0; c.raw != nil && i < atOnce; i++ {
		s.b = o.b
		err := c.raw.Write(s.try)
		if err == nil {
			err = s.errs
		}
		n := s.n
		s.b, s.n = nil, 0
		if err != nil {
			c.cut(err) // and the goroutine gives up what is queued
			break
		}
		if o.b = o.b[n:]; len(o.b) > 0 {
			break
		}
		o.buf.unref()
		s.mu.Lock()
		if len(s.queue) == 0 {
			s.writing = false
			s.mu.Unlock()
			return
		}
		o = s.pop()
		s.queued -= len(o.b)
		s.mu.Unlock()
		s.tell()
	}
	s.mu.Lock()
	s.queue = append(s.queue, outgoing{})
	copy(s.queue[1:], s.queue)
	s.queue[0] = o
	s.queued += len(o.b)
	s.mu.Unlock()
	go s.write()
}

// pop takes the first message off the queue; mu is held.
func (s *sender) pop() outgoing {
	o := s.queue[0]
	s.queue[0] = outgoing{}
	if s.queue = s.queue[1:]; len(s.queue) == 0 {
		s.queue = nil
	}
	return o
}

// write empties the queue.
func (s *sender) write() {
	c := s.c
	for {
		s.mu.Lock()
		if len(s.queue) == 0 || c.dead.Load() {
			for _, o := range s.queue {
				o.buf.unref()
			}
			_ = c.nc.SetWriteDeadline(time.Time{}) // before the next writer sets its own
			s.queue, s.queued, s.writing = nil, 0, false
			s.mu.Unlock()
			s.tell()
			return
		}
		o := s.pop()
		s.mu.Unlock()
		_ = c.nc.SetWriteDeadline(time.Now().Add(c.srv.cfg.Limits.SendTimeout))
		_, err := c.nc.Write(o.b)
		s.mu.Lock()
		s.queued -= len(o.b)
		s.mu.Unlock()
		o.buf.unref()
		if err != nil {
			c.cut(err)
		}
		s.tell()
	}
}

func (s *sender) tell() {
	select {
	case s.empty <- struct{}{}:
	default:
	}
}

// drained waits until the client has taken most of what was sent. A client that does not is cut by the writer's time-out.
func (s *sender) drained() {
	for {
		s.mu.Lock()
		ok := s.queued <= smallQueue
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-s.empty:
		case <-s.c.done:
			return
		}
	}
}
