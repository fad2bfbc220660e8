package smb2

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"lwio/iomgr/smb2/aesni"
)

// RFC 4493 section 4.
func TestCMAC(t *testing.T) {
	block, err := aesni.New(unhex(t, "2b7e151628aed2a6abf7158809cf4f3c"))
	if err != nil {
		t.Fatal(err)
	}
	k1, k2 := cmacKeys(block)
	if want := unhex(t, "fbeed618357133667c85e08f7236a8de"); !bytes.Equal(k1[:], want) {
		t.Errorf("K1 %x, want %x", k1, want)
	}
	if want := unhex(t, "f7ddac306ae266ccf90bc11ee46d513b"); !bytes.Equal(k2[:], want) {
		t.Errorf("K2 %x, want %x", k2, want)
	}
	msg := unhex(t, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"+
		"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	for n, want := range map[int]string{
		0: "bb1d6929e95937287fa37d129b756746", 16: "070a16b46b4d4144f79bdd9dd04a287c",
		40: "dfa66747de9ae63030ca32611497c827", 64: "51f0bebf7e3b9d92fc49741779363cfe",
	} {
		for cut := 0; cut <= n; cut++ {
			var m cbcMAC
			m.reset(block)
			m.write(msg[:cut])
			m.write(msg[cut:n])
			m.cmac(&k1, &k2)
			if !bytes.Equal(m.x[:], unhex(t, want)) {
				t.Fatalf("%d bytes cut at %d: %x, want %s", n, cut, m.x, want)
			}
		}
	}
}

// The final SESSION_SETUP response of the AES-GCM sample in "SMB 3.1.1 Encryption in Windows 10".
func TestCMACSample(t *testing.T) {
	msg := unhex(t, "FE534D4240000100000000000100800009000000000000000200000000000000FFFE000000000000"+
		"25000000001000006B85A4519A0F3EEA35BA946DD3AFE6B80900000048001D00A11B3019A0030A01"+
		"00A3120410010000003932A87523AB660100000000")
	s, err := NewSigner(SigningAESCMAC, unhex(t, "8765949DFEAEE105CE9118B45BE988F0"))
	if err != nil {
		t.Fatal(err)
	}
	checkSigner(t, s, msg)
}

// RFC 4231 test case 1 and 2, cut to the sixteen bytes that SMB takes; the message stands in for a whole SMB2 message.
func TestHMAC(t *testing.T) {
	for _, c := range []struct{ key, data, want string }{
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265", "b0344c61d8db38535ca8afceaf0bf12b"},
		{"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f", "5bdcc146bf60754e6a042426089575c7"},
	} {
		s, err := NewSigner(SigningHMACSHA256, unhex(t, c.key))
		if err != nil {
			t.Fatal(err)
		}
		w := signPool.Get().(*signScratch)
		if got := s.compute(w, unhex(t, c.data), nil); !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("%x, want %s", got, c.want)
		}
	}
}

// GMAC is GCM over nothing: the tag of the standard library's GCM with the message as additional data, under the nonce of
// MS-SMB2 3.1.4.1.
func TestGMACNonce(t *testing.T) {
	for _, c := range []struct {
		h    Header
		want string
	}{
		{Header{Command: Read, MessageID: 0x0807060504030201}, "010203040506070800000000"},
		{Header{Command: Read, MessageID: 1, Flags: FlagServerToRedir}, "010000000000000001000000"},
		{Header{Command: Cancel, MessageID: 1, Flags: FlagAsyncCommand}, "010000000000000002000000"},
		{Header{Command: Read, MessageID: 1, Flags: FlagAsyncCommand | FlagServerToRedir}, "010000000000000001000000"},
	} {
		if n := gmacNonce(c.h.Append(nil)); !bytes.Equal(n[:], unhex(t, c.want)) {
			t.Errorf("%+v: nonce %x, want %s", c.h, n, c.want)
		}
	}
}

