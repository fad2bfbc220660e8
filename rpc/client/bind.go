package client

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/pdu"
)

// Binding is one interface of the server in one security context. It is an rpc.Caller, for any number of goroutines.
type Binding struct {
	c        *Conn
	iface    *rpc.Interface
	context  uint16
	transfer pdu.SyntaxID
	security *security
	verified *atomic.Bool // the server has answered a call that had a verification trailer
	object   nt.GUID
	lease    *lease // of a Dialer's connection; shared with what WithObject makes
}

var _ rpc.Caller = (*Binding)(nil)

// Bind proposes an interface: by a bind the first time, by alter_context then. With a nil Auth the caller is who the transport says.
func (c *Conn) Bind(ctx context.Context, iface *rpc.Interface, a *Auth) (*Binding, error) {
	var s *security
	c.bindMu.Lock()
	defer c.bindMu.Unlock()
	if a != nil {
		if a.Level < rpc.AuthLevelConnect || a.Level > rpc.AuthLevelPktPrivacy || a.Initiator == nil {
			return nil, fmt.Errorf("rpc: bind to %s: authentication level %s is none", iface.Name, a.Level)
		}
		c.nextAC++
		s = &security{id: c.nextAC, typ: a.Type, level: a.Level, init: a.Initiator}
	}
	return c.bind(ctx, iface, s, c.proposals(iface))
}

// proposals are the presentation contexts that are offered for an interface: one for each transfer syntax, as Windows' clients have it. The caller holds bindMu.
func (c *Conn) proposals(iface *rpc.Interface) []pdu.Context {
	list := []pdu.Context{proposal(iface, c.newContext(), pdu.NDR)}
	if c.cfg.NDR64 {
		list = append(list, proposal(iface, c.newContext(), pdu.NDR64))
	}
	return list
}

func proposal(iface *rpc.Interface, id uint16, transfer pdu.SyntaxID) pdu.Context {
	return pdu.Context{ID: id, Abstract: pdu.SyntaxID{UUID: iface.UUID, Major: iface.Major, Minor: iface.Minor}, Transfer: []pdu.SyntaxID{transfer}}
}

// newContext is a presentation context identifier that was not used. The caller holds bindMu.
func (c *Conn) newContext() uint16 {
	c.nextPC++
	return c.nextPC - 1
}

// again proposes the interface of b once more, as the context that it is. The server, if it is there, agrees.
func (b *Binding) again(ctx context.Context) error {
	b.c.bindMu.Lock()
	defer b.c.bindMu.Unlock()
	_, err := b.c.bind(ctx, b.iface, b.security, []pdu.Context{proposal(b.iface, b.context, b.transfer)})
	return err
}

// Bind proposes another interface in the security context of b. Of a Dialer's binding it makes one that is to be closed on its own.
func (b *Binding) Bind(ctx context.Context, iface *rpc.Interface) (*Binding, error) {
	b.c.bindMu.Lock()
	defer b.c.bindMu.Unlock()
	n, err := b.c.bind(ctx, iface, b.security, b.c.proposals(iface))
	if err == nil && b.lease != nil {
		n.lease = b.lease.again()
	}
	return n, err
}

// Close tells the Dialer that made the binding that it is not used any more; those that WithObject made of it go with it. It does nothing to
// a binding of NewConn's, whose Conn is closed instead.
func (b *Binding) Close() error {
	if b.lease != nil {
		b.lease.end()
	}
	return nil
}

// WithObject is the same binding for an object of the interface.
func (b *Binding) WithObject(object nt.GUID) *Binding {
	n := *b
	n.object = object
	return &n
}

// Interface is what the binding is to.
func (b *Binding) Interface() *rpc.Interface { return b.iface }

// SessionKey is that of the RPC authentication, nil without one.
func (b *Binding) SessionKey() []byte {
	if b.security == nil {
		return nil
	}
	return b.security.ctx.SessionKey()
}

// bind runs the exchange, with as many legs as the authentication needs.
func (c *Conn) bind(ctx context.Context, iface *rpc.Interface, s *security, list []pdu.Context) (*Binding, error) {
	b := &Binding{c: c, iface: iface, security: s, verified: new(atomic.Bool)}
	var token []byte
	done := true
	if s != nil && s.init != nil {
		var err error
		if token, done, err = s.init.Init(ctx, nil); err != nil {
			return nil, fmt.Errorf("rpc: bind to %s: %w", iface.Name, err)
		}
	}
	for {
		ack, err := c.propose(ctx, list, s, token)
		if err != nil {
			return nil, fmt.Errorf("rpc: bind to %s: %w", iface.Name, err)
		}
		if !b.accepted(list, ack.Results) {
			r := ack.Results[0]
			return nil, &RejectedError{Interface: iface, Code: r.Code, Reason: r.Reason}
		}
		if s == nil || s.init == nil {
			return b, nil
		}
		token = nil
		if v := ack.Verifier; v != nil {
			if token, done, err = s.init.Init(ctx, v.Value); err != nil {
				return nil, c.authFailed(iface, err)
			}
		} else if !done {
			return nil, c.authFailed(iface, fmt.Errorf("%w: authentication is not answered", errProtocol))
		}
		if !done && len(token) > 0 {
			continue // another leg, by alter_context
		}
		if len(token) > 0 {
			if err := c.auth3(ctx, s, token); err != nil {
				return nil, err
			}
		}
		if err := s.established(); err != nil {
			return nil, c.authFailed(iface, err)
		}
		return b, nil
	}
}

