package state

import (
	"fmt"
	"testing"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

func TestAuthorize(t *testing.T) {
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	machine := a.machine.SID
	dom := nt.NewSID(5, 21, 7, 8, 9)
	other := nt.NewSID(5, 21, 7, 8, 10)
	group := func(sid nt.SID) nt.Group { return nt.Group{SID: sid, Attributes: nt.SEGroupDefault} }
	base := auth.Principal{Name: "alice", Realm: "LAB.TEST", OwnRealm: true, Account: "alice", Domain: "LAB", DomainSID: dom, User: dom.Child(1103), PrimaryGroup: dom.Child(513)}
	with := func(edit func(*auth.Principal)) auth.Principal {
		p := base
		p.Groups = []nt.Group{group(dom.Child(513)), group(dom.Child(513)), group(dom.Child(1200))}
		edit(&p)
		return p
	}
	for name, tt := range map[string]struct {
		in     auth.Principal
		status nt.Status
		admin  bool
	}{
		"user":                 {with(func(*auth.Principal) {}), 0, false},
		"domain administrator": {with(func(p *auth.Principal) { p.Groups = append(p.Groups, group(dom.Child(512))) }), 0, true},
		"for denying only": {with(func(p *auth.Principal) {
			p.Groups = append(p.Groups, nt.Group{SID: dom.Child(512), Attributes: nt.SEGroupDefault | nt.SEGroupUseForDenyOnly})
		}), 0, false},
		"another domain's":      {with(func(p *auth.Principal) { p.Groups = append(p.Groups, group(other.Child(512))) }), 0, false},
		"another realm":         {with(func(p *auth.Principal) { p.OwnRealm = false; p.Groups = append(p.Groups, group(dom.Child(512))) }), 0, false},
		"says it administers":   {with(func(p *auth.Principal) { p.Groups = append(p.Groups, group(nt.SIDBuiltinAdministrators)) }), 0, false},
		"says it is ours":       {with(func(p *auth.Principal) { p.Groups = append(p.Groups, group(machine.Child(500))) }), 0, false},
		"no user":               {with(func(p *auth.Principal) { p.User = nt.SID{} }), nt.StatusLogonFailure, false},
		"user of another":       {with(func(p *auth.Principal) { p.User = other.Child(1103) }), nt.StatusLogonFailure, false},
		"the domain is ours":    {with(func(p *auth.Principal) { p.DomainSID, p.User = machine, machine.Child(500) }), nt.StatusLogonFailure, false},
		"the domain is BUILTIN": {with(func(p *auth.Principal) { p.DomainSID, p.User = nt.SIDBuiltin, nt.SIDBuiltinAdministrators }), nt.StatusLogonFailure, false},
	} {
		t.Run(name, func(t *testing.T) {
			tok, err := a.Authorize(t.Context(), &tt.in)
			if nt.StatusOf(err) != tt.status {
				t.Fatalf("%v, want %v", err, tt.status)
			}
			if err != nil {
				return
			}
			if got := tok.HasSID(nt.SIDBuiltinAdministrators); got != tt.admin || got != (tok.Privileges&nt.SeTakeOwnershipPrivilege != 0) {
				t.Errorf("administrator: %v, want %v", got, tt.admin)
			}
			seen := map[nt.SID]bool{}
			for _, g := range tok.Groups {
				if seen[g.SID] || g.SID.IsChildOf(machine) {
					t.Errorf("group %v", g)
				}
				seen[g.SID] = true
			}
			if !seen[dom.Child(1200)] || !seen[nt.SIDAuthenticatedUsers] || tok.Account != "alice" || tok.Domain != "LAB" || tok.User != dom.Child(1103) || seen[nt.SIDNTLMAuthentication] {
				t.Errorf("token %+v", tok)
			}
		})
	}
}

// TestPrincipals: those whom Kerberos proved have names, and what they claim does not displace anybody's.
func TestPrincipals(t *testing.T) {
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	if _, err := a.Add(t.Context(), NewAccount{Name: "carol", Password: "p"}); err != nil {
		t.Fatal(err)
	}
	lab, evil, other := nt.NewSID(5, 21, 7, 8, 9), nt.NewSID(5, 21, 1, 1, 1), nt.NewSID(5, 21, 2, 2, 2)
	see := func(domain, realm, account string, sid nt.SID, rid uint32, own bool) {
		t.Helper()
		p := &auth.Principal{Name: account, Realm: realm, OwnRealm: own, Account: account, Domain: domain, DomainSID: sid, User: sid.Child(rid), PrimaryGroup: sid.Child(513)}
		if _, err := a.Authorize(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	see("LAB", "LAB.TEST", "alice", lab, 1104, true)
	see("LAB", "LAB.TEST", "carol", lab, 1105, true)
	see("LAB", "EVIL.TEST", "alice", evil, 1104, false)         // a name that is another's
	see("EVIL", "LAB.TEST", "bob", evil, 1105, false)           // a realm that is another's
	see(a.machine.Name, "X.TEST", "carol", evil, 1106, false)   // the host's own name: lookups never come to it
	see("NT AUTHORITY", "Y.TEST", "SYSTEM", other, 1107, false) // well known
	see("TRUSTED", "TRUSTED.TEST", "dave", nt.NewSID(5, 21, 3, 3, 3), 1108, false)
	names := []string{`LAB\alice`, `lab\ALICE`, "alice@lab.test", "alice@LAB", `lab.test\alice`, "alice", "LAB", "carol", `LAB\carol`, `LAB\nobody`, `NT AUTHORITY\SYSTEM`, `TRUSTED\dave`, "dave"}
	machine := a.machine.SID
	want := []nt.SID{lab.Child(1104), lab.Child(1104), lab.Child(1104), lab.Child(1104), lab.Child(1104), lab.Child(1104), lab, machine.Child(1000), lab.Child(1105), {}, nt.SIDLocalSystem, nt.NewSID(5, 21, 3, 3, 3, 1108), {}}
	ids, err := a.LookupNames(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if id.SID != want[i] || id.Type == auth.SIDTypeUnknown != want[i].IsZero() {
			t.Errorf("%s: %+v, want %v", names[i], id, want[i])
		}
	}
	if id := ids[9]; id.Domain != "LAB" || id.DomainSID != lab {
		t.Errorf("of a domain that is known: %+v", id)
	}
	sids, err := a.LookupSIDs(t.Context(), []nt.SID{lab.Child(1104), lab, lab.Child(9999), evil.Child(1104)})
	if err != nil {
		t.Fatal(err)
	}
	if id := sids[0]; id.Name != "alice" || id.Domain != "LAB" || id.Type != auth.SIDTypeUser || id.DomainSID != lab {
		t.Errorf("%+v", id)
	}
	if id := sids[1]; id.Name != "LAB" || id.Type != auth.SIDTypeDomain {
		t.Errorf("%+v", id)
	}
	if id := sids[2]; id.Type != auth.SIDTypeUnknown || id.Domain != "LAB" || id.DomainSID != lab {
		t.Errorf("%+v", id)
	}
	if id := sids[3]; id.Type != auth.SIDTypeUnknown && id.Domain == "LAB" {
		t.Errorf("a domain that claims another's name: %+v", id)
	}
	// The host's own domain takes its name back from whoever was seen with it first.
	b := newAccounts(t, NewMemory(), AccountsConfig{})
	for i, own := range []bool{false, true} {
		sid := nt.NewSID(5, 21, 5, 5, uint32(i))
		p := &auth.Principal{Name: "eve", Realm: "LAB.TEST", OwnRealm: own, Account: "eve", Domain: "LAB", DomainSID: sid, User: sid.Child(1000)}
		if _, err := b.Authorize(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if id, _ := b.lookupName(t.Context(), `LAB\eve`); id.SID != nt.NewSID(5, 21, 5, 5, 1, 1000) {
		t.Errorf("%+v", id)
	}
	for i := range uint32(maxPrincipals + 10) { // bounded, and the latest are kept
		p := &auth.Principal{Name: "u", Realm: "LAB.TEST", OwnRealm: true, Account: fmt.Sprint("user", i), Domain: "LAB", DomainSID: lab, User: lab.Child(2000 + i)}
		if _, err := a.Authorize(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if n := a.seen.recent.Len(); n != maxPrincipals || len(a.seen.bySID) != n || len(a.seen.byName) > 2*n {
		t.Errorf("%d, %d, %d are remembered", n, len(a.seen.bySID), len(a.seen.byName))
	}
	if id, _ := a.lookupSID(t.Context(), lab.Child(2000)); id.Type != auth.SIDTypeUnknown {
		t.Errorf("the first is still known: %+v", id)
	}
	if id, _ := a.lookupSID(t.Context(), lab.Child(2000+maxPrincipals+9)); id.Type != auth.SIDTypeUser {
		t.Errorf("the last is not known: %+v", id)
	}
}

func TestKnownHost(t *testing.T) {
	store := NewMemory()
	first, err := KnownHost(t.Context(), store, MachineHint{Name: "files", DNSName: "files.example.org"})
	if err != nil || first.Name != "FILES" || first.DNSDomain != "example.org" || !first.MachineSID.IsZero() {
		t.Fatalf("%+v %v", first, err)
	}
	m, err := LoadMachine(t.Context(), NewMemory(), MachineHint{Name: "files", DNSName: "files.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	told := m.Host()
	if told.Name != first.Name || told.DNSName != first.DNSName {
		t.Errorf("guessed %+v, told %+v", first, told)
	}
	if err := RememberHost(t.Context(), store, told); err != nil {
		t.Fatal(err)
	}
	if got, err := KnownHost(t.Context(), store, MachineHint{Name: "other"}); err != nil || got != told {
		t.Errorf("%+v %v, want %+v", got, err, told)
	}
	if _, err := store.Put(t.Context(), "host", []byte{9}); err != nil {
		t.Fatal(err)
	}
	if _, err := KnownHost(t.Context(), store, MachineHint{}); err == nil {
		t.Error("a damaged record is taken")
	}
}

func TestCopyAccounts(t *testing.T) {
	from, to := NewMemory(), NewMemory()
	if _, err := CopyAccounts(t.Context(), from, to); err == nil {
		t.Error("a store without a machine is copied")
	}
	a := newAccounts(t, from, AccountsConfig{})
	if _, err := from.Put(t.Context(), machineKey, a.machine.record()); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if _, err := a.Add(t.Context(), NewAccount{Name: fmt.Sprint("user", i), Password: "secret"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := from.Put(t.Context(), "share/X", []byte{1}); err != nil {
		t.Fatal(err)
	}
	if have, err := HasAccounts(t.Context(), to); have || err != nil {
		t.Error(have, err)
	}
	n, err := CopyAccounts(t.Context(), from, to)
	if err != nil || n != 200 {
		t.Fatal(n, err)
	}
	m, err := LoadMachine(t.Context(), to, MachineHint{Name: "another"})
	if err != nil || m.SID != a.machine.SID || m.Name != a.machine.Name {
		t.Errorf("%+v %v", m, err)
	}
	b := newAccounts(t, to, AccountsConfig{Machine: m})
	if n, err := b.Count(t.Context()); n != 200 || err != nil {
		t.Error(n, err)
	}
	if acc, err := b.Add(t.Context(), NewAccount{Name: "next", Password: "p"}); err != nil || acc.RID != nt.FirstUserRID+200 {
		t.Errorf("%+v %v", acc, err)
	}
	if _, err := to.Get(t.Context(), "share/X"); err == nil {
		t.Error("more than accounts is copied")
	}
	if _, err := CopyAccounts(t.Context(), from, to); err != ErrHasAccounts {
		t.Errorf("over accounts: %v", err)
	}
}
