package lsarpc_test

import (
	"io"
	"log/slog"
	"slices"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/lsarpc"
	"lwio/services/state"
)

// TestMember is the lookup path of a host that Kerberos users log on to and that can ask no domain controller: it names its own accounts, what is
// built in, and those who have logged on; the rest is partial.
func TestMember(t *testing.T) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	accounts, err := state.NewAccounts(t.Context(), state.NewMemory(), state.AccountsConfig{Machine: state.Machine{Name: "OURS", SID: machine}, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.Add(t.Context(), state.NewAccount{Name: "lisa", Password: "p"}); err != nil {
		t.Fatal(err)
	}
	lab := nt.NewSID(5, 21, 7, 8, 9)
	alice, err := accounts.Authorize(t.Context(), &auth.Principal{Name: "alice", Realm: "LAB.TEST", OwnRealm: true, Account: "alice", Domain: "LAB", DomainSID: lab,
		User: lab.Child(1104), PrimaryGroup: lab.Child(513), Groups: []nt.Group{{SID: lab.Child(513), Attributes: nt.SEGroupDefault}}, Mechanism: "Kerberos"})
	if err != nil {
		t.Fatal(err)
	}
	c := gen.NewClient(dial(t, serve(t, lsarpc.Config{Authority: accounts}), alice, rpc.TransportNamedPipe))
	own, err := c.LsarGetUserName(t.Context(), &gen.LsarGetUserNameRequest{DomainName: new(*dtyp.RPC_UNICODE_STRING)})
	if err != nil || own.UserName.String() != "alice" || (*own.DomainName).String() != "LAB" {
		t.Errorf("%+v %v", own, err)
	}
	h := open(t, c, nt.PolicyLookupNames)
	m, l := machine.String(), lab.String()
	names := []string{`LAB\alice`, "alice@lab.test", "LAB", `OURS\lisa`, "lisa", "OURS", `BUILTIN\Users`, `BUILTIN\`, "SYSTEM", `LAB\bob`, "nobody"}
	ours, theirs := " @OURS="+m, " @LAB="+l
	want := []string{"1 " + l + "-1104" + theirs, "1 " + l + "-1104" + theirs, "3 " + l + "-ffffffff" + theirs, "1 " + m + "-1000" + ours, "1 " + m + "-1000" + ours, "3 " + m + "-ffffffff" + ours,
		"4 S-1-5-32-545 @BUILTIN=S-1-5-32", "3 S-1-5-32-ffffffff @BUILTIN=S-1-5-32", "5 S-1-5-18 @NT AUTHORITY=S-1-5", "8 -0", "8 -0"}
	for op, lookup := range nameLookups {
		got, err := lookup(t, c, h, names, gen.LsapLookupWksta)
		if err != nil || got.status != nt.StatusSomeNotMapped || got.mapped != 9 || !slices.Equal(got.rows, want) {
			t.Errorf("%s: %+v, %v, want %q", op, got, err, want)
		}
		if got, err := lookup(t, c, h, []string{`LAB\bob`, `OTHER\bob`}, gen.LsapLookupWksta); err != nil || got.status != nt.StatusNoneMapped {
			t.Errorf("%s of nobody: %+v %v", op, got, err)
		}
	}
	sids := []string{l + "-1104", l, m + "-1000", m, "S-1-5-32-545", "S-1-5-18", l + "-1105", "S-1-5-21-1-1-1-500"}
	rows := []string{"1 alice" + theirs, "3 LAB" + theirs, "1 lisa" + ours, "3 OURS" + ours, "4 Users @BUILTIN=S-1-5-32", "5 SYSTEM @NT AUTHORITY=S-1-5", "8 00000451" + theirs, "8 S-1-5-21-1-1-1-500"}
	for op, lookup := range sidLookups {
		got, err := lookup(t, c, h, sidList(sids...), gen.LsapLookupWksta)
		if err != nil || got.status != nt.StatusSomeNotMapped || got.mapped != 6 || !slices.Equal(got.rows, rows) {
			t.Errorf("%s: %+v, %v, want %q", op, got, err, rows)
		}
	}
}
