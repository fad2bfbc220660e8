package ntlm

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"sync"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// signatureLen is the length of NTLMSSP_MESSAGE_SIGNATURE in both its forms (MS-NLMP 2.2.2.9).
const signatureLen = 16

// session is an established context. Under extended session security the two directions share nothing.
// Without it they share one key stream and one sequence, so mu is taken there and only there.
type session struct {
	token *nt.Token
	key   [16]byte // ExportedSessionKey
	flags Flags

	mu         sync.Mutex // guards *send (which is *recv) without extended session security
	send, recv *direction
}

var _ auth.Context = (*session)(nil)

// direction is the state of the messages that go one way: SigningKey, Handle and SeqNum of MS-NLMP 3.4.
type direction struct {
	mac     hash.Hash // HMAC-MD5 under the signing key; nil without extended session security
	sealKey []byte
	handle  *rc4.Cipher
	seq     uint32
	sum     [16]byte // scratch, so that a signature allocates nothing
	num     [4]byte
}

// newSession makes the context of the client's or of the server's side.
func newSession(exported [16]byte, f Flags, client bool, token *nt.Token) *session {
	s := &session{token: token, key: exported, flags: f}
	if !f.has(NegotiateExtendedSessionSecurity) {
		d := &direction{sealKey: sealKey(exported, f, true)}
		d.handle = newRC4(d.sealKey)
		s.send, s.recv = d, d
		return s
	}
	s.send, s.recv = newDirection(exported, f, client), newDirection(exported, f, !client)
	return s
}

func newDirection(exported [16]byte, f Flags, fromClient bool) *direction {
	sign := signKey(exported, fromClient)
	d := &direction{mac: hmac.New(md5.New, sign[:]), sealKey: sealKey(exported, f, fromClient)}
	d.handle = newRC4(d.sealKey)
	return d
}

func (s *session) Token() *nt.Token   { return s.token }
func (s *session) SessionKey() []byte { return s.key[:] }
func (s *session) Mechanism() string  { return "NTLM" }

// CanSign reports whether signing was negotiated. Without it NTLM only has the dummy signature of MS-NLMP 3.4.2,
// which proves nothing and is not made here.
func (s *session) CanSign() bool { return s.flags&(NegotiateSign|NegotiateSeal) != 0 }

// ResetKeystream puts both RC4 handles back to their start. SPNEGO does this after it has signed the mechanism list
// (MS-SPNG 3.3.5.1): the first message of the application uses the same key stream again, but the next sequence number. With sequence the
// numbers start again as well, as if nothing had been signed.
func (s *session) ResetKeystream(sequence bool) {
	for _, d := range [2]*direction{s.send, s.recv} {
		d.handle = newRC4(d.sealKey)
		if sequence {
			d.seq = 0
		}
	}
}

// SignatureLen is the same with and without confidentiality.
func (s *session) SignatureLen(bool) int { return signatureLen }

// Sign is GSS_GetMIC (MS-NLMP 3.4.4).
func (s *session) Sign(sig, msg []byte) ([]byte, error) {
	if !s.CanSign() {
		return nil, fmt.Errorf("ntlm: signing was not negotiated: %w", nt.StatusNotSupported)
	}
	if s.send.mac == nil {
		return s.signV1(sig, msg, nil), nil
	}
	sum := s.send.checksum(msg)
	s.encrypt(s.send, sum)
	return s.send.appendSignature(sig, sum), nil
}

// Verify is GSS_VerifyMIC.
func (s *session) Verify(msg, sig []byte) error {
	if !s.CanSign() {
		return fmt.Errorf("ntlm: signing was not negotiated: %w", nt.StatusNotSupported)
	}
	if s.recv.mac == nil {
		return s.verifyV1(msg, nil, sig)
	}
	return s.check(s.recv.checksum(msg), sig)
}

