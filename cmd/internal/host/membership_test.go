package host

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lwio/cmd/internal/config"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/auth/spnego"
)

// keysOf are those of a member that joins and leaves.
type keysOf struct{ list []krb5.ServiceKey }

func (k *keysOf) Keys() ([]krb5.ServiceKey, error) { return k.list, nil }

// TestMembershipChanges: Kerberos is offered while there is an account, without a restart.
func TestMembershipChanges(t *testing.T) {
	member := &keysOf{}
	cfg := &config.Config{Kerberos: config.Kerberos{Keytab: filepath.Join(t.TempDir(), "none")}}
	m, err := NewMechanisms(accounts(t), cfg, member, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	offers := func() []spnego.OID {
		hint, err := spnego.ParseNegTokenInit(m.SMB.Hint())
		if err != nil {
			t.Fatal(err)
		}
		return hint.MechTypes
	}
	ntlm := []spnego.OID{spnego.OIDNTLM}
	if got := offers(); !slices.Equal(got, ntlm) {
		t.Errorf("before: %v", got)
	}
	member.list = []krb5.ServiceKey{{Name: "OURS$", Realm: "LAB.TEST", EncryptionKey: krb5.EncryptionKey{Type: krb5.AES256SHA1, Value: make([]byte, 32)}}}
	if got := offers(); !slices.Equal(got, append([]spnego.OID{spnego.OIDMSKerberos, spnego.OIDKerberos}, ntlm...)) {
		t.Errorf("joined: %v", got)
	}
	member.list = nil
	if got := offers(); !slices.Equal(got, ntlm) {
		t.Errorf("left: %v", got)
	}
}

// TestJoinedKeys: keys of the keytab for RC4 count only where that is allowed; the account's do.
func TestJoinedKeys(t *testing.T) {
	rc4 := krb5.EncryptionKey{Type: krb5.RC4HMAC, Value: make([]byte, 16)}
	path := filepath.Join(t.TempDir(), "keytab")
	aes := krb5.EncryptionKey{Type: krb5.AES256SHA1, Value: make([]byte, 32)}
	if err := os.WriteFile(path, krb5.AppendKeytab(nil, []krb5.ServiceKey{{Name: "host/a.b", Realm: "R", EncryptionKey: rc4}, {Name: "host/a.b", Realm: "R", EncryptionKey: aes}}), 0o600); err != nil {
		t.Fatal(err)
	}
	tab, err := krb5.LoadKeytab(path)
	if err != nil {
		t.Fatal(err)
	}
	member := &keysOf{[]krb5.ServiceKey{{Name: "A$", Realm: "R", EncryptionKey: rc4}}}
	for allowed, want := range map[bool]int{false: 2, true: 3} {
		keys, err := joined{tab, member, allowed}.Keys()
		if err != nil || len(keys) != want {
			t.Errorf("allowed %v: %d keys, %v", allowed, len(keys), err)
		}
	}
	if len(member.list) != 1 {
		t.Error("the member's list grew")
	}
}
