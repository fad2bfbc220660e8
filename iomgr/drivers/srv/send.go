package srv

import (
	"sync"
	"time"

	"lwio/iomgr/smb2"
)

// sender writes what goes out in order. Whoever completes a request tries the socket at once without blocking; what the socket does not take
// waits in a queue that a goroutine writes, which lives only as long as the queue does. So no completion blocks on a slow client.
type sender struct {
	c *conn

	mu      sync.Mutex
	queue   []outgoing // guarded by mu
	queued  int        // guarded by mu: bytes in it
	running bool       // guarded by mu: the writer's goroutine
	empty   chan struct{}

	try  func(fd uintptr) bool // guarded by mu, with the next three
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
	if !s.running && c.raw != nil {
		s.b = b
		err := c.raw.Write(s.try)
		if err == nil {
			err = s.errs
		}
		b = b[s.n:]
		s.b, s.n = nil, 0
		if err != nil {
			s.mu.Unlock()
			buf.unref()
			c.cut(err)
			return
		}
		if len(b) == 0 {
			s.mu.Unlock()
			buf.unref()
			return
		}
	}
	s.queue = append(s.queue, outgoing{buf, b})
	s.queued += len(b)
	if !s.running {
		s.running = true
		go s.write()
	}
	s.mu.Unlock()
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
			s.queue, s.queued, s.running = nil, 0, false
			s.mu.Unlock()
			s.tell()
			return
		}
		o := s.queue[0]
		s.queue[0] = outgoing{}
		s.queue = s.queue[1:]
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
