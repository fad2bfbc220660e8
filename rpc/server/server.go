package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/pdu"
)

// Errors of a Server.
var (
	ErrServerClosed  = errors.New("rpc: server closed")
	ErrNotRegistered = errors.New("rpc: interface is not registered")
	ErrRegistered    = errors.New("rpc: interface is registered already")
	ErrImplements    = errors.New("rpc: implementation lacks methods of the interface")
)

// Server serves interfaces. Make one with New.
type Server struct {
	cfg        Config
	interfaces atomic.Pointer[[]*registration] // replaced whole under mu

	mu        sync.Mutex
	closed    bool                      // guarded by mu
	listeners map[net.Listener]struct{} // guarded by mu
	conns     map[*conn]struct{}        // guarded by mu
	past      Stats                     // of connections that are gone; guarded by mu
	gone      sync.Cond                 // on mu: a connection went
}

// registration is an interface and what implements it.
type registration struct {
	iface     *rpc.Interface
	impl      any
	ops       []opCounters
	minLevel  rpc.AuthLevel
	security  func(context.Context, *rpc.Call) error
	endpoints []string
	ndr20     bool
	typed     bool                            // ObjectsOnly
	objects   atomic.Pointer[map[nt.GUID]any] // implementations of single objects; replaced whole under Server.mu
	syntax    pdu.SyntaxID
}

// Option changes how one interface is served.
type Option func(*registration)

// MinAuthLevel denies calls whose authentication level is lower, with rpc.FaultAccessDenied. Callers that only the transport authenticated
// have rpc.AuthLevelNone.
func MinAuthLevel(l rpc.AuthLevel) Option {
	return func(r *registration) { r.minLevel = l }
}

// Security is asked before every call; its error is the call's fault.
func Security(f func(context.Context, *rpc.Call) error) Option {
	return func(r *registration) { r.security = f }
}

// OnEndpoints offers the interface on connections to these endpoints only, as Transport spells them, ignoring case.
func OnEndpoints(endpoints ...string) Option {
	return func(r *registration) { r.endpoints = endpoints }
}

// ObjectsOnly answers requests whose object UUID was not given to RegisterObject with rpc.FaultUnsupportedType.
func ObjectsOnly() Option {
	return func(r *registration) { r.typed = true }
}

// NDR20 offers the interface in NDR 2.0 alone: for one whose operations were not made by idlc and know no other.
func NDR20() Option {
	return func(r *registration) { r.ndr20 = true }
}

// New makes a server.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg.withDefaults(), listeners: map[net.Listener]struct{}{}, conns: map[*conn]struct{}{}}
	s.gone.L = &s.mu
	s.interfaces.Store(new([]*registration))
	return s
}

// Register offers an interface to binds from now on.
func (s *Server) Register(iface *rpc.Interface, impl any, opts ...Option) error {
	if iface.Implements != nil && !iface.Implements(impl) {
		return fmt.Errorf("%w: %T for %s", ErrImplements, impl, iface.Name)
	}
	r := &registration{iface: iface, impl: impl, ops: make([]opCounters, len(iface.Ops)), syntax: pdu.SyntaxID{UUID: iface.UUID, Major: iface.Major, Minor: iface.Minor}}
	for _, o := range opts {
		o(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.interfaces.Load()
	for _, have := range old {
		if have.iface.UUID == iface.UUID && have.iface.Major == iface.Major {
			return fmt.Errorf("%w: %s", ErrRegistered, iface.Name)
		}
	}
	list := append(old[:len(old):len(old)], r)
	s.interfaces.Store(&list)
	return nil
}

// RegisterObject gives an object of a registered interface an implementation of its own, which requests with its UUID reach (C706 2.1.3). Requests
// with another UUID, or none, reach the one of Register.
func (s *Server) RegisterObject(iface *rpc.Interface, object nt.GUID, impl any) error {
	if iface.Implements != nil && !iface.Implements(impl) {
		return fmt.Errorf("%w: %T for %s", ErrImplements, impl, iface.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range *s.interfaces.Load() {
		if r.iface != iface {
			continue
		}
		next := map[nt.GUID]any{object: impl}
		if old := r.objects.Load(); old != nil {
			if _, ok := (*old)[object]; ok {
				return fmt.Errorf("%w: %s for the object %s", ErrRegistered, iface.Name, object)
			}
			for k, v := range *old {
				next[k] = v
			}
		}
		r.objects.Store(&next)
		return nil
	}
	return fmt.Errorf("%w: %s", ErrNotRegistered, iface.Name)
}

// manager is who implements the interface for an object; false if nobody does.
func (r *registration) manager(object nt.GUID) (any, bool) {
	if m := r.objects.Load(); m != nil {
		if impl, ok := (*m)[object]; ok {
			return impl, true
		}
	}
	return r.impl, !r.typed
}

// Unregister takes an interface out of what binds find. Clients that are bound to it stay bound.
func (s *Server) Unregister(iface *rpc.Interface) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*registration
	for _, r := range *s.interfaces.Load() {
		if r.iface != iface {
			list = append(list, r)
		}
	}
	s.interfaces.Store(&list)
}

// Interfaces lists what is registered.
func (s *Server) Interfaces() []*rpc.Interface {
	var out []*rpc.Interface
	for _, r := range *s.interfaces.Load() {
		out = append(out, r.iface)
	}
	return out
}

// find looks up an abstract syntax: the same major version, and a minor version of at least the one asked for (C706 6.1.2.3.1).
func (s *Server) find(a pdu.SyntaxID, endpoint string) *registration {
	for _, r := range *s.interfaces.Load() {
		if r.syntax.UUID == a.UUID && r.syntax.Major == a.Major && r.syntax.Minor >= a.Minor && r.on(endpoint) {
			return r
		}
	}
	return nil
}

func (r *registration) on(endpoint string) bool {
	if r.endpoints == nil {
		return true
	}
	for _, e := range r.endpoints {
		if nt.EqualFold(e, endpoint) {
			return true
		}
	}
	return false
}

// Stats are counters since the server was made, and gauges.
type Stats struct {
	Connections int    // open now
	Groups      int    // association groups now that were begun here
	Accepted    uint64 // connections so far
	Calls       uint64 // calls that reached a method
	Faults      uint64 // faults sent
	Panics      uint64 // methods that panicked
	PDUsIn      uint64
	PDUsOut     uint64
	BytesIn     uint64
	BytesOut    uint64
}

// Stats sums over all connections.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.past
	st.Connections, st.Groups = len(s.conns), s.cfg.Groups.count(s)
	for c := range s.conns {
		c.addTo(&st)
	}
	return st
}

// counters are one connection's share of the Stats.
type counters struct {
	pdusIn, bytesIn uint64 // guarded by conn.mu

	calls, pdusOut, bytesOut, faults, panics atomic.Uint64
}

// countRead counts the fragments that have been read since it was called last, which is before they have any effect that others see; mu is held.
func (c *conn) countRead() {
	c.counts.pdusIn += c.pdusRead
	c.counts.bytesIn += c.bytesRead
	c.pdusRead, c.bytesRead = 0, 0
}

func (c *conn) addTo(st *Stats) {
	n := &c.counts
	c.mu.Lock()
	st.PDUsIn += n.pdusIn
	st.BytesIn += n.bytesIn
	c.mu.Unlock()
	st.Calls += n.calls.Load()
	st.Faults += n.faults.Load()
	st.Panics += n.panics.Load()
	st.PDUsOut += n.pdusOut.Load()
	st.BytesOut += n.bytesOut.Load()
}
