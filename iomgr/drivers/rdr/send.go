package rdr

import (
	"bytes"
	"time"

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
				c.spawnWriter(nil, nil)
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
		buf, frame, err := c.build(x)
		c.mu.Lock()
		c.building = nil
		if c.dead || err != nil {
			c.pumping = false
			c.mu.Unlock()
			buf.free()
			c.cut(err)
			x.complete(nt.StatusConnectionDisconnected, 0)
			return
		}
		silent := x.op.silent
		if !silent {
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
		rest := frame
		if mayWait {
			err = c.write(frame)
			rest = nil
		} else {
			rest, err = c.tryWrite(frame)
		}
		if err == nil && len(rest) > 0 {
			c.mu.Lock()
			if !c.dead {
				c.spawnWriter(buf, rest)
				c.mu.Unlock()
				return
			}
			c.mu.Unlock()
		}
		buf.free()
		if err != nil {
			c.cut(err)
		}
		c.mu.Lock()
	}
}

// spawnWriter has a goroutine write the rest of a frame and go on sending; mu is held. The reader, which lives as long as the connection
// is not cut, is counted, so the redirector does not stop waiting meanwhile.
func (c *conn) spawnWriter(buf *buffer, rest []byte) {
	c.d.running.Add(1)
	go func() {
		defer c.d.running.Done()
		if len(rest) > 0 {
			err := c.write(rest)
			buf.free()
			if err != nil {
				c.cut(err)
			}
		}
		c.mu.Lock()
		c.run(true)
	}()
}

func (c *conn) write(b []byte) error {
	_ = c.nc.SetWriteDeadline(time.Now().Add(c.d.cfg.RequestTimeout))
	_, err := c.nc.Write(b)
	return err
}

// tryWrite writes what the socket takes at once and gives the rest.
func (c *conn) tryWrite(b []byte) ([]byte, error) {
	if c.raw == nil {
		return b, nil
	}
	var n int
	var failed error
	err := c.raw.Write(func(fd uintptr) bool {
		n, failed = writeNow(fd, b)
		return true
	})
	if err == nil {
		err = failed
	}
	return b[n:], err
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
func (c *conn) build(x *exchange) (*buffer, []byte, error) {
	if x.then != nil {
		return c.buildChain(x)
	}
	h := c.header(x)
	buf := newBuffer(outOverhead + x.op.size(x))
	limit := len(buf.b) - smb2.SealTailroom
	msg := x.op.encode(x, h.Append(buf.b[outStart:outStart:limit]))
	end := outStart + len(msg)
	if end > limit { // it has outgrown the buffer
		larger := newBuffer(end + smb2.SealTailroom)
		copy(larger.b[outStart:], msg)
		buf.free()
		buf = larger
	}
	msg = buf.b[outStart:end]
	from := outStart - smb2.FrameHeaderSize
	seal := false
	if s := x.sess; s != nil {
		switch {
		case s.sealer != nil && x.op != &opSetup && (s.encrypt || x.tree != nil && x.tree.encrypt):
			x.sealed, seal = true, true
		case s.signer != nil && (s.sign || x.force):
			x.signed = true
			s.signer.Sign(msg)
		}
	}
	if x.capture {
		x.sent = bytes.Clone(msg)
	}
	if x.op == &opWrite && x.compresses() {
		buf, end = c.compress(buf, end)
	}
	if seal {
		if err := x.sess.sealer.Seal(buf.b[smb2.FrameHeaderSize:end]); err != nil {
			return buf, nil, err
		}
		from = 0
	}
	smb2.PutFrameHeader(buf.b[from:], end-from-smb2.FrameHeaderSize)
	return buf, buf.b[from:end], nil
}
