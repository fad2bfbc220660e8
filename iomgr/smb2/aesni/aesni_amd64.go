//go:build !purego

package aesni

import (
	"crypto/fips140"
	"encoding/binary"
	"math/bits"

	"golang.org/x/sys/cpu"
)

// usable says whether this processor, under this system, has what aesni_amd64.s needs. Where the module of the standard
// library has to do all cryptography, it does this too.
var usable = cpu.X86.HasAES && cpu.X86.HasAVX && !fips140.Enabled()

//go:noescape
func cbcmac(round *[15][BlockSize]byte, rounds int, x *[BlockSize]byte, p *byte, blocks int)

//go:noescape
func subWord(w uint32) uint32

// Expand is the key expansion of FIPS 197 section 5.2 for a key of 16 or 32 bytes; it returns the number of rounds, whose
// keys are round[0] to round[rounds]. Words are in the byte order of the processor. It needs the instructions.
func Expand(round *[15][BlockSize]byte, key []byte) (rounds int) {
	nk := len(key) / 4
	rounds = nk + 6
	var w [4 * 15]uint32
	for i := range nk {
		w[i] = binary.LittleEndian.Uint32(key[4*i:])
	}
	rcon := uint32(1)
	for i := nk; i < 4*(rounds+1); i++ {
		t := w[i-1]
		switch {
		case i%nk == 0:
			t = subWord(bits.RotateLeft32(t, -8)) ^ rcon
			rcon = rcon<<1 ^ rcon>>7*0x11b // x^i in the field of AES: no secret
		case nk == 8 && i%nk == 4:
			t = subWord(t)
		}
		w[i] = w[i-nk] ^ t
	}
	for i := range 4 * (rounds + 1) {
		binary.LittleEndian.PutUint32(round[i/4][i%4*4:], w[i])
	}
	return rounds
}
