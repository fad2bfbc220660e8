package gcm

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// makers are the implementations that this machine can show.
func makers() map[string]func(key []byte) (*AEAD, error) {
	m := map[string]func([]byte) (*AEAD, error){"std": newStd}
	if assembly {
		m["assembly"] = New
	}
	return m
}

// each runs a test on every implementation.
func each(t *testing.T, f func(t *testing.T, make func(key []byte) *AEAD)) {
	for name, make := range makers() {
		t.Run(name, func(t *testing.T) {
			f(t, func(key []byte) *AEAD {
				t.Helper()
				g, err := make(key)
				if err != nil {
					t.Fatal(err)
				}
				return g
			})
		})
	}
	if !assembly {
		t.Log("no assembly on this machine")
	}
}

// reference is the AEAD of the standard library.
func reference(t testing.TB, key []byte) cipher.AEAD {
	t.Helper()
	b, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	g, err := cipher.NewGCM(b)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var source = rand.NewChaCha8([32]byte{1})

func random(n int) []byte {
	b := make([]byte, n)
	source.Read(b)
	return b
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Test cases 1 to 4 and 13 to 16 of the specification of GCM that was submitted to NIST: those with nonces of 96 bits.
func TestVectors(t *testing.T) {
	const (
		long  = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
		key   = "feffe9928665731c6d6a8f9467308308"
		nonce = "cafebabefacedbaddecaf888"
		aad   = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
		zero  = "00000000000000000000000000000000"
		none  = "000000000000000000000000"
	)
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		for i, v := range []struct{ key, nonce, plain, aad, cipher, tag string }{
			{zero, none, "", "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
			{zero, none, zero, "", "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"},
			{key, nonce, long, "", "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e" +
				"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985", "4d5c2af327cd64a62cf35abd2ba6fab4"},
			{key, nonce, long[:120], aad, "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e" +
				"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091", "5bc94fbc3221a5db94fae95ae7121a47"},
			{zero + zero, none, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
			{zero + zero, none, zero, "", "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
			{key + key, nonce, long, "", "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
				"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad", "b094dac5d93471bdec1a502270e3cc6c"},
			{key + key, nonce, long[:120], aad, "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
				"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662", "76fc6ece0f4e1768cddf8853bb2d551b"},
		} {
			g := make(unhex(t, v.key))
			want := unhex(t, v.cipher+v.tag)
			if got := g.Seal(nil, unhex(t, v.nonce), unhex(t, v.plain), unhex(t, v.aad)); !bytes.Equal(got, want) {
				t.Errorf("vector %d: %x, want %x", i, got, want)
			}
			if got, err := g.Open(nil, unhex(t, v.nonce), want, unhex(t, v.aad)); err != nil || !bytes.Equal(got, unhex(t, v.plain)) {
				t.Errorf("vector %d opens to %x, %v", i, got, err)
			}
		}
	})
}

// Every length of text up to several steps, with additional data of lengths around blocks and steps, apart and in
// place, at alignments that go round.
func TestLengths(t *testing.T) {
	last := 2100
	if testing.Short() {
		last = 600
	}
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		for _, keyLen := range []int{16, 32} {
			key := random(keyLen)
			g, ref := make(key), reference(t, key)
			for n := 0; n <= last; n++ {
				aad := random([]int{0, 1, 15, 16, 17, 32, 255, 256, 257, 300, 511, 512, 769, 1300}[n%14])
				check(t, g, ref, n, aad, n%67, n%71)
			}
		}
	})
}

func TestAlignments(t *testing.T) {
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		key := random(16)
		g, ref := make(key), reference(t, key)
		for from := range 64 {
			for _, to := range []int{0, 1, 16, 63, from} {
				for _, n := range []int{77, 512, 1000} {
					check(t, g, ref, n, random(32), from, to)
				}
			}
		}
	})
}

// Every length of additional data, which is also every length of a message of one piece under GMAC.
func TestAdditionalData(t *testing.T) {
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		key := random(32)
		g, ref := make(key), reference(t, key)
		for n := range 2100 {
			nonce, aad := random(NonceSize), random(n)
			want := [TagSize]byte(ref.Seal(nil, nonce, nil, aad))
			if got := [TagSize]byte(g.Seal(nil, nonce, nil, aad)); got != want {
				t.Fatalf("%d bytes of additional data: %x, want %x", n, got, want)
			}
			var got [TagSize]byte
			if g.GMAC(&got, nonce, aad); got != want {
				t.Fatalf("GMAC of %d bytes: %x, want %x", n, got, want)
			}
		}
	})
}

