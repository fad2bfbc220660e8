package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"lwio/iomgr/auth"
	"lwio/rpc"
	"lwio/rpc/pdu"
)

// Dialer makes bindings of string bindings. How to reach a server and how to prove who calls is injected: it has no transport of its own
// but TCP. The zero value reaches TCP servers without authentication.
//
//	d := client.Dialer{Pipe: pipe, Initiator: initiator}
//	defer d.Close()
//	sb, err := client.ParseStringBinding(`ncacn_np:dc1.lab.test[\pipe\lsarpc,sign]`)
//	b, err := d.Bind(ctx, sb, lsarpc.LsarpcInterface)
//	defer b.Close()
//	out, err := lsarpc.NewClient(b).LsarOpenPolicy2(ctx, in)
//
// Bindings of the same server, endpoint and authentication share an association, which is kept for a while when the last of them is
// closed. Where calls of one connection wait for each other, as on pipes, bindings that are open at the same time get
// connections of their own, up to MaxConns, of the same association group: context handles of one hold on the other.
//
// A connection that has died is found out by the next Bind, which makes another. A call is never made again: what became of one whose
// connection died nobody knows but the caller.
type Dialer struct {
	Pipe  func(ctx context.Context, host, name string) (net.Conn, error) // ncacn_np
	Local func(ctx context.Context, name string) (net.Conn, error)       // ncalrpc, and ncacn_np without a host
	TCP   func(ctx context.Context, address string) (net.Conn, error)    // ncacn_ip_tcp; nil dials

	// Resolve finds the endpoint of an interface at a server where neither the string binding nor the interface names one: who has an endpoint mapper's
	// client asks that. Nil finds none.
	Resolve func(ctx context.Context, sb StringBinding, iface *rpc.Interface) (endpoint string, err error)

	// Initiator begins the logon of the caller to the service of the host, by one of rpc.AuthType…, for what the level needs and no more: Samba
	// takes it from the mechanism's flags how long signatures are. It is needed for string bindings with authentication.
	Initiator func(ctx context.Context, authType uint8, level rpc.AuthLevel, service, host string) (auth.Initiator, error)
	// Service is that of the server's principal where the string binding names none. Empty means "host".
	Service string

	Config Config // of every Conn; AssocGroup is not looked at

	// IdleTime is how long an association is kept after its last binding is closed. Zero means 15 seconds, a negative value not at all.
	IdleTime time.Duration
	// MaxConns bounds the connections of one association. Zero means 4.
	MaxConns int

	mu     sync.Mutex
	groups map[string]*group  // guarded by mu
	links  map[*link]struct{} // all that are open; guarded by mu
	closed bool               // guarded by mu
}

// group is an association: the connections to one server, endpoint and authentication. There is no entry without a connection or a Bind
// under way.
type group struct {
	d    *Dialer
	key  string
	busy chan struct{} // of one: a Bind is under way

	// Guarded by Dialer.mu. What is under way holds busy besides.
	users int // Binds under way or waiting
	links []*link
	id    uint32 // of the association group
}

// link is one connection of a group.
type link struct {
	g     *group
	conn  *Conn
	first *Binding   // carries the security context that the others share
	bound []*Binding // each interface that was proposed; guarded by group.busy

	// Guarded by Dialer.mu.
	refs  int
	timer *time.Timer // while refs is zero
}

// lease is a use of a link by bindings. It ends once.
type lease struct {
	once sync.Once
	l    *link
}

// end is for the first who calls.
func (x *lease) end() { x.once.Do(func() { x.l.g.d.release(x.l) }) }

// again is another use of the same link.
func (x *lease) again() *lease {
	d := x.l.g.d
	d.mu.Lock()
	defer d.mu.Unlock()
	x.l.refs++
	x.l.stopTimer()
	return &lease{l: x.l}
}

func (d *Dialer) idleTime() time.Duration {
	if d.IdleTime == 0 {
		return 15 * time.Second
	}
	return d.IdleTime
}

func (d *Dialer) maxConns() int {
	if d.MaxConns <= 0 {
		return 4
	}
	return d.MaxConns
}

// Bind binds to the interface at the server. Close the binding when it is not needed any more.
func (d *Dialer) Bind(ctx context.Context, sb StringBinding, iface *rpc.Interface) (*Binding, error) {
	if err := d.endpoint(ctx, &sb, iface); err != nil {
		return nil, err
	}
	if sb.AuthType != 0 && d.Initiator == nil {
		return nil, fmt.Errorf("rpc: bind to %s: %s asks for authentication and there is no credential", iface.Name, sb.String())
	}
	object := sb.Object
	sb.Object = [16]byte{}
	g, err := d.enter(ctx, sb.String())
	if err != nil {
		return nil, err
	}
	// What others use too goes on to its end when ctx ends, or their association would end with this Bind.
	type result struct {
		b   *Binding
		err error
	}
	done := make(chan result)
	go func() {
		b, err := g.bind(ctx, &sb, iface)
		d.leave(g)
		select {
		case done <- result{b, err}:
		case <-ctx.Done():
			if err == nil {
				b.Close()
			}
		}
	}()
	select {
	case r := <-done:
		if r.err == nil && !object.IsZero() {
			return r.b.WithObject(object), nil
		}
		return r.b, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("rpc: bind to %s: %w", iface.Name, ctx.Err())
	}
}

