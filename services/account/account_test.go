package account_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	gen "lwio/gen/account"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
	"lwio/services/account"
	"lwio/services/identity"
	"lwio/services/state"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func accounts(t testing.TB) *state.Accounts {
	t.Helper()
	store := state.NewMemory()
	machine := state.Machine{Name: "HOST", SID: nt.NewSID(5, 21, 1, 2, 3)}
	own := uint32(1234)
	a, err := state.NewAccounts(t.Context(), store, state.AccountsConfig{Machine: machine, AdminUID: &own, Log: quiet, Lockout: state.Lockout{Threshold: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(context.Background()) })
	return a
}

// conn is one end of a pipe as the service sees it.
type conn struct {
	net.Conn
	token     *nt.Token
	transport rpc.Transport
}

func (c conn) Token() *nt.Token            { return c.token }
func (c conn) Transport() (string, string) { return string(c.transport), `\PIPE\lwio` }

// dial gives a client of the service over a real association.
func dial(t testing.TB, a *state.Accounts, token *nt.Token, transport rpc.Transport) *gen.Client {
	t.Helper()
	svc, err := account.New(account.Config{Accounts: a, Log: quiet, Secrets: a.LSA().Secrets, Identities: &identity.Directory{Accounts: a, Names: a,
		Maps: []identity.Map{identity.Range{Domain: a.Machine().SID, First: 200000, Count: 10000}}}})
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{Logger: quiet})
	if err := svc.Register(s); err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.ServeConn(context.Background(), conn{far, token, transport})
	}()
	c := client.NewConn(near, client.Config{})
	t.Cleanup(func() { c.Close(); <-served })
	b, err := c.Bind(t.Context(), gen.AccountInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return gen.NewClient(b)
}

func password(s string) gen.ACCOUNT_PASSWORD {
	b := nt.AppendUTF16([]byte{}, s)
	return gen.ACCOUNT_PASSWORD{Length: uint32(len(b)), Data: b}
}

// results calls every operation and gives what each answers.
func results(t testing.TB, c *gen.Client) map[string]uint32 {
	t.Helper()
	ctx := t.Context()
	out := map[string]uint32{}
	note := func(name string, result uint32, err error) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		out[name] = result
	}
	add, err := c.AccountAdd(ctx, &gen.AccountAddRequest{Name: "new", Password: password("p")})
	note("add", add.Return, err)
	enum, err := c.AccountEnum(ctx, &gen.AccountEnumRequest{Limit: 10})
	note("enum", enum.Return, err)
	set, err := c.AccountSetPassword(ctx, &gen.AccountSetPasswordRequest{Name: "new", Password: password("q")})
	note("password", set.Return, err)
	change, err := c.AccountSetInfo(ctx, &gen.AccountSetInfoRequest{Name: "new", Comment: ndr.String("c")})
	note("info", change.Return, err)
	del, err := c.AccountDel(ctx, &gen.AccountDelRequest{Name: "new"})
	note("del", del.Return, err)
	return out
}

func TestWhoMayCall(t *testing.T) {
	a := accounts(t)
	user := &nt.Token{User: nt.NewSID(5, 21, 1, 2, 3, 1000), Groups: []nt.Group{{SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}}}
	for _, test := range []struct {
		name      string
		token     *nt.Token
		transport rpc.Transport
		want      nt.WinError
	}{
		{"root", a.TokenForUID(0, 0), rpc.TransportLocal, nt.WErrSuccess},
		{"the daemon's user", a.TokenForUID(1234, 1), rpc.TransportLocal, nt.WErrSuccess},
		{"system", nt.SystemToken(), rpc.TransportLocal, nt.WErrSuccess},
		{"another user", a.TokenForUID(1235, 1), rpc.TransportLocal, nt.WErrAccessDenied},
		{"a local account", user, rpc.TransportLocal, nt.WErrAccessDenied},
		{"nobody", nil, rpc.TransportLocal, nt.WErrAccessDenied},
		{"an administrator from afar", a.TokenForUID(0, 0), rpc.TransportNamedPipe, nt.WErrAccessDenied},
		{"the same by TCP", a.TokenForUID(0, 0), rpc.TransportTCP, nt.WErrAccessDenied},
	} {
		t.Run(test.name, func(t *testing.T) {
			for op, got := range results(t, dial(t, a, test.token, test.transport)) {
				if nt.WinError(got) != test.want {
					t.Errorf("%s: %v, want %v", op, nt.WinError(got), test.want)
				}
			}
			if n, err := a.Count(t.Context()); err != nil || n != 0 {
				t.Errorf("%d accounts are left, %v", n, err)
			}
		})
	}
}

