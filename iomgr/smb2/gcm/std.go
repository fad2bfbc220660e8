package gcm

import (
	"crypto/aes"
	"crypto/cipher"
	"sync"
)

// newStd returns an AEAD on crypto/cipher.
func newStd(key []byte) (*AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	std, err := cipher.NewGCM(b)
	if err != nil {
		return nil, err
	}
	return &AEAD{std: std}, nil
}

// sealStd is SealInPlace. The tag is first written behind the message.
func sealStd(std cipher.AEAD, msg []byte, tag *[TagSize]byte, nonce, aad []byte) {
	tail, saved := saveTail(msg)
	out := std.Seal(msg[:0], nonce, msg, aad)
	copy(tag[:], out[len(msg):])
	if tail == nil {
		copy(msg, out)
	} else {
		copy(tail, saved[:])
	}
}

// openStd is OpenInPlace, but for the zeroing where it has to copy.
func openStd(std cipher.AEAD, msg []byte, tag *[TagSize]byte, nonce, aad []byte) bool {
	tail, saved := saveTail(msg)
	if tail == nil {
		in := append(append(make([]byte, 0, len(msg)+TagSize), msg...), tag[:]...)
		_, err := std.Open(msg[:0], nonce, in, aad)
		return err == nil
	}
	copy(tail, tag[:])
	_, err := std.Open(msg[:0], nonce, msg[:len(msg)+TagSize], aad)
	copy(tail, saved[:])
	return err == nil
}

// saveTail returns the room for a tag behind msg and what stands in it; nil when there is too little.
func saveTail(msg []byte) (tail []byte, saved [TagSize]byte) {
	if cap(msg)-len(msg) < TagSize {
		return nil, saved
	}
	tail = msg[len(msg) : len(msg)+TagSize]
	copy(saved[:], tail)
	return tail, saved
}

// gmacScratch is what crypto/cipher needs in memory that outlives the call.
type gmacScratch struct {
	nonce  [NonceSize]byte
	tag    [TagSize]byte
	gather []byte
}

var gmacPool = sync.Pool{New: func() any { return new(gmacScratch) }}

// gatherMax is the largest gathering buffer that goes back to the pool.
const gatherMax = 1 << 20

func gmacStd(std cipher.AEAD, tag *[TagSize]byte, nonce, msg []byte, more [][]byte) {
	w := gmacPool.Get().(*gmacScratch)
	copy(w.nonce[:], nonce)
	if len(more) > 0 {
		w.gather = append(w.gather[:0], msg...)
		for _, p := range more {
			w.gather = append(w.gather, p...)
		}
		msg = w.gather
	}
	std.Seal(w.tag[:0], w.nonce[:], nil, msg)
	*tag = w.tag
	if cap(w.gather) > gatherMax {
		w.gather = nil
	}
	gmacPool.Put(w)
}
