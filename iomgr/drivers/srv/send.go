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
	o    outgoing
	n    int
	errs error
}

// outgoing is what goes out: a message, or a piece of one.
type outgoing struct {
	buf  *buffer // let go when it has gone; nil for none
	b    []byte  // what is still to write
	more bool    // of the same message follows
	p    *pipe   // what is to be written instead of b; nil for none
	left int     // bytes in it
}

func (o *outgoing) size() int { return len(o.b) + o.left }

// wrote takes note of n bytes that have gone.
func (o *outgoing) wrote(n int) {
	if o.p != nil {
		o.left -= n
	} else {
		o.b = o.b[n:]
	}
}

// drop lets go of what it holds, whether or not it has gone.
func (o *outgoing) drop(c *conn) {
	if o.p != nil {
		c.srv.pipes.giveBack(o.p, o.left)
	}
	if o.buf != nil {
		o.buf.unref()
	}
}

// now writes what the socket takes at once; nothing is no error.
func (o *outgoing) now(fd uintptr) (int, error) {
	if o.p != nil {
		return o.p.sendNow(fd, o.left, o.more)
	}
	return writeNow(fd, o.b, o.more)
}

func (s *sender) init(c *conn) {
	s.c = c
	s.empty = make(chan struct{}, 1)
	s.try = func(fd uintptr) bool {
		s.n, s.errs = s.o.now(fd)
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
	s.send(outgoing{buf: buf, b: buf.b[from:end]})
}

// transmitFlow sends the plain message at outStart of buf, of which the n bytes from at are not there but in a pipe. It takes over the reference, and the pipe.
func (s *sender) transmitFlow(buf *buffer, at, n, end int, p *pipe) {
	const from = outStart - smb2.FrameHeaderSize
	smb2.PutFrameHeader(buf.b[from:], end-outStart)
	head := outgoing{b: buf.b[from:at], more: true}
	flow := outgoing{p: p, left: n}
	if at+n == end {
		flow.buf = buf
		s.send(head, flow)
		return
	}
	flow.more = true
	s.send(head, flow, outgoing{buf: buf, b: buf.b[at+n : end]})
}

// send sends the pieces of a message.
func (s *sender) send(pieces ...outgoing) {
	c := s.c
	n := 0
	for i := range pieces {
		n += pieces[i].size()
	}
	c.bytesOut.Add(uint64(n))
	s.mu.Lock()
	if c.dead.Load() {
		s.mu.Unlock()
		for i := range pieces {
			pieces[i].drop(c)
		}
		return
	}
	rest := pieces
	if !s.writing {
		rest = pieces[1:]
		n -= pieces[0].size()
	}
	s.queue = append(s.queue, rest...)
	s.queued += n
	if s.writing {
		s.mu.Unlock()
		return
	}
	s.writing = true
	s.mu.Unlock()
	s.now(pieces[0])
}

// atOnce bounds the pieces of messages that one completion writes.
const atOnce = 16

// now writes a message, and those that others have queued meanwhile, as far as the socket takes them.
func (s *sender) now(o outgoing) {
	c := s.c
	for i := 0; c.raw != nil && i < atOnce; i++ {
		s.o = o
		err := c.raw.Write(s.try)
		if err == nil {
			err = s.errs
		}
		n := s.n
		s.o, s.n = outgoing{}, 0
		if err != nil {
			c.cut(err) // and the goroutine gives up what is queued
			break
		}
		if o.wrote(n); o.size() > 0 {
			break
		}
		o.drop(c)
		s.mu.Lock()
		if len(s.queue) == 0 {
			s.writing = false
			s.mu.Unlock()
			return
		}
		o = s.pop()
		s.queued -= o.size()
		s.mu.Unlock()
		s.tell()
	}
	s.mu.Lock()
	s.queue = append(s.queue, outgoing{})
	copy(s.queue[1:], s.queue)
	s.queue[0] = o
	s.queued += o.size()
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
			for i := range s.queue {
				s.queue[i].drop(c)
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
		n := o.size()
		err := s.all(&o)
		s.mu.Lock()
		s.queued -= n
		s.mu.Unlock()
		o.drop(c)
		if err != nil {
			c.cut(err)
		}
		s.tell()
	}
}

// all writes a piece, and waits for the socket to take it.
func (s *sender) all(o *outgoing) error {
	if o.p == nil {
		_, err := s.c.nc.Write(o.b)
		return err
	}
	var failed error
	err := s.c.raw.Write(func(fd uintptr) bool {
		for o.size() > 0 { // the poller tells of room only who has found none
			n, err := o.now(fd)
			if o.wrote(n); err != nil || n == 0 {
				failed = err
				return err != nil
			}
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return err
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
