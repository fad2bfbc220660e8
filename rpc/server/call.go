package server

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/pdu"
)

// call is one request from its first fragment to the end of its response.
type call struct {
	c        *conn
	wire     pdu.Request // the first fragment; its offsets and bytes mean nothing any more
	reg      *registration
	abstract pdu.SyntaxID
	transfer pdu.SyntaxID
	auth     *security // nil for the transport's identity
	in, out  *buffer   // stub data, and the response with a header before it; kept for the next call
	charged  int64     // what of them, and of the response, counts against the budget
	dropped  bool      // faulted already
	ctx      *callContext

	followers *[]*Follower // who traces; nil if nobody did when the call came
	activity  activity     // what brought the last fragment, where somebody traces
	traced    *traced      // nil if nobody wants to see the call

	cancelled bool        // by a cancel PDU among the fragments
	orphaned  atomic.Bool // no answer is wanted

	stripe uint32 // of what is counted of it

	rpc rpc.Call
	dec ndr.Decoder
	enc ndr.Encoder
}

// calls are used again, mostly by the processor that has used them last: so they are numbered for what is counted apart for each.
var calls = sync.Pool{New: func() any { return &call{stripe: made.Add(1)} }}

var made atomic.Uint32

func newCall(c *conn, x *pdu.Request) *call {
	k := calls.Get().(*call)
	k.c, k.wire = c, *x
	k.wire.Value = nil
	if k.in == nil {
		k.in = getBuffer()
	}
	return k
}

// release gives back what the call holds.
func (k *call) release() {
	if k.charged > 0 {
		k.c.s.cfg.Budget.give(k.charged)
	}
	stripe, in, out := k.stripe, k.in.again(), k.out.again()
	*k = call{} // in place: a literal with what is kept would be made elsewhere first
	k.stripe, k.in, k.out = stripe, in, out
	calls.Put(k)
}

// dispatch starts the call, leaves it to the reader, or lets it wait for the one before it. A connection with as many calls as it may have is not read from until one has ended.
func (c *conn) dispatch(k *call) error {
	if k.dropped {
		k.release()
		return nil
	}
	k.ctx = newCallContext(c.ctx)
	if k.cancelled || k.wire.Flags&pdu.PendingCancel != 0 {
		k.ctx.cancel()
	}
	if k.followers = c.s.cfg.Tracer.list(); k.followers != nil {
		k.activity = activityOf(c.nc)
	}
	n := len(k.in.b)
	c.mu.Lock()
	c.countRead()
	for len(c.calls) >= c.s.cfg.MaxCalls || len(c.calls) > 0 && c.bytes+n > c.s.cfg.MaxRequest {
		c.room.Wait()
	}
	if c.draining {
		c.mu.Unlock()
		c.fault(k.wire.CallID, k.wire.ContextID, rpc.FaultServerUnavailable, pdu.DidNotExecute)
		k.ctx.cancel()
		k.release()
		return nil
	}
	c.bytes += n
	alone := len(c.calls) == 0
	wait := !c.mpx && !alone
	c.calls = append(c.calls, k)
	if wait {
		c.waiting = append(c.waiting, k)
	}
	c.mu.Unlock()
	switch {
	case wait:
	case alone && c.r == c.w: // nothing else to do
		c.here = k
	default:
		go k.run()
	}
	return nil
}

// run runs the call, and then those that waited for it.
func (k *call) run() {
	for k != nil {
		c := k.c
		k.serve()
		k = c.finish(k)
	}
}

// finish forgets a call and returns the next that waited. The last call of a connection that drains closes it.
func (c *conn) finish(k *call) (next *call) {
	k.ctx.cancel()
	c.mu.Lock()
	for i := range c.calls {
		if c.calls[i] == k {
			last := len(c.calls) - 1
			copy(c.calls[i:], c.calls[i+1:])
			c.calls[last] = nil
			if c.calls = c.calls[:last]; last == 0 {
				c.calls = c.alone[:0]
			}
			break
		}
	}
	c.bytes -= len(k.in.b)
	if len(c.waiting) > 0 {
		next = c.waiting[0]
		c.waiting[0] = nil
		if c.waiting = c.waiting[1:]; len(c.waiting) == 0 {
			c.waiting = nil
		}
	}
	closing := c.draining && len(c.calls) == 0
	c.room.Broadcast()
	c.mu.Unlock()
	k.release()
	if closing {
		c.retire()
	}
	return next
}

// serve checks the caller, invokes the operation and answers.
func (k *call) serve() {
	c := k.c
	if k.orphaned.Load() {
		return // it waited, and nobody waits for it now
	}
	if k.out == nil {
		k.out = getBuffer()
	}
	out := k.out
	fault, flags := k.invoke(out)
	if n := len(out.b); fault == 0 && n > bufferSize && !k.charge(int64(n)) {
		// A client that takes no answers could have many of them made.
		fault = rpc.FaultRemoteNoMemory
		k.charge(int64(-n))
		out.b = nil
	}
	if k.traced != nil {
		k.traced.end(fault, out.b[min(pdu.ResponseLen, len(out.b)):])
	}
	if !k.orphaned.Load() && k.wire.Flags&pdu.Maybe == 0 { // a maybe call has no answer (C706 12.6.3.1)
		if fault == 0 {
			fault, flags = c.respond(k, out)
		}
		if fault != 0 {
			c.fault(k.wire.CallID, k.wire.ContextID, fault, flags)
		}
	}
}

// epoch is what durations are taken from: to ask for the time since is half the price of asking what time it is.
var epoch = time.Now()

