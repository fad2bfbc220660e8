package rdr

import (
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

const creditSize = 64 << 10 // bytes that a credit pays for (MS-SMB2 3.1.5.2)

// maxHeld bounds the credits that are remembered, whatever a server grants.
const maxHeld = 1 << 16

// chargeFor is what a message with n bytes one way costs.
func (c *conn) chargeFor(n int) int {
	if !c.multiCredit || n <= creditSize {
		return 1
	}
	return (n + creditSize - 1) / creditSize
}

// fit bounds a length by what a message may carry and a quarter of the credits can pay.
func (c *conn) fit(n, limit int) int {
	limit = min(limit, max(1, int(c.total.Load())/4)*creditSize)
	if !c.multiCredit {
		limit = min(limit, creditSize)
	}
	return min(n, limit)
}

// start puts an exchange in line and sends what may go. Where that fails the exchange is completed.
func (c *conn) start(x *exchange) {
	if st := c.enqueue(x); st != nt.StatusSuccess {
		x.complete(st, 0)
		return
	}
	c.pump()
}

// enqueue puts an exchange in line. On failure it is still the caller's.
func (c *conn) enqueue(x *exchange) nt.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return nt.StatusConnectionDisconnected
	}
	if x.file != nil && x.file.closed.Load() && x.op != &opClose {
		return nt.StatusFileClosed
	}
	if x.pend == nil && x.r != nil && x.r.Cancelled() { // while it was with nobody
		return nt.StatusCancelled
	}
	if x.pend != nil {
		if !x.r.Pend(x.pend) {
			return nt.StatusCancelled
		}
		x.pend = nil
	}
	c.queue(x)
	return nt.StatusSuccess
}

// queue needs mu.
func (c *conn) queue(x *exchange) {
	x.deadline = time.Now().Add(c.d.cfg.RequestTimeout)
	switch {
	case x.sess != nil && x.sess.expired && x.op != &opSetup:
		x.deadline = time.Time{} // that of the authentication holds
		x.sess.parked.push(x)
		if c.parked == nil {
			c.parked = make(map[*session]struct{})
		}
		c.parked[x.sess] = struct{}{}
		c.attend(nil)
		return
	case x.bulk > 0 && c.bulk > 0 && c.bulk+x.bulk > c.d.cfg.Limits.BytesInFlight:
		x.deadline = time.Time{} // others are on their way and have theirs
		c.bulky.push(x)
		c.attend(nil)
		return
	}
	c.bulk += x.bulk
	c.waiting.push(x)
	c.arm(x.deadline)
	c.attend(x)
}

// take gives the next exchange to send with its message id, nil if nothing may go; mu is held. The line is first come, first served: who
// needs more credits than there are makes those behind it wait.
func (c *conn) take() *exchange {
	if x := c.cancels.head; x != nil {
		c.cancels.remove(x)
		return x
	}
	x := c.waiting.head
	if x == nil || c.credits < x.cost() {
		return nil
	}
	c.waiting.remove(x)
	for y := x; y != nil; y = y.then {
		c.credits -= y.charge
		y.id = c.nextID
		c.nextID += uint64(y.charge)
		y.want = y.charge
		c.held += y.charge
	}
	x.want += max(0, min(c.d.cfg.MaxCredits-c.credits-c.held, 0xFFFF-x.charge))
	return x
}

// granted counts the credits of an answer; mu is held. The first answer to an exchange, interim or not, replaces those that it cost.
func (c *conn) granted(x *exchange, n uint16, first bool) {
	if first {
		c.held -= x.charge
	}
	c.credits = min(c.credits+int(n), maxHeld)
	c.total.Store(int32(c.credits + c.held))
}

// unload is called when an exchange has ended that was let into the line; mu is held.
func (c *conn) unload(x *exchange) {
	if x.bulk == 0 {
		return
	}
	c.bulk -= x.bulk
	x.bulk = 0
	for y := c.bulky.head; y != nil && (c.bulk == 0 || c.bulk+y.bulk <= c.d.cfg.Limits.BytesInFlight); y = c.bulky.head {
		c.bulky.remove(y)
		c.bulk += y.bulk
		y.deadline = time.Now().Add(c.d.cfg.RequestTimeout)
		c.waiting.push(y)
		c.arm(y.deadline)
	}
}

// creditCharge is the field of the header: dialect 2.0.2 has none, and NEGOTIATE comes before there is a dialect.
func (c *conn) creditCharge(x *exchange) uint16 {
	if c.dialect < smb2.Dialect210 || x.op.silent {
		return 0
	}
	return uint16(x.charge)
}
