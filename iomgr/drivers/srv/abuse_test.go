package srv_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// TestCreditAbuse: ids that were not granted, or used before, end the connection (3.3.5.2.3).
func TestCreditAbuse(t *testing.T) {
	e := newEnv(t, nil)
	echo := (&smb2.EchoRequest{}).Append(nil)
	for name, edit := range map[string]func(*client, *smb2.Header){
		"used":          func(c *client, h *smb2.Header) { h.MessageID = 0 },
		"not granted":   func(c *client, h *smb2.Header) { h.MessageID += 1 << 20 },
		"huge":          func(c *client, h *smb2.Header) { h.MessageID = 1<<64 - 1 },
		"charge beyond": func(c *client, h *smb2.Header) { h.CreditCharge = 65535 },
	} {
		c := e.logon("alice")
		c.sess.sign = false
		if _, err := c.send(nil, call{cmd: smb2.Echo, body: echo, edit: func(h *smb2.Header) { edit(c, h) }}); err != nil {
			t.Fatal(name, err)
		}
		c.ended()
	}
}

func TestCredits(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Limits.Credits = 512 })
	c := e.dial()
	c.wantCred = 65535
	if r := c.negotiate(negotiateOptions{}); r.h.Credits == 0 || r.h.Credits > 128 {
		t.Errorf("%d credits before a session", r.h.Credits)
	}
	if _, st := c.setupSession(setup{user: "alice", password: "secret"}); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	c.tree("IPC$")
	c.mu.Lock()
	n := c.credits
	c.mu.Unlock()
	if n != 512 {
		t.Errorf("%d credits", n)
	}
	// Without asking there is always one left.
	c.mu.Lock()
	c.wantCred = 0
	c.mu.Unlock()
	for range 600 {
		c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
	}
}

// TestCreditCharge: a large request costs more than one credit, in dialects that have such (3.3.5.2.5).
func TestCreditCharge(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("echo", echo)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "echo")
	in := bytes.Repeat([]byte("x"), 70000)
	write := (&smb2.WriteRequest{FileID: id, Data: in}).Append(nil)
	c.do(smb2.Write, tree, write, nt.StatusInvalidParameter)
	c.charge = 2
	c.do(smb2.Write, tree, write, nt.StatusSuccess)
	c.charge = 1
	c.do(smb2.Read, tree, (&smb2.ReadRequest{FileID: id, Length: 65537}).Append(nil), nt.StatusInvalidParameter)
	c.do(smb2.Ioctl, tree, ioctlBody(id, nt.FsctlPipePeek, nil, 65537), nt.StatusInvalidParameter)
	c.do(smb2.QueryInfo, tree, (&smb2.QueryInfoRequest{InfoType: 1, FileInfoClass: 5, FileID: id, OutputBufferLength: 65537}).Append(nil), nt.StatusInvalidParameter)
	c.do(smb2.Read, tree, (&smb2.ReadRequest{FileID: id, Length: 9 << 20}).Append(nil), nt.StatusInvalidParameter)

	c = e.dial().logon(negotiateOptions{dialects: allDialects[:1]}, "alice")
	tree = c.tree("IPC$")
	id = c.open(tree, "echo")
	c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Data: in[:65536]}).Append(nil), nt.StatusSuccess)
	c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Data: in}).Append(nil), nt.StatusInvalidParameter)
	c.do(smb2.Read, tree, (&smb2.ReadRequest{FileID: id, Length: 65537}).Append(nil), nt.StatusInvalidParameter)
}

// TestBadFrames: what is no message ends the connection, before and after authentication.
func TestBadFrames(t *testing.T) {
	e := newEnv(t, nil)
	header := func(edit func([]byte)) []byte {
		b := (&smb2.EchoRequest{}).Append((&smb2.Header{Command: smb2.Echo, MessageID: 3, CreditCharge: 1}).Append([]byte{0, 0, 0, 68}))
		edit(b[4:])
		return b
	}
	for name, b := range map[string][]byte{
		"frame type":        {0x85, 0, 0, 0},
		"frame too long":    {0, 0xff, 0xff, 0xff},
		"empty frame":       {0, 0, 0, 0},
		"short header":      append([]byte{0, 0, 0, 63}, make([]byte, 63)...),
		"protocol":          header(func(b []byte) { b[0] = 0xf0 }),
		"compressed":        header(func(b []byte) { b[0] = 0xfc }),
		"structure size":    header(func(b []byte) { b[4] = 65 }),
		"response":          header(func(b []byte) { b[16] |= 1 }),
		"next command":      header(func(b []byte) { b[20] = 4 }),
		"next beyond":       header(func(b []byte) { b[21] = 0x10 }),
		"http":              []byte("GET / HTTP/1.1\r\n\r\n"),
		"smb1 no negotiate": append([]byte{0, 0, 0, 40, 0xff, 'S', 'M', 'B', 0x73}, make([]byte, 35)...),
	} {
		for _, authenticated := range []bool{false, true} {
			var c *client
			if authenticated {
				c = e.logon("alice")
			} else {
				c = e.dial()
			}
			if _, err := c.nc.Write(b); err != nil {
				t.Fatal(name, err)
			}
			c.ended()
		}
	}
	// Something else than NEGOTIATE at first.
	c := e.dial()
	_, _ = c.try(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil))
	c.ended()
}

