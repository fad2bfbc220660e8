package sampass

import (
	"crypto/des"
	"crypto/md5"
	"crypto/rand"
	"crypto/rc4"
	"encoding/binary"

	"lwio/iomgr/nt"
)

const (
	textSize   = 512 // of the field for the password
	bufferSize = textSize + 4
	saltSize   = 16
)

// pad puts a password at the end of random bytes, and its length behind (MS-SAMR 2.2.6.21). It fails for one that is too long.
func pad(password string) (b [bufferSize]byte, ok bool) {
	text := nt.AppendUTF16(nil, password)
	if len(text) > textSize {
		return b, false
	}
	rand.Read(b[:]) // never fails
	copy(b[textSize-len(text):], text)
	binary.LittleEndian.PutUint32(b[textSize:], uint32(len(text)))
	return b, true
}

// unpad is the password of such a buffer. A length that cannot be one tells that the keys differ.
func unpad(b []byte) (string, bool) {
	n := binary.LittleEndian.Uint32(b[textSize:bufferSize])
	if n > textSize || n%2 != 0 {
		return "", false
	}
	return nt.DecodeUTF16(b[textSize-n : textSize]), true
}

func crypt(b, key []byte) []byte {
	out := make([]byte, len(b))
	c, err := rc4.NewCipher(key)
	if err != nil {
		return out // a key of no bytes, or of more than 256, opens nothing
	}
	c.XORKeyStream(out, b)
	return out
}

// SealRC4 encrypts a password for levels 23 and 24, with the session key, and for changes, with the NT hash of the old one.
func SealRC4(password string, key []byte) (out [bufferSize]byte, ok bool) {
	b, ok := pad(password)
	copy(out[:], crypt(b[:], key))
	return out, ok
}

// OpenRC4 is the reverse of SealRC4.
func OpenRC4(b, key []byte) (string, bool) {
	if len(b) != bufferSize {
		return "", false
	}
	return unpad(crypt(b, key))
}

// salted is the key of levels 25 and 26 (MS-SAMR 2.2.6.22).
func salted(salt, key []byte) []byte {
	sum := md5.Sum(append(append([]byte(nil), salt...), key...))
	return sum[:]
}

// SealSalted encrypts a password for levels 25 and 26.
func SealSalted(password string, key []byte) (out [bufferSize + saltSize]byte, ok bool) {
	b, ok := pad(password)
	rand.Read(out[bufferSize:]) // never fails
	copy(out[:], crypt(b[:], salted(out[bufferSize:], key)))
	return out, ok
}

// OpenSalted is the reverse of SealSalted.
func OpenSalted(b *[bufferSize + saltSize]byte, key []byte) (string, bool) {
	return unpad(crypt(b[:bufferSize], salted(b[bufferSize:], key)))
}

// desKey spreads 7 bytes over 8, with the parity bit last in each (MS-SAMR 2.2.11.1.2).
func desKey(k []byte) []byte {
	var v uint64
	for _, b := range k[:7] {
		v = v<<8 | uint64(b)
	}
	out := make([]byte, 8)
	for i := range out {
		out[i] = byte(v>>(49-7*i)) << 1
	}
	return out
}

// hashBlocks encrypts or decrypts a hash, each half with 7 bytes of the key (MS-SAMR 2.2.11.1.3).
func hashBlocks(b, key []byte, seal bool) (out [16]byte, ok bool) {
	if len(b) != len(out) || len(key) < 14 {
		return out, false
	}
	for i := range 2 {
		c, err := des.NewCipher(desKey(key[7*i:]))
		if err != nil {
			return out, false
		}
		if seal {
			c.Encrypt(out[8*i:], b[8*i:])
		} else {
			c.Decrypt(out[8*i:], b[8*i:])
		}
	}
	return out, true
}

// SealHash encrypts a hash with a session key or another hash. The key has at least 14 bytes.
func SealHash(hash, key []byte) ([16]byte, bool) { return hashBlocks(hash, key, true) }

// OpenHash is the reverse of SealHash.
func OpenHash(b, key []byte) ([16]byte, bool) { return hashBlocks(b, key, false) }
