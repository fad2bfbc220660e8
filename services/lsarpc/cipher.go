package lsarpc

import (
	"crypto/des"
	"encoding/binary"
	"math/bits"

	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// cipherRevision is the version of a clear value that is to be encrypted (MS-LSAD 5.1.3).
const cipherRevision = 1

// systemKey is the session key of transports that have none of their own: what Windows' local transport has.
const systemKey = "SystemLibraryDTC"

// sessionKey is the key that secrets on a call are encrypted with: that of the SMB session, or of the transport.
func sessionKey(call *rpc.Call) []byte {
	if len(call.SessionKey) >= 16 {
		return call.SessionKey[:16]
	}
	return []byte(systemKey)
}

// encrypt is a value as it crosses the wire; nil for none (MS-LSAD 5.1.2).
func encrypt(call *rpc.Call, value []byte) *gen.LSAPR_CR_CIPHER_VALUE {
	if value == nil {
		return nil
	}
	b := make([]byte, 8+(len(value)+7)&^7)
	binary.LittleEndian.PutUint32(b, uint32(len(value)))
	binary.LittleEndian.PutUint32(b[4:], cipherRevision)
	copy(b[8:], value)
	blocks(sessionKey(call), b, true)
	return &gen.LSAPR_CR_CIPHER_VALUE{Length: uint32(len(b)), MaximumLength: uint32(len(b)), Buffer: b}
}

// decrypt is the value that crossed the wire; nil for none. A wrong key shows in the version, with StatusUnknownRevision, or in the length.
func decrypt(call *rpc.Call, x *gen.LSAPR_CR_CIPHER_VALUE) ([]byte, nt.Status) {
	if x == nil {
		return nil, nt.StatusSuccess
	}
	if len(x.Buffer) < 8 || len(x.Buffer)%8 != 0 {
		return nil, nt.StatusInvalidParameter
	}
	b := append([]byte(nil), x.Buffer...)
	blocks(sessionKey(call), b, false)
	if binary.LittleEndian.Uint32(b[4:]) != cipherRevision {
		return nil, nt.StatusUnknownRevision
	}
	n := binary.LittleEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-8) {
		return nil, nt.StatusWrongPassword
	}
	return b[8 : 8+n : 8+n], nt.StatusSuccess
}

// blocks is what MS-LSAD 5.1.2 and 5.1.3 call the secret's encryption: DES of every block on its own, with seven bytes of the key after another.
func blocks(key, b []byte, encrypting bool) {
	k := 0
	for ; len(b) >= 8; b = b[8:] {
		block, err := des.NewCipher(desKey(key[k : k+7]))
		if err != nil {
			panic(err) // the key has eight bytes
		}
		if encrypting {
			block.Encrypt(b[:8], b[:8])
		} else {
			block.Decrypt(b[:8], b[:8])
		}
		if k += 7; k+7 > len(key) {
			k = len(key) - k
		}
	}
}

// desKey spreads seven bytes over eight, with odd parity.
func desKey(k []byte) []byte {
	var v uint64
	for _, b := range k {
		v = v<<8 | uint64(b)
	}
	out := make([]byte, 8)
	for i := range out {
		b := uint8(v>>(49-7*i)) << 1
		if bits.OnesCount8(b)%2 == 0 {
			b |= 1
		}
		out[i] = b
	}
	return out
}
