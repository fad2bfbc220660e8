package samr_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/samr"
	"lwio/services/state"
)

var (
	quiet   = slog.New(slog.NewTextHandler(io.Discard, nil))
	machine = nt.MustSID("S-1-5-21-1111111111-2222222222-3333333333")
	key     = []byte("0123456789abcdef")
)

// Callers. The user is the first that is added.
var (
	everybody = []nt.Group{{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault}, {SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}}
	admin     = &nt.Token{User: machine.Child(500), Account: "Administrator", Groups: append([]nt.Group{{SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault | nt.SEGroupOwner}}, everybody...)}
	user      = &nt.Token{User: machine.Child(1000), Account: "alice", Groups: everybody}
	other     = &nt.Token{User: machine.Child(1001), Account: "bob", Groups: append([]nt.Group{{SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault}}, everybody...)}
	nobody    = nt.AnonymousToken()
)

// world is a service with some accounts: alice (1000), bob (1001), the group staff (1002) and the alias helpers (1003).
type world struct {
	*state.Accounts
	server *server.Server
	group  uint32 // of the last client
}

func newWorld(t testing.TB, cfg samr.Config) *world {
	t.Helper()
	return serveOn(t, state.NewMemory(), cfg, server.Config{Logger: quiet})
}

func serveOn(t testing.TB, store state.Store, cfg samr.Config, scfg server.Config) *world {
	t.Helper()
	a, err := state.NewAccounts(t.Context(), store, state.AccountsConfig{Machine: state.Machine{Name: "HOST", SID: machine, Created: 1}, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alice", "bob"} {
		if _, err := a.Add(t.Context(), state.NewAccount{Name: name, FullName: "Full " + name, Password: "Old-Passw0rd"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.CreateGroup(t.Context(), "staff"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.CreateAlias(t.Context(), "helpers"); err != nil {
		t.Fatal(err)
	}
	cfg.Accounts, cfg.Log = a, quiet
	s := server.New(scfg)
	if err := s.Register(gen.SamrInterface, samr.New(cfg)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); a.Close(context.Background()) })
	return &world{Accounts: a, server: s}
}

// conn is a connection as a pipe gives it.
type conn struct {
	net.Conn
	token     *nt.Token
	transport rpc.Transport
}

func (c conn) Token() *nt.Token            { return c.token }
func (c conn) Transport() (string, string) { return string(c.transport), `\pipe\samr` }
func (c conn) SessionKey() []byte          { return key }

// as is a client of the service, over a named pipe.
func (w *world) as(t testing.TB, token *nt.Token) *gen.Client {
	return w.over(t, token, rpc.TransportNamedPipe, 0)
}

// over is a client in the association group of that number, or in one of its own.
func (w *world) over(t testing.TB, token *nt.Token, transport rpc.Transport, group uint32) *gen.Client {
	t.Helper()
	near, far := net.Pipe()
	go w.server.ServeConn(context.Background(), conn{far, token, transport})
	c := client.NewConn(near, client.Config{AssocGroup: group})
	t.Cleanup(func() { c.Close() })
	b, err := c.Bind(t.Context(), gen.SamrInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.group = c.AssocGroup()
	return gen.NewClient(b)
}

const maximum = uint32(nt.MaximumAllowed)

func text(s string) dtyp.RPC_UNICODE_STRING { return dtyp.NewRPC_UNICODE_STRING(s) }

// status is a result as a status; a fault is the status of no name that no operation gives.
func status(ret int32, err error) nt.Status {
	if err != nil {
		return nt.Status(rpc.FaultOf(err))
	}
	return nt.Status(uint32(ret))
}

// opened are the handles of a client that may open everything.
type opened struct{ server, domain, builtin, user, group, alias rpc.ContextHandle }

// openAll opens everything with the rights that the caller can have.
func openAll(t testing.TB, c *gen.Client) (h opened) {
	t.Helper()
	ctx := t.Context()
	must := func(what string, ret int32, err error) {
		t.Helper()
		if s := status(ret, err); s != nt.StatusSuccess {
			t.Fatalf("%s: %v", what, s)
		}
	}
	conn, err := c.SamrConnect5(ctx, &gen.SamrConnect5Request{DesiredAccess: maximum, InVersion: 1, InRevisionInfo: gen.SAMPR_REVISION_INFO{V1: &gen.SAMPR_REVISION_INFO_V1{Revision: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	must("connect", conn.Return, err)
	h.server = conn.ServerHandle
	for sid, to := range map[nt.SID]*rpc.ContextHandle{machine: &h.domain, nt.SIDBuiltin: &h.builtin} {
		d, err := c.SamrOpenDomain(ctx, &gen.SamrOpenDomainRequest{ServerHandle: h.server, DesiredAccess: maximum, DomainId: *dtyp.NewRPC_SID(sid)})
		must("open domain", d.Return, err)
		*to = d.DomainHandle
	}
	u, err := c.SamrOpenUser(ctx, &gen.SamrOpenUserRequest{DomainHandle: h.domain, DesiredAccess: maximum, UserId: 1000})
	must("open user", u.Return, err)
	g, err := c.SamrOpenGroup(ctx, &gen.SamrOpenGroupRequest{DomainHandle: h.domain, DesiredAccess: maximum, GroupId: 1002})
	must("open group", g.Return, err)
	a, err := c.SamrOpenAlias(ctx, &gen.SamrOpenAliasRequest{DomainHandle: h.domain, DesiredAccess: maximum, AliasId: 1003})
	must("open alias", a.Return, err)
	h.user, h.group, h.alias = u.UserHandle, g.GroupHandle, a.AliasHandle
	return h
}
