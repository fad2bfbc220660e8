package ntlm

import "encoding/binary"

// ChallengeMessage is CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2).
type ChallengeMessage struct {
	TargetName      string
	Flags           Flags
	ServerChallenge [8]byte
	TargetInfo      []byte  // AV pairs as they stand; see ParseAVPairs
	Version         Version // if Flags has NegotiateVersion
}

const (
	challengeMin = 32 // through ServerChallenge
	challengeLen = 56
)

// ParseChallenge parses a CHALLENGE_MESSAGE. TargetInfo aliases b.
func ParseChallenge(b []byte) (ChallengeMessage, error) {
	var m ChallengeMessage
	if err := checkHeader(b, typeChallenge, challengeMin); err != nil {
		return m, err
	}
	m.Flags = Flags(binary.LittleEndian.Uint32(b[20:]))
	copy(m.ServerChallenge[:], b[24:32])
	low := len(b)
	name, err := field(b, 12, &low)
	if err != nil {
		return m, err
	}
	if m.TargetName, err = decodeName(name, m.Flags); err != nil {
		return m, err
	}
	if m.Flags.has(NegotiateTargetInfo) {
		if len(b) < 48 {
			return m, ErrMessage
		}
		if m.TargetInfo, err = field(b, 40, &low); err != nil {
			return m, err
		}
	}
	if m.Flags.has(NegotiateVersion) && len(b) >= challengeLen && low >= challengeLen {
		m.Version = parseVersion(b[48:])
	}
	return m, nil
}

// Append appends the message to b.
func (m *ChallengeMessage) Append(b []byte) []byte {
	base := len(b)
	b = appendHeader(b, typeChallenge)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, uint32(m.Flags))
	b = append(b, m.ServerChallenge[:]...)
	b = append(b, make([]byte, 16)...)
	var v Version
	if m.Flags.has(NegotiateVersion) {
		v = m.Version
	}
	b = v.append(b)
	b = putField(b, base, 12, encodeName(m.TargetName, m.Flags))
	return putField(b, base, 40, m.TargetInfo)
}
