package state

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

func newLSA(t *testing.T, s Store) *LSA {
	t.Helper()
	l, err := NewLSA(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLSAAccounts: what was changed is there after a start, in the same order, and nothing else.
func TestLSAAccounts(t *testing.T) {
	s := NewMemory()
	l := newLSA(t, s)
	if n := len(l.Accounts(0, 1000)); n != len(lsaDefaults) {
		t.Errorf("%d accounts in a new policy, want %d", n, len(lsaDefaults))
	}
	sid := nt.NewSID(5, 21, 1, 2, 3, 1000)
	if err := l.AddAccount(t.Context(), sid); err != nil {
		t.Fatal(err)
	}
	if err := l.AddAccount(t.Context(), sid); !errors.Is(err, ErrLSAAccountExists) {
		t.Errorf("twice: %v", err)
	}
	sd, _ := nt.ParseSDDL("O:BAG:SYD:(A;;0xf000f;;;BA)", nt.SID{})
	set := func(a *LSAAccount) error {
		a.Privileges, a.ByDefault, a.SystemAccess, a.Security = nt.SeBackupPrivilege|1<<60, nt.SeBackupPrivilege|nt.SeDebugPrivilege, AccessBatch, sd
		return nil
	}
	if err := l.ChangeAccount(t.Context(), sid, false, set); err != nil {
		t.Fatal(err)
	}
	if err := l.ChangeAccount(t.Context(), sid.Child(1), false, set); !errors.Is(err, ErrNoLSAAccount) {
		t.Errorf("one that is not there: %v", err)
	}
	fail := errors.New("fail")
	if err := l.ChangeAccount(t.Context(), sid, false, func(a *LSAAccount) error { a.Privileges = 0; return fail }); !errors.Is(err, fail) {
		t.Errorf("%v", err)
	}
	if err := l.ChangeAccount(t.Context(), nt.NewSID(5, 21, 9), true, set); err != nil {
		t.Fatal(err)
	}
	if err := l.DeleteAccount(t.Context(), nt.SIDService); err != nil {
		t.Fatal(err)
	}
	want := LSAAccount{SID: sid, Privileges: nt.SeBackupPrivilege, ByDefault: nt.SeBackupPrivilege, SystemAccess: AccessBatch, Security: sd}
	again := newLSA(t, s)
	got, ok := again.Account(sid)
	if !ok || !got.Security.Equal(sd) {
		t.Errorf("%+v %v", got, ok)
	}
	if got.Security = sd; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, ok := again.Account(nt.SIDService); ok {
		t.Error("deleted, and there after a start")
	}
	var one, two []nt.SID
	for i := range 100 {
		for _, a := range l.Accounts(i, 1) {
			one = append(one, a.SID)
		}
	}
	for _, a := range again.Accounts(0, 1000) {
		two = append(two, a.SID)
	}
	if !reflect.DeepEqual(one, two) || len(one) != len(lsaDefaults)+1 {
		t.Errorf("%v\n%v", one, two)
	}
	if err := l.DeleteAccount(t.Context(), nt.SIDService); !errors.Is(err, ErrNoLSAAccount) {
		t.Errorf("deleted twice: %v", err)
	}
}

// TestLSALogOn: the privileges of a token are the union of what its enabled groups hold, and a denial wins.
func TestLSALogOn(t *testing.T) {
	l := newLSA(t, NewMemory())
	user := nt.NewSID(5, 21, 1, 2, 3, 1000)
	group := nt.NewSID(5, 21, 1, 2, 3, 1001)
	token := func(attributes nt.GroupAttributes) *nt.Token {
		return &nt.Token{User: user, Privileges: nt.AllPrivileges, Groups: []nt.Group{{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault}, {SID: group, Attributes: attributes}}}
	}
	tok := token(nt.SEGroupDefault)
	if err := l.LogOn(tok); err != nil || tok.Privileges != nt.SeChangeNotifyPrivilege {
		t.Errorf("%#x %v", tok.Privileges, err)
	}
	change := func(sid nt.SID, p nt.Privileges, access uint32) {
		t.Helper()
		if err := l.ChangeAccount(t.Context(), sid, true, func(a *LSAAccount) error { a.Privileges, a.SystemAccess = p, access; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	change(user, nt.SeBackupPrivilege, 0)
	change(group, nt.SeRestorePrivilege, 0)
	if tok := token(nt.SEGroupDefault); l.LogOn(tok) != nil || tok.Privileges != nt.SeChangeNotifyPrivilege|nt.SeBackupPrivilege|nt.SeRestorePrivilege {
		t.Errorf("%#x", tok.Privileges)
	}
	if tok := token(nt.SEGroupUseForDenyOnly); l.LogOn(tok) != nil || tok.Privileges.Has(nt.SeRestorePrivilege) {
		t.Errorf("a group that only denies gives %#x", tok.Privileges)
	}
	change(group, 0, AccessDenyNetwork)
	for _, a := range []nt.GroupAttributes{nt.SEGroupDefault, nt.SEGroupUseForDenyOnly} {
		if err := l.LogOn(token(a)); !errors.Is(err, nt.StatusLogonTypeNotGranted) {
			t.Errorf("denied by a group with %#x: %v", a, err)
		}
	}
	change(group, 0, 0)
	change(nt.SIDWorld, 0, 0)
	if err := l.LogOn(token(nt.SEGroupDefault)); !errors.Is(err, nt.StatusLogonTypeNotGranted) {
		t.Errorf("without the right: %v", err)
	}
}

// TestLogonByPolicy: the policy decides about what Kerberos has proved too, and a privilege that is taken away is gone with the next logon.
func TestLogonByPolicy(t *testing.T) {
	a, err := NewAccounts(t.Context(), NewMemory(), AccountsConfig{Machine: Machine{Name: "HOST", SID: nt.NewSID(5, 21, 1, 2, 3)}})
	if err != nil {
		t.Fatal(err)
	}
	domain := nt.NewSID(5, 21, 7, 8, 9)
	in := &auth.Principal{Name: "alice", Realm: "LAB.TEST", OwnRealm: true, Account: "alice", Domain: "LAB", DomainSID: domain, User: domain.Child(1104),
		Groups: []nt.Group{{SID: domain.Child(512), Attributes: nt.SEGroupDefault}}}
	tok, err := a.Authorize(t.Context(), in)
	if err != nil || tok.Privileges != adminPrivileges {
		t.Fatalf("%+v %v", tok, err)
	}
	if err := a.LSA().ChangeAccount(t.Context(), nt.SIDBuiltinAdministrators, false, func(a *LSAAccount) error { a.Privileges &^= nt.SeBackupPrivilege; return nil }); err != nil {
		t.Fatal(err)
	}
	if tok, err = a.Authorize(t.Context(), in); err != nil || tok.Privileges != adminPrivileges&^nt.SeBackupPrivilege {
		t.Errorf("%+v %v", tok, err)
	}
	if err := a.LSA().ChangeAccount(t.Context(), in.User, true, func(a *LSAAccount) error { a.SystemAccess = AccessDenyNetwork; return nil }); err != nil {
		t.Fatal(err)
	}
	if tok, err = a.Authorize(t.Context(), in); !errors.Is(err, nt.StatusLogonTypeNotGranted) || tok != nil {
		t.Errorf("%+v %v", tok, err)
	}
}

func TestLSAPolicy(t *testing.T) {
	s := NewMemory()
	l := newLSA(t, s)
	sd, _ := nt.ParseSDDL("O:BAG:SYD:(A;;0xF1FFF;;;BA)", nt.SID{})
	err := l.ChangePolicy(t.Context(), func(p *LSAPolicy) error {
		p.Auditing, p.AuditOptions[8], p.ServerRole, p.ReplicaSource, p.EFS, p.Kerberos.Spare, p.Security = true, 3, 2, `\\größe`, []byte{1, 2}, -1, sd
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.ChangePolicy(t.Context(), func(p *LSAPolicy) error { p.Security = nil; return nil }); !errors.Is(err, ErrInvalid) {
		t.Errorf("a policy without a descriptor: %v", err)
	}
	want, got := l.Policy(), newLSA(t, s).Policy()
	if !got.Security.Equal(want.Security) {
		t.Errorf("%s", got.Security.SDDL())
	}
	got.Security = want.Security
	if !reflect.DeepEqual(got, want) || got.Kerberos.ClockSkew != 5*60*10_000_000 {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestLSASecrets(t *testing.T) {
	s := NewMemory()
	l := newLSA(t, s)
	for name, want := range map[string]error{"G$größe": nil, "g$GRÖSSE2": nil, "": ErrLSASecretName, `a\b`: ErrLSASecretName, "a\x00": ErrLSASecretName,
		strings.Repeat("x", 128): nil, strings.Repeat("x", 129): ErrLSASecretName} {
		if err := l.AddSecret(t.Context(), name); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
	}
	if err := l.AddSecret(t.Context(), "g$GRÖßE"); !errors.Is(err, ErrLSASecretExists) {
		t.Errorf("in another case: %v", err)
	}
	err := l.ChangeSecret(t.Context(), "g$größe", false, func(s *LSASecret) error { s.Current, s.Old, s.CurrentSet = []byte("new"), []byte{}, 7; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := l.ChangeSecret(t.Context(), "other", false, func(*LSASecret) error { return nil }); !errors.Is(err, ErrNoLSASecret) {
		t.Errorf("%v", err)
	}
	if err := l.ChangeSecret(t.Context(), "other", true, func(s *LSASecret) error { s.Current = make([]byte, MaxLSASecretValue+1); return nil }); !errors.Is(err, ErrLSASecretValue) {
		t.Errorf("%v", err)
	}
	again := newLSA(t, s)
	got, err := again.Secret(t.Context(), "G$GRÖßE")
	if err != nil || !bytes.Equal(got.Current, []byte("new")) || got.Old == nil || len(got.Old) != 0 || got.CurrentSet != 7 || got.Name != "G$größe" {
		t.Errorf("%+v %v", got, err)
	}
	list, err := again.Secrets(t.Context())
	if err != nil || len(list) != 3 || list[0].Current != nil || again.secrets != 3 {
		t.Errorf("%+v %v, %d", list, err, again.secrets)
	}
	if err := again.DeleteSecret(t.Context(), "G$größe"); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Secret(t.Context(), "G$größe"); !errors.Is(err, ErrNoLSASecret) {
		t.Errorf("deleted: %v", err)
	}
	if err := again.DeleteSecret(t.Context(), "G$größe"); !errors.Is(err, ErrNoLSASecret) {
		t.Errorf("deleted twice: %v", err)
	}
}

// TestLSARecords reads every truncation of the three records: none panics, and none gives more than it says.
func TestLSARecords(t *testing.T) {
	sd, _ := nt.ParseSDDL("O:BAG:SYD:(A;;0xF1FFF;;;BA)", nt.SID{})
	p := defaultLSAPolicy()
	p.EFS = []byte{1, 2, 3}
	account := &LSAAccount{SID: nt.SIDWorld, Privileges: 1 << 20, Security: sd}
	secret := &LSASecret{Name: "x", Current: []byte("value"), Old: []byte("old"), Security: sd}
	for i, b := range [][]byte{p.encode(), account.encode(), secret.encode()} {
		for n := range len(b) {
			switch i {
			case 0:
				if _, err := parseLSAPolicy(b[:n]); err == nil {
					t.Errorf("policy of %d bytes", n)
				}
			case 1:
				if a, err := parseLSAAccount(b[:n]); err == nil && a.SID.IsZero() {
					t.Errorf("account of %d bytes", n)
				}
			default:
				if s, err := parseLSASecret(b[:n]); err == nil && s.Name == "" {
					t.Errorf("secret of %d bytes", n)
				}
			}
		}
	}
}

func FuzzLSARecords(f *testing.F) {
	p := defaultLSAPolicy()
	f.Add(p.encode())
	f.Add((&LSAAccount{SID: nt.SIDWorld, Privileges: 1 << 20}).encode())
	f.Add((&LSASecret{Name: "x", Current: []byte("value")}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parseLSAPolicy(b); err == nil {
			if q, err := parseLSAPolicy(p.encode()); err != nil || !q.Security.Equal(p.Security) {
				t.Errorf("policy: %+v %v", q, err)
			}
		}
		if a, err := parseLSAAccount(b); err == nil {
			if c, err := parseLSAAccount(a.encode()); err != nil || c.SID != a.SID || c.Privileges != a.Privileges {
				t.Errorf("account: %+v %v", c, err)
			}
		}
		if s, err := parseLSASecret(b); err == nil {
			if c, err := parseLSASecret(s.encode()); err != nil || c.Name != s.Name || !bytes.Equal(c.Current, s.Current) || (c.Old == nil) != (s.Old == nil) {
				t.Errorf("secret: %+v %v", c, err)
			}
		}
	})
}
