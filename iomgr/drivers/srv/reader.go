package srv

import (
	"math"
	"sync/atomic"
	"time"
)

// reader is a goroutine that reads a connection, or did when it began what it is at. Reading is a role: who has it reads the next message and
// starts what is in it, and may let another goroutine have the role meanwhile. Two kinds do:
//
// What a request on a pipe brings may be dealt with on the reader's goroutine, by whoever serves the pipe: that spares a call the wake of another goroutine, and of a
// thread. If it takes long a watch hands the role over, and what comes next is read and started as if the request had been pended: CANCEL finds it, and it gets an
// interim response in time.
//
// Bulk reads and writes give it away themselves, within an order; see bulk.
//
// Whoever has the role when the connection ends tears it down.
type reader struct {
	c     *conn
	reads bool // it has the role; its own
	bulk  job  // of conn.bulk

	work func() // what its goroutine is borrowed for; its own
	on   *open  // by a request on which; its own until turn says that it is at work

	turn    atomic.Uint64 // even while it is not at work, odd while it is; another number each time. turnLost: the role was handed over
	watched atomic.Bool   // it is in the server's watch
	seen    uint64        // guarded by watch.mu: turn when it looked last
}

// read takes the role and keeps it until it is handed over or the connection ends.
func (c *conn) read() {
	rd := &reader{c: c, reads: true}
	for !c.dead.Load() {
		in, n, flow, err := c.readFrame()
		if err != nil {
			c.cut(err)
			break
		}
		c.lastUse.Store(time.Now().UnixNano())
		if c.flowed = flow != nil; c.flowed {
			c.flow(rd, in, flow)
		} else {
			c.frame(rd, in, n)
		}
		if rd.work != nil {
			rd.attend()
		}
		if !rd.reads {
			return
		}
		c.send.drained()
	}
	c.bulk.wait()
	c.teardown()
}

// lends reports whether what a request brings to a pipe may be dealt with on the goroutine that started it: not for a part of a compound, not where another goroutine reads
// meanwhile anyway or more has come that is to be read, and not where the last such thing took long.
func (c *command) lends() bool {
	rd := c.rd
	if rd == nil || rd.bulk.listed || !rd.reads || c.conn.r != c.conn.w || !c.open.share.pipe { // what is listed may lose the role just now
		return false
	}
	if n := c.open.slow.Load(); n > 0 {
		c.open.slow.Store(n - 1)
		return false
	}
	return true
}

// borrowed asks what a request that was Lent has brought. If the command waits for that, which is mostly its answer, it is not pended: who completes its request
// answers it.
func (rd *reader) borrowed(cmd *command, r *request) bool {
	if rd.work = r.Borrowed(); rd.work == nil {
		return false
	}
	rd.on = cmd.open
	led := &rd.c.led
	led.Store(cmd)
	if atomic.CompareAndSwapUint32(&cmd.state, stateSubmitted, stateWaits) {
		return true
	}
	led.Store(nil)
	return false
}

const turnLost = math.MaxUint64

// slowFor is how many requests of a pipe are dealt with elsewhere after one has taken long.
const slowFor = 16

// attend works at what the last request has brought. It is called when that has been answered, or waits.
func (rd *reader) attend() {
	work := rd.work
	rd.work = nil
	turn := rd.turn.Load() + 1
	rd.turn.Store(turn)
	if !rd.watched.Load() {
		rd.c.srv.watch.add(rd)
	}
	work()
	if !rd.turn.CompareAndSwap(turn, turn+1) {
		rd.reads = false
		return
	}
	rd.c.pend()
}

// pend has what waits for the reader's work wait like everything else.
func (c *conn) pend() {
	cmd := c.led.Load()
	if cmd == nil {
		return
	}
	c.mu.Lock()
	if c.led.CompareAndSwap(cmd, nil) { // or it has been completed
		cmd.enlist()
	}
	c.mu.Unlock()
}

// handOver has another goroutine read, if the reader is still at the work that it was at at that turn. It may be called on any goroutine.
func (rd *reader) handOver(turn uint64) bool {
	if turn%2 == 0 || !rd.turn.CompareAndSwap(turn, turnLost) {
		return false
	}
	rd.on.slow.Store(slowFor)
	rd.c.pend()
	go rd.c.read()
	return true
}
