package smb2

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"

	"lwio/iomgr/smb2/aesni"
)

// ccm is the scratch space of one CCM operation (RFC 3610).
type ccm struct {
	mac    cbcMAC
	ctr    [aes.BlockSize]byte
	stream [aes.BlockSize]byte
	tag    [aes.BlockSize]byte
}

// ccmStreamMin is the message length from which the CTR of the standard library, which works on eight blocks at once but
// costs an allocation, is faster than one block after another.
const ccmStreamMin = 1024

// start computes the first block of the authenticated data and the additional data, whose length is below 0xFF00 and
// not zero. The nonce takes 7 to 13 bytes, the length of the message the others up to 15.
func (c *ccm) start(block *aesni.Block, nonce, aad []byte, n, tagLen int) {
	lenSize := 15 - len(nonce)
	b := &c.stream
	*b = [aes.BlockSize]byte{}
	binary.BigEndian.PutUint64(b[8:], uint64(n))
	b[0] = 0x40 | byte((tagLen-2)/2)<<3 | byte(lenSize-1)
	copy(b[1:], nonce)
	c.mac.reset(block)
	c.mac.write(b[:])
	binary.BigEndian.PutUint16(c.tag[:], uint16(len(aad)))
	c.mac.write(c.tag[:2])
	c.mac.write(aad)
	c.mac.flush()

	c.ctr = [aes.BlockSize]byte{0: byte(lenSize - 1)}
	copy(c.ctr[1:], nonce)
}

// finish turns the MAC into the tag: its first tagLen bytes count.
func (c *ccm) finish(block *aesni.Block) {
	c.mac.flush()
	block.Encrypt(c.stream[:], c.ctr[:]) // counter 0
	subtle.XORBytes(c.tag[:], c.mac.x[:], c.stream[:])
}

// crypt enciphers or deciphers p in place, with the counter from 1 on.
func (c *ccm) crypt(block *aesni.Block, p []byte) {
	iv := c.ctr
	if len(p) >= ccmStreamMin {
		c.ctr[15] = 1
		cipher.NewCTR(block.Block, c.ctr[:]).XORKeyStream(p, p)
		c.ctr = iv
		return
	}
	for i := uint32(1); len(p) > 0; i++ {
		c.ctr[14], c.ctr[15] = byte(i>>8), byte(i)
		block.Encrypt(c.stream[:], c.ctr[:])
		p = p[subtle.XORBytes(p, p, c.stream[:]):]
	}
	c.ctr = iv
}

// seal enciphers p in place and leaves the tag in c.tag.
func (c *ccm) seal(block *aesni.Block, nonce, aad, p []byte, tagLen int) {
	c.start(block, nonce, aad, len(p), tagLen)
	c.mac.write(p)
	c.finish(block)
	c.crypt(block, p)
}

// open deciphers p in place and checks the tag. When it is wrong, p is zeroed.
func (c *ccm) open(block *aesni.Block, nonce, aad, p, tag []byte) bool {
	c.start(block, nonce, aad, len(p), len(tag))
	c.crypt(block, p)
	c.mac.write(p)
	c.finish(block)
	if subtle.ConstantTimeCompare(c.tag[:len(tag)], tag) != 1 {
		clear(p)
		return false
	}
	return true
}
