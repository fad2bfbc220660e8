package userdb_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/services/identity"
	"lwio/services/state"
	"lwio/services/userdb"
	"lwio/services/varlink"
)

var (
	machine = nt.MustSID("S-1-5-21-1-2-3")
	lab     = nt.MustSID("S-1-5-21-4-5-6")
)

// names is an authority that knows one user of a domain besides, and whose controller can be away.
type names struct {
	*state.Accounts
	away bool
}

var carol = auth.Identity{SID: lab.Child(1105), Type: auth.SIDTypeUser, Name: "carol", Domain: "LAB", DomainSID: lab}

func (n *names) LookupNames(ctx context.Context, list []string) ([]auth.Identity, error) {
	if n.away {
		return nil, nt.StatusNoLogonServers
	}
	if list[0] == `LAB\carol` || list[0] == "carol@lab.test" {
		return []auth.Identity{carol}, nil
	}
	return n.Accounts.LookupNames(ctx, list)
}

func (n *names) LookupSIDs(ctx context.Context, list []nt.SID) ([]auth.Identity, error) {
	if list[0] == carol.SID {
		if n.away {
			return nil, nt.StatusNoLogonServers
		}
		return []auth.Identity{carol}, nil
	}
	return n.Accounts.LookupSIDs(ctx, list)
}

