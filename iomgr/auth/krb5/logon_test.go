package krb5

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"lwio/gen/dtyp"
	"lwio/gen/pac"
	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/iomgr/nt"
)

var encTypes = []EncType{AES128SHA1, AES256SHA1, AES128SHA2, AES256SHA2, RC4HMAC}

func TestExchange(t *testing.T) {
	modes := []struct {
		name string
		cfg  InitiatorConfig
	}{
		{"mutual", InitiatorConfig{}},
		{"one way", InitiatorConfig{Flags: FlagReplay | FlagInteg}},
		{"DCE style", InitiatorConfig{DCEStyle: true}},
	}
	for _, et := range encTypes {
		for _, m := range modes {
			t.Run(fmt.Sprintf("%v/%s", et, m.name), func(t *testing.T) {
				r := newRealm(et)
				cred := r.grant(nil)
				m.cfg.Service = "CIFS/server.lab.test"
				i := r.client(t, cred).NewInitiator(m.cfg)
				a := NewMechanism(r.config()).NewAcceptor(auth.Peer{Address: "192.0.2.1:5"})
				client, server := mustExchange(t, i, a)
				if client.Mechanism() != "Kerberos" || server.Mechanism() != "Kerberos" || client.Token() != nil {
					t.Error("context says something else")
				}
				for _, c := range []auth.Context{client, server} {
					if e := c.(interface{ Expires() time.Time }).Expires(); !e.Equal(cred.end) {
						t.Errorf("expires %v, want %v", e, cred.end)
					}
				}
				tok := server.Token()
				if tok.Account != "alice" || tok.Domain != "LAB" || tok.User != domainSID.Child(1103) || tok.PrimaryGroup != domainSID.Child(513) {
					t.Errorf("token %+v", tok)
				}
				testProtect(t, client, server)
				testProtect(t, server, client)
			})
		}
	}
}

// testProtect sends messages of all shapes from one side to the other.
func testProtect(t *testing.T, from, to auth.Context) {
	t.Helper()
	for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, 100, 4096} {
		msg := bytes.Repeat([]byte{0xA5, 1, 2}, (n+50)/3+1)[:n+40]
		plain := bytes.Clone(msg)
		sig, err := from.Sign(nil, msg)
		if err != nil || len(sig) != from.SignatureLen(false) {
			t.Fatalf("sign: %d of %d bytes, %v", len(sig), from.SignatureLen(false), err)
		}
		if err := to.Verify(msg, sig); err != nil {
			t.Fatalf("verify of %d: %v", n, err)
		}
		if err := to.Verify(msg, sig); err == nil {
			t.Fatal("a signature was taken twice")
		}
		lo, hi := 24, 24+n
		sig, err = from.Seal(sig[:0], msg, lo, hi)
		if err != nil || len(sig) != from.SignatureLen(true) {
			t.Fatalf("seal: %d of %d bytes, %v", len(sig), from.SignatureLen(true), err)
		}
		if n >= 15 && bytes.Equal(msg, plain) || !bytes.Equal(msg[:lo], plain[:lo]) || !bytes.Equal(msg[hi:], plain[hi:]) {
			t.Fatal("seal encrypted something else")
		}
		if err := to.Unseal(msg, lo, hi, sig); err != nil {
			t.Fatalf("unseal of %d: %v", n, err)
		}
		if !bytes.Equal(msg, plain) {
			t.Fatal("unseal gives something else")
		}
		if err := to.Unseal(msg, lo, hi, sig); err == nil {
			t.Fatal("a message was taken twice")
		}
	}
	for _, bad := range [][2]int{{-1, 2}, {2, 1}, {0, 4}} {
		if _, err := from.Seal(nil, make([]byte, 3), bad[0], bad[1]); !errors.Is(err, nt.StatusInvalidParameter) {
			t.Errorf("seal %v: %v", bad, err)
		}
		if err := to.Unseal(make([]byte, 3), bad[0], bad[1], nil); !errors.Is(err, nt.StatusInvalidParameter) {
			t.Errorf("unseal %v: %v", bad, err)
		}
	}
}

// recorder keeps the principal.
type recorder struct {
	ntlmtest.Accounts
	got *auth.Principal
	err error
}

func (r *recorder) Authorize(ctx context.Context, in *auth.Principal) (*nt.Token, error) {
	r.got = in
	if r.err != nil {
		return nil, r.err
	}
	return r.Accounts.Authorize(ctx, in)
}

