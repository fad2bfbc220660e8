package krb5

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"hash"
)

// errIntegrity says that a ciphertext was not made with the key, or was changed.
var errIntegrity = errors.New("wrong key or changed in transit")

const aesConfounder = aes.BlockSize

var zeroIV [aes.BlockSize]byte

// aesCrypt encrypts and decrypts for one key usage (RFC 3962 section 6, RFC 8009 section 5). Its keys are derived once; it is for one
// goroutine at a time.
type aesCrypt struct {
	block    cipher.Block
	enc, dec cipher.BlockMode
	mac      hash.Hash
	macLen   int
	sha2     bool
	sum      [64]byte // scratch, so that a message allocates nothing
	last     [aes.BlockSize]byte
}

func newAESCrypt(k EncryptionKey, usage uint32) *aesCrypt {
	p := k.Type.params()
	block, err := aes.NewCipher(k.derive(usage, deriveEncryption))
	if err != nil {
		panic("krb5: AES key of no valid length") // keys are checked where they come in
	}
	h := p.hash
	return &aesCrypt{block: block, mac: hmac.New(h, k.derive(usage, deriveIntegrity)), macLen: p.mac, sha2: p.sha2}
}

// setIV starts a mode at the zero vector. The modes of crypto/aes can be used again; those that cannot are made anew.
func (c *aesCrypt) setIV(mode *cipher.BlockMode, make func(cipher.Block, []byte) cipher.BlockMode) cipher.BlockMode {
	if m, ok := (*mode).(interface{ SetIV([]byte) }); ok {
		m.SetIV(zeroIV[:])
		return *mode
	}
	*mode = make(c.block, zeroIV[:])
	return *mode
}

// encrypt is AES in CBC mode with ciphertext stealing, in place, at least one block (RFC 3962 section 5).
func (c *aesCrypt) encrypt(b []byte) {
	full := (len(b) - 1) / aes.BlockSize * aes.BlockSize
	mode := c.setIV(&c.enc, cipher.NewCBCEncrypter)
	if full == 0 {
		mode.CryptBlocks(b, b)
		return
	}
	mode.CryptBlocks(b[:full], b[:full])
	tail, prev := b[full:], b[full-aes.BlockSize:full]
	c.last = [aes.BlockSize]byte{}
	copy(c.last[:], tail)
	subtle.XORBytes(c.last[:], c.last[:], prev)
	copy(tail, prev)
	c.block.Encrypt(prev, c.last[:])
}

// decrypt reverses encrypt.
func (c *aesCrypt) decrypt(b []byte) {
	full := (len(b) - 1) / aes.BlockSize * aes.BlockSize
	if full == 0 {
		c.setIV(&c.dec, cipher.NewCBCDecrypter).CryptBlocks(b, b)
		return
	}
	tail, prev := b[full:], b[full-aes.BlockSize:full]
	c.block.Decrypt(c.last[:], prev)
	n := copy(prev, tail)
	subtle.XORBytes(tail, tail, c.last[:])
	copy(prev[n:], c.last[n:])
	c.setIV(&c.dec, cipher.NewCBCDecrypter).CryptBlocks(b[:full], b[:full])
}

// begin starts the authentication of a message.
func (c *aesCrypt) begin() hash.Hash {
	c.mac.Reset()
	if c.sha2 {
		c.mac.Write(zeroIV[:])
	}
	return c.mac
}

// tag ends it.
func (c *aesCrypt) tag() []byte { return c.mac.Sum(c.sum[:0])[:c.macLen] }

// overhead is what encryption adds.
func (k EncryptionKey) overhead() int {
	if k.Type == RC4HMAC {
		return rc4Confounder + 16
	}
	return aesConfounder + k.Type.params().mac
}

// encrypt encrypts and authenticates plain. The key has to be valid.
func (k EncryptionKey) encrypt(usage uint32, plain []byte) []byte {
	if k.Type == RC4HMAC {
		return rc4Encrypt(k.Value, usage, plain)
	}
	c := newAESCrypt(k, usage)
	b := make([]byte, aesConfounder+len(plain), len(plain)+k.overhead())
	rand.Read(b[:aesConfounder])
	copy(b[aesConfounder:], plain)
	if c.sha2 {
		c.encrypt(b)
		c.begin().Write(b)
		return append(b, c.tag()...)
	}
	c.begin().Write(b)
	c.encrypt(b)
	return append(b, c.tag()...)
}

// decrypt reverses encrypt. The result is its own memory.
func (k EncryptionKey) decrypt(usage uint32, b []byte) ([]byte, error) {
	if len(b) < k.overhead() {
		return nil, errIntegrity
	}
	if k.Type == RC4HMAC {
		return rc4Decrypt(k.Value, usage, b)
	}
	c := newAESCrypt(k, usage)
	at := len(b) - c.macLen
	plain := append([]byte(nil), b[:at]...)
	if c.sha2 {
		c.begin().Write(plain)
		c.decrypt(plain)
	} else {
		c.decrypt(plain)
		c.begin().Write(plain)
	}
	if subtle.ConstantTimeCompare(c.tag(), b[at:]) != 1 {
		return nil, errIntegrity
	}
	return plain[aesConfounder:], nil
}

// checksum is the keyed checksum of the key's type (RFC 3961 section 5.4, RFC 8009 section 6, RFC 4757 section 4).
func (k EncryptionKey) checksum(usage uint32, data []byte) []byte {
	if k.Type == RC4HMAC {
		return rc4Checksum(k.Value, usage, data)
	}
	mac := hmac.New(k.Type.params().hash, k.derive(usage, deriveChecksum))
	mac.Write(data)
	return mac.Sum(nil)[:k.Type.params().mac]
}

// verifyChecksum compares in constant time.
func (k EncryptionKey) verifyChecksum(usage uint32, data, sum []byte) bool {
	return subtle.ConstantTimeCompare(k.checksum(usage, data), sum) == 1
}
