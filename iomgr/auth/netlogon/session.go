package netlogon

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"sync"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// NL_AUTH_SHA2_SIGNATURE (MS-NRPC 2.2.1.3.3). Where the specification has a checksum of 32 bytes and the confounder behind it, Windows and Samba have one of 8, the
// confounder behind that, and 24 bytes that mean nothing.
const (
	signatureLen = 56
	offSequence  = 8
	offChecksum  = 16
	offConfuse   = 24

	minSigned = 48 // what a peer has to send
	minSealed = 56

	signSHA256 = 0x0013
	sealAES    = 0x001A
	sealNone   = 0xFFFF
)

// session protects the messages of one association.
type session struct {
	key       Key
	initiator bool

	mu  sync.Mutex
	seq uint64 // of the next message, whichever side sends it; guarded by mu
}

var _ auth.Context = (*session)(nil)

func (s *session) Token() *nt.Token      { return nil }
func (s *session) SessionKey() []byte    { return s.key[:] }
func (s *session) Mechanism() string     { return "Netlogon" }
func (s *session) SignatureLen(bool) int { return signatureLen }

// next is the sequence number of the next message, as the side that sends it writes it (MS-NRPC 3.3.4.2.1 step 5).
func (s *session) next(fromInitiator bool) (b [8]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	binary.BigEndian.PutUint32(b[:], uint32(s.seq))
	binary.BigEndian.PutUint32(b[4:], uint32(s.seq>>32))
	if fromInitiator {
		b[4] |= 0x80
	}
	s.seq++
	return b
}

// checksum is over the header of the signature, the confounder if there is one, and the message.
func (s *session) checksum(header, confounder, msg []byte) []byte {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write(header)
	mac.Write(confounder)
	mac.Write(msg)
	return mac.Sum(nil)[:8]
}

func header(seal uint16) (h [8]byte) {
	binary.LittleEndian.PutUint16(h[:], signSHA256)
	binary.LittleEndian.PutUint16(h[2:], seal)
	binary.LittleEndian.PutUint16(h[4:], 0xFFFF)
	return h
}

func twice(b []byte) []byte { return append(append(make([]byte, 0, 2*len(b)), b...), b...) }

// hide encrypts or decrypts the sequence number, by the checksum.
func (s *session) hide(seq, checksum []byte) { newCFB8(s.key[:], twice(checksum)).encrypt(seq) }

// cipher is that of the confounder and the message, which are one stream.
func (s *session) cipher(seq []byte) *cfb8 {
	k := s.key
	for i := range k {
		k[i] ^= 0xF0
	}
	return newCFB8(k[:], twice(seq))
}

func appendSignature(sig []byte, h [8]byte, seq, checksum, confounder []byte) []byte {
	at := len(sig)
	sig = append(sig, make([]byte, signatureLen)...)
	copy(sig[at:], h[:])
	copy(sig[at+offSequence:], seq)
	copy(sig[at+offChecksum:], checksum)
	copy(sig[at+offConfuse:], confounder)
	return sig
}

// Sign appends the signature of msg.
func (s *session) Sign(sig, msg []byte) ([]byte, error) {
	h, seq := header(sealNone), s.next(s.initiator)
	sum := s.checksum(h[:], nil, msg)
	s.hide(seq[:], sum)
	return appendSignature(sig, h, seq[:], sum, nil), nil
}

// Verify checks the peer's.
func (s *session) Verify(msg, sig []byte) error {
	h, seq := header(sealNone), s.next(!s.initiator)
	if len(sig) < minSigned || string(sig[:8]) != string(h[:]) {
		return nt.StatusAccessDenied
	}
	return s.check(s.checksum(h[:], nil, msg), seq, sig)
}

func (s *session) check(sum []byte, seq [8]byte, sig []byte) error {
	s.hide(seq[:], sum)
	if subtle.ConstantTimeCompare(sum, sig[offChecksum:offChecksum+8])&subtle.ConstantTimeCompare(seq[:], sig[offSequence:offSequence+8]) != 1 {
		return nt.StatusAccessDenied
	}
	return nil
}

// Seal signs msg whole, encrypts msg[lo:hi] and appends the signature.
func (s *session) Seal(sig, msg []byte, lo, hi int) ([]byte, error) {
	h, seq := header(sealAES), s.next(s.initiator)
	var confounder [8]byte
	rand.Read(confounder[:])
	sum := s.checksum(h[:], confounder[:], msg)
	c := s.cipher(seq[:])
	c.encrypt(confounder[:])
	c.encrypt(msg[lo:hi])
	s.hide(seq[:], sum)
	return appendSignature(sig, h, seq[:], sum, confounder[:]), nil
}

// Unseal reverses the peer's Seal.
func (s *session) Unseal(msg []byte, lo, hi int, sig []byte) error {
	h, seq := header(sealAES), s.next(!s.initiator)
	if len(sig) < minSealed || string(sig[:8]) != string(h[:]) {
		clear(msg)
		return nt.StatusAccessDenied
	}
	var confounder [8]byte
	copy(confounder[:], sig[offConfuse:])
	c := s.cipher(seq[:])
	c.decrypt(confounder[:])
	c.decrypt(msg[lo:hi])
	err := s.check(s.checksum(h[:], confounder[:], msg), seq, sig)
	if err != nil {
		clear(msg)
	}
	return err
}
