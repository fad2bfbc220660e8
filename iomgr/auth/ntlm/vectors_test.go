package ntlm

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"strings"
	"testing"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantHex(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if !bytes.Equal(got, unhex(t, want)) {
		t.Errorf("%s = %x, want %s", what, got, want)
	}
}

// The common values of MS-NLMP 4.2.1.
var (
	vectorHash      = NTHash("Password")
	vectorServer    = [8]byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}
	vectorClient    = [8]byte(bytes.Repeat([]byte{0xaa}, 8))
	vectorRandomKey = [16]byte(bytes.Repeat([]byte{0x55}, 16))
	vectorPlaintext = nt.AppendUTF16(nil, "Plaintext")
)

// flags of the CHALLENGE_MESSAGE examples: 4.2.2.3, 4.2.3.3 and 4.2.4.3.
const (
	vectorFlagsV1     Flags = 0xe2028233
	vectorFlagsV1ESS  Flags = 0x820a8233
	vectorFlagsV2     Flags = 0xe28a8233
	vectorAuthFlagsV2 Flags = 0xe2888235
	vectorTargetInfo        = "02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000"
	vectorChallengeV2       = `4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000
		2400240044000000 060070170000000f 530065007200760065007200` + vectorTargetInfo
	vectorAuthenticateV2 = `4e544c4d53535000 03000000 180018006c000000 5400540084000000 0c000c0048000000
		0800080054000000 100010005c000000 10001000d8000000 358288e2 0501280a0000000f
		44006f006d00610069006e00 5500730065007200 43004f004d0050005500540045005200
		86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa
		68cd0ab851e51c96aabc927bebef6a1c 0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000` +
		vectorTargetInfo + `00000000 c5dad2544fc9799094ce1ce90bc9d03e`
)

// MS-NLMP 4.2.2: NTLMv1 without extended session security.
func TestVectorsNTLMv1(t *testing.T) {
	wantHex(t, "NTOWFv1", vectorHash[:], "a4f49c406510bdcab6824ee7c30fd852")
	response := ntlmv1(vectorHash, vectorServer[:])
	wantHex(t, "NTLMv1 response", response, "67c43011f30298a2ad35ece64f16331c44bdbed927841f94")

	sbk, err := VerifyResponse(vectorHash, &auth.NTLMLogon{ServerChallenge: vectorServer, NTResponse: response})
	if err != nil {
		t.Fatal(err)
	}
	wantHex(t, "SessionBaseKey", sbk[:], "d87262b0cde4b1cb7499becccdf10784")
	kx := keyExchangeKey(sbk, vectorFlagsV1, true, vectorServer, nil)
	wantHex(t, "KeyExchangeKey", kx[:], "d87262b0cde4b1cb7499becccdf10784")
	enc := rc4K(kx, vectorRandomKey[:])
	wantHex(t, "EncryptedRandomSessionKey", enc[:], "518822b1b3f350c8958682ecbb3e3cb7")

	s := newSession(vectorRandomKey, vectorFlagsV1, true, nil)
	msg := bytes.Clone(vectorPlaintext)
	sig, err := s.Seal(nil, msg, 0, len(msg))
	if err != nil {
		t.Fatal(err)
	}
	wantHex(t, "sealed data", msg, "56fe04d861f9319af0d7238a2e3b4d457fb8")
	wantHex(t, "signature", sig, "010000000000000009dcd1df2e459d36")
}

// MS-NLMP 4.2.3: NTLMv1 with a client challenge, 56-bit keys and no key exchange.
func TestVectorsNTLMv1ExtendedSessionSecurity(t *testing.T) {
	sum := md5.Sum(append(vectorServer[:], vectorClient[:]...))
	response := ntlmv1(vectorHash, sum[:8])
	wantHex(t, "NTLM2 session response", response, "7537f803ae367128ca458204bde7caf81e97ed2683267232")
	lm := append(vectorClient[:], make([]byte, 16)...)

	sbk := sessionHashV1(vectorHash)
	kx := keyExchangeKey(sbk, vectorFlagsV1ESS, true, vectorServer, lm)
	wantHex(t, "KeyExchangeKey", kx[:], "eb93429a8bd952f8b89c55b87f475edc")
	sign := signKey(kx, true)
	wantHex(t, "SigningKey", sign[:], "60e799be5c72fc92922ae8ebe961fb8d")
	wantHex(t, "SealingKey", sealKey(kx, vectorFlagsV1ESS, true), "04dd7f014d8504d265a25cc86a3a7c06")

	s := newSession(kx, vectorFlagsV1ESS, true, nil)
	msg := bytes.Clone(vectorPlaintext)
	sig, err := s.Seal(nil, msg, 0, len(msg))
	if err != nil {
		t.Fatal(err)
	}
	wantHex(t, "sealed data", msg, "a02372f6530273f3aa1eb90190ce5200c99d")
	wantHex(t, "signature", sig, "01000000ff2aeb52f681793a00000000")
}