// world is a machine with the users alice (1000), bob (1001, disabled) and root (1002), the group staff (1003) with alice in it, and the alias helpers (1004) with staff and LAB\carol.
func world(t *testing.T) (*varlink.Server, *names, *identity.Directory) {
	t.Helper()
	ctx := t.Context()
	a, err := state.NewAccounts(ctx, state.NewMemory(), state.AccountsConfig{Machine: state.Machine{SID: machine, Name: "HOST"}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []state.NewAccount{{Name: "alice", Password: "Passw0rd.1", FullName: "Alice: A"}, {Name: "bob", Password: "Passw0rd.1"}, {Name: "root", Password: "Passw0rd.1"}} {
		if _, err := a.Add(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(a.UpdateUser(ctx, 1001, func(u *state.User) error { u.Control |= state.ControlDisabled; return nil }))
	staff, err := a.CreateGroup(ctx, "staff")
	check(err)
	check(a.AddToGroup(ctx, staff.RID, 1000))
	helpers, err := a.CreateAlias(ctx, "helpers")
	check(err)
	check(a.AddToAlias(ctx, helpers.SID, machine.Child(staff.RID), carol.SID))
	who := &names{Accounts: a}
	d := &identity.Directory{Accounts: a, Names: who, Maps: []identity.Map{identity.Range{Domain: machine, First: 200000, Count: 2000}, identity.Range{Domain: lab, First: 300000, Count: 2000}}}
	dir := t.TempDir()
	p := &userdb.Provider{Directory: d, Service: "io.lwio", Passwd: filepath.Join(dir, "passwd"), Group: filepath.Join(dir, "group")}
	check(os.WriteFile(p.Passwd, []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n"), 0o600))
	check(os.WriteFile(p.Group, []byte("root:x:0:\n"), 0o600))
	return &varlink.Server{Product: "lwio", Interfaces: []varlink.Interface{p.Interface()}}, who, d
}

func ask(t *testing.T, s *varlink.Server, call string) []string {
	t.Helper()
	a, b := net.Pipe()
	done := make(chan struct{})
	go func() { defer close(done); _ = s.ServeConn(context.Background(), a) }()
	defer func() { b.Close(); <-done }()
	go io.WriteString(b, call+"\x00")
	var out []string
	for r := bufio.NewReader(b); ; {
		m, err := varlink.ReadMessage(r, varlink.MaxMessage)
		if err != nil {
			t.Fatalf("%s: %v", call, err)
		}
		out = append(out, string(m))
		if reply, err := varlink.ParseReply(m); err != nil || !reply.Continues {
			return out
		}
	}
}

const (
	alice   = `{"record":{"userName":"alice","uid":201000,"gid":200513,"realName":"Alice  A","homeDirectory":"/","shell":"/usr/sbin/nologin","disposition":"regular","service":"io.lwio"},"incomplete":false}`
	bob     = `{"record":{"userName":"bob","uid":201001,"gid":200513,"homeDirectory":"/","shell":"/usr/sbin/nologin","disposition":"regular","service":"io.lwio","locked":true},"incomplete":false}`
	carols  = `{"record":{"userName":"LAB\\carol","uid":301105,"gid":300513,"homeDirectory":"/","shell":"/usr/sbin/nologin","disposition":"regular","service":"io.lwio"},"incomplete":false}`
	staff   = `{"record":{"groupName":"staff","gid":201003,"disposition":"regular","service":"io.lwio"},"incomplete":false}`
	helpers = `{"record":{"groupName":"helpers","gid":201004,"disposition":"regular","service":"io.lwio"},"incomplete":false}`
)

func one(v string) []string      { return []string{`{"parameters":` + v + `}`} }
func fails(name string) []string { return []string{`{"error":"io.systemd.UserDatabase.` + name + `"}`} }
func invalid(name string) []string {
	return []string{`{"parameters":{"parameter":"` + name + `"},"error":"org.varlink.service.InvalidParameter"}`}
}
func member(user, group string) string {
	return `{"userName":"` + user + `","groupName":"` + group + `"}`
}

func several(list ...string) (out []string) {
	for i, v := range list {
		if i < len(list)-1 {
			out = append(out, `{"parameters":`+v+`,"continues":true}`)
		} else {
			out = append(out, one(v)...)
		}
	}
	return out
}

// TestTranscript has what systemd asks and what it is told, octet for octet.
func TestTranscript(t *testing.T) {
	s, who, _ := world(t)
	expectedMore := []string{`{"error":"org.varlink.service.ExpectedMore"}`}
	for _, tt := range []struct {
		method, in string
		more       bool
		want       []string
	}{
		{"GetUserRecord", `"userName":"alice"`, false, one(alice)},
		{"GetUserRecord", `"userName":"alice","uid":null`, false, one(alice)},
		{"GetUserRecord", `"uid":201000`, false, one(alice)},
		{"GetUserRecord", `"uid":201000`, true, one(alice)},
		{"GetUserRecord", `"uid":201000,"userName":"alice"`, false, one(alice)},
		{"GetUserRecord", `"uid":201001,"userName":"alice"`, false, fails("ConflictingRecordFound")},
		{"GetUserRecord", `"userName":"bob"`, false, one(bob)},
		{"GetUserRecord", `"userName":"LAB\\carol"`, false, one(carols)},
		{"GetUserRecord", `"uid":301105`, false, one(carols)},
		{"GetUserRecord", `"userName":"carol@lab.test"`, false, fails("NoRecordFound")}, // it is called LAB\carol
		{"GetUserRecord", `"userName":"ALICE"`, false, fails("NoRecordFound")},
		{"GetUserRecord", `"userName":"HOST\\alice"`, false, fails("NoRecordFound")},
		{"GetUserRecord", `"userName":"nobody-of-that-name"`, false, fails("NoRecordFound")},
		{"GetUserRecord", `"userName":"root"`, false, fails("NoRecordFound")}, // the system's
		{"GetUserRecord", `"uid":201002`, false, fails("NoRecordFound")},
		{"GetUserRecord", `"uid":0`, false, fails("NoRecordFound")},
		{"GetUserRecord", `"uid":4711`, false, fails("NoRecordFound")},
		{"GetUserRecord", `"userName":"staff"`, false, fails("NoRecordFound")},
		{"GetUserRecord", `"uid":201003`, false, fails("NoRecordFound")},
		{"GetUserRecord", `"userName":""`, false, fails("NoRecordFound")},
		{"GetUserRecord", `"userName":"1000"`, false, fails("NoRecordFound")},
		{"GetUserRecord", `"uid":-1`, false, invalid("uid")},
		{"GetUserRecord", `"uid":4294967296`, false, invalid("uid")},
		{"GetUserRecord", `"userName":7`, false, invalid("userName")},
		{"GetUserRecord", `"gid":7`, false, invalid("gid")},
		{"GetUserRecord", ``, false, expectedMore},
		{"GetGroupRecord", `"groupName":"staff"`, false, one(staff)},
		{"GetGroupRecord", `"gid":201004`, false, one(helpers)},
		{"GetGroupRecord", `"gid":201003,"groupName":"helpers"`, false, fails("ConflictingRecordFound")},
		{"GetGroupRecord", `"groupName":"alice"`, false, fails("NoRecordFound")},
		{"GetGroupRecord", `"groupName":"BUILTIN\\Administrators"`, false, fails("NoRecordFound")},
		{"GetGroupRecord", `"gid":0`, false, fails("NoRecordFound")},
		{"GetGroupRecord", ``, false, expectedMore},
		{"GetMemberships", `"userName":"alice"`, true, several(member("alice", "staff"), member("alice", "helpers"))},
		{"GetMemberships", `"userName":"alice","groupName":"staff"`, false, one(member("alice", "staff"))},
		{"GetMemberships", `"userName":"bob"`, true, fails("NoRecordFound")},
		{"GetMemberships", `"userName":"bob","groupName":"staff"`, false, fails("NoRecordFound")},
		{"GetMemberships", `"groupName":"staff"`, true, one(member("alice", "staff"))},
		{"GetMemberships", `"groupName":"helpers"`, true, several(member("alice", "helpers"), member(`LAB\\carol`, "helpers"))},
		{"GetMemberships", `"userName":"LAB\\carol"`, true, one(member(`LAB\\carol`, "helpers"))},
		{"GetMemberships", `"userName":"alice"`, false, expectedMore},
		{"GetMemberships", ``, true, several(member("alice", "staff"), member("alice", "helpers"))},
	} {
		in := `"service":"io.lwio"`
		if tt.in != "" {
			in = tt.in + "," + in
		}
		call := `{"method":"io.systemd.UserDatabase.` + tt.method + `","parameters":{` + in + `}`
		if tt.more {
			call += `,"more":true`
		}
		got := ask(t, s, call+"}")
		if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("%s}:\n%s\nwant\n%s", call, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
	for _, service := range []string{``, `"service":"io.systemd.Multiplexer"`, `"service":""`, `"service":null`} {
		for _, method := range []string{"GetUserRecord", "GetGroupRecord", "GetMemberships"} {
			if got := ask(t, s, `{"method":"io.systemd.UserDatabase.`+method+`","parameters":{`+service+`},"more":true}`); strings.Join(got, "") != strings.Join(fails("BadService"), "") {
				t.Errorf("%s as %s: %s", method, service, got)
			}
		}
	}
	who.away = true
	if got := ask(t, s, `{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"userName":"LAB\\carol","service":"io.lwio"}}`); got[0] != fails("ServiceNotAvailable")[0] {
		t.Errorf("with the controller away: %s", got)
	}
	if got := ask(t, s, `{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"userName":"alice","service":"io.lwio"}}`); got[0] != one(alice)[0] {
		t.Errorf("a local account then: %s", got)
	}
}

// TestEnumeration: all of this machine's, without those whose names or ids the system has.
func TestEnumeration(t *testing.T) {
	s, _, _ := world(t)
	users := strings.Join(ask(t, s, `{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"service":"io.lwio"},"more":true}`), "\n")
	for _, want := range []string{alice, bob, `"userName":"Administrator","uid":200500`, `"userName":"Guest","uid":200501`} {
		if !strings.Contains(users, want) {
			t.Errorf("%s is missing in\n%s", want, users)
		}
	}
	if strings.Contains(users, `"root"`) || strings.Count(users, "\n") != 3 {
		t.Error(users)
	}
	groups := strings.Join(ask(t, s, `{"method":"io.systemd.UserDatabase.GetGroupRecord","parameters":{"service":"io.lwio"},"more":true}`), "\n")
	for _, want := range []string{staff, helpers, `"groupName":"None","gid":200513`} {
		if !strings.Contains(groups, want) {
			t.Errorf("%s is missing in\n%s", want, groups)
		}
	}
	if strings.Count(groups, "\n") != 2 {
		t.Error(groups)
	}
}

// TestDirectory: what `lwio id` tells, of names that Unix does not know, too.
func TestDirectory(t *testing.T) {
	_, _, d := world(t)
	for name, want := range map[string]struct {
		sid  nt.SID
		id   uint32
		has  bool
		name string
	}{
		"ALICE": {machine.Child(1000), 201000, true, "alice"}, `host\alice`: {machine.Child(1000), 201000, true, "alice"}, "root": {machine.Child(1002), 201002, true, "root"},
		`LAB\carol`: {carol.SID, 301105, true, `LAB\carol`}, "carol@lab.test": {carol.SID, 301105, true, `LAB\carol`}, "Administrators": {nt.SIDBuiltinAdministrators, 0, false, `BUILTIN\Administrators`},
	} {
		e, err := d.ByName(t.Context(), name)
		if err != nil || e.SID != want.sid || e.ID != want.id || e.HasID != want.has || e.Name != want.name {
			t.Errorf("%s: %+v %v", name, e, err)
		}
	}
	if e, err := d.ByID(t.Context(), 0, false); err != nil || e.SID != nt.SIDUnixUsers.Child(0) || e.Name != `Unix User\root` || !e.HasID {
		t.Errorf("root of Unix: %+v %v", e, err)
	}
	r := identity.Range{Domain: machine, First: 200000, Count: 2000}
	for rid, want := range map[uint32]bool{0: true, 1999: true, 2000: false, 0xFFFFFFFF: false} {
		id, ok := r.UnixID(machine.Child(rid))
		if ok != want || ok && id != 200000+rid {
			t.Errorf("RID %d: %d %v", rid, id, ok)
		}
		if back, ok := r.SIDOf(id); want && (!ok || back != machine.Child(rid)) {
			t.Errorf("id %d: %v %v", id, back, ok)
		}
	}
	for _, id := range []uint32{0, 199999, 202000, 0xFFFFFFFF} {
		if sid, ok := r.SIDOf(id); ok {
			t.Errorf("id %d is %s", id, sid)
		}
	}
}
