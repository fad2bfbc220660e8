package authority_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gen "lwio/gen/authority"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/authority"
)

var (
	quiet   = slog.New(slog.NewTextHandler(io.Discard, nil))
	machine = nt.NewSID(5, 21, 1, 2, 3)
	host    = auth.Host{Name: "HOST", Domain: "HOST", DNSName: "host.example.org", DNSDomain: "example.org", DNSForest: "example.org", MachineSID: machine}
	acl     = &nt.ACL{Revision: nt.ACLRevision, ACEs: []nt.ACE{{Type: nt.AccessAllowedACEType, Mask: nt.GenericAll, SID: nt.SIDLocalSystem}}}
	token   = &nt.Token{User: machine.Child(1000), Owner: nt.SIDBuiltinAdministrators, PrimaryGroup: machine.Child(513), LogonID: 0x123456789, Account: "Jürgen 共",
		Domain: "HOST", Privileges: nt.AllPrivileges, DefaultDACL: acl, HasUnixID: true, UID: 7, GID: 8,
		Groups: []nt.Group{{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault}, {SID: nt.SIDNetwork, Attributes: nt.SEGroupUseForDenyOnly}}}
	logon     = &auth.NTLMLogon{Account: "a\x00b", Domain: "D", Workstation: "W", ServerChallenge: [8]byte{1, 2}, LMResponse: []byte{3}, NTResponse: []byte{4, 5}, Address: "192.0.2.1"}
	principal = &auth.Principal{Name: "alice", Realm: "LAB.TEST", OwnRealm: true, Account: "alice", Domain: "LAB", DomainSID: nt.NewSID(5, 21, 4, 5, 6), User: nt.NewSID(5, 21, 4, 5, 6, 1104),
		PrimaryGroup: nt.NewSID(5, 21, 4, 5, 6, 513), Groups: []nt.Group{{SID: nt.NewSID(5, 21, 4, 5, 6, 513), Attributes: 7}}, LogonTime: 11, Expires: 12, Mechanism: "Kerberos", Address: "::1"}
	system = nt.SystemToken()
)

// fake is an authority that checks what it is asked.
type fake struct {
	t     testing.TB
	err   error
	asked atomic.Int32

	entered, block chan struct{} // VerifyNTLM of "slow" tells the one and waits for the other
}

func (f *fake) VerifyNTLM(ctx context.Context, in *auth.NTLMLogon) (*auth.Logon, error) {
	f.asked.Add(1)
	if in.Account == "slow" {
		f.entered <- struct{}{}
		select {
		case <-f.block:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	} else if f.err == nil && in.Account != "quick" && !reflect.DeepEqual(in, logon) {
		f.t.Errorf("asked about %+v", in)
	}
	return &auth.Logon{Token: token, SessionBaseKey: [16]byte{15: 9}}, f.err
}

func (f *fake) Authorize(_ context.Context, in *auth.Principal) (*nt.Token, error) {
	if !reflect.DeepEqual(in, principal) {
		f.t.Errorf("asked about %+v", in)
	}
	return token, f.err
}

func (f *fake) LookupNames(_ context.Context, names []string) ([]auth.Identity, error) {
	out := make([]auth.Identity, len(names))
	for i, n := range names {
		out[i] = auth.Identity{Type: auth.SIDTypeUnknown, Name: n}
		if n == "HOST" {
			out[i] = auth.Identity{SID: machine, Type: auth.SIDTypeDomain, Name: "HOST", Domain: "HOST", DomainSID: machine}
		}
	}
	return out, f.err
}

func (f *fake) LookupSIDs(_ context.Context, sids []nt.SID) ([]auth.Identity, error) {
	out := make([]auth.Identity, len(sids))
	for i, sid := range sids {
		out[i] = auth.Identity{SID: sid, Type: auth.SIDTypeUser, Name: fmt.Sprint("u", i), Domain: "HOST", DomainSID: machine}
	}
	return out, f.err
}

func (f *fake) Host() auth.Host { return host }

// conn is the server's end of a pipe as it knows its client.
type conn struct {
	net.Conn
	token     *nt.Token
	transport rpc.Transport
}

func (c conn) Token() *nt.Token            { return c.token }
func (c conn) Transport() (string, string) { return string(c.transport), `\PIPE\authority` }

// side is a server that can be taken down and put up again.
type side struct {
	a         auth.Authority
	token     *nt.Token
	transport rpc.Transport
	member    func() authority.Membership

	mu    sync.Mutex
	s     *server.Server // guarded by mu; nil while it is down
	dials int            // guarded by mu
	wg    sync.WaitGroup
}

func newSide(t testing.TB, a auth.Authority) *side {
	s := &side{a: a, token: system, transport: rpc.TransportLocal}
	s.up()
	t.Cleanup(func() { s.down(); s.wg.Wait() })
	return s
}

func (s *side) up() {
	r := server.New(server.Config{Logger: quiet})
	err := authority.New(authority.Config{Authority: s.a, TokenForUID: func(uid, gid uint32) *nt.Token {
		return &nt.Token{User: nt.SIDUnixUsers.Child(uid), HasUnixID: true, UID: uid, GID: gid}
	}, Membership: s.member}).Register(r)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	s.s = r
	s.mu.Unlock()
}

func (s *side) down() {
	s.mu.Lock()
	r := s.s
	s.s = nil
	s.mu.Unlock()
	if r != nil {
		r.Close()
	}
}

func (s *side) dial(context.Context) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials++
	if s.s == nil {
		return nil, nt.StatusObjectNameNotFound
	}
	r := s.s
	near, far := net.Pipe()
	s.wg.Go(func() { r.ServeConn(context.Background(), conn{far, s.token, s.transport}) })
	return near, nil
}

