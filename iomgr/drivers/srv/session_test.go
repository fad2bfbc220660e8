package srv_test

import (
	"context"
	"testing"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/pipes"
)

func TestLogonRefused(t *testing.T) {
	e := newEnv(t, nil)
	for name, s := range map[string]setup{
		"password":  {user: "alice", password: "wrong"},
		"user":      {user: "nobody", password: "secret"},
		"anonymous": {anonymous: true},
	} {
		c := e.dial()
		c.negotiate(negotiateOptions{})
		want := nt.StatusLogonFailure
		if s.anonymous {
			want = nt.StatusAccessDenied
		}
		session, st := c.setupSession(s)
		if st != want {
			t.Errorf("%s: %v", name, st)
		}
		c.sess = &csession{id: session.id}
		c.do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusUserSessionDeleted)
		// The connection is as good as before.
		c.sess = nil
		if _, st := c.setupSession(setup{user: "alice", password: "secret"}); st != nt.StatusSuccess {
			t.Errorf("%s: then %v", name, st)
		}
	}
	// Garbage in the place of a token.
	c := e.dial()
	c.negotiate(negotiateOptions{})
	req := smb2.SessionSetupRequest{SecurityBuffer: []byte("garbage")}
	c.do(smb2.SessionSetup, 0, req.Append(nil), nt.StatusInvalidParameter)
}

// TestNoSession: what needs a session says so.
func TestNoSession(t *testing.T) {
	e := newEnv(t, nil)
	c := e.dial()
	c.negotiate(negotiateOptions{})
	c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
	c.do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusUserSessionDeleted)
	c.do(smb2.Logoff, 0, (&smb2.LogoffRequest{}).Append(nil), nt.StatusUserSessionDeleted)
	c.do(smb2.Create, 1, createBody("x"), nt.StatusUserSessionDeleted)
	// Half way through the authentication.
	init := ntlmInit("alice")
	token, _, err := init.Init(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := c.do(smb2.SessionSetup, 0, (&smb2.SessionSetupRequest{SecurityBuffer: token}).Append(nil), nt.StatusMoreProcessingRequired)
	c.sess = &csession{id: r.h.SessionID}
	c.do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusAccessDenied)
}

func TestAnonymous(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Auth = mechanism(true) })
	e.listen("echo", echo)
	c := e.dial()
	c.negotiate(negotiateOptions{ciphers: allCiphers})
	s, st := c.setupSession(setup{anonymous: true})
	if st != nt.StatusSuccess || s.flags != smb2.SessionFlagNull {
		t.Fatalf("%v flags %#x", st, s.flags)
	}
	tree := c.tree("IPC$")
	id := c.open(tree, "echo")
	if got := c.transceive(tree, id, []byte("hi"), nt.StatusSuccess); string(got) != "hi" {
		t.Errorf("got %q", got)
	}
	// Where everything is to be sealed, nobody without a key comes in.
	e = newEnv(t, func(c *srv.Config) { c.Auth, c.Encryption = mechanism(true), srv.EncryptionRequired })
	c = e.dial()
	c.negotiate(negotiateOptions{ciphers: allCiphers})
	if _, st := c.setupSession(setup{anonymous: true}); st != nt.StatusAccessDenied {
		t.Errorf("anonymous where encryption is required: %v", st)
	}
}

// TestReauthenticate changes the user of a session. Its keys stay, what is open stays its opener's (3.3.5.5.3).
func TestReauthenticate(t *testing.T) {
	e := newEnv(t, nil)
	peers := make(chan *pipes.Conn, 4)
	e.listen("echo", func(c *pipes.Conn) { peers <- c; echo(c) })
	for name, o := range offers() {
		c := e.dial().logon(o, "alice")
		tree := c.tree("IPC$")
		first := c.open(tree, "echo")
		p := wait(t, peers)
		if _, st := c.setupSession(setup{user: "bob", password: passwords["bob"], session: c.sess}); st != nt.StatusSuccess {
			t.Fatalf("%s: %v", name, st)
		}
		if got := c.transceive(tree, first, []byte("a"), nt.StatusSuccess); string(got) != "a" || p.Token().Account != "alice" {
			t.Errorf("%s: %q of %s", name, got, p.Token().Account)
		}
		second := c.open(tree, "echo")
		if got := c.transceive(tree, second, []byte("b"), nt.StatusSuccess); string(got) != "b" {
			t.Errorf("%s: %q", name, got)
		}
		if p = wait(t, peers); p.Token().Account != "bob" {
			t.Errorf("%s: opened by %s", name, p.Token().Account)
		}
		// A reauthentication that fails ends the session.
		if _, st := c.setupSession(setup{user: "bob", password: "wrong", session: c.sess}); st != nt.StatusLogonFailure {
			t.Errorf("%s: %v", name, st)
		}
		c.do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusUserSessionDeleted)
	}
}

func TestPreviousSession(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("silent", silent)
	a := e.logon("alice")
	tree := a.tree("IPC$")
	a.open(tree, "silent")
	// Another user's session is not touched.
	b := e.dial()
	b.negotiate(negotiateOptions{})
	if _, st := b.setupSession(setup{user: "bob", password: passwords["bob"], previous: a.sess.id}); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	a.tree("IPC$")
	c := e.dial()
	c.negotiate(negotiateOptions{})
	if _, st := c.setupSession(setup{user: "alice", password: "secret", previous: a.sess.id}); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	a.do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusUserSessionDeleted)
}

