package pdu

import (
	"bytes"
	"encoding/binary"
)

// VerificationTrailer is rpc_sec_verification_trailer (MS-RPCE 2.2.2.13): what a client repeats behind its stub data, so that the signature covers
// it where headers are not signed. Absent parts are nil.
type VerificationTrailer struct {
	Bitmask1 *uint32 // bit 0: the client supports header signing
	PContext *VerificationContext
	Header2  *VerificationHeader
}

// VerificationContext is rpc_sec_vt_pcontext: what the client believes it is bound to.
type VerificationContext struct{ Abstract, Transfer SyntaxID }

// VerificationHeader is rpc_sec_vt_header2: fields of the request's header.
type VerificationHeader struct {
	Type      Type
	DataRep   [4]byte
	CallID    uint32
	ContextID uint16
	Opnum     uint16
}

// SupportsHeaderSigning is the bit of Bitmask1.
const SupportsHeaderSigning = 1

var verificationSignature = []byte{0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71}

const (
	vtBitmask1    = 1
	vtPContext    = 2
	vtHeader2     = 3
	vtCommandMask = 0x3FFF
	vtEnd         = 0x4000
	vtMustProcess = 0x8000

	// vtWindow is how far from the end of the stub data a trailer is looked for: it has at most 80 bytes of known parts, and there may be
	// padding behind it and unknown parts in it.
	vtWindow = 256
)

// FindVerificationTrailer looks for a trailer at the end of the stub data of a request and returns its offset, or -1.
func FindVerificationTrailer(stub []byte) int {
	low := max(0, len(stub)-vtWindow)
	for at := (len(stub) - len(verificationSignature)) &^ 3; at >= low; at -= 4 {
		if bytes.Equal(stub[at:at+len(verificationSignature)], verificationSignature) {
			return at
		}
	}
	return -1
}

// ParseVerificationTrailer parses a trailer from its signature on. A part that is unknown and has to be processed is ErrAuth. The trailer
// is little-endian whatever the request is.
func ParseVerificationTrailer(b []byte) (VerificationTrailer, error) {
	var x VerificationTrailer
	if !bytes.HasPrefix(b, verificationSignature) {
		return x, ErrAuth
	}
	b = b[len(verificationSignature):]
	for {
		if len(b) < 4 {
			return x, ErrAuth
		}
		command, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		b = b[4:]
		if n > len(b) {
			return x, ErrAuth
		}
		if err := x.part(command, b[:n]); err != nil {
			return x, err
		}
		b = b[n:]
		if command&vtEnd != 0 {
			return x, nil
		}
	}
}

func (x *VerificationTrailer) part(command uint16, b []byte) error {
	var le Header // little-endian
	switch command & vtCommandMask {
	case vtBitmask1:
		if len(b) != 4 || x.Bitmask1 != nil {
			return ErrAuth
		}
		v := le.u32(b)
		x.Bitmask1 = &v
	case vtPContext:
		if len(b) != 2*syntaxLen || x.PContext != nil {
			return ErrAuth
		}
		x.PContext = &VerificationContext{Abstract: le.syntax(b), Transfer: le.syntax(b[syntaxLen:])}
	case vtHeader2:
		if len(b) != 16 || x.Header2 != nil {
			return ErrAuth
		}
		x.Header2 = &VerificationHeader{Type: Type(b[0]), DataRep: [4]byte(b[4:8]), CallID: le.u32(b[8:]), ContextID: le.u16(b[12:]), Opnum: le.u16(b[14:])}
	default:
		if command&vtMustProcess != 0 {
			return ErrAuth
		}
	}
	return nil
}

// Append appends the trailer. It begins at a multiple of four from the start of the stub data; the caller sees to that.
func (x *VerificationTrailer) Append(b []byte) []byte {
	b = append(b, verificationSignature...)
	last := -1
	part := func(command uint16, n int) {
		last = len(b)
		b = binary.LittleEndian.AppendUint16(b, command)
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
	}
	if x.Bitmask1 != nil {
		part(vtBitmask1, 4)
		b = binary.LittleEndian.AppendUint32(b, *x.Bitmask1)
	}
	if x.PContext != nil {
		part(vtPContext|vtMustProcess, 2*syntaxLen)
		b = x.PContext.Transfer.append(x.PContext.Abstract.append(b))
	}
	if h := x.Header2; h != nil {
		part(vtHeader2|vtMustProcess, 16)
		b = append(b, byte(h.Type), 0, 0, 0)
		b = append(b, h.DataRep[:]...)
		b = binary.LittleEndian.AppendUint32(b, h.CallID)
		b = binary.LittleEndian.AppendUint16(b, h.ContextID)
		b = binary.LittleEndian.AppendUint16(b, h.Opnum)
	}
	if last < 0 {
		part(0, 0)
	}
	b[last+1] |= vtEnd >> 8
	return b
}

// Matches compares the trailer with the request it came in.
func (x *VerificationTrailer) Matches(r *Request, abstract, transfer SyntaxID, clientHeaderSign bool) bool {
	if x.Bitmask1 != nil && *x.Bitmask1&SupportsHeaderSigning != 0 && !clientHeaderSign {
		return false // somebody took the offer out of the bind
	}
	if c := x.PContext; c != nil && (c.Abstract != abstract || c.Transfer != transfer) {
		return false
	}
	if h := x.Header2; h != nil {
		rep := byte(0x10)
		if r.BigEndian {
			rep = 0
		}
		if h.Type != TypeRequest || h.DataRep != [4]byte{rep} || h.CallID != r.CallID || h.ContextID != r.ContextID || h.Opnum != r.Opnum {
			return false
		}
	}
	return true
}
