// Package aesni is AES by the instructions of the processor, as far as the standard library does not have it: CBC-MAC
// without a call for each block, which AES-CMAC (RFC 4493) and AES-CCM (RFC 3610) are made of, and the expanded keys,
// which the assembly of package gcm needs. On amd64 processors without the instructions, on other architectures and in FIPS
// 140 mode CBC-MAC is a loop over crypto/aes.
//
//	b, err := aesni.New(key)
//	var x [16]byte
//	b.CBCMAC(&x, message) // whole blocks
//
// It is no message authentication by itself: what comes before the first block and after the last one is the business
// of CMAC and CCM in package smb2. Each block waits for the one before, so a byte takes ten times what it takes GMAC.
package aesni

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

// BlockSize of AES in bytes.
const BlockSize = aes.BlockSize

// Block is AES with one key. It may be used by several goroutines at once.
type Block struct {
	cipher.Block // of crypto/aes, which the modes of crypto/cipher know
	round        [15][BlockSize]byte
	rounds       int // zero where crypto/aes does all
}

// New returns the Block of a key of 16 or 32 bytes. Its error is that of [aes.NewCipher].
func New(key []byte) (*Block, error) {
	std, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	b := &Block{Block: std}
	if usable && len(key) != 24 {
		b.rounds = Expand(&b.round, key)
	}
	return b, nil
}

// CBCMAC adds each block of p to x and enciphers x. p holds whole blocks; it panics otherwise.
func (b *Block) CBCMAC(x *[BlockSize]byte, p []byte) {
	if len(p)%BlockSize != 0 {
		panic("aesni: not whole blocks")
	}
	if b.rounds > 0 {
		if len(p) > 0 {
			cbcmac(&b.round, b.rounds, x, &p[0], len(p)/BlockSize)
		}
		return
	}
	for ; len(p) > 0; p = p[BlockSize:] {
		subtle.XORBytes(x[:], x[:], p[:BlockSize])
		b.Encrypt(x[:], x[:])
	}
}
