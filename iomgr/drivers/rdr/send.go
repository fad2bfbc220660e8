package rdr

import (
	"bytes"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// handover is how many messages a submitter sends before a goroutine takes over from it.
const handover = 16

// pump sends what may go. There is one that sends at a time; others leave their exchanges to it.
func (c *conn) pump() {
	c.mu.Lock()
	if c.pumping || c.dead {
		c.mu.Unlock()
		return
	}
	c.pumping = true
	c.run(false)
}

// run sends until nothing may go; mu is held and let go. It waits for the socket only if it may.
func (c *conn) run(mayWait bool) {
	for n := 0; ; n++ {
		var x *exchange
		if !c.dead {
			if n >= handover && !mayWait && (c.waiting.head != nil || c.cancels.head != nil) {
				c.spawnWriter()
				c.mu.Unlock()
				return
			}
			x = c.take()
		}
		if x == nil {
			c.pumping = false
			c.mu.Unlock()
			return
		}
		c.building = x
		for y := x; y != nil; y = y.then {
			y.onWire = true
		}
		c.mu.Unlock()
		err := c.build(x)
		c.mu.Lock()
		c.building = nil
		if c.dead || err != nil {
			c.out.drop()
			c.pumping = false
			c.mu.Unlock()
			c.cut(err)
			x.complete(nt.StatusConnectionDisconnected, 0)
			return
		}
		silent := x.op.silent
		if !silent {
			c.lent = c.out.of
			for y := x; y != nil; {
				c.inflight[y.id] = y
				if y.cancelled { // while it was being built
					c.cancels.push(cancelOf(y))
				}
				y, y.then = y.then, nil
			}
		}
		c.mu.Unlock() // from here on the answer may come, and x is not ours
		if silent {
			x.recycle()
		}
		if mayWait {
			err = c.write()
		} else {
			err = c.try()
		}
		if err == nil && c.out.left() > 0 {
			c.mu.Lock()
			if !c.dead {
				c.spawnWriter()
				c.mu.Unlock()
				return
			}
			c.mu.Unlock()
		}
		c.sent(err)
		c.mu.Lock()
	}
}

// spawnWriter has a goroutine write what is left of the frame and go on sending; mu is held. The reader, which lives as long as the connection
// is not cut, is counted, so the redirector does not stop waiting meanwhile.
func (c *conn) spawnWriter() {
	c.d.running.Add(1)
	go c.writer()
}

func (c *conn) writer() {
	defer c.d.running.Done()
	if c.out.left() > 0 {
		c.sent(c.write())
	}
	c.mu.Lock()
	c.run(true)
}

// header makes the header of an exchange.
func (c *conn) header(x *exchange) smb2.Header {
	h := smb2.Header{Command: x.op.cmd, CreditCharge: c.creditCharge(x), Credits: uint16(x.want), MessageID: x.id, ProcessID: 0xFEFF}
	if x.sess != nil {
		h.SessionID = x.sess.id
	}
	if x.tree != nil {
		h.TreeID = x.tree.id
	}
	if c.dialect >= smb2.Dialect300 && x.op != &opNegotiate {
		h.Status = nt.Status(x.sequence) // ChannelSequence
		if x.replay {
			h.Flags |= smb2.FlagReplayOperation
		}
	}
	if x.op.cmd == smb2.Create && x.tree.dfs {
		h.Flags |= smb2.FlagDFSOperations
	}
	if x.op.silent && x.async { // a CANCEL
		h.Flags, h.AsyncID = smb2.FlagAsyncCommand, x.asyncID
	}
	return h
}

// build makes the frame of an exchange: header and body, signed or sealed.
func (c *conn) build(x *exchange) error {
	if x.then != nil {
		return c.buildChain(x)
	}
	sign, seal := false, false
	if s := x.sess; s != nil {
		seal = s.sealer != nil && x.op != &opSetup && (s.encrypt || x.tree != nil && x.tree.encrypt)
		sign = !seal && s.signer != nil && (s.sign || x.force)
	}
	x.signed, x.sealed = sign, seal
	h := c.header(x)
	var data []byte
	size, encode := x.op.size(x), x.op.encode
	if x.lends = !seal && x.lendable(sign); x.lends {
		data, size, encode = x.in, smb2.WriteRequestSize, (*exchange).appendHead
	}
	buf := newBuffer(outOverhead + size)
	limit := len(buf.b) - smb2.SealTailroom
	msg := encode(x, h.Append(buf.b[outStart:outStart:limit]))
	end := outStart + len(msg)
	if end > limit { // it has outgrown the buffer
		larger := newBuffer(end + smb2.SealTailroom)
		copy(larger.b[outStart:], msg)
		buf.free()
		buf = larger
	}
	msg = buf.b[outStart:end]
	from := outStart - smb2.FrameHeaderSize
	if sign {
		x.sess.signer.Sign(msg, data)
	}
	if x.capture {
		x.sent = bytes.Clone(msg)
	}
	if x.op == &opWrite && x.compresses() {
		buf, end = c.compress(buf, end)
	}
	c.out.buf = buf
	if seal {
		if err := x.sess.sealer.Seal(buf.b[smb2.FrameHeaderSize:end]); err != nil {
			return err
		}
		from = 0
	}
	smb2.PutFrameHeader(buf.b[from:], end-from-smb2.FrameHeaderSize+len(data))
	c.out.head, c.out.data = buf.b[from:end], data
	if x.lends {
		c.out.of = x
	}
	return nil
}
