package sampass

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"lwio/iomgr/auth/ntlm"
)

var (
	key   = []byte("0123456789abcdef")
	other = []byte("0123456789abcdeg")
	texts = []string{"", "p", "Pässwörd", "😀\xed\xa0\x80", strings.Repeat("x", 256), strings.Repeat("ü", 256)}
)

func TestRoundTrips(t *testing.T) {
	for _, text := range texts {
		rc4, ok := SealRC4(text, key)
		if got, opened := OpenRC4(rc4[:], key); !ok || !opened || got != text {
			t.Errorf("RC4: %q became %q, %v %v", text, got, ok, opened)
		}
		if got, opened := OpenRC4(rc4[:], other); opened && got == text {
			t.Errorf("RC4 with another key opens %q", got)
		}
		salted, ok := SealSalted(text, key)
		if got, opened := OpenSalted(&salted, key); !ok || !opened || got != text {
			t.Errorf("salted: %q became %q", text, got)
		}
		again, _ := SealSalted(text, key)
		if salted == again {
			t.Error("salted twice alike")
		}
		aes, ok := SealAES(text, key)
		if !ok {
			t.Fatalf("AES: %q does not seal", text)
		}
		if got, opened := OpenAES(&aes.AuthData, &aes.Salt, aes.Cipher, key); !opened || got != text {
			t.Errorf("AES: %q became %q", text, got)
		}
		if _, opened := OpenAES(&aes.AuthData, &aes.Salt, aes.Cipher, other); opened {
			t.Error("AES with another key opens")
		}
		old := ntlm.NTHash("old")
		c, ok := SealChange(text, old, MinIterations)
		if !ok {
			t.Fatal("change does not seal")
		}
		k, ok := ChangeKey(old, &c.Salt, MinIterations)
		if got, opened := OpenAES(&c.AuthData, &c.Salt, c.Cipher, k); !ok || !opened || got != text {
			t.Errorf("change: %q became %q", text, got)
		}
	}
	long := strings.Repeat("x", 257)
	if _, ok := SealRC4(long, key); ok {
		t.Error("a password of 257 characters seals")
	}
	if _, ok := SealAES(long, key); ok {
		t.Error("a password of 257 characters seals")
	}
}

// TestAESChanged: every octet of what is sent is authenticated.
func TestAESChanged(t *testing.T) {
	aes, _ := SealAES("password", key)
	for i := range aes.Cipher {
		b := bytes.Clone(aes.Cipher)
		b[i] ^= 1
		if _, ok := OpenAES(&aes.AuthData, &aes.Salt, b, key); ok {
			t.Fatalf("octet %d of the cipher text may be changed", i)
		}
		if _, ok := OpenAES(&aes.AuthData, &aes.Salt, aes.Cipher[:i], key); ok {
			t.Fatalf("cut to %d", i)
		}
	}
	for i := range aes.Salt {
		salt := aes.Salt
		salt[i] ^= 1
		if _, ok := OpenAES(&aes.AuthData, &salt, aes.Cipher, key); ok {
			t.Fatalf("octet %d of the salt may be changed", i)
		}
	}
	for i := range aes.AuthData {
		auth := aes.AuthData
		auth[i] ^= 1
		if _, ok := OpenAES(&auth, &aes.Salt, aes.Cipher, key); ok {
			t.Fatalf("octet %d of the authentication may be changed", i)
		}
	}
}

// TestHash is the encryption of a hash with a hash: DES with the first 7 octets for the first half, the next 7 for the second. The vector is
// FIPS 46's own for the key 0123456789abcdef, whose parity bits are not looked at, and "Now is t".
func TestHash(t *testing.T) {
	// 0x0123456789ABCDEF without its parity bits, in 7 octets.
	k7, _ := hex.DecodeString("00451338957377")
	clear := []byte("Now is tNow is t")
	got, ok := SealHash(clear, append(bytes.Clone(k7), append(k7, 0, 0)...))
	want, _ := hex.DecodeString("3fa40e8a984d4815")
	if !ok || !bytes.Equal(got[:8], want) || !bytes.Equal(got[8:], want) {
		t.Errorf("%x, want %x twice", got, want)
	}
	back, ok := OpenHash(got[:], append(bytes.Clone(k7), append(k7, 0, 0)...))
	if !ok || !bytes.Equal(back[:], clear) {
		t.Errorf("back: %q", back)
	}
	for _, bad := range [][2][]byte{{clear[:15], key}, {clear, key[:13]}, {nil, key}, {clear, nil}} {
		if _, ok := SealHash(bad[0], bad[1]); ok {
			t.Errorf("%d octets with a key of %d", len(bad[0]), len(bad[1]))
		}
	}
}

func FuzzOpen(f *testing.F) {
	rc4, _ := SealRC4("password", key)
	f.Add(rc4[:])
	salted, _ := SealSalted("password", key)
	f.Add(salted[:])
	aes, _ := SealAES("password", key)
	f.Add(append(append(bytes.Clone(aes.AuthData[:]), aes.Salt[:]...), aes.Cipher...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if text, ok := OpenRC4(b, key); ok && len(text) > 3*256 {
			t.Errorf("a password of %d octets", len(text))
		}
		if len(b) >= bufferSize+saltSize {
			OpenSalted((*[bufferSize + saltSize]byte)(b), key)
		}
		OpenHash(b, key)
		OpenHash(key, b)
		if len(b) >= 80 {
			OpenAES((*[64]byte)(b), (*[16]byte)(b[64:]), b[80:], key)
		}
	})
}
