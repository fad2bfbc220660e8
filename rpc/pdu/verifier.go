package pdu

import "encoding/binary"

// Verifier is a security trailer with its token: sec_trailer and auth_value (MS-RPCE 2.2.2.11).
type Verifier struct {
	Type      uint8 // the security provider
	Level     uint8
	PadLength uint8 // bytes between the body and the trailer
	ContextID uint32
	Value     []byte
}

// TrailerLen is the length of a sec_trailer without padding and token.
const TrailerLen = 8

// verifier parses the verifier of a whole fragment whose body begins at start and returns the end of the body. A PDU without
// one has a nil Verifier. In bind, alter_context, their answers and auth3 the padding is not told apart from the body: each knows its own length,
// and old Samba counts the padding wrong.
func (h *Header) verifier(b []byte, start int) (*Verifier, int, error) {
	if h.AuthLength == 0 {
		return nil, len(b), nil
	}
	at := len(b) - int(h.AuthLength) - TrailerLen
	if at < start {
		return nil, 0, ErrAuth
	}
	t := b[at:]
	v := &Verifier{Type: t[0], Level: t[1], PadLength: t[2], ContextID: h.u32(t[4:]), Value: t[TrailerLen:len(t):len(t)]}
	return v, at, nil
}

// AppendTrailer appends the sec_trailer of v without its Value.
func AppendTrailer(b []byte, v Verifier) []byte {
	b = append(b, v.Type, v.Level, v.PadLength, 0)
	return binary.LittleEndian.AppendUint32(b, v.ContextID)
}

// Secured says where the parts of a request or response with a verifier stand in its fragment.
type Secured struct {
	Verifier
	Stub, StubEnd int // what is sealed: stub data and padding
	SignEnd       int // the end of what is signed with the header: it stands before Value
}

// secured parses the verifier of a request or response whose stub data begin at start.
func (h *Header) secured(b []byte, start int) (Secured, error) {
	v, at, err := h.verifier(b, start)
	if err != nil {
		return Secured{}, err
	}
	if v == nil {
		return Secured{Stub: start, StubEnd: len(b), SignEnd: len(b)}, nil
	}
	if at%4 != 0 || int(v.PadLength) > at-start {
		return Secured{}, ErrAuth
	}
	return Secured{Verifier: *v, Stub: start, StubEnd: at, SignEnd: at + TrailerLen}, nil
}
