package server

import (
	"errors"
	"slices"
	"time"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/pdu"
)

// bindNak refuses the bind, which ends the connection (C706 12.6.4.5).
func (c *conn) bindNak(frag []byte, reason pdu.RejectReason) error {
	nak := pdu.BindNak{Reason: reason, Versions: []pdu.Version{{Major: 5, Minor: 0}, {Major: 5, Minor: 1}}}
	nak.Flags = pdu.FirstFrag | pdu.LastFrag
	h, _ := pdu.ParseHeader(frag)
	nak.CallID = h.CallID
	c.send(nak.Append(nil))
	return reason
}

// bind makes the association. There is one bind a connection.
func (c *conn) bind(frag []byte) error {
	x, err := pdu.ParseBind(frag)
	switch {
	case c.bound, err != nil:
		return c.bindNak(frag, pdu.RejectNotSpecified)
	case len(x.Contexts) == 0:
		return c.bindNak(frag, pdu.RejectProtocolVersion)
	}
	// Both sizes come out the same, and are multiples of eight (as Windows and Samba have it).
	size := max(int(min(x.MaxXmitFrag, x.MaxRecvFrag)), floorFragment)
	c.frag = min(size&^7, c.s.cfg.MaxFragment)
	if c.group = c.s.joinGroup(x.AssocGroupID, c.peer.transport); c.group == nil {
		return c.bindNak(frag, pdu.RejectNotSpecified)
	}
	results, err := c.negotiate(x.Contexts, true)
	if err != nil {
		return c.bindNak(frag, pdu.RejectNotSpecified)
	}
	ack := pdu.BindAck{Header: c.ackHeader(&x.Header), MaxXmitFrag: uint16(c.frag), MaxRecvFrag: uint16(c.frag),
		AssocGroupID: c.group.id, SecondaryAddress: c.peer.endpoint, Results: results}
	if x.Verifier != nil {
		a, reason := c.newSecurity(x.Verifier)
		if a == nil {
			return c.bindNak(frag, reason)
		}
		reply, err := a.accept(c.ctx, x.Verifier.Value)
		if err != nil {
			c.bindNak(frag, pdu.RejectInvalidChecksum)
			return errors.Join(errAuth, err)
		}
		ack.Verifier = a.verifier(reply)
	}
	c.bound = true
	c.ready.Store(true)
	c.settled()
	c.send(ack.Append(nil))
	return nil
}

// settled ends the time limit of the bind once there is no authentication under way.
func (c *conn) settled() {
	for _, a := range c.auths {
		if a.step == authUnderWay {
			return
		}
	}
	if !c.bindBy.IsZero() {
		c.bindBy = time.Time{}
		c.limitReads()
	}
}

// ackHeader answers the offers that stand in the flags of a bind or alter_context.
func (c *conn) ackHeader(in *pdu.Header) pdu.Header {
	h := pdu.Header{Minor: in.Minor, CallID: in.CallID, Flags: pdu.FirstFrag | pdu.LastFrag}
	if in.Flags&pdu.ConcMPX != 0 {
		c.mpx = true
		h.Flags |= pdu.ConcMPX
	}
	if in.Flags&pdu.HeaderSign != 0 {
		c.clientSign = true
		c.headerSign.Store(true)
		h.Flags |= pdu.HeaderSign
	}
	return h
}

// negotiate answers the proposed contexts, each by itself (MS-RPCE 3.3.1.5.3). An error says that the list makes no sense.
func (c *conn) negotiate(list []pdu.Context, bindTime bool) ([]pdu.Result, error) {
	negotiated := false
	out := make([]pdu.Result, len(list))
	for i := range list {
		p := &list[i]
		if len(p.Transfer) == 0 {
			return nil, errProtocol
		}
		if f, ok := p.Transfer[0].Features(); ok && bindTime {
			if negotiated {
				return nil, errProtocol // once
			}
			negotiated = true
			f &= pdu.SecurityContextMultiplexing | pdu.KeepConnectionOnOrphan
			out[i] = pdu.Result{Code: pdu.NegotiateAck, Reason: pdu.Reason(f)}
			continue
		}
		r, err := c.propose(p)
		if err != nil {
			return nil, err
		}
		out[i] = r
	}
	return out, nil
}

