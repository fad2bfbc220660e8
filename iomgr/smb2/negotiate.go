package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// Dialect is a dialect revision number.
type Dialect uint16

// Dialects (MS-SMB2 2.2.3 and 2.2.4).
const (
	Dialect202      Dialect = 0x0202
	Dialect210      Dialect = 0x0210
	Dialect300      Dialect = 0x0300
	Dialect302      Dialect = 0x0302
	Dialect311      Dialect = 0x0311
	DialectWildcard Dialect = 0x02FF // only in the answer to an SMB1 negotiate that offered "SMB 2.???"
)

// String is the dialect as people write it.
func (d Dialect) String() string {
	switch d {
	case Dialect202:
		return "2.0.2"
	case Dialect210:
		return "2.1"
	case Dialect300:
		return "3.0"
	case Dialect302:
		return "3.0.2"
	case Dialect311:
		return "3.1.1"
	case DialectWildcard:
		return "2.???"
	}
	return fmt.Sprintf("dialect %#04x", uint16(d))
}

// SecurityMode bits of NEGOTIATE and SESSION_SETUP.
const (
	NegotiateSigningEnabled  uint16 = 0x0001
	NegotiateSigningRequired uint16 = 0x0002
)

// Capabilities of NEGOTIATE and SESSION_SETUP (MS-SMB2 2.2.3).
const (
	GlobalCapDFS               uint32 = 0x00000001
	GlobalCapLeasing           uint32 = 0x00000002
	GlobalCapLargeMTU          uint32 = 0x00000004
	GlobalCapMultiChannel      uint32 = 0x00000008
	GlobalCapPersistentHandles uint32 = 0x00000010
	GlobalCapDirectoryLeasing  uint32 = 0x00000020
	GlobalCapEncryption        uint32 = 0x00000040
	GlobalCapNotifications     uint32 = 0x00000080
)

// NegotiateRequest is the SMB2 NEGOTIATE Request (MS-SMB2 2.2.3).
type NegotiateRequest struct {
	SecurityMode    uint16
	Capabilities    uint32
	ClientGUID      nt.GUID
	ClientStartTime uint64 // unused by every peer; absent when Dialects has 3.1.1
	Dialects        []Dialect
	Contexts        []NegotiateContext // only when Dialects has 3.1.1
}

const negotiateRequestFixed = 36

// ParseNegotiateRequest reads the body of a NEGOTIATE request.
func ParseNegotiateRequest(b []byte) (NegotiateRequest, error) {
	if err := fixed(b, 36, "negotiate request"); err != nil {
		return NegotiateRequest{}, err
	}
	r := NegotiateRequest{
		SecurityMode: le.Uint16(b[4:]),
		Capabilities: le.Uint32(b[8:]),
		ClientGUID:   nt.GUID(b[12:28]),
	}
	n := int(le.Uint16(b[2:]))
	if n > (len(b)-negotiateRequestFixed)/2 {
		return NegotiateRequest{}, fmt.Errorf("negotiate request: DialectCount: %w: %d", ErrBounds, n)
	}
	if n > 0 {
		r.Dialects = make([]Dialect, n)
	}
	with311 := false
	for i := range r.Dialects {
		r.Dialects[i] = Dialect(le.Uint16(b[negotiateRequestFixed+2*i:]))
		with311 = with311 || r.Dialects[i] == Dialect311
	}
	if !with311 {
		r.ClientStartTime = le.Uint64(b[28:])
		return r, nil
	}
	var err error
	r.Contexts, err = parseNegotiateContexts(b, le.Uint32(b[28:]), le.Uint16(b[32:]), negotiateRequestFixed+2*n)
	return r, err
}

