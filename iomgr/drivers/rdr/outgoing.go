package rdr

import (
	"errors"
	"os"
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// The data of a long write that goes plain or signed are sent from where the caller has them: they are not copied into the frame. As long as the socket has
// not taken them all they are lent to who sends, and the exchange does not end: whoever would end it (an answer that comes early, the connection's end, a
// cancelled request that is given up) notes the outcome and leaves the telling to the sender. A sender that waits for the socket meanwhile is told to
// let go: it copies what is left and goes on with that.

// lendFrom is from how many bytes on data are lent: fewer are copied in less time than it takes.
const lendFrom = 16 << 10

// outgoing is a frame on its way to the socket. It is of who sends alone.
type outgoing struct {
	buf  *buffer
	head []byte    // what is left of the frame, or of what lies before data
	data []byte    // what is left of the data of of; they end the frame
	of   *exchange // whose data are lent; nil for none
	wait bool      // for the socket
	err  error     // of the socket
}

func (o *outgoing) left() int { return len(o.head) + len(o.data) }

// drop lets go of the frame.
func (o *outgoing) drop() {
	o.buf.free()
	*o = outgoing{}
}

// own copies what is left, so that it no longer is the caller's.
func (o *outgoing) own() {
	buf := newBuffer(o.left())
	n := copy(buf.b, o.head)
	n += copy(buf.b[n:], o.data)
	o.buf.free()
	o.buf, o.head, o.data = buf, buf.b[:n], nil
}

// lendable reports whether the data of an exchange can be sent from where they are. What is signed must not change until it is sent.
func (x *exchange) lendable(signed bool) bool {
	return x.op == &opWrite && len(x.in) >= lendFrom && x.conn.raw != nil && !x.compresses() && !(signed && x.r != nil && x.r.Unsteady)
}

// appendHead writes the body of a WRITE whose data are lent (MS-SMB2 2.2.21).
func (x *exchange) appendHead(b []byte) []byte {
	return (&smb2.WriteRequest{Offset: x.offset, FileID: x.fid, Data: x.in}).AppendHead(b)
}

// put writes what the socket takes; false has the poller tell when it takes more.
func (c *conn) put(fd uintptr) bool {
	o := &c.out
	for o.left() > 0 {
		n, err := writeNow(fd, o.head, o.data)
		if err != nil {
			o.err = err
			return true
		}
		if n == 0 {
			return !o.wait
		}
		k := min(n, len(o.head))
		o.head, o.data = o.head[k:], o.data[n-k:]
	}
	return true
}

// try writes what the socket takes at once.
func (c *conn) try() error {
	if c.raw == nil {
		return nil
	}
	if err := c.raw.Write(c.putting); err != nil {
		return err
	}
	return c.out.err
}

// write writes what is left, and waits for the socket, but not for longer than for an answer.
func (c *conn) write() error {
	o := &c.out
	end := time.Now().Add(c.d.cfg.RequestTimeout)
	for o.of != nil && o.left() > 0 {
		let, err := c.writeLent(end)
		switch {
		case let:
			o.own()
			c.letGo()
		case err != nil:
			return err
		}
	}
	if o.left() > 0 {
		_ = c.nc.SetWriteDeadline(end)
		if _, err := c.nc.Write(o.head); err != nil {
			return err
		}
		o.head = nil
	}
	return c.nc.SetWriteDeadline(time.Time{}) // nor does it end what is written later
}

// writeLent writes what is lent until that is sent, or is to be let go.
func (c *conn) writeLent(end time.Time) (let bool, err error) {
	o := &c.out
	c.mu.Lock()
	if c.letting {
		c.mu.Unlock()
		return true, nil
	}
	c.awaits = true
	_ = c.nc.SetWriteDeadline(end)
	c.mu.Unlock()
	o.wait = true
	err = c.raw.Write(c.putting)
	o.wait = false
	c.mu.Lock()
	c.awaits = false
	let = c.letting
	c.mu.Unlock()
	switch {
	case err == nil:
		return false, o.err
	case let && errors.Is(err, os.ErrDeadlineExceeded):
		return true, nil
	}
	return false, err
}

// keeps reports that the data of an exchange are with the sender, which will end it in this way when it lets go of them.
func (c *conn) keeps(x *exchange, st nt.Status, n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lent != x {
		return false
	}
	x.ended, x.status, x.count = true, st, n
	c.wantBack()
	return true
}

// wantBack has the sender let go of what is lent to it; mu is held.
func (c *conn) wantBack() {
	c.letting = true
	if c.awaits {
		_ = c.nc.SetWriteDeadline(time.Unix(1, 0))
	}
}

// letGo ends the lending, and the exchange if that was left to the sender.
func (c *conn) letGo() {
	x := c.out.of
	if x == nil {
		return
	}
	c.out.of = nil
	c.mu.Lock()
	c.lent, c.letting = nil, false
	ended := x.ended
	if !ended && !x.giveUp.IsZero() && !c.dead {
		c.arm(x.giveUp)
	}
	c.mu.Unlock()
	if ended {
		x.complete(x.status, x.count)
	}
}

// sent is called when a frame is on its way or has failed.
func (c *conn) sent(err error) {
	c.letGo()
	c.out.drop()
	if err != nil {
		c.cut(err)
	}
}
