package srv

import (
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// interimDelay is how long a request that was pended may take before the client is told, and at most twice that. Most calls over a pipe are
// answered sooner, and an interim response for each would double the messages.
const interimDelay = time.Millisecond

// arm has sendInterim run after the delay; mu is held.
func (c *conn) arm() {
	if c.armed {
		return
	}
	c.armed = true
	if c.interim == nil {
		c.interim = time.AfterFunc(interimDelay, c.sendInterim)
	} else {
		c.interim.Reset(interimDelay)
	}
}

// sendInterim sends the interim response of every request that waits and has none (3.3.4.2). It is not signed, but sealed if the request was.
func (c *conn) sendInterim() {
	var refused []*request
	c.mu.Lock()
	c.armed = false
	for p := c.pending; p != nil; p = p.next {
		if p.async || p.instead != 0 {
			continue
		}
		if !p.seen { // it has not waited for long
			p.seen = true
			c.arm()
			continue
		}
		if p.compound != nil && !p.compound.last() {
			// Its answer goes with those that follow. What may wait for ever is ended, as Windows does it.
			if p.waitsLong() {
				p.instead = nt.StatusInternalError
				refused = append(refused, p.req)
			}
			continue
		}
		if c.async >= c.srv.cfg.Limits.OutstandingRequests {
			p.instead = nt.StatusInsufficientResources
			refused = append(refused, p.req)
			continue
		}
		p.goAsync()
	}
	c.mu.Unlock()
	for _, r := range refused {
		r.Cancel()
	}
}

// waitsLong reports a request that waits for somebody else, not for a device.
func (c *command) waitsLong() bool {
	switch c.hdr.Command {
	case smb2.ChangeNotify, smb2.Lock:
		return true
	case smb2.Read, smb2.Ioctl:
		return c.tree.share.pipe
	}
	return false
}

// goAsync sends the interim response of a command; conn.mu is held, so its completion waits.
func (c *command) goAsync() {
	conn := c.conn
	conn.async++
	conn.nextAsync++
	c.async, c.asyncID = true, conn.nextAsync
	h := smb2.Header{
		CreditCharge: c.hdr.CreditCharge,
		Status:       nt.StatusPending,
		Command:      c.hdr.Command,
		Credits:      conn.grant(c.hdr.Credits),
		Flags:        smb2.FlagServerToRedir | smb2.FlagAsyncCommand | c.hdr.Flags&smb2.FlagRelated,
		MessageID:    c.hdr.MessageID,
		AsyncID:      c.asyncID,
		SessionID:    c.sessionID,
	}
	if p := c.compound; p != nil { // the answers before it go now, the last one by itself
		c.compound = nil
		buf, end := p.assemble(func(b []byte) []byte {
			return (&smb2.ErrorResponse{}).Append(h.Append(b))
		})
		p.release()
		conn.send.transmit(buf, end, c.sealer())
		return
	}
	out := newBuffer(conn, outOverhead+16)
	b := (&smb2.ErrorResponse{}).Append(h.Append(out.b[outStart:outStart]))
	conn.send.transmit(out, outStart+len(b), c.sealer())
}

func (c *command) sealer() *smb2.Sealer {
	if c.sealed == nil {
		return nil
	}
	return c.sealed.sess.sealer
}
