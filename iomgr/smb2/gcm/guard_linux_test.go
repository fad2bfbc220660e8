package gcm

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"
)

// guarded returns n bytes of which the last, or the first, stands beside a page that cannot be touched.
func guarded(t *testing.T, n int, atEnd bool) []byte {
	t.Helper()
	page := syscall.Getpagesize()
	b, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(b) })
	for _, out := range [][]byte{b[:page], b[2*page:]} {
		if err := syscall.Mprotect(out, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	if atEnd {
		return b[2*page-n : 2*page : 2*page]
	}
	return b[page : page+n : page+n]
}

// Texts, additional data and tags that stand at the borders of what is mapped are neither read nor written beyond.
func TestGuardPages(t *testing.T) {
	const longest = 1100
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		key := random(16)
		g, ref := make(key), reference(t, key)
		for _, atEnd := range []bool{false, true} {
			cut := func(b []byte, n int) []byte {
				if atEnd {
					return b[len(b)-n:]
				}
				return b[:n:n]
			}
			text, data, sealed := guarded(t, longest, atEnd), guarded(t, longest, atEnd), guarded(t, longest+TagSize, atEnd)
			nonce, tag := guarded(t, NonceSize, atEnd), (*[TagSize]byte)(guarded(t, TagSize, atEnd))
			for n := range longest + 1 {
				what := fmt.Sprintf("%d bytes, at the end %v", n, atEnd)
				p, a, c := cut(text, n), cut(data, (n*7)%longest), cut(sealed, n+TagSize)
				copy(p, random(n))
				copy(a, random(len(a)))
				copy(nonce, random(NonceSize))
				want := ref.Seal(nil, nonce, p, a)
				if g.Seal(c[:0], nonce, p, a); !bytes.Equal(c, want) {
					t.Fatalf("%s: Seal differs", what)
				}
				clear(p)
				if _, err := g.Open(p[:0], nonce, c, a); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if g.SealInPlace(p, tag, nonce, a); !bytes.Equal(p, want[:n]) || !bytes.Equal(tag[:], want[n:]) {
					t.Fatalf("%s: SealInPlace differs", what)
				}
				if err := g.OpenInPlace(p, tag, nonce, a); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if g.GMAC(tag, nonce, p, a); !bytes.Equal(tag[:], ref.Seal(nil, nonce, nil, append(bytes.Clone(p), a...))) {
					t.Fatalf("%s: GMAC differs", what)
				}
			}
		}
	})
}
