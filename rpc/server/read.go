package server

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"lwio/rpc/pdu"
)

// serve reads fragments and hands them on until there are no more.
func (c *conn) serve() error {
	c.begin()
	err := c.read()
	if err == errRelieved {
		err = <-c.ended
	}
	return err
}

// begin learns who the peer is and limits the time until the bind.
func (c *conn) begin() {
	c.peer = newPeer(c.nc)
	if t := c.s.cfg.BindTimeout; t > 0 {
		c.bindBy = time.Now().Add(t)
		c.limitReads()
	}
}

// read is a reader's work.
func (c *conn) read() (err error) {
	defer c.recovered(&err)
	c.relay = time.AfterFunc(time.Hour, c.relieve)
	c.relay.Stop()
	for {
		if err := c.taken(); err != nil {
			c.linger()
			return err
		}
		if k := c.here; k != nil {
			c.here = nil
			if err := c.runHere(k); err != nil {
				return err
			}
			continue
		}
		n, err := c.nc.Read(c.space())
		c.got(n)
		if n == 0 && err != nil {
			return c.ending(err)
		}
	}
}

// recovered makes an error of a panic, which could only be a mechanism's or ours: it ends this association and no other.
func (c *conn) recovered(err *error) {
	if p := recover(); p != nil {
		c.s.cfg.Logger.Error("rpc: panic in an association", "client", c.peer.address, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = errPanic
	}
}

// ending is why an association has ended whose reading did: nil if the client closed it between two fragments.
func (c *conn) ending(err error) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case c.w == c.r && c.big == nil:
		return nil
	}
	return io.ErrUnexpectedEOF
}

// taken hands on the fragments that have been read whole, up to one whose call the reader is to run.
func (c *conn) taken() error {
	for c.here == nil {
		frag, big, err := c.take()
		if frag == nil || err != nil {
			return err
		}
		c.pdusRead++
		c.bytesRead += uint64(len(frag))
		err = c.handle(frag)
		if c.pdusRead > 0 { // it has started no call
			c.mu.Lock()
			c.countRead()
			c.mu.Unlock()
		}
		putBuffer(big)
		if err != nil {
			return err
		}
	}
	return nil
}

// take gives the next fragment; none if there is more of it to be read. It is in c.rbuf and valid until the next call, or in a pooled buffer that the
// caller gives back.
func (c *conn) take() (frag []byte, big *buffer, err error) {
	if big = c.big; big != nil {
		if len(big.b) < c.size {
			return nil, nil, nil
		}
		c.big = nil
		return big.b, big, nil
	}
	have := c.w - c.r
	if have < pdu.HeaderLen {
		return nil, nil, nil
	}
	h, err := pdu.ParseHeader(c.rbuf[c.r:c.w])
	if err != nil {
		if errors.Is(err, pdu.ErrVersion) && !c.bound {
			c.bindNak(c.rbuf[c.r:c.w], pdu.RejectProtocolVersion)
		}
		return nil, nil, err
	}
	n := int(h.FragLength)
	if n > max(c.s.cfg.MaxFragment, defaultFragment) && h.Type != pdu.TypeBind && h.Type != pdu.TypeAlterContext {
		// Proposals and tickets may be long. Requests are held to our limit, and as in Windows not to what was negotiated.
		c.fault(h.CallID, 0, faultProtocol, 0)
		return nil, nil, errProtocol
	}
	switch {
	case n <= have:
		frag = c.rbuf[c.r : c.r+n]
		c.r += n
	case n > len(c.rbuf):
		c.big, c.size = getBuffer(), n
		if cap(c.big.b) < n {
			c.big.b = make([]byte, 0, n)
		}
		c.big.b = append(c.big.b[:0], c.rbuf[c.r:c.w]...)
		c.r = c.w
	}
	return frag, nil, nil
}

// space is where to read to. It is not empty.
func (c *conn) space() []byte {
	if b := c.big; b != nil {
		return b.b[len(b.b):c.size]
	}
	if c.r > 0 {
		c.w = copy(c.rbuf[:], c.rbuf[c.r:c.w])
		c.r = 0
	}
	return c.rbuf[c.w:]
}

// got tells that n bytes have been read to where space said.
func (c *conn) got(n int) {
	if b := c.big; b != nil {
		b.b = b.b[:len(b.b)+n]
		return
	}
	c.w += n
}

// errRelieved ends a reader whom another has relieved.
var errRelieved = errors.New("rpc: another goroutine reads on")

// patience is how long the reader may be in a call before another goroutine reads on in its place, for cancels and for the client's going.
const patience = 300 * time.Microsecond

// Values of conn.reading while the reader runs a call.
const (
	readerBusy = iota + 1
	readerRelieved
	readerBack
)

// runHere runs a call on the reader, which spares most calls a goroutine of their own and the reader its sleep. If the call takes longer, another
// goroutine becomes the reader, and this one ends with the call.
func (c *conn) runHere(k *call) error {
	relay := c.relay // another reader has another
	c.reading.Store(readerBusy)
	relay.Reset(patience)
	k.run()
	if c.reading.CompareAndSwap(readerBusy, readerBack) {
		relay.Stop()
		return nil
	}
	return errRelieved
}

// relieve reads on in the place of a reader that is busy. A timer that was late finds it back at its place, or busy with a later call and relieves it
// early.
func (c *conn) relieve() {
	if !c.reading.CompareAndSwap(readerBusy, readerRelieved) {
		return
	}
	if err := c.read(); err != errRelieved {
		c.cancel() // the one relieved may be in its call still, and c.end waits for it
		c.ended <- err
	}
}
