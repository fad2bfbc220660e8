package krb5

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rc4"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

const rc4Confounder = 8

func hmacMD5(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(md5.New, key)
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

func rc4XOR(key, dst, src []byte) {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic("krb5: RC4 key of no valid length")
	}
	c.XORKeyStream(dst, src)
}

// rc4Usage is the message type for a key usage, little-endian (RFC 4757 section 3).
func rc4Usage(usage uint32) []byte {
	if usage == usageASRep || usage == 9 {
		usage = 8
	}
	return binary.LittleEndian.AppendUint32(nil, usage)
}

// rc4Encrypt is ENCRYPT of RFC 4757 section 5.
func rc4Encrypt(key []byte, usage uint32, plain []byte) []byte {
	k2 := hmacMD5(key, rc4Usage(usage))
	out := make([]byte, 16+rc4Confounder+len(plain))
	body := out[16:]
	rand.Read(body[:rc4Confounder])
	copy(body[rc4Confounder:], plain)
	copy(out, hmacMD5(k2, body))
	rc4XOR(hmacMD5(k2, out[:16]), body, body)
	return out
}

func rc4Decrypt(key []byte, usage uint32, b []byte) ([]byte, error) {
	k2 := hmacMD5(key, rc4Usage(usage))
	body := make([]byte, len(b)-16)
	rc4XOR(hmacMD5(k2, b[:16]), body, b[16:])
	if subtle.ConstantTimeCompare(hmacMD5(k2, body), b[:16]) != 1 {
		return nil, errIntegrity
	}
	return body[rc4Confounder:], nil
}

var signatureKey = []byte("signaturekey\x00")

// rc4Checksum is HMAC-MD5 of RFC 4757 section 4.
func rc4Checksum(key []byte, usage uint32, parts ...[]byte) []byte {
	h := md5.New()
	h.Write(rc4Usage(usage))
	for _, p := range parts {
		h.Write(p)
	}
	return hmacMD5(hmacMD5(key, signatureKey), h.Sum(nil))
}

// Lengths of the per-message tokens of RFC 4757 section 7, in their GSS-API frames.
const (
	rc4Frame   = 13
	rc4MICLen  = rc4Frame + 24
	rc4WrapLen = rc4Frame + 32

	rc4SignType = 15 // message types of the checksums
	rc4SealType = 13
)

// rc4Protector is message protection by RFC 4757. Its wrap token always has the form of DCE style, which frames the header alone: nobody
// seals detached messages in the other.
type rc4Protector struct {
	key       []byte
	initiator bool
	send      sequence
	recv      sequence
}

var _ auth.Protector = (*rc4Protector)(nil)

func (p *rc4Protector) SignatureLen(confidential bool) int {
	if confidential {
		return rc4WrapLen
	}
	return rc4MICLen
}

// direction is the second half of SND_SEQ.
func rc4Direction(fromInitiator bool) byte {
	if fromInitiator {
		return 0
	}
	return 0xFF
}

func rc4Sequence(seq uint32, fromInitiator bool) (b [8]byte) {
	binary.BigEndian.PutUint32(b[:], seq)
	d := rc4Direction(fromInitiator)
	b[4], b[5], b[6], b[7] = d, d, d, d
	return b
}

// hideSequence encrypts or decrypts SND_SEQ.
func (p *rc4Protector) hideSequence(dst, src, sum []byte) {
	rc4XOR(hmacMD5(hmacMD5(p.key, make([]byte, 4)), sum), dst, src)
}

// sealKey is Kcrypt.
func (p *rc4Protector) sealKey(seq []byte) []byte {
	var local [16]byte
	for i := range local {
		local[i] = p.key[i] ^ 0xF0
	}
	return hmacMD5(hmacMD5(local[:], make([]byte, 4)), seq)
}

func appendRC4Frame(b []byte, n int) []byte {
	b = append(b, tagApplication, byte(n+11), tagOID, byte(len(oidKerberos)))
	return append(b, oidKerberos...)
}

