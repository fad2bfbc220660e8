package krb5

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"

	"lwio/iomgr/auth/ntlm"
)

// What a key is derived for, the last byte of the constant (RFC 3961 5.3).
const (
	deriveChecksum   = 0x99 // Kc
	deriveEncryption = 0xAA // Ke
	deriveIntegrity  = 0x55 // Ki
)

// derive makes Kc, Ke or Ki of an AES key.
func (k EncryptionKey) derive(usage uint32, what byte) []byte {
	p := k.Type.params()
	var label [5]byte
	binary.BigEndian.PutUint32(label[:], usage)
	label[4] = what
	if !p.sha2 {
		return dk(k.Value, label[:])
	}
	n := p.macKey
	if what == deriveEncryption {
		n = p.key
	}
	return kdfHMACSHA2(p, k.Value, label[:], n)
}

// dk is DK of RFC 3961 5.1 for AES, whose random-to-key is the identity.
func dk(key, constant []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("krb5: AES key of no valid length") // keys are checked where they come in
	}
	out := make([]byte, 0, 2*aes.BlockSize)
	var b [aes.BlockSize]byte
	nfold(b[:], constant)
	for len(out) < len(key) {
		block.Encrypt(b[:], b[:])
		out = append(out, b[:]...)
	}
	return out[:len(key)]
}

// nfold stretches or folds in to the length of out (RFC 3961 5.1): copies of in, each rotated right by 13 bits more
// than the last, are added up in ones' complement.
func nfold(out, in []byte) {
	lcm := len(in) * len(out) / gcd(len(in), len(out))
	bits := len(in) * 8
	clear(out)
	carry := 0
	for i := lcm - 1; i >= 0; i-- {
		// The first bit of byte i of the row of rotated copies.
		at := (i%len(in)*8 - 13*(i/len(in))) % bits
		if at < 0 {
			at += bits
		}
		hi, lo := in[at/8], in[(at/8+1)%len(in)]
		carry += int(byte((uint(hi)<<8|uint(lo))>>(8-at%8))) + int(out[i%len(out)])
		out[i%len(out)] = byte(carry)
		carry >>= 8
	}
	for i := len(out) - 1; carry != 0; i = (i - 1 + len(out)) % len(out) {
		carry += int(out[i])
		out[i] = byte(carry)
		carry >>= 8
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// kdfHMACSHA2 is KDF-HMAC-SHA2 of RFC 8009 section 3 for n bytes, which one round always gives.
func kdfHMACSHA2(p *encParams, key, label []byte, n int) []byte {
	mac := hmac.New(p.hash, key)
	var k [4]byte
	mac.Write([]byte{0, 0, 0, 1})
	mac.Write(label)
	mac.Write([]byte{0})
	binary.BigEndian.PutUint32(k[:], uint32(n*8))
	mac.Write(k[:])
	return mac.Sum(nil)[:n]
}

// maxIterations bounds what a KDC may ask for; real ones ask for 4096 or 32768.
const maxIterations = 1 << 22

// stringToKey makes the key of a password. params is that of ETYPE-INFO2, nil for the default (RFC 3962 section 4,
// RFC 8009 section 4, RFC 4757 section 2).
func stringToKey(t EncType, password, salt string, params []byte) (EncryptionKey, error) {
	k := EncryptionKey{Type: t}
	p := t.params()
	switch {
	case p == nil:
		return k, fmt.Errorf("no key of a password for %v", t)
	case t == RC4HMAC:
		h := ntlm.NTHash(password)
		k.Value = h[:]
		return k, nil
	}
	rounds := uint32(4096)
	if p.sha2 {
		rounds = 32768
	}
	if params != nil {
		if len(params) != 4 {
			return k, errors.New("string-to-key parameters of a wrong length")
		}
		if rounds = binary.BigEndian.Uint32(params); rounds == 0 || rounds > maxIterations {
			return k, fmt.Errorf("string-to-key with %d iterations", rounds)
		}
	}
	s, h := []byte(salt), sha1.New
	if p.sha2 {
		s, h = append([]byte(t.String()+"\x00"), salt...), p.hash
	}
	seed, err := pbkdf2.Key(h, password, s, int(rounds), p.key)
	if err != nil {
		return k, err
	}
	if p.sha2 {
		k.Value = kdfHMACSHA2(p, seed, []byte("kerberos"), p.key)
	} else {
		k.Value = dk(seed, []byte("kerberos"))
	}
	return k, nil
}
