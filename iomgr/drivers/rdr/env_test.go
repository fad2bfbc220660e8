package rdr_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"lwio/gen/srvctl"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/pipes/npfs"
)

const testTimeout = 10 * time.Second

// passwords are those of the server's accounts; root is an administrator.
var passwords = map[string]string{"alice": "secret", "bob": "Größe共有", "root": "Passw0rd.1"}

var rids = map[string]uint32{"alice": 1000, "bob": 1001, "root": 500}

var domain = nt.NewSID(5, 21, 1, 2, 3)

// accounts is an authority over passwords.
type accounts struct{}

func (accounts) Host() auth.Host {
	return auth.Host{Name: "HOST", Domain: "HOST", DNSName: "host.example", DNSDomain: "example", MachineSID: domain}
}

func (accounts) VerifyNTLM(_ context.Context, in *auth.NTLMLogon) (*auth.Logon, error) {
	password, ok := passwords[in.Account]
	if !ok {
		return nil, nt.StatusLogonFailure
	}
	key, err := ntlm.VerifyResponse(ntlm.NTHash(password), in)
	if err != nil {
		return nil, nt.StatusLogonFailure
	}
	return &auth.Logon{Token: token(in.Account), SessionBaseKey: key}, nil
}

func (accounts) Authorize(_ context.Context, in *auth.Principal) (*nt.Token, error) {
	return &nt.Token{User: in.User, PrimaryGroup: in.PrimaryGroup, Groups: in.Groups, Account: in.Account, Domain: in.Domain}, nil
}

func (accounts) LookupNames(_ context.Context, names []string) ([]auth.Identity, error) {
	return make([]auth.Identity, len(names)), nil
}

func (accounts) LookupSIDs(_ context.Context, sids []nt.SID) ([]auth.Identity, error) {
	return make([]auth.Identity, len(sids)), nil
}

func token(account string) *nt.Token {
	t := &nt.Token{User: domain.Child(rids[account]), Account: account, Domain: "HOST", PrimaryGroup: domain.Child(513)}
	for _, sid := range []nt.SID{nt.SIDWorld, nt.SIDAuthenticatedUsers, nt.SIDBuiltinUsers} {
		t.Groups = append(t.Groups, nt.Group{SID: sid, Attributes: nt.SEGroupDefault})
	}
	if account == "root" {
		t.Groups = append(t.Groups, nt.Group{SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault})
		t.Privileges = nt.AllPrivileges
	}
	return t
}

// ntlmInitiator is a client's NTLM in SPNEGO, as the redirector is configured with.
func ntlmInitiator(_ context.Context, cred *api.Credential, service, host string) (auth.Initiator, error) {
	if cred == nil {
		return nil, nt.StatusNoSuchLogonSession
	}
	if cred.Anonymous {
		return &anonymous{}, nil
	}
	return spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDNTLM, Initiator: ntlm.NewInitiator(
		ntlm.Credentials{User: cred.User, Domain: cred.Domain, Password: cred.Password, Workstation: "WKS"},
		ntlm.InitiatorConfig{TargetName: service + "/" + host})}), nil
}

// anonymous is NTLM without a name and a password, and without SPNEGO.
type anonymous struct{ step int }

func (a *anonymous) Init(context.Context, []byte) ([]byte, bool, error) {
	const flags = ntlm.NegotiateUnicode | ntlm.NegotiateExtendedSessionSecurity | ntlm.Negotiate128 | ntlm.NegotiateNTLM
	switch a.step++; a.step {
	case 1:
		return (&ntlm.NegotiateMessage{Flags: flags}).Append(nil), false, nil
	case 2:
		return (&ntlm.AuthenticateMessage{Flags: flags, LMResponse: []byte{0}}).Append(nil), true, nil
	}
	return nil, true, nil
}

func (a *anonymous) Context() auth.Context { return nil }

func credential(user string) *api.Credential {
	return &api.Credential{User: user, Password: passwords[user], HasPassword: true}
}

