package srv

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// conn is one connection (MS-SMB2 3.3.1.7). One goroutine at a time reads it: it parses, checks and starts requests in the order in which they
// come. Responses are sent by whoever completes a request.
type conn struct {
	srv      *server
	listener *listener
	nc       net.Conn
	raw      syscall.RawConn // nil where nc is no socket
	number   uint64          // counted from 1; of the activity of its requests
	remote   string          // client's address with port
	clientIP string
	started  time.Time

	// What NEGOTIATE decided: written by the reader before any other request is started, read by all after it.
	negotiated
	smb1 bool // the client came by an SMB1 negotiate

	established atomic.Int32 // sessions that are established
	without     atomic.Int64 // Unix nanoseconds since when there is none
	lastUse     atomic.Int64 // Unix nanoseconds of the last message
	bytesIn     atomic.Uint64
	bytesOut    atomic.Uint64

	bytes   atomic.Int64  // held in buffers for this connection
	steps   atomic.Int32  // SESSION_SETUPs that run or wait
	waiting atomic.Int32  // how many wait for room
	roomy   chan struct{} // told that there is room
	done    chan struct{} // closed by cut
	dead    atomic.Bool
	cutOnce sync.Once
	why     error // set once, before done is closed

	small [4096]byte // read buffer: a small message comes with one system call
	r, w  int        // the reader's: what of small is not consumed

	in     receiving
	flowed bool // the reader's: the last message was an inflow
	low    int  // the reader's: SO_RCVLOWAT of the socket, 0 for as it was

	led atomic.Pointer[command] // has been started and waits, and is not in pending, while the reader works at what it brought; whoever takes it from here deals with it

	mu        sync.Mutex
	window    window     // guarded by mu
	channels  []*channel // guarded by mu
	pending   *command   // guarded by mu: list of requests that were pended, newest first
	waits     int        // guarded by mu: its length
	async     int        // guarded by mu: how many of them had an interim response
	nextAsync uint64     // guarded by mu
	armed     bool       // guarded by mu: interim is running
	interim   *time.Timer

	send sender
	bulk bulk
}

// smallQueue is how much may wait to be sent before the reader stops to take requests.
const smallQueue = 1 << 20

func newConn(s *server, l *listener, nc net.Conn) *conn {
	now := time.Now()
	c := &conn{srv: s, listener: l, nc: nc, started: now, number: s.numbers.Add(1), roomy: make(chan struct{}, 1), done: make(chan struct{})}
	c.lastUse.Store(now.UnixNano())
	c.without.Store(now.UnixNano())
	if a := nc.RemoteAddr(); a != nil {
		c.remote = a.String()
	}
	c.clientIP = c.remote
	if t, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		c.clientIP = t.AddrPort().Addr().Unmap().String()
	}
	if sc, ok := nc.(syscall.Conn); ok {
		c.raw, _ = sc.SyscallConn()
	}
	c.send.init(c)
	c.in.init()
	c.bulk.changed.L = &c.bulk.mu
	c.window.high = 1
	return c
}

// cut ends the connection. The reader then lets go of everything.
func (c *conn) cut(why error) {
	c.cutOnce.Do(func() {
		c.why = why
		c.dead.Store(true)
		close(c.done)
		_ = c.nc.Close()
	})
}

// serve reads until the connection ends.
func (c *conn) serve() {
	c.srv.log.Debug("connected", "client", c.remote)
	c.armDeadline()
	c.read()
}

func (c *conn) teardown() {
	c.mu.Lock()
	channels := c.channels
	c.channels = nil
	var waiting []*request
	var creates []orphan
	for p := c.pending; p != nil; p = p.next {
		if k, ok := p.extra.(*creating); ok && k.creation != nil {
			creates = append(creates, orphan{p.sess, p.req})
			continue
		}
		waiting = append(waiting, p.req)
	}
	if c.interim != nil {
		c.interim.Stop()
	}
	c.mu.Unlock()
	for _, ch := range channels {
		ch.sess.removeChannel(ch)
	}
	for _, r := range waiting {
		r.Cancel()
	}
	for _, o := range creates { // of which the answer may be asked for over another channel
		o.sess.adopt(o.req)
	}
	if !errors.Is(c.why, io.EOF) {
		c.srv.log.Debug("disconnected", "client", c.remote, "why", c.why)
	} else {
		c.srv.log.Debug("disconnected", "client", c.remote)
	}
	c.srv.drop(c) // last: a server that stops waits for this
}

var (
	errAuthTimeout = errors.New("no session in time")
	errIdle        = errors.New("idle")
)

