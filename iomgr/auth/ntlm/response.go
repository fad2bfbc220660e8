package ntlm

import (
	"crypto/des"
	"crypto/hmac"
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/md4" //lint:ignore SA1019 NTLM is made of it (MS-NLMP 3.3.1)

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// NTHash is NTOWFv1: MD4 of the password in UTF-16 (MS-NLMP 3.3.1). It is what account stores keep; it is as good as the
// password to whoever has it.
func NTHash(password string) [16]byte {
	h := md4.New()
	h.Write(nt.AppendUTF16(nil, password))
	return [16]byte(h.Sum(nil))
}

// NTOWFv2 is the key of NTLMv2 responses (MS-NLMP 3.3.2): user and domain as the client spells them, the user's case folded.
func NTOWFv2(hash [16]byte, user, domain string) [16]byte {
	b := nt.AppendUTF16(nil, nt.Upcase(user))
	return hmacMD5(hash[:], nt.AppendUTF16(b, domain))
}

// ClientChallenge is NTLMv2_CLIENT_CHALLENGE, which the specification's algorithms call temp (MS-NLMP 2.2.2.7).
type ClientChallenge struct {
	Timestamp nt.Time
	Challenge [8]byte
	AVPairs   AVPairs
}

const clientChallengeMin = 28 // through Reserved3; AV pairs follow

// ParseClientChallenge parses the part of an NTLMv2 response that follows the proof string.
func ParseClientChallenge(b []byte) (ClientChallenge, error) {
	var c ClientChallenge
	if len(b) < clientChallengeMin || b[0] != 1 || b[1] != 1 {
		return c, ErrMessage
	}
	c.Timestamp = nt.Time(binary.LittleEndian.Uint64(b[8:]))
	copy(c.Challenge[:], b[16:])
	var err error
	c.AVPairs, err = ParseAVPairs(b[clientChallengeMin:])
	return c, err
}

// Append appends the structure and the four zero bytes that end temp (MS-NLMP 3.3.2).
func (c *ClientChallenge) Append(b []byte) []byte {
	b = append(b, 1, 1, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.Timestamp))
	b = append(b, c.Challenge[:]...)
	b = append(b, 0, 0, 0, 0)
	b = c.AVPairs.Append(b)
	return append(b, 0, 0, 0, 0)
}

const (
	proofLen   = 16                                // NTProofStr
	v1Len      = 24                                // NTLM_RESPONSE, LM_RESPONSE and LMv2_RESPONSE
	minV2Len   = proofLen + clientChallengeMin + 4 // with an empty list of AV pairs
	maxV2Names = 3                                 // spellings of the domain tried by VerifyResponse
)

// ntlmv2 makes the NTLMv2 response and the session base key (MS-NLMP 3.3.2).
func ntlmv2(key, server []byte, temp []byte) (response []byte, sessionBaseKey [16]byte) {
	proof := hmacMD5(key, server, temp)
	sessionBaseKey = hmacMD5(key, proof[:])
	return append(proof[:], temp...), sessionBaseKey
}

// lmv2 makes the LMv2 response.
func lmv2(key, server, client []byte) []byte {
	h := hmacMD5(key, server, client)
	return append(h[:], client...)
}

// ntlmv1 makes the NTLMv1 response: DESL of the specification (MS-NLMP 6), over the challenge that is in effect.
func ntlmv1(hash [16]byte, challenge []byte) []byte {
	out := make([]byte, v1Len)
	var key [21]byte
	copy(key[:], hash[:])
	for i := range 3 {
		c, err := des.NewCipher(spreadParity(key[7*i : 7*i+7]))
		if err != nil {
			panic(err) // an eight-byte key is always taken
		}
		c.Encrypt(out[8*i:8*i+8], challenge)
	}
	return out
}

// spreadParity makes a DES key of eight bytes from 56 bits; the parity bits stay zero, DES does not look at them.
func spreadParity(k []byte) []byte {
	var v uint64
	for _, c := range k {
		v = v<<8 | uint64(c)
	}
	out := make([]byte, 8)
	for i := range out {
		out[i] = byte(v>>(49-7*i)) << 1
	}
	return out
}

// sessionHashV1 is the session base key of NTLMv1: MD4 of the hash (MS-NLMP 3.3.1).
func sessionHashV1(hash [16]byte) [16]byte {
	h := md4.New()
	h.Write(hash[:])
	return [16]byte(h.Sum(nil))
}

// VerifyResponse decides whether the response was made with the hash, and gives the session base key (MS-NLMP 3.3.2). The time it
// takes does not tell how far a wrong response was right. A wrong response is nt.StatusWrongPassword; the account store turns it
// into what the peer may see.
//
// It takes what a verifier can be asked about: NTLMv2, an LMv2 response alone, and NTLMv1, whose ServerChallenge is
// then the one in effect (the acceptor has folded in the client's under extended session security). Whether the last two are wanted is
// decided before this is called, see [Config].
func VerifyResponse(hash [16]byte, in *auth.NTLMLogon) (sessionBaseKey [16]byte, err error) {
	switch n := len(in.NTResponse); {
	case n >= minV2Len:
		proof, temp := in.NTResponse[:proofLen], in.NTResponse[proofLen:]
		return verifyV2(hash, in, proof, temp)
	case n == v1Len:
		if subtle.ConstantTimeCompare(ntlmv1(hash, in.ServerChallenge[:]), in.NTResponse) != 1 {
			return sessionBaseKey, nt.StatusWrongPassword
		}
		return sessionHashV1(hash), nil
	case n == 0 && len(in.LMResponse) == v1Len:
		return verifyV2(hash, in, in.LMResponse[:proofLen], in.LMResponse[proofLen:])
	default:
		return sessionBaseKey, fmt.Errorf("ntlm: response of %d bytes: %w", n, nt.StatusWrongPassword)
	}
}

// verifyV2 compares for each spelling of the domain that clients are known to use: as sent, in upper case, and none.
func verifyV2(hash [16]byte, in *auth.NTLMLogon, proof, tail []byte) (sessionBaseKey [16]byte, err error) {
	ok := 0
	for _, domain := range [maxV2Names]string{in.Domain, nt.Upcase(in.Domain), ""} {
		key := NTOWFv2(hash, in.Account, domain)
		want := hmacMD5(key[:], in.ServerChallenge[:], tail)
		sbk := hmacMD5(key[:], want[:])
		hit := subtle.ConstantTimeCompare(want[:], proof)
		subtle.ConstantTimeCopy(hit, sessionBaseKey[:], sbk[:])
		ok |= hit
	}
	if ok != 1 {
		return [16]byte{}, nt.StatusWrongPassword
	}
	return sessionBaseKey, nil
}

func hmacMD5(key []byte, parts ...[]byte) [16]byte {
	h := hmac.New(md5.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	var out [16]byte
	h.Sum(out[:0])
	return out
}
