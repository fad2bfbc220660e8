package rdr

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// Breaches of the protocol. Each ends the connection.
var (
	errSMB1        = errors.New("the server answers in SMB1")
	errNoResponse  = errors.New("a message that is no response")
	errUnsolicited = errors.New("an answer to nothing that was asked")
	errMismatch    = errors.New("an answer that does not fit its request")
	errPending     = errors.New("an interim response that is not due")
	errUnsigned    = errors.New("an answer that is not signed")
	errUnsealed    = errors.New("an answer that is not encrypted")
)

// receive reads until the connection ends.
func (c *conn) receive() {
	defer c.d.running.Done()
	for {
		frame, buf, err := c.readFrame()
		if err == nil {
			err = c.frame(frame)
			buf.free()
		}
		if err != nil {
			c.cut(lost(err))
			return
		}
		c.offDuty()
	}
}

// frameLimit is the longest message that is taken: before there is a session, little more than a security token.
func (c *conn) frameLimit() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byID) == 0 {
		return 1<<16 + 1<<12
	}
	return maxTransfer + 1<<12
}

// readFrame reads a message: a small one where it came, another into a buffer of its own.
func (c *conn) readFrame() ([]byte, *buffer, error) {
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	if err := c.fill(smb2.FrameHeaderSize); err != nil {
		return nil, nil, err
	}
	n, err := smb2.ParseFrameHeader(c.small[c.r:c.w], c.frameLimit())
	if err != nil {
		return nil, nil, err
	}
	c.r += smb2.FrameHeaderSize
	if n <= len(c.small)-smb2.SealTailroom {
		if err := c.fill(n); err != nil {
			return nil, nil, err
		}
		frame := c.small[c.r : c.r+n]
		c.r += n
		return frame, nil, nil
	}
	buf := newBuffer(n + smb2.SealTailroom)
	have := copy(buf.b[:n], c.small[c.r:c.w])
	c.r += have
	if _, err := io.ReadFull(c.nc, buf.b[have:n]); err != nil {
		buf.free()
		return nil, nil, err
	}
	return buf.b[:n], buf, nil
}

// fill reads until n bytes are there.
func (c *conn) fill(n int) error {
	if c.r+n > len(c.small)-smb2.SealTailroom {
		copy(c.small[:], c.small[c.r:c.w])
		c.r, c.w = 0, c.w-c.r
	}
	for c.w-c.r < n {
		m, err := c.nc.Read(c.small[c.w : len(c.small)-smb2.SealTailroom])
		c.w += m
		if m == 0 && err != nil {
			return err
		}
	}
	return nil
}

// frame takes the messages of a frame.
func (c *conn) frame(b []byte) error {
	var sealed *session
	if smb2.ProtocolID(b) == smb2.ProtocolTransform {
		h, err := smb2.ParseTransformHeader(b)
		if err != nil {
			return err
		}
		c.mu.Lock()
		sealed = c.byID[h.SessionID]
		c.mu.Unlock()
		if sealed == nil || sealed.opener == nil {
			return fmt.Errorf("encrypted message for session %#x, which has no keys here", h.SessionID)
		}
		if b, err = sealed.opener.Open(b); err != nil {
			return err
		}
	}
	if smb2.ProtocolID(b) == smb2.ProtocolCompression {
		plain, msg, err := c.decompress(b)
		if err != nil {
			return err
		}
		defer plain.free()
		b = msg
	}
	switch id := smb2.ProtocolID(b); id {
	case smb2.ProtocolSMB2:
	case smb2.ProtocolSMB1:
		return errSMB1
	default:
		return fmt.Errorf("message begins with %#x", id)
	}
	for it := smb2.NewMessages(b); it.More(); {
		m, err := it.Next()
		if err != nil {
			return err
		}
		if err := c.message(&m, sealed); err != nil {
			return fmt.Errorf("%v response: %w", m.Header.Command, err)
		}
	}
	return nil
}

