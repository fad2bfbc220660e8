package msrpc

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/oiweiwei/go-msrpc/dcerpc"
	mapper "github.com/oiweiwei/go-msrpc/dcerpc/errors"
	"github.com/oiweiwei/go-msrpc/midl/uuid"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
)

// Errors of a Conn.
var (
	ErrLevel    = errors.New("msrpc: the association has not the authentication level that the option asks for")
	ErrEndpoint = errors.New("msrpc: the association has an endpoint already")
	ErrNotBound = errors.New("msrpc: no interface is bound; a generated client's constructor does it")
	ErrStub     = errors.New("msrpc: the stub panicked")
	ErrClient   = errors.New("msrpc: a client serves nothing")
)

// Conn is an association as go-msrpc's clients want it: a dcerpc.Conn. What NewConn and Dial make is bound to no interface; each generated
// client's constructor gets a Conn of its own from it, by Bind. Calls may be made from any goroutine.
type Conn struct {
	root    *root
	binding *client.Binding // nil for the root
	subs    map[syntax]sub
	mappers []mapper.Mapper
}

// sub is an interface that was bound together with others.
type sub struct {
	conn *Conn
	err  error
}

// root is what all Conns of an association share.
type root struct {
	level rpc.AuthLevel
	bind  func(context.Context, *rpc.Interface) (*client.Binding, error)
	close func() error

	mu    sync.Mutex
	bound []*client.Binding // all that Bind made; guarded by mu
}

var (
	_ dcerpc.Conn    = (*Conn)(nil)
	_ dcerpc.SubConn = (*Conn)(nil)
)

