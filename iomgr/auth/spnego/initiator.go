package spnego

import (
	"context"
	"errors"
	"fmt"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// MechInitiator is one mechanism of a client.
type MechInitiator struct {
	OID       OID
	Name      string // for logs
	Initiator auth.Initiator
}

// initiator is the client's half (RFC 4178 section 4 and 5, MS-SPNG 3.1).
type initiator struct {
	mechs []MechInitiator // those offered, once the first token is made
	step  initStep

	inner     *MechInitiator
	innerDone bool
	mechList  []byte

	micRequired bool // the server took another mechanism than our first, or asked for the MIC
	micSent     bool
	micVerified bool
	heard       bool // a NegTokenResp came
	established auth.Context
	leftOut     error // why mechanisms could not begin
}

type initStep uint8

const (
	initFirst initStep = iota
	initNext
	initEnded
)

// NewInitiator makes the client's side over the given mechanisms, the best first. A mechanism whose first token cannot be made
// (no ticket, no credentials) is left out, so that Kerberos falls back to NTLM by itself; why is said if the others fail too. Kerberos may be
// given under both its names, with one Initiator. It panics without a mechanism.
//
// The first Init may be given the server's hint.
func NewInitiator(mechs ...MechInitiator) auth.Initiator {
	if len(mechs) == 0 {
		panic("spnego: NewInitiator without a mechanism")
	}
	return &initiator{mechs: mechs}
}

func (i *initiator) Context() auth.Context { return i.established }

func (i *initiator) Init(ctx context.Context, token []byte) (reply []byte, done bool, err error) {
	step := i.step
	i.step = initEnded // unless what follows says otherwise
	switch step {
	case initFirst:
		reply, err = i.first(ctx, token)
	case initNext:
		reply, done, err = i.next(ctx, token)
	default:
		err = refuse("token after the end", nt.StatusInvalidParameter)
	}
	if err == nil && !done {
		i.step = initNext
	}
	if err != nil && step == initNext && i.leftOut != nil {
		err = fmt.Errorf("%w (left out: %v)", err, i.leftOut)
	}
	return reply, done, err
}

// first offers what both sides have, with the token of our first choice.
func (i *initiator) first(ctx context.Context, hint []byte) ([]byte, error) {
	offer := i.mechs
	if len(hint) > 0 {
		t, err := ParseNegTokenInit(hint)
		if err != nil {
			return nil, refuse("hint: "+err.Error(), nt.StatusInvalidParameter)
		}
		offer = nil
		for _, m := range i.mechs {
			for _, oid := range t.MechTypes {
				if m.OID.same(oid) {
					offer = append(offer, m)
					break
				}
			}
		}
		if offer == nil {
			return nil, refuse("no mechanism in common with the server", nt.StatusNotSupported)
		}
	}
	var failed []error
	for len(offer) > 0 {
		token, done, err := offer[0].Initiator.Init(ctx, nil)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", offer[0].Name, err))
			offer = without(offer, offer[0].OID)
			continue
		}
		i.mechs, i.inner, i.innerDone, i.leftOut = offer, &offer[0], done, errors.Join(failed...)
		t := NegTokenInit{MechToken: token}
		for _, m := range offer {
			t.MechTypes = append(t.MechTypes, m.OID)
		}
		i.mechList = appendMechTypes(t.MechTypes)
		return t.Append(nil), nil
	}
	return nil, fmt.Errorf("spnego: no mechanism has credentials: %w", errors.Join(failed...))
}

// without leaves a mechanism out under all its names.
func without(mechs []MechInitiator, oid OID) []MechInitiator {
	var rest []MechInitiator
	for _, m := range mechs {
		if !m.OID.same(oid) {
			rest = append(rest, m)
		}
	}
	return rest
}

// rejected says what the server does. The mechanism's own error, if one came along, knows why.
func (i *initiator) rejected(ctx context.Context, token []byte) error {
	if len(token) > 0 && !i.innerDone {
		if _, _, err := i.inner.Initiator.Init(ctx, token); err != nil {
			return fmt.Errorf("spnego: rejected by the server: %s: %w", i.inner.Name, err)
		}
	}
	return refuse("rejected by the server", nt.StatusLogonFailure)
}

