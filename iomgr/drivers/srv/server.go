package srv

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"lwio/iomgr/api"
)

// server is the driver.
type server struct {
	cfg     Config
	log     *slog.Logger
	api     api.API
	started time.Time
	ids     idMixer
	counts  counters
	live    atomic.Int64  // established sessions
	numbers atomic.Uint64 // of connections so far
	bulk    atomic.Int32  // goroutines at bulk
	watch   watch
	pipes   splicePipes

	sessions table[*session]
	opens    table[*open]
	shares   shares
	leases   leases
	logons   logons

	creations creations
	instances instances
	parked    atomic.Int64 // opens that wait for their client
	saving    sync.Mutex
	saver     openSaver   // guarded by saving
	closing   atomic.Bool // nothing more is parked

	info serverInfo

	ctx    context.Context // ended by stop
	cancel context.CancelFunc

	mu        sync.Mutex
	stopping  bool               // guarded by mu
	listeners []*listener        // guarded by mu
	conns     map[*conn]struct{} // guarded by mu
	perAddr   map[string]int     // guarded by mu: connections by client address
	running   sync.WaitGroup     // listeners and connections
}

type listener struct {
	net.Listener
	conns atomic.Int64
}

func newServer(cfg Config) *server {
	s := &server{cfg: cfg, conns: make(map[*conn]struct{}), perAddr: make(map[string]int)}
	s.ids.init()
	s.sessions.init()
	s.opens.init()
	s.info.init(&s.cfg)
	if s.cfg.Server != nil {
		s.apply(s.cfg.Server)
	}
	return s
}

func (s *server) start(ctx context.Context, host api.Host) error {
	s.log, s.api, s.started = s.cfg.Log, host.API(), time.Now()
	if s.log == nil {
		s.log = host.Log()
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.shares.init(ctx, s); err != nil {
		s.closeListeners()
		return fmt.Errorf("load shares: %w", err)
	}
	if _, err := host.CreateDevice("srv", &device{s: s}); err != nil {
		s.closeListeners()
		return err
	}
	if err := s.restoreOpens(ctx); err != nil {
		s.closeListeners()
		return err
	}
	all := make([]*listener, 0, len(s.cfg.Listeners)+len(s.cfg.Addresses))
	for _, l := range s.cfg.Listeners {
		all = append(all, &listener{Listener: l})
	}
	for _, addr := range s.cfg.Addresses {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			for _, o := range all {
				_ = o.Close()
			}
			return fmt.Errorf("listen on %s: %w", addr, err)
		}
		all = append(all, &listener{Listener: l})
	}
	s.mu.Lock()
	s.listeners = all
	s.mu.Unlock()
	for _, l := range all {
		s.running.Add(1)
		go s.accept(l)
	}
	return nil
}

func (s *server) closeListeners() {
	for _, l := range s.cfg.Listeners {
		_ = l.Close()
	}
}

// stop closes the listeners and the sockets and waits until every connection has let its files go.
func (s *server) stop(ctx context.Context) error {
	s.closing.Store(true)
	s.mu.Lock()
	s.stopping = true
	listeners := s.listeners
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	if s.cancel != nil {
		s.cancel()
	}
	for _, l := range listeners {
		_ = l.Close()
	}
	for _, c := range conns {
		c.cut(errStopping)
	}
	s.closeParked(nil)
	done := make(chan struct{})
	go func() { s.running.Wait(); s.pipes.close(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errStopping = errors.New("server stops")

func (s *server) accept(l *listener) {
	defer s.running.Done()
	for {
		nc, err := l.Accept()
		if err != nil {
			var ne net.Error
			if s.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			s.log.Error("accept", "listener", l.Addr(), "err", err)
			if !errors.As(err, &ne) { // not of a socket: it will not get better
				return
			}
			select { // out of descriptors, most likely: let some close
			case <-time.After(50 * time.Millisecond):
			case <-s.ctx.Done():
				return
			}
			continue
		}
		c := newConn(s, l, nc)
		if !s.admit(c) {
			_ = nc.Close()
			continue
		}
		go c.serve()
	}
}

// admit takes a connection in, unless there are too many or the server stops.
func (s *server) admit(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping || len(s.conns) >= s.cfg.Limits.Connections || s.perAddr[c.clientIP] >= s.cfg.Limits.ConnectionsPerAddress {
		s.counts.refused.Add(1)
		return false
	}
	s.conns[c] = struct{}{}
	s.perAddr[c.clientIP]++
	s.running.Add(1)
	c.listener.conns.Add(1)
	return true
}

func (s *server) drop(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	if s.perAddr[c.clientIP]--; s.perAddr[c.clientIP] == 0 {
		delete(s.perAddr, c.clientIP)
	}
	s.mu.Unlock()
	c.listener.conns.Add(-1)
	s.counts.bytesIn.Add(c.bytesIn.Load())
	s.counts.bytesOut.Add(c.bytesOut.Load())
	s.running.Done()
}

// connections is a snapshot.
func (s *server) connections() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		list = append(list, c)
	}
	return list
}

// counters count since the start.
type counters struct {
	sessions, sessionsTimedOut, sessionsFailed, passwordErrors, permissionErrors, systemErrors atomic.Uint64
	fileOpens, pipeOpens, refused                                                              atomic.Uint64
	bytesIn, bytesOut                                                                          atomic.Uint64 // of connections that are gone
}

// idMixer makes identifiers that count up inside and cannot be guessed outside: a keyed permutation of a counter.
type idMixer struct {
	next    atomic.Uint64
	a, b, c uint64
}

func (m *idMixer) init() {
	var k [24]byte
	rand.Read(k[:]) // never fails
	m.a, m.b, m.c = binary.LittleEndian.Uint64(k[:]), binary.LittleEndian.Uint64(k[8:])|1, binary.LittleEndian.Uint64(k[16:])|1
}

// short gives a new identifier of 32 bits, for sessions: there are clients that keep no more of one. After 2^32 sessions they come round,
// so the caller looks whether it is still in use.
func (m *idMixer) short() uint64 {
	for {
		x := uint32(m.next.Add(1)) ^ uint32(m.a)
		x *= uint32(m.b)
		x ^= x >> 16
		x *= uint32(m.c)
		x ^= x >> 15
		x *= uint32(m.b)
		x ^= x >> 16
		if x != 0 && x != ^uint32(0) {
			return uint64(x)
		}
	}
}

// id gives a new identifier, neither 0 nor all ones.
func (m *idMixer) id() uint64 {
	for {
		x := m.next.Add(1) ^ m.a
		x *= m.b
		x ^= x >> 32
		x *= m.c
		x ^= x >> 29
		x *= m.b
		x ^= x >> 32
		if x != 0 && x != ^uint64(0) {
			return x
		}
	}
}