func TestLong(t *testing.T) {
	for name := range makers() {
		t.Log(name)
	}
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		for _, keyLen := range []int{16, 32} {
			key := random(keyLen)
			check(t, make(key), reference(t, key), 8<<20+137, random(52), 3, 5)
		}
	})
}

// check compares g with ref on one text of n bytes that lies off a border of 64 bytes by from, and its ciphertext by to.
func check(t *testing.T, g *AEAD, ref cipher.AEAD, n int, aad []byte, from, to int) {
	t.Helper()
	const room = 128
	what := fmt.Sprintf("%d bytes, %d of additional data, from %d to %d", n, len(aad), from, to)
	nonce := random(NonceSize)
	plain := random(from + n)[from:]
	want := ref.Seal(nil, nonce, plain, aad)

	fence := random(to + n + TagSize + room)
	out := bytes.Clone(fence)
	got := g.Seal(out[:to], nonce, plain, aad)
	if !bytes.Equal(got[to:], want) || !bytes.Equal(got[:to], fence[:to]) || &got[:1][0] != &out[0] {
		t.Fatalf("%s: Seal differs", what)
	}
	if end := to + n + TagSize; !bytes.Equal(out[end:], fence[end:]) {
		t.Fatalf("%s: Seal writes behind its end", what)
	}
	out = bytes.Clone(fence)
	if got, err := g.Open(out[:to], nonce, want, aad); err != nil || !bytes.Equal(got[to:], plain) || !bytes.Equal(got[:to], fence[:to]) {
		t.Fatalf("%s: Open differs: %v", what, err)
	}
	if !bytes.Equal(out[to+n:], fence[to+n:]) {
		t.Fatalf("%s: Open writes behind its end", what)
	}

	in := append(make([]byte, from, from+n+room), plain...)
	if got := g.Seal(in[from:from], nonce, in[from:], aad); !bytes.Equal(got, want) {
		t.Fatalf("%s: Seal in place differs", what)
	}
	if got, err := g.Open(in[from:from], nonce, in[from:from+n+TagSize], aad); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%s: Open in place differs: %v", what, err)
	}

	for _, tail := range []int{0, TagSize - 1, TagSize} {
		in := append(make([]byte, from, from+n+tail), plain...)
		behind := in[len(in):cap(in)]
		copy(behind, fence)
		var tag [TagSize]byte
		g.SealInPlace(in[from:], &tag, nonce, aad)
		if !bytes.Equal(in[from:], want[:n]) || !bytes.Equal(tag[:], want[n:]) {
			t.Fatalf("%s: SealInPlace differs", what)
		}
		if err := g.OpenInPlace(in[from:], &tag, nonce, aad); err != nil || !bytes.Equal(in[from:], plain) {
			t.Fatalf("%s: OpenInPlace differs: %v", what, err)
		}
		if !bytes.Equal(behind, fence[:len(behind)]) {
			t.Fatalf("%s: what stands behind the message has changed", what)
		}
	}
}

// A message in pieces, cut at random and at the borders of blocks, empty pieces among them.
func TestPieces(t *testing.T) {
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		key := random(16)
		g, ref := make(key), reference(t, key)
		rnd := rand.New(source)
		for range 3000 {
			n := rnd.IntN(3000)
			msg, nonce := random(n), random(NonceSize)
			var pieces [][]byte
			for rest := msg; ; {
				c := rnd.IntN(len(rest) + 1)
				switch rnd.IntN(4) {
				case 0:
					c &^= 15
				case 1:
					c = min(c, 20)
				}
				pieces = append(pieces, rest[:c])
				if rest = rest[c:]; len(rest) == 0 {
					break
				}
			}
			want := ref.Seal(nil, nonce, nil, msg)
			var tag [TagSize]byte
			if g.GMAC(&tag, nonce, pieces[0], pieces[1:]...); !bytes.Equal(tag[:], want) {
				var cuts []int
				for _, p := range pieces {
					cuts = append(cuts, len(p))
				}
				t.Fatalf("pieces of %d: %x, want %x", cuts, tag, want)
			}
		}
		var tag [TagSize]byte
		nonce := random(NonceSize)
		if g.GMAC(&tag, nonce, nil, nil, nil); !bytes.Equal(tag[:], ref.Seal(nil, nonce, nil, nil)) {
			t.Errorf("no bytes in three pieces: %x", tag)
		}
	})
}