// Seal is GSS_Wrap (MS-NLMP 3.4.6): the signature is of the plain text, and its checksum comes after the message in
// the key stream.
func (s *session) Seal(sig, msg []byte, lo, hi int) ([]byte, error) {
	if !s.flags.has(NegotiateSeal) {
		return nil, fmt.Errorf("ntlm: sealing was not negotiated: %w", nt.StatusNotSupported)
	}
	if lo < 0 || hi < lo || hi > len(msg) {
		return nil, fmt.Errorf("ntlm: seal %d:%d of %d bytes: %w", lo, hi, len(msg), nt.StatusInvalidParameter)
	}
	if s.send.mac == nil {
		return s.signV1(sig, msg[lo:hi], msg[lo:hi]), nil
	}
	sum := s.send.checksum(msg)
	s.send.handle.XORKeyStream(msg[lo:hi], msg[lo:hi])
	s.encrypt(s.send, sum)
	return s.send.appendSignature(sig, sum), nil
}

// Unseal is GSS_Unwrap.
func (s *session) Unseal(msg []byte, lo, hi int, sig []byte) error {
	if !s.flags.has(NegotiateSeal) {
		return fmt.Errorf("ntlm: sealing was not negotiated: %w", nt.StatusNotSupported)
	}
	if lo < 0 || hi < lo || hi > len(msg) {
		return fmt.Errorf("ntlm: unseal %d:%d of %d bytes: %w", lo, hi, len(msg), nt.StatusInvalidParameter)
	}
	if s.recv.mac == nil {
		return s.verifyV1(msg[lo:hi], msg[lo:hi], sig)
	}
	s.recv.handle.XORKeyStream(msg[lo:hi], msg[lo:hi])
	return s.check(s.recv.checksum(msg), sig)
}

// checksum is HMAC_MD5(SigningKey, SeqNum || message) in full; the signature takes eight bytes of it (MS-NLMP 3.4.4.2).
func (d *direction) checksum(msg []byte) *[16]byte {
	d.mac.Reset()
	binary.LittleEndian.PutUint32(d.num[:], d.seq)
	d.mac.Write(d.num[:])
	d.mac.Write(msg)
	d.mac.Sum(d.sum[:0])
	return &d.sum
}

// encrypt hides the checksum in the key stream if keys were exchanged.
func (s *session) encrypt(d *direction, sum *[16]byte) {
	if s.flags.has(NegotiateKeyExch) {
		d.handle.XORKeyStream(sum[:8], sum[:8])
	}
}

func (d *direction) appendSignature(sig []byte, sum *[16]byte) []byte {
	sig = append(sig, 1, 0, 0, 0)
	sig = append(sig, sum[:8]...)
	sig = binary.LittleEndian.AppendUint32(sig, d.seq)
	d.seq++
	return sig
}

func (s *session) check(sum *[16]byte, sig []byte) error {
	s.encrypt(s.recv, sum)
	var want [signatureLen]byte
	s.recv.appendSignature(want[:0], sum)
	if subtle.ConstantTimeCompare(want[:], sig) != 1 {
		return errSignature
	}
	return nil
}

var errSignature = fmt.Errorf("ntlm: wrong message signature: %w", nt.StatusAccessDenied)

// signV1 makes the signature without extended session security (MS-NLMP 3.4.4.1): a CRC of the message, everything
// after the version hidden in the key stream that both directions share. sealed, if any, is encrypted first.
func (s *session) signV1(sig, msg, sealed []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	crc := crc32.ChecksumIEEE(msg)
	s.send.handle.XORKeyStream(sealed, sealed)
	b := s.send.bodyV1(crc)
	clear(b[:4]) // RandomPad is encrypted for the stream's sake and then sent as zero
	return append(append(sig, 1, 0, 0, 0), b[:]...)
}

func (s *session) verifyV1(msg, sealed, sig []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recv.handle.XORKeyStream(sealed, sealed)
	b := s.recv.bodyV1(crc32.ChecksumIEEE(msg))
	// RandomPad may hold anything.
	if len(sig) != signatureLen || subtle.ConstantTimeCompare(b[4:], sig[8:]) != 1 {
		return errSignature
	}
	return nil
}

// bodyV1 is RandomPad, Checksum and SeqNum, encrypted.
func (d *direction) bodyV1(crc uint32) (b [12]byte) {
	binary.LittleEndian.PutUint32(b[4:], crc)
	binary.LittleEndian.PutUint32(b[8:], d.seq)
	d.seq++
	d.handle.XORKeyStream(b[:], b[:])
	return b
}
