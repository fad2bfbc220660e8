package smb2

import (
	"bytes"
	"fmt"
)

// Dialect strings of an SMB1 NEGOTIATE by which a client offers SMB2 (MS-SMB2 3.3.5.3.1, 3.3.5.3.2).
const (
	SMB1DialectNT      = "NT LM 0.12"
	SMB1Dialect202     = "SMB 2.002" // answered with Dialect202
	SMB1DialectSMB2Any = "SMB 2.???" // answered with DialectWildcard, upon which the client negotiates again in SMB2
)

const (
	smb1HeaderSize   = 32
	smb1ComNegotiate = 0x72
	smb1MaxDialects  = 64
)

// SMB1Negotiate is the SMB_COM_NEGOTIATE request (MS-CIFS 2.2.4.52.1), as far as an SMB2 server needs to see it.
type SMB1Negotiate struct {
	Dialects []string
}

// ParseSMB1Negotiate reads an SMB1 message, header and all, which must be a NEGOTIATE request. It looks at no more than
// 64 dialects; clients offer about ten.
func ParseSMB1Negotiate(b []byte) (SMB1Negotiate, error) {
	const what = "smb1 negotiate"
	if ProtocolID(b) != ProtocolSMB1 {
		return SMB1Negotiate{}, fmt.Errorf("%s: %w", what, ErrProtocol)
	}
	if len(b) < smb1HeaderSize+3 {
		return SMB1Negotiate{}, short(what, len(b), smb1HeaderSize+3)
	}
	if b[4] != smb1ComNegotiate {
		return SMB1Negotiate{}, fmt.Errorf("%s: command: %w: %#x", what, ErrValue, b[4])
	}
	if b[smb1HeaderSize] != 0 {
		return SMB1Negotiate{}, fmt.Errorf("%s: WordCount: %w: %d", what, ErrValue, b[smb1HeaderSize])
	}
	n := int(le.Uint16(b[smb1HeaderSize+1:]))
	b = b[smb1HeaderSize+3:]
	if n > len(b) {
		return SMB1Negotiate{}, fmt.Errorf("%s: ByteCount: %w: %d of %d", what, ErrBounds, n, len(b))
	}
	var r SMB1Negotiate
	for b = b[:n]; len(b) > 0; {
		if b[0] != 2 { // BufferFormat: a dialect string
			return SMB1Negotiate{}, fmt.Errorf("%s: BufferFormat: %w: %d", what, ErrValue, b[0])
		}
		end := bytes.IndexByte(b, 0)
		if end < 0 {
			return SMB1Negotiate{}, fmt.Errorf("%s: dialect: %w: not terminated", what, ErrBounds)
		}
		if len(r.Dialects) == smb1MaxDialects {
			break
		}
		r.Dialects = append(r.Dialects, string(b[1:end]))
		b = b[end+1:]
	}
	return r, nil
}

// SMB2Dialect is the dialect with which an SMB2 NEGOTIATE response answers: DialectWildcard before Dialect202. ok is false
// when the client does not offer SMB2.
func (r *SMB1Negotiate) SMB2Dialect() (d Dialect, ok bool) {
	for _, s := range r.Dialects {
		switch s {
		case SMB1DialectSMB2Any:
			return DialectWildcard, true
		case SMB1Dialect202:
			d, ok = Dialect202, true
		}
	}
	return d, ok
}

// Append writes the message after b, header and all, with the flags that a client of today sends: Unicode, NT status,
// extended security, long names.
func (r *SMB1Negotiate) Append(b []byte) []byte {
	start := len(b)
	b = append(b, make([]byte, smb1HeaderSize)...)
	h := b[start:]
	le.PutUint32(h, ProtocolSMB1)
	h[4] = smb1ComNegotiate
	h[9] = 0x18                  // Flags: canonical, case-insensitive paths
	le.PutUint16(h[10:], 0xC853) // Flags2
	le.PutUint16(h[24:], 0xFFFF) // TID
	le.PutUint16(h[26:], 0xFEFF) // PID
	b = append(b, 0, 0, 0)
	at := len(b)
	for _, s := range r.Dialects {
		b = append(b, 2)
		b = append(b, s...)
		b = append(b, 0)
	}
	le.PutUint16(b[at-2:], uint16(len(b)-at))
	return b
}
