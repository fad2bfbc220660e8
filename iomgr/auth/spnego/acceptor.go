package spnego

import (
	"context"
	"errors"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// Mech is one mechanism of a server.
type Mech struct {
	OID       OID
	Name      string // for logs
	Mechanism auth.Mechanism
}

type mechanism struct {
	mechs []Mech
	hint  []byte
}

// hintName is what every server sends in the place of its principal name (MS-SPNG 3.2.5.2).
const hintName = "not_defined_in_RFC4178@please_ignore"

// NewMechanism makes the server's side over the given mechanisms, in the order in which they are offered. A mechanism for OIDKerberos
// answers to OIDMSKerberos too. It panics without a mechanism.
func NewMechanism(mechs ...Mech) auth.Mechanism {
	if len(mechs) == 0 {
		panic("spnego: NewMechanism without a mechanism")
	}
	init := NegTokenInit{HintName: hintName}
	for _, m := range mechs {
		init.MechTypes = append(init.MechTypes, m.OID)
	}
	return &mechanism{mechs: mechs, hint: init.Append(nil)}
}

func (m *mechanism) NewAcceptor(p auth.Peer) auth.Acceptor { return &acceptor{m: m, peer: p} }

// Hint is the NegTokenInit2 that lists the mechanisms.
func (m *mechanism) Hint() []byte { return m.hint }

// acceptor is the server's half (RFC 4178 section 4 and 5, MS-SPNG 3.2).
type acceptor struct {
	m    *mechanism
	peer auth.Peer
	step acceptStep

	inner       auth.Acceptor
	chosen      OID    // as the client spells it
	mechList    []byte // of the client, for the MIC
	micRequired bool   // the client's first choice was not taken
	answered    bool   // a NegTokenResp was sent: later ones do not repeat the mechanism
	established auth.Context
}

type acceptStep uint8

const (
	acceptFirst acceptStep = iota
	acceptNext             // of the mechanism, wrapped
	acceptMIC              // the mechanism is done, the client owes its MIC
	acceptRaw              // of the mechanism, bare
	acceptEnded
)

func (a *acceptor) Context() auth.Context { return a.established }

func (a *acceptor) Accept(ctx context.Context, token []byte) ([]byte, error) {
	step := a.step
	a.step = acceptEnded // unless what follows says otherwise
	switch step {
	case acceptFirst:
		return a.first(ctx, token)
	case acceptNext:
		t, err := ParseNegTokenResp(token)
		if err != nil {
			return nil, refuse(err.Error(), nt.StatusInvalidParameter)
		}
		return a.mechToken(ctx, t.ResponseToken, t.MechListMIC)
	case acceptMIC:
		return a.lastMIC(token)
	case acceptRaw:
		return a.raw(ctx, token)
	default:
		return nil, refuse("token after the end", nt.StatusInvalidParameter)
	}
}

func (a *acceptor) find(oid OID) *Mech {
	for i := range a.m.mechs {
		if a.m.mechs[i].OID.same(oid) {
			return &a.m.mechs[i]
		}
	}
	return nil
}

// first takes a NegTokenInit, a bare token, or nothing, which asks for the hint (MS-SPNG 3.2.5.2).
func (a *acceptor) first(ctx context.Context, token []byte) ([]byte, error) {
	if len(token) == 0 {
		a.step = acceptFirst
		return a.m.hint, nt.StatusMoreProcessingRequired
	}
	bare := OIDNTLM
	if !isNTLM(token) {
		oid, _, err := parseFrame(token)
		if err != nil {
			return nil, refuse(err.Error(), nt.StatusInvalidParameter)
		}
		bare = oid
	}
	if bare == OIDSPNEGO {
		return a.negotiate(ctx, token)
	}
	m := a.find(bare)
	if m == nil {
		return nil, refuse("bare token of mechanism "+bare.String(), nt.StatusNotSupported)
	}
	a.inner = m.Mechanism.NewAcceptor(a.peer)
	return a.raw(ctx, token)
}

// isNTLM recognises a bare NTLM message: it has no GSS-API frame, only its own signature.
func isNTLM(token []byte) bool {
	const signature = "NTLMSSP\x00"
	return len(token) >= len(signature) && string(token[:len(signature)]) == signature
}

func (a *acceptor) raw(ctx context.Context, token []byte) ([]byte, error) {
	reply, err := a.inner.Accept(ctx, token)
	switch {
	case err == nil:
		a.established = a.inner.Context()
	case errors.Is(err, nt.StatusMoreProcessingRequired):
		a.step = acceptRaw
	}
	return reply, err
}

// negotiate chooses the mechanism. The token that came along is for the client's first choice only.
func (a *acceptor) negotiate(ctx context.Context, token []byte) ([]byte, error) {
	t, err := ParseNegTokenInit(token)
	if err != nil {
		return nil, refuse(err.Error(), nt.StatusInvalidParameter)
	}
	for i, oid := range t.MechTypes {
		m := a.find(oid)
		if m == nil {
			continue
		}
		a.inner, a.chosen = m.Mechanism.NewAcceptor(a.peer), oid
		a.mechList = append([]byte(nil), t.MechList...)
		if i == 0 && t.MechToken != nil {
			return a.mechToken(ctx, t.MechToken, t.MechListMIC)
		}
		a.micRequired = i != 0
		a.step = acceptNext
		return a.respond(AcceptIncomplete, nil, nil), nt.StatusMoreProcessingRequired
	}
	r := NegTokenResp{NegState: Reject}
	return r.Append(nil), refuse("no mechanism in common with the client", nt.StatusNotSupported)
}

// respond makes our next token. The first one names the mechanism and asks for the MIC if it is needed.
func (a *acceptor) respond(state NegState, token, mic []byte) []byte {
	r := NegTokenResp{NegState: state, ResponseToken: token, MechListMIC: mic}
	if !a.answered && state != Reject {
		r.SupportedMech = a.chosen
		if state == AcceptIncomplete && a.micRequired {
			r.NegState = RequestMIC
		}
	}
	a.answered = true
	return r.Append(nil)
}

func (a *acceptor) reject(err error, token []byte) ([]byte, error) {
	return a.respond(Reject, token, nil), err
}

func (a *acceptor) mechToken(ctx context.Context, token, mic []byte) ([]byte, error) {
	reply, err := a.inner.Accept(ctx, token)
	switch {
	case errors.Is(err, nt.StatusMoreProcessingRequired):
		a.step = acceptNext
		return a.respond(AcceptIncomplete, reply, nil), err
	case err != nil:
		return a.reject(err, reply)
	}
	c := a.inner.Context()
	if !canSign(c) {
		if a.micRequired {
			return a.reject(refuse("the mechanism cannot prove the list of mechanisms", nt.StatusAccessDenied), reply)
		}
		mic = nil // nobody could have made it
	}
	if mic == nil && !a.micRequired {
		a.established = c
		return a.respond(AcceptCompleted, reply, nil), nil
	}
	if mic != nil {
		if err := verifyMIC(c, a.mechList, mic); err != nil {
			return a.reject(err, nil)
		}
	}
	ours, err := c.Sign(nil, a.mechList)
	if err != nil {
		return a.reject(err, nil)
	}
	if mic == nil {
		a.step = acceptMIC
		return a.respond(AcceptIncomplete, reply, ours), nt.StatusMoreProcessingRequired
	}
	resetKeystream(c, false)
	a.established = c
	return a.respond(AcceptCompleted, reply, ours), nil
}

// lastMIC takes the token that holds nothing but the client's MIC.
func (a *acceptor) lastMIC(token []byte) ([]byte, error) {
	t, err := ParseNegTokenResp(token)
	if err != nil || len(t.ResponseToken) != 0 || t.MechListMIC == nil {
		return a.reject(refuse("client sent no mechListMIC", nt.StatusInvalidParameter), nil)
	}
	c := a.inner.Context()
	if err := verifyMIC(c, a.mechList, t.MechListMIC); err != nil {
		return a.reject(err, nil)
	}
	resetKeystream(c, false)
	a.established = c
	return a.respond(AcceptCompleted, nil, nil), nil
}