// checkSigner checks a message with a right signature: it verifies, whole and in pieces; signing it again gives the same;
// each spoilt bit is noticed.
func checkSigner(t *testing.T, s *Signer, signed []byte) {
	t.Helper()
	msg := bytes.Clone(signed)
	if err := s.Verify(msg); err != nil {
		t.Fatalf("%v\n%x", err, msg)
	}
	if !bytes.Equal(msg, signed) {
		t.Errorf("Verify changed the message")
	}
	for _, cut := range []int{64, 65, 80, len(msg)} {
		cut = min(cut, len(msg))
		mid := (cut + len(msg)) / 2
		if err := s.Verify(msg[:cut], msg[cut:mid], msg[mid:]); err != nil {
			t.Errorf("in pieces at %d: %v", cut, err)
		}
	}
	clear(msg[offSignature:HeaderSize])
	le.PutUint32(msg[offFlags:], le.Uint32(msg[offFlags:])&^FlagSigned)
	s.Sign(msg)
	if !bytes.Equal(msg, signed) {
		t.Errorf("signed again:\n got %x\nwant %x", msg[:HeaderSize], signed[:HeaderSize])
	}
	s.Sign(msg[:66], msg[66:])
	if !bytes.Equal(msg, signed) {
		t.Errorf("signed again in pieces:\n got %x\nwant %x", msg[:HeaderSize], signed[:HeaderSize])
	}
	for i := range msg {
		msg[i] ^= 1
		if err := s.Verify(msg); !errors.Is(err, ErrSignature) {
			t.Errorf("byte %d spoilt: %v", i, err)
		}
		msg[i] ^= 1
	}
}

var signAlgorithms = []SigningAlgorithm{SigningHMACSHA256, SigningAESCMAC, SigningAESGMAC}

func newTestSigner(t testing.TB, alg SigningAlgorithm) *Signer {
	t.Helper()
	s, err := NewSigner(alg, seq(16))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSignLengths(t *testing.T) {
	for _, alg := range signAlgorithms {
		s := newTestSigner(t, alg)
		for _, n := range []int{71, 72, 79, 80, 81, 128, 1000} {
			msg := append((&Header{Command: Write, MessageID: 3}).Append(nil), seq(n-HeaderSize)...)
			s.Sign(msg)
			checkSigner(t, s, msg)
		}
		if err := s.Verify(make([]byte, 63)); !errors.Is(err, ErrTruncated) {
			t.Errorf("algorithm %d: short message: %v", alg, err)
		}
		if s.Algorithm() != alg {
			t.Errorf("algorithm %d, want %d", s.Algorithm(), alg)
		}
	}
}

func TestSignConcurrent(t *testing.T) {
	for _, alg := range signAlgorithms {
		s := newTestSigner(t, alg)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 50 {
					msg := append((&Header{MessageID: uint64(i*100 + j)}).Append(nil), seq(200)...)
					s.Sign(msg)
					if err := s.Verify(msg); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestSignAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	for _, alg := range signAlgorithms {
		s := newTestSigner(t, alg)
		msg := append((&Header{}).Append(nil), seq(4096)...)
		s.Sign(msg[:100], msg[100:])
		if n := testing.AllocsPerRun(100, func() {
			s.Sign(msg[:100], msg[100:])
			if s.Verify(msg) != nil {
				t.Fatal("does not verify")
			}
		}); n != 0 {
			t.Errorf("algorithm %d: %v allocations", alg, n)
		}
	}
}

func TestNewSignerRefused(t *testing.T) {
	for _, c := range []struct {
		alg SigningAlgorithm
		n   int
	}{{SigningHMACSHA256, 0}, {SigningHMACSHA256, 65}, {SigningAESCMAC, 15}, {SigningAESCMAC, 32}, {SigningAESGMAC, 24}, {3, 16}} {
		if _, err := NewSigner(c.alg, make([]byte, c.n)); !errors.Is(err, ErrKey) {
			t.Errorf("algorithm %d, %d bytes: %v", c.alg, c.n, err)
		}
	}
	if DefaultSigningAlgorithm(Dialect210) != SigningHMACSHA256 || DefaultSigningAlgorithm(Dialect202) != SigningHMACSHA256 ||
		DefaultSigningAlgorithm(Dialect300) != SigningAESCMAC || DefaultSigningAlgorithm(Dialect311) != SigningAESCMAC {
		t.Error("wrong defaults")
	}
}

func BenchmarkSign(b *testing.B) {
	for alg, name := range []string{"HMAC-SHA256", "AES-CMAC", "AES-GMAC"} {
		for _, n := range []int{64, 200, 65536} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				s := newTestSigner(b, SigningAlgorithm(alg))
				msg := append((&Header{}).Append(nil), make([]byte, n)...)
				b.SetBytes(int64(len(msg)))
				b.ReportAllocs()
				for b.Loop() {
					s.Sign(msg)
				}
			})
		}
	}
}
