package srv_test

import (
	"context"
	"testing"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// slow is a mechanism whose acceptors wait, each step, until they are let go.
type slow struct {
	auth.Mechanism
	entered chan struct{}
	gate    chan struct{} // one value lets one step go; closed lets all
}

type slowAcceptor struct {
	auth.Acceptor
	m *slow
}

func (m *slow) NewAcceptor(p auth.Peer) auth.Acceptor {
	return &slowAcceptor{m.Mechanism.NewAcceptor(p), m}
}

func (a *slowAcceptor) Accept(ctx context.Context, token []byte) ([]byte, error) {
	a.m.entered <- struct{}{}
	select {
	case <-a.m.gate:
	case <-ctx.Done():
		return nil, nt.StatusNoLogonServers
	}
	return a.Acceptor.Accept(ctx, token)
}

func newSlow() *slow {
	return &slow{Mechanism: mechanism(false), entered: make(chan struct{}, 64), gate: make(chan struct{}, 64)}
}

// TestSlowAuthority: while an authority thinks, the connection that asked and all others go on; then the session is as any other.
func TestSlowAuthority(t *testing.T) {
	m := newSlow()
	e := newEnv(t, func(cfg *srv.Config) { cfg.Auth = m })
	e.listen("echo", echo)
	for range 2 {
		m.gate <- struct{}{}
	}
	other := e.logon("alice") // a session that works
	for range 2 {
		wait(t, m.entered)
	}

	c := e.dial()
	c.negotiate(negotiateOptions{ciphers: allCiphers, signings: allSignings})
	done := make(chan nt.Status, 1)
	go func() {
		_, st := c.setupSession(setup{user: "bob", password: passwords["bob"]})
		done <- st
	}()
	wait(t, m.entered)
	p, err := c.send(nil, call{cmd: smb2.Echo, body: (&smb2.EchoRequest{}).Append(nil)})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := p[0].recv(); err != nil || r.h.Status != nt.StatusSuccess {
		t.Fatalf("ECHO while SESSION_SETUP waits: %v %v", r.h.Status, err)
	}
	tree := other.tree("IPC$")
	other.transceive(tree, other.open(tree, "echo"), []byte("x"), nt.StatusSuccess)
	select {
	case st := <-done:
		t.Fatalf("the logon ended by itself: %v", st)
	default:
	}
	close(m.gate)
	if st := wait(t, done); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	tree = c.tree("IPC$") // signed with keys over all of the exchange
	c.transceive(tree, c.open(tree, "echo"), []byte("x"), nt.StatusSuccess)
}

// TestSlowAuthorityTimeout: the time that a connection has for its first session goes on while an authority thinks.
func TestSlowAuthorityTimeout(t *testing.T) {
	m := newSlow()
	e := newEnv(t, func(cfg *srv.Config) { cfg.Auth, cfg.Limits.AuthTimeout = m, 100*time.Millisecond })
	c := e.dial()
	c.negotiate(negotiateOptions{})
	token, _, err := ntlmInit("alice").Init(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.send(nil, call{cmd: smb2.SessionSetup, body: (&smb2.SessionSetupRequest{SecurityBuffer: token}).Append(nil)}); err != nil {
		t.Fatal(err)
	}
	wait(t, m.entered)
	c.ended()
}

// TestSlowAuthorityLimit: a connection can make only so many steps wait.
func TestSlowAuthorityLimit(t *testing.T) {
	m := newSlow()
	e := newEnv(t, func(cfg *srv.Config) { cfg.Auth = m })
	c := e.dial()
	c.negotiate(negotiateOptions{})
	token, _, err := ntlmInit("alice").Init(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	body := (&smb2.SessionSetupRequest{SecurityBuffer: token}).Append(nil)
	var all []pending
	for range 17 {
		p, err := c.send(nil, call{cmd: smb2.SessionSetup, body: body})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p[0])
	}
	for range 16 {
		wait(t, m.entered)
	}
	if r, err := all[16].recv(); err != nil || r.h.Status != nt.StatusInsufficientResources {
		t.Fatalf("%v %v", r.h.Status, err)
	}
	close(m.gate)
	for _, p := range all[:16] {
		p.want(nt.StatusMoreProcessingRequired)
	}
}

// TestSlowAuthorityOrder: the steps of one session run in the order in which they come, one at a time.
func TestSlowAuthorityOrder(t *testing.T) {
	m := newSlow()
	e := newEnv(t, func(cfg *srv.Config) { cfg.Auth = m })
	c := e.dial()
	c.negotiate(negotiateOptions{})
	token, _, err := ntlmInit("alice").Init(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m.gate <- struct{}{}
	p, err := c.send(nil, call{cmd: smb2.SessionSetup, body: (&smb2.SessionSetupRequest{SecurityBuffer: token}).Append(nil)})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, m.entered)
	r := p[0].want(nt.StatusMoreProcessingRequired)
	s := &csession{id: r.h.SessionID}
	bad := (&smb2.SessionSetupRequest{SecurityBuffer: []byte("no token")}).Append(nil)
	first, err := c.send(s, call{cmd: smb2.SessionSetup, body: bad})
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.send(s, call{cmd: smb2.SessionSetup, body: bad})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, m.entered)
	if len(m.entered) != 0 {
		t.Error("two steps of a channel run at once")
	}
	close(m.gate)
	if r, err := first[0].recv(); err != nil || !r.h.Status.IsError() || r.h.Status == nt.StatusUserSessionDeleted {
		t.Errorf("first: %v %v", r.h.Status, err)
	}
	second[0].want(nt.StatusUserSessionDeleted) // the session went with the first
}
