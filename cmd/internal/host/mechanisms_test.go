package host

import (
	"bytes"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lwio/cmd/internal/config"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/auth/spnego"
	"lwio/rpc"
)

func keytab(t *testing.T) string {
	key := krb5.EncryptionKey{Type: krb5.AES256SHA1, Value: bytes.Repeat([]byte{1}, 32)}
	b := krb5.AppendKeytab(nil, []krb5.ServiceKey{{Name: "OURS$", Realm: "LAB.TEST", KVNO: 1, EncryptionKey: key}, {Name: "host/ours.lab.test", Realm: "LAB.TEST", KVNO: 1, EncryptionKey: key}})
	path := filepath.Join(t.TempDir(), "krb5.keytab")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMechanisms(t *testing.T) {
	const kerberos, negotiate, ntlm = rpc.AuthTypeKerberos, rpc.AuthTypeSPNEGO, rpc.AuthTypeNTLM
	have, none := keytab(t), filepath.Join(t.TempDir(), "none")
	for _, tt := range []struct {
		name, keytab, enabled, ntlm string
		types                       []uint8
		offers                      []spnego.OID
		err                         string
	}{
		{"default", have, "", "", []uint8{negotiate, ntlm, kerberos}, []spnego.OID{spnego.OIDMSKerberos, spnego.OIDKerberos, spnego.OIDNTLM}, ""},
		{"no keytab", none, "auto", "v2", []uint8{negotiate, ntlm}, []spnego.OID{spnego.OIDNTLM}, ""},
		{"Kerberos off", have, "off", "", []uint8{negotiate, ntlm}, []spnego.OID{spnego.OIDNTLM}, ""},
		{"NTLM off", have, "required", "off", []uint8{negotiate, kerberos}, []spnego.OID{spnego.OIDMSKerberos, spnego.OIDKerberos}, ""},
		{"required", none, "required", "", nil, nil, `kerberos.enabled = "required"`},
		{"nothing", none, "", "off", nil, nil, "nobody could log on"},
	} {
		cfg := &config.Config{Kerberos: config.Kerberos{Keytab: tt.keytab, Enabled: tt.enabled}, SMB: config.SMB{NTLM: tt.ntlm}}
		m, err := NewMechanisms(accounts(t), cfg, nil, slog.New(slog.DiscardHandler))
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := slices.Sorted(maps.Keys(m.RPC)); !slices.Equal(got, tt.types) {
			t.Errorf("%s: RPC %v, want %v", tt.name, got, tt.types)
		}
		hint, err := spnego.ParseNegTokenInit(m.SMB.Hint())
		if err != nil || !slices.Equal(hint.MechTypes, tt.offers) {
			t.Errorf("%s: offers %v, %v", tt.name, hint.MechTypes, err)
		}
	}
}

func TestMachineHint(t *testing.T) {
	path := keytab(t)
	if h := MachineHint(&config.Config{Kerberos: config.Kerberos{Keytab: path}}); h.Name != "OURS" || h.DNSName != "ours.lab.test" {
		t.Errorf("by the keytab: %+v", h)
	}
	if h := MachineHint(&config.Config{Host: config.Host{Name: "X", DNSName: "x.example"}, Kerberos: config.Kerberos{Keytab: path}}); h.Name != "X" || h.DNSName != "x.example" {
		t.Errorf("by the configuration: %+v", h)
	}
	if h := MachineHint(&config.Config{Kerberos: config.Kerberos{Keytab: path, Enabled: "off"}}); h.Name != "" || h.DNSName != "" {
		t.Errorf("Kerberos is off: %+v", h)
	}
}