func TestPrincipal(t *testing.T) {
	r := newRealm(AES256SHA1)
	rec := new(recorder)
	cfg := r.config()
	cfg.Authority = rec
	i := r.client(t, r.grant(nil)).NewInitiator(InitiatorConfig{Service: "cifs/server.lab.test"})
	mustExchange(t, i, NewMechanism(cfg).NewAcceptor(auth.Peer{Address: "192.0.2.1:5"}))
	got := fmt.Sprintf("%+v", *rec.got)
	want := fmt.Sprintf("%+v", auth.Principal{
		Name: "alice", Realm: "LAB.TEST", OwnRealm: true, Account: "alice", Domain: "LAB", DomainSID: domainSID,
		User: domainSID.Child(1103), PrimaryGroup: domainSID.Child(513),
		Groups: []nt.Group{
			{SID: domainSID.Child(513), Attributes: 7}, {SID: domainSID.Child(1110), Attributes: 7},
			{SID: nt.NewSID(5, 21, 9, 9, 9, 1234), Attributes: 7}, {SID: domainSID.Child(1120), Attributes: 0x20000007},
		},
		LogonTime: nt.TimeOf(r.now.Add(-time.Hour).Truncate(time.Second)), Expires: nt.TimeOf(r.now.Add(9 * time.Hour).Truncate(time.Second)),
		Mechanism: "Kerberos", Address: "192.0.2.1:5",
	})
	if got != want {
		t.Errorf("principal\n%s\nwant\n%s", got, want)
	}
}

// A client of another realm is not of ours, and one without a PAC has a name only.
func TestPrincipalOfOthers(t *testing.T) {
	r := newRealm(AES256SHA1)
	rec := new(recorder)
	cfg := r.config()
	cfg.Authority, cfg.AllowNoPAC = rec, true
	m := NewMechanism(cfg)
	other := r.grant(func(g *grant) { g.part.crealm = "OTHER.TEST" })
	mustExchange(t, r.client(t, other).NewInitiator(InitiatorConfig{Service: "cifs/server.lab.test"}), m.NewAcceptor(auth.Peer{}))
	if rec.got.OwnRealm || rec.got.Realm != "OTHER.TEST" {
		t.Errorf("principal %+v", rec.got)
	}
	bare := r.grant(func(g *grant) { g.noPAC = true })
	mustExchange(t, r.client(t, bare).NewInitiator(InitiatorConfig{Service: "cifs/server.lab.test"}), m.NewAcceptor(auth.Peer{}))
	if !rec.got.User.IsZero() || rec.got.Groups != nil || rec.got.Name != "alice" || rec.got.Account != "alice" {
		t.Errorf("principal %+v", rec.got)
	}
	rec.err = nt.StatusAccountRestriction
	_, err := exchange(r.client(t, r.grant(nil)).NewInitiator(InitiatorConfig{Service: "cifs/server.lab.test"}), m.NewAcceptor(auth.Peer{}))
	if !errors.Is(err, nt.StatusAccountRestriction) {
		t.Errorf("what the authority says: %v", err)
	}
}