func remote(t testing.TB, s *side, cfg authority.RemoteConfig) *authority.Remote {
	cfg.Dial, cfg.Log = s.dial, quiet
	r := authority.NewRemote(cfg)
	t.Cleanup(func() { r.Close() })
	return r
}

// TestWhole: what goes in one side comes out of the other.
func TestWhole(t *testing.T) {
	f := &fake{t: t}
	s := newSide(t, f)
	r := remote(t, s, authority.RemoteConfig{})
	ctx := t.Context()
	l, err := r.VerifyNTLM(ctx, logon)
	if err != nil || !reflect.DeepEqual(l.Token, token) || l.SessionBaseKey != [16]byte{15: 9} {
		t.Errorf("%+v %v", l, err)
	}
	if got, err := r.Authorize(ctx, principal); err != nil || !reflect.DeepEqual(got, token) {
		t.Errorf("%+v %v", got, err)
	}
	names, err := r.LookupNames(ctx, []string{"HOST", "no\x00body", "", strings.Repeat("x", 70000)})
	if err != nil || len(names) != 4 || names[0].SID != machine || names[1].Name != "no\x00body" || names[3].Type != auth.SIDTypeUnknown {
		t.Errorf("%+v %v", names, err)
	}
	many := make([]nt.SID, 10000)
	for i := range many {
		many[i] = machine.Child(uint32(i))
	}
	ids, err := r.LookupSIDs(ctx, many)
	if err != nil || len(ids) != len(many) || ids[9999].SID != many[9999] || ids[4096].Name != "u0" {
		t.Errorf("%d %v", len(ids), err)
	}
	if got, err := r.TokenForUID(ctx, 5, 6); err != nil || got.UID != 5 || got.GID != 6 || got.User != nt.SIDUnixUsers.Child(5) {
		t.Errorf("%+v %v", got, err)
	}
	if r.Host() != host {
		t.Errorf("%+v", r.Host())
	}
	if s.dials != 1 {
		t.Errorf("%d connections for calls that follow each other", s.dials)
	}
}

func TestRefusals(t *testing.T) {
	f := &fake{t: t}
	r := remote(t, newSide(t, f), authority.RemoteConfig{})
	for _, want := range []nt.Status{nt.StatusLogonFailure, nt.StatusAccountDisabled, nt.StatusAccountLockedOut, nt.StatusNoLogonServers} {
		f.err = fmt.Errorf("refused: %w", want)
		if l, err := r.VerifyNTLM(t.Context(), logon); err != want || l != nil {
			t.Errorf("%v %v, want %v", l, err, want)
		}
		if tok, err := r.Authorize(t.Context(), principal); err != want || tok != nil {
			t.Errorf("%v %v, want %v", tok, err, want)
		}
		if _, err := r.LookupNames(t.Context(), []string{"x"}); err != want {
			t.Errorf("%v, want %v", err, want)
		}
		if _, err := r.LookupSIDs(t.Context(), []nt.SID{machine}); err != want {
			t.Errorf("%v, want %v", err, want)
		}
	}
	before := f.asked.Load()
	if _, err := r.VerifyNTLM(t.Context(), &auth.NTLMLogon{Account: strings.Repeat("a", 5000)}); err != nt.StatusLogonFailure || f.asked.Load() != before {
		t.Errorf("a name that is too long: %v", err)
	}
	if _, err := r.Authorize(t.Context(), &auth.Principal{Groups: make([]nt.Group, 4097)}); err == nil {
		t.Error("4097 groups are taken")
	}
}

