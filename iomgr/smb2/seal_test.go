package smb2

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"lwio/iomgr/smb2/aesni"
)

// RFC 3610 section 8, packet vectors 1, 2, 3 and 7: eight bytes of additional data before the message.
func TestCCM(t *testing.T) {
	block, err := aesni.New(unhex(t, "C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF"))
	if err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, 64)
	for i := range packet {
		packet[i] = byte(i)
	}
	for i, v := range []struct {
		nonce, want string
		tag         int
	}{
		{"00000003020100A0A1A2A3A4A5", "588C979A61C663D2F066D0C2C0F989806D5F6B61DAC38417E8D12CFDF926E0", 8},
		{"00000004030201A0A1A2A3A4A5", "72C91A36E135F8CF291CA894085C87E3CC15C439C9E43A3BA091D56E10400916", 8},
		{"00000005040302A0A1A2A3A4A5", "51B1E5F44A197D1DA46B0F8E2D282AE871E838BB64DA8596574ADAA76FBD9FB0C5", 8},
		{"00000009080706A0A1A2A3A4A5", "0135D1B2C95F41D5D1D4FEC185D166B8094E999DFED96C048C56602C97ACBB7490", 10},
	} {
		want := unhex(t, v.want)
		n := len(want) - v.tag
		p := bytes.Clone(packet[8 : 8+n])
		c := new(ccm)
		c.seal(block, unhex(t, v.nonce), packet[:8], p, v.tag)
		if got := append(bytes.Clone(p), c.tag[:v.tag]...); !bytes.Equal(got, want) {
			t.Errorf("vector %d: %X, want %X", i, got, want)
		}
		if !c.open(block, unhex(t, v.nonce), packet[:8], p, want[n:]) || !bytes.Equal(p, packet[8:8+n]) {
			t.Errorf("vector %d does not open: %X", i, p)
		}
		want[n] ^= 1
		if c.open(block, unhex(t, v.nonce), packet[:8], want[:n], want[n:]) || !bytes.Equal(want[:n], make([]byte, n)) {
			t.Errorf("vector %d: a wrong tag opens, or leaves bytes: %X", i, want)
		}
	}
}

// Both ways of making the key stream agree, up to and over the borders of blocks and of a counter byte.
func TestCCMStreams(t *testing.T) {
	block, err := aesni.New(seq(16))
	if err != nil {
		t.Fatal(err)
	}
	c := new(ccm)
	c.start(block, seq(11), seq(32), 0, 16)
	long := make([]byte, 256*16+40)
	c.crypt(block, long)
	var short []byte
	c.start(block, seq(11), seq(32), 0, 16)
	for i := uint32(1); len(short) < len(long); i++ {
		ctr := c.ctr
		ctr[14], ctr[15] = byte(i>>8), byte(i)
		var s [16]byte
		block.Encrypt(s[:], ctr[:])
		short = append(short, s[:]...)
	}
	if !bytes.Equal(long, short[:len(long)]) {
		t.Error("the streams differ")
	}
	for _, n := range []int{1, 15, 16, 17, ccmStreamMin - 1, ccmStreamMin, ccmStreamMin + 1} {
		p := make([]byte, n)
		c.crypt(block, p)
		if !bytes.Equal(p, long[:n]) {
			t.Errorf("%d bytes differ", n)
		}
	}
}

