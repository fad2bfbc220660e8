package pdu

import "encoding/binary"

// Response is the response PDU (C706 12.6.4.10).
type Response struct {
	Header
	AllocHint   uint32
	ContextID   uint16
	CancelCount uint8
	Secured     // Stub and StubEnd are offsets into the fragment
}

const responseMin = 8

// ResponseLen is the length of a response up to its stub data.
const ResponseLen = HeaderLen + responseMin

// ParseResponse parses a response PDU. Nothing is verified or unsealed, as with ParseRequest.
func ParseResponse(b []byte) (Response, error) {
	h, err := parse(b, TypeResponse, responseMin)
	if err != nil {
		return Response{Header: h}, err
	}
	x := Response{Header: h, AllocHint: h.u32(b[16:]), ContextID: h.u16(b[20:]), CancelCount: b[22]}
	x.Secured, err = h.secured(b, ResponseLen)
	return x, err
}

// AppendResponseHeader begins a response fragment: everything before the stub data, with lengths yet to be set.
func AppendResponseHeader(b []byte, x *Response) []byte {
	b = x.Header.append(b, TypeResponse)
	b = binary.LittleEndian.AppendUint32(b, x.AllocHint)
	b = binary.LittleEndian.AppendUint16(b, x.ContextID)
	return append(b, x.CancelCount, 0)
}

// AppendResponse appends a response with the given stub data and no verifier.
func AppendResponse(b []byte, x *Response, stub []byte) []byte {
	base := len(b)
	b = append(AppendResponseHeader(b, x), stub...)
	SetLengths(b[base:], 0)
	return b
}