// invoke runs the operation; the response stands in out behind room for a header.
func (k *call) invoke(out *buffer) (fault rpc.Fault, flags pdu.Flags) {
	defer func() {
		if p := recover(); p != nil {
			k.c.counts.panics.Add(1)
			k.c.s.cfg.Logger.Error("rpc: panic in a method", "interface", k.reg.iface.Name, "opnum", k.wire.Opnum,
				"client", k.c.peer.address, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			fault, flags = rpc.FaultUnspecified, 0
		}
	}()
	k.describe()
	stub, fault := k.verified(k.in.b)
	if fault != 0 {
		return fault, pdu.DidNotExecute
	}
	k.traced = k.trace(stub)
	op := k.reg.iface.Op(k.wire.Opnum)
	if op == nil {
		return rpc.FaultOpRange, pdu.DidNotExecute
	}
	impl, ok := k.reg.manager(k.wire.Object)
	if !ok {
		return rpc.FaultUnsupportedType, pdu.DidNotExecute
	}
	counts := &k.reg.ops[k.wire.Opnum]
	if fault := k.refused(); fault != 0 {
		counts.refused.Add(1)
		return fault, pdu.DidNotExecute
	}
	rep := ndr.LittleEndian
	if k.wire.BigEndian {
		rep = ndr.BigEndian
	}
	k.dec.Reset(stub, rep)
	k.enc.Reset(append(out.b[:0], make([]byte, pdu.ResponseLen)...))
	if k.transfer == pdu.NDR64 {
		if k.wire.BigEndian {
			return rpc.FaultNDR, pdu.DidNotExecute // it is little-endian (MS-RPCE 2.2.5)
		}
		k.dec.SetSyntax(ndr.NDR64)
		k.enc.SetSyntax(ndr.NDR64)
	}
	k.c.counts.calls.Add(1)
	place := counts.stripe(k.stripe)
	place.begin()
	began := time.Since(epoch)
	ended := false
	defer func() {
		place.end(time.Since(epoch)-began, len(stub), len(out.b)-pdu.ResponseLen, fault != 0 || !ended)
	}()
	err := k.intercepted(op, impl, k.c.s.cfg.Interceptors, k.ctx)
	ended = true
	out.b = k.enc.Bytes()
	if err == nil {
		err = k.enc.Err()
	}
	if err != nil {
		return rpc.FaultOf(err), 0
	}
	if k.enc.Len() > k.c.s.cfg.MaxResponse {
		return rpc.FaultOutArgsTooBig, 0
	}
	return 0, 0
}

// refused asks who may refuse the call.
func (k *call) refused() rpc.Fault {
	cfg := &k.c.s.cfg
	if k.rpc.AuthLevel < k.reg.minLevel {
		return k.refuse(RefusedLevel, SourceRegistration, rpc.FaultAccessDenied)
	}
	if p := cfg.Policy; p != nil {
		if why, rule := p.Check(&k.rpc); why != "" {
			return k.refuse(why, rule.Source, why.Fault())
		}
	}
	if k.reg.security != nil {
		if err := k.reg.security(k.ctx, &k.rpc); err != nil {
			return k.refuse(RefusedService, SourceService, rpc.FaultOf(err))
		}
	}
	return 0
}

// refuse tells the audit, and who follows the call.
func (k *call) refuse(why Refusal, source string, fault rpc.Fault) rpc.Fault {
	k.c.s.cfg.Audit.note(&k.rpc, why, source)
	if r := k.traced; r != nil {
		r.Refusal, r.Rule = why, source
	}
	return fault
}

// intercepted makes the call inside the interceptors.
func (k *call) intercepted(op *rpc.Op, impl any, list []Interceptor, ctx context.Context) error {
	if len(list) == 0 {
		return op.Invoke(ctx, impl, &k.rpc, &k.dec, &k.enc)
	}
	return list[0](ctx, &k.rpc, func(ctx context.Context) error { return k.intercepted(op, impl, list[1:], ctx) })
}

// describe fills in what the method sees.
func (k *call) describe() {
	c := k.c
	r, p := &k.rpc, &c.peer // the call is all zero: see release
	r.Interface, r.Opnum, r.CallID, r.Object = k.reg.iface, k.wire.Opnum, k.wire.CallID, k.wire.Object
	r.Token, r.AuthType, r.AuthLevel = p.token, rpc.AuthTypeNone, rpc.AuthLevelNone
	r.Transport, r.Endpoint, r.ClientAddress, r.ServerAddress, r.ClientName = p.transport, p.endpoint, p.address, p.server, p.name
	r.SessionKey, r.Handles = p.sessionKey, &c.group.handles
	if a := k.auth; a != nil {
		k.rpc.AuthType, k.rpc.AuthLevel, k.rpc.AuthSessionKey = a.typ, a.level, a.ctx.SessionKey()
		if a.token != nil {
			k.rpc.Token = a.token
		}
	}
}

// verified checks the verification trailer that the client may have put behind the stub data, and takes it off (MS-RPCE 3.3.1.5.2.2).
func (k *call) verified(stub []byte) ([]byte, rpc.Fault) {
	if !k.auth.protects() {
		return stub, 0
	}
	at := pdu.FindVerificationTrailer(stub)
	if at < 0 {
		return stub, 0
	}
	vt, err := pdu.ParseVerificationTrailer(stub[at:])
	if err != nil || !vt.Matches(&k.wire, k.abstract, k.transfer, k.c.clientSign) {
		return nil, rpc.FaultAccessDenied
	}
	return stub[:at], 0
}
