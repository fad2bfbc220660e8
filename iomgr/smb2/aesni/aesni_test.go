package aesni

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// blocks are the ways to CBCMAC that this machine can show.
func blocks(t testing.TB, key []byte) map[string]*Block {
	t.Helper()
	b, err := New(key)
	if err != nil {
		t.Fatal(err)
	}
	if !usable {
		t.Log("no assembly on this machine")
		return map[string]*Block{"std": b}
	}
	return map[string]*Block{"assembly": b, "std": {Block: b.Block}}
}

// The last block of CBC, from zero, is the CBC-MAC.
func TestCBCMAC(t *testing.T) {
	source := rand.NewChaCha8([32]byte{3})
	for _, keyLen := range []int{16, 24, 32} {
		key := make([]byte, keyLen)
		source.Read(key)
		ref, err := aes.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range blocks(t, key) {
			for n := 0; n <= 200; n++ {
				var start [BlockSize]byte
				source.Read(start[:])
				off := n % 17
				p := make([]byte, off+n*BlockSize)[off:]
				source.Read(p)
				want := start
				if n > 0 {
					out := make([]byte, len(p))
					cipher.NewCBCEncrypter(ref, start[:]).CryptBlocks(out, p)
					want = [BlockSize]byte(out[len(out)-BlockSize:])
				}
				got := start
				if b.CBCMAC(&got, p); got != want {
					t.Fatalf("%s, key of %d, %d blocks: %x, want %x", name, keyLen, n, got, want)
				}
				got = start
				cut := n / 3 * BlockSize
				b.CBCMAC(&got, p[:cut])
				if b.CBCMAC(&got, p[cut:]); got != want {
					t.Fatalf("%s, key of %d, %d blocks in two pieces: %x, want %x", name, keyLen, n, got, want)
				}
			}
		}
	}
}

// FIPS 197 appendix A.1 and A.3, and the last words of the keys of appendix C.1 and C.3.
func TestExpand(t *testing.T) {
	if !usable {
		t.Skip("no assembly on this machine")
	}
	for _, v := range []struct {
		key, last string
		rounds    int
	}{
		{"2b7e151628aed2a6abf7158809cf4f3c", "d014f9a8c9ee2589e13f0cc8b6630ca6", 10},
		{"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "fe4890d1e6188d0b046df344706c631e", 14},
		{"000102030405060708090a0b0c0d0e0f", "13111d7fe3944a17f307a78b4d2b30c5", 10},
		{"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "24fc79ccbf0979e9371ac23c6d68de36", 14},
	} {
		var round [15][BlockSize]byte
		n := Expand(&round, unhex(t, v.key))
		if n != v.rounds || !bytes.Equal(round[n][:], unhex(t, v.last)) {
			t.Errorf("key %s: %d rounds, the last %x, want %d, %s", v.key, n, round[n], v.rounds, v.last)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, n := range []int{0, 15, 33} {
		if _, err := New(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes is taken", n)
		}
	}
	for name, b := range blocks(t, make([]byte, 16)) {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: 17 bytes do not panic", name)
				}
			}()
			b.CBCMAC(new([BlockSize]byte), make([]byte, 17))
		}()
	}
}

func BenchmarkCBCMAC(b *testing.B) {
	for name, c := range blocks(b, make([]byte, 16)) {
		b.Run(name, func(b *testing.B) {
			p, x := make([]byte, 65536), new([BlockSize]byte)
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				c.CBCMAC(x, p)
			}
		})
	}
}
