package netlogon

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
)

// Flags that are negotiated (MS-NRPC 3.1.4.2).
const (
	FlagAES       = 0x01000000 // W: AES and SHA-2
	FlagSecureRPC = 0x40000000 // Y: the RPC of the channel is signed and sealed
	// Flags is what a member proposes: what Windows of this century proposes.
	Flags = 0x612FFFFF
)

// Key is the session key of a secure channel.
type Key [16]byte

// SessionKey makes the key of the NT hash of the machine's password and both challenges (MS-NRPC 3.1.4.3.1).
func SessionKey(ntHash [16]byte, client, server [8]byte) (k Key) {
	mac := hmac.New(sha256.New, ntHash[:])
	mac.Write(client[:])
	mac.Write(server[:])
	copy(k[:], mac.Sum(nil))
	return k
}

// Credential is the Netlogon credential of a challenge (MS-NRPC 3.1.4.4.1).
func (k Key) Credential(challenge [8]byte) [8]byte {
	k.Encrypt(challenge[:])
	return challenge
}

// Encrypt encrypts b in place, as passwords and session keys are in calls of a channel (MS-NRPC 3.1.4.4.1, 3.4.5.2.5).
func (k Key) Encrypt(b []byte) { newCFB8(k[:], nil).encrypt(b) }

// Decrypt reverses Encrypt.
func (k Key) Decrypt(b []byte) { newCFB8(k[:], nil).decrypt(b) }

// Chain is a member's half of the authenticators of a channel (MS-NRPC 3.1.4.5). One call at a time may use it.
type Chain struct {
	key    Key
	stored [8]byte
}

// NewChain begins with the credential that the client authenticated by.
func NewChain(key Key, clientChallenge [8]byte) *Chain {
	return &Chain{key, key.Credential(clientChallenge)}
}

// Next is the authenticator of the next call at a time, in seconds.
func (c *Chain) Next(timestamp uint32) (credential [8]byte) {
	c.add(timestamp)
	return c.key.Credential(c.stored)
}

// Verify checks the return authenticator of that call.
func (c *Chain) Verify(returned [8]byte) bool {
	c.add(1)
	want := c.key.Credential(c.stored)
	return subtle.ConstantTimeCompare(want[:], returned[:]) == 1
}

func (c *Chain) add(n uint32) {
	binary.LittleEndian.PutUint32(c.stored[:], binary.LittleEndian.Uint32(c.stored[:])+n)
}

// cfb8 is AES-128 in 8-bit cipher feedback mode.
type cfb8 struct {
	block cipher.Block
	reg   [aes.BlockSize]byte
}

// newCFB8 begins at iv; nil is zeros.
func newCFB8(key, iv []byte) *cfb8 {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("netlogon: AES key of no valid length") // all keys are arrays of 16
	}
	c := &cfb8{block: block}
	copy(c.reg[:], iv)
	return c
}

func (c *cfb8) encrypt(b []byte) {
	var out [aes.BlockSize]byte
	for i := range b {
		c.block.Encrypt(out[:], c.reg[:])
		b[i] ^= out[0]
		c.shift(b[i])
	}
}

func (c *cfb8) decrypt(b []byte) {
	var out [aes.BlockSize]byte
	for i := range b {
		c.block.Encrypt(out[:], c.reg[:])
		in := b[i]
		b[i] ^= out[0]
		c.shift(in)
	}
}

func (c *cfb8) shift(in byte) {
	copy(c.reg[:], c.reg[1:])
	c.reg[len(c.reg)-1] = in
}
