package ipc

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// outbox sends frames in the order in which they are put. Nobody who puts waits: who finds it idle writes as far as that goes without waiting, and
// leaves the rest to a goroutine, which lives while there is a rest. So an answer is on its way without a goroutine waking first, and an idle
// connection has none.
type outbox struct {
	conn    net.Conn
	raw     syscall.RawConn // nil if the connection has none: then the goroutine writes all
	timeout time.Duration   // of a peer that does not read; zero for never
	sent    func(n int)     // told of the bytes of frames that are gone, or given up; may be nil

	mu      sync.Mutex
	room    sync.Cond // of mu: told when bytes are gone
	queue   []*buffer // guarded by mu
	spare   []*buffer // guarded by mu: the slice that queue was before
	size    int       // guarded by mu: bytes that are held by frames that are put and not gone
	sending bool      // guarded by mu: somebody writes
	dead    bool      // guarded by mu

	// Of who writes.
	direct []byte
	n      int
	err    error
	try    func(fd uintptr) bool
}

func (o *outbox) init(conn net.Conn) {
	o.conn = conn
	o.room.L = &o.mu
	if c, ok := conn.(syscall.Conn); ok {
		o.raw, _ = c.SyscallConn()
	}
	o.try = func(fd uintptr) bool {
		o.n, o.err = syscall.Write(int(fd), o.direct)
		return true
	}
}

// put queues a frame, which is the outbox's from then on. If it reports true the caller calls write.
func (o *outbox) put(b *buffer) (write bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead {
		b.put()
		return false
	}
	b.whole = len(b.b)
	o.queue = append(o.queue, b)
	o.size += cap(b.b)
	if o.sending {
		return false
	}
	o.sending = true
	return true
}

// send is put and write.
func (o *outbox) send(b *buffer) {
	if o.put(b) {
		o.write()
	}
}

// atOnce bounds the frames that one caller writes, who has other work.
const atOnce = 16

// write writes what is queued as far as it goes without waiting.
func (o *outbox) write() {
	if o.raw == nil {
		go o.flush()
		return
	}
	for range atOnce {
		o.mu.Lock()
		if len(o.queue) == 0 {
			o.sending = false
			o.mu.Unlock()
			return
		}
		if len(o.queue) > 1 {
			o.mu.Unlock()
			break
		}
		b := o.queue[0]
		o.queue[0] = nil
		o.queue = o.queue[:0]
		o.mu.Unlock()
		o.direct, o.n, o.err = b.b, 0, nil
		if err := o.raw.Write(o.try); err != nil {
			o.err = err
		}
		o.direct = nil
		if o.err != nil && o.err != syscall.EAGAIN && o.err != syscall.EINTR {
			o.gone(b)
			o.fail()
			return
		}
		if n := max(o.n, 0); n < len(b.b) {
			o.back(b, n)
			break
		}
		o.gone(b)
	}
	go o.flush()
}

// back puts the rest of a frame before what has come since.
func (o *outbox) back(b *buffer, n int) {
	copy(b.b, b.b[n:])
	b.b = b.b[:len(b.b)-n]
	o.mu.Lock()
	o.queue = append(o.queue, nil)
	copy(o.queue[1:], o.queue)
	o.queue[0] = b
	o.mu.Unlock()
}

// flush writes until nothing is left.
func (o *outbox) flush() {
	var bufs net.Buffers
	for {
		o.mu.Lock()
		out := o.queue
		if len(out) == 0 {
			o.sending = false
			o.mu.Unlock()
			return
		}
		o.queue, o.spare = o.spare[:0], nil
		o.mu.Unlock()
		all := bufs[:0]
		for _, b := range out {
			all = append(all, b.b)
		}
		bufs = all
		if o.timeout > 0 {
			_ = o.conn.SetWriteDeadline(time.Now().Add(o.timeout))
		}
		_, err := all.WriteTo(o.conn)
		if o.timeout > 0 {
			_ = o.conn.SetWriteDeadline(time.Time{}) // a write that does not wait would look at it
		}
		o.gone(out...)
		clear(out)
		clear(bufs)
		if err != nil {
			o.fail()
			return
		}
		o.mu.Lock()
		o.spare = out[:0]
		if cap(o.spare) > 64 {
			o.spare = nil
		}
		o.mu.Unlock()
	}
}

// gone lets frames go that were sent, or given up.
func (o *outbox) gone(frames ...*buffer) {
	n, size := 0, 0
	for _, b := range frames {
		n += b.whole
		size += cap(b.b)
		b.put()
	}
	o.mu.Lock()
	o.size -= size
	o.room.Broadcast()
	o.mu.Unlock()
	if o.sent != nil && n > 0 {
		o.sent(n)
	}
}

// fail ends the connection: its reader finds out.
func (o *outbox) fail() {
	o.conn.Close()
	o.close()
}

// close gives up what is queued.
func (o *outbox) close() {
	o.mu.Lock()
	o.dead = true
	out := o.queue
	o.queue = nil
	o.room.Broadcast()
	o.mu.Unlock()
	o.gone(out...)
}

// wait waits until less than n bytes are held. False says that the connection has ended.
func (o *outbox) wait(n int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.size >= n && !o.dead {
		o.room.Wait()
	}
	return !o.dead
}