func TestLife(t *testing.T) {
	ctx := t.Context()
	a := accounts(t)
	c := dial(t, a, a.TokenForUID(0, 0), rpc.TransportLocal)
	add, err := c.AccountAdd(ctx, &gen.AccountAddRequest{
		Name: "Größe", FullName: ndr.String("共有"), Comment: ndr.String("c"), Flags: gen.ACCOUNT_ADMIN, Password: password("pässwörd"),
	})
	if err != nil || add.Return != 0 || add.Rid != 1000 {
		t.Fatalf("%+v, %v", add, err)
	}
	want := state.Account{RID: 1000, Name: "Größe", FullName: "共有", Comment: "c", Admin: true}
	check := func(when string) {
		t.Helper()
		got, err := a.Get(ctx, "größe")
		got.Created, got.PasswordLastSet = 0, 0
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", when, got, err, want)
		}
	}
	check("added")
	set := func(in *gen.AccountSetInfoRequest, want nt.WinError) {
		t.Helper()
		in.Name = "GRÖßE"
		if out, err := c.AccountSetInfo(ctx, in); err != nil || nt.WinError(out.Return) != want {
			t.Errorf("SetInfo(%+v): %+v, %v; want %v", in, out, err, want)
		}
	}
	set(&gen.AccountSetInfoRequest{Flags: gen.ACCOUNT_DISABLED, Mask: gen.ACCOUNT_DISABLED | gen.ACCOUNT_ADMIN}, nt.WErrSuccess)
	want.Disabled, want.Admin = true, false
	check("disabled, no administrator")
	set(&gen.AccountSetInfoRequest{Mask: gen.ACCOUNT_DISABLED, FullName: ndr.String("")}, nt.WErrSuccess)
	want.Disabled, want.FullName = false, ""
	check("enabled, no full name")
	for _, in := range []*gen.AccountSetInfoRequest{
		{Flags: gen.ACCOUNT_LOCKED, Mask: gen.ACCOUNT_LOCKED}, {Mask: 0x10}, {Flags: gen.ACCOUNT_ADMIN}, {Comment: ndr.String(strings.Repeat("c", 257))},
	} {
		set(in, nt.WErrInvalidParameter)
	}
	check("refused")

	// Locked by a wrong password, and unlocked.
	locked := func() bool {
		t.Helper()
		list, err := c.AccountEnum(ctx, &gen.AccountEnumRequest{Limit: 5})
		if err != nil || list.Return != 0 || len(list.Infos.Accounts) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		return list.Infos.Accounts[0].Flags&gen.ACCOUNT_LOCKED != 0
	}
	a.VerifyNTLM(ctx, wrongLogon("Größe"))
	if !locked() {
		t.Error("a wrong password did not lock")
	}
	set(&gen.AccountSetInfoRequest{Mask: gen.ACCOUNT_LOCKED}, nt.WErrSuccess)
	if locked() {
		t.Error("unlocking did not unlock")
	}
}