func (i *initiator) next(ctx context.Context, token []byte) (reply []byte, done bool, err error) {
	t, err := ParseNegTokenResp(token)
	if err != nil {
		return nil, false, refuse(err.Error(), nt.StatusInvalidParameter)
	}
	if t.NegState == Reject {
		return nil, false, i.rejected(ctx, t.ResponseToken)
	}
	if t.NegState == RequestMIC {
		i.micRequired = true
	}
	out := NegTokenResp{NegState: NoState}
	restarted, err := i.reselect(ctx, &t, &out)
	if err != nil {
		return nil, false, err
	}
	i.heard = true
	if !restarted && (!i.innerDone || len(t.ResponseToken) > 0) {
		if out.ResponseToken, i.innerDone, err = i.inner.Initiator.Init(ctx, t.ResponseToken); err != nil {
			return nil, false, fmt.Errorf("spnego: %s: %w", i.inner.Name, err)
		}
	}
	if i.innerDone {
		if err := i.exchangeMIC(&t, &out); err != nil {
			return nil, false, err
		}
	}
	if t.NegState == AcceptCompleted {
		return i.complete(&out)
	}
	if out.ResponseToken == nil && out.MechListMIC == nil {
		return nil, false, refuse("server waits for nothing", nt.StatusInvalidParameter)
	}
	return out.Append(nil), false, nil
}

// reselect follows the server to another of our mechanisms. restarted says that its first token stands in out.
func (i *initiator) reselect(ctx context.Context, t, out *NegTokenResp) (restarted bool, err error) {
	if t.SupportedMech == "" || t.SupportedMech.same(i.inner.OID) {
		return false, nil
	}
	if i.heard || len(t.ResponseToken) > 0 {
		return false, refuse("server changes the mechanism too late", nt.StatusInvalidParameter)
	}
	for n := range i.mechs {
		if m := &i.mechs[n]; m.OID.same(t.SupportedMech) {
			i.inner, i.micRequired = m, true
			if out.ResponseToken, i.innerDone, err = m.Initiator.Init(ctx, nil); err != nil {
				return false, fmt.Errorf("spnego: %s: %w", m.Name, err)
			}
			return true, nil
		}
	}
	return false, refuse("server takes mechanism "+t.SupportedMech.String()+", which was not offered", nt.StatusInvalidParameter)
}

// exchangeMIC checks the server's MIC and makes ours. Ours goes along whenever the mechanism needed more than its first token, as from
// every Windows client: Samba's server asks for it otherwise, at the price of another round.
func (i *initiator) exchangeMIC(t, out *NegTokenResp) error {
	c := i.inner.Initiator.Context()
	if c == nil {
		return refuse(i.inner.Name+" is done without a context", nt.StatusInternalError)
	}
	if !canSign(c) {
		if i.micRequired {
			return refuse("the mechanism cannot prove the list of mechanisms", nt.StatusAccessDenied)
		}
		return nil
	}
	if t.MechListMIC != nil && !i.micVerified {
		if err := verifyMIC(c, i.mechList, t.MechListMIC); err != nil {
			return err
		}
		i.micVerified = true
	}
	if t.NegState != AcceptCompleted && !i.micSent {
		mic, err := c.Sign(nil, i.mechList)
		if err != nil {
			return err
		}
		out.MechListMIC, i.micSent = mic, true
	}
	return nil
}

func (i *initiator) complete(out *NegTokenResp) (reply []byte, done bool, err error) {
	switch {
	case !i.innerDone:
		return nil, false, refuse("server ends before the mechanism does", nt.StatusInvalidParameter)
	case out.ResponseToken != nil:
		return nil, false, refuse("server ends and the mechanism does not", nt.StatusInvalidParameter)
	case i.micRequired && !(i.micSent && i.micVerified):
		return nil, false, refuse("server did not prove the list of mechanisms", nt.StatusAccessDenied)
	}
	i.established = i.inner.Initiator.Context()
	if i.micSent || i.micVerified {
		// A server that did not answer our MIC did not look at it either: it counts from zero.
		resetKeystream(i.established, !i.micVerified)
	}
	return nil, true, nil
}