func TestRefused(t *testing.T) {
	const at = "cifs/server.lab.test"
	for _, c := range []struct {
		name   string
		etype  EncType
		grant  func(r *testRealm, g *grant)
		server func(*Config)
		peer   auth.Peer
		init   func(*InitiatorConfig)
		client func(r *testRealm) // after the ticket is made
		want   nt.Status
		code   errorCode
		says   string
	}{
		{name: "client's clock behind", client: func(r *testRealm) { r.now = r.now.Add(-6 * time.Minute) }, want: nt.StatusTimeDifferenceAtDc, code: apSkew, says: "6m0s away"},
		{name: "client's clock ahead", client: func(r *testRealm) { r.now = r.now.Add(6 * time.Minute) }, want: nt.StatusTimeDifferenceAtDc, code: apSkew},
		{name: "expired", grant: func(r *testRealm, g *grant) { g.part.endTime = r.now.Add(-6 * time.Minute) }, client: func(r *testRealm) { r.now = r.now.Add(-7 * time.Minute) }, want: nt.StatusLogonFailure, code: apExpired},
		{name: "not yet valid", grant: func(r *testRealm, g *grant) { g.part.startTime = r.now.Add(6 * time.Minute) }, want: nt.StatusTimeDifferenceAtDc, code: apNotYetValid},
		{name: "postdated", grant: func(r *testRealm, g *grant) { g.part.flags = flagInvalid }, want: nt.StatusTimeDifferenceAtDc, code: apNotYetValid},
		{name: "wrong realm", grant: func(r *testRealm, g *grant) { g.realm = "ELSE.TEST" }, want: nt.StatusLogonFailure, code: apNotUs, says: "ELSE.TEST"},
		{name: "wrong key", grant: func(r *testRealm, g *grant) { g.key = newKey(AES256SHA1) }, want: nt.StatusLogonFailure, code: apModified, says: "keytab is out of date"},
		{name: "type without key", grant: func(r *testRealm, g *grant) { g.key = newKey(AES128SHA1) }, want: nt.StatusLogonFailure, code: apNoKey},
		{name: "RC4 ticket", etype: RC4HMAC, server: func(c *Config) { c.AllowRC4 = false }, want: nt.StatusKdcUnknownEtype, code: kdcNoSupport, says: "rc4-hmac"},
		{name: "RC4 session key", grant: func(r *testRealm, g *grant) { g.etype = RC4HMAC }, server: func(c *Config) { c.AllowRC4 = false }, want: nt.StatusKdcUnknownEtype, code: kdcNoSupport},
		{name: "no PAC", grant: func(r *testRealm, g *grant) { g.noPAC = true }, want: nt.StatusLogonFailure, code: errGeneric, says: "without a PAC"},
		{name: "PAC of another key", grant: func(r *testRealm, g *grant) { g.signer = newKey(AES256SHA1) }, want: nt.StatusLogonFailure, code: apModified, says: "signature"},
		{name: "PAC of another type of key", grant: func(r *testRealm, g *grant) { g.signer = newKey(AES128SHA1) }, want: nt.StatusLogonFailure, code: apModified, says: "type of key"},
		{name: "PAC changed", grant: func(r *testRealm, g *grant) {
			g.editPAC = func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
		}, want: nt.StatusLogonFailure, code: apModified, says: "signature"},
		{name: "PAC of another client", grant: func(r *testRealm, g *grant) { g.clientName = "bob" }, want: nt.StatusLogonFailure, code: apModified, says: "another client"},
		{name: "PAC of no domain", grant: func(r *testRealm, g *grant) {
			g.info = func(i *pac.KERB_VALIDATION_INFO) { i.LogonDomainId = nil }
		}, want: nt.StatusLogonFailure, code: apModified},
		{name: "PAC of two users", grant: func(r *testRealm, g *grant) {
			g.info = func(i *pac.KERB_VALIDATION_INFO) { i.UserId = 500 }
		}, want: nt.StatusLogonFailure, code: apModified, says: "two users"},
		{name: "resource groups of no domain", grant: func(r *testRealm, g *grant) {
			g.info = func(i *pac.KERB_VALIDATION_INFO) { i.ResourceGroupDomainSid = nil }
		}, want: nt.StatusLogonFailure, code: apModified},
		{name: "extra SID of nothing", grant: func(r *testRealm, g *grant) {
			g.info = func(i *pac.KERB_VALIDATION_INFO) { i.ExtraSids[0].Sid = nil }
		}, want: nt.StatusLogonFailure, code: apModified},
		{name: "domain SID too long", grant: func(r *testRealm, g *grant) {
			g.info = func(i *pac.KERB_VALIDATION_INFO) {
				i.LogonDomainId = dtyp.NewRPC_SID(nt.NewSID(5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
			}
		}, want: nt.StatusLogonFailure, code: apModified},
		{name: "bindings differ", peer: auth.Peer{ChannelBindings: []byte("tls-server-end-point:a")}, init: func(c *InitiatorConfig) { c.ChannelBindings = []byte("b") }, want: nt.StatusBadBindings, code: apBadMatch},
		{name: "bindings required", peer: auth.Peer{ChannelBindings: []byte("a")}, server: func(c *Config) { c.RequireChannelBindings = true }, want: nt.StatusBadBindings, code: apBadMatch},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.etype == 0 {
				c.etype = AES256SHA1
			}
			r := newRealm(c.etype)
			var log bytes.Buffer
			cfg := r.config()
			server := r.now
			cfg.Now = func() time.Time { return server }
			cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
			if c.server != nil {
				c.server(&cfg)
			}
			cred := r.grant(func(g *grant) {
				if c.grant != nil {
					c.grant(r, g)
				}
			})
			ic := InitiatorConfig{Service: at}
			if c.init != nil {
				c.init(&ic)
			}
			if c.client != nil {
				c.client(r)
			}
			cl := r.client(t, cred)
			a := NewMechanism(cfg).NewAcceptor(c.peer)
			cerr, serr := exchange(cl.NewInitiator(ic), a)
			if !errors.Is(serr, c.want) || a.Context() != nil {
				t.Errorf("server says %v, want %v", serr, c.want)
			}
			var e *krbError
			if !errors.As(cerr, &e) || e.code != c.code {
				t.Errorf("client sees %v, want %v", cerr, c.code)
			}
			if line := log.String(); !strings.Contains(line, c.code.String()) || !strings.Contains(line, c.says) || !strings.Contains(line, at) {
				t.Errorf("log %q", line)
			}
		})
	}
}

