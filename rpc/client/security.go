package client

import (
	"fmt"

	"lwio/iomgr/auth"
	"lwio/rpc"
	"lwio/rpc/pdu"
)

// security is a security context of the association. Its sending half belongs to Conn.wmu, the other to the reader.
type security struct {
	id     uint32
	typ    uint8
	level  rpc.AuthLevel
	init   auth.Initiator
	ctx    auth.Context // once done
	header bool         // the mechanism signs headers whether that was negotiated or not
}

func (s *security) established() error {
	s.ctx = s.init.Context()
	if s.ctx == nil {
		return fmt.Errorf("%w: authentication ends without a context", errProtocol)
	}
	s.init = nil
	s.header = s.ctx.Mechanism() == "NTLM" // MS-RPCE 3.3.1.5.2.2
	return nil
}

func (s *security) verifier(token []byte) *pdu.Verifier {
	return &pdu.Verifier{Type: s.typ, Level: uint8(s.level), ContextID: s.id, Value: token}
}

// protects reports whether PDUs are signed or sealed.
func (s *security) protects() bool { return s != nil && s.level >= rpc.AuthLevelCall }

func (s *security) private() bool { return s.level == rpc.AuthLevelPktPrivacy }

// tail is the length of the trailer and the signature.
func (s *security) tail() int {
	if !s.protects() {
		return 0
	}
	return pdu.TrailerLen + s.ctx.SignatureLen(s.private())
}

// open verifies or unseals a response in place.
func (s *security) open(frag []byte, p *pdu.Secured, headerSign bool) error {
	if p.Value == nil || p.Verifier.ContextID != s.id || p.Verifier.Type != s.typ {
		return fmt.Errorf("%w: response is not protected", errProtocol)
	}
	msg, lo, hi := frag[:p.SignEnd], p.Stub, p.StubEnd
	if !headerSign && !s.header {
		msg, lo, hi = frag[p.Stub:p.StubEnd], 0, p.StubEnd-p.Stub
	}
	if s.private() {
		return s.ctx.Unseal(msg, lo, hi, p.Value)
	}
	return s.ctx.Verify(msg, p.Value)
}

// padTo is what stub data are padded to where a verifier follows.
const padTo = 16

// close pads the request fragment, whose stub data begin at stub, ends it with a trailer and signs or seals it.
func (s *security) close(frag []byte, stub int, headerSign bool) ([]byte, error) {
	pad := -(len(frag) - stub) & (padTo - 1)
	frag = append(frag, make([]byte, pad)...)
	end := len(frag)
	frag = pdu.AppendTrailer(frag, pdu.Verifier{Type: s.typ, Level: uint8(s.level), PadLength: uint8(pad), ContextID: s.id})
	tail := s.tail()
	pdu.SetLengths(frag[:end+tail], tail-pdu.TrailerLen)
	msg, lo, hi := frag, stub, end
	if !headerSign && !s.header {
		msg, lo, hi = frag[stub:end], 0, end-stub
	}
	var err error
	if s.private() {
		frag, err = s.ctx.Seal(frag, msg, lo, hi)
	} else {
		frag, err = s.ctx.Sign(frag, msg)
	}
	if err == nil && len(frag) != end+tail {
		err = errVerifier // the mechanism does not keep to the length it said
	}
	return frag, err
}
