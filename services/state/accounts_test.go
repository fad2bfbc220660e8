package state

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/nt"
)

var testMachine = Machine{Name: "HOST", SID: nt.NewSID(5, 21, 1, 2, 3), DNSName: "host.example", DNSDomain: "example"}

func newAccounts(t testing.TB, store Store, cfg AccountsConfig) *Accounts {
	t.Helper()
	cfg.Machine = testMachine
	cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	a, err := NewAccounts(t.Context(), store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func add(t testing.TB, a *Accounts, name, password string) Account {
	t.Helper()
	acc, err := a.Add(t.Context(), NewAccount{Name: name, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return acc
}

// logon does what a client and the NTLM mechanism do.
func logon(t testing.TB, a *Accounts, domain, user, password string) (*auth.Logon, error) {
	t.Helper()
	return a.VerifyNTLM(t.Context(), response(domain, user, password))
}

func response(domain, user, password string) *auth.NTLMLogon {
	in := &auth.NTLMLogon{Account: user, Domain: domain, Address: "192.0.2.1:1"}
	rand.Read(in.ServerChallenge[:])
	c := ntlm.ClientChallenge{Timestamp: nt.NowTime()}
	temp := c.Append(nil)
	key := ntlm.NTOWFv2(ntlm.NTHash(password), user, domain)
	proof := hmacMD5(key[:], in.ServerChallenge[:], temp)
	in.NTResponse = append(proof, temp...)
	return in
}

func TestAccountLife(t *testing.T) {
	ctx := t.Context()
	store := NewMemory()
	a := newAccounts(t, store, AccountsConfig{})
	alice, err := a.Add(ctx, NewAccount{Name: "Älice", FullName: "Alice A.", Comment: "first", Password: "pässword", Admin: true})
	if err != nil || alice.RID != 1000 || alice.Created == 0 || alice.PasswordLastSet != alice.Created {
		t.Fatalf("%+v, %v", alice, err)
	}
	if bob := add(t, a, "bob", "p"); bob.RID != 1001 {
		t.Fatalf("the second RID is %d", bob.RID)
	}
	if _, err := a.Add(ctx, NewAccount{Name: "äLICE", Password: "x"}); !errors.Is(err, ErrAccountExists) {
		t.Errorf("a second ällice: %v", err)
	}
	got, err := a.Get(ctx, "ÄLICE")
	if err != nil || got != alice {
		t.Errorf("Get: %+v, %v; want %+v", got, err, alice)
	}
	if err := a.Set(ctx, Account{Name: "älice", FullName: "A", Comment: "c", Disabled: true}); err != nil {
		t.Fatal(err)
	}
	want := alice
	want.FullName, want.Comment, want.Disabled, want.Admin = "A", "c", true, false
	if got, err := a.Get(ctx, "älice"); err != nil || got != want {
		t.Errorf("after Set: %+v, %v; want %+v", got, err, want)
	}
	if err := a.Delete(ctx, "BOB"); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Get":         func() error { _, err := a.Get(ctx, "bob"); return err }(),
		"Delete":      a.Delete(ctx, "bob"),
		"Set":         a.Set(ctx, Account{Name: "bob"}),
		"SetPassword": a.SetPassword(ctx, "bob", "x"),
		"Unlock":      a.Unlock(ctx, "bob"),
		"empty":       a.Delete(ctx, ""),
	} {
		if !errors.Is(err, ErrNoAccount) {
			t.Errorf("%s of an account that is gone: %v", name, err)
		}
	}
	if again := add(t, a, "bob", "p"); again.RID != 1002 {
		t.Errorf("RID %d was used again", again.RID)
	}
	// What was stored is there for the next process.
	b := newAccounts(t, store, AccountsConfig{})
	list, err := b.Enum(ctx, 0, 0)
	if err != nil || len(list) != 2 || list[0] != want || list[1].Name != "bob" {
		t.Errorf("Enum: %+v, %v", list, err)
	}
	if list, err := b.Enum(ctx, 1001, 0); err != nil || len(list) != 1 || list[0].RID != 1002 {
		t.Errorf("Enum from 1001: %+v, %v", list, err)
	}
	if list, err := b.Enum(ctx, 0, 1); err != nil || len(list) != 1 {
		t.Errorf("Enum of one: %+v, %v", list, err)
	}
	if n, err := b.Count(ctx); err != nil || n != 2 {
		t.Errorf("Count: %d, %v", n, err)
	}
}

func TestAccountRules(t *testing.T) {
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	for _, test := range []struct {
		n    NewAccount
		want error
	}{
		{NewAccount{Name: "", Password: "p"}, ErrAccountName},
		{NewAccount{Name: strings.Repeat("n", 257), Password: "p"}, ErrAccountName},
		{NewAccount{Name: strings.Repeat("n", 256), Password: "p"}, nil},
		{NewAccount{Name: strings.Repeat("😀", 128), Password: "p"}, nil},
		{NewAccount{Name: strings.Repeat("😀", 128) + "x", Password: "p"}, ErrAccountName},
		{NewAccount{Name: "a.b c", Password: "p"}, nil},
		{NewAccount{Name: "...", Password: "p"}, ErrAccountName},
		{NewAccount{Name: " x", Password: "p"}, ErrAccountName},
		{NewAccount{Name: "x ", Password: "p"}, ErrAccountName},
		{NewAccount{Name: "x.", Password: "p"}, ErrAccountName},
		{NewAccount{Name: "a\nb", Password: "p"}, ErrAccountName},
		{NewAccount{Name: "a\x00b", Password: "p"}, ErrAccountName},
		{NewAccount{Name: "a\x7Fb", Password: "p"}, ErrAccountName},
		{NewAccount{Name: "SYSTEM", Password: "p"}, ErrAccountReserved},
		{NewAccount{Name: "everyone", Password: "p"}, ErrAccountReserved},
		{NewAccount{Name: "Administrators", Password: "p"}, ErrAccountReserved},
		{NewAccount{Name: "none", Password: "p"}, ErrAccountReserved},
		{NewAccount{Name: "host", Password: "p"}, ErrAccountReserved},
		{NewAccount{Name: "empty"}, ErrPassword},
		{NewAccount{Name: "long", Password: strings.Repeat("p", 257)}, ErrPassword},
		{NewAccount{Name: "max", Password: strings.Repeat("ü", 256)}, nil},
		{NewAccount{Name: "text", Password: "p", Comment: strings.Repeat("c", 257)}, ErrAccountText},
		{NewAccount{Name: "nul", Password: "p", FullName: "a\x00"}, ErrAccountText},
	} {
		if _, err := a.Add(t.Context(), test.n); !errors.Is(err, test.want) {
			t.Errorf("Add(%.30q): %v, want %v", test.n.Name, err, test.want)
		}
	}
	for _, c := range `"/\[]:;|=,+*?<>@` {
		if err := CheckAccountName("a" + string(c)); !errors.Is(err, ErrAccountName) {
			t.Errorf("%q in a name: %v", c, err)
		}
	}
	add(t, a, "x", "p")
	if err := a.SetPassword(t.Context(), "x", ""); !errors.Is(err, ErrPassword) {
		t.Errorf("empty password: %v", err)
	}
	if err := a.Set(t.Context(), Account{Name: "x", Comment: "\x00"}); !errors.Is(err, ErrAccountText) {
		t.Errorf("NUL in a comment: %v", err)
	}
}

func TestAddRace(t *testing.T) {
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	var wg sync.WaitGroup
	var same, made int
	var mu sync.Mutex
	for i := range 8 {
		wg.Go(func() {
			_, err := a.Add(t.Context(), NewAccount{Name: "one", Password: "p"})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				made++
			case errors.Is(err, ErrAccountExists):
				same++
			default:
				t.Errorf("%d: %v", i, err)
			}
		})
		wg.Go(func() { add(t, a, fmt.Sprint("user", i), "p") })
	}
	wg.Wait()
	if made != 1 || same != 7 {
		t.Errorf("%d made, %d refused", made, same)
	}
	list, err := a.Enum(t.Context(), 0, 0)
	if err != nil || len(list) != 9 {
		t.Errorf("%d accounts, %v", len(list), err)
	}
}

func TestVerifyNTLM(t *testing.T) {
	ctx := t.Context()
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	add(t, a, "Älice", "pässword")
	if _, err := a.Add(ctx, NewAccount{Name: "off", Password: "p", Disabled: true}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		domain, user, password string
		want                   nt.Status
	}{
		{"HOST", "Älice", "pässword", nt.StatusSuccess},
		{"", "äLICE", "pässword", nt.StatusSuccess},
		{".", "älice", "pässword", nt.StatusSuccess},
		{"WORKGROUP", "älice", "pässword", nt.StatusSuccess},
		{"other.example", "älice", "pässword", nt.StatusSuccess},
		{"", "älice@host.example", "pässword", nt.StatusSuccess},
		{"HOST", "älice", "Pässword", nt.StatusLogonFailure},
		{"HOST", "älice", "", nt.StatusLogonFailure},
		{"HOST", "nobody", "pässword", nt.StatusLogonFailure},
		{"HOST", "", "pässword", nt.StatusLogonFailure},
		{"HOST", "@host", "pässword", nt.StatusLogonFailure},
		{"HOST", "off", "p", nt.StatusAccountDisabled},
		{"HOST", "off", "wrong", nt.StatusLogonFailure},
	} {
		l, err := logon(t, a, test.domain, test.user, test.password)
		if nt.StatusOf(err) != test.want {
			t.Errorf(`%s\%s, %q: %v, want %v`, test.domain, test.user, test.password, err, test.want)
		}
		if (l != nil) != (test.want == nt.StatusSuccess) {
			t.Errorf(`%s\%s: logon %v with %v`, test.domain, test.user, l, err)
		}
	}
	// The key is that of MS-NLMP 3.3.2, so that client and server agree.
	in := response("D", "älice", "pässword")
	l, err := a.VerifyNTLM(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ntlm.VerifyResponse(ntlm.NTHash("pässword"), in)
	if err != nil || l.SessionBaseKey != want {
		t.Errorf("key %x, want %x, %v", l.SessionBaseKey, want, err)
	}
	// Whoever finds the password of nobody is nobody still.
	a.nobody = ntlm.NTHash("p")
	if l, err := logon(t, a, "", "nobody", "p"); nt.StatusOf(err) != nt.StatusLogonFailure {
		t.Errorf("nobody logged on: %+v, %v", l, err)
	}
	// A new password counts at once, and the old one no more.
	if err := a.SetPassword(ctx, "älice", "new"); err != nil {
		t.Fatal(err)
	}
	if _, err := logon(t, a, "", "älice", "pässword"); nt.StatusOf(err) != nt.StatusLogonFailure {
		t.Errorf("old password: %v", err)
	}
	if _, err := logon(t, a, "", "älice", "new"); err != nil {
		t.Errorf("new password: %v", err)
	}
	// A store that fails is no wrong password.
	a.store.Close()
	if _, err := logon(t, a, "", "älice", "new"); nt.StatusOf(err) != nt.StatusInternalDbCorruption {
		t.Errorf("closed store: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := a.VerifyNTLM(cancelled, response("", "älice", "new")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func groups(t *nt.Token) string {
	var list []string
	for _, g := range t.Groups {
		list = append(list, g.SID.String())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func TestTokens(t *testing.T) {
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	add(t, a, "user", "p")
	if _, err := a.Add(t.Context(), NewAccount{Name: "Admin", Password: "p", Admin: true}); err != nil {
		t.Fatal(err)
	}
	user, err := logon(t, a, "", "USER", "p")
	if err != nil {
		t.Fatal(err)
	}
	admin, err := logon(t, a, "", "admin", "p")
	if err != nil {
		t.Fatal(err)
	}
	const common = "S-1-1-0 S-1-5-11 S-1-5-113 %sS-1-5-15 S-1-5-2 S-1-5-21-1-2-3-513 %sS-1-5-32-545 S-1-5-64-10"
	for _, test := range []struct {
		tok     *nt.Token
		name    string
		rid     uint32
		admin   bool
		groups  string
		holds   nt.Privileges
		notHeld nt.Privileges
	}{
		{user.Token, "user", 1000, false, fmt.Sprintf(common, "", ""), nt.SeChangeNotifyPrivilege, nt.SeBackupPrivilege},
		{admin.Token, "Admin", 1001, true, fmt.Sprintf(common, "S-1-5-114 ", "S-1-5-32-544 "),
			nt.SeChangeNotifyPrivilege | nt.SeBackupPrivilege | nt.SeRestorePrivilege | nt.SeTakeOwnershipPrivilege | nt.SeSecurityPrivilege, nt.SeTcbPrivilege},
	} {
		tok := test.tok
		if tok.User != testMachine.SID.Child(test.rid) || tok.PrimaryGroup != testMachine.SID.Child(513) || tok.Account != test.name || tok.Domain != "HOST" {
			t.Errorf("%s: %+v", test.name, tok)
		}
		if got := groups(tok); got != test.groups {
			t.Errorf("%s has groups %s, want %s", test.name, got, test.groups)
		}
		if tok.IsAdmin() != test.admin || tok.CanOwn(nt.SIDBuiltinAdministrators) != test.admin || tok.Anonymous || tok.HasUnixID {
			t.Errorf("%s: %+v", test.name, tok)
		}
		if !tok.HasPrivilege(test.holds) || tok.Privileges&test.notHeld != 0 {
			t.Errorf("%s has privileges %x", test.name, tok.Privileges)
		}
	}
	if user.Token.LogonID == admin.Token.LogonID || user.Token.LogonID <= 0xFFFF {
		t.Errorf("logon ids %x and %x", user.Token.LogonID, admin.Token.LogonID)
	}
}

func TestTokenForUID(t *testing.T) {
	own := uint32(1234)
	a := newAccounts(t, NewMemory(), AccountsConfig{AdminUID: &own})
	for uid, admin := range map[uint32]bool{0: true, 1234: true, 1235: false, 0xFFFFFFFF: false} {
		tok := a.TokenForUID(uid, 77)
		if tok.IsAdmin() != admin || tok.HasPrivilege(nt.SeBackupPrivilege) != admin {
			t.Errorf("uid %d is administrator: %v, want %v", uid, tok.IsAdmin(), admin)
		}
		if tok.User.String() != fmt.Sprintf("S-1-22-1-%d", uid) || tok.PrimaryGroup.String() != "S-1-22-2-77" || !tok.HasUnixID || tok.UID != uid || tok.GID != 77 {
			t.Errorf("uid %d: %+v", uid, tok)
		}
		for _, sid := range []nt.SID{nt.SIDLocal, nt.SIDWorld, nt.SIDAuthenticatedUsers, nt.SIDBuiltinUsers, tok.PrimaryGroup} {
			if !tok.HasSID(sid) {
				t.Errorf("uid %d is not in %v", uid, sid)
			}
		}
		if tok.HasSID(nt.SIDNetwork) || tok.Account == "" {
			t.Errorf("uid %d: %+v", uid, tok)
		}
	}
	if name := a.TokenForUID(0, 0).Account; name != "root" {
		t.Errorf("uid 0 is %q", name)
	}
}

func TestLookup(t *testing.T) {
	a := newAccounts(t, NewMemory(), AccountsConfig{})
	add(t, a, "Älice", "p")
	m := testMachine.SID
	type want struct {
		sid    string
		use    auth.SIDType
		name   string
		domain string
		dom    string
	}
	byName := map[string]want{
		"älice":                     {m.Child(1000).String(), auth.SIDTypeUser, "Älice", "HOST", m.String()},
		`host\ÄLICE`:                {m.Child(1000).String(), auth.SIDTypeUser, "Älice", "HOST", m.String()},
		`host.example\älice`:        {m.Child(1000).String(), auth.SIDTypeUser, "Älice", "HOST", m.String()},
		`.\älice`:                   {m.Child(1000).String(), auth.SIDTypeUser, "Älice", "HOST", m.String()},
		"älice@HOST":                {m.Child(1000).String(), auth.SIDTypeUser, "Älice", "HOST", m.String()},
		"älice@host.example":        {m.Child(1000).String(), auth.SIDTypeUser, "Älice", "HOST", m.String()},
		`OTHER\älice`:               {"", auth.SIDTypeUnknown, "älice", "OTHER", ""},
		`älice@other.example`:       {"", auth.SIDTypeUnknown, "älice", "other.example", ""},
		"host":                      {m.String(), auth.SIDTypeDomain, "HOST", "HOST", m.String()},
		`HOST\`:                     {m.String(), auth.SIDTypeDomain, "HOST", "HOST", m.String()},
		`HOST\nobody`:               {"", auth.SIDTypeUnknown, "nobody", "HOST", m.String()},
		"nobody":                    {"", auth.SIDTypeUnknown, "nobody", "", ""},
		"none":                      {m.Child(513).String(), auth.SIDTypeGroup, "None", "HOST", m.String()},
		"administrators":            {"S-1-5-32-544", auth.SIDTypeAlias, "Administrators", "BUILTIN", "S-1-5-32"},
		`BUILTIN\Users`:             {"S-1-5-32-545", auth.SIDTypeAlias, "Users", "BUILTIN", "S-1-5-32"},
		"everyone":                  {"S-1-1-0", auth.SIDTypeWellKnownGroup, "Everyone", "", "S-1-1"},
		`NT AUTHORITY\SYSTEM`:       {"S-1-5-18", auth.SIDTypeWellKnownGroup, "SYSTEM", "NT AUTHORITY", "S-1-5"},
		"authenticated users":       {"S-1-5-11", auth.SIDTypeWellKnownGroup, "Authenticated Users", "NT AUTHORITY", "S-1-5"},
		"builtin":                   {"S-1-5-32", auth.SIDTypeDomain, "BUILTIN", "BUILTIN", "S-1-5-32"},
		`HOST\Administrators`:       {"", auth.SIDTypeUnknown, "Administrators", "HOST", m.String()},
		"":                          {"", auth.SIDTypeUnknown, "", "", ""},
		`\`:                         {"", auth.SIDTypeUnknown, `\`, "", ""},
		"@":                         {"", auth.SIDTypeUnknown, "@", "", ""},
		strings.Repeat("x", 100000): {"", auth.SIDTypeUnknown, strings.Repeat("x", 100000), "", ""},
	}
	same := func(id auth.Identity, w want) bool {
		sid, dom := "", ""
		if !id.SID.IsZero() {
			sid = id.SID.String()
		}
		if !id.DomainSID.IsZero() {
			dom = id.DomainSID.String()
		}
		return want{sid, id.Type, id.Name, id.Domain, dom} == w
	}
	for name, w := range byName {
		got, err := a.LookupNames(t.Context(), []string{"x", name})
		if err != nil || len(got) != 2 || !same(got[1], w) {
			t.Errorf("LookupNames(%.30q) = %+v, %v; want %+v", name, got, err, w)
		}
	}
	for _, w := range []want{
		byName["älice"], byName["host"], byName["none"], byName["administrators"], byName["everyone"], byName[`NT AUTHORITY\SYSTEM`], byName["builtin"],
		{m.Child(1001).String(), auth.SIDTypeUnknown, "", "HOST", m.String()},
		{"S-1-5-21-9-9-9-1000", auth.SIDTypeUnknown, "", "", ""},
		{"S-1-5-32-9999", auth.SIDTypeUnknown, "", "BUILTIN", "S-1-5-32"},
		{"S-1-22-1-0", auth.SIDTypeUser, "root", "Unix User", "S-1-22-1"},
		{"S-1-22-1-4000000000", auth.SIDTypeUser, "uid 4000000000", "Unix User", "S-1-22-1"},
		{"S-1-22-2-4000000000", auth.SIDTypeGroup, "gid 4000000000", "Unix Group", "S-1-22-2"},
		{"S-1-5-64-10", auth.SIDTypeWellKnownGroup, "NTLM Authentication", "NT AUTHORITY", "S-1-5"},
	} {
		got, err := a.LookupSIDs(t.Context(), []nt.SID{{}, nt.MustSID(w.sid)})
		if err != nil || len(got) != 2 || !same(got[1], w) || got[0].Type != auth.SIDTypeUnknown {
			t.Errorf("LookupSIDs(%s) = %+v, %v; want %+v", w.sid, got, err, w)
		}
	}
	if a.Host() != testMachine.Host() {
		t.Errorf("host %+v", a.Host())
	}
}

func TestLockout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccounts(t, NewMemory(), AccountsConfig{Lockout: Lockout{Threshold: 3, Window: 10 * time.Minute, Duration: time.Hour}})
		add(t, a, "alice", "p")
		expect := func(user, password string, want nt.Status) {
			t.Helper()
			if _, err := logon(t, a, "", user, password); nt.StatusOf(err) != want {
				t.Fatalf("%s with %q: %v, want %v", user, password, err, want)
			}
		}
		for range 2 {
			expect("alice", "x", nt.StatusLogonFailure)
		}
		if acc, _ := a.Get(t.Context(), "alice"); acc.BadPasswords != 2 || acc.LastBadPassword == 0 || acc.Locked {
			t.Fatalf("%+v", acc)
		}
		time.Sleep(11 * time.Minute) // the window is over
		for range 3 {
			expect("alice", "x", nt.StatusLogonFailure)
		}
		// Right or wrong makes no difference now.
		expect("alice", "p", nt.StatusAccountLockedOut)
		expect("ALICE", "x", nt.StatusAccountLockedOut)
		if acc, _ := a.Get(t.Context(), "alice"); !acc.Locked || acc.BadPasswords != 3 {
			t.Fatalf("%+v", acc)
		}
		// Nor does whether there is such an account.
		for range 3 {
			expect("nobody", "x", nt.StatusLogonFailure)
		}
		expect("nobody", "x", nt.StatusAccountLockedOut)

		time.Sleep(59 * time.Minute)
		expect("alice", "p", nt.StatusAccountLockedOut)
		time.Sleep(2 * time.Minute)
		expect("alice", "p", nt.StatusSuccess)
		if acc, _ := a.Get(t.Context(), "alice"); acc.Locked || acc.BadPasswords != 0 || acc.Logons != 1 || acc.LastLogon == 0 {
			t.Fatalf("%+v", acc)
		}
		// An administrator ends it: by unlocking, or by a new password.
		for _, end := range []func() error{
			func() error { return a.Unlock(t.Context(), "Alice") },
			func() error { return a.SetPassword(t.Context(), "alice", "p") },
		} {
			for range 3 {
				expect("alice", "x", nt.StatusLogonFailure)
			}
			expect("alice", "p", nt.StatusAccountLockedOut)
			if err := end(); err != nil {
				t.Fatal(err)
			}
			expect("alice", "p", nt.StatusSuccess)
		}
		// An account that takes a locked name begins anew.
		for range 3 {
			expect("carol", "p", nt.StatusLogonFailure)
		}
		add(t, a, "carol", "p")
		expect("carol", "p", nt.StatusSuccess)
		a.Close(t.Context())
	})
}

// counting counts transactions.
type counting struct {
	Store
	mu   sync.Mutex
	txns int
}

func (c *counting) Txn(ctx context.Context, conditions []Condition, ops []Op) (Revision, error) {
	c.mu.Lock()
	c.txns++
	c.mu.Unlock()
	return c.Store.Txn(ctx, conditions, ops)
}

func (c *counting) take() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.txns
	c.txns = 0
	return n
}

func TestLogonsAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Store: NewMemory()}
		a := newAccounts(t, store, AccountsConfig{FlushInterval: time.Minute})
		for i := range 300 {
			add(t, a, fmt.Sprint("user", i), "p")
		}
		store.take()
		for i := range 300 {
			logon(t, a, "", fmt.Sprint("user", i), "wrong")
			logon(t, a, "", fmt.Sprint("user", i), "p")
			logon(t, a, "", fmt.Sprint("user", i), "wrong")
			logon(t, a, "", fmt.Sprint("nobody", i), "wrong")
		}
		if n := store.take(); n != 0 {
			t.Fatalf("1200 logons made %d writes at once", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := store.take(); n != 3 { // 300 records, 128 a transaction
			t.Fatalf("%d writes, want 3", n)
		}
		time.Sleep(time.Hour)
		if n := store.take(); n != 0 {
			t.Fatalf("%d writes while nothing happened", n)
		}
		// The next process knows the counts, and those that Close wrote.
		logon(t, a, "", "user7", "p")
		if err := a.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		b := newAccounts(t, store, AccountsConfig{})
		for name, want := range map[string][2]uint32{"user7": {0, 2}, "USER8": {1, 1}} {
			if acc, err := b.Get(t.Context(), name); err != nil || acc.BadPasswords != want[0] || acc.Logons != want[1] || acc.LastLogon == 0 {
				t.Errorf("%s: %+v, %v", name, acc, err)
			}
		}
		if entries, err := store.Range(t.Context(), logonPrefix, "", 0); err != nil || len(entries) != 300 {
			t.Errorf("%d records, %v: names that are nobody's were written", len(entries), err)
		}
	})
}

func TestUnknownNamesAreBounded(t *testing.T) {
	a := newAccounts(t, NewMemory(), AccountsConfig{FlushInterval: time.Hour})
	for i := range maxUnknown + 100 {
		a.failed(fmt.Sprint("nobody", i), 0)
	}
	a.mu.Lock()
	n, unknown := len(a.byName), a.unknown
	a.mu.Unlock()
	if n != maxUnknown || unknown != maxUnknown {
		t.Errorf("%d names are remembered, %d counted", n, unknown)
	}
}

func TestAccountsOverBolt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	a := newAccounts(t, s, AccountsConfig{})
	add(t, a, "alice", "p")
	logon(t, a, "", "alice", "wrong")
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = mustOpen(t, path)
	defer s.Close()
	a = newAccounts(t, s, AccountsConfig{})
	if acc, err := a.Get(t.Context(), "alice"); err != nil || acc.BadPasswords != 1 {
		t.Errorf("%+v, %v", acc, err)
	}
	if _, err := logon(t, a, "", "alice", "p"); err != nil {
		t.Error(err)
	}
}

func BenchmarkVerifyNTLM(b *testing.B) {
	s := mustOpen(b, filepath.Join(b.TempDir(), "state.db"))
	defer s.Close()
	a := newAccounts(b, s, AccountsConfig{})
	add(b, a, "alice", "p")
	for _, name := range []string{"alice", "nobody"} {
		in := response("HOST", name, "wrong")
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := a.VerifyNTLM(context.Background(), in); err == nil {
					b.Fatal("logged on")
				}
			}
		})
	}
}