// armDeadline sets the time by which something has to happen.
func (c *conn) armDeadline() {
	switch {
	case c.established.Load() == 0:
		_ = c.nc.SetReadDeadline(c.authDeadline())
	case c.srv.idleTimeout() > 0:
		_ = c.nc.SetReadDeadline(time.Now().Add(c.srv.idleTimeout()))
	default:
		_ = c.nc.SetReadDeadline(time.Time{})
	}
}

// authDeadline is when a connection without a session must have one: what else it sends does not put that off.
func (c *conn) authDeadline() time.Time {
	return time.Unix(0, c.without.Load()).Add(c.srv.cfg.Limits.AuthTimeout)
}

// timedOut decides what a passed deadline means; nil goes on.
func (c *conn) timedOut() error {
	if c.established.Load() == 0 {
		return errAuthTimeout
	}
	idle := c.srv.idleTimeout()
	if idle > 0 && time.Since(time.Unix(0, c.lastUse.Load())) >= idle && !c.busy() {
		c.srv.counts.sessionsTimedOut.Add(1)
		return errIdle
	}
	c.armDeadline()
	return nil
}

// busy reports that something is open or under way.
func (c *conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending != nil {
		return true
	}
	for _, ch := range c.channels {
		if ch.sess.opens.Load() > 0 {
			return true
		}
	}
	return false
}

// frameLimit is the longest message that is taken: before there is a session, little more than a security token.
func (c *conn) frameLimit() int {
	if c.established.Load() == 0 {
		return 1<<16 + 1<<12
	}
	return c.maxTransact + 1<<16
}

// readFrame reads one message into a buffer of its own, or what of it stands before an inflow. After one of those it reads no further at first than another one's
// headers.
func (c *conn) readFrame() (*buffer, int, *inflow, error) {
	for c.w-c.r < smb2.FrameHeaderSize {
		if c.r > 0 {
			copy(c.small[:], c.small[c.r:c.w])
			c.r, c.w = 0, c.w-c.r
		}
		end := len(c.small)
		if c.flowed {
			end = smb2.FrameHeaderSize + inflowHead
		}
		n, err := c.receive(c.small[c.w:end])
		c.w += n
		if err != nil && n == 0 {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				if err = c.timedOut(); err == nil {
					continue
				}
			}
			return nil, 0, nil, err
		}
	}
	n, err := smb2.ParseFrameHeader(c.small[c.r:c.w], c.frameLimit())
	if err != nil {
		return nil, 0, nil, err
	}
	c.r += smb2.FrameHeaderSize
	c.bytesIn.Add(uint64(n))
	if flow, in, err := c.flows(n); flow != nil || err != nil {
		return in, n, flow, err
	}
	if !c.room(n) {
		return nil, 0, nil, fmt.Errorf("%d bytes outstanding", c.bytes.Load())
	}
	in := newBuffer(c, min(n, firstPiece)+smb2.SealTailroom)
	have := copy(in.b[:piece(in, n)], c.small[c.r:c.w])
	c.r += have
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	for have < n {
		end := piece(in, n)
		if have == end {
			larger := newBuffer(c, min(n, pieceGrowth*end)+smb2.SealTailroom)
			copy(larger.b, in.b[:have])
			in.unref()
			in = larger
			continue
		}
		if err := c.readRest(in.b[have:end]); err != nil {
			in.unref()
			return nil, 0, nil, err
		}
		have = end
	}
	return in, n, nil, nil
}

// A message that is announced is not yet there: its buffer begins with room for firstPiece bytes, and grows as they come.
const (
	firstPiece  = 64 << 10
	pieceGrowth = 16
)

// lowWater is how much has to come before a reader is woken that waits for more of a long message. Waking it for every segment costs the sender as much as
// the segment.
const lowWater = 256 << 10

// piece is how much of a message of n bytes has room in a buffer.
func piece(b *buffer, n int) int { return min(n, len(b.b)-smb2.SealTailroom) }

// readRest reads a part of a message that has begun. The peer must keep it coming, and authenticate in time.
func (c *conn) readRest(b []byte) error {
	var end time.Time
	for len(b) > 0 {
		now := time.Now()
		wait := c.srv.cfg.Limits.FrameTimeout
		alone := c.established.Load() == 0
		if alone || end.Sub(now) < wait-wait/16 { // a deadline is a timer that moves: not for every segment
			end = now.Add(wait)
			if auth := c.authDeadline(); alone && auth.Before(end) {
				end = auth
			}
			_ = c.nc.SetReadDeadline(end)
		}
		if len(b) >= lowWater {
			c.expect()
		} else {
			c.calm()
		}
		n, err := c.receive(b)
		b = b[n:]
		if err != nil && n == 0 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			if alone && errors.Is(err, os.ErrDeadlineExceeded) && end.Equal(c.authDeadline()) {
				if c.established.Load() > 0 { // there is one meanwhile: that deadline is none any more
					continue
				}
				err = errAuthTimeout
			}
			return err
		}
	}
	c.calm()
	c.armDeadline()
	return nil
}

