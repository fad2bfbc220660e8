package ntlm

import "encoding/binary"

// NegotiateMessage is NEGOTIATE_MESSAGE (MS-NLMP 2.2.1.1). Its names are always in the OEM character set.
type NegotiateMessage struct {
	Flags       Flags
	DomainName  string
	Workstation string
	Version     Version // if Flags has NegotiateVersion
}

const (
	negotiateMin = 16 // through NegotiateFlags: what the oldest clients send
	negotiateLen = 40
)

// ParseNegotiate parses a NEGOTIATE_MESSAGE. The name fields and the version may be absent.
func ParseNegotiate(b []byte) (NegotiateMessage, error) {
	var m NegotiateMessage
	if err := checkHeader(b, typeNegotiate, negotiateMin); err != nil {
		return m, err
	}
	m.Flags = Flags(binary.LittleEndian.Uint32(b[12:]))
	low := len(b)
	if len(b) >= 32 {
		// MS-NLMP 2.2.1.1: the fields are to be ignored unless the flag says they are supplied.
		if m.Flags.has(NegotiateOEMDomainSupplied) {
			v, err := field(b, 16, &low)
			if err != nil {
				return m, err
			}
			m.DomainName = decodeOEM(v)
		}
		if m.Flags.has(NegotiateOEMWorkstationSupplied) {
			v, err := field(b, 24, &low)
			if err != nil {
				return m, err
			}
			m.Workstation = decodeOEM(v)
		}
	}
	if m.Flags.has(NegotiateVersion) && len(b) >= negotiateLen && low >= negotiateLen {
		m.Version = parseVersion(b[32:])
	}
	return m, nil
}

// Append appends the message to b.
func (m *NegotiateMessage) Append(b []byte) []byte {
	base := len(b)
	f := m.Flags &^ (NegotiateOEMDomainSupplied | NegotiateOEMWorkstationSupplied)
	if m.DomainName != "" {
		f |= NegotiateOEMDomainSupplied
	}
	if m.Workstation != "" {
		f |= NegotiateOEMWorkstationSupplied
	}
	b = appendHeader(b, typeNegotiate)
	b = binary.LittleEndian.AppendUint32(b, uint32(f))
	b = append(b, make([]byte, 16)...)
	var v Version
	if f.has(NegotiateVersion) {
		v = m.Version
	}
	b = v.append(b)
	b = putField(b, base, 16, encodeOEM(m.DomainName))
	return putField(b, base, 24, encodeOEM(m.Workstation))
}
