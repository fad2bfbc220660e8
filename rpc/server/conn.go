package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"lwio/rpc/pdu"
)

// conn is one connection and its association. Fields without a word about it belong to the reading goroutine.
type conn struct {
	s      *Server
	nc     net.Conn
	ctx    context.Context // of all calls
	cancel context.CancelFunc
	peer   peer
	counts counters

	// What is read and not yet taken apart. It suffices for most requests; longer fragments go into a pooled buffer.
	rbuf [1024]byte
	r, w int

	bound      bool
	ready      atomic.Bool // bound, for others than the reader
	frag       int         // negotiated size of fragments; fixed once bound
	mpx        bool
	clientSign bool        // the client offered header signing
	headerSign atomic.Bool // negotiated; read by responses
	group      *group
	contexts   []presentation
	auths      []*security
	assembling *call     // a request of which fragments are missing
	bindBy     time.Time // when bind and authentication must have ended; zero once they have
	requestBy  time.Time // when the last fragment of assembling must have come

	relay   *time.Timer   // hands the reading over while a call is run by the reader; each reader has its own
	reading atomic.Uint32 // who reads on: see runHere
	ended   chan error    // why the last reader ended, if it is not the first

	wmu  sync.Mutex
	dead bool // guarded by wmu: nothing is written any more

	mu       sync.Mutex
	room     sync.Cond // on mu: a call ended
	calls    []*call   // those that run or wait; guarded by mu
	waiting  []*call   // those that wait, without PFC_CONC_MPX; guarded by mu
	bytes    int       // of stub data of calls; guarded by mu
	draining bool      // guarded by mu: no further call is wanted
}

// presentation is an accepted presentation context.
type presentation struct {
	id       uint16
	reg      *registration
	abstract pdu.SyntaxID // as the client spells it: its minor version may be lower
	transfer pdu.SyntaxID // one of transfers
}

func newConn(ctx context.Context, s *Server, nc net.Conn) *conn {
	c := &conn{s: s, nc: nc, ended: make(chan error, 1)}
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.room.L = &c.mu
	return c
}

// Why an association ends.
var (
	errProtocol = errors.New("rpc: protocol error")
	errVerifier = errors.New("rpc: verifier refused")
	errLimit    = errors.New("rpc: request over the limits")
	errAuth     = errors.New("rpc: authentication failed")
	errPanic    = errors.New("rpc: panic")
)

// serve reads fragments and hands them on until there are no more.
func (c *conn) serve() error {
	c.peer = newPeer(c.nc)
	if t := c.s.cfg.BindTimeout; t > 0 {
		c.bindBy = time.Now().Add(t)
		c.limitReads()
	}
	err := c.read()
	if err == errRelieved {
		err = <-c.ended
	}
	return err
}

