package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/nt"
)

func TestSeed(t *testing.T) {
	store := NewMemory()
	a := newAccounts(t, store, AccountsConfig{})
	for rid, name := range map[uint32]string{500: "Administrator", 501: "Guest"} {
		u, err := a.User(t.Context(), rid)
		if err != nil || u.Name != name || u.Control&ControlDisabled == 0 || u.HasPassword {
			t.Errorf("%d: %+v, %v", rid, u, err)
		}
		if err := a.DeleteUser(t.Context(), rid); !errors.Is(err, ErrSpecial) {
			t.Errorf("%s was deleted: %v", name, err)
		}
		if _, err := logon(t, a, "", name, ""); nt.StatusOf(err) != nt.StatusLogonFailure {
			t.Errorf("%s logs on without a password: %v", name, err)
		}
	}
	if n, err := a.Count(t.Context()); n != 0 || err != nil {
		t.Errorf("%d accounts were added, %v", n, err)
	}
	for alias, want := range map[nt.SID]string{nt.SIDBuiltinAdministrators: "S-1-5-21-1-2-3-500", nt.SIDBuiltinUsers: "S-1-5-11 S-1-5-4", nt.SIDBuiltinGuests: "S-1-5-21-1-2-3-501", nt.SIDBuiltinBackupOperators: ""} {
		if got := sids(a.AliasMembers(t.Context(), alias)); got != want {
			t.Errorf("%v has members %q, want %q", alias, got, want)
		}
	}
	// It is done once: what was changed stays changed.
	if err := a.RemoveFromAlias(t.Context(), nt.SIDBuiltinGuests, testMachine.SID.Child(501)); err != nil {
		t.Fatal(err)
	}
	b := newAccounts(t, store, AccountsConfig{})
	if got := sids(b.AliasMembers(t.Context(), nt.SIDBuiltinGuests)); got != "" {
		t.Errorf("guests are %s again", got)
	}
}