// TestLargeFrame: an unauthenticated peer cannot make the server hold megabytes.
func TestLargeFrame(t *testing.T) {
	e := newEnv(t, nil)
	c := e.dial()
	c.negotiate(negotiateOptions{})
	if _, err := c.nc.Write([]byte{0, 0x02, 0, 0}); err != nil {
		t.Fatal(err)
	}
	c.ended()
	c = e.logon("alice")
	if _, err := c.nc.Write([]byte{0, 0x80, 0xff, 0xff}); err != nil { // within what was negotiated
		t.Fatal(err)
	}
	if _, err := c.nc.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	c.nc.Close()
}

// bodies are requests of every command that are well formed; id is an open file.
func bodies(id smb2.FileID) map[smb2.Command][]byte {
	locks := smb2.LockElements(nil).Append(smb2.LockElement{Length: 1, Flags: smb2.LockExclusive | smb2.LockFailImmediately})
	return map[smb2.Command][]byte{
		smb2.SessionSetup: (&smb2.SessionSetupRequest{SecurityBuffer: []byte("token")}).Append(nil),
		smb2.Logoff:       (&smb2.LogoffRequest{}).Append(nil), smb2.TreeConnect: treeBody("IPC$"),
		smb2.TreeDisconnect: (&smb2.TreeDisconnectRequest{}).Append(nil), smb2.Create: createBody("echo"),
		smb2.Close: (&smb2.CloseRequest{FileID: id}).Append(nil), smb2.Flush: (&smb2.FlushRequest{FileID: id}).Append(nil),
		smb2.Read: (&smb2.ReadRequest{FileID: id, Length: 1}).Append(nil), smb2.Write: (&smb2.WriteRequest{FileID: id, Data: []byte("w")}).Append(nil),
		smb2.Lock: (&smb2.LockRequest{FileID: id, Locks: locks}).Append(nil), smb2.Ioctl: ioctlBody(id, nt.FsctlPipePeek, []byte("in"), 16),
		smb2.Echo:           (&smb2.EchoRequest{}).Append(nil),
		smb2.QueryDirectory: (&smb2.QueryDirectoryRequest{FileID: id, FileInformationClass: 1, Pattern: []byte{'*', 0}}).Append(nil),
		smb2.ChangeNotify:   (&smb2.ChangeNotifyRequest{FileID: id}).Append(nil),
		smb2.QueryInfo:      (&smb2.QueryInfoRequest{FileID: id, InfoType: 1, FileInfoClass: 5, OutputBufferLength: 24}).Append(nil),
		smb2.SetInfo:        (&smb2.SetInfoRequest{FileID: id, InfoType: 1, FileInfoClass: 23, Buffer: make([]byte, 8)}).Append(nil),
		smb2.OplockBreak:    (&smb2.OplockBreakMessage{FileID: id}).Append(nil),
	}
}

// TestTruncated sends every command cut at every byte: the answer is INVALID_PARAMETER and the connection goes on, as long as the cut
// part is not one that need not be there.
func TestTruncated(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("echo", echo)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	id := c.open(tree, "echo")
	for cmd, body := range bodies(id) {
		fixed := int(body[0]) &^ 1
		for n := range min(fixed, len(body)) {
			r, err := c.try(cmd, tree, bytes.Clone(body[:n]))
			if err != nil {
				t.Fatalf("%v cut to %d: %v %v", cmd, n, err, c.reason())
			}
			if r.h.Status != nt.StatusInvalidParameter {
				t.Errorf("%v cut to %d: %v", cmd, n, r.h.Status)
			}
		}
		wrong := bytes.Clone(body)
		wrong[0] ^= 0x80
		if r, err := c.try(cmd, tree, wrong); err != nil || r.h.Status != nt.StatusInvalidParameter {
			t.Errorf("%v with another StructureSize: %v %v", cmd, r.h.Status, err)
		}
	}
	if r, err := c.try(smb2.CommandCount, tree, nil); err != nil || r.h.Status != nt.StatusInvalidParameter {
		t.Errorf("unknown command: %v %v", r.h.Status, err)
	}
	if got := c.transceive(tree, id, []byte("alive"), nt.StatusSuccess); string(got) != "alive" {
		t.Errorf("got %q", got)
	}
}

func TestConnectionLimits(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Limits.Connections = 2 })
	a, b := e.dial(), e.dial()
	a.negotiate(negotiateOptions{})
	b.negotiate(negotiateOptions{})
	e.dial().ended()
	a.nc.Close()
	<-a.done
	b.negotiateAgain(e)
	e = newEnv(t, func(c *srv.Config) { c.Limits.ConnectionsPerAddress = 1 })
	e.logon("alice")
	e.dial().ended()
}