// SMB puts the signature into the message that it signs.
func TestTagInMessage(t *testing.T) {
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		key := random(16)
		g, ref := make(key), reference(t, key)
		msg, nonce := random(100), random(NonceSize)
		want := ref.Seal(nil, nonce, nil, msg)
		if g.GMAC((*[TagSize]byte)(msg[48:]), nonce, msg); !bytes.Equal(msg[48:64], want) {
			t.Errorf("%x, want %x", msg[48:64], want)
		}
	})
}

// A byte spoilt anywhere is noticed, and nothing of the text is left.
func TestTampered(t *testing.T) {
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		g := make(random(16))
		for _, n := range []int{0, 1, 16, 100, 256, 700} {
			nonce, aad, plain := random(NonceSize), random(40), random(n)
			sealed := g.Seal(nil, nonce, plain, aad)
			for _, field := range [][]byte{sealed, aad, nonce} {
				for i := range field {
					field[i] ^= 1 << (i % 8)
					dst := bytes.Repeat([]byte{7}, n+5)
					if p, err := g.Open(dst[:5], nonce, sealed, aad); !errors.Is(err, ErrAuthentication) || p != nil {
						t.Fatalf("%d bytes, byte %d of %d spoilt: %x, %v", n, i, len(field), p, err)
					}
					if !bytes.Equal(dst[:5], []byte{7, 7, 7, 7, 7}) || !bytes.Equal(dst[5:], bytes.Repeat([]byte{0}, n)) {
						t.Fatalf("%d bytes, byte %d of %d spoilt: %x is left", n, i, len(field), dst)
					}
					for _, tail := range []int{0, TagSize} {
						msg := append(bytes.Clone(sealed[:n]), bytes.Repeat([]byte{9}, tail)...)[:n]
						if err := g.OpenInPlace(msg, (*[TagSize]byte)(sealed[n:]), nonce, aad); !errors.Is(err, ErrAuthentication) {
							t.Fatalf("%d bytes, byte %d of %d spoilt: in place: %v", n, i, len(field), err)
						}
						if !bytes.Equal(msg, bytes.Repeat([]byte{0}, n)) {
							t.Fatalf("%d bytes, byte %d of %d spoilt: in place: %x is left", n, i, len(field), msg)
						}
					}
					field[i] ^= 1 << (i % 8)
				}
			}
			for short := range TagSize {
				if _, err := g.Open(nil, nonce, sealed[:short], aad); !errors.Is(err, ErrAuthentication) {
					t.Errorf("%d bytes: %v", short, err)
				}
			}
		}
	})
}

func TestConcurrent(t *testing.T) {
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		key := random(16)
		g, ref := make(key), reference(t, key)
		nonce, plain, aad := random(NonceSize), random(1000), random(32)
		want, mac := ref.Seal(nil, nonce, plain, aad), ref.Seal(nil, nonce, nil, plain)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 200 {
					var tag [TagSize]byte
					g.GMAC(&tag, nonce, plain[:300], plain[300:])
					if !bytes.Equal(g.Seal(nil, nonce, plain, aad), want) || !bytes.Equal(tag[:], mac) {
						t.Error("differs")
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestPanics(t *testing.T) {
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		g := make(random(16))
		b := random(200)
		var tag [TagSize]byte
		nonce := b[180:192]
		for name, f := range map[string]func(){
			"Seal, nonce":           func() { g.Seal(nil, b[:11], b, nil) },
			"Open, nonce":           func() { g.Open(nil, b[:13], b, nil) },
			"SealInPlace, nonce":    func() { g.SealInPlace(b, &tag, b[:11], nil) },
			"OpenInPlace, nonce":    func() { g.OpenInPlace(b, &tag, b[:11], nil) },
			"GMAC, nonce":           func() { g.GMAC(&tag, b[:11], b) },
			"Seal, text":            func() { g.Seal(b[1:1], nonce, b[:50], nil) },
			"Seal, text below":      func() { g.Seal(b[:0], nonce, b[10:60], nil) },
			"Seal, additional data": func() { g.Seal(b[:0], nonce, b[:50], b[60:70]) },
			"Open, text":            func() { g.Open(b[1:1], nonce, b[:50], nil) },
			"Open, additional data": func() { g.Open(b[:0], nonce, b[:50], b[30:40]) },
			"SealInPlace, tag":      func() { g.SealInPlace(b[:50], (*[TagSize]byte)(b[40:]), nonce, nil) },
			"OpenInPlace, tag":      func() { g.OpenInPlace(b[:50], (*[TagSize]byte)(b[40:]), nonce, nil) },
			"SealInPlace, data":     func() { g.SealInPlace(b[:50], &tag, nonce, b[49:60]) },
			"OpenInPlace, data":     func() { g.OpenInPlace(b[:50], &tag, nonce, b[49:60]) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: no panic", name)
					}
				}()
				f()
			}()
		}
	})
	for _, n := range []int{0, 15, 24, 33} {
		if _, err := New(make([]byte, n)); !errors.Is(err, ErrKeySize) {
			t.Errorf("key of %d bytes: %v", n, err)
		}
	}
}

