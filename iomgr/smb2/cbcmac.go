package smb2

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"

	"lwio/iomgr/smb2/aesni"
)

// cbcMAC is the running CBC-MAC that CMAC (RFC 4493) and CCM (RFC 3610) share. A full block is enciphered only once more
// data comes, because CMAC treats the last one differently.
type cbcMAC struct {
	block *aesni.Block
	x     [aes.BlockSize]byte
	pos   int // bytes of the block at hand that are in x
}

func (m *cbcMAC) reset(block *aesni.Block) {
	m.block, m.x, m.pos = block, [aes.BlockSize]byte{}, 0
}

func (m *cbcMAC) write(p []byte) {
	x := m.x[:]
	for len(p) > 0 {
		if m.pos == aes.BlockSize {
			m.block.Encrypt(x, x)
			m.pos = 0
		}
		if m.pos == 0 {
			whole := (len(p) - 1) &^ (aes.BlockSize - 1) // but the last one
			m.block.CBCMAC(&m.x, p[:whole])
			p = p[whole:]
		}
		n := subtle.XORBytes(x[m.pos:], x[m.pos:], p)
		m.pos += n
		p = p[n:]
	}
}

// flush ends the block at hand as if zeros followed: CCM's padding.
func (m *cbcMAC) flush() {
	if m.pos > 0 {
		m.block.Encrypt(m.x[:], m.x[:])
		m.pos = 0
	}
}

// cmacKeys are the subkeys K1 and K2 of RFC 4493 section 2.3.
func cmacKeys(block cipher.Block) (k1, k2 [aes.BlockSize]byte) {
	var l [aes.BlockSize]byte
	s := l[:]
	block.Encrypt(s, s)
	double := func(b [aes.BlockSize]byte) (r [aes.BlockSize]byte) {
		hi, lo := binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])
		carry := hi >> 63
		binary.BigEndian.PutUint64(r[:], hi<<1|lo>>63)
		binary.BigEndian.PutUint64(r[8:], lo<<1^carry*0x87)
		return r
	}
	k1 = double(l)
	return k1, double(k1)
}

// cmac ends a CMAC: x becomes the tag.
func (m *cbcMAC) cmac(k1, k2 *[aes.BlockSize]byte) {
	k := k1
	if m.pos < aes.BlockSize {
		m.x[m.pos] ^= 0x80
		k = k2
	}
	subtle.XORBytes(m.x[:], m.x[:], k[:])
	m.block.Encrypt(m.x[:], m.x[:])
}
