package lsarpc_test

import (
	"context"
	"net"
	"strings"
	"testing"

	gen "lwio/gen/lsarpc"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/lsarpc"
)

var machine = nt.MustSID("S-1-5-21-1111111111-2222222222-3333333333")

// authority knows some accounts and answers with err if that is set.
type authority struct {
	host  auth.Host
	known []auth.Identity
	err   error
	asked int // names and SIDs
}

func newAuthority() *authority {
	account := func(rid uint32, use auth.SIDType, name string) auth.Identity {
		return auth.Identity{SID: machine.Child(rid), Type: use, Name: name, Domain: "GRÖSSE", DomainSID: machine}
	}
	return &authority{
		host: auth.Host{Name: "GRÖSSE", Domain: "GRÖSSE", DNSName: "größe.example.org", MachineSID: machine},
		known: []auth.Identity{
			{SID: machine, Type: auth.SIDTypeDomain, Name: "GRÖSSE", Domain: "GRÖSSE", DomainSID: machine},
			account(500, auth.SIDTypeUser, "Administrator"),
			account(1000, auth.SIDTypeUser, "Jürgen"),
			account(1001, auth.SIDTypeComputer, "共有$"),
			account(513, auth.SIDTypeGroup, "None"),
			account(1002, auth.SIDTypeDeletedAccount, "gone"),
			{SID: nt.SIDBuiltin, Type: auth.SIDTypeDomain, Name: "BUILTIN", Domain: "BUILTIN", DomainSID: nt.SIDBuiltin},
			{SID: nt.SIDBuiltinAdministrators, Type: auth.SIDTypeAlias, Name: "Administrators", Domain: "BUILTIN", DomainSID: nt.SIDBuiltin},
			{SID: nt.SIDWorld, Type: auth.SIDTypeWellKnownGroup, Name: "Everyone", DomainSID: nt.SIDWorld.Domain()},
			{SID: nt.SIDLocalSystem, Type: auth.SIDTypeWellKnownGroup, Name: "SYSTEM", Domain: "NT AUTHORITY", DomainSID: nt.SIDNTAuthority},
			{SID: nt.SIDNTLMAuthentication, Type: auth.SIDTypeWellKnownGroup, Name: "NTLM Authentication", Domain: "NT AUTHORITY", DomainSID: nt.SIDNTAuthority},
			{Type: auth.SIDTypeUser, Name: "broken"}, // an authority that makes a mistake
		},
	}
}

func (a *authority) Host() auth.Host { return a.host }

// Authorize takes the principal for what it says.
func (*authority) Authorize(_ context.Context, in *auth.Principal) (*nt.Token, error) {
	return &nt.Token{User: in.User, PrimaryGroup: in.PrimaryGroup, Groups: in.Groups, Account: in.Account, Domain: in.Domain}, nil
}

func (a *authority) VerifyNTLM(context.Context, *auth.NTLMLogon) (*auth.Logon, error) {
	return nil, nt.StatusLogonFailure
}

func (a *authority) LookupNames(_ context.Context, names []string) ([]auth.Identity, error) {
	if a.err != nil {
		return nil, a.err
	}
	a.asked += len(names)
	out := make([]auth.Identity, len(names))
	for i, name := range names {
		out[i] = auth.Identity{Type: auth.SIDTypeUnknown, Name: name}
		for _, k := range a.known {
			if nt.EqualFold(name, k.Name) || nt.EqualFold(name, k.Domain+`\`+k.Name) {
				out[i] = k
				break
			}
		}
		if d, _, ok := strings.Cut(name, `\`); ok && out[i].Type == auth.SIDTypeUnknown && nt.EqualFold(d, a.host.Name) {
			out[i].Domain, out[i].DomainSID = a.host.Name, machine
		}
	}
	return out, nil
}

func (a *authority) LookupSIDs(_ context.Context, sids []nt.SID) ([]auth.Identity, error) {
	if a.err != nil {
		return nil, a.err
	}
	a.asked += len(sids)
	out := make([]auth.Identity, len(sids))
	for i, sid := range sids {
		out[i] = auth.Identity{SID: sid, Type: auth.SIDTypeUnknown}
		if sid.IsChildOf(machine) {
			out[i].Domain, out[i].DomainSID = a.host.Name, machine
		}
		for _, k := range a.known {
			if k.SID == sid {
				out[i] = k
			}
		}
	}
	return out, nil
}

// Callers.
var (
	admin = &nt.Token{User: machine.Child(500), Account: "Administrator", Domain: "GRÖSSE", Groups: []nt.Group{
		{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault}, {SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}, {SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault}}}
	user = &nt.Token{User: machine.Child(1000), Account: "Jürgen", Domain: "GRÖSSE", Groups: []nt.Group{
		{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault}, {SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}}}
	anonymous = nt.AnonymousToken()
)

// conn is a connection as a pipe gives it.
type conn struct {
	net.Conn
	token     *nt.Token
	transport rpc.Transport
}

func (c conn) Token() *nt.Token            { return c.token }
func (c conn) Transport() (string, string) { return string(c.transport), `\pipe\lsarpc` }

func serve(t *testing.T, cfg lsarpc.Config) *server.Server {
	t.Helper()
	s := server.New(server.Config{})
	if err := s.Register(gen.LsarpcInterface, lsarpc.New(cfg)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func dial(t *testing.T, s *server.Server, token *nt.Token, transport rpc.Transport) *client.Binding {
	t.Helper()
	a, b := net.Pipe()
	go s.ServeConn(context.Background(), conn{a, token, transport})
	c := client.NewConn(b, client.Config{})
	t.Cleanup(func() { c.Close() })
	bound, err := c.Bind(t.Context(), gen.LsarpcInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return bound
}

// dialKeyed is dial over a pipe with a session key.
func dialKeyed(t *testing.T, s *server.Server, token *nt.Token, transport rpc.Transport) *client.Binding {
	t.Helper()
	a, b := net.Pipe()
	go s.ServeConn(context.Background(), keyed{conn{a, token, transport}})
	c := client.NewConn(b, client.Config{})
	t.Cleanup(func() { c.Close() })
	bound, err := c.Bind(t.Context(), gen.LsarpcInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return bound
}

// connect serves a and calls it over a named pipe.
func connect(t *testing.T, a *authority, token *nt.Token) *gen.Client {
	t.Helper()
	return gen.NewClient(dial(t, serve(t, lsarpc.Config{Authority: a}), token, rpc.TransportNamedPipe))
}

// open returns a policy handle that was granted access.
func open(t *testing.T, c *gen.Client, access nt.AccessMask) rpc.ContextHandle {
	t.Helper()
	out, err := c.LsarOpenPolicy2(t.Context(), &gen.LsarOpenPolicy2Request{DesiredAccess: uint32(access)})
	if err != nil || out.Return != 0 || out.PolicyHandle.IsZero() {
		t.Fatalf("open: %+v, %v", out, err)
	}
	return out.PolicyHandle
}

// status is a result as a status, or as what the fault says.
func status(ret int32) nt.Status { return nt.Status(uint32(ret)) }