// NewConn makes the Conn of an association, which it owns from then on. All interfaces are bound in one security context, that of a; with a nil Auth the caller is who
// the transport says.
func NewConn(c *client.Conn, a *client.Auth) *Conn {
	r := &root{level: rpc.AuthLevelNone, close: c.Close}
	if a == nil {
		r.bind = func(ctx context.Context, i *rpc.Interface) (*client.Binding, error) { return c.Bind(ctx, i, nil) }
		return &Conn{root: r}
	}
	r.level = a.Level
	turn := make(chan struct{}, 1) // held over the first bind, which is the logon
	var first *client.Binding
	r.bind = func(ctx context.Context, i *rpc.Interface) (*client.Binding, error) {
		select {
		case turn <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		defer func() { <-turn }()
		if first != nil {
			return first.Bind(ctx, i)
		}
		b, err := c.Bind(ctx, i, a)
		if err == nil {
			first = b
		}
		return b, err
	}
	return &Conn{root: r}
}

// Dial makes a Conn whose interfaces are bound by d at sb, which must name its endpoint. Closing it closes the bindings and not d.
func Dial(d *client.Dialer, sb client.StringBinding) *Conn {
	r := &root{level: max(sb.Level, rpc.AuthLevelNone), close: func() error { return nil }}
	r.bind = func(ctx context.Context, i *rpc.Interface) (*client.Binding, error) { return d.Bind(ctx, sb, i) }
	return &Conn{root: r}
}

// Bind binds the interface of the options, and those that come with it.
func (c *Conn) Bind(ctx context.Context, opts ...dcerpc.Option) (dcerpc.Conn, error) {
	if cc, ok := dcerpc.HasNoBind(opts); ok {
		return cc, nil
	}
	o, err := dcerpc.ParseOptions(ctx, opts...)
	if err != nil && !errors.Is(err, dcerpc.ErrNoSecurityContext) {
		return nil, err
	}
	if len(o.AbstractSyntaxes) == 0 {
		return nil, dcerpc.ErrNoPresentationContext
	}
	if len(o.Bindings) > 0 {
		return nil, fmt.Errorf("%w: %q", ErrEndpoint, o.Bindings)
	}
	if o.Security != nil && rpc.AuthLevel(o.Security.Level) > c.root.level {
		return nil, fmt.Errorf("%w: it is %s", ErrLevel, c.root.level)
	}
	mappers := append(c.mappers[:len(c.mappers):len(c.mappers)], o.ErrorMappers...)
	var n *Conn
	subs := map[syntax]sub{}
	for i, s := range o.AbstractSyntaxes {
		b, err := c.root.bind(ctx, &rpc.Interface{Name: nameOf(s), UUID: guidOf(s.IfUUID), Major: s.IfVersionMajor, Minor: s.IfVersionMinor})
		if err != nil && i == 0 {
			return nil, err
		}
		m := &Conn{root: c.root, binding: b, subs: subs, mappers: mappers}
		if err == nil {
			c.root.mu.Lock()
			c.root.bound = append(c.root.bound, b)
			c.root.mu.Unlock()
		}
		if i == 0 {
			n = m
		}
		subs[keyOf(s)] = sub{m, err}
	}
	return n, nil
}

// SubConn is one of several interfaces that were bound at once.
func (c *Conn) SubConn(_ context.Context, s *dcerpc.SyntaxID) (dcerpc.Conn, error) {
	if s == nil {
		return nil, dcerpc.ErrConnNotExist
	}
	x, ok := c.subs[keyOf(s)]
	switch {
	case !ok:
		return nil, dcerpc.ErrConnNotExist
	case x.err != nil:
		return nil, x.err
	}
	return x.conn, nil
}

// AlterContext changes nothing: the security of the association is what it is. It is an error if the options ask for more.
func (c *Conn) AlterContext(ctx context.Context, opts ...dcerpc.Option) error {
	o, _ := dcerpc.ParseOptions(ctx, opts...)
	if o.Security != nil && rpc.AuthLevel(o.Security.Level) > c.root.level {
		return fmt.Errorf("%w: it is %s", ErrLevel, c.root.level)
	}
	return nil
}

// Context is empty: it is where go-msrpc keeps the logon that it made. See SessionKey.
func (c *Conn) Context() context.Context { return context.Background() }

// SessionKey is that of the RPC authentication, nil without one.
func (c *Conn) SessionKey() []byte {
	if c.binding == nil {
		return nil
	}
	return c.binding.SessionKey()
}

// Invoke makes a call.
func (c *Conn) Invoke(ctx context.Context, op dcerpc.Operation, opts ...dcerpc.CallOption) error {
	b := c.binding
	if b == nil {
		return ErrNotBound
	}
	if u, ok := dcerpc.HasObjectUUID(opts); ok {
		b = b.WithObject(guidOf(u))
	}
	err := b.Call(ctx, uint16(op.OpNum()), func(e *ndr.Encoder) {
		w := newWriter(e)
		err := contain(func() error { return op.MarshalNDRRequest(ctx, w) })
		if err == nil {
			err = w.finish()
		}
		if err != nil {
			e.Fail(err, "request")
		}
	}, func(d *ndr.Decoder) error {
		r := newReader(d)
		if err := contain(func() error { return op.UnmarshalNDRResponse(ctx, r) }); err != nil {
			return err
		}
		return r.Err()
	})
	if err != nil {
		return fmt.Errorf("msrpc: %s: %w", op.OpName(), err)
	}
	return nil
}

// InvokeObject makes a call to an object.
func (c *Conn) InvokeObject(ctx context.Context, u *uuid.UUID, op dcerpc.Operation, opts ...dcerpc.CallOption) error {
	return c.Invoke(ctx, op, append(opts[:len(opts):len(opts)], dcerpc.WithObjectUUID(u))...)
}

// Close ends the association, of whichever of its Conns it is called.
func (c *Conn) Close(context.Context) error {
	c.root.mu.Lock()
	bound := c.root.bound
	c.root.bound = nil
	c.root.mu.Unlock()
	for _, b := range bound {
		b.Close()
	}
	return c.root.close()
}

// RegisterServer serves nothing: a Host does. The generated function that calls it has no error to give, so it panics with one.
func (c *Conn) RegisterServer(dcerpc.ServerHandle, ...dcerpc.Option) { panic(ErrClient) }

// Error is the error that a returned value stands for.
func (c *Conn) Error(ctx context.Context, v any) error {
	for _, m := range c.mappers {
		if err := m.MapValue(ctx, v); err != nil {
			return err
		}
	}
	return mapper.New(ctx, v)
}

// contain makes an error of a panic. Stubs may have them for what is not there.
func contain(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrStub, p, debug.Stack())
		}
	}()
	return f()
}

// guidOf is a UUID in the form in which this tree has it.
func guidOf(u *uuid.UUID) nt.GUID {
	var g nt.GUID
	if u != nil {
		copy(g[:], u.EncodeBinary())
	}
	return g
}

// nameOf names an interface that has no name here.
func nameOf(s *dcerpc.SyntaxID) string {
	return fmt.Sprintf("%s v%d.%d", guidOf(s.IfUUID), s.IfVersionMajor, s.IfVersionMinor)
}

// syntax is a dcerpc.SyntaxID that may be compared: its UUID is by value.
type syntax struct {
	uuid         nt.GUID
	major, minor uint16
}

func keyOf(s *dcerpc.SyntaxID) syntax {
	return syntax{guidOf(s.IfUUID), s.IfVersionMajor, s.IfVersionMinor}
}