// read is a reader's work. A panic, which could only be a mechanism's or ours, ends this association and no other.
func (c *conn) read() (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.s.cfg.Logger.Error("rpc: panic in an association", "client", c.peer.address, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	c.relay = time.AfterFunc(time.Hour, c.relieve)
	c.relay.Stop()
	for {
		frag, big, err := c.next()
		if err != nil {
			if errors.Is(err, io.EOF) && c.w == c.r {
				return nil
			}
			return err
		}
		c.counts.pdusIn.Add(1)
		c.counts.bytesIn.Add(uint64(len(frag)))
		err = c.handle(frag)
		putBuffer(big)
		switch {
		case err == errRelieved:
			return err
		case err != nil:
			c.linger()
			return err
		}
	}
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

// limitReads has reading end when the bind or the request under way must have come to its end.
func (c *conn) limitReads() {
	t := c.bindBy
	if !c.requestBy.IsZero() && (t.IsZero() || c.requestBy.Before(t)) {
		t = c.requestBy
	}
	c.nc.SetReadDeadline(t)
}

// assemble makes k the request of which fragments are missing, or nil none.
func (c *conn) assemble(k *call) {
	c.assembling = k
	if t := c.s.cfg.RequestTimeout; t > 0 {
		if c.requestBy = (time.Time{}); k != nil {
			c.requestBy = time.Now().Add(t)
		}
		c.limitReads()
	}
}

// handle takes a whole fragment. An error ends the association.
func (c *conn) handle(frag []byte) error {
	t := pdu.Type(frag[2])
	if !c.bound && t != pdu.TypeBind {
		return c.bindNak(frag, pdu.RejectProtocolVersion)
	}
	switch t {
	case pdu.TypeRequest:
		return c.request(frag)
	case pdu.TypeBind:
		return c.bind(frag)
	case pdu.TypeAlterContext:
		return c.alterContext(frag)
	case pdu.TypeAuth3:
		return c.auth3(frag)
	case pdu.TypeCancel:
		return c.cancelCall(frag)
	case pdu.TypeOrphaned:
		return c.orphanCall(frag)
	}
	h, _ := pdu.ParseHeader(frag)
	c.fault(h.CallID, 0, faultProtocol, pdu.DidNotExecute)
	return errProtocol
}

// next returns the next fragment, whole. It is in c.rbuf and valid until the next call, or in a pooled buffer that the
// caller gives back.
func (c *conn) next() (frag []byte, big *buffer, err error) {
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	if err := c.fill(pdu.HeaderLen); err != nil {
		return nil, nil, err
	}
	h, err := pdu.ParseHeader(c.rbuf[c.r:c.w])
	if err != nil {
		if errors.Is(err, pdu.ErrVersion) && !c.bound {
			c.bindNak(c.rbuf[c.r:c.w], pdu.RejectProtocolVersion)
			c.linger()
		}
		return nil, nil, err
	}
	n := int(h.FragLength)
	if n > max(c.s.cfg.MaxFragment, defaultFragment) && h.Type != pdu.TypeBind && h.Type != pdu.TypeAlterContext {
		// Proposals and tickets may be long. Requests are held to our limit, and as in Windows not to what was negotiated.
		c.fault(h.CallID, 0, faultProtocol, 0)
		c.linger()
		return nil, nil, errProtocol
	}
	if n <= len(c.rbuf) {
		if err := c.fill(n); err != nil {
			return nil, nil, err
		}
		frag = c.rbuf[c.r : c.r+n]
		c.r += n
		return frag, nil, nil
	}
	big = getBuffer()
	if cap(big.b) < n {
		big.b = make([]byte, 0, n)
	}
	frag = big.b[:n]
	have := copy(frag, c.rbuf[c.r:c.w])
	c.r += have
	if _, err := io.ReadFull(c.nc, frag[have:]); err != nil {
		putBuffer(big)
		return nil, nil, err
	}
	return frag, big, nil
}

// fill reads until n bytes stand in c.rbuf, which has room for them.
func (c *conn) fill(n int) error {
	if c.r+n > len(c.rbuf) {
		c.w = copy(c.rbuf[:], c.rbuf[c.r:c.w])
		c.r = 0
	}
	for c.w-c.r < n {
		m, err := c.nc.Read(c.rbuf[c.w:])
		c.w += m
		if err != nil && c.w-c.r < n {
			return err
		}
	}
	return nil
}

// linger lets a client read the fault before the connection goes: a TCP connection that is closed with input unread is reset, and the fault is lost.
func (c *conn) linger() {
	cw, ok := c.nc.(interface{ CloseWrite() error })
	if !ok {
		return
	}
	c.wmu.Lock()
	c.dead = true
	c.wmu.Unlock()
	if cw.CloseWrite() == nil {
		c.nc.SetReadDeadline(time.Now().Add(time.Second))
		io.CopyN(io.Discard, c.nc, 1<<20)
	}
}

// end closes the connection, waits for its calls and lets go of its group.
func (c *conn) end(why error) {
	c.cancel()
	c.wmu.Lock()
	c.dead = true
	c.wmu.Unlock()
	c.nc.Close()
	if c.assembling != nil {
		c.assembling.release()
		c.assembling = nil
	}
	c.mu.Lock()
	for len(c.calls) > 0 {
		c.room.Wait()
	}
	c.mu.Unlock()
	if c.group != nil {
		c.s.leaveGroup(c.group)
	}
	if why != nil {
		c.s.cfg.Logger.Debug("rpc: association ended", "client", c.peer.address, "endpoint", c.peer.endpoint, "err", why)
	}
}

// drain closes the connection when it has no call.
func (c *conn) drain() {
	c.mu.Lock()
	c.draining = true
	idle := len(c.calls) == 0
	c.mu.Unlock()
	if idle {
		c.retire()
	}
}

// retire asks a client without calls to close the connection (C706 12.6.4.11), and closes it after a while if it does not.
func (c *conn) retire() {
	d := c.s.cfg.DrainTime
	if d < 0 || !c.ready.Load() {
		c.nc.Close()
		return
	}
	t := time.AfterFunc(d, func() { c.nc.Close() })
	context.AfterFunc(c.ctx, func() { t.Stop() })
	x := pdu.Shutdown{Header: pdu.Header{Flags: pdu.FirstFrag | pdu.LastFrag}}
	go c.send(x.Append(nil)) // which may wait for a client that does not read
}

// write sends one fragment. A client that does not take it loses the connection. The caller holds wmu.
func (c *conn) write(b []byte) error {
	if c.dead {
		return net.ErrClosed
	}
	// Counted first: the client's next request may be served before Write returns, and counts this one.
	c.counts.pdusOut.Add(1)
	c.counts.bytesOut.Add(uint64(len(b)))
	if _, err := c.nc.Write(b); err != nil {
		c.dead = true
		c.cancel()
		c.nc.Close()
		return err
	}
	return nil
}

// send is write for what is not a response.
func (c *conn) send(b []byte) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	c.deadline()
	c.write(b)
}

func (c *conn) deadline() {
	if t := c.s.cfg.WriteTimeout; t > 0 {
		c.nc.SetWriteDeadline(time.Now().Add(t))
	}
}