// endpoint fills in the endpoint that the string binding leaves open.
func (d *Dialer) endpoint(ctx context.Context, sb *StringBinding, iface *rpc.Interface) error {
	err := sb.resolve(iface)
	if err == nil || d.Resolve == nil {
		return err
	}
	if sb.Endpoint, err = d.Resolve(ctx, *sb, iface); err != nil {
		return fmt.Errorf("rpc: bind to %s: %w", iface.Name, err)
	}
	return nil
}

// sharedTimeout bounds a proposal on a connection that is there.
const sharedTimeout = 30 * time.Second

// enter waits until no other Bind to the same place is under way.
func (d *Dialer) enter(ctx context.Context, key string) (*group, error) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil, ErrClosed
	}
	g := d.groups[key]
	if g == nil {
		g = &group{d: d, key: key, busy: make(chan struct{}, 1)}
		if d.groups == nil {
			d.groups = map[string]*group{}
		}
		d.groups[key] = g
	}
	g.users++
	d.mu.Unlock()
	select {
	case g.busy <- struct{}{}:
		return g, nil
	case <-ctx.Done():
		d.mu.Lock()
		g.users--
		d.tidy(g)
		d.mu.Unlock()
		return nil, ctx.Err()
	}
}

func (d *Dialer) leave(g *group) {
	<-g.busy
	d.mu.Lock()
	g.users--
	d.tidy(g)
	d.mu.Unlock()
}

// tidy forgets a group that holds nothing. The caller holds mu.
func (d *Dialer) tidy(g *group) {
	if g.users == 0 && len(g.links) == 0 && d.groups[g.key] == g {
		delete(d.groups, g.key)
	}
}

// bind takes a connection that the group has, or makes one. The caller holds busy.
func (g *group) bind(ctx context.Context, sb *StringBinding, iface *rpc.Interface) (*Binding, error) {
	for {
		l, idle := g.take()
		if l == nil {
			break
		}
		b, err := l.bind(ctx, iface, idle)
		if err == nil {
			b.lease = &lease{l: l}
			return b, nil
		}
		g.d.release(l)
		if l.conn.failure() == nil || ctx.Err() != nil {
			return nil, err
		}
		// The connection had died. Nothing but the proposal was sent, so it may be sent again elsewhere.
	}
	l, b, err := g.dial(ctx, sb, iface)
	if err != nil {
		return nil, err
	}
	b.lease = &lease{l: l}
	return b, nil
}

// take finds a connection on which calls do not wait, or the one least used if there may be no more. nil asks for another to be made. The link
// that it returns counts one use more.
func (g *group) take() (l *link, idle bool) {
	var gone []*link
	defer func() { closeAll(gone) }()
	d := g.d
	d.mu.Lock()
	defer d.mu.Unlock()
	live := make([]*link, 0, len(g.links))
	for _, x := range g.links {
		if x.conn.failure() != nil || x.expired() {
			x.stopTimer()
			if x.refs == 0 {
				delete(d.links, x)
				gone = append(gone, x)
			}
			continue // those who use it find out, or go on to the end of what they do
		}
		live = append(live, x)
		if l == nil || x.refs < l.refs {
			l = x
		}
	}
	g.links = live
	if len(live) == 0 {
		g.id = 0 // nothing of ours holds the group of the server any more
	}
	if l == nil || l.refs > 0 && !l.conn.multiplexes() && len(live) < d.maxConns() {
		return nil, false
	}
	idle = l.refs == 0
	l.refs++
	l.stopTimer()
	return l, idle
}

// closeAll closes connections, without a lock: closing may wait for what carries them.
func closeAll(links []*link) {
	for _, l := range links {
		l.conn.Close()
	}
}

func (l *link) stopTimer() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}

// expired reports whether the authentication has.
func (l *link) expired() bool {
	if s := l.first.security; s != nil {
		if x, ok := s.ctx.(interface{ Expires() time.Time }); ok {
			t := x.Expires()
			return !t.IsZero() && !time.Now().Before(t)
		}
	}
	return false
}

// bind proposes the interface on a connection that is there. One that it has already needs no proposal, unless nobody has used the connection
// lately: then the proposal shows whether the server still holds it.
func (l *link) bind(ctx context.Context, iface *rpc.Interface, idle bool) (*Binding, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedTimeout)
	defer cancel()
	for _, b := range l.bound {
		if x := b.iface; x != iface && (x.UUID != iface.UUID || x.Major != iface.Major || x.Minor != iface.Minor) {
			continue
		}
		if idle {
			if err := b.again(ctx); err != nil {
				return nil, err
			}
		}
		n := *b
		n.iface = iface
		return &n, nil
	}
	b, err := l.first.Bind(ctx, iface)
	if err != nil {
		return nil, err
	}
	kept := *b
	l.bound = append(l.bound, &kept)
	return b, nil
}

