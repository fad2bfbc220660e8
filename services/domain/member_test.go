package domain

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/nt"
	"lwio/services/state"
)

func sampleAccount() *state.MachineAccount {
	return &state.MachineAccount{Realm: "LAB.TEST", DNSDomain: "lab.test", Forest: "lab.test", Domain: "LAB", DomainSID: nt.MustSID("S-1-5-21-1-2-3"), Name: "OURS$", RID: 1105,
		DNSName: "ours.lab.test", Controller: "dc1.lab.test", Password: state.MachinePassword{Value: "one", Salt: saltOf("LAB.TEST", "OURS$"), KVNO: 2, Set: nt.NowTime()}}
}

// member is one whose controller cannot be reached.
func member(t *testing.T, joined bool) (*Member, *state.Domain, *int) {
	t.Helper()
	table, dials := state.NewDomain(state.NewMemory()), new(int)
	if joined {
		if _, err := table.Save(t.Context(), sampleAccount(), 0); err != nil {
			t.Fatal(err)
		}
	}
	l := NewLocator(LocatorConfig{})
	l.found["lab.test"] = found{[]Controller{{Name: "dc1.lab.test"}, {Name: "dc2.lab.test"}}, time.Now().Add(time.Hour)}
	m, err := New(t.Context(), Config{Table: table, Locator: l, Log: slog.New(slog.DiscardHandler), FirstID: 100000, IDs: 10000,
		Host: func() auth.Host { return auth.Host{Name: "OURS", DNSName: "ours.lab.test"} },
		Pipe: func(context.Context, string, string, *api.Credential) (Conn, error) {
			*dials++
			return nil, nt.StatusHostUnreachable
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m, table, dials
}

// TestControllerAway: a logon is answered with what is missing, and those after it without asking.
func TestControllerAway(t *testing.T) {
	m, _, dials := member(t, true)
	in := &auth.NTLMLogon{Account: "alice", Domain: "LAB", NTResponse: make([]byte, 100)}
	for range 3 {
		if _, _, err := m.passThrough(t.Context(), in, "LAB", "alice"); nt.StatusOf(err) != nt.StatusNoLogonServers {
			t.Fatalf("%v", err)
		}
		if *dials != 2 {
			t.Fatalf("%d attempts at two controllers", *dials)
		}
	}
	ids := m.lookupNames(t.Context(), m.Account(), []string{`LAB\alice`, "LAB"})
	if ids[0].Type != auth.SIDTypeUnknown || ids[1].SID != m.Account().DomainSID {
		t.Errorf("%+v", ids)
	}
}

func TestNoNTLMv1(t *testing.T) {
	m, _, dials := member(t, true)
	if _, _, err := m.passThrough(t.Context(), &auth.NTLMLogon{Account: "alice", NTResponse: make([]byte, 24)}, "LAB", "alice"); nt.StatusOf(err) != nt.StatusLogonFailure || *dials != 0 {
		t.Errorf("%v after %d attempts", err, *dials)
	}
}

// TestRotateAway: what could not be asked for is not begun.
func TestRotateAway(t *testing.T) {
	m, table, _ := member(t, true)
	var steps []Step
	err := m.Rotate(t.Context(), func(s Step) { steps = append(steps, s) })
	var f *Failure
	if !errors.As(err, &f) || f.Stage != StageNetwork || f.Hint == "" {
		t.Errorf("%v", err)
	}
	if len(steps) != 1 || steps[0].Err == nil {
		t.Errorf("%+v", steps)
	}
	if acct, _, err := table.Load(t.Context()); err != nil || acct.Pending.Value != "" || acct.Password.Value != "one" {
		t.Errorf("the account changed: %v", err)
	}
}

// TestPendingKeys: while a change is not settled tickets of both passwords are read, and of the one before.
func TestPendingKeys(t *testing.T) {
	acct := sampleAccount()
	acct.Old = state.MachinePassword{Value: "zero", Salt: acct.Password.Salt, KVNO: 1}
	acct.Pending = state.MachinePassword{Value: "two", Salt: acct.Password.Salt, KVNO: 3}
	keys := accountKeys(acct)
	for _, password := range []string{"zero", "one", "two"} {
		want, err := krb5.PasswordKey(krb5.AES256SHA1, password, acct.Password.Salt)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(keys, func(k krb5.ServiceKey) bool {
			return k.Name == "cifs/ours.lab.test" && slices.Equal(k.Value, want.Value)
		}) {
			t.Errorf("no key of %s", password)
		}
	}
}

func TestLeave(t *testing.T) {
	m, table, _ := member(t, true)
	if err := m.Leave(t.Context(), LeaveRequest{}, nil); err == nil {
		t.Fatal("left without a user")
	}
	if m.Account() == nil {
		t.Fatal("the account is forgotten")
	}
	if err := m.Leave(t.Context(), LeaveRequest{Force: true}, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := table.Load(t.Context()); !errors.Is(err, state.ErrNoDomain) || m.Account() != nil {
		t.Errorf("%v", err)
	}
	if keys, _ := m.Keys(); len(keys) != 0 {
		t.Error("keys are left")
	}
	if err := m.Rotate(t.Context(), nil); nt.StatusOf(err) != nt.StatusNoSuchDomain {
		t.Errorf("%v", err)
	}
}

// TestKeytab: the account's keys are replaced, those of others stay, and nobody else reads the file.
func TestKeytab(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keytab")
	other := krb5.ServiceKey{Name: "HTTP/www.lab.test", Realm: "LAB.TEST", KVNO: 9, EncryptionKey: krb5.EncryptionKey{Type: krb5.AES256SHA1, Value: make([]byte, 32)}}
	if err := os.WriteFile(path, krb5.AppendKeytab(nil, []krb5.ServiceKey{other, {Name: "HOST/ours.lab.test", Realm: "LAB.TEST", KVNO: 1, EncryptionKey: other.EncryptionKey}}), 0o600); err != nil {
		t.Fatal(err)
	}
	acct := sampleAccount()
	keys := accountKeys(acct)
	if err := replaceKeys(path, acct, keys); err != nil {
		t.Fatal(err)
	}
	read := func() []krb5.ServiceKey {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		list, err := krb5.ParseKeytab(b)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := read(); len(got) != len(keys)+1 {
		t.Errorf("%d keys, want %d and another's", len(got), len(keys))
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	if err := replaceKeys(path, acct, nil); err != nil {
		t.Fatal(err)
	}
	if got := read(); len(got) != 1 || got[0].Name != other.Name {
		t.Errorf("%d keys are left", len(got))
	}
}

func TestUnixID(t *testing.T) {
	m, _, _ := member(t, true)
	sid := m.Account().DomainSID
	for in, want := range map[nt.SID]uint32{sid.Child(1103): 101103, sid.Child(9999): 109999, sid.Child(10000): 0, nt.MustSID("S-1-5-21-9-9-9-1103"): 0, nt.SIDBuiltinUsers: 0} {
		got, ok := m.UnixID(in)
		if got != want || ok != (want != 0) {
			t.Errorf("%v: %d %v, want %d", in, got, ok, want)
		}
		if back, ok := m.SIDOf(got); want != 0 && (!ok || back != in) {
			t.Errorf("%d is %v", got, back)
		}
	}
	if _, ok := m.SIDOf(99999); ok {
		t.Error("an id below the range is mapped")
	}
}

func TestFailures(t *testing.T) {
	for err, want := range map[error]Stage{nt.StatusTimeDifferenceAtDc: StageTime, nt.StatusNoLogonServers: StageNetwork, nt.StatusDomainControllerNotFound: StageDNS,
		nt.StatusKdcUnknownEtype: StageEncryption, nt.StatusDsMachineAccountQuotaExceeded: StagePermission, nt.StatusAccessDenied: StageAccount} {
		var f *Failure
		if !errors.As(fail(StageAccount, err, "hint", "do"), &f) || f.Stage != want || f.Hint == "" || !errors.Is(f, err) {
			t.Errorf("%v: %+v", err, f)
		}
	}
}

func TestCacheExpires(t *testing.T) {
	c := cache{keep: time.Hour, limit: 4}
	now := time.Now()
	known := auth.Identity{SID: nt.MustSID("S-1-5-21-1-2-3-4"), Type: auth.SIDTypeUser, Name: "alice"}
	c.putName(`LAB\alice`, known, now)
	c.putName(`LAB\nobody`, auth.Identity{Type: auth.SIDTypeUnknown}, now)
	if id, ok := c.name(`lab\ALICE`, now.Add(knownFor-1)); !ok || id != known {
		t.Error("forgotten too early")
	}
	if _, ok := c.name(`LAB\alice`, now.Add(knownFor)); ok {
		t.Error("remembered too long")
	}
	if _, ok := c.name(`LAB\nobody`, now.Add(unknownFor)); ok {
		t.Error("what was not known is remembered too long")
	}
	if id, ok := c.oldName(`LAB\alice`, now.Add(time.Hour-1)); !ok || id != known {
		t.Error("not there when nobody can be asked")
	}
	if _, ok := c.oldName(`LAB\alice`, now.Add(time.Hour)); ok {
		t.Error("kept too long")
	}
	if _, ok := c.oldName(`LAB\nobody`, now); ok {
		t.Error("what was not known is kept")
	}
	for i := range uint32(20) {
		c.putSID(known.SID.Domain().Child(i), known, now)
	}
	if len(c.sids) != 4 {
		t.Errorf("%d are remembered", len(c.sids))
	}
}

// TestNamesKept: a daemon that starts while no controller answers knows the names that the one before it knew.
func TestNamesKept(t *testing.T) {
	m, table, _ := member(t, true)
	alice := auth.Identity{SID: m.Account().DomainSID.Child(1103), Type: auth.SIDTypeUser, Name: "alice", Domain: "LAB", DomainSID: m.Account().DomainSID}
	m.cache.putName(`LAB\alice`, alice, time.Now().Add(-time.Hour))
	m.cache.putSID(alice.SID, alice, time.Now().Add(-time.Hour))
	m.Close()
	again, err := New(t.Context(), m.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if ids := again.lookupNames(t.Context(), again.Account(), []string{`lab\alice`, `LAB\bob`}); ids[0] != alice || ids[1].Type != auth.SIDTypeUnknown {
		t.Errorf("%+v", ids)
	}
	if ids := again.lookupSIDs(t.Context(), again.Account(), []nt.SID{alice.SID}); ids[0] != alice {
		t.Errorf("%+v", ids)
	}
	if err := again.Leave(t.Context(), LeaveRequest{Force: true}, nil); err != nil {
		t.Fatal(err)
	}
	if names, err := table.LoadNames(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("%d names are left, %v", len(names), err)
	}
}
