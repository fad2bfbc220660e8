package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
)

// adder is the service behind the tests' dialers.
type adder struct {
	calls   atomic.Int64
	entered chan struct{} // if not nil, told when block runs
	leave   chan struct{} // if not nil, what block waits for
}

const (
	opAdd = iota
	opOpen
	opUse
	opBlock
)

type adderOp func(*adder, context.Context, *rpc.Call, *ndr.Decoder, *ndr.Encoder) error

func newAdderInterface(name, uuid string) *rpc.Interface {
	i := &rpc.Interface{Name: name, UUID: nt.MustGUID(uuid), Major: 1, Endpoints: []string{`ncacn_np:[\pipe\adder]`},
		Implements: func(any) bool { return true }}
	for n, f := range []adderOp{opAdd: (*adder).add, opOpen: (*adder).open, opUse: (*adder).use, opBlock: (*adder).block} {
		i.Ops = append(i.Ops, rpc.Op{Name: fmt.Sprint(n), Invoke: func(ctx context.Context, impl any, c *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
			return f(impl.(*adder), ctx, c, in, out)
		}})
	}
	return i
}

var (
	adderInterface = newAdderInterface("adder", "7c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b11")
	otherInterface = newAdderInterface("other", "7c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b12")
	noInterface    = newAdderInterface("none", "7c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b13")
)

func (a *adder) add(_ context.Context, _ *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
	a.calls.Add(1)
	out.Uint32(in.Uint32() + 1)
	return nil
}

func (a *adder) open(_ context.Context, call *rpc.Call, _ *ndr.Decoder, out *ndr.Encoder) error {
	h, err := call.Handles.Open(call, "held", func() {})
	h.EncodeBody(out)
	return err
}

func (a *adder) use(_ context.Context, call *rpc.Call, in *ndr.Decoder, _ *ndr.Encoder) error {
	var h rpc.ContextHandle
	h.DecodeBody(in)
	_, err := rpc.HandleValue[string](call, h)
	return err
}

func (a *adder) block(ctx context.Context, _ *rpc.Call, _ *ndr.Decoder, _ *ndr.Encoder) error {
	a.entered <- struct{}{}
	select {
	case <-a.leave:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func add(ctx context.Context, c rpc.Caller, n uint32) error {
	var got uint32
	err := c.Call(ctx, opAdd, func(e *ndr.Encoder) { e.Uint32(n) }, func(d *ndr.Decoder) error {
		got = d.Uint32()
		return d.Err()
	})
	if err == nil && got != n+1 {
		return fmt.Errorf("%d after %d", got, n)
	}
	return err
}

// fixture is a server, reached by connections in memory or over loopback, that counts them.
type fixture struct {
	*adder
	s     *server.Server
	dials atomic.Int64
	mu    sync.Mutex
	conns []net.Conn // the server's ends
	wrap  func(net.Conn) net.Conn
	wg    sync.WaitGroup
	ended chan struct{} // a token for each connection that ended
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{adder: &adder{entered: make(chan struct{}), leave: make(chan struct{})}, ended: make(chan struct{}, 10000)}
	mech := ntlm.NewMechanism(ntlm.Config{Authority: ntlmtest.Accounts{"alice": "secret"}})
	f.s = server.New(server.Config{Mechanisms: map[uint8]auth.Mechanism{rpc.AuthTypeNTLM: mech}})
	for _, i := range []*rpc.Interface{adderInterface, otherInterface} {
		if err := f.s.Register(i, f.adder); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		f.s.Close()
		f.wg.Wait()
	})
	return f
}

// pipe connects to the server. A pipe of the network stack would do the same with a name.
func (f *fixture) pipe(_ context.Context, _, _ string) (net.Conn, error) {
	f.dials.Add(1)
	a, b := net.Pipe()
	f.mu.Lock()
	f.conns = append(f.conns, b)
	f.mu.Unlock()
	f.wg.Go(func() {
		f.s.ServeConn(context.Background(), b)
		f.ended <- struct{}{}
	})
	if f.wrap != nil {
		return f.wrap(a), nil
	}
	return a, nil
}

// cut ends all connections at the server.
func (f *fixture) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.Close()
	}
	f.conns = nil
}

func (f *fixture) dialer() *client.Dialer {
	return &client.Dialer{Pipe: f.pipe, Initiator: func(_ context.Context, typ uint8, level rpc.AuthLevel, service, host string) (auth.Initiator, error) {
		if typ != rpc.AuthTypeNTLM || level < rpc.AuthLevelPktIntegrity || service != "host" || host != "server" {
			return nil, fmt.Errorf("initiator for %d, %s/%s", typ, service, host)
		}
		return ntlm.NewInitiator(ntlm.Credentials{User: "alice", Password: "secret"}, ntlm.InitiatorConfig{}), nil
	}}
}