// message finds the exchange that a message answers and checks that it does (3.2.5.1). An error ends the connection.
func (c *conn) message(m *smb2.Message, sealed *session) error {
	h := &m.Header
	switch {
	case !h.IsResponse():
		return errNoResponse
	case h.MessageID == smb2.UnsolicitedMessageID:
		if h.Command != smb2.OplockBreak {
			return errUnsolicited
		}
		return c.broken(m, sealed) // of no session, even where it is sealed with the keys of one (3.3.4.7)
	case sealed != nil && h.SessionID != sealed.id:
		return errMismatch
	}
	c.mu.Lock()
	x := c.inflight[h.MessageID]
	if x == nil {
		c.mu.Unlock()
		return errUnsolicited
	}
	if err := x.fits(h, sealed); err != nil {
		c.mu.Unlock()
		return err
	}
	c.heard = time.Now()
	if h.Status == nt.StatusPending {
		if !h.IsAsync() || x.async || x.op == &opEcho {
			c.mu.Unlock()
			return errPending
		}
		x.async, x.asyncID, x.deadline = true, h.AsyncID, time.Time{}
		c.pended++
		c.granted(x, h.Credits, true)
		c.arm(c.heard.Add(c.d.cfg.EchoInterval))
		c.mu.Unlock()
		c.pump()
		return nil
	}
	delete(c.inflight, x.id) // x is the reader's now
	if x.async {
		c.pended--
	}
	c.mu.Unlock()
	if err := x.verify(m, sealed); err != nil {
		c.mu.Lock()
		c.unload(x)
		c.mu.Unlock()
		x.breached(err)
		return err
	}
	c.mu.Lock()
	c.granted(x, h.Credits, !x.async)
	c.unload(x)
	if len(c.inflight) > c.pended || !x.waited {
		c.alone = 0
	} else {
		c.alone++
	}
	more := c.waiting.head != nil && !c.pumping
	c.mu.Unlock()
	err := x.answered(m)
	if more && err == nil {
		c.pump()
	}
	return err
}

// fits compares the header of an answer with the request; conn.mu is held.
func (x *exchange) fits(h *smb2.Header, sealed *session) error {
	switch {
	case h.Command != x.op.cmd:
		return errMismatch
	case x.sealed && sealed == nil && h.Status != nt.StatusUserSessionDeleted: // without the session there are no keys: see verify
		return errUnsealed
	case sealed != nil && sealed != x.sess:
		return errMismatch
	case x.sess == nil:
		if h.SessionID != 0 {
			return errMismatch
		}
	case x.sess.id != 0 && h.SessionID != x.sess.id: // a new session's id comes with the first answer
		return errMismatch
	}
	switch {
	case h.Status == nt.StatusPending:
	case h.IsAsync() != x.async, x.async && h.AsyncID != x.asyncID:
		return errMismatch
	case !x.async && x.tree != nil && x.op != &opTreeConnect && h.TreeID != x.tree.id:
		return errMismatch
	}
	return nil
}

// verify checks the signature of an answer (3.2.5.1.3). What came sealed has been authenticated by that.
func (x *exchange) verify(m *smb2.Message, sealed *session) error {
	h := &m.Header
	switch {
	case sealed != nil || x.sess == nil || x.sess.signer == nil || x.op == &opBind:
		return nil
	case h.Status == nt.StatusUserSessionDeleted:
		return nil // the server has no key any more. Nothing is believed but that, and the session is
		// given up.
	case h.IsSigned():
		return x.sess.signer.Verify(m.Raw)
	case x.signed:
		return errUnsigned
	}
	return nil
}

// answered completes an exchange with an answer that has been verified.
func (x *exchange) answered(m *smb2.Message) error {
	st := m.Header.Status
	c := x.conn
	if x.capture {
		x.raw = bytes.Clone(m.Raw)
		x.complete(st, 0)
		return nil
	}
	switch st {
	case nt.StatusNetworkSessionExpired:
		if x.sess != nil && x.sess.reauthenticate(x) {
			return nil
		}
	case nt.StatusFileNotAvailable:
		if x.outdated() {
			return nil
		}
	case nt.StatusUserSessionDeleted:
		c.d.forgetSession(x.sess)
	case nt.StatusNetworkNameDeleted:
		c.d.forgetTree(x.tree)
	}
	if x.givenUp() {
		if x.op.late != nil {
			x.op.late(x, st, m.Body)
		}
		x.recycle()
		return nil
	}
	if st.IsSuccess() || st == nt.StatusBufferOverflow && x.op.overflow {
		status, n, err := x.op.decode(x, st, m.Body)
		if err != nil {
			x.breached(err)
			return err
		}
		x.complete(status, n)
		return nil
	}
	n := 0
	if x.op.failed != nil {
		st, n = x.op.failed(x, st, m.Body)
	} else if _, err := smb2.ParseErrorResponse(m.Body); err != nil {
		x.breached(err)
		return err
	}
	x.complete(st, n)
	return nil
}

// breached ends the connection because of an answer, and then the exchange: who is told of it and tries again gets another connection.
func (x *exchange) breached(err error) {
	x.conn.cut(err)
	x.complete(nt.StatusInvalidNetworkResponse, 0)
}
