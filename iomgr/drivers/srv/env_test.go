package srv_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/pipes/npfs"
)

// passwords are those of the test's accounts; root is an administrator.
var passwords = map[string]string{"alice": "secret", "bob": "Größe共有", "root": "Passw0rd.1", "tester": "Passw0rd.1"}

var rids = map[string]uint32{"alice": 1000, "bob": 1001, "tester": 1002, "root": 500}

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

// Authorize takes the principal for what it says.
func (accounts) Authorize(_ context.Context, in *auth.Principal) (*nt.Token, error) {
	return &nt.Token{User: in.User, PrimaryGroup: in.PrimaryGroup, Groups: in.Groups, Account: in.Account, Domain: in.Domain}, nil
}

func token(account string) *nt.Token {
	t := &nt.Token{User: domain.Child(rids[account]), Account: account, Domain: "HOST", PrimaryGroup: domain.Child(513)}
	for _, sid := range []nt.SID{nt.SIDWorld, nt.SIDNetwork, nt.SIDAuthenticatedUsers, nt.SIDBuiltinUsers} {
		t.Groups = append(t.Groups, nt.Group{SID: sid, Attributes: nt.SEGroupDefault})
	}
	if account == "root" {
		t.Groups = append(t.Groups, nt.Group{SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault})
		t.Privileges = nt.AllPrivileges
	}
	return t
}

func (accounts) LookupNames(_ context.Context, names []string) ([]auth.Identity, error) {
	return make([]auth.Identity, len(names)), nil
}

func (accounts) LookupSIDs(_ context.Context, sids []nt.SID) ([]auth.Identity, error) {
	return make([]auth.Identity, len(sids)), nil
}

func mechanism(anonymous bool) auth.Mechanism {
	return spnego.NewMechanism(spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM",
		Mechanism: ntlm.NewMechanism(ntlm.Config{Authority: accounts{}, AllowAnonymous: anonymous})})
}

// env is a manager with pipes and a server.
type env struct {
	t    testing.TB
	m    *iomgr.Manager
	addr string
}

const (
	pipeOpen = "D:(A;;GA;;;WD)(A;;GA;;;AN)"
)

// newEnv starts the server on a loopback address. edit changes its configuration.
func newEnv(t testing.TB, edit func(*srv.Config)) *env {
	t.Helper()
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if _, bench := t.(*testing.B); bench {
		log = slog.New(slog.DiscardHandler)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := iomgr.New(iomgr.Config{Log: log})
	cfg := srv.Config{Listeners: []net.Listener{l}, Auth: mechanism(false), Host: accounts{}.Host()}
	if edit != nil {
		edit(&cfg)
	}
	if err := m.Load(ctx, npfs.DriverEntry(npfs.Config{})); err != nil {
		t.Fatal(err)
	}
	if err := m.Load(ctx, pvfs.DriverEntry(pvfs.Config{})); err != nil {
		t.Fatal(err)
	}
	if err := m.Load(ctx, srv.DriverEntry(cfg)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		if err := m.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return &env{t: t, m: m, addr: l.Addr().String()}
}

// dial connects a client.
func (e *env) dial() *client {
	e.t.Helper()
	nc, err := net.Dial("tcp", e.addr)
	if err != nil {
		e.t.Fatal(err)
	}
	return newClient(e.t, nc)
}

// logon connects a client and logs a user on.
func (e *env) logon(user string, edit ...func(*negotiateOptions)) *client {
	e.t.Helper()
	o := negotiateOptions{ciphers: allCiphers, signings: allSignings}
	for _, f := range edit {
		f(&o)
	}
	return e.dial().logon(o, user)
}

// listen makes a pipe whose clients are served by serve.
func (e *env) listen(name string, serve func(*pipes.Conn)) {
	e.t.Helper()
	sd, err := nt.ParseSDDL(pipeOpen, nt.SID{})
	if err != nil {
		e.t.Fatal(err)
	}
	l, err := pipes.Listen(context.Background(), e.m, name, pipes.Config{Message: true, ReadMessages: true, Security: sd})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.AcceptPipe()
			if err != nil {
				return
			}
			go func() { defer c.Close(); serve(c) }()
		}
	}()
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

var _ api.API = (*iomgr.Manager)(nil)