// Within the skew, with zero bindings, and under another name of the account, all is well.
func TestAccepted(t *testing.T) {
	r := newRealm(AES256SHA1)
	for name, c := range map[string]struct {
		grant  func(*grant)
		client func()
		peer   auth.Peer
		init   InitiatorConfig
	}{
		"clock behind":       {client: func() { r.now = r.now.Add(-4 * time.Minute) }},
		"clock ahead":        {client: func() { r.now = r.now.Add(4 * time.Minute) }},
		"just expired":       {grant: func(g *grant) { g.part.endTime = r.now.Add(-time.Minute) }, client: func() { r.now = r.now.Add(-2 * time.Minute) }},
		"no bindings":        {peer: auth.Peer{ChannelBindings: []byte("a")}},
		"bindings":           {peer: auth.Peer{ChannelBindings: []byte("a")}, init: InitiatorConfig{ChannelBindings: []byte("a")}},
		"bindings of client": {init: InitiatorConfig{ChannelBindings: []byte("a")}},
		"other key version":  {grant: func(g *grant) { g.kvno = 99 }},
		"realm's case":       {grant: func(g *grant) { g.realm = "lab.test" }},
		"PAC name of realm":  {grant: func(g *grant) { g.clientName = "ALICE@lab.test" }},
		"user of a SID": {grant: func(g *grant) {
			g.info = func(i *pac.KERB_VALIDATION_INFO) {
				i.UserId = 0
				i.ExtraSids[0].Sid = dtyp.NewRPC_SID(domainSID.Child(1103))
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			server := r.now
			defer func() { r.now = server }()
			cfg := r.config()
			cfg.Now = func() time.Time { return server }
			cred := r.grant(c.grant)
			if c.client != nil {
				c.client()
			}
			c.init.Service = "cifs/server.lab.test"
			mustExchange(t, r.client(t, cred).NewInitiator(c.init), NewMechanism(cfg).NewAcceptor(c.peer))
		})
	}
}

// firstToken is the client's first token for a fresh ticket.
func firstToken(t testing.TB, r *testRealm, cfg InitiatorConfig) ([]byte, auth.Initiator) {
	t.Helper()
	cfg.Service = "cifs/server.lab.test"
	i := r.client(t, r.grant(nil)).NewInitiator(cfg)
	token, _, err := i.Init(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return token, i
}

func TestReplay(t *testing.T) {
	r := newRealm(AES256SHA1)
	m := NewMechanism(r.config())
	for _, cfg := range []InitiatorConfig{{}, {DCEStyle: true}} {
		token, _ := firstToken(t, r, cfg)
		if _, err := m.NewAcceptor(auth.Peer{}).Accept(context.Background(), token); err != nil && !errors.Is(err, nt.StatusMoreProcessingRequired) {
			t.Fatal(err)
		}
		reply, err := m.NewAcceptor(auth.Peer{}).Accept(context.Background(), token)
		if !errors.Is(err, nt.StatusLogonFailure) {
			t.Errorf("replay: %v", err)
		}
		_, msg, _ := parseToken(reply)
		if e, err := parseError(msg); err != nil || e.code != apRepeat || !e.stime.Equal(r.now) {
			t.Errorf("replay answered %+v, %v", e, err)
		}
	}
}

// Whatever a middleman does to the first token, it is refused, and he never gets a context.
func TestTampered(t *testing.T) {
	for _, et := range []EncType{AES256SHA1, AES128SHA2, RC4HMAC} {
		r := newRealm(et)
		m := NewMechanism(r.config())
		token, _ := firstToken(t, r, InitiatorConfig{})
		for n := range token {
			if _, err := m.NewAcceptor(auth.Peer{}).Accept(context.Background(), token[:n]); !errors.Is(err, nt.StatusInvalidParameter) {
				t.Fatalf("%v: first %d bytes: %v", et, n, err)
			}
		}
		id, msg, _ := parseToken(token)
		req, err := parseAPReq(msg)
		if err != nil || id != tokenAPReq {
			t.Fatal(err)
		}
		for _, part := range [][]byte{req.ticket.enc.cipher, req.authenticator.cipher} {
			for i := range part {
				part[i] ^= 1 << (i % 8)
				a := m.NewAcceptor(auth.Peer{})
				if _, err := a.Accept(context.Background(), token); !errors.Is(err, nt.StatusLogonFailure) || a.Context() != nil {
					t.Fatalf("%v: bit %d flipped: %v", et, i, err)
				}
				part[i] ^= 1 << (i % 8)
			}
		}
		if _, err := m.NewAcceptor(auth.Peer{}).Accept(context.Background(), token); err != nil {
			t.Fatalf("%v: untouched: %v", et, err)
		}
	}
}

// The same for the server's reply and the third token.
func TestTamperedReply(t *testing.T) {
	r := newRealm(AES256SHA1)
	ctx := context.Background()
	for _, cfg := range []InitiatorConfig{{}, {DCEStyle: true}} {
		token, _ := firstToken(t, r, cfg)
		reply, _ := NewMechanism(r.config()).NewAcceptor(auth.Peer{}).Accept(ctx, token)
		for n := range reply {
			try := func(b []byte) {
				_, i := firstToken(t, r, cfg)
				if _, done, err := i.Init(ctx, b); err == nil || done || i.Context() != nil {
					t.Fatalf("reply changed at %d: %v", n, err)
				}
			}
			try(reply[:n])
			bad := bytes.Clone(reply)
			bad[n] ^= 1
			try(bad)
		}
	}
	// A reply to another logon of the same client.
	cred := r.grant(nil)
	one := r.client(t, cred).NewInitiator(InitiatorConfig{Service: "cifs/server.lab.test"})
	token, _, _ := one.Init(ctx, nil)
	r.now = r.now.Add(time.Second)
	two := r.client(t, cred).NewInitiator(InitiatorConfig{Service: "cifs/server.lab.test"})
	if _, _, err := two.Init(ctx, nil); err != nil {
		t.Fatal(err)
	}
	reply, err := NewMechanism(r.config()).NewAcceptor(auth.Peer{}).Accept(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := two.Init(ctx, reply); !errors.Is(err, nt.StatusLogonFailure) || !strings.Contains(err.Error(), "another logon") {
		t.Errorf("reply of another logon: %v", err)
	}
}

func TestThirdToken(t *testing.T) {
	r := newRealm(AES256SHA1)
	ctx := context.Background()
	begin := func() (auth.Acceptor, []byte) {
		token, i := firstToken(t, r, InitiatorConfig{DCEStyle: true})
		a := NewMechanism(r.config()).NewAcceptor(auth.Peer{})
		reply, err := a.Accept(ctx, token)
		if !errors.Is(err, nt.StatusMoreProcessingRequired) || a.Context() != nil || reply[0] != tagAPRep {
			t.Fatalf("first token: %v", err)
		}
		third, done, err := i.Init(ctx, reply)
		if !done || err != nil || third[0] != tagAPRep {
			t.Fatal(err)
		}
		return a, third
	}
	a, third := begin()
	if _, err := a.Accept(ctx, third); err != nil || a.Context() == nil {
		t.Fatal(err)
	}
	if _, err := a.Accept(ctx, third); !errors.Is(err, nt.StatusInvalidParameter) {
		t.Errorf("fourth token: %v", err)
	}
	a, _ = begin()
	if _, err := a.Accept(ctx, third); !errors.Is(err, nt.StatusLogonFailure) || a.Context() != nil {
		t.Errorf("third token of another: %v", err)
	}
	a, third = begin()
	third[len(third)-1] ^= 1
	if _, err := a.Accept(ctx, third); !errors.Is(err, nt.StatusLogonFailure) || a.Context() != nil {
		t.Errorf("third token changed: %v", err)
	}
	a, _ = begin()
	if _, err := a.Accept(ctx, nil); !errors.Is(err, nt.StatusInvalidParameter) {
		t.Errorf("no third token: %v", err)
	}
	// The right key and the wrong number.
	a, _ = begin()
	p := apRepPart{time: r.now, seq: a.(*acceptor).sequence + 1, hasSeq: true}
	if _, err := a.Accept(ctx, p.marshal(a.(*acceptor).ticketKey)); !errors.Is(err, nt.StatusLogonFailure) {
		t.Errorf("third token out of sequence: %v", err)
	}
}

// forge makes first tokens of a client that has the ticket and breaks rules.
func forge(r *testRealm, edit func(a *authenticator, options *uint32)) []byte {
	cred := r.grant(nil)
	subkey := newKey(cred.key.Type)
	a := authenticator{crealm: cred.crealm, cname: cred.client, time: r.now, subkey: &subkey, seq: 7, hasSeq: true, cksum: gssChecksum(flagsOfClient, nil)}
	var options uint32
	edit(&a, &options)
	return marshalAPReq(options, cred.ticket, cred.key.seal(usageAPReqAuthenticator, a.der()))
}

func TestForged(t *testing.T) {
	r := newRealm(AES256SHA1)
	for name, c := range map[string]struct {
		edit func(*authenticator, *uint32)
		code errorCode
	}{
		"another client":   {func(a *authenticator, _ *uint32) { a.cname.names = []string{"bob"} }, apBadMatch},
		"longer name":      {func(a *authenticator, _ *uint32) { a.cname.names = []string{"alice", ""} }, apBadMatch},
		"another realm":    {func(a *authenticator, _ *uint32) { a.crealm = "lab.test" }, apBadMatch},
		"user to user":     {func(_ *authenticator, o *uint32) { *o = apUseSessionKey }, apNoKey},
		"short checksum":   {func(a *authenticator, _ *uint32) { a.cksum.sum = a.cksum.sum[:23] }, apChecksum},
		"bindings' length": {func(a *authenticator, _ *uint32) { a.cksum.sum[0] = 15 }, apChecksum},
		"delegation cut":   {func(a *authenticator, _ *uint32) { a.cksum.sum[20] |= 1 }, apChecksum},
		"delegation lies": {func(a *authenticator, _ *uint32) {
			a.cksum.sum[20] |= 1
			a.cksum.sum = append(a.cksum.sum, 1, 0, 3, 0, 1, 2)
		}, apChecksum},
		"unkeyed checksum": {func(a *authenticator, _ *uint32) { a.cksum = &checksum{7, make([]byte, 16)} }, apChecksum},
		"wrong checksum":   {func(a *authenticator, _ *uint32) { a.cksum = &checksum{16, make([]byte, 12)} }, apChecksum},
		"DES subkey":       {func(a *authenticator, _ *uint32) { a.subkey = &EncryptionKey{3, make([]byte, 8)} }, kdcNoSupport},
		"subkey's length":  {func(a *authenticator, _ *uint32) { a.subkey.Value = a.subkey.Value[:24] }, apIntegrity},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewMechanism(r.config()).NewAcceptor(auth.Peer{})
			reply, err := a.Accept(context.Background(), forge(r, c.edit))
			_, msg, _ := parseToken(reply)
			if e, perr := parseError(msg); err == nil || perr != nil || e.code != c.code || a.Context() != nil {
				t.Errorf("%v, answered %v (%v), want %v", err, e.code, perr, c.code)
			}
		})
	}
}

// Clients differ in what they put into the authenticator.
func TestOtherClients(t *testing.T) {
	r := newRealm(AES256SHA1)
	keyed := func(a *authenticator, _ *uint32) {}
	for name, c := range map[string]struct {
		edit  func(*authenticator, *uint32)
		reply bool
	}{
		"no checksum":         {func(a *authenticator, _ *uint32) { a.cksum = nil }, false},
		"no checksum, mutual": {func(a *authenticator, o *uint32) { a.cksum = nil; *o = apMutualRequired }, true},
		"no subkey":           {func(a *authenticator, _ *uint32) { a.subkey = nil }, true},
		"no sequence":         {func(a *authenticator, _ *uint32) { a.hasSeq = false }, true},
		"delegation": {func(a *authenticator, _ *uint32) {
			a.cksum.sum[20] |= 1
			a.cksum.sum = append(a.cksum.sum, 1, 0, 2, 0, 1, 2)
		}, true},
		"as it comes": {keyed, true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, framed := range []bool{true, false} {
				token := forge(r, c.edit)
				if framed {
					token = appendFrame(tokenAPReq, token)
				}
				a := NewMechanism(r.config()).NewAcceptor(auth.Peer{})
				reply, err := a.Accept(context.Background(), token)
				if err != nil || (reply != nil) != c.reply || a.Context() == nil {
					t.Errorf("framed %v: %d bytes, %v", framed, len(reply), err)
				}
			}
		})
	}
	// The mistyped OID is as good.
	token := bytes.Replace(appendFrame(tokenAPReq, forge(r, keyed)), []byte(oidKerberos), []byte(oidMSKerberos), 1)
	if _, err := NewMechanism(r.config()).NewAcceptor(auth.Peer{}).Accept(context.Background(), token); err != nil {
		t.Error(err)
	}
}

