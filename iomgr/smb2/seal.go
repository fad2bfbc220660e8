package smb2

import (
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"

	"lwio/iomgr/smb2/aesni"
	"lwio/iomgr/smb2/gcm"
)

// Room that a buffer needs around a message to be sealed in place without a copy. The tailroom is for GCM where package gcm
// has to take crypto/cipher: the tag ends up in the header, but is first written behind the message. What stands there
// is put back.
const (
	SealHeadroom = TransformHeaderSize
	SealTailroom = gcm.TagSize
)

// maxSealed is how many messages one key seals: few enough for CCM's bound of 2^61 blocks (RFC 3610 section 5) when each
// message is as long as a frame can be.
const maxSealed = 1 << 40

const (
	nonceCCM = 11
	nonceGCM = gcm.NonceSize
)

// aead is one key of one cipher: gcm for the GCM ciphers, block for the CCM ones.
type aead struct {
	block *aesni.Block
	gcm   *gcm.AEAD
}

func newAEAD(id CipherID, key []byte) (aead, error) {
	want := 16
	switch id {
	case CipherAES128CCM, CipherAES128GCM:
	case CipherAES256CCM, CipherAES256GCM:
		want = 32
	default:
		return aead{}, fmt.Errorf("encryption: %w: cipher %d", ErrKey, id)
	}
	if len(key) != want {
		return aead{}, fmt.Errorf("encryption: %w: key of %d bytes, want %d", ErrKey, len(key), want)
	}
	var a aead
	var err error
	if id == CipherAES128CCM || id == CipherAES256CCM {
		a.block, err = aesni.New(key)
	} else {
		a.gcm, err = gcm.New(key)
	}
	if err != nil {
		return aead{}, fmt.Errorf("encryption: %w", err)
	}
	return a, nil
}

var ccmPool = sync.Pool{New: func() any { return new(ccm) }}

// Sealer encrypts the messages of a session in one direction (MS-SMB2 3.1.4.3). All channels of a session share it,
// because they share the key, and nonces are counted here. It may be used by several goroutines at once.
type Sealer struct {
	aead
	sessionID uint64
	prefix    [4]byte // random; CCM has room for three bytes of it
	sealed    atomic.Uint64
}

// NewSealer returns a Sealer whose messages carry sessionID.
func NewSealer(id CipherID, key []byte, sessionID uint64) (*Sealer, error) {
	a, err := newAEAD(id, key)
	if err != nil {
		return nil, err
	}
	s := &Sealer{aead: a, sessionID: sessionID}
	rand.Read(s.prefix[:]) // never fails
	return s, nil
}

// Seal encrypts b[SealHeadroom:], a message or compound, in place and writes the transform header before it, over
// b[:SealHeadroom]. Without SealTailroom bytes of capacity behind b it may have to copy. It fails only when the key is used up.
func (s *Sealer) Seal(b []byte) error {
	count := s.sealed.Add(1)
	if count > maxSealed {
		s.sealed.Add(^uint64(0)) // stay near the bound: the count must not come round
		return ErrNonceExhausted
	}
	h := TransformHeader{
		OriginalMessageSize: uint32(len(b) - SealHeadroom),
		Flags:               TransformFlagEncrypted,
		SessionID:           s.sessionID,
	}
	n := nonceGCM
	if s.gcm == nil {
		n = nonceCCM
	}
	le.PutUint64(h.Nonce[:], count)
	copy(h.Nonce[8:n], s.prefix[:])
	h.Put(b)
	s.seal(b, n)
	return nil
}

// seal encrypts b[SealHeadroom:] under the transform header that stands before it and fills its Signature.
func (a *aead) seal(b []byte, nonceLen int) {
	nonce := b[offTransformNonce : offTransformNonce+nonceLen]
	aad := b[offTransformNonce:TransformHeaderSize]
	msg := b[TransformHeaderSize:]
	tag := b[4:20]
	if a.gcm == nil {
		c := ccmPool.Get().(*ccm)
		c.seal(a.block, nonce, aad, msg, len(tag))
		copy(tag, c.tag[:])
		c.mac.block = nil
		ccmPool.Put(c)
		return
	}
	a.gcm.SealInPlace(msg, (*[gcm.TagSize]byte)(tag), nonce, aad)
}

// Opener decrypts the messages of a session in one direction (MS-SMB2 3.1.5.2). It may be used by several goroutines at
// once.
type Opener struct {
	aead
}

// NewOpener returns an Opener.
func NewOpener(id CipherID, key []byte) (*Opener, error) {
	a, err := newAEAD(id, key)
	if err != nil {
		return nil, err
	}
	return &Opener{aead: a}, nil
}

// Open decrypts a frame that starts with a transform header, in place, and returns the message. Without SealTailroom bytes
// of capacity behind the frame it may have to copy. Which session's Opener to take, the caller learns by ParseTransformHeader.
// A frame that does not authenticate is destroyed.
func (o *Opener) Open(frame []byte) ([]byte, error) {
	h, err := ParseTransformHeader(frame)
	if err != nil {
		return nil, err
	}
	if h.Flags != TransformFlagEncrypted {
		return nil, fmt.Errorf("transform header: Flags: %w: %#x", ErrValue, h.Flags)
	}
	if n := len(frame) - TransformHeaderSize; n == 0 || uint64(h.OriginalMessageSize) != uint64(n) {
		return nil, fmt.Errorf("transform header: OriginalMessageSize: %w: %d of %d", ErrBounds, h.OriginalMessageSize, n)
	}
	aad := frame[offTransformNonce:TransformHeaderSize]
	tag := frame[4:20]
	msg := frame[TransformHeaderSize:]
	if o.gcm == nil {
		c := ccmPool.Get().(*ccm)
		ok := c.open(o.block, aad[:nonceCCM], aad, msg, tag)
		c.mac.block = nil
		ccmPool.Put(c)
		if !ok {
			return nil, ErrDecrypt
		}
		return msg, nil
	}
	if o.gcm.OpenInPlace(msg, (*[gcm.TagSize]byte)(tag), aad[:nonceGCM], aad) != nil {
		return nil, ErrDecrypt
	}
	return msg, nil
}