// rc4Body takes the token out of its frame.
func rc4Body(sig []byte, n int) ([]byte, bool) {
	if len(sig) != rc4Frame+n {
		return nil, false
	}
	want := appendRC4Frame(make([]byte, 0, rc4Frame), n)
	return sig[rc4Frame:], string(want) == string(sig[:rc4Frame])
}

var (
	rc4MICHeader  = []byte{0x01, 0x01, 0x11, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}
	rc4WrapHeader = []byte{0x02, 0x01, 0x11, 0x00, 0x10, 0x00, 0xFF, 0xFF}
)

func (p *rc4Protector) Sign(sig, msg []byte) ([]byte, error) {
	sum := rc4Checksum(p.key, rc4SignType, rc4MICHeader, msg)[:8]
	seq := rc4Sequence(uint32(p.send.take()), p.initiator)
	p.hideSequence(seq[:], seq[:], sum)
	sig = appendRC4Frame(sig, 24)
	sig = append(sig, rc4MICHeader...)
	sig = append(sig, seq[:]...)
	return append(sig, sum...), nil
}

func (p *rc4Protector) Verify(msg, sig []byte) error {
	b, ok := rc4Body(sig, 24)
	if !ok || string(b[:8]) != string(rc4MICHeader) {
		return errSignature
	}
	sum := b[16:24]
	if subtle.ConstantTimeCompare(rc4Checksum(p.key, rc4SignType, rc4MICHeader, msg)[:8], sum) != 1 {
		return errSignature
	}
	return p.checkSequence(b[8:16], sum)
}

func (p *rc4Protector) checkSequence(hidden, sum []byte) error {
	var seq [8]byte
	p.hideSequence(seq[:], hidden, sum)
	n := binary.BigEndian.Uint32(seq[:])
	if want := rc4Sequence(n, !p.initiator); want != seq {
		return errSignature
	}
	return p.recv.check(uint64(n))
}

func (p *rc4Protector) Seal(sig, msg []byte, lo, hi int) ([]byte, error) {
	if lo < 0 || hi < lo || hi > len(msg) {
		return nil, fmt.Errorf("krb5: seal %d:%d of %d bytes: %w", lo, hi, len(msg), nt.StatusInvalidParameter)
	}
	var conf [rc4Confounder]byte
	rand.Read(conf[:])
	sum := rc4Checksum(p.key, rc4SealType, rc4WrapHeader, conf[:], msg)[:8]
	seq := rc4Sequence(uint32(p.send.take()), p.initiator)
	c, err := rc4.NewCipher(p.sealKey(seq[:4]))
	if err != nil {
		return nil, err
	}
	c.XORKeyStream(conf[:], conf[:])
	c.XORKeyStream(msg[lo:hi], msg[lo:hi])
	p.hideSequence(seq[:], seq[:], sum)
	sig = appendRC4Frame(sig, 32)
	sig = append(sig, rc4WrapHeader...)
	sig = append(sig, seq[:]...)
	sig = append(sig, sum...)
	return append(sig, conf[:]...), nil
}

func (p *rc4Protector) Unseal(msg []byte, lo, hi int, sig []byte) error {
	if lo < 0 || hi < lo || hi > len(msg) {
		return fmt.Errorf("krb5: unseal %d:%d of %d bytes: %w", lo, hi, len(msg), nt.StatusInvalidParameter)
	}
	b, ok := rc4Body(sig, 32)
	if !ok || string(b[:8]) != string(rc4WrapHeader) {
		return errSignature
	}
	var seq [8]byte
	sum := b[16:24]
	p.hideSequence(seq[:], b[8:16], sum)
	c, err := rc4.NewCipher(p.sealKey(seq[:4]))
	if err != nil {
		return err
	}
	var conf [rc4Confounder]byte
	c.XORKeyStream(conf[:], b[24:32])
	c.XORKeyStream(msg[lo:hi], msg[lo:hi])
	if subtle.ConstantTimeCompare(rc4Checksum(p.key, rc4SealType, rc4WrapHeader, conf[:], msg)[:8], sum) != 1 {
		return errSignature
	}
	return p.checkSequence(b[8:16], sum)
}