func parse(t testing.TB, s string) client.StringBinding {
	t.Helper()
	b, err := client.ParseStringBinding(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (f *fixture) bind(t *testing.T, d *client.Dialer, s string, i *rpc.Interface) *client.Binding {
	t.Helper()
	b, err := d.Bind(bg, parse(t, s), i)
	if err != nil {
		t.Fatal(err)
	}
	if err := add(bg, b, 5); err != nil {
		t.Fatal(err)
	}
	return b
}

func (f *fixture) wantDials(t *testing.T, n int64) {
	t.Helper()
	if got := f.dials.Load(); got != n {
		t.Errorf("%d connections were made, want %d", got, n)
	}
}

const plain, sealed = "ncacn_np:server", "ncacn_np:server[,ntlm,seal]"

// TestDialerReuse: one association for bindings of one server and authentication, kept while in use and for the idle time.
func TestDialerReuse(t *testing.T) {
	f := newFixture(t)
	d := f.dialer()
	d.IdleTime = time.Hour
	defer d.Close()
	for _, s := range []string{plain, sealed} {
		before := f.dials.Load()
		b := f.bind(t, d, s, adderInterface)
		o := f.bind(t, d, s, otherInterface)
		same := f.bind(t, d, s, adderInterface)
		third, err := o.Bind(bg, adderInterface)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []*client.Binding{b, o, same, same} { // twice closed is once closed
			x.Close()
		}
		if err := add(bg, third, 1); err != nil {
			t.Error(err)
		}
		third.Close()
		f.bind(t, d, s, adderInterface).Close()
		f.wantDials(t, before+1)
	}
	// Another server, another authentication: another association.
	f.bind(t, d, "ncacn_np:server[,ntlm,sign]", adderInterface).Close()
	f.bind(t, d, "ncacn_np:server2", adderInterface).Close()
	f.bind(t, d, `7c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b99@ncacn_np:server2[\pipe\adder]`, adderInterface).Close() // an object is none
	f.wantDials(t, 4)
	if _, err := d.Bind(bg, parse(t, plain), noInterface); !errors.As(err, new(*client.RejectedError)) {
		t.Error(err)
	}
	f.bind(t, d, plain, adderInterface).Close()
	f.wantDials(t, 4)
}

// TestDialerIdle: an association ends the idle time after its last use, and not before.
func TestDialerIdle(t *testing.T) {
	f := newFixture(t)
	d := f.dialer()
	defer d.Close()
	for n, idle := range []time.Duration{10 * time.Millisecond, -1} {
		d.IdleTime = idle
		b, o := f.bind(t, d, plain, adderInterface), f.bind(t, d, plain, otherInterface)
		o.Close()
		if err := add(bg, b, 1); err != nil {
			t.Error(err)
		}
		begin := time.Now()
		b.Close()
		<-f.ended
		if time.Since(begin) < idle {
			t.Errorf("it ended after %v", time.Since(begin))
		}
		f.wantDials(t, int64(n+1))
	}
}

// transacting is a connection of which each call takes the whole, as a pipe's.
type transacting struct{ net.Conn }

func (c transacting) Transact(_ context.Context, in, out []byte) (int, error) {
	if _, err := c.Write(in); err != nil {
		return 0, err
	}
	return c.Read(out)
}

// TestDialerGroup: where calls wait for each other, bindings get connections of one association group, up to a number.
func TestDialerGroup(t *testing.T) {
	f := newFixture(t)
	f.wrap = func(c net.Conn) net.Conn { return transacting{c} }
	d := f.dialer()
	d.MaxConns = 2
	defer d.Close()
	one, two := f.bind(t, d, plain, adderInterface), f.bind(t, d, plain, adderInterface)
	three := f.bind(t, d, plain, otherInterface)
	f.wantDials(t, 2)
	var h rpc.ContextHandle
	if err := one.Call(bg, opOpen, nil, func(x *ndr.Decoder) error { h.DecodeBody(x); return x.Err() }); err != nil {
		t.Fatal(err)
	}
	if err := two.Call(bg, opUse, h.EncodeBody, nil); err != nil {
		t.Errorf("a handle on the other connection: %v", err)
	}
	// A call that runs does not hold up those of the other binding.
	done := make(chan error)
	go func() { done <- one.Call(bg, opBlock, nil, nil) }()
	<-f.entered
	if err := add(bg, two, 1); err != nil {
		t.Error(err)
	}
	f.leave <- struct{}{}
	if err := <-done; err != nil {
		t.Error(err)
	}
	one.Close()
	two.Close()
	three.Close()
}

// TestDialerReconnect: a dead association is replaced at the next Bind; the call that died with it is not made again.
func TestDialerReconnect(t *testing.T) {
	f := newFixture(t)
	d := f.dialer()
	defer d.Close()
	for n, s := range []string{plain, sealed} {
		b := f.bind(t, d, s, adderInterface)
		f.cut()
		calls := f.calls.Load()
		if err := add(bg, b, 1); err == nil || errors.As(err, new(rpc.Fault)) {
			t.Errorf("call on a dead connection: %v", err)
		}
		if err := add(bg, b, 1); err == nil {
			t.Error("the binding lives again")
		}
		if f.calls.Load() != calls {
			t.Error("a call was made again")
		}
		again := f.bind(t, d, s, adderInterface) // while the dead one is still open
		f.wantDials(t, int64(3*n+2))
		b.Close()
		again.Close()
		f.cut() // nobody looks
		f.bind(t, d, s, otherInterface).Close()
		f.wantDials(t, int64(3*n+3))
	}
}

// TestDialerContext: what ends a Bind's context does nothing to those who use the connection already.
func TestDialerContext(t *testing.T) {
	f := newFixture(t)
	d := f.dialer()
	hang, dialing := make(chan struct{}), make(chan struct{}, 9)
	d.TCP = func(ctx context.Context, _ string) (net.Conn, error) {
		dialing <- struct{}{}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-hang:
			return nil, io.EOF
		}
	}
	defer d.Close()
	ctx, cancel := context.WithTimeout(bg, 20*time.Millisecond)
	defer cancel()
	if _, err := d.Bind(ctx, parse(t, "ncacn_ip_tcp:server[1]"), adderInterface); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := d.Bind(bg, parse(t, "ncacn_ip_tcp:server"), adderInterface); !errors.Is(err, client.ErrBinding) {
		t.Error(err)
	}
	if _, err := d.Bind(bg, parse(t, "ncalrpc:"), adderInterface); err == nil {
		t.Error("bound without a local transport")
	}
	// One Bind hangs in dialing; another to the same place waits for it no longer than its context.
	<-dialing
	go d.Bind(bg, parse(t, "ncacn_ip_tcp:server[1]"), adderInterface)
	<-dialing
	ctx, cancel = context.WithTimeout(bg, 20*time.Millisecond)
	defer cancel()
	if _, err := d.Bind(ctx, parse(t, "ncacn_ip_tcp:server[1]"), adderInterface); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	close(hang)

	// The server stops to answer; a Bind of another interface gives up, and the call that waits goes on when the server does.
	gate := newGate()
	f.wrap = gate.conn
	b := f.bind(t, d, plain, adderInterface)
	gate.hold()
	done := make(chan error)
	go func() { done <- add(bg, b, 1) }()
	ctx, cancel = context.WithTimeout(bg, 20*time.Millisecond)
	defer cancel()
	if _, err := d.Bind(ctx, parse(t, plain), otherInterface); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	gate.release()
	if err := <-done; err != nil {
		t.Errorf("the call of another: %v", err)
	}
	if err := add(bg, b, 2); err != nil {
		t.Error(err)
	}
	b.Close()
	d.Close()
	if _, err := d.Bind(bg, parse(t, plain), adderInterface); !errors.Is(err, client.ErrClosed) {
		t.Error(err)
	}
}

// gate holds back what the server answers.
type gate struct {
	mu   sync.Mutex
	open chan struct{}
}

func newGate() *gate {
	g := &gate{open: make(chan struct{})}
	close(g.open)
	return g
}

func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

func (g *gate) release() { close(g.open) }

type gated struct {
	net.Conn
	g *gate
}

func (g *gate) conn(c net.Conn) net.Conn { return gated{c, g} }

func (c gated) Read(b []byte) (int, error) {
	c.g.mu.Lock()
	open := c.g.open
	c.g.mu.Unlock()
	<-open
	return c.Conn.Read(b)
}

// cutAfter ends the connection when so many bytes have passed it, both ways together.
type cutAfter struct {
	net.Conn
	left *atomic.Int64
}

func (c cutAfter) take(n int) int { // of n bytes, so many pass
	left := c.left.Add(-int64(n))
	if left < 0 {
		c.Conn.Close()
		return max(n+int(left), 0)
	}
	return n
}

func (c cutAfter) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if m := c.take(n); m < n {
		return m, io.ErrUnexpectedEOF
	}
	return n, err
}

