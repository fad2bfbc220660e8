//go:build !purego

package gcm

import (
	"crypto/fips140"
	"encoding/binary"

	"golang.org/x/sys/cpu"

	"lwio/iomgr/smb2/aesni"
)

// assembly says whether this processor, under this system, has what gcm_amd64.s needs. Where the module of the standard
// library has to do all cryptography, it does this too.
var assembly = cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ && cpu.X86.HasBMI2 &&
	cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL &&
	cpu.X86.HasAVX512VAES && cpu.X86.HasAVX512VPCLMULQDQ && !fips140.Enabled()

// A key is what is computed of a key once. gcm_amd64.s knows the offsets. A power of the hash key H stands with its bytes
// reversed and multiplied by x; the powers from the seventeenth to the first are in one row, so that those of the last
// blocks of any message are too. Registers of four powers are loaded that begin as late as at the first one and take what
// follows it for data that is zero: 240 bytes of round keys.
type key struct {
	h32, h28, h24, h20 block
	h                  [17]block // h[17-n] is the power n
	round              [15][blockSize]byte
	last               block // the last round key of either size
	long               uint64
}

//go:noescape
func seal(k *key, sum *block, j0 *block, dst, src *byte, n, aad int, tag *block)

//go:noescape
func open(k *key, sum *block, j0 *block, dst, src *byte, n, aad int, tag *block)

//go:noescape
func hash(k *key, sum *block, p *byte, n int)

//go:noescape
func mac(k *key, sum *block, j0 *block, p *byte, n, aad int, tag *block)

//go:noescape
func multiply(dst, a, b *block)

//go:noescape
func encrypt(k *key, dst, src *block)

// expand fills k for an AES key of 16 or 32 bytes.
func (k *key) expand(aes []byte) {
	rounds := aesni.Expand(&k.round, aes)
	k.last = k.round[rounds]
	if rounds == 14 {
		k.long = 1
	}

	var h block
	encrypt(k, &h, &h)
	power := func(n int) *block { return &k.h[17-n] }
	timesX(power(1), &h)
	for n := 2; n <= 17; n++ {
		multiply(power(n), power(n-1), power(1))
	}
	multiply(&k.h20, power(16), power(4))
	multiply(&k.h24, &k.h20, power(4))
	multiply(&k.h28, &k.h24, power(4))
	multiply(&k.h32, &k.h28, power(4))
}

// timesX sets d to the hash key h, multiplied by x, in the representation of type key.
func timesX(d, h *block) {
	hi, lo := binary.BigEndian.Uint64(h[:]), binary.BigEndian.Uint64(h[8:])
	over := -(hi >> 63)
	hi, lo = hi<<1|lo>>63, lo<<1
	binary.LittleEndian.PutUint64(d[:], lo^over&1)
	binary.LittleEndian.PutUint64(d[8:], hi^over&0xc200000000000000)
}
