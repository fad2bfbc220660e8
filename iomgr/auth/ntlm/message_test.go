package ntlm

import (
	"bytes"
	"reflect"
	"testing"
)

var testNegotiate = NegotiateMessage{Flags: clientFlags | NegotiateOEMDomainSupplied | NegotiateOEMWorkstationSupplied,
	DomainName: "DOM", Workstation: "WKS", Version: ourVersion}

var testChallenge = ChallengeMessage{TargetName: "Größe", Flags: serverFlags&^NegotiateOEM | NegotiateTargetInfo,
	ServerChallenge: vectorServer, TargetInfo: AVPairs{{MsvAvNbDomainName, []byte("D\x00")}}.Append(nil), Version: ourVersion}

func testAuthenticate() AuthenticateMessage {
	cc := ClientChallenge{Challenge: vectorClient, AVPairs: AVPairs{{MsvAvFlags, []byte{2, 0, 0, 0}}}}
	return AuthenticateMessage{LMResponse: make([]byte, 24), NTResponse: append(make([]byte, 16), cc.Append(nil)...),
		DomainName: "DOM", UserName: "\U0001F600", Workstation: "WKS", EncryptedRandomSessionKey: vectorRandomKey[:],
		Flags: clientFlags &^ NegotiateOEM, Version: ourVersion, HasVersion: true, MIC: vectorRandomKey, HasMIC: true}
}

func TestMessagesRoundTrip(t *testing.T) {
	prefix := []byte("prefix") // messages may be appended to something
	n, err := ParseNegotiate(testNegotiate.Append(prefix)[6:])
	if err != nil || n != testNegotiate {
		t.Errorf("negotiate = %+v, %v", n, err)
	}
	c, err := ParseChallenge(testChallenge.Append(prefix)[6:])
	if err != nil || !reflect.DeepEqual(c, testChallenge) {
		t.Errorf("challenge = %+v, %v", c, err)
	}
	full := testAuthenticate()
	for _, drop := range []func(*AuthenticateMessage){
		func(*AuthenticateMessage) {},
		func(m *AuthenticateMessage) { m.HasMIC, m.MIC = false, [16]byte{} },
		func(m *AuthenticateMessage) {
			m.HasMIC, m.MIC, m.HasVersion, m.Version = false, [16]byte{}, false, Version{}
		},
		func(m *AuthenticateMessage) { m.Flags = m.Flags&^NegotiateUnicode | NegotiateOEM; m.UserName = "jörg" },
	} {
		m := full
		drop(&m)
		got, err := ParseAuthenticate(m.Append(prefix)[6:])
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("authenticate = %+v, %v, want %+v", got, err, m)
		}
	}
}

// What is parsed from a cut message either is an error or does not reach past the cut.
func TestMessagesTruncated(t *testing.T) {
	auth := testAuthenticate()
	for name, tt := range map[string]struct {
		b     []byte
		parse func([]byte) error
		whole bool // no prefix is a message
	}{
		"negotiate":    {testNegotiate.Append(nil), func(b []byte) error { _, err := ParseNegotiate(b); return err }, false},
		"challenge":    {testChallenge.Append(nil), func(b []byte) error { _, err := ParseChallenge(b); return err }, true},
		"authenticate": {auth.Append(nil), func(b []byte) error { _, err := ParseAuthenticate(b); return err }, true},
		"avpairs":      {testChallenge.TargetInfo, func(b []byte) error { _, err := ParseAVPairs(b); return err }, true},
		"temp":         {auth.NTResponse[16 : len(auth.NTResponse)-4], func(b []byte) error { _, err := ParseClientChallenge(b); return err }, true},
	} {
		if err := tt.parse(tt.b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for n := range tt.b {
			if err := tt.parse(bytes.Clone(tt.b[:n])); err == nil && tt.whole {
				t.Errorf("%s cut at %d of %d: no error", name, n, len(tt.b))
			}
		}
	}
}

func TestMessagesHostile(t *testing.T) {
	m := testAuthenticate()
	good := m.Append(nil)
	for name, edit := range map[string]func(b []byte){
		"offset past the end":  func(b []byte) { b[16+3] = 0xff },
		"offset in the header": func(b []byte) { b[16], b[17] = 4, 0 },
		"offset in the fields": func(b []byte) { b[16], b[17] = 40, 0 },
		"length past the end":  func(b []byte) { b[20], b[21] = 0xff, 0xff },
		"odd length in UTF-16": func(b []byte) { b[28]-- },
		"another message":      func(b []byte) { b[8] = 1 },
		"another signature":    func(b []byte) { b[0] = 'n' },
	} {
		b := bytes.Clone(good)
		edit(b)
		if m, err := ParseAuthenticate(b); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
	if _, err := ParseAuthenticate(append(good, make([]byte, maxMessage)...)); err == nil {
		t.Error("oversized message taken")
	}
	var many AVPairs
	for range maxAVPairs + 2 {
		many = append(many, AVPair{ID: MsvAvFlags})
	}
	if _, err := ParseAVPairs(many.Append(nil)); err == nil {
		t.Error("endless AV pairs taken")
	}
}

func FuzzMessages(f *testing.F) {
	auth := testAuthenticate()
	f.Add(testNegotiate.Append(nil))
	f.Add(testChallenge.Append(nil))
	f.Add(auth.Append(nil))
	f.Add(auth.NTResponse[16:])
	f.Add(testChallenge.TargetInfo)
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := ParseNegotiate(b); err == nil {
			if _, err := ParseNegotiate(m.Append(nil)); err != nil {
				t.Errorf("negotiate %+v does not parse again: %v", m, err)
			}
		}
		if m, err := ParseChallenge(b); err == nil {
			again, err := ParseChallenge(m.Append(nil))
			if err != nil || !bytes.Equal(again.TargetInfo, m.TargetInfo) {
				t.Errorf("challenge %+v does not parse again: %v", m, err)
			}
		}
		if m, err := ParseAuthenticate(b); err == nil && len(b) < maxMessage/8 {
			again, err := ParseAuthenticate(m.Append(nil))
			if err != nil || !bytes.Equal(again.NTResponse, m.NTResponse) || again.UserName != m.UserName {
				t.Errorf("authenticate %+v does not parse again: %v", m, err)
			}
		}
		if l, err := ParseAVPairs(b); err == nil {
			if again := l.Append(nil); !bytes.Equal(again[:len(again)-2], b[:len(again)-2]) {
				t.Errorf("AV pairs %x became %x", b, again)
			}
		}
		if c, err := ParseClientChallenge(b); err == nil {
			if _, err := ParseClientChallenge(c.Append(nil)); err != nil {
				t.Errorf("client challenge %+v does not parse again: %v", c, err)
			}
		}
	})
}