// roomTimeout is how long a request waits for others to let their memory go.
const roomTimeout = 5 * time.Second

// room waits until n more bytes may be held. False if that does not come true.
func (c *conn) room(n int) bool {
	limit := int64(c.srv.cfg.Limits.OutstandingBytes)
	if c.bytes.Load()+int64(n) <= limit {
		return true
	}
	t := time.NewTimer(roomTimeout)
	defer t.Stop()
	c.waiting.Add(1)
	defer func() {
		if c.waiting.Add(-1) > 0 { // there may be room for another too
			c.release(0)
		}
	}()
	for {
		if c.bytes.Load()+int64(n) <= limit {
			return true
		}
		select {
		case <-c.roomy:
		case <-c.done:
			return false
		case <-t.C:
			return false
		}
	}
}

// release is told that a buffer went.
func (c *conn) release(n int64) {
	c.bytes.Add(-n)
	if c.waiting.Load() > 0 {
		select {
		case c.roomy <- struct{}{}:
		default:
		}
	}
}

// frame starts the requests of a message. It takes over the reference to the buffer.
func (c *conn) frame(rd *reader, in *buffer, n int) {
	msg := in.b[:n:cap(in.b)]
	if c.bulky(msg) {
		rd.begin()
	}
	c.start(rd, in, msg)
	in.unref()
	if rd.bulk.counted {
		rd.end()
	}
}

func (c *conn) start(rd *reader, in *buffer, msg []byte) {
	var sealed *channel
	switch smb2.ProtocolID(msg) {
	case smb2.ProtocolSMB2, smb2.ProtocolCompression:
	case smb2.ProtocolTransform:
		var err error
		if sealed, msg, err = c.unseal(msg); err != nil {
			c.cut(err)
			return
		}
	case smb2.ProtocolSMB1:
		rd.declare(job{})
		c.negotiateSMB1(msg)
		return
	default:
		c.cut(fmt.Errorf("message begins with %#x", smb2.ProtocolID(msg)))
		return
	}
	if smb2.ProtocolID(msg) == smb2.ProtocolCompression {
		plain, inner, err := c.decompress(msg)
		if err != nil {
			c.cut(err)
			return
		}
		defer plain.unref()
		in, msg = plain, inner
	}
	it := smb2.NewMessages(msg)
	m, err := it.Next()
	if err != nil {
		c.cut(err)
		return
	}
	if !it.More() {
		j := c.jobOf(&m)
		if j.kind != alone && !(j.kind == reads && sealed == nil && !m.Header.IsSigned() && j.open.flows.Load()) {
			rd.begin()
		}
		rd.declare(j)
		c.one(rd, in, m, sealed)
		return
	}
	rd.declare(job{})
	p := &compound{conn: c, in: in.ref(), it: it, sealed: sealed}
	p.begin(m)
}

// unseal opens an encrypted message (3.3.5.2.1.1).
func (c *conn) unseal(frame []byte) (*channel, []byte, error) {
	h, err := smb2.ParseTransformHeader(frame)
	if err != nil {
		return nil, nil, err
	}
	ch := c.channel(h.SessionID)
	if ch == nil || !ch.valid.Load() || ch.sess.opener == nil {
		return nil, nil, fmt.Errorf("encrypted message for session %#x, which has no keys here", h.SessionID)
	}
	msg, err := ch.sess.opener.Open(frame)
	return ch, msg, err
}

// one starts the request of a message that is no compound.
func (c *conn) one(rd *reader, in *buffer, m smb2.Message, sealed *channel) {
	cmd := newCommand(c, in, m, sealed)
	cmd.rd = rd
	if st := cmd.start(); st != nt.StatusPending {
		cmd.finish(st)
	}
}

// channel finds the session of an id on this connection.
func (c *conn) channel(id uint64) *channel {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.channels {
		if ch.sess.id == id {
			return ch
		}
	}
	return nil
}

func (c *conn) addChannel(ch *channel) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead.Load() || len(c.channels) >= c.srv.cfg.Limits.SessionsPerConnection {
		return false
	}
	c.channels = append(c.channels, ch)
	return true
}

// removeChannel takes a session off the connection and returns how many are left.
func (c *conn) removeChannel(ch *channel) int {
	c.mu.Lock()
	for i, x := range c.channels {
		if x == ch {
			c.channels = append(c.channels[:i:i], c.channels[i+1:]...)
			break
		}
	}
	n := len(c.channels)
	c.mu.Unlock()
	if ch.counted.Swap(false) && c.established.Add(-1) == 0 && !c.dead.Load() {
		c.without.Store(time.Now().UnixNano())
		c.armDeadline()
	}
	return n
}
