package srv

import (
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// echo is ECHO (3.3.5.17).
func (c *command) echo() nt.Status {
	if _, err := smb2.ParseEchoRequest(c.body); err != nil {
		return nt.StatusInvalidParameter
	}
	return c.reply((&smb2.EchoResponse{}).Append(c.begin(8)))
}

// cancel is CANCEL (3.3.5.16). It is never answered itself.
func (c *command) cancel() nt.Status {
	if _, err := smb2.ParseCancelRequest(c.body); err != nil {
		return nt.StatusSuccess
	}
	conn := c.conn
	if ch := c.ch; ch != nil && ch.valid.Load() && ch.sess.signingRequired && !c.sign && c.sealed == nil {
		return nt.StatusSuccess
	}
	var target *request
	conn.mu.Lock()
	for p := conn.pending; p != nil; p = p.next {
		if c.hdr.IsAsync() && p.async && p.asyncID == c.hdr.AsyncID || !c.hdr.IsAsync() && p.hdr.MessageID == c.hdr.MessageID {
			if p.ch == c.ch { // of the same session
				target = p.req
			}
			break
		}
	}
	conn.mu.Unlock()
	if target != nil {
		target.Cancel()
	}
	return nt.StatusSuccess
}