// RFC 4537: a client with an RC4 ticket that knows AES gets an AES context.
func TestEtypeNegotiation(t *testing.T) {
	r := newRealm(RC4HMAC)
	list := tlv(tagSequence, derInt(int64(RC4HMAC)), derInt(3), derInt(int64(AES128SHA1)), derInt(int64(AES256SHA1)))
	token := forge(r, func(a *authenticator, _ *uint32) {
		a.authData = []authData{{adIfRelevant, derAuthData(authData{adEtypeNegotiation, list})}}
	})
	a := NewMechanism(r.config()).NewAcceptor(auth.Peer{})
	if _, err := a.Accept(context.Background(), token); err != nil {
		t.Fatal(err)
	}
	if k := a.(*acceptor).established.key; k.Type != AES128SHA1 {
		t.Errorf("context with %v", k.Type)
	}
}

func TestKeysThatFail(t *testing.T) {
	r := newRealm(AES256SHA1)
	cfg := r.config()
	var log bytes.Buffer
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	for _, c := range []struct {
		keys []ServiceKey
		ok   bool
	}{{[]ServiceKey{r.key}, true}, {nil, false}} {
		log.Reset()
		cfg.Keys = failingKeys{c.keys}
		token, _ := firstToken(t, r, InitiatorConfig{})
		_, err := NewMechanism(cfg).NewAcceptor(auth.Peer{}).Accept(context.Background(), token)
		if (err == nil) != c.ok || !strings.Contains(log.String(), "moon") {
			t.Errorf("%d keys: %v; log %q", len(c.keys), err, log.String())
		}
	}
}