// propose accepts or rejects one context.
func (c *conn) propose(p *pdu.Context) (pdu.Result, error) {
	reject := func(why pdu.Reason) (pdu.Result, error) {
		return pdu.Result{Code: pdu.ProviderRejection, Reason: why}, nil
	}
	reg := c.s.find(p.Abstract, c.peer.endpoint)
	if reg == nil {
		return reject(pdu.AbstractSyntaxNotSupported)
	}
	have := c.presentation(p.ID)
	if have != nil && have.reg != reg {
		return pdu.Result{}, errProtocol // an identifier does not change its meaning
	}
	var transfer pdu.SyntaxID
	if have == nil {
		transfer = c.choose(reg, p.Transfer)
	} else if slices.Contains(p.Transfer, have.transfer) {
		transfer = have.transfer
	}
	if transfer == (pdu.SyntaxID{}) {
		return reject(pdu.ProposedTransferSyntaxesNotSupported)
	}
	if have == nil {
		if len(c.contexts) >= c.s.cfg.MaxContexts {
			return reject(pdu.LocalLimitExceeded)
		}
		c.contexts = append(c.contexts, presentation{p.ID, reg, p.Abstract, transfer})
	}
	return pdu.Result{Code: pdu.Acceptance, Transfer: transfer}, nil
}

// choose takes one of the transfer syntaxes that are offered: NDR64 before NDR 2.0, as 64-bit Windows does. None is the zero value.
func (c *conn) choose(reg *registration, offered []pdu.SyntaxID) pdu.SyntaxID {
	switch {
	case !c.s.cfg.NDR20Only && !reg.ndr20 && slices.Contains(offered, pdu.NDR64):
		return pdu.NDR64
	case slices.Contains(offered, pdu.NDR):
		return pdu.NDR
	}
	return pdu.SyntaxID{}
}

func (c *conn) presentation(id uint16) *presentation {
	for i := range c.contexts {
		if c.contexts[i].id == id {
			return &c.contexts[i]
		}
	}
	return nil
}

// alterContext adds contexts, or takes another leg of an authentication, or begins one (C706 12.6.4.1).
func (c *conn) alterContext(frag []byte) error {
	x, err := pdu.ParseAlterContext(frag)
	if err != nil || len(x.Contexts) == 0 {
		return c.refuse(&x.Header, rpc.FaultProtocol, errProtocol)
	}
	var a *security
	if v := x.Verifier; v != nil {
		if a = c.findSecurity(v.ContextID); a == nil {
			if a, _ = c.newSecurity(v); a == nil {
				return c.refuse(&x.Header, rpc.FaultAccessDenied, errAuth)
			}
		} else if a.step != authUnderWay {
			return c.refuse(&x.Header, rpc.FaultAccessDenied, errAuth)
		} else if !a.matches(v) {
			return c.refuse(&x.Header, rpc.FaultSecPackage, errAuth)
		}
	}
	results, err := c.negotiate(x.Contexts, false)
	if err != nil {
		return c.refuse(&x.Header, rpc.FaultProtocol, err)
	}
	resp := pdu.AlterContextResp{Header: c.ackHeader(&x.Header), MaxXmitFrag: uint16(c.frag), MaxRecvFrag: uint16(c.frag),
		AssocGroupID: c.group.id, Results: results}
	if a != nil {
		reply, err := a.accept(c.ctx, x.Verifier.Value)
		if err != nil {
			fault := rpc.FaultAccessDenied
			if nt.StatusOf(err) == nt.StatusAccessDenied {
				fault = rpc.FaultSecPackage // what signs or proves was wrong, not the password
			}
			return c.refuse(&x.Header, fault, errors.Join(errAuth, err))
		}
		resp.Verifier = a.verifier(reply)
		c.settled()
	}
	c.send(resp.Append(nil))
	return nil
}

// refuse sends a fault and ends the association.
func (c *conn) refuse(h *pdu.Header, f rpc.Fault, why error) error {
	c.fault(h.CallID, 0, f, pdu.DidNotExecute)
	return why
}

// auth3 takes the last leg of an authentication. It has no answer: a failure shows at the next request.
func (c *conn) auth3(frag []byte) error {
	x, err := pdu.ParseAuth3(frag)
	if err != nil || x.Verifier == nil {
		return c.refuse(&x.Header, rpc.FaultProtocol, errProtocol)
	}
	a := c.findSecurity(x.Verifier.ContextID)
	if a == nil || a.step != authUnderWay || !a.matches(x.Verifier) {
		return c.refuse(&x.Header, rpc.FaultProtocol, errProtocol)
	}
	_, err = a.accept(c.ctx, x.Verifier.Value)
	if err == nil && a.step != authDone {
		err = errAuth // nobody could send the next leg
	}
	if err != nil {
		a.step = authFailed
		c.s.cfg.Logger.Debug("rpc: authentication failed", "client", c.peer.address, "err", err)
	}
	c.settled()
	return nil
}
