package pdu

import "encoding/binary"

// Fault is the fault PDU (C706 12.6.4.7, MS-RPCE 2.2.2.10).
type Fault struct {
	Header
	AllocHint   uint32
	ContextID   uint16
	CancelCount uint8
	Extended    bool // stub data hold extended error information
	Status      uint32
	Secured     // Stub and StubEnd are offsets into the fragment
}

const (
	faultMin = 16

	// FaultLen is the length of a fault without stub data.
	FaultLen = HeaderLen + faultMin
)

// ParseFault parses a fault PDU. Its verifier, if it has one, is not checked.
func ParseFault(b []byte) (Fault, error) {
	h, err := parse(b, TypeFault, faultMin)
	if err != nil {
		return Fault{Header: h}, err
	}
	x := Fault{Header: h, AllocHint: h.u32(b[16:]), ContextID: h.u16(b[20:]), CancelCount: b[22], Extended: b[23]&1 != 0, Status: h.u32(b[24:])}
	x.Secured, err = h.secured(b, FaultLen)
	return x, err
}

// Append appends the PDU, without stub data and verifier.
func (x *Fault) Append(b []byte) []byte {
	base := len(b)
	b = x.Header.append(b, TypeFault)
	b = binary.LittleEndian.AppendUint32(b, x.AllocHint)
	b = binary.LittleEndian.AppendUint16(b, x.ContextID)
	b = append(b, x.CancelCount, 0)
	b = binary.LittleEndian.AppendUint32(b, x.Status)
	b = append(b, 0, 0, 0, 0)
	return finish(b, base, nil)
}