type failingKeys struct{ keys []ServiceKey }

func (f failingKeys) Keys() ([]ServiceKey, error) { return f.keys, errors.New("moon") }

func BenchmarkAccept(b *testing.B) {
	for _, et := range []EncType{AES256SHA1, AES256SHA2} {
		b.Run(et.String(), func(b *testing.B) {
			r := newRealm(et)
			c := r.client(b, r.grant(nil))
			m := NewMechanism(r.config())
			tokens := make([][]byte, 0, 4096)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%cap(tokens) == 0 {
					b.StopTimer()
					tokens = tokens[:0]
					for range cap(tokens) {
						token, _, err := c.NewInitiator(InitiatorConfig{Service: "cifs/server.lab.test"}).Init(context.Background(), nil)
						if err != nil {
							b.Fatal(err)
						}
						tokens = append(tokens, token)
					}
					b.StartTimer()
				}
				if _, err := m.NewAcceptor(auth.Peer{}).Accept(context.Background(), tokens[n%cap(tokens)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, et := range []EncType{AES256SHA1, AES128SHA1, AES256SHA2} {
		for _, n := range []int{256, 4096, 60000} {
			b.Run(fmt.Sprintf("%v/%d", et, n), func(b *testing.B) {
				r := newRealm(et)
				i := r.client(b, r.grant(nil)).NewInitiator(InitiatorConfig{Service: "cifs/server.lab.test", DCEStyle: true})
				client, server := mustExchange(b, i, NewMechanism(r.config()).NewAcceptor(auth.Peer{}))
				msg, sig := make([]byte, n+48), make([]byte, 0, 256)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					var err error
					if sig, err = client.Seal(sig[:0], msg, 24, 24+n); err != nil {
						b.Fatal(err)
					}
					if err = server.Unseal(msg, 24, 24+n, sig); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