func TestRefused(t *testing.T) {
	ctx := t.Context()
	a := accounts(t)
	c := dial(t, a, a.TokenForUID(0, 0), rpc.TransportLocal)
	odd := gen.ACCOUNT_PASSWORD{Length: 3, Data: []byte{1, 2, 3}}
	for _, test := range []struct {
		name  string
		flags uint32
		pass  gen.ACCOUNT_PASSWORD
		want  nt.WinError
	}{
		{"taken", 0, password("p"), nt.WErrSuccess},
		{"TAKEN", 0, password("p"), nt.NErrUserExists},
		{"", 0, password("p"), nt.NErrBadUsername},
		{"a/b", 0, password("p"), nt.NErrBadUsername},
		{strings.Repeat("n", 257), 0, password("p"), nt.NErrBadUsername},
		{"SYSTEM", 0, password("p"), nt.NErrGroupExists},
		{"x", 0, password(""), nt.NErrPasswordTooShort},
		{"x", 0, gen.ACCOUNT_PASSWORD{}, nt.NErrPasswordTooShort},
		{"x", 0, password(strings.Repeat("p", 128)), nt.NErrPasswordTooLong},
		{"x", 0, odd, nt.WErrInvalidParameter},
		{"x", gen.ACCOUNT_LOCKED, password("p"), nt.WErrInvalidParameter},
		{"x", 8, password("p"), nt.WErrInvalidParameter},
		{"long", 0, password(strings.Repeat("p", 127)), nt.WErrSuccess},
	} {
		out, err := c.AccountAdd(ctx, &gen.AccountAddRequest{Name: test.name, Flags: test.flags, Password: test.pass})
		if err != nil || nt.WinError(out.Return) != test.want || (out.Rid != 0) != (test.want == nt.WErrSuccess) {
			t.Errorf("add %q: %+v, %v; want %v", test.name, out, err, test.want)
		}
	}
	for _, test := range []struct {
		name string
		pass gen.ACCOUNT_PASSWORD
		want nt.WinError
	}{
		{"taken", password("other"), nt.WErrSuccess},
		{"nobody", password("other"), nt.NErrUserNotFound},
		{"taken", password(""), nt.NErrPasswordTooShort},
		{"taken", odd, nt.WErrInvalidParameter},
	} {
		out, err := c.AccountSetPassword(ctx, &gen.AccountSetPasswordRequest{Name: test.name, Password: test.pass})
		if err != nil || nt.WinError(out.Return) != test.want {
			t.Errorf("password of %q: %+v, %v; want %v", test.name, out, err, test.want)
		}
	}
	if out, err := c.AccountDel(ctx, &gen.AccountDelRequest{Name: "nobody"}); err != nil || nt.WinError(out.Return) != nt.NErrUserNotFound {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err := c.AccountSetInfo(ctx, &gen.AccountSetInfoRequest{Name: "nobody"}); err != nil || nt.WinError(out.Return) != nt.NErrUserNotFound {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err := c.AccountEnum(ctx, &gen.AccountEnumRequest{Level: 2}); err != nil || nt.WinError(out.Return) != nt.WErrInvalidLevel {
		t.Errorf("%+v, %v", out, err)
	}
	// The interface bounds what is sent before anything is made of it; the association lives.
	_, err := c.AccountAdd(ctx, &gen.AccountAddRequest{Name: "x", Password: password(strings.Repeat("p", 600))})
	var fault rpc.Fault
	if !errors.As(err, &fault) || fault != rpc.FaultNDR {
		t.Errorf("a password of 1200 bytes: %v", err)
	}
	if out, err := c.AccountEnum(ctx, &gen.AccountEnumRequest{Limit: 1}); err != nil || out.Infos.Count != 1 {
		t.Errorf("after it: %+v, %v", out, err)
	}
}

func TestPages(t *testing.T) {
	ctx := t.Context()
	a := accounts(t)
	c := dial(t, a, a.TokenForUID(0, 0), rpc.TransportLocal)
	const n = 1100
	for i := range n {
		if _, err := a.Add(ctx, state.NewAccount{Name: fmt.Sprint("user", i), FullName: "F", Password: "p"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []uint32{0, 7, 500, 5000} {
		seen, calls := 0, 0
		in := &gen.AccountEnumRequest{Level: 1, Limit: limit}
		if limit == 0 {
			in.Resume = 1000 + n - 3 // one at a time takes long
			seen = n - 3
		}
		for {
			out, err := c.AccountEnum(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			calls++
			for _, i := range out.Infos.Accounts {
				if i.Rid != uint32(1000+seen) || *i.Name != fmt.Sprint("user", seen) || *i.FullName != "F" || i.Created == 0 || i.PasswordLastSet == 0 {
					t.Fatalf("limit %d: entry %d is %+v", limit, seen, i)
				}
				seen++
			}
			if out.Return == 0 {
				if out.Resume != 0 {
					t.Errorf("limit %d: the last page resumes at %d", limit, out.Resume)
				}
				break
			}
			if nt.WinError(out.Return) != nt.WErrMoreData || len(out.Infos.Accounts) == 0 {
				t.Fatalf("limit %d: %+v", limit, out)
			}
			in.Resume = out.Resume
		}
		if seen != n || limit == 500 && calls != 3 {
			t.Errorf("limit %d: %d accounts in %d calls", limit, seen, calls)
		}
	}
	out, err := c.AccountEnum(ctx, &gen.AccountEnumRequest{Limit: 1})
	if err != nil || out.Infos.Accounts[0].FullName != nil || out.Infos.Accounts[0].Created != 0 {
		t.Errorf("level 0: %+v, %v", out, err)
	}
}

func TestStoreFails(t *testing.T) {
	store := state.NewMemory()
	a, err := state.NewAccounts(t.Context(), store, state.AccountsConfig{Machine: state.Machine{Name: "HOST", SID: nt.NewSID(5, 21, 1, 2, 3)}, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, a, nt.SystemToken(), rpc.TransportLocal)
	store.Close()
	for op, got := range results(t, c) {
		if nt.WinError(got) != nt.WErrGenFailure {
			t.Errorf("%s: %v", op, nt.WinError(got))
		}
	}
	if _, err := account.New(account.Config{}); err == nil {
		t.Error("a service without accounts")
	}
}

// TestSecrets: names and times are told, values are not.
func TestSecrets(t *testing.T) {
	a := accounts(t)
	for _, name := range []string{"b", "G$größe"} {
		if err := a.LSA().ChangeSecret(t.Context(), name, true, func(s *state.LSASecret) error { s.Current, s.CurrentSet = []byte("value"), 7; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	out, err := dial(t, a, a.TokenForUID(1234, 0), rpc.TransportLocal).AccountSecretEnum(t.Context(), &gen.AccountSecretEnumRequest{})
	if err != nil || out.Return != 0 || len(out.Secrets.Secrets) != 2 || ndr.Text(out.Secrets.Secrets[1].Name) != "G$größe" || out.Secrets.Secrets[1].CurrentSet != 7 {
		t.Errorf("%+v %v", out, err)
	}
	for _, tt := range []struct {
		uid       uint32
		transport rpc.Transport
	}{{4711, rpc.TransportLocal}, {1234, rpc.TransportNamedPipe}} {
		out, err := dial(t, a, a.TokenForUID(tt.uid, 0), tt.transport).AccountSecretEnum(t.Context(), &gen.AccountSecretEnumRequest{})
		if err != nil || nt.WinError(out.Return) != nt.WErrAccessDenied || len(out.Secrets.Secrets) != 0 {
			t.Errorf("%+v: %+v %v", tt, out, err)
		}
	}
}
