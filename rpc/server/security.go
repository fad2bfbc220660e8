package server

import (
	"context"
	"errors"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/pdu"
)

// security is a security context of an association (MS-RPCE 3.3.1.5.4): one authentication at one level.
type security struct {
	id     uint32
	typ    uint8
	wire   uint8 // the level as the client spells it
	level  rpc.AuthLevel
	step   authStep
	acc    auth.Acceptor
	ctx    auth.Context // once done; its sending half belongs to conn.wmu, the other to the reader
	token  *nt.Token
	header bool // the mechanism signs headers whether that was negotiated or not
}

type authStep uint8

const (
	authUnderWay authStep = iota
	authDone
	authFailed
)

// newSecurity begins an authentication. Without one the reason is for a bind_nak.
func (c *conn) newSecurity(v *pdu.Verifier) (*security, pdu.RejectReason) {
	level := rpc.AuthLevel(v.Level)
	if level < rpc.AuthLevelConnect || level > rpc.AuthLevelPktPrivacy {
		return nil, pdu.RejectNotSpecified
	}
	mech := c.s.cfg.Mechanisms[v.Type]
	if mech == nil {
		return nil, pdu.RejectAuthTypeNotSupported
	}
	if len(c.auths) >= c.s.cfg.MaxAuthContexts {
		return nil, pdu.RejectLocalLimitExceeded
	}
	if level == rpc.AuthLevelCall {
		level = rpc.AuthLevelPacket // MS-RPCE 2.2.1.1.8
	}
	a := &security{id: v.ContextID, typ: v.Type, wire: v.Level, level: level, acc: mech.NewAcceptor(auth.Peer{Address: c.peer.address})}
	c.auths = append(c.auths, a)
	return a, 0
}

func (c *conn) findSecurity(id uint32) *security {
	for _, a := range c.auths {
		if a.id == id {
			return a
		}
	}
	return nil
}

func (a *security) matches(v *pdu.Verifier) bool { return a.typ == v.Type && a.wire == v.Level }

// accept takes a token. A nil error says that the authentication is done or goes on.
func (a *security) accept(ctx context.Context, token []byte) (reply []byte, err error) {
	reply, err = a.acc.Accept(ctx, token)
	switch {
	case err == nil:
		a.ctx = a.acc.Context()
		a.acc = nil
		a.token, a.step = a.ctx.Token(), authDone
		// NTLM covers the whole PDU at all times (MS-RPCE 3.3.1.5.2.2).
		a.header = a.ctx.Mechanism() == "NTLM"
		return reply, nil
	case errors.Is(err, nt.StatusMoreProcessingRequired):
		return reply, nil
	default:
		a.step, a.acc = authFailed, nil
		return nil, err
	}
}

// verifier carries a reply; there is none without one.
func (a *security) verifier(reply []byte) *pdu.Verifier {
	if len(reply) == 0 {
		return nil
	}
	return &pdu.Verifier{Type: a.typ, Level: a.wire, ContextID: a.id, Value: reply}
}

// protects reports whether PDUs of the context are signed or sealed.
func (a *security) protects() bool { return a != nil && a.level >= rpc.AuthLevelPacket }

// open verifies or unseals the fragment of a request in place.
func (a *security) open(frag []byte, p *pdu.Secured, headerSign bool) error {
	msg, lo, hi := frag[:p.SignEnd], p.Stub, p.StubEnd
	if !headerSign && !a.header {
		msg, lo, hi = frag[p.Stub:p.StubEnd], 0, p.StubEnd-p.Stub
	}
	if a.level == rpc.AuthLevelPktPrivacy {
		return a.ctx.Unseal(msg, lo, hi, p.Value)
	}
	return a.ctx.Verify(msg, p.Value)
}

// close signs or seals the response fragment that ends with its trailer, and appends the signature.
func (a *security) close(frag []byte, stub, stubEnd int, headerSign bool) ([]byte, error) {
	msg, lo, hi := frag, stub, stubEnd
	if !headerSign && !a.header {
		msg, lo, hi = frag[stub:stubEnd], 0, stubEnd-stub
	}
	if a.level == rpc.AuthLevelPktPrivacy {
		return a.ctx.Seal(frag, msg, lo, hi)
	}
	return a.ctx.Sign(frag, msg)
}
