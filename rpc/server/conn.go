package server

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"lwio/rpc/pdu"
)

// conn is one connection and its association. Fields without a word about it belong to the reading goroutine.
type conn struct {
	// What every call changes stands together, in few cache lines: the next one may be run by another processor.

	wmu   sync.Mutex
	dead  bool // guarded by wmu: nothing is written any more
	dated bool // guarded by wmu: writes have a deadline

	draining  bool // guarded by mu: no further call is wanted
	mu        sync.Mutex
	calls     []*call  // those that run or wait; guarded by mu
	alone     [1]*call // where calls is while there is one; guarded by mu
	bytes     int      // of stub data of calls; guarded by mu
	counts    counters
	pdusRead  uint64 // that are not counted yet
	bytesRead uint64
	here      *call // a call that is to run on the reading goroutine

	assembling *call // a request of which fragments are missing

	// What is read and not yet taken apart. It suffices for most requests; longer fragments go into a pooled buffer.
	r, w int
	rbuf [1024]byte
	big  *buffer // a longer fragment of which bytes are missing; its length is what there is
	size int     // of that fragment

	room    sync.Cond // on mu: a call ended
	waiting []*call   // those that wait, without PFC_CONC_MPX; guarded by mu

	s      *Server
	nc     net.Conn
	ctx    context.Context // of all calls
	cancel context.CancelFunc
	peer   peer

	bound      bool
	ready      atomic.Bool // bound, for others than the reader
	frag       int         // negotiated size of fragments; fixed once bound
	mpx        bool
	clientSign bool        // the client offered header signing
	headerSign atomic.Bool // negotiated; read by responses
	group      *group
	contexts   []presentation
	auths      []*security
	bindBy     time.Time // when bind and authentication must have ended; zero once they have
	requestBy  time.Time // when the last fragment of assembling must have come

	later asyncConn    // nc, where it can be read without a goroutine
	limit *time.Timer  // of later: what read deadlines are elsewhere
	until atomic.Int64 // when limit ends it, in Unix nanoseconds; 0 for never
	stop  func() bool  // the context of ServeConn is not looked at any more
	done  chan<- error // of later: who waits for the end; may be nil

	relay   *time.Timer   // hands the reading over while a call is run by the reader; each reader has its own
	reading atomic.Uint32 // who reads on: see runHere
	ended   chan error    // why the last reader ended, if it is not the first
}

// presentation is an accepted presentation context.
type presentation struct {
	id       uint16
	reg      *registration
	abstract pdu.SyntaxID // as the client spells it: its minor version may be lower
	transfer pdu.SyntaxID // one of transfers
}

func newConn(ctx context.Context, s *Server, nc net.Conn) *conn {
	c := &conn{s: s, nc: nc}
	if c.later, _ = nc.(asyncConn); c.later == nil {
		c.ended = make(chan error, 1)
	}
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.room.L = &c.mu
	c.calls = c.alone[:0]
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

// limitReads has reading end when the bind or the request under way must have come to its end.
func (c *conn) limitReads() {
	t := c.bindBy
	if !c.requestBy.IsZero() && (t.IsZero() || c.requestBy.Before(t)) {
		t = c.requestBy
	}
	if c.later != nil {
		c.limitPump(t)
		return
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
	c.until.Store(0)
	if c.limit != nil {
		c.limit.Stop()
	}
	putBuffer(c.big)
	c.big = nil
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
	c.deadline(1)
	c.write(b)
}

// deadline limits the time in which what follows must have been written; fragments says how many writes that is. A connection that limits each write by itself is
// told the time of several together.
func (c *conn) deadline(fragments int) {
	t := c.s.cfg.WriteTimeout
	switch {
	case t <= 0:
	case c.later == nil || fragments > 1:
		c.nc.SetWriteDeadline(time.Now().Add(t))
		c.dated = true
	case c.dated:
		c.nc.SetWriteDeadline(time.Time{})
		c.dated = false
	}
}
