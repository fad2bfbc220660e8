package server

import (
	"lwio/rpc"
	"lwio/rpc/pdu"
)

// request takes a fragment of a request: it is verified by itself, then joined to those before it.
func (c *conn) request(frag []byte) error {
	x, err := pdu.ParseRequest(frag)
	if err != nil {
		c.fault(x.CallID, 0, rpc.FaultProtocol, pdu.DidNotExecute)
		return err
	}
	k := c.assembling
	first := x.Flags&pdu.FirstFrag != 0
	// Fragments of two calls are not mixed (C706 12.6.3), not even where calls run at the same time.
	if first == (k != nil) || k != nil && k.wire.CallID != x.CallID || k != nil && k.wire.BigEndian != x.BigEndian {
		id := x.CallID
		if k != nil {
			id = k.wire.CallID
		}
		c.fault(id, 0, rpc.FaultProtocol, 0)
		return errProtocol
	}
	if first {
		k = newCall(c, &x)
		c.assembling = k
		fault, err := c.identify(k, &x)
		if err != nil {
			c.fault(x.CallID, 0, fault, pdu.DidNotExecute)
			return err
		}
	}
	if k.auth.protects() {
		if x.Value == nil || k.auth.open(frag, &x.Secured, c.headerSign.Load()) != nil {
			c.fault(x.CallID, x.ContextID, rpc.FaultSecPackage, 0)
			return errVerifier
		}
	}
	last := x.Flags&pdu.LastFrag != 0
	if err := k.join(frag[x.Stub:x.StubEnd-int(x.PadLength)], &x, last); err != nil {
		c.fault(x.CallID, x.ContextID, rpc.FaultAccessDenied, 0) // what Windows says to requests over 4 MiB
		return err
	}
	if first {
		c.admit(k)
	}
	switch {
	case first && !last:
		c.assemble(k)
	case last && !first:
		c.assemble(nil)
	case last:
		c.assembling = nil
	}
	if last {
		return c.dispatch(k)
	}
	return nil
}

// identify finds the security context of a request by its first fragment. Without a verifier it is the one of level connect, where PDUs carry none, or the
// transport's identity.
func (c *conn) identify(k *call, x *pdu.Request) (rpc.Fault, error) {
	var a *security
	if x.AuthLength != 0 {
		a = c.findSecurity(x.Verifier.ContextID)
		if a == nil || !a.matches(&x.Verifier) {
			if a != nil {
				a.step = authFailed
			}
			return rpc.FaultAccessDenied, errVerifier
		}
	} else {
		for _, have := range c.auths {
			if have.level == rpc.AuthLevelConnect {
				a = have
			}
		}
	}
	if a != nil {
		switch a.step {
		case authUnderWay:
			return rpc.FaultProtocol, errProtocol
		case authFailed:
			return rpc.FaultAccessDenied, errAuth
		}
	}
	k.auth = a
	return 0, nil
}

// admit finds the presentation context of a verified first fragment. A call to a context that is not is faulted at once; what
// follows of it is verified, which keeps the sequence numbers right, and dropped.
func (c *conn) admit(k *call) {
	p := c.presentation(k.wire.ContextID)
	if p == nil {
		if k.wire.Flags&pdu.Maybe == 0 {
			c.fault(k.wire.CallID, 0, rpc.FaultUnknownInterface, pdu.DidNotExecute)
		}
		k.dropped = true
		return
	}
	k.reg, k.abstract, k.transfer = p.reg, p.abstract, p.transfer
}

// join adds stub data. Nothing is allocated for what a fragment only promises.
func (k *call) join(stub []byte, x *pdu.Request, last bool) error {
	cfg := &k.c.s.cfg
	have := len(k.in.b)
	if have+len(stub) > cfg.MaxRequest || !last && int64(x.AllocHint) > int64(cfg.MaxRequest) {
		return errLimit
	}
	if k.dropped {
		return nil
	}
	if have > 0 || !last {
		if !k.charge(int64(len(stub))) {
			return errLimit
		}
	}
	k.in.b = append(k.in.b, stub...)
	return nil
}

// charge counts n bytes against the budget until the call is released. False is over the limit.
func (k *call) charge(n int64) bool {
	k.charged += n
	return k.c.s.cfg.Budget.take(n)
}

// cancelCall ends the context of the call, which is still answered.
func (c *conn) cancelCall(frag []byte) error {
	x, err := pdu.ParseCancel(frag)
	if err != nil {
		return err
	}
	c.interrupt(x.CallID, false)
	return nil
}

// orphanCall ends the context of the call and drops its answer.
func (c *conn) orphanCall(frag []byte) error {
	x, err := pdu.ParseOrphaned(frag)
	if err != nil {
		return err
	}
	if k := c.assembling; k != nil && k.wire.CallID == x.CallID {
		// The rest will not come.
		k.release()
		c.assemble(nil)
		return nil
	}
	c.interrupt(x.CallID, true)
	return nil
}

// interrupt cancels the calls with an identifier. Those that are gone, or never were, are nobody's concern.
func (c *conn) interrupt(id uint32, orphan bool) {
	if k := c.assembling; k != nil && k.wire.CallID == id {
		k.cancelled = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.calls {
		if k.wire.CallID == id {
			if orphan {
				k.orphaned.Store(true)
			}
			k.ctx.cancel()
		}
	}
}