func TestLogoff(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("silent", silent)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "silent")
	p, err := c.send(c.sess, call{cmd: smb2.Read, tree: tree, body: (&smb2.ReadRequest{Length: 10, FileID: id}).Append(nil)})
	if err != nil {
		t.Fatal(err)
	}
	c.do(smb2.Logoff, 0, (&smb2.LogoffRequest{}).Append(nil), nt.StatusSuccess)
	if r, err := p[0].recv(); err != nil || r.h.Status != nt.StatusPipeBroken {
		t.Errorf("the read under way: %v %v", r.h.Status, err)
	}
	c.do(smb2.Logoff, 0, (&smb2.LogoffRequest{}).Append(nil), nt.StatusUserSessionDeleted)
	c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusUserSessionDeleted) // signed for a session that is gone
}

// TestSessions: ids of one session are worth nothing in another.
func TestSessions(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("echo", echo)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "echo")
	first := c.sess
	c.sess = nil
	if _, st := c.setupSession(setup{user: "bob", password: passwords["bob"]}); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	c.do(smb2.Close, tree+100, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusNetworkNameDeleted)
	other := c.tree("IPC$")
	c.do(smb2.Close, other, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusFileClosed)
	c.sess = first
	second := c.tree("IPC$")
	c.do(smb2.Close, second, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusFileClosed)
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: smb2.FileID{Persistent: id.Persistent, Volatile: id.Volatile + 1}}).Append(nil), nt.StatusFileClosed)
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
}

// TestBind binds a second connection to a session (3.3.5.5.2). Both then carry it; the session outlives the first.
func TestBind(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("echo", echo)
	for name, o := range offers() {
		if o.dialects[0] < smb2.Dialect300 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			a := e.dial()
			a.t = t
			a.logon(o, "alice")
			tree := a.tree("IPC$")
			id := a.open(tree, "echo")
			b := e.dial()
			b.t = t
			b.guid = a.guid
			b.negotiate(o)
			s, st := b.setupSession(setup{user: "alice", password: "secret", bind: a.sess})
			if st != nt.StatusSuccess {
				t.Fatal(st)
			}
			b.sess = s
			if got := b.transceive(tree, id, []byte("two"), nt.StatusSuccess); string(got) != "two" {
				t.Errorf("got %q", got)
			}
			if _, st := b.setupSession(setup{user: "alice", password: "secret", bind: a.sess}); st != nt.StatusAccessDenied && st != nt.StatusRequestNotAccepted {
				t.Errorf("bound twice: %v", st)
			}
			b.sess = s
			b.mu.Lock()
			b.sessions[s.id] = s
			b.mu.Unlock()
			a.nc.Close()
			<-a.done
			if got := b.transceive(tree, id, []byte("one"), nt.StatusSuccess); string(got) != "one" {
				t.Errorf("got %q", got)
			}
			if s.sealer != nil {
				s.seal = true
				if got := b.transceive(tree, id, []byte("sealed"), nt.StatusSuccess); string(got) != "sealed" {
					t.Errorf("got %q", got)
				}
			}
		})
	}
}

func TestBindRefused(t *testing.T) {
	e := newEnv(t, nil)
	o := negotiateOptions{dialects: allDialects[2:3]}
	for name, v := range map[string]struct {
		offer negotiateOptions
		setup setup
		want  nt.Status
	}{
		"another user":    {o, setup{user: "bob", password: passwords["bob"]}, nt.StatusAccessDenied},
		"wrong password":  {o, setup{user: "alice", password: "wrong"}, nt.StatusLogonFailure},
		"unsigned":        {o, setup{user: "alice", password: "secret", unsigned: true}, nt.StatusInvalidParameter},
		"another dialect": {negotiateOptions{dialects: allDialects[3:4]}, setup{user: "alice", password: "secret"}, nt.StatusInvalidParameter},
		"2.1":             {negotiateOptions{dialects: allDialects[1:2]}, setup{user: "alice", password: "secret"}, nt.StatusRequestNotAccepted},
	} {
		a := e.dial().logon(o, "alice")
		b := e.dial()
		b.negotiate(v.offer)
		v.setup.bind = a.sess
		if _, st := b.setupSession(v.setup); st != v.want {
			t.Errorf("%s: %v, want %v", name, st, v.want)
		}
		a.tree("IPC$") // the session is not hurt
	}
	a := e.dial().logon(o, "alice")
	a.do(smb2.Logoff, 0, (&smb2.LogoffRequest{}).Append(nil), nt.StatusSuccess)
	b := e.dial()
	b.negotiate(o)
	if _, st := b.setupSession(setup{user: "alice", password: "secret", bind: a.sess}); st != nt.StatusUserSessionDeleted {
		t.Errorf("a session that is gone: %v", st)
	}
}

// expiring is a mechanism whose logons end.
type expiring struct {
	auth.Mechanism
	at time.Time
}

func (m expiring) NewAcceptor(p auth.Peer) auth.Acceptor {
	return &expiringAcceptor{m.Mechanism.NewAcceptor(p), m.at}
}

type expiringAcceptor struct {
	auth.Acceptor
	at time.Time
}

func (a *expiringAcceptor) Context() auth.Context {
	if c := a.Acceptor.Context(); c != nil {
		return expiringContext{c, a.at}
	}
	return nil
}

type expiringContext struct {
	auth.Context
	at time.Time
}

func (c expiringContext) Expires() time.Time { return c.at }

func TestExpired(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Auth = expiring{c.Auth, time.Now().Add(-time.Hour)} })
	c := e.logon("alice")
	if r := c.do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusNetworkSessionExpired); !r.h.IsSigned() {
		t.Error("the answer is not signed")
	}
	c.do(smb2.Logoff, 0, (&smb2.LogoffRequest{}).Append(nil), nt.StatusSuccess)
	e = newEnv(t, func(c *srv.Config) { c.Auth = expiring{c.Auth, time.Now().Add(time.Hour)} })
	e.logon("alice").tree("IPC$")
}
