package ntlm

import (
	"crypto/md5"
	"crypto/rc4"
)

// keyExchangeKey is KXKEY (MS-NLMP 3.4.5.1). With NTLMv2 it is the session base key itself; with NTLMv1 under extended
// session security both challenges go in.
func keyExchangeKey(sessionBaseKey [16]byte, f Flags, v1 bool, server [8]byte, lmResponse []byte) [16]byte {
	if v1 && f.has(NegotiateExtendedSessionSecurity) && len(lmResponse) >= 8 {
		return hmacMD5(sessionBaseKey[:], server[:], lmResponse[:8])
	}
	return sessionBaseKey
}

// rc4K is RC4K of MS-NLMP 6: one use of a fresh key stream.
func rc4K(key [16]byte, in []byte) [16]byte {
	var out [16]byte
	newRC4(key[:]).XORKeyStream(out[:], in[:16])
	return out
}

func newRC4(key []byte) *rc4.Cipher {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic(err) // only for keys of no bytes or over 256
	}
	return c
}

// signKey is SIGNKEY (MS-NLMP 3.4.5.2).
func signKey(exported [16]byte, fromClient bool) [16]byte {
	if fromClient {
		return md5Key(exported[:], "session key to client-to-server signing key magic constant\x00")
	}
	return md5Key(exported[:], "session key to server-to-client signing key magic constant\x00")
}

// sealKey is SEALKEY (MS-NLMP 3.4.5.3): the exported key, weakened to what was negotiated, hashed for its direction
// under extended session security and used as it is without.
func sealKey(exported [16]byte, f Flags, fromClient bool) []byte {
	if !f.has(NegotiateExtendedSessionSecurity) {
		// NTLMSSP_NEGOTIATE_LM_KEY, which would weaken the key, is never agreed to.
		return exported[:]
	}
	k := exported[:5]
	switch {
	case f.has(Negotiate128):
		k = exported[:]
	case f.has(Negotiate56):
		k = exported[:7]
	}
	var out [16]byte
	if fromClient {
		out = md5Key(k, "session key to client-to-server sealing key magic constant\x00")
	} else {
		out = md5Key(k, "session key to server-to-client sealing key magic constant\x00")
	}
	return out[:]
}

func md5Key(k []byte, magic string) [16]byte {
	h := md5.New()
	h.Write(k)
	h.Write([]byte(magic))
	return [16]byte(h.Sum(nil))
}

// messageIntegrityCode is the MIC over the three messages, that of the last one taken as zero (MS-NLMP 3.1.5.1.2).
func messageIntegrityCode(exported [16]byte, negotiate, challenge, authenticate []byte) [16]byte {
	var zero [16]byte
	return hmacMD5(exported[:], negotiate, challenge, authenticate[:micOffset], zero[:], authenticate[authenticateLen:])
}

// channelBindingHash is the value of MsvAvChannelBindings: MD5 of a gss_channel_bindings_struct with no addresses
// (MS-NLMP 2.2.2.1, RFC 2744 3.11) whose application data is the binding.
func channelBindingHash(binding []byte) [16]byte {
	b := make([]byte, 16, 20+len(binding))
	n := uint32(len(binding))
	b = append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	return md5.Sum(append(b, binding...))
}
