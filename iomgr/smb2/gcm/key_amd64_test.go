//go:build !purego

package gcm

import (
	"bytes"
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"testing"
)

// FIPS 197 appendix A: the last words of the expanded keys of A.1 and A.3, and the blocks of appendix C.
func TestSchedule(t *testing.T) {
	if !assembly {
		t.Skip("no assembly on this machine")
	}
	for _, v := range []struct{ key, last, plain, cipher string }{
		{"2b7e151628aed2a6abf7158809cf4f3c", "d014f9a8c9ee2589e13f0cc8b6630ca6",
			"3243f6a8885a308d313198a2e0370734", "3925841d02dc09fbdc118597196a0b32"},
		{"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "fe4890d1e6188d0b046df344706c631e", "", ""},
		{"000102030405060708090a0b0c0d0e0f", "13111d7fe3944a17f307a78b4d2b30c5",
			"00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"},
		{"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "24fc79ccbf0979e9371ac23c6d68de36",
			"00112233445566778899aabbccddeeff", "8ea2b7ca516745bfeafc49904b496089"},
	} {
		var k key
		k.expand(unhex(t, v.key))
		if want := unhex(t, v.last); !bytes.Equal(k.last[:], want) {
			t.Errorf("key %s: last round key %x, want %x", v.key, k.last, want)
		}
		if v.plain == "" {
			continue
		}
		b := block(unhex(t, v.plain))
		if encrypt(&k, &b, &b); !bytes.Equal(b[:], unhex(t, v.cipher)) {
			t.Errorf("key %s: %x, want %s", v.key, b, v.cipher)
		}
	}
}

// The counter is the lowest 32 bits alone (inc32 of SP 800-38D 6.2). With the first value 1 it never comes round; that it
// would not touch the nonce is tested with others.
func TestCounterComesRound(t *testing.T) {
	if !assembly {
		t.Skip("no assembly on this machine")
	}
	aesKey := random(16)
	b, err := aes.NewCipher(aesKey)
	if err != nil {
		t.Fatal(err)
	}
	var k key
	k.expand(aesKey)
	for _, first := range []uint32{0, 0xFF, 0xFFFF, 1<<31 - 3, 1<<32 - 40, 1<<32 - 17, 1<<32 - 16, 1<<32 - 5, 1<<32 - 2, 1<<32 - 1} {
		for _, n := range []int{16, 100, 256, 300, 1200} {
			j0 := counterBlock(random(NonceSize))
			binary.BigEndian.PutUint32(j0[NonceSize:], first)
			plain, want := random(n), make([]byte, n)
			for i := 0; i < n; i += blockSize {
				ctr := j0
				binary.BigEndian.PutUint32(ctr[NonceSize:], first+1+uint32(i/blockSize))
				b.Encrypt(ctr[:], ctr[:])
				subtle.XORBytes(want[i:], plain[i:], ctr[:])
			}
			got, tag, sum := make([]byte, n), block{}, block{}
			seal(&k, &sum, &j0, &got[0], &plain[0], n, 0, &tag)
			if !bytes.Equal(got, want) {
				t.Fatalf("first counter %#x, %d bytes: seal differs", first, n)
			}
			again, check := make([]byte, n), block{}
			sum = block{}
			open(&k, &sum, &j0, &again[0], &got[0], n, 0, &check)
			if !bytes.Equal(again, plain) || check != tag {
				t.Fatalf("first counter %#x, %d bytes: open differs", first, n)
			}
		}
	}
}
