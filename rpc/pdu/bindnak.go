package pdu

import (
	"encoding/binary"
	"fmt"
)

// RejectReason is p_reject_reason_t (C706 12.6.3.1, MS-RPCE 2.2.2.5).
type RejectReason uint16

// The reasons.
const (
	RejectNotSpecified         RejectReason = 0
	RejectTemporaryCongestion  RejectReason = 1
	RejectLocalLimitExceeded   RejectReason = 2
	RejectProtocolVersion      RejectReason = 4
	RejectAuthTypeNotSupported RejectReason = 8 // authentication_type_not_recognized
	RejectInvalidChecksum      RejectReason = 9
)

var rejectNames = map[RejectReason]string{
	RejectNotSpecified: "reason not specified", RejectTemporaryCongestion: "temporary congestion",
	RejectLocalLimitExceeded: "local limit exceeded", RejectProtocolVersion: "protocol version not supported",
	RejectAuthTypeNotSupported: "authentication type not recognized", RejectInvalidChecksum: "invalid checksum",
}

// Error makes a reason the error of a bind.
func (r RejectReason) Error() string {
	if s, ok := rejectNames[r]; ok {
		return "rpc bind refused: " + s
	}
	return fmt.Sprintf("rpc bind refused: reason %d", uint16(r))
}

// BindNak is the bind_nak PDU (C706 12.6.4.5).
type BindNak struct {
	Header
	Reason   RejectReason
	Versions []Version // those supported
}

// Version is p_rt_version_t.
type Version struct{ Major, Minor uint8 }

// ParseBindNak parses a bind_nak PDU. Versions are missing from what old servers send, and the extended error information that
// may follow them (MS-RPCE 2.2.2.9) is not looked at.
func ParseBindNak(b []byte) (BindNak, error) {
	h, err := parse(b, TypeBindNak, 2)
	x := BindNak{Header: h}
	if err != nil {
		return x, err
	}
	x.Reason = RejectReason(h.u16(b[16:]))
	if len(b) < 19 {
		return x, nil
	}
	n := int(b[18])
	if n*2 > len(b)-19 {
		return x, ErrLength
	}
	for i := range n {
		x.Versions = append(x.Versions, Version{b[19+2*i], b[20+2*i]})
	}
	return x, nil
}

// Append appends the PDU.
func (x *BindNak) Append(b []byte) []byte {
	base := len(b)
	b = x.Header.append(b, TypeBindNak)
	b = binary.LittleEndian.AppendUint16(b, uint16(x.Reason))
	b = append(b, byte(len(x.Versions)))
	for _, v := range x.Versions {
		b = append(b, v.Major, v.Minor)
	}
	for (len(b)-base)%4 != 0 {
		b = append(b, 0)
	}
	return finish(b, base, nil)
}