func FuzzAgainstStandardLibrary(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), []byte("nonce of 12!"), []byte("plain"), []byte("aad"), uint16(2))
	f.Add(bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 12), bytes.Repeat([]byte{3}, 300), bytes.Repeat([]byte{4}, 600), uint16(17))
	f.Add(bytes.Repeat([]byte{0xFF}, 16), bytes.Repeat([]byte{0xFF}, 12), bytes.Repeat([]byte{0xFF}, 1025), []byte{}, uint16(16))
	f.Fuzz(func(t *testing.T, key, nonce, plain, aad []byte, cut uint16) {
		if len(key) < 16 || len(nonce) < NonceSize {
			return
		}
		if len(key) < 32 {
			key = key[:16]
		}
		key, nonce = key[:min(len(key), 32)], nonce[:NonceSize]
		g, err := New(key)
		if err != nil {
			t.Fatal(err)
		}
		ref := reference(t, key)
		check(t, g, ref, len(plain), aad, int(cut)%64, int(cut>>8)%64)
		sealed := g.Seal(nil, nonce, plain, aad)
		if !bytes.Equal(sealed, ref.Seal(nil, nonce, plain, aad)) {
			t.Fatal("Seal differs")
		}
		if p, err := g.Open(nil, nonce, sealed, aad); err != nil || !bytes.Equal(p, plain) {
			t.Fatalf("Open differs: %v", err)
		}
		if p, err := g.Open(nil, nonce, plain, aad); err == nil {
			t.Fatalf("what nobody sealed opens to %x", p)
		}
		c := int(cut) % (len(aad) + 1)
		var tag [TagSize]byte
		if g.GMAC(&tag, nonce, aad[:c], aad[c:], plain); !bytes.Equal(tag[:], ref.Seal(nil, nonce, nil, append(bytes.Clone(aad), plain...))) {
			t.Fatal("GMAC differs")
		}
	})
}

// lengths of the benchmark's messages.
var lengths = []int{64, 128, 1024, 65536, 1 << 20}

func Benchmark(b *testing.B) {
	key := random(16)
	std, err := newStd(key)
	if err != nil {
		b.Fatal(err)
	}
	asm, err := New(key)
	if err != nil {
		b.Fatal(err)
	}
	std32, _ := newStd(random(32))
	asm32, _ := New(random(32))
	nonce, aad, tag := random(NonceSize), random(32), new([TagSize]byte)
	plain, sealed := make([]byte, 1<<20), map[int][]byte{}
	for _, n := range lengths {
		sealed[n] = std.Seal(nil, nonce, plain[:n], aad)
	}
	for _, op := range []struct {
		name string
		g    [2]*AEAD
		f    func(g *AEAD, msg []byte)
	}{
		{"GMAC", [2]*AEAD{std, asm}, func(g *AEAD, msg []byte) { g.GMAC(tag, nonce, msg) }},
		{"Seal128", [2]*AEAD{std, asm}, func(g *AEAD, msg []byte) { g.SealInPlace(msg, tag, nonce, aad) }},
		{"Seal256", [2]*AEAD{std32, asm32}, func(g *AEAD, msg []byte) { g.SealInPlace(msg, tag, nonce, aad) }},
		{"Open128", [2]*AEAD{std, asm}, func(g *AEAD, msg []byte) {
			if _, err := g.Open(plain[:0], nonce, sealed[len(msg)], aad); err != nil {
				b.Fatal(err)
			}
		}},
	} {
		for _, n := range lengths {
			msg := make([]byte, n, n+TagSize)
			for i, name := range []string{"std", "asm"} {
				f, g := op.f, op.g[i]
				b.Run(fmt.Sprintf("%s/%d/%s", op.name, n, name), func(b *testing.B) {
					b.SetBytes(int64(n))
					for b.Loop() {
						f(g, msg)
					}
				})
			}
		}
	}
	b.Run("New", func(b *testing.B) {
		for b.Loop() {
			if _, err := New(key); err != nil {
				b.Fatal(err)
			}
		}
	})
}
