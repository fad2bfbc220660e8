//go:build !race

package gcm

import "testing"

// Under the race detector sync.Pool forgets at random.
func TestAllocates(t *testing.T) {
	each(t, func(t *testing.T, make func(key []byte) *AEAD) {
		g := make(random(16))
		msg, nonce, aad, tag := random(4096), random(NonceSize), random(32), new([TagSize]byte)
		if n := testing.AllocsPerRun(100, func() {
			g.GMAC(tag, nonce, msg[:100], msg[100:300], msg[300:])
			sealed := g.Seal(msg[:0], nonce, msg[:4000], aad)
			if _, err := g.Open(msg[:0], nonce, sealed, aad); err != nil {
				t.Fatal(err)
			}
			g.SealInPlace(msg[:4000], tag, nonce, aad)
			if err := g.OpenInPlace(msg[:4000], tag, nonce, aad); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