// Append writes the body after b.
func (r *NegotiateRequest) Append(b []byte) []byte {
	start := len(b)
	b = le.AppendUint16(b, 36)
	b = le.AppendUint16(b, uint16(len(r.Dialects)))
	b = le.AppendUint16(b, r.SecurityMode)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint32(b, r.Capabilities)
	b = append(b, r.ClientGUID[:]...)
	b = le.AppendUint64(b, r.ClientStartTime)
	with311 := false
	for _, d := range r.Dialects {
		b = le.AppendUint16(b, uint16(d))
		with311 = with311 || d == Dialect311
	}
	if !with311 {
		return b
	}
	le.PutUint64(b[start+28:], 0)
	if len(r.Contexts) == 0 {
		return b
	}
	b = pad8(b, start)
	le.PutUint32(b[start+28:], uint32(offsetOf(b, start)))
	le.PutUint16(b[start+32:], uint16(len(r.Contexts)))
	return appendNegotiateContexts(b, r.Contexts)
}

// HasDialect reports whether the request offers d.
func (r *NegotiateRequest) HasDialect(d Dialect) bool {
	for _, have := range r.Dialects {
		if have == d {
			return true
		}
	}
	return false
}

// NegotiateResponse is the SMB2 NEGOTIATE Response (MS-SMB2 2.2.4).
type NegotiateResponse struct {
	SecurityMode    uint16
	Dialect         Dialect
	ServerGUID      nt.GUID
	Capabilities    uint32
	MaxTransactSize uint32
	MaxReadSize     uint32
	MaxWriteSize    uint32
	SystemTime      nt.Time
	ServerStartTime nt.Time
	SecurityBuffer  []byte             // GSS token
	Contexts        []NegotiateContext // only for dialect 3.1.1
}

const negotiateResponseFixed = 64

// ParseNegotiateResponse reads the body of a NEGOTIATE response.
func ParseNegotiateResponse(b []byte) (NegotiateResponse, error) {
	if err := fixed(b, 65, "negotiate response"); err != nil {
		return NegotiateResponse{}, err
	}
	r := NegotiateResponse{
		SecurityMode:    le.Uint16(b[2:]),
		Dialect:         Dialect(le.Uint16(b[4:])),
		ServerGUID:      nt.GUID(b[8:24]),
		Capabilities:    le.Uint32(b[24:]),
		MaxTransactSize: le.Uint32(b[28:]),
		MaxReadSize:     le.Uint32(b[32:]),
		MaxWriteSize:    le.Uint32(b[36:]),
		SystemTime:      nt.Time(le.Uint64(b[40:])),
		ServerStartTime: nt.Time(le.Uint64(b[48:])),
	}
	var err error
	r.SecurityBuffer, err = field(b, uint32(le.Uint16(b[56:])), uint32(le.Uint16(b[58:])), negotiateResponseFixed,
		"negotiate response: SecurityBuffer")
	if err != nil {
		return NegotiateResponse{}, err
	}
	if r.Dialect == Dialect311 {
		r.Contexts, err = parseNegotiateContexts(b, le.Uint32(b[60:]), le.Uint16(b[6:]), negotiateResponseFixed)
	}
	return r, err
}

// Append writes the body after b.
func (r *NegotiateResponse) Append(b []byte) []byte {
	start := len(b)
	b = le.AppendUint16(b, 65)
	b = le.AppendUint16(b, r.SecurityMode)
	b = le.AppendUint16(b, uint16(r.Dialect))
	b = le.AppendUint16(b, 0)
	b = append(b, r.ServerGUID[:]...)
	b = le.AppendUint32(b, r.Capabilities)
	b = le.AppendUint32(b, r.MaxTransactSize)
	b = le.AppendUint32(b, r.MaxReadSize)
	b = le.AppendUint32(b, r.MaxWriteSize)
	b = le.AppendUint64(b, uint64(r.SystemTime))
	b = le.AppendUint64(b, uint64(r.ServerStartTime))
	b = le.AppendUint16(b, HeaderSize+negotiateResponseFixed)
	b = le.AppendUint16(b, uint16(len(r.SecurityBuffer)))
	b = le.AppendUint32(b, 0)
	b = append(b, r.SecurityBuffer...)
	if r.Dialect != Dialect311 || len(r.Contexts) == 0 {
		return b
	}
	b = pad8(b, start)
	le.PutUint16(b[start+6:], uint16(len(r.Contexts)))
	le.PutUint32(b[start+60:], uint32(offsetOf(b, start)))
	return appendNegotiateContexts(b, r.Contexts)
}
