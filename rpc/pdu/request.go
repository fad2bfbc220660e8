package pdu

import (
	"encoding/binary"

	"lwio/iomgr/nt"
)

// Request is the request PDU (C706 12.6.4.9).
type Request struct {
	Header
	AllocHint uint32
	ContextID uint16
	Opnum     uint16
	Object    nt.GUID // if Flags has ObjectUUID
	Secured           // Stub and StubEnd are offsets into the fragment
}

const (
	requestMin = 8
	objectLen  = 16

	// RequestLen is the length of a request without object up to its stub data.
	RequestLen = HeaderLen + requestMin
	// RequestObjectLen is the same with an object.
	RequestObjectLen = RequestLen + objectLen
)

// ParseRequest parses a request PDU. Nothing is verified or unsealed: the stub data are b[x.Stub:x.StubEnd], the last x.PadLength
// bytes of them padding.
func ParseRequest(b []byte) (x Request, err error) {
	if x.Header, err = parse(b, TypeRequest, requestMin); err != nil {
		return x, err
	}
	h := &x.Header
	x.AllocHint, x.ContextID, x.Opnum = h.u32(b[16:]), h.u16(b[20:]), h.u16(b[22:])
	start := RequestLen
	if h.Flags&ObjectUUID != 0 {
		if len(b) < RequestObjectLen {
			return x, ErrLength
		}
		x.Object = h.syntaxUUID(b[RequestLen:])
		start = RequestObjectLen
	}
	if h.AuthLength == 0 {
		x.Stub, x.StubEnd, x.SignEnd = start, len(b), len(b)
		return x, nil
	}
	x.Secured, err = h.secured(b, start)
	return x, err
}

// syntaxUUID reads a UUID in the peer's byte order.
func (h *Header) syntaxUUID(b []byte) nt.GUID {
	var full [syntaxLen]byte
	copy(full[:], b[:16])
	return h.syntax(full[:]).UUID
}

// AppendRequestHeader begins a request fragment: everything before the stub data, with lengths yet to be set.
func AppendRequestHeader(b []byte, x *Request) []byte {
	b = x.Header.append(b, TypeRequest)
	b = binary.LittleEndian.AppendUint32(b, x.AllocHint)
	b = binary.LittleEndian.AppendUint16(b, x.ContextID)
	b = binary.LittleEndian.AppendUint16(b, x.Opnum)
	if x.Flags&ObjectUUID != 0 {
		b = append(b, x.Object[:]...)
	}
	return b
}

// AppendRequest appends a request with the given stub data and no verifier.
func AppendRequest(b []byte, x *Request, stub []byte) []byte {
	base := len(b)
	b = append(AppendRequestHeader(b, x), stub...)
	SetLengths(b[base:], 0)
	return b
}
