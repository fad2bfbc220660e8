package smb2

import (
	"crypto/aes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"sync"

	"lwio/iomgr/smb2/aesni"
	"lwio/iomgr/smb2/gcm"
)

// Errors of signing and sealing.
var (
	// ErrSignature: the signature of a message is not the one that its key gives.
	ErrSignature = errors.New("signature does not verify")
	// ErrDecrypt: a sealed message does not authenticate under its key.
	ErrDecrypt = errors.New("encrypted message does not authenticate")
	// ErrKey: a key has a length that its algorithm does not take, or the algorithm is unknown.
	ErrKey = errors.New("unfit key or unknown algorithm")
	// ErrNonceExhausted: a key has sealed as many messages as it may. The session must authenticate anew.
	ErrNonceExhausted = errors.New("encryption key is used up")
)

// Signer signs and verifies messages with one key (MS-SMB2 3.1.4.1, 3.1.5.1). It may be used by several goroutines at
// once and allocates nothing per message.
//
// AES-GMAC takes its nonce from the message: the MessageID, the direction, and whether it is a CANCEL. Two messages that
// agree in these must not both be signed, or the key is lost; that is why an interim response and an unsolicited break
// are never signed (3.3.4.1.1).
type Signer struct {
	alg    SigningAlgorithm
	block  *aesni.Block // AES-CMAC
	k1, k2 [aes.BlockSize]byte
	gcm    *gcm.AEAD // AES-GMAC
	ipad   [sha256.BlockSize]byte
	opad   [sha256.BlockSize]byte
}

// DefaultSigningAlgorithm is the algorithm of a dialect when none was negotiated.
func DefaultSigningAlgorithm(d Dialect) SigningAlgorithm {
	if d == Dialect202 || d == Dialect210 {
		return SigningHMACSHA256
	}
	return SigningAESCMAC
}

// NewSigner returns a Signer. The AES algorithms take keys of 16 bytes, HMAC-SHA256 of 1 to 64.
func NewSigner(alg SigningAlgorithm, key []byte) (*Signer, error) {
	s := &Signer{alg: alg}
	switch alg {
	case SigningHMACSHA256:
		if len(key) == 0 || len(key) > sha256.BlockSize {
			return nil, fmt.Errorf("signing: %w: HMAC key of %d bytes", ErrKey, len(key))
		}
		copy(s.ipad[:], key)
		copy(s.opad[:], key)
		for i := range s.ipad {
			s.ipad[i] ^= 0x36
			s.opad[i] ^= 0x5c
		}
	case SigningAESCMAC, SigningAESGMAC:
		if len(key) != 16 {
			return nil, fmt.Errorf("signing: %w: AES-128 key of %d bytes", ErrKey, len(key))
		}
		var err error
		if alg == SigningAESGMAC {
			s.gcm, err = gcm.New(key)
		} else if s.block, err = aesni.New(key); err == nil {
			s.k1, s.k2 = cmacKeys(s.block)
		}
		if err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
	default:
		return nil, fmt.Errorf("signing: %w: algorithm %d", ErrKey, alg)
	}
	return s, nil
}

// Algorithm is the one that the Signer was made for.
func (s *Signer) Algorithm() SigningAlgorithm { return s.alg }

// signScratch is what one computation needs; kept apart from the Signer so that idle sessions do not hold it.
type signScratch struct {
	mac cbcMAC
	sha hash.Hash
	tag [sha256.Size]byte
}

var signPool = sync.Pool{New: func() any { return &signScratch{sha: sha256.New()} }}

// Sign sets FlagSigned in the header that msg starts with and fills its Signature. more are further pieces of the same
// message, in their order; msg holds at least the header. In a compound each message is signed by itself, with the
// padding up to the next one.
func (s *Signer) Sign(msg []byte, more ...[]byte) {
	SetFlags(msg, FlagSigned)
	field := msg[offSignature:HeaderSize]
	clear(field)
	if s.gcm != nil {
		nonce := gmacNonce(msg)
		s.gcm.GMAC((*[gcm.TagSize]byte)(field), nonce[:], msg, more...)
		return
	}
	w := signPool.Get().(*signScratch)
	copy(field, s.compute(w, msg, more))
	signPool.Put(w)
}

// Verify checks the Signature of a message in constant time. The bytes of the Signature field are zeroed meanwhile and
// put back: nobody else may look at the message at that time. Whether a message must be signed is the caller's question.
func (s *Signer) Verify(msg []byte, more ...[]byte) error {
	if len(msg) < HeaderSize {
		return short("signed message", len(msg), HeaderSize)
	}
	field := msg[offSignature:HeaderSize]
	have := [16]byte(field)
	clear(field)
	var ok bool
	if s.gcm != nil {
		var want [gcm.TagSize]byte
		nonce := gmacNonce(msg)
		s.gcm.GMAC(&want, nonce[:], msg, more...)
		ok = subtle.ConstantTimeCompare(have[:], want[:]) == 1
	} else {
		w := signPool.Get().(*signScratch)
		ok = subtle.ConstantTimeCompare(have[:], s.compute(w, msg, more)) == 1
		signPool.Put(w)
	}
	copy(field, have[:])
	if !ok {
		return ErrSignature
	}
	return nil
}

// compute returns the signature of a message whose Signature field is zero, by the algorithms other than AES-GMAC. It lies
// in w.
func (s *Signer) compute(w *signScratch, msg []byte, more [][]byte) []byte {
	if s.alg == SigningHMACSHA256 {
		w.sha.Reset()
		w.sha.Write(s.ipad[:])
		w.sha.Write(msg)
		for _, p := range more {
			w.sha.Write(p)
		}
		inner := w.sha.Sum(w.tag[:0])
		w.sha.Reset()
		w.sha.Write(s.opad[:])
		w.sha.Write(inner)
		return w.sha.Sum(w.tag[:0])[:16]
	}
	w.mac.reset(s.block)
	w.mac.write(msg)
	for _, p := range more {
		w.mac.write(p)
	}
	w.mac.cmac(&s.k1, &s.k2)
	w.mac.block = nil // the pool must not keep keys
	return w.mac.x[:]
}

// gmacNonce is the nonce of MS-SMB2 3.1.4.1: eight bytes MessageID, then 32 bits of which the lowest says that a server
// sends, the next that the message is a CANCEL request.
func gmacNonce(msg []byte) (n [gcm.NonceSize]byte) {
	copy(n[:8], msg[offMessageID:offMessageID+8])
	if le.Uint32(msg[offFlags:])&FlagServerToRedir != 0 {
		n[8] |= 1
	}
	if Command(le.Uint16(msg[12:])) == Cancel {
		n[8] |= 2
	}
	return n
}
