package gcm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"
)

// Sizes in bytes.
const (
	NonceSize = 12
	TagSize   = 16
)

// Errors.
var (
	// ErrKeySize: a key has neither 16 nor 32 bytes.
	ErrKeySize = errors.New("gcm: key size")
	// ErrAuthentication: what is to be opened was not sealed under this key, nonce and additional data.
	ErrAuthentication = errors.New("gcm: message does not authenticate")
)

// maxText is the longest text, 2^32 - 2 blocks: the counter begins at 2 and must not come round (SP 800-38D 5.2.1.1).
const maxText = (1<<32 - 2) * blockSize

const blockSize = aes.BlockSize

type block [blockSize]byte

// AEAD is one key. It may be used by several goroutines at once and allocates nothing, but for what Seal and Open append
// beyond a capacity.
type AEAD struct {
	key key
	std cipher.AEAD // does all where there is no assembly
}

var _ cipher.AEAD = (*AEAD)(nil)

// New returns an AEAD for a key of 16 bytes (AES-128) or 32 (AES-256).
func New(key []byte) (*AEAD, error) {
	if len(key) != 16 && len(key) != 32 {
		return nil, fmt.Errorf("%w: %d bytes, want 16 or 32", ErrKeySize, len(key))
	}
	if !assembly {
		return newStd(key)
	}
	g := new(AEAD)
	g.key.expand(key)
	return g, nil
}

// NonceSize is 12.
func (g *AEAD) NonceSize() int { return NonceSize }

// Overhead is 16.
func (g *AEAD) Overhead() int { return TagSize }

// Seal is that of [cipher.AEAD]: it appends the ciphertext and the tag to dst. To seal in place dst is plaintext[:0]. It
// panics where crypto/cipher does: for a nonce of another length, a plaintext of more than 64 GiB, and if what it
// writes overlaps plaintext otherwise or additionalData at all.
func (g *AEAD) Seal(dst, nonce, plaintext, additionalData []byte) []byte {
	if g.std != nil {
		return g.std.Seal(dst, nonce, plaintext, additionalData)
	}
	checkNonce(nonce)
	checkText(plaintext)
	all, out := extend(dst, len(plaintext)+TagSize)
	checkOverlap(out, plaintext, additionalData)
	g.seal(out, plaintext, (*block)(out[len(plaintext):]), nonce, additionalData)
	return all
}

// Open is that of [cipher.AEAD]: it appends the plaintext to dst. To open in place dst is ciphertext[:0]. When it fails, what
// it has written is zeroed. It panics as Seal does, but refuses a text that is too long.
func (g *AEAD) Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error) {
	if g.std != nil {
		p, err := g.std.Open(dst, nonce, ciphertext, additionalData)
		if err != nil {
			return nil, ErrAuthentication
		}
		return p, nil
	}
	checkNonce(nonce)
	n := len(ciphertext) - TagSize
	if n < 0 || uint64(n) > maxText {
		return nil, ErrAuthentication
	}
	all, out := extend(dst, n)
	checkOverlap(out, ciphertext, additionalData)
	if !g.open(out, ciphertext[:n], (*block)(ciphertext[n:]), nonce, additionalData) {
		clear(out)
		return nil, ErrAuthentication
	}
	return all, nil
}

// SealInPlace enciphers msg where it stands and writes the tag. tag must not overlap msg or additionalData. Where there is no
// assembly it wants TagSize bytes of capacity behind msg, which are the same afterwards, and else copies msg.
func (g *AEAD) SealInPlace(msg []byte, tag *[TagSize]byte, nonce, additionalData []byte) {
	checkNonce(nonce)
	checkText(msg)
	checkOverlap(msg, nil, tag[:])
	checkOverlap(msg, nil, additionalData)
	if g.std != nil {
		sealStd(g.std, msg, tag, nonce, additionalData)
		return
	}
	g.seal(msg, msg, (*block)(tag), nonce, additionalData)
}

// OpenInPlace deciphers msg where it stands. When it fails, msg is zeroed. It wants what SealInPlace wants.
func (g *AEAD) OpenInPlace(msg []byte, tag *[TagSize]byte, nonce, additionalData []byte) error {
	checkNonce(nonce)
	checkText(msg)
	checkOverlap(msg, nil, tag[:])
	checkOverlap(msg, nil, additionalData)
	var ok bool
	if g.std != nil {
		ok = openStd(g.std, msg, tag, nonce, additionalData)
	} else {
		ok = g.open(msg, msg, (*block)(tag), nonce, additionalData)
	}
	if !ok {
		clear(msg)
		return ErrAuthentication
	}
	return nil
}

func (g *AEAD) seal(dst, src []byte, tag *block, nonce, aad []byte) {
	j0 := counterBlock(nonce)
	var sum block
	if len(aad) > 0 {
		hash(&g.key, &sum, &aad[0], len(aad))
	}
	seal(&g.key, &sum, &j0, unsafe.SliceData(dst), unsafe.SliceData(src), len(src), len(aad), tag)
}

func (g *AEAD) open(dst, src []byte, tag *block, nonce, aad []byte) bool {
	j0 := counterBlock(nonce)
	var sum, want block
	if len(aad) > 0 {
		hash(&g.key, &sum, &aad[0], len(aad))
	}
	open(&g.key, &sum, &j0, unsafe.SliceData(dst), unsafe.SliceData(src), len(src), len(aad), &want)
	return subtle.ConstantTimeCompare(want[:], tag[:]) == 1
}

// counterBlock is J0 of SP 800-38D 7.1 step 2, for a nonce of 96 bits.
func counterBlock(nonce []byte) (j0 block) {
	copy(j0[:], nonce)
	binary.BigEndian.PutUint32(j0[NonceSize:], 1)
	return j0
}

// extend returns dst with n bytes more, and these.
func extend(dst []byte, n int) (all, more []byte) {
	if len(dst)+n <= cap(dst) {
		all = dst[:len(dst)+n]
	} else {
		all = make([]byte, len(dst)+n)
		copy(all, dst)
	}
	return all, all[len(dst):]
}

func checkNonce(nonce []byte) {
	if len(nonce) != NonceSize {
		panic("gcm: nonce is not of 12 bytes")
	}
}

func checkText(text []byte) {
	if uint64(len(text)) > maxText {
		panic("gcm: text is too long")
	}
}

// checkOverlap panics unless out and text begin at the same byte or are apart, and out and aad are apart.
func checkOverlap(out, text, aad []byte) {
	if overlap(out, text) && &out[0] != &text[0] || overlap(out, aad) {
		panic("gcm: invalid overlap of buffers")
	}
}

func overlap(a, b []byte) bool {
	return len(a) > 0 && len(b) > 0 &&
		uintptr(unsafe.Pointer(&a[0])) <= uintptr(unsafe.Pointer(&b[len(b)-1])) &&
		uintptr(unsafe.Pointer(&b[0])) <= uintptr(unsafe.Pointer(&a[len(a)-1]))
}