func testLog(t testing.TB) *slog.Logger {
	if _, bench := t.(*testing.B); bench || os.Getenv("RDR_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// shareTable keeps the server's shares.
type shareTable struct {
	list []srvctl.SRVCTL_SHARE
}

func (s *shareTable) Load(context.Context) ([]srvctl.SRVCTL_SHARE, error) { return s.list, nil }
func (s *shareTable) Put(context.Context, *srvctl.SRVCTL_SHARE) error     { return nil }
func (s *shareTable) Delete(context.Context, string) error                { return nil }

// env is a manager with a server and one with a redirector.
type env struct {
	t      testing.TB
	server *iomgr.Manager
	m      *iomgr.Manager
	addr   string
	dir    string // of the share data
}

func shutdown(t testing.TB, m *iomgr.Manager) {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	if err := m.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// newServer starts a server on a loopback address, with the share data and, encrypted, enc.
func newServer(t testing.TB, edit func(*srv.Config), drivers ...api.DriverEntry) *env {
	t.Helper()
	ctx := context.Background()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &env{t: t, server: iomgr.New(iomgr.Config{Log: testLog(t)}), addr: l.Addr().String(), dir: t.TempDir()}
	cfg := srv.Config{Listeners: []net.Listener{l}, Host: accounts{}.Host(), Shares: &shareTable{list: shares(t, e.dir)},
		Auth: spnego.NewMechanism(spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM",
			Mechanism: ntlm.NewMechanism(ntlm.Config{Authority: accounts{}, AllowAnonymous: true})})}
	if edit != nil {
		edit(&cfg)
	}
	for _, d := range append([]api.DriverEntry{npfs.DriverEntry(npfs.Config{}), pvfs.DriverEntry(pvfs.Config{})}, drivers...) {
		if err := e.server.Load(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.server.Load(ctx, srv.DriverEntry(cfg)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, e.server) })
	return e
}

func shares(t testing.TB, dir string) []srvctl.SRVCTL_SHARE {
	sd, err := nt.ParseSDDL("D:(A;;GA;;;WD)", nt.SID{})
	if err != nil {
		t.Fatal(err)
	}
	all := sd.Append(nil)
	return []srvctl.SRVCTL_SHARE{
		{Name: new("data"), Path: &dir, MaxUses: srv.UnlimitedUses, SdLength: uint32(len(all)), Sd: all},
		{Name: new("enc"), Path: &dir, MaxUses: srv.UnlimitedUses, SdLength: uint32(len(all)), Sd: all, Flags: srv.ShareFlagEncrypt},
	}
}

// newClient loads a redirector that uses alice's credential by default.
func newClient(t testing.TB, edit func(*rdr.Config)) *iomgr.Manager {
	t.Helper()
	cfg := rdr.Config{Initiator: ntlmInitiator, Default: credential("alice"), RequestTimeout: testTimeout, DirectoryTime: 200 * time.Millisecond}
	if edit != nil {
		edit(&cfg)
	}
	m := iomgr.New(iomgr.Config{Log: testLog(t)})
	if err := m.Load(context.Background(), rdr.DriverEntry(cfg)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, m) })
	return m
}

// newEnv starts a server and a client.
func newEnv(t testing.TB, server func(*srv.Config), client func(*rdr.Config)) *env {
	t.Helper()
	e := newServer(t, server)
	e.m = newClient(t, client)
	return e
}

// name is what leads to a file on the server.
func (e *env) name(rest string) string { return `\rdr\` + e.addr + `\` + rest }

const pipeOpen = "D:(A;;GA;;;WD)(A;;GA;;;AN)"

// listen makes a pipe whose clients are served by serve.
func (e *env) listen(name string, serve func(*pipes.Conn)) {
	e.t.Helper()
	sd, err := nt.ParseSDDL(pipeOpen, nt.SID{})
	if err != nil {
		e.t.Fatal(err)
	}
	l, err := pipes.Listen(context.Background(), e.server, name, pipes.Config{Message: true, ReadMessages: true, Security: sd})
	if err != nil {
		e.t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.AcceptPipe()
			if err != nil {
				return
			}
			wg.Go(func() { defer c.Close(); serve(c) })
		}
	})
	e.t.Cleanup(func() { l.Close() })
}

// echo answers every message with itself.
func echo(c *pipes.Conn) {
	buf := make([]byte, 1<<16)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// silent reads and never answers.
func silent(c *pipes.Conn) { _, _ = io.Copy(io.Discard, c) }

// open opens a file.
func (e *env) open(rest string, edit ...func(*api.CreateArgs)) api.Handle {
	e.t.Helper()
	h, err := e.try(rest, edit...)
	if err != nil {
		e.t.Fatalf("open %s: %v", rest, err)
	}
	return h
}

func (e *env) try(rest string, edit ...func(*api.CreateArgs)) (api.Handle, error) {
	a := &api.CreateArgs{Name: e.name(rest), DesiredAccess: nt.GenericRead | nt.GenericWrite, Disposition: nt.FileOpen,
		ShareAccess: nt.FileShareRead | nt.FileShareWrite | nt.FileShareDelete, Impersonation: api.ImpersonateImpersonation}
	for _, f := range edit {
		f(a)
	}
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	return e.m.CreateFile(ctx, a)
}

// create has open make what does not exist.
func create(a *api.CreateArgs) { a.Disposition = nt.FileOpenIf }

func as(user string) func(*api.CreateArgs) {
	return func(a *api.CreateArgs) { a.Contexts = append(a.Contexts, credential(user)) }
}

func wait[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(testTimeout):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// until waits for something that can be seen but not be told of.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.After(testTimeout)
	for !f() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not in time", what)
		}
	}
}