// Test cases 4 and 16 of the GCM specification submitted to NIST.
func TestGCM(t *testing.T) {
	plain := unhex(t, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"+
		"b16aedf5aa0de657ba637b39")
	aad := unhex(t, "feedfacedeadbeeffeedfacedeadbeefabaddad2")
	for _, c := range []struct {
		id        CipherID
		key, want string
	}{
		{CipherAES128GCM, "feffe9928665731c6d6a8f9467308308", "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e" +
			"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
		{CipherAES256GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
			"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e63" +
				"93ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
	} {
		a, err := newAEAD(c.id, unhex(t, c.key))
		if err != nil {
			t.Fatal(err)
		}
		if got := a.gcm.Seal(nil, unhex(t, "cafebabefacedbaddecaf888"), plain, aad); !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("cipher %d: %x, want %s", c.id, got, c.want)
		}
	}
}

// Sealed messages of "Encryption in SMB 3.0: A protocol perspective" and "SMB 3.1.1 Encryption in Windows 10".
var sealSamples = []struct {
	name              string
	cipher            CipherID
	key, plain, frame string
}{
	{
		"3.0 WRITE request", CipherAES128CCM, "261B72350558F2E9DCF613070383EDBF",
		"FE534D4240000100000000000900400008000000000000000400000000000000FFFE0000010000001100001400E4080000000000000000000000000000000000" +
			"3100700017000000000000000000000015010000390000020100000039020000" +
			"00000000000000007000000000000000536D623320656E6372797074696F6E2074657374696E67",
		"FD534D4281A286535415445DAE393921E44FA42E66E69A111892584FB5ED524A744DA3EE87000000000001001100001400E4080025C8FEE16605A437832D1CD5" +
			"2DA9F4645333482A175FE5384563F45FCDAFAEF38BC62BA4D5C62897996625A44C29BE5658DE2E6117585779E7B59FFD971278D08580D7FA899E410E910EABF5" +
			"AA1DB43050B33B49182637759AC15D84BFCDF5B6B238993C0F4CF4D6012023F6C627297075D84B7803912D0A9639634453595EF3E33FFE4E7AC2AB",
	},
	{
		"3.0 WRITE response", CipherAES128CCM, "8FE2B57EC34D2DB5B1A9727F526BBDB5",
		"FE534D4240000100000000000900210009000000000000000400000000000000FFFE0000010000001100001400E4080000000000000000000000000000000000" +
			"11000000170000000000000000000000",
		"FD534D42A6015530A18F6D9AFFE22AFAE8E6648486000000000000001100001400E4080050000000000001001100001400E40800DBF46435C5F14169293CE079" +
			"E344479BF670227E49873F458672C3098DAC467DD5809F369D674091665157871483E01F7BECD02064EAC3E235F913668BBC2F097980D4B378F1993EFF6E60D1" +
			"77309E5B",
	},
	{
		"3.1.1 WRITE request", CipherAES128GCM, "A2F5E80E5D59103034F32E52F698E5EC", sampleWrite,
		"FD534D42BD73D97D2BC9001BCAFAC0FDFF5FEEBCC7D6822D269CAF48904C664C00000000870000000000010025000000001000006ECDD2A7AFC7B47763057A04" +
			"1B8FD4DAFFE990B70C9E09D36C084E02D14EF247F8BDE38ACF6256F8B1D3B56F77FBDEB312FEA5E92CBCC1ED8FB2EBBFAA75E49A4A394BB44576545567C24D4C" +
			"014D47C9FBDFDAFD2C4F9B72F8D256452620A299F48E29E53D6B61D1C13A19E91AF013F00D17E3ABC2FC3D36C8C1B6B93973253852DBD442E46EE8",
	},
	{
		"3.1.1 WRITE response", CipherAES128GCM, "748C50868C90F302962A5C35F5F9A8BF",
		"FE534D4240000100000000000900010001000000000000000500000000000000FFFE00000100000025000000001000000000000000000000000000000000000011" +
			"000000170000000000000000000000",
		"FD534D42ACBE1CB7ED343ADF1725EF144D90D4B0E06831DD2E8EB7B40000000000000000500000000000010025000000001000" +
			"0026BBBF949983A6C1C796559D0F2C510CB651D1F7B6AC8DED32A2A0B8F2D793A815C6F6B848D69767A215841A42D400AE6DDB5F0B44173A014973321FDD7950DA6179159B82E03C9E18A050FF0EA1C967",
	},
}

func TestSealSamples(t *testing.T) {
	for _, s := range sealSamples {
		checkSealed(t, s.name, s.cipher, unhex(t, s.key), unhex(t, s.frame), unhex(t, s.plain))
	}
}

// checkSealed checks a right sealed frame: it opens to plain, with tailroom and without, sealing plain under the same
// header gives it again, and a spoilt byte is noticed. Nil plain is not compared.
func checkSealed(t *testing.T, name string, id CipherID, key, frame, plain []byte) []byte {
	t.Helper()
	o, err := NewOpener(id, key)
	if err != nil {
		t.Fatal(err)
	}
	tight := bytes.Clone(frame)
	tight = tight[:len(tight):len(tight)]
	got, err := o.Open(tight)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	got = bytes.Clone(got)
	if plain != nil && !bytes.Equal(got, plain) {
		t.Errorf("%s: opens to\n%x, want\n%x", name, got, plain)
	}
	roomy := append(bytes.Clone(frame), "what stands behind the frame"...)
	again, err := o.Open(roomy[:len(frame)])
	if err != nil || !bytes.Equal(again, got) || string(roomy[len(frame):]) != "what stands behind the frame" {
		t.Errorf("%s: with tailroom: %v, behind it %q", name, err, roomy[len(frame):])
	}
	if &again[0] != &roomy[TransformHeaderSize] {
		t.Errorf("%s: not opened in place", name)
	}
	n := nonceGCM
	if o.gcm == nil {
		n = nonceCCM
	}
	for _, b := range [][]byte{roomy, tight} {
		b = b[:len(frame):cap(b)]
		clear(b[4:20])
		o.seal(b, n)
		if !bytes.Equal(b, frame) {
			t.Errorf("%s: sealed again:\n got %x\nwant %x", name, b, frame)
		}
	}
	if string(roomy[len(frame):]) != "what stands behind the frame" {
		t.Errorf("%s: sealing changed what stands behind: %q", name, roomy[len(frame):])
	}
	for _, i := range []int{4, 19, 20, 20 + n, 35, 40, 44, TransformHeaderSize, len(frame) - 1} {
		bad := bytes.Clone(frame)
		bad[i] ^= 1
		if _, err := o.Open(bad); !errors.Is(err, ErrDecrypt) {
			t.Errorf("%s: byte %d spoilt: %v", name, i, err)
		}
	}
	return got
}

var ciphers = []CipherID{CipherAES128CCM, CipherAES128GCM, CipherAES256CCM, CipherAES256GCM}

func newTestSealer(t testing.TB, id CipherID) (*Sealer, *Opener) {
	t.Helper()
	n := 16
	if id.IsAES256() {
		n = 32
	}
	s, err := NewSealer(id, seq(n), 0x1122334455667788)
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewOpener(id, seq(n))
	if err != nil {
		t.Fatal(err)
	}
	return s, o
}

func TestSealAndOpen(t *testing.T) {
	for _, id := range ciphers {
		s, o := newTestSealer(t, id)
		for _, n := range []int{1, 15, 16, 17, 1023, 1024, 70000} {
			for _, tail := range []int{0, 1, 15, 16, 100} {
				b := make([]byte, SealHeadroom+n, SealHeadroom+n+tail)
				copy(b[SealHeadroom:], seq(n))
				if err := s.Seal(b); err != nil {
					t.Fatal(err)
				}
				h, err := ParseTransformHeader(b)
				if err != nil || h.SessionID != 0x1122334455667788 || h.Flags != TransformFlagEncrypted || int(h.OriginalMessageSize) != n {
					t.Fatalf("header %+v, %v", h, err)
				}
				if n >= 15 && bytes.Equal(b[SealHeadroom:], seq(n)) {
					t.Fatal("not encrypted")
				}
				got, err := o.Open(b)
				if err != nil || !bytes.Equal(got, seq(n)) {
					t.Fatalf("cipher %d, %d bytes, tailroom %d: %v", id, n, tail, err)
				}
			}
		}
	}
}

func TestOpenRefused(t *testing.T) {
	for _, id := range ciphers {
		s, o := newTestSealer(t, id)
		good := make([]byte, SealHeadroom+100, SealHeadroom+100+SealTailroom)
		if err := s.Seal(good); err != nil {
			t.Fatal(err)
		}
		for n := range good {
			if _, err := o.Open(bytes.Clone(good[:n])); err == nil || !isFormatError(err) {
				t.Errorf("cipher %d: %d bytes: %v", id, n, err)
			}
		}
		for _, c := range []reject{
			{"protocol", 0, []byte{0xFE}, ErrProtocol},
			{"Flags", 42, []byte{2}, ErrValue},
			{"OriginalMessageSize", 36, []byte{99}, ErrBounds},
			{"largest OriginalMessageSize", 36, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds},
		} {
			bad := bytes.Clone(good)
			copy(bad[c.at:], c.with)
			if _, err := o.Open(bad); !errors.Is(err, c.want) {
				t.Errorf("cipher %d: %s: %v", id, c.name, err)
			}
		}
		empty := TransformHeader{Flags: TransformFlagEncrypted}
		if _, err := o.Open(empty.Append(nil)); !errors.Is(err, ErrBounds) {
			t.Errorf("cipher %d: no message: %v", id, err)
		}
	}
}

func TestNonces(t *testing.T) {
	for _, id := range ciphers {
		s, _ := newTestSealer(t, id)
		var mu sync.Mutex
		seen := map[[16]byte]bool{}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 250 {
					b := make([]byte, SealHeadroom+20, SealHeadroom+20+SealTailroom)
					if err := s.Seal(b); err != nil {
						t.Error(err)
						return
					}
					h, _ := ParseTransformHeader(b)
					mu.Lock()
					if seen[h.Nonce] {
						t.Errorf("nonce %x comes twice", h.Nonce)
					}
					seen[h.Nonce] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(seen) != 1000 {
			t.Errorf("cipher %d: %d nonces of 1000", id, len(seen))
		}
		used := nonceGCM
		if s.gcm == nil {
			used = nonceCCM
		}
		for n := range seen {
			if !bytes.Equal(n[used:], make([]byte, 16-used)) || !bytes.Equal(n[8:used], s.prefix[:used-8]) {
				t.Fatalf("cipher %d: nonce %x, prefix %x", id, n, s.prefix)
			}
		}
	}
}

func TestNonceExhausted(t *testing.T) {
	s, _ := newTestSealer(t, CipherAES128GCM)
	s.sealed.Store(maxSealed - 1)
	b := make([]byte, SealHeadroom+20)
	if err := s.Seal(b); err != nil {
		t.Errorf("the last message: %v", err)
	}
	for range 3 {
		plain := make([]byte, SealHeadroom+20)
		if err := s.Seal(plain); !errors.Is(err, ErrNonceExhausted) || !bytes.Equal(plain, make([]byte, SealHeadroom+20)) {
			t.Errorf("beyond the bound: %v, %x", err, plain)
		}
	}
	if n := s.sealed.Load(); n != maxSealed {
		t.Errorf("count %d, want %d", n, uint64(maxSealed))
	}
}

func TestNewSealerRefused(t *testing.T) {
	for _, c := range []struct {
		id CipherID
		n  int
	}{{CipherAES128GCM, 32}, {CipherAES256GCM, 16}, {CipherAES128CCM, 0}, {CipherAES256CCM, 24}, {CipherNone, 16}, {5, 16}} {
		if _, err := NewSealer(c.id, make([]byte, c.n), 1); !errors.Is(err, ErrKey) {
			t.Errorf("cipher %d, %d bytes: %v", c.id, c.n, err)
		}
		if _, err := NewOpener(c.id, make([]byte, c.n)); !errors.Is(err, ErrKey) {
			t.Errorf("cipher %d, %d bytes: %v", c.id, c.n, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, s := range sealSamples {
		f.Add(unhex(f, s.frame), uint8(s.cipher))
	}
	f.Fuzz(func(t *testing.T, b []byte, id uint8) {
		c := ciphers[int(id)%len(ciphers)]
		s, o := newTestSealer(t, c)
		if _, err := o.Open(bytes.Clone(b)); err == nil {
			t.Fatal("a frame that nobody sealed opens")
		}
		if len(b) == 0 {
			return
		}
		sealed := append(make([]byte, SealHeadroom), b...)
		if err := s.Seal(sealed); err != nil {
			t.Fatal(err)
		}
		if got, err := o.Open(sealed); err != nil || !bytes.Equal(got, b) {
			t.Fatalf("%v", err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	for i, name := range []string{"AES-128-CCM", "AES-128-GCM", "AES-256-CCM", "AES-256-GCM"} {
		for _, n := range []int{200, 65536} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				s, _ := newTestSealer(b, ciphers[i])
				buf := make([]byte, SealHeadroom+n, SealHeadroom+n+SealTailroom)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Seal(buf); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
