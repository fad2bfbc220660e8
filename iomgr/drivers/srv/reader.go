package srv

import "time"

// reader is a goroutine that reads a connection, or did when it began what it is at. Reading is a role: who has it reads the next message and
// starts what is in it, and may let another goroutine have the role meanwhile. Two kinds do:
//
// A handler that may run long on the reader's goroutine lends the role, for as long as Submit runs: lend offers it, and from then on anybody may call
// handOver, a watchdog for instance. What comes next is then read and started as if the request had been pended: CANCEL finds it, and it gets an
// interim response in time.
//
// Bulk reads and writes give it away themselves, within an order; see bulk.
//
// Whoever has the role when the connection ends tears it down.
type reader struct {
	c     *conn
	reads bool // it has the role; its own
	bulk  job  // of conn.bulk

	// guarded by conn.mu
	lends    *command // in the handler of which it offers the role; nil for none
	detached bool     // the role is gone, and the command with it: who completes that one answers it
	lost     bool     // the role is gone
}

// read takes the role and keeps it until it is handed over or the connection ends.
func (c *conn) read() {
	rd := &reader{c: c, reads: true}
	for !c.dead.Load() {
		in, n, err := c.readFrame()
		if err != nil {
			c.cut(err)
			break
		}
		c.lastUse.Store(time.Now().UnixNano())
		c.frame(rd, in, n)
		if !rd.reads {
			return
		}
		c.send.drained()
	}
	c.bulk.wait()
	c.teardown()
}

// lend offers the role until the request that the command submits next has been started. It gives nil where that cannot be: for a part of a compound, or on a
// goroutine that has handed the role over before. The command's await takes the offer back.
func (c *command) lend() *reader {
	rd := c.rd
	if rd == nil || rd.bulk.listed || !rd.reads { // what is listed may lose the role just now
		return nil
	}
	c.conn.mu.Lock()
	rd.lends = c
	c.conn.mu.Unlock()
	c.lent = rd
	return rd
}

// handOver has another goroutine take the role that is on offer; false if none is. It may be called on any goroutine, at any time.
func (rd *reader) handOver() bool {
	c := rd.c
	c.mu.Lock()
	cmd := rd.lends
	if cmd == nil {
		c.mu.Unlock()
		return false
	}
	rd.lends, rd.lost = nil, true
	if cmd.state.CompareAndSwap(stateSubmitted, stateWaits) {
		cmd.enlist()
		rd.detached = true
	}
	c.mu.Unlock()
	go c.read()
	return true
}

// retake ends the offer. False says that the command has been detached: whoever completes its request answers it, or has done so.
func (rd *reader) retake() bool {
	rd.c.mu.Lock()
	rd.lends = nil
	mine := !rd.detached
	if rd.lost {
		rd.reads = false
	}
	rd.c.mu.Unlock()
	return mine
}