// An authority whose refusal is no error status must not be taken for one that says yes.
func TestSuccessWithoutToken(t *testing.T) {
	f := &fake{t: t, err: nt.StatusBufferOverflow} // a warning
	r := remote(t, newSide(t, f), authority.RemoteConfig{})
	if l, err := r.VerifyNTLM(t.Context(), logon); !errors.Is(err, nt.StatusNoLogonServers) || l != nil {
		t.Errorf("%v %v", l, err)
	}
}

func TestWhoMayCall(t *testing.T) {
	user := &nt.Token{User: machine.Child(1000), Groups: []nt.Group{{SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault}}}
	admin := &nt.Token{User: nt.SIDUnixUsers.Child(0), Groups: []nt.Group{{SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault}}}
	for _, tt := range []struct {
		name      string
		token     *nt.Token
		transport rpc.Transport
		want      bool
	}{
		{"the system", system, rpc.TransportLocal, true}, {"an administrator", admin, rpc.TransportLocal, true}, {"a user", user, rpc.TransportLocal, false},
		{"nobody", nt.AnonymousToken(), rpc.TransportLocal, false}, {"an administrator from the network", admin, rpc.TransportNamedPipe, false},
		{"an administrator over TCP", admin, rpc.TransportTCP, false}, {"the system from the network", system, rpc.TransportNamedPipe, false},
	} {
		f := &fake{t: t}
		s := newSide(t, f)
		s.token, s.transport = tt.token, tt.transport
		nc, _ := s.dial(t.Context())
		c := client.NewConn(nc, client.Config{})
		b, err := c.Bind(t.Context(), gen.AuthorityInterface, nil)
		if err != nil {
			t.Fatal(err)
		}
		cl := gen.NewClient(b)
		calls := map[string]func() error{
			"VerifyNTLM": func() error {
				_, err := cl.AuthorityVerifyNTLM(t.Context(), &gen.AuthorityVerifyNTLMRequest{})
				return err
			},
			"Authorize": func() error {
				_, err := cl.AuthorityAuthorize(t.Context(), &gen.AuthorityAuthorizeRequest{})
				return err
			},
			"LookupNames": func() error {
				_, err := cl.AuthorityLookupNames(t.Context(), &gen.AuthorityLookupNamesRequest{})
				return err
			},
			"LookupSIDs": func() error {
				_, err := cl.AuthorityLookupSIDs(t.Context(), &gen.AuthorityLookupSIDsRequest{})
				return err
			},
			"Membership": func() error {
				_, err := cl.AuthorityMembership(t.Context(), &gen.AuthorityMembershipRequest{})
				return err
			},
			"Host": func() error { _, err := cl.AuthorityHost(t.Context(), &gen.AuthorityHostRequest{}); return err },
			"TokenForUID": func() error {
				_, err := cl.AuthorityTokenForUID(t.Context(), &gen.AuthorityTokenForUIDRequest{})
				return err
			},
		}
		if tt.want { // what they answer others have tested
			if err := calls["Host"](); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		} else {
			for op, call := range calls {
				if err := call(); !errors.Is(err, rpc.FaultAccessDenied) {
					t.Errorf("%s, %s: %v", tt.name, op, err)
				}
			}
			if f.asked.Load() != 0 {
				t.Errorf("%s: the authority was asked", tt.name)
			}
		}
		c.Close()
	}
}

// TestAway: nobody there is an answer at once, and the next call finds who came back.
func TestAway(t *testing.T) {
	s := newSide(t, &fake{t: t})
	s.down()
	known := auth.Host{Name: "KNOWN", MachineSID: machine}
	var learned []auth.Host
	r := remote(t, s, authority.RemoteConfig{Host: known, Learned: func(h auth.Host) { learned = append(learned, h) }})
	for range 3 {
		if _, err := r.VerifyNTLM(t.Context(), logon); !errors.Is(err, nt.StatusNoLogonServers) {
			t.Fatal(err)
		}
	}
	if err := r.Connect(t.Context()); nt.StatusOf(err) != nt.StatusNoLogonServers {
		t.Error(err)
	}
	if r.Host() != known || learned != nil {
		t.Errorf("%+v %+v", r.Host(), learned)
	}
	for range 3 { // it comes, and goes, and comes
		s.up()
		if _, err := r.VerifyNTLM(t.Context(), logon); err != nil {
			t.Fatal(err)
		}
		s.down()
		s.up()
		if _, err := r.VerifyNTLM(t.Context(), logon); err != nil { // the connection that was kept is dead
			t.Fatal(err)
		}
		s.down()
		if _, err := r.VerifyNTLM(t.Context(), logon); !errors.Is(err, nt.StatusNoLogonServers) {
			t.Fatal(err)
		}
	}
	if r.Host() != host || len(learned) != 1 || learned[0] != host {
		t.Errorf("%+v %+v", r.Host(), learned)
	}
}