// MS-NLMP 4.2.4: NTLMv2.
func TestVectorsNTLMv2(t *testing.T) {
	key := NTOWFv2(vectorHash, "User", "Domain")
	wantHex(t, "NTOWFv2", key[:], "0c868a403bfd7a93a3001ef22ef02e3f")

	pairs, err := ParseAVPairs(unhex(t, vectorTargetInfo))
	if err != nil {
		t.Fatal(err)
	}
	cc := ClientChallenge{Challenge: vectorClient, AVPairs: pairs}
	temp := cc.Append(nil)
	wantHex(t, "temp", temp, "0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000"+vectorTargetInfo+"00000000")
	response, sbk := ntlmv2(key[:], vectorServer[:], temp)
	wantHex(t, "NTProofStr", response[:16], "68cd0ab851e51c96aabc927bebef6a1c")
	wantHex(t, "SessionBaseKey", sbk[:], "8de40ccadbc14a82f15cb0ad0de95ca3")
	wantHex(t, "LMv2 response", lmv2(key[:], vectorServer[:], vectorClient[:]), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa")
	enc := rc4K(sbk, vectorRandomKey[:])
	wantHex(t, "EncryptedRandomSessionKey", enc[:], "c5dad2544fc9799094ce1ce90bc9d03e")

	wantHex(t, "SealKey", sealKey(vectorRandomKey, vectorFlagsV2, true), "59f600973cc4960a25480a7c196e4c58")
	sign := signKey(vectorRandomKey, true)
	wantHex(t, "SignKey", sign[:], "4788dc861b4782f35d43fd98fe1a2d39")

	client, server := newSession(vectorRandomKey, vectorFlagsV2, true, nil), newSession(vectorRandomKey, vectorFlagsV2, false, nil)
	msg := bytes.Clone(vectorPlaintext)
	sig, err := client.Seal(nil, msg, 0, len(msg))
	if err != nil {
		t.Fatal(err)
	}
	wantHex(t, "sealed data", msg, "54e50165bf1936dc996020c1811b0f06fb5f")
	wantHex(t, "signature", sig, "010000007fb38ec5c55d497600000000")
	if err := server.Unseal(msg, 0, len(msg), sig); err != nil || !bytes.Equal(msg, vectorPlaintext) {
		t.Errorf("Unseal = %v, %q", err, msg)
	}
}

// The messages of MS-NLMP 4.2.4.3, and the responses in them verified.
func TestVectorMessages(t *testing.T) {
	raw := unhex(t, vectorChallengeV2)
	ch, err := ParseChallenge(raw)
	if err != nil {
		t.Fatal(err)
	}
	if ch.TargetName != "Server" || ch.Flags != vectorFlagsV2 || ch.ServerChallenge != vectorServer ||
		ch.Version != (Version{6, 0, 6000, 15}) {
		t.Errorf("challenge = %+v", ch)
	}
	wantHex(t, "TargetInfo", ch.TargetInfo, vectorTargetInfo)
	if again := ch.Append(nil); !bytes.Equal(again, raw) {
		t.Errorf("challenge again = %x", again)
	}

	raw = unhex(t, vectorAuthenticateV2)
	m, err := ParseAuthenticate(raw)
	if err != nil {
		t.Fatal(err)
	}
	if m.UserName != "User" || m.DomainName != "Domain" || m.Workstation != "COMPUTER" || m.Flags != vectorAuthFlagsV2 ||
		!m.HasVersion || m.HasMIC {
		t.Errorf("authenticate = %+v", m)
	}
	if again := m.Append(nil); !bytes.Equal(again, raw) {
		t.Errorf("authenticate again = %x", again)
	}
	for _, part := range []struct {
		name   string
		lm, nt []byte
	}{{"NTLMv2", m.LMResponse, m.NTResponse}, {"LMv2", m.LMResponse, nil}} {
		in := auth.NTLMLogon{Account: "user", Domain: "Domain", ServerChallenge: vectorServer, LMResponse: part.lm, NTResponse: part.nt}
		sbk, err := VerifyResponse(vectorHash, &in)
		if err != nil {
			t.Errorf("%s: %v", part.name, err)
		}
		if part.name == "NTLMv2" {
			wantHex(t, "verified session base key", sbk[:], "8de40ccadbc14a82f15cb0ad0de95ca3")
		}
		if _, err := VerifyResponse(NTHash("password"), &in); nt.StatusOf(err) != nt.StatusWrongPassword {
			t.Errorf("%s with the wrong password: %v", part.name, err)
		}
	}
}

// The domain may have been folded or left out when the response was made.
func TestVerifyDomainSpellings(t *testing.T) {
	temp := (&ClientChallenge{Challenge: vectorClient}).Append(nil)
	for _, tt := range []struct {
		made, sent string
		ok         bool
	}{{"Dom", "Dom", true}, {"DOM", "Dom", true}, {"", "Dom", true}, {"dom", "Dom", false}, {"Other", "Dom", false}} {
		key := NTOWFv2(vectorHash, "jörg", tt.made)
		response, want := ntlmv2(key[:], vectorServer[:], temp)
		got, err := VerifyResponse(vectorHash, &auth.NTLMLogon{Account: "JÖRG", Domain: tt.sent, ServerChallenge: vectorServer, NTResponse: response})
		if (err == nil) != tt.ok || tt.ok && got != want {
			t.Errorf("made for %q, sent as %q: %v", tt.made, tt.sent, err)
		}
	}
}
