package krb5

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/iomgr/nt"
)

// First tokens of smbtorture 4.17 (ncacn_ip_tcp with krb5: bare, DCE style) and of impacket 0.10 (in its frame, DCE style all the same) with a
// ticket of Samba's KDC, and the key that it was made for.
func TestGolden(t *testing.T) {
	key := ServiceKey{Name: "OURS$", Realm: "LAB.TEST", KVNO: 2,
		EncryptionKey: EncryptionKey{AES256SHA1, unhex(t, "06cafeeeb4962b6389be111afcbe5ccec27f7530be50525c5f5e4e414502e337")}}
	at := time.Date(2026, 11, 22, 11, 21, 19, 0, time.UTC)
	for _, name := range []string{"samba-dce", "impacket"} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile("testdata/golden/" + name + ".hex")
			if err != nil {
				t.Fatal(err)
			}
			token := unhex(t, strings.TrimSpace(string(b)))
			rec := new(recorder)
			accept := func(now time.Time) (auth.Acceptor, []byte, error) {
				a := NewMechanism(Config{Authority: rec, Keys: KeyList{key}, Now: func() time.Time { return now }}).NewAcceptor(auth.Peer{})
				reply, err := a.Accept(context.Background(), token)
				return a, reply, err
			}
			a, reply, err := accept(at)
			if !errors.Is(err, nt.StatusMoreProcessingRequired) || len(reply) == 0 || reply[0] != tagAPRep || a.Context() != nil {
				t.Fatalf("%v", err)
			}
			p := rec.got
			if p.Name != "alice" || p.Realm != "LAB.TEST" || !p.OwnRealm || p.Account != "alice" || p.Domain != "LAB" ||
				p.User != domainSID.Child(1103) || p.PrimaryGroup != domainSID.Child(513) || len(p.Groups) != 4 ||
				!p.Expires.Go().Equal(time.Date(2026, 11, 22, 21, 2, 9, 0, time.UTC)) {
				t.Errorf("principal %+v", p)
			}
			if _, _, err := accept(at.Add(6 * time.Minute)); !errors.Is(err, nt.StatusTimeDifferenceAtDc) {
				t.Errorf("six minutes later: %v", err)
			}
			if _, _, err := accept(at.Add(11 * time.Hour)); !errors.Is(err, nt.StatusLogonFailure) {
				t.Errorf("the next day: %v", err)
			}
		})
	}
}

// DES is refused before anything is decrypted, whatever keys there are.
func TestDES(t *testing.T) {
	for _, et := range []EncType{1, 2, 3, 5, 7, 16, 24, -128, 0} {
		r := newRealm(AES256SHA1)
		cred := r.grant(nil)
		sname := cred.server.der()
		enc := encrypted{etype: et, cipher: make([]byte, 100)}
		raw := tlv(tagTicket, tlv(tagSequence, derField(0, derInt(5)), derField(1, derString("LAB.TEST")), derField(2, sname), derField(3, enc.der())))
		cfg := r.config()
		cfg.Keys = KeyList{r.key, {Name: "OURS$", Realm: "LAB.TEST", EncryptionKey: EncryptionKey{et, make([]byte, 8)}}}
		reply, err := NewMechanism(cfg).NewAcceptor(auth.Peer{}).Accept(context.Background(), marshalAPReq(0, raw, cred.key.seal(usageAPReqAuthenticator, []byte("x"))))
		_, msg, _ := parseToken(reply)
		if e, perr := parseError(msg); err == nil || perr != nil || e.code != kdcNoSupport {
			t.Errorf("%v: %v, answered %v", et, err, e.code)
		}
	}
}

func ExampleNewMechanism() {
	keys := KeyList{{Name: "host/server.example", Realm: "EXAMPLE", KVNO: 1, EncryptionKey: newKey(AES256SHA1)}}
	mech := NewMechanism(Config{Authority: ntlmtest.Accounts{}, Keys: keys})
	acc := mech.NewAcceptor(auth.Peer{Address: "192.0.2.1:1000"})
	_, err := acc.Accept(context.Background(), []byte("no ticket"))
	if errors.Is(err, nt.StatusInvalidParameter) && acc.Context() == nil {
		os.Stdout.WriteString("refused\n")
	}
	// Output: refused
}
