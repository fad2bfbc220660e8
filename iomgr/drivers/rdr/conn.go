package rdr

import (
	"cmp"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/awake"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// conn is a connection to a server (MS-SMB2 3.2.1.2).
type conn struct {
	d    *redirector
	host string
	port string
	key  string

	down      atomic.Bool             // as cutting is, for who looks without the lock
	parted    chan struct{}           // closed when it is dead, and nobody finds it any more
	channelOf atomic.Pointer[session] // the session of which it is a channel beside the first; written under redirector.mu

	nc  net.Conn
	raw syscall.RawConn // nil where nc is no socket

	// What NEGOTIATE decided: written before ready is closed.
	negotiated

	// guarded by redirector.mu
	ready    chan struct{} // closed when up or err is set
	up       bool
	err      error
	sessions map[sessionKey]*session
	idle     time.Time // since when there is no session
	reaper   *time.Timer

	validated atomic.Bool  // what was negotiated has been confirmed
	total     atomic.Int32 // credits, at hand and under way

	mu       sync.Mutex
	cutting  bool                  // guarded by mu: it is about to be dead
	dead     bool                  // guarded by mu
	why      error                 // guarded by mu
	credits  int                   // guarded by mu: at hand
	held     int                   // guarded by mu: of exchanges whose answers will bring new ones
	nextID   uint64                // guarded by mu
	waiting  line                  // guarded by mu: in line for credits
	bulky    line                  // guarded by mu: in line until less is in flight
	bulk     int                   // guarded by mu: bytes in flight
	cancels  line                  // guarded by mu: CANCEL requests to send
	pumping  bool                  // guarded by mu: somebody sends
	building *exchange             // guarded by mu: what is being sent
	inflight map[uint64]*exchange  // guarded by mu: sent, by message id
	pended   int                   // guarded by mu: of those, how many had an interim response
	byID     map[uint64]*session   // guarded by mu: established sessions by their id
	parked   map[*session]struct{} // guarded by mu: sessions that have exchanges parked
	heard    time.Time             // guarded by mu: of the server
	echoing  bool                  // guarded by mu
	timer    *time.Timer           // guarded by mu
	timerAt  time.Time             // guarded by mu: when timer fires; zero if it does not

	out     outgoing              // of who pumps
	putting func(fd uintptr) bool // put, made once
	lent    *exchange             // guarded by mu: whose data who pumps has; not to be ended meanwhile
	letting bool                  // guarded by mu: they are wanted back
	awaits  bool                  // guarded by mu: the sender waits for the socket with them

	duty     duty          // guarded by mu
	relief   chan struct{} // the reader is to take over
	alone    int           // guarded by mu: how many answers in a row left nothing to wait for
	led      uint64        // guarded by mu: answers that who waited for them has read
	watch    *time.Timer   // guarded by mu: looks whether somebody still does
	watching bool          // guarded by mu: watch is set
	watched  uint64        // guarded by mu: led as it was then

	in      *awake.Reader
	leading func(*api.Request)              // lead, made once
	r, w    int                             // the reader's: what of small is not consumed
	small   [8<<10 + smb2.SealTailroom]byte // the reader's: a small message comes with one system call and is read where it lies
}

func newConn(d *redirector, t *target) *conn {
	return &conn{d: d, host: t.host, port: t.port, key: t.server(), ready: make(chan struct{}), parted: make(chan struct{}),
		sessions: make(map[sessionKey]*session), inflight: make(map[uint64]*exchange), byID: make(map[uint64]*session), credits: 1}
}

// attach begins to use a network connection. The caller is counted among the driver's goroutines.
func (c *conn) attach(nc net.Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead { // cut while it was being dialled
		_ = nc.Close()
		return c.why
	}
	c.nc, c.heard = nc, time.Now()
	c.total.Store(1)
	if sc, ok := nc.(syscall.Conn); ok {
		c.raw, _ = sc.SyscallConn()
	}
	c.in, c.relief, c.leading, c.putting = awake.New(nc), make(chan struct{}, 1), c.lead, c.put
	c.d.running.Add(1)
	go c.receive()
	return nil
}

// errLost is why a connection is cut when nothing else is known.
var errLost = errors.New("connection lost")

// cut ends the connection: everything that is in line or under way is completed. It must not be called with redirector.mu or conn.mu held.
func (c *conn) cut(why error) {
	if why == nil {
		why = errLost
	}
	c.mu.Lock()
	if c.cutting {
		c.mu.Unlock()
		<-c.parted
		return
	}
	c.cutting, c.why = true, why
	c.down.Store(true)
	c.mu.Unlock()
	channels := c.d.lost(c, why) // before anybody is told, so that who tries again gets another
	c.mu.Lock()
	c.dead = true
	var all []*exchange
	for _, x := range c.inflight {
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b *exchange) int { return cmp.Compare(a.id, b.id) })
	take := func(l *line) {
		l.each(func(x *exchange) {
			l.remove(x)
			all = append(all, x)
		})
	}
	take(&c.cancels)
	take(&c.waiting)
	take(&c.bulky)
	for s := range c.parked {
		take(&s.parked)
	}
	clear(c.inflight)
	clear(c.byID)
	c.parked = nil
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.watch != nil {
		c.watch.Stop()
	}
	if c.duty == byNobody {
		c.relieve()
	}
	nc := c.nc
	c.mu.Unlock()
	close(c.parted)
	for _, w := range channels {
		w.cut(why)
	}
	if nc != nil {
		_ = nc.Close()
	}
	for _, x := range all {
		st := nt.StatusConnectionDisconnected
		if x.timedOut {
			st = nt.StatusIoTimeout
		}
		x.complete(st, 0)
	}
}

// reason is why the connection was cut.
func (c *conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}