func (c cutAfter) Write(b []byte) (int, error) {
	left := c.left.Load()
	if left >= int64(len(b)) {
		c.left.Add(-int64(len(b)))
		return c.Conn.Write(b)
	}
	n, err := c.Conn.Write(b[:max(left, 0)])
	c.Conn.Close()
	c.left.Store(0)
	if err == nil {
		err = io.ErrClosedPipe
	}
	return n, err
}

// TestDialerCut cuts the connection after every byte of a whole bind and call: it succeeds, or says what is wrong, and the next one works.
func TestDialerCut(t *testing.T) {
	for _, s := range []string{plain, sealed} {
		for _, transact := range []bool{false, true} {
			t.Run(fmt.Sprint(s, transact), func(t *testing.T) {
				f := newFixture(t)
				whole := false
				for n := int64(0); !whole; n++ {
					d := f.dialer()
					left := new(atomic.Int64)
					left.Store(n)
					f.wrap = func(c net.Conn) net.Conn {
						c = cutAfter{c, left}
						if transact {
							c = transacting{c}
						}
						return c
					}
					calls := f.calls.Load()
					ctx, cancel := context.WithTimeout(bg, time.Minute)
					b, err := d.Bind(ctx, parse(t, s), adderInterface)
					if err == nil {
						err = add(ctx, b, 5)
					}
					if ctx.Err() != nil {
						t.Fatalf("cut after %d bytes: hangs", n)
					}
					if err != nil && (errors.As(err, new(rpc.Fault)) || err.Error() == "") {
						t.Fatalf("cut after %d bytes: %v", n, err)
					}
					if made := f.calls.Load() - calls; made > 1 || err == nil && made != 1 {
						t.Fatalf("cut after %d bytes: the call was made %d times", n, made)
					}
					if whole = err == nil; !whole {
						left.Store(1 << 20)
						f.bind(t, d, s, adderInterface).Close()
					} else if b.Close(); n < 150 {
						t.Fatalf("a call in %d bytes", n)
					}
					cancel()
					d.Close()
					f.wg.Wait() // no connection is left open
				}
			})
		}
	}
}