func sids(list []nt.SID, err error) string {
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, s := range list {
		out = append(out, s.String())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestMembership: who is in a group or in an alias has it in the token, directly or by another group, and no more once it is out.
func TestMembership(t *testing.T) {
	ctx := t.Context()
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	alice := add(t, a, "alice", "p")
	g, err := a.CreateGroup(ctx, "staff")
	if err != nil {
		t.Fatal(err)
	}
	x, err := a.CreateAlias(ctx, "helpers")
	if err != nil {
		t.Fatal(err)
	}
	m := testMachine.SID
	has := func(want ...nt.SID) {
		t.Helper()
		l, err := logon(t, a, "", "alice", "p")
		if err != nil {
			t.Fatal(err)
		}
		for _, sid := range []nt.SID{m.Child(513), m.Child(g.RID), x.SID, nt.SIDBuiltinUsers, nt.SIDBuiltinBackupOperators, nt.SIDBuiltinAdministrators, nt.SIDLocalAccountAdmin} {
			if l.Token.HasSID(sid) != slices.Contains(want, sid) {
				t.Errorf("%v in the token: %v", sid, l.Token.HasSID(sid))
			}
		}
		if l.Token.HasPrivilege(nt.SeBackupPrivilege) != (slices.Contains(want, nt.SIDBuiltinBackupOperators) || slices.Contains(want, nt.SIDBuiltinAdministrators)) {
			t.Errorf("privileges %x", l.Token.Privileges)
		}
	}
	check := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	has(m.Child(513), nt.SIDBuiltinUsers)
	check(a.AddToGroup(ctx, g.RID, alice.RID), nil)
	check(a.AddToGroup(ctx, g.RID, alice.RID), ErrIsMember)
	check(a.AddToGroup(ctx, g.RID, 4711), ErrNoAccount)
	check(a.AddToGroup(ctx, 4711, alice.RID), ErrNoGroup)
	check(a.AddToGroup(ctx, 513, alice.RID), ErrIsMember)
	has(m.Child(513), m.Child(g.RID), nt.SIDBuiltinUsers)
	check(a.AddToAlias(ctx, nt.SIDBuiltinBackupOperators, m.Child(g.RID)), nil) // by the group
	check(a.AddToAlias(ctx, x.SID, m.Child(alice.RID)), nil)
	check(a.AddToAlias(ctx, x.SID, m.Child(alice.RID)), ErrIsMember)
	check(a.AddToAlias(ctx, x.SID, nt.SIDBuiltinUsers), ErrInvalidMember)
	check(a.AddToAlias(ctx, m.Child(4711), m.Child(alice.RID)), ErrNoAlias)
	has(m.Child(513), m.Child(g.RID), x.SID, nt.SIDBuiltinUsers, nt.SIDBuiltinBackupOperators)
	check(a.Set(ctx, Account{Name: "alice", Admin: true}), nil)
	has(m.Child(513), m.Child(g.RID), x.SID, nt.SIDBuiltinUsers, nt.SIDBuiltinBackupOperators, nt.SIDBuiltinAdministrators, nt.SIDLocalAccountAdmin)
	check(a.Set(ctx, Account{Name: "alice"}), nil)
	// A primary group is one that the user is in, and cannot be left.
	check(a.UpdateUser(ctx, alice.RID, func(u *User) error { u.PrimaryGroup = 4711; return nil }), ErrNotMember)
	check(a.UpdateUser(ctx, alice.RID, func(u *User) error { u.PrimaryGroup = g.RID; return nil }), nil)
	check(a.RemoveFromGroup(ctx, g.RID, alice.RID), ErrPrimaryGroup)
	check(a.DeleteGroup(ctx, g.RID), ErrPrimaryGroup)
	check(a.UpdateUser(ctx, alice.RID, func(u *User) error { u.PrimaryGroup = 513; return nil }), nil)
	check(a.RemoveFromGroup(ctx, 513, alice.RID), ErrPrimaryGroup)
	check(a.RemoveFromGroup(ctx, g.RID, alice.RID), nil)
	check(a.RemoveFromGroup(ctx, g.RID, alice.RID), ErrNotMember)
	check(a.RemoveFromAlias(ctx, x.SID, m.Child(4711)), ErrNotMember)
	has(m.Child(513), x.SID, nt.SIDBuiltinUsers)
	// What goes takes its memberships along: those in it, and its own.
	check(a.AddToGroup(ctx, g.RID, alice.RID), nil)
	check(a.DeleteGroup(ctx, g.RID), nil)
	if got := sids(a.AliasMembers(ctx, nt.SIDBuiltinBackupOperators)); got != "" {
		t.Errorf("a group that is gone is in the backup operators: %s", got)
	}
	check(a.Delete(ctx, "alice"), nil)
	if got := sids(a.AliasMembers(ctx, x.SID)); got != "" {
		t.Errorf("a user that is gone is in the alias: %s", got)
	}
	check(a.DeleteAlias(ctx, x.SID), nil)
	check(a.DeleteAlias(ctx, nt.SIDBuiltinUsers), ErrSpecial)
	check(a.DeleteGroup(ctx, 513), ErrSpecial)
	for _, prefix := range []string{memberPrefix + "group/", memberOfPrefix + "group/"} {
		if left, err := a.keysBelow(ctx, prefix); len(left) != 0 || err != nil {
			t.Errorf("left of memberships: %v, %v", left, err)
		}
	}
}

// TestManyMembers: a group that goes takes out more members than one transaction can.
func TestManyMembers(t *testing.T) {
	ctx := t.Context()
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	x, err := a.CreateAlias(ctx, "many")
	if err != nil {
		t.Fatal(err)
	}
	var list []nt.SID
	for i := range uint32(500) {
		list = append(list, nt.NewSID(5, 21, 9, 9, 9, 1000+i))
	}
	if err := a.AddToAlias(ctx, x.SID, append(list, list[:10]...)...); err != nil {
		t.Fatal(err)
	}
	if got, err := a.AliasMembers(ctx, x.SID); err != nil || len(got) != 500 {
		t.Fatalf("%d members, %v", len(got), err)
	}
	if err := a.RemoveFromAlias(ctx, x.SID, list[:200]...); err != nil {
		t.Fatal(err)
	}
	if err := a.DeleteAlias(ctx, x.SID); err != nil {
		t.Fatal(err)
	}
	if got, err := a.AliasesOf(ctx, list); len(got) != 0 || err != nil {
		t.Errorf("aliases of who was in it: %v, %v", got, err)
	}
	if left, err := a.keysBelow(ctx, aliasMembers+x.SID.String()); len(left) != 0 || err != nil {
		t.Errorf("%d keys are left, %v", len(left), err)
	}
}

// TestDomainMembers: users of a domain are in this machine's aliases by what their own domain says; another domain speaks for its own alone.
func TestDomainMembers(t *testing.T) {
	ctx := t.Context()
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	own, foreign := nt.NewSID(5, 21, 7, 7, 7), nt.NewSID(5, 21, 8, 8, 8)
	if err := a.AddToAlias(ctx, nt.SIDBuiltinAdministrators, own.Child(1200)); err != nil {
		t.Fatal(err)
	}
	if err := a.AddToAlias(ctx, nt.SIDBuiltinBackupOperators, foreign.Child(1300)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name          string
		in            auth.Principal
		admin, backup bool
	}{
		{"own group", auth.Principal{OwnRealm: true, DomainSID: own, User: own.Child(1100), Groups: []nt.Group{{SID: own.Child(1200), Attributes: nt.SEGroupDefault}}}, true, false},
		{"own group, for denying only", auth.Principal{OwnRealm: true, DomainSID: own, User: own.Child(1100), Groups: []nt.Group{{SID: own.Child(1200), Attributes: nt.SEGroupUseForDenyOnly}}}, false, false},
		{"another's group", auth.Principal{DomainSID: foreign, User: foreign.Child(1100), Groups: []nt.Group{{SID: foreign.Child(1300), Attributes: nt.SEGroupDefault}}}, false, true},
		{"own group, as another says", auth.Principal{DomainSID: foreign, User: foreign.Child(1100), Groups: []nt.Group{{SID: own.Child(1200), Attributes: nt.SEGroupDefault}}}, false, false},
		{"an alias, as a domain says", auth.Principal{OwnRealm: true, DomainSID: own, User: own.Child(1100), Groups: []nt.Group{{SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault}}}, false, false},
	} {
		tok, err := a.Authorize(ctx, &test.in)
		if err != nil || tok.IsAdmin() != test.admin || tok.HasSID(nt.SIDBuiltinBackupOperators) != test.backup || !tok.HasSID(nt.SIDBuiltinUsers) {
			t.Errorf("%s: %+v, %v", test.name, tok, err)
		}
	}
}

// TestNamesAreShared by users, groups and aliases, and go along when they change.
func TestNamesAreShared(t *testing.T) {
	ctx := t.Context()
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	u := add(t, a, "one", "p")
	g, _ := a.CreateGroup(ctx, "two")
	x, _ := a.CreateAlias(ctx, "three")
	for name, want := range map[string]error{"ONE": ErrAccountExists, "Two": ErrGroupExists, "three": ErrAliasExists, "users": ErrAccountReserved, "host": ErrAccountReserved, "": ErrAccountName, "a/b": ErrAccountName} {
		if _, err := a.CreateGroup(ctx, name); !errors.Is(err, want) {
			t.Errorf("group %q: %v, want %v", name, err, want)
		}
		if _, err := a.CreateAlias(ctx, name); !errors.Is(err, want) {
			t.Errorf("alias %q: %v, want %v", name, err, want)
		}
		if _, err := a.CreateUser(ctx, name, ControlNormal); !errors.Is(err, want) {
			t.Errorf("user %q: %v, want %v", name, err, want)
		}
		if nt.EqualFold(name, "one") {
			continue
		}
		if err := a.UpdateUser(ctx, u.RID, func(u *User) error { u.Name = name; return nil }); !errors.Is(err, want) {
			t.Errorf("one becomes %q: %v, want %v", name, err, want)
		}
	}
	logon(t, a, "", "one", "wrong")
	for _, err := range []error{
		a.UpdateUser(ctx, u.RID, func(u *User) error { u.Name = "EINS"; return nil }),
		a.UpdateUser(ctx, u.RID, func(u *User) error { u.Name = "Eins"; return nil }), // in another case
		a.UpdateGroup(ctx, g.RID, func(g *Group) error { g.Name = "zwei"; return nil }),
		a.UpdateAlias(ctx, x.SID, func(x *Alias) error { x.Name = "drei"; return nil }),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if acc, err := a.Get(ctx, "eins"); err != nil || acc.Name != "Eins" || acc.BadPasswords != 1 {
		t.Errorf("%+v, %v", acc, err)
	}
	ids, err := a.LookupNames(ctx, []string{"one", "eins", `HOST\zwei`, "drei"})
	if err != nil || ids[0].Type != auth.SIDTypeUnknown || ids[1].Type != auth.SIDTypeUser || ids[2].Type != auth.SIDTypeGroup || ids[3].Type != auth.SIDTypeAlias {
		t.Errorf("%+v, %v", ids, err)
	}
	ids, err = a.LookupSIDs(ctx, []nt.SID{testMachine.SID.Child(g.RID), x.SID, testMachine.SID.Child(500)})
	if err != nil || ids[0].Name != "zwei" || ids[1].Name != "drei" || ids[2].Name != "Administrator" {
		t.Errorf("%+v, %v", ids, err)
	}
	if _, err := a.Add(ctx, NewAccount{Name: "one", Password: "p"}); err != nil {
		t.Errorf("a name that is free again: %v", err)
	}
}

// TestMayLogOn: what an account says of when and from where it is used, after the password was right.
func TestMayLogOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		a := newAccounts(t, NewMemory(), AccountsConfig{})
		u := add(t, a, "alice", "p")
		now := nt.NowTime()
		try := func(workstation string) nt.Status {
			in := response("", "alice", "p")
			in.Workstation = workstation
			_, err := a.VerifyNTLM(ctx, in)
			return nt.StatusOf(err)
		}
		hour := func(at time.Time) string {
			b := make([]byte, 21)
			bit := int(at.UTC().Weekday())*24 + at.UTC().Hour()
			b[bit/8] = 1 << (bit % 8)
			return string(b)
		}
		for _, test := range []struct {
			name   string
			change func(*User)
			from   string
			want   nt.Status
		}{
			{"as it is", func(*User) {}, "ANY", nt.StatusSuccess},
			{"expired", func(u *User) { u.Expires = now }, "ANY", nt.StatusAccountExpired},
			{"to expire", func(u *User) { u.Expires = now + 1e9 }, "ANY", nt.StatusSuccess},
			{"never, as zero", func(u *User) { u.Expires = 0 }, "ANY", nt.StatusSuccess},
			{"disabled", func(u *User) { u.Control |= ControlDisabled }, "ANY", nt.StatusAccountDisabled},
			{"to choose a password", func(u *User) { u.PasswordLastSet = 0 }, "ANY", nt.StatusPasswordMustChange},
			{"whose password does not expire", func(u *User) { u.PasswordLastSet = 0; u.Control |= ControlDontExpire }, "ANY", nt.StatusSuccess},
			{"in this hour", func(u *User) { u.LogonHours = hour(time.Now()) }, "ANY", nt.StatusSuccess},
			{"in the next hour", func(u *User) { u.LogonHours = hour(time.Now().Add(time.Hour)) }, "ANY", nt.StatusInvalidLogonHours},
			{"from its workstation", func(u *User) { u.Workstations = "one,TWO" }, `\\two`, nt.StatusSuccess},
			{"from another", func(u *User) { u.Workstations = "one,TWO" }, "three", nt.StatusInvalidWorkstation},
		} {
			if err := a.UpdateUser(ctx, u.RID, func(u *User) error {
				u.Expires, u.Control, u.PasswordLastSet, u.LogonHours, u.Workstations = nt.TimeNever, ControlNormal, now, fullHours(), ""
				test.change(u)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if got := try(test.from); got != test.want {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
			}
		}
		if err := a.UpdateUser(ctx, u.RID, func(u *User) error { u.Workstations, u.PasswordLastSet = "", now; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := a.UpdatePolicy(ctx, testMachine.SID, func(p *Policy) error { p.MaxAge = delta(24 * time.Hour); return nil }); err != nil {
			t.Fatal(err)
		}
		if got := try("ANY"); got != nt.StatusSuccess {
			t.Errorf("a young password: %v", got)
		}
		time.Sleep(25 * time.Hour)
		if got := try("ANY"); got != nt.StatusPasswordExpired {
			t.Errorf("an old password: %v", got)
		}
		a.Close(ctx)
	})
}

// TestPolicy: what is set of the lockout takes the place of the configuration, now and at the next start; what nobody could meet is refused.
func TestPolicy(t *testing.T) {
	ctx := t.Context()
	store := NewMemory()
	cfg := AccountsConfig{Lockout: Lockout{Threshold: 5, Window: time.Minute, Duration: time.Hour}}
	a := newAccounts(t, store, cfg)
	p, err := a.Policy(ctx, testMachine.SID)
	if err != nil || p.LockoutThreshold != 5 || span(p.LockoutWindow) != time.Minute || span(p.LockoutDuration) != time.Hour {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := a.UpdatePolicy(ctx, testMachine.SID, func(p *Policy) error { p.MinLength, p.Comment = 7, "ours"; return nil }); err != nil {
		t.Fatal(err)
	}
	cfg.Lockout.Threshold = 6 // which is still what counts
	if p, _ := newAccounts(t, store, cfg).Policy(ctx, testMachine.SID); p.LockoutThreshold != 6 || p.MinLength != 7 || p.Comment != "ours" || p.Changes != 1 {
		t.Errorf("%+v", p)
	}
	if err := a.UpdatePolicy(ctx, testMachine.SID, func(p *Policy) error { p.LockoutThreshold, p.LockoutDuration = 2, NeverDelta; return nil }); err != nil {
		t.Fatal(err)
	}
	b := newAccounts(t, store, cfg)
	add(t, b, "alice", "long enough")
	for range 2 {
		logon(t, b, "", "alice", "x")
	}
	if _, err := logon(t, b, "", "alice", "long enough"); nt.StatusOf(err) != nt.StatusAccountLockedOut {
		t.Errorf("after two wrong passwords: %v", err)
	}
	if p, _ := b.Policy(ctx, nt.SIDBuiltin); p.MinLength != 0 {
		t.Errorf("BUILTIN has the policy of the machine: %+v", p)
	}
	for name, change := range map[string]func(*Policy){
		"positive age":     func(p *Policy) { p.MaxAge = 1 },
		"min over max age": func(p *Policy) { p.MinAge, p.MaxAge = -10, -5 },
		"never changeable": func(p *Policy) { p.MinAge = NeverDelta },
		"length":           func(p *Policy) { p.MinLength = 257 },
		"window":           func(p *Policy) { p.LockoutDuration, p.LockoutWindow = -5, -10 },
		"properties":       func(p *Policy) { p.Properties = 1 << 30 },
		"comment":          func(p *Policy) { p.Comment = strings.Repeat("c", 257) },
	} {
		if err := a.UpdatePolicy(ctx, testMachine.SID, func(p *Policy) error { change(p); return nil }); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestComplexity(t *testing.T) {
	for password, want := range map[string]bool{
		"Abcdef1": true, "abc1!": true, "ABC1!": true, "äÖ1": true, "日本Aa": true, "": false, "abcdef": false, "Abcdef": false, "abc123": false, "ABC!!!": false,
		"xAlice1!": false, "xSmith1!": false, "xAl1!": true,
	} {
		if got := complexEnough("alice", "Al Smith", password); got != want {
			t.Errorf("%q: %v, want %v", password, got, want)
		}
	}
}

// TestHistoryIsKept across starts, as hashes, and no more of it than the policy says.
func TestHistoryIsKept(t *testing.T) {
	ctx := t.Context()
	store := NewMemory()
	a := newAccounts(t, store, AccountsConfig{})
	if err := a.UpdatePolicy(ctx, testMachine.SID, func(p *Policy) error { p.History = 3; return nil }); err != nil {
		t.Fatal(err)
	}
	add(t, a, "alice", "p0")
	change := func(from, to string) error {
		return newAccounts(t, store, AccountsConfig{}).ChangePassword(ctx, "alice", func(old [16]byte) (Secret, error) {
			if old != ntlm.NTHash(from) {
				return Secret{}, nt.StatusWrongPassword
			}
			return Secret{Text: to}, nil
		})
	}
	for i := range 6 {
		if err := change(fmt.Sprint("p", i), fmt.Sprint("p", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []error{nil, nil, nil, ErrPasswordHistory, ErrPasswordHistory, ErrPasswordHistory, ErrPasswordHistory} {
		if i < 3 {
			continue
		}
		if err := change("p6", fmt.Sprint("p", i)); !errors.Is(err, want) {
			t.Errorf("p%d again: %v, want %v", i, err, want)
		}
	}
	if err := change("p6", "p2"); err != nil {
		t.Errorf("p2 again: %v", err)
	}
	for e, err := range All(ctx, store, "") {
		if err != nil || strings.Contains(string(e.Value), "p6") {
			t.Errorf("%s holds a password, %v", e.Key, err)
		}
	}
}

// TestMigrateAdmins: administrators of a file of version 1 are members of BUILTIN\Administrators in version 2; everything else stays.
func TestMigrateAdmins(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := open(path, Options{}, migrations[:1])
	if err != nil {
		t.Fatal(err)
	}
	// What version 1 wrote: the machine, and accounts whose flags are 1 for administrators and 2 for disabled ones.
	put := func(key string, value []byte) {
		if _, err := s.Put(ctx, key, value); err != nil {
			t.Fatal(err)
		}
	}
	m := Machine{Name: "HOST", SID: testMachine.SID, Created: 7}
	put("machine", m.record())
	put("account/next", binary.BigEndian.AppendUint32(nil, 1003))
	for i, name := range []string{"root", "alice", "gone"} {
		rid, hash := uint32(1000+i), ntlm.NTHash("password of "+name)
		w := recordWriter{b: []byte{1}}
		w.u32(rid)
		w.string(name)
		w.string("Full " + name)
		w.string("comment")
		w.u32([]uint32{1, 0, 3}[i])
		w.bytes(hash[:])
		w.time(5)
		w.time(6)
		put(fmt.Sprintf("account/rid/%08x", rid), w.b)
		put("account/name/"+strings.ToUpper(name), binary.BigEndian.AppendUint32(nil, rid))
	}
	s.Close()

	store := mustOpen(t, path)
	defer store.Close()
	a := newAccounts(t, store, AccountsConfig{})
	for name, want := range map[string]Account{
		"root":  {RID: 1000, Name: "root", FullName: "Full root", Comment: "comment", Admin: true, Created: 5, PasswordLastSet: 6},
		"alice": {RID: 1001, Name: "alice", FullName: "Full alice", Comment: "comment", Created: 5, PasswordLastSet: 6},
		"gone":  {RID: 1002, Name: "gone", FullName: "Full gone", Comment: "comment", Admin: true, Disabled: true, Created: 5, PasswordLastSet: 6},
	} {
		if got, err := a.Get(ctx, name); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
	for name, admin := range map[string]bool{"root": true, "alice": false} {
		l, err := logon(t, a, "", name, "password of "+name)
		if err != nil || l.Token.IsAdmin() != admin {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
	if acc := add(t, a, "new", "p"); acc.RID != 1003 {
		t.Errorf("the next RID is %d", acc.RID)
	}
	// A store that is made of such accounts for another daemon has the members too.
	to := NewMemory()
	if n, err := CopyAccounts(ctx, store, to); err != nil || n != 4 {
		t.Fatalf("%d copied, %v", n, err)
	}
	b := newAccounts(t, to, AccountsConfig{})
	if acc, err := b.Get(ctx, "root"); err != nil || !acc.Admin {
		t.Errorf("copied: %+v, %v", acc, err)
	}
}
