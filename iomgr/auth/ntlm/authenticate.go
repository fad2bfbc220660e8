package ntlm

import "encoding/binary"

// AuthenticateMessage is AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3).
type AuthenticateMessage struct {
	LMResponse, NTResponse            []byte
	DomainName, UserName, Workstation string
	EncryptedRandomSessionKey         []byte
	Flags                             Flags
	Version                           Version // if HasVersion
	HasVersion                        bool
	MIC                               [16]byte // if HasMIC
	HasMIC                            bool
}

const (
	authenticateMin = 64 // through NegotiateFlags
	micOffset       = 72
	authenticateLen = 88
)

// ParseAuthenticate parses an AUTHENTICATE_MESSAGE. Old clients send neither Version nor MIC, or a Version only; what is there
// is told by where the payload begins. The responses and the session key alias b.
func ParseAuthenticate(b []byte) (AuthenticateMessage, error) {
	var m AuthenticateMessage
	if err := checkHeader(b, typeAuthenticate, authenticateMin); err != nil {
		return m, err
	}
	m.Flags = Flags(binary.LittleEndian.Uint32(b[60:]))
	low := len(b)
	var raw [6][]byte
	for i := range raw {
		v, err := field(b, 12+8*i, &low)
		if err != nil {
			return m, err
		}
		raw[i] = v
	}
	if low < authenticateMin {
		return m, ErrMessage // payload over the fixed part
	}
	m.LMResponse, m.NTResponse, m.EncryptedRandomSessionKey = raw[0], raw[1], raw[5]
	for i, p := range [3]*string{&m.DomainName, &m.UserName, &m.Workstation} {
		s, err := decodeName(raw[2+i], m.Flags)
		if err != nil {
			return m, err
		}
		*p = s
	}
	if low >= micOffset {
		m.HasVersion = true
		m.Version = parseVersion(b[64:])
	}
	if low >= authenticateLen {
		m.HasMIC = true
		copy(m.MIC[:], b[micOffset:])
	}
	return m, nil
}

// Append appends the message to b. A MIC needs the Version before it, so HasMIC implies HasVersion.
func (m *AuthenticateMessage) Append(b []byte) []byte {
	base := len(b)
	b = appendHeader(b, typeAuthenticate)
	b = append(b, make([]byte, 48)...)
	b = binary.LittleEndian.AppendUint32(b, uint32(m.Flags))
	if m.HasVersion || m.HasMIC {
		b = m.Version.append(b)
	}
	if m.HasMIC {
		b = append(b, m.MIC[:]...)
	}
	b = putField(b, base, 28, encodeName(m.DomainName, m.Flags))
	b = putField(b, base, 36, encodeName(m.UserName, m.Flags))
	b = putField(b, base, 44, encodeName(m.Workstation, m.Flags))
	b = putField(b, base, 12, m.LMResponse)
	b = putField(b, base, 20, m.NTResponse)
	return putField(b, base, 52, m.EncryptedRandomSessionKey)
}