// TestDialerRace has many bind, call and close at once, and connections die meanwhile.
func TestDialerRace(t *testing.T) {
	f := newFixture(t)
	d := f.dialer()
	d.IdleTime = time.Nanosecond
	defer d.Close()
	var wg sync.WaitGroup
	var good atomic.Int64
	for n := range 8 {
		wg.Go(func() {
			for i := range 50 {
				s := parse(t, []string{plain, sealed}[i%2])
				b, err := d.Bind(bg, s, []*rpc.Interface{adderInterface, otherInterface}[n%2])
				if err != nil {
					continue // cut
				}
				if add(bg, b, uint32(i)) == nil {
					good.Add(1)
				}
				b.Close()
				if n == 0 && i%10 == 0 {
					f.cut()
				}
			}
		})
	}
	wg.Wait()
	if good.Load() < 200 {
		t.Errorf("%d of 400 calls came through", good.Load())
	}
}

// expiring is a logon that lasts for a time.
type expiring struct {
	auth.Initiator
	end func() time.Time
}

type expiringContext struct {
	auth.Context
	end func() time.Time
}

func (e expiring) Context() auth.Context     { return expiringContext{e.Initiator.Context(), e.end} }
func (c expiringContext) Expires() time.Time { return c.end() }
func later(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }
func endless() func() time.Time              { return func() time.Time { return time.Time{} } }
func (f *fixture) expiring(end func() time.Time) *client.Dialer {
	d := f.dialer()
	inner := d.Initiator
	d.Initiator = func(ctx context.Context, typ uint8, level rpc.AuthLevel, service, host string) (auth.Initiator, error) {
		i, err := inner(ctx, typ, level, service, host)
		return expiring{i, end}, err
	}
	return d
}

// TestDialerExpiry: an association whose logon has ended is not given to new bindings; those that have it keep it.
func TestDialerExpiry(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func() time.Time
		want int64
	}{"an hour left": {later(time.Hour), 1}, "no end": {endless(), 1}, "ended": {later(-time.Second), 2}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			d := f.expiring(tt.end)
			defer d.Close()
			b := f.bind(t, d, sealed, adderInterface)
			o := f.bind(t, d, sealed, otherInterface)
			f.wantDials(t, tt.want)
			if err := add(bg, b, 1); err != nil {
				t.Error(err)
			}
			b.Close()
			o.Close()
		})
	}
}