// accepted takes the last of the contexts that the server accepted: NDR64 before NDR 2.0.
func (b *Binding) accepted(list []pdu.Context, results []pdu.Result) bool {
	found := false
	for i, p := range list {
		if r := &results[i]; r.Code == pdu.Acceptance && r.Transfer == p.Transfer[0] {
			b.context, b.transfer, found = p.ID, r.Transfer, true
		}
	}
	return found
}

// NDR64 reports whether calls are made in NDR64.
func (b *Binding) NDR64() bool { return b.transfer == pdu.NDR64 }

// authFailed ends the association: the server holds half an authentication.
func (c *Conn) authFailed(iface *rpc.Interface, err error) error {
	err = fmt.Errorf("rpc: bind to %s: %w", iface.Name, err)
	c.fail(err)
	return err
}

// propose sends a bind or an alter_context and returns the answer.
func (c *Conn) propose(ctx context.Context, list []pdu.Context, s *security, token []byte) (*pdu.BindAck, error) {
	x := pdu.Bind{Contexts: slices.Clip(list), MaxXmitFrag: uint16(c.cfg.MaxFragment), MaxRecvFrag: uint16(c.cfg.MaxFragment)}
	x.Flags = pdu.FirstFrag | pdu.LastFrag
	if len(token) > 0 {
		x.Flags |= pdu.HeaderSign
		x.Verifier = s.verifier(token)
	}
	first := !c.bound
	if first {
		if c.cfg.MaxCalls > 1 {
			x.Flags |= pdu.ConcMPX
		}
		x.AssocGroupID = c.cfg.AssocGroup
		x.Contexts = append(x.Contexts, pdu.Context{ID: c.newContext(), Abstract: list[0].Abstract,
			Transfer: []pdu.SyntaxID{pdu.FeatureSyntax(pdu.SecurityContextMultiplexing | pdu.KeepConnectionOnOrphan)}})
	} else {
		x.AssocGroupID = c.group
	}
	frag, err := c.bindExchange(ctx, &x, first)
	if err != nil {
		return nil, err
	}
	ack, err := parseAnswer(frag, first)
	if err != nil {
		c.fail(err)
		return nil, err
	}
	if len(ack.Results) != len(x.Contexts) {
		return nil, c.fail(fmt.Errorf("%w: %d results for %d contexts", errProtocol, len(ack.Results), len(x.Contexts)))
	}
	if len(token) > 0 && ack.Flags&pdu.HeaderSign != 0 {
		c.headerSign.Store(true)
	}
	if first {
		c.associate(ack)
	}
	return ack, nil
}

func parseAnswer(frag []byte, first bool) (*pdu.BindAck, error) {
	if !first {
		resp, err := pdu.ParseAlterContextResp(frag)
		return (*pdu.BindAck)(&resp), err
	}
	if pdu.Type(frag[2]) == pdu.TypeBindNak {
		nak, err := pdu.ParseBindNak(frag)
		if err == nil {
			err = nak.Reason
		}
		return nil, err
	}
	ack, err := pdu.ParseBindAck(frag)
	return &ack, err
}

// associate takes what the server agreed to.
func (c *Conn) associate(ack *pdu.BindAck) {
	c.bound = true
	c.group = ack.AssocGroupID
	c.frag = c.cfg.MaxFragment
	if n := int(ack.MaxRecvFrag); n >= 256 { // nobody can mean less
		c.frag = min(c.frag, n) &^ 7
	}
	n := 1
	if ack.Flags&pdu.ConcMPX != 0 {
		n = c.cfg.MaxCalls
	}
	c.slots = make(chan struct{}, n)
}

// bindExchange sends the PDU and waits for what answers it. Where the connection transacts, no call may come between.
func (c *Conn) bindExchange(ctx context.Context, x *pdu.Bind, first bool) ([]byte, error) {
	if c.transact != nil && !first {
		if err := c.acquire(ctx); err != nil {
			return nil, err
		}
		defer func() { <-c.slots }()
	}
	p := &pending{bind: true, done: make(chan struct{}, 1)}
	if err := c.begin(p); err != nil {
		return nil, err
	}
	x.CallID = p.id
	var b []byte
	if first {
		b = x.Append(nil)
	} else {
		b = (*pdu.AlterContext)(x).Append(nil)
	}
	if err := c.sendLast(ctx, b); err != nil {
		return nil, err
	}
	if err := c.await(ctx, p); err != nil {
		return nil, err
	}
	return p.stub, nil
}

// sendLast sends a PDU after which the other side speaks.
func (c *Conn) sendLast(ctx context.Context, b []byte) error {
	if c.transact != nil {
		c.turn <- struct{}{}
		defer func() { <-c.turn }()
	}
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.transact != nil {
		return c.exchange(ctx, b)
	}
	return c.write(ctx, b)
}

// auth3 sends the last leg, which is not answered.
func (c *Conn) auth3(ctx context.Context, s *security, token []byte) error {
	x := pdu.Auth3{Verifier: s.verifier(token)}
	c.mu.Lock()
	c.nextCall++
	x.CallID = c.nextCall
	c.mu.Unlock()
	x.Flags = pdu.FirstFrag | pdu.LastFrag
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.write(ctx, x.Append(nil))
}