// dial makes a connection and binds. It joins the association group of the others; where the server has none to join, it begins another.
func (g *group) dial(ctx context.Context, sb *StringBinding, iface *rpc.Interface) (*link, *Binding, error) {
	g.d.mu.Lock()
	id := g.id
	g.d.mu.Unlock()
	l, b, err := g.connect(ctx, sb, iface, id)
	if id != 0 && err != nil && ctx.Err() == nil {
		if _, refused := errors.AsType[pdu.RejectReason](err); refused {
			l, b, err = g.connect(ctx, sb, iface, 0)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	id = l.conn.AssocGroup()
	d := g.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		go l.conn.Close()
		return nil, nil, ErrClosed
	}
	g.links = append(g.links, l)
	if d.links == nil {
		d.links = map[*link]struct{}{}
	}
	d.links[l] = struct{}{}
	if g.id == 0 {
		g.id = id
	}
	return l, b, nil
}

func (g *group) connect(ctx context.Context, sb *StringBinding, iface *rpc.Interface, id uint32) (*link, *Binding, error) {
	var a *Auth
	if sb.AuthType != 0 {
		init, err := g.d.initiator(ctx, sb)
		if err != nil {
			return nil, nil, fmt.Errorf("rpc: bind to %s: %w", iface.Name, err)
		}
		a = &Auth{Type: sb.AuthType, Level: sb.Level, Initiator: init}
	}
	nc, err := g.d.transport(ctx, sb)
	if err != nil {
		return nil, nil, fmt.Errorf("rpc: connect to %s: %w", sb.String(), err)
	}
	cfg := g.d.Config
	cfg.AssocGroup = id
	c := NewConn(nc, cfg)
	b, err := c.Bind(ctx, iface, a)
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	first := *b
	return &link{g: g, conn: c, first: &first, bound: []*Binding{&first}, refs: 1}, b, nil
}

func (d *Dialer) initiator(ctx context.Context, sb *StringBinding) (auth.Initiator, error) {
	service, host := sb.Service, sb.Target
	if service == "" {
		service = d.Service
	}
	if service == "" {
		service = "host"
	}
	if host == "" {
		host = sb.hostName()
	}
	return d.Initiator(ctx, sb.AuthType, sb.Level, service, host)
}

func (d *Dialer) transport(ctx context.Context, sb *StringBinding) (net.Conn, error) {
	switch {
	case sb.Protocol == ProtocolTCP && d.TCP != nil:
		return d.TCP(ctx, sb.address())
	case sb.Protocol == ProtocolTCP:
		return new(net.Dialer).DialContext(ctx, "tcp", sb.address())
	case sb.Protocol == ProtocolPipe && sb.Host != "" && d.Pipe != nil:
		return d.Pipe(ctx, sb.Host, sb.Endpoint)
	case (sb.Protocol == ProtocolLocal || sb.Protocol == ProtocolPipe && sb.Host == "") && d.Local != nil:
		return d.Local(ctx, sb.Endpoint)
	}
	return nil, fmt.Errorf("%s is not at hand here", sb.Protocol)
}

// release ends a use of the link.
func (d *Dialer) release(l *link) {
	d.mu.Lock()
	if l.refs--; l.refs > 0 {
		d.mu.Unlock()
		return
	}
	if d.closed || d.idleTime() < 0 || l.conn.failure() != nil || !slices.Contains(l.g.links, l) {
		d.forget(l)
		d.mu.Unlock()
		l.conn.Close()
		return
	}
	defer d.mu.Unlock()
	var t *time.Timer
	t = time.AfterFunc(d.idleTime(), func() {
		d.mu.Lock()
		mine := l.timer == t
		if mine {
			d.forget(l)
		}
		d.mu.Unlock()
		if mine {
			l.conn.Close()
		}
	})
	l.timer = t
}

// forget takes the link out of the tables. The caller holds mu.
func (d *Dialer) forget(l *link) {
	l.stopTimer()
	delete(d.links, l)
	l.g.links = slices.DeleteFunc(l.g.links, func(x *link) bool { return x == l })
	d.tidy(l.g)
}

// Close ends all associations. Calls that wait return ErrClosed.
func (d *Dialer) Close() error {
	d.mu.Lock()
	d.closed = true
	var all []*link
	for l := range d.links {
		d.forget(l)
		all = append(all, l)
	}
	d.mu.Unlock()
	closeAll(all)
	return nil
}

// multiplexes reports whether calls run at the same time.
func (c *Conn) multiplexes() bool { return cap(c.slots) > 1 }