// TestSlow: calls do not wait for one another, and a side that is silent is given up.
func TestSlow(t *testing.T) {
	const timeout = 300 * time.Millisecond
	f := &fake{t: t, block: make(chan struct{}), entered: make(chan struct{}, 8)}
	s := newSide(t, f)
	r := remote(t, s, authority.RemoteConfig{Timeout: timeout, MaxConnections: 3})
	ends := make(chan error, 3)
	slow := func(n int) {
		for range n {
			go func() { _, err := r.VerifyNTLM(t.Context(), &auth.NTLMLogon{Account: "slow"}); ends <- err }()
			<-f.entered
		}
	}
	began := time.Now()
	slow(2)
	if _, err := r.VerifyNTLM(t.Context(), &auth.NTLMLogon{Account: "quick"}); err != nil || time.Since(began) > timeout {
		t.Errorf("beside two that wait: %v after %v", err, time.Since(began))
	}
	for range 2 {
		if err := <-ends; !errors.Is(err, nt.StatusNoLogonServers) {
			t.Errorf("a side that is silent: %v", err)
		}
	}
	if took := time.Since(began); took < timeout || took > 10*timeout {
		t.Errorf("given up after %v", took)
	}
	// All that may run are silent: the next waits its turn, and gives up when its caller does.
	slow(3)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := r.VerifyNTLM(ctx, &auth.NTLMLogon{Account: "quick"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller that gives up itself: %v", err)
	}
	close(f.block)
	if _, err := r.VerifyNTLM(t.Context(), &auth.NTLMLogon{Account: "quick"}); err != nil {
		t.Error(err)
	}
	for range 3 {
		<-ends
	}
}

func TestMany(t *testing.T) {
	s := newSide(t, &fake{t: t})
	r := remote(t, s, authority.RemoteConfig{MaxConnections: 8})
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if _, err := r.VerifyNTLM(t.Context(), logon); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestMembershipOfOther: what changes there is heard of here when the next logon begins, and kept while the other side is away.
func TestMembershipOfOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &side{a: &fake{t: t}, token: system, transport: rpc.TransportLocal}
		domain := nt.MustSID("S-1-5-21-4-5-6")
		var mu sync.Mutex
		var m authority.Membership
		set := func(next authority.Membership) { mu.Lock(); m = next; mu.Unlock() }
		s.member = func() authority.Membership { mu.Lock(); defer mu.Unlock(); return m }
		s.up()
		defer s.wg.Wait()
		defer s.down()
		r := remote(t, s, authority.RemoteConfig{})
		defer r.Close()
		later := func() { time.Sleep(150 * time.Millisecond) } // of the bubble's clock
		if got := r.Membership(); len(got.Keys) != 0 || len(got.Ranges) != 0 {
			t.Errorf("in no domain: %+v", got)
		}
		joined := authority.Membership{Keys: []authority.Key{{Name: "cifs/x", Realm: "LAB.TEST", KVNO: 2, Type: 18, Value: []byte("key")}},
			Ranges: authority.IDRanges{{Domain: domain, Count: 1000, FirstID: 100000}}}
		set(joined)
		if got := r.Membership(); len(got.Keys) != 0 {
			t.Error("it asks at each logon, however many there are")
		}
		later()
		if got := r.Membership(); !reflect.DeepEqual(got, joined) {
			t.Errorf("%+v", got)
		}
		if id, ok := r.UnixID(domain.Child(500)); !ok || id != 100500 {
			t.Errorf("%d %v", id, ok)
		}
		if sid, ok := r.SIDOf(100500); !ok || sid != domain.Child(500) {
			t.Errorf("%v %v", sid, ok)
		}
		s.down()
		later()
		if got := r.Membership(); !reflect.DeepEqual(got, joined) {
			t.Errorf("while it is away: %+v", got)
		}
		s.up()
		set(authority.Membership{})
		time.Sleep(2 * time.Second)
		if got := r.Membership(); len(got.Keys) != 0 || len(got.Ranges) != 0 {
			t.Errorf("after it has left: %+v", got)
		}
	})
}