// negotiateAgain connects until the server has noticed that another connection went.
func (c *client) negotiateAgain(e *env) {
	for end := time.Now().Add(testTimeout); time.Now().Before(end); {
		n := e.dial()
		p, err := n.send(nil, call{cmd: smb2.Negotiate, body: (&negotiateOptions{dialects: allDialects}).request(n.guid).Append(nil)})
		if err != nil {
			continue
		}
		if r, err := p[0].recv(); err == nil && r.h.Status == nt.StatusSuccess {
			return
		}
	}
	c.t.Error("a place that was free was not given")
}

func TestSessionLimits(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) {
		c.Limits.SessionsPerConnection, c.Limits.TreesPerSession, c.Limits.OpensPerSession = 2, 2, 2
	})
	e.listen("echo", echo)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	c.tree("IPC$")
	c.do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusInsufficientResources)
	c.open(tree, "echo")
	id := c.open(tree, "echo")
	c.do(smb2.Create, tree, createBody("echo"), nt.StatusInsufficientResources)
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
	c.open(tree, "echo")
	c.sess = nil
	if _, st := c.setupSession(setup{user: "bob", password: passwords["bob"]}); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	if _, st := c.setupSession(setup{user: "bob", password: passwords["bob"]}); st != nt.StatusInsufficientResources {
		t.Errorf("a third session: %v", st)
	}
}

// TestHalfOpen: who connects and says nothing, or not enough, is cut.
func TestHalfOpen(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) {
		c.Limits.AuthTimeout, c.Limits.FrameTimeout = 100*time.Millisecond, 100*time.Millisecond
	})
	e.dial().ended()
	c := e.dial()
	c.negotiate(negotiateOptions{})
	c.ended()
	c = e.dial()
	_, _ = c.nc.Write([]byte{0, 0})
	c.ended()
	// In the middle of a message.
	c = e.logon("alice")
	if _, err := c.nc.Write([]byte{0, 1, 0, 0, 0xfe, 'S', 'M', 'B'}); err != nil {
		t.Fatal(err)
	}
	c.ended()
	// After the only session has gone.
	c = e.logon("alice")
	c.do(smb2.Logoff, 0, (&smb2.LogoffRequest{}).Append(nil), nt.StatusSuccess)
	c.ended()
}

func TestIdle(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Limits.IdleTimeout = 100 * time.Millisecond })
	e.listen("silent", silent)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	busy := e.logon("alice")
	busy.open(busy.tree("IPC$"), "silent")
	c.ended()
	_ = tree
	busy.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
}

// TestSlowReader: a client that sends and never reads is cut, and does not make the server hold what it does not take.
func TestSlowReader(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Limits.SendTimeout = 200 * time.Millisecond })
	nc, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	h := smb2.Header{Command: smb2.Negotiate, Credits: 1}
	neg := (&negotiateOptions{dialects: allDialects[:1]}).request(nt.GUID{1})
	b := neg.Append(h.Append(nil))
	if _, err := nc.Write(append(smb2.AppendFrameHeader(nil, len(b)), b...)); err != nil {
		t.Fatal(err)
	}
	echo := (&smb2.EchoRequest{}).Append(nil)
	_ = nc.SetWriteDeadline(time.Now().Add(testTimeout))
	for id := uint64(1); ; id++ { // every answer grants a credit, which a client that does not read can count on
		m := append((&smb2.Header{Command: smb2.Echo, MessageID: id, Credits: 1}).Append(nil), echo...)
		if _, err := nc.Write(append(smb2.AppendFrameHeader(nil, len(m)), m...)); err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				t.Fatal("the connection lives")
			}
			break
		}
	}
}

// TestFlood opens many connections at once that do nothing; those that come to work are served.
func TestFlood(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Limits.ConnectionsPerAddress = 300 })
	for range 200 {
		nc, err := net.Dial("tcp", e.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if _, err := nc.Write([]byte{0, 0, 0, 68, 0xfe, 'S'}); err != nil {
			t.Fatal(err)
		}
	}
	e.logon("alice").tree("IPC$")
}

// TestGarbage sends noise of several lengths.
func TestGarbage(t *testing.T) {
	e := newEnv(t, nil)
	for n := range 100 {
		nc, err := net.Dial("tcp", e.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = nc.Write(bytes.Repeat([]byte{byte(n), 0xfe, 0}, n))
		_ = nc.(*net.TCPConn).CloseWrite()
		_ = nc.SetReadDeadline(time.Now().Add(testTimeout))
		if _, err := io.Copy(io.Discard, nc); err != nil && !isReset(err) {
			t.Fatal(err)
		}
		nc.Close()
	}
	e.logon("alice").tree("IPC$")
}
