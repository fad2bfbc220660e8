package rdr

import (
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// opCancel is CANCEL (MS-SMB2 3.2.4.24), which has the id of what it cancels and is never answered.
var opCancel = operation{
	cmd:    smb2.Cancel,
	size:   func(*exchange) int { return 4 },
	encode: func(_ *exchange, b []byte) []byte { return (&smb2.CancelRequest{}).Append(b) },
	silent: true,
}

// cancelOf makes the CANCEL of an exchange that has been sent.
func cancelOf(x *exchange) *exchange {
	k := newExchange(&opCancel, x.conn, x.sess, x.tree)
	k.id, k.asyncID, k.async = x.id, x.asyncID, x.async
	return k
}

// cancel ends the exchanges of a request early. Those that have not been sent end here; for the others the server is asked, and given up
// after a while.
func (c *conn) cancel(r *api.Request) {
	var unsent []*exchange
	c.mu.Lock()
	if c.dead {
		c.mu.Unlock()
		return
	}
	pick := func(x *exchange) {
		if x.r == r {
			c.drop(x)
			unsent = append(unsent, x)
		}
	}
	c.waiting.each(pick)
	c.bulky.each(pick)
	for s := range c.parked {
		s.parked.each(pick)
	}
	giveUp := time.Now().Add(c.d.cfg.CancelTimeout)
	if x := c.building; x != nil && x.r == r && !x.op.silent {
		for ; x != nil; x = x.then {
			x.cancelled, x.giveUp = true, giveUp
		}
		c.arm(giveUp)
	}
	for _, x := range c.inflight {
		if (x.r == r || x.with == r) && !x.cancelled {
			x.cancelled, x.giveUp = true, giveUp
			c.cancels.push(cancelOf(x))
			c.arm(giveUp)
		}
	}
	c.mu.Unlock()
	for _, x := range unsent {
		x.complete(nt.StatusCancelled, 0)
	}
	c.pump()
}

// drop takes an exchange out of the line that it waits in; mu is held.
func (c *conn) drop(x *exchange) {
	l := x.list
	l.remove(x)
	if l == &c.waiting {
		c.unload(x)
	}
}

// abandon gives an exchange up that the server owes an answer to; mu is held. The caller completes the request by the copy that it gets:
// the exchange stays, so that the answer is known when it comes.
func (x *exchange) abandon() *exchange {
	k := exchangePool.Get().(*exchange)
	*k = exchange{op: x.op, conn: x.conn, sess: x.sess, tree: x.tree, file: x.file, r: x.r, done: x.done, owner: x.owner, chain: x.chain}
	x.r, x.with, x.done, x.owner, x.in, x.out = nil, nil, nil, nil, nil, nil
	x.giveUp = time.Time{}
	return k
}

// givenUp reports that nobody waits for the answer any more. The driver's own exchanges have a done.
func (x *exchange) givenUp() bool { return x.r == nil && x.done == nil }
