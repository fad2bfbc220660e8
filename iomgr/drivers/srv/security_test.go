package srv_test

import (
	"fmt"
	"testing"

	"lwio/gen/srvctl"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// offers are the combinations of dialect, signing algorithm and cipher that there are.
func offers() map[string]negotiateOptions {
	m := map[string]negotiateOptions{}
	for _, d := range allDialects[:4] {
		m[d.String()] = negotiateOptions{dialects: []smb2.Dialect{d}, caps: smb2.GlobalCapEncryption}
	}
	for _, s := range allSignings {
		for _, c := range allCiphers {
			m[fmt.Sprintf("3.1.1 signing %d cipher %d", s, c)] = negotiateOptions{dialects: allDialects[4:], ciphers: []smb2.CipherID{c}, signings: []smb2.SigningAlgorithm{s}}
		}
	}
	return m
}

// TestProtection opens a pipe and calls it, signed and then sealed. The client checks every signature.
func TestProtection(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("echo", echo)
	for name, o := range offers() {
		t.Run(name, func(t *testing.T) {
			c := e.dial()
			c.t = t
			c.logon(o, "alice")
			for _, seal := range []bool{false, true} {
				if seal && c.cipher == smb2.CipherNone {
					continue
				}
				c.sess.seal = seal
				r := c.do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusSuccess)
				if r.sealed != seal || r.h.IsSigned() == seal {
					t.Errorf("seal %v: answer sealed %v, signed %v", seal, r.sealed, r.h.IsSigned())
				}
				id := c.open(r.h.TreeID, "echo")
				if got := c.transceive(r.h.TreeID, id, []byte(name), nt.StatusSuccess); string(got) != name {
					t.Errorf("got %q", got)
				}
				if r := c.do(smb2.Create, r.h.TreeID, createBody("none"), nt.StatusObjectNameNotFound); r.sealed != seal {
					t.Error("an error came in the clear")
				}
			}
		})
	}
}

func TestUnsigned(t *testing.T) {
	e := newEnv(t, nil)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	body := createBody("none")
	send := func(edit func(frame []byte)) nt.Status {
		t.Helper()
		c.mu.Lock()
		h := smb2.Header{Command: smb2.Create, CreditCharge: 1, Credits: 1, MessageID: c.nextID, SessionID: c.sess.id, TreeID: tree}
		ch := make(chan reply, 1)
		c.waiting[c.nextID] = ch
		c.nextID++
		frame := append(h.Append(nil), body...)
		edit(frame)
		err := c.write(frame)
		c.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		return wait(t, ch).h.Status
	}
	if st := send(func([]byte) {}); st != nt.StatusAccessDenied {
		t.Errorf("unsigned: %v", st)
	}
	// The flag alone, and a signature with one bit wrong. The server gives both back, so the client must not check.
	signer := c.sess.signer
	c.mu.Lock()
	c.sess.signer = nil
	c.mu.Unlock()
	if st := send(func(f []byte) { smb2.SetFlags(f, smb2.FlagSigned) }); st != nt.StatusAccessDenied {
		t.Errorf("without a signature: %v", st)
	}
	if st := send(func(f []byte) { signer.Sign(f); f[60] ^= 1 }); st != nt.StatusAccessDenied {
		t.Errorf("wrong signature: %v", st)
	}
	if st := send(func(f []byte) { signer.Sign(f); f[70] ^= 1 }); st != nt.StatusAccessDenied {
		t.Errorf("changed message: %v", st)
	}
	c.mu.Lock()
	c.sess.signer = signer
	c.mu.Unlock()
	if st := send(func(f []byte) { signer.Sign(f) }); st != nt.StatusObjectNameNotFound {
		t.Errorf("signed: %v", st)
	}
}

// TestSigningEnabled is a server that does not insist.
func TestSigningEnabled(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Signing = srv.SigningEnabled })
	login := func(o negotiateOptions, mode uint8) *client {
		c := e.dial()
		c.negotiate(o)
		if c.response.SecurityMode != smb2.NegotiateSigningEnabled {
			t.Errorf("mode %#x", c.response.SecurityMode)
		}
		if _, st := c.setupSession(setup{user: "alice", password: "secret", mode: mode, unsigned: true}); st != nt.StatusSuccess {
			t.Fatal(st)
		}
		return c
	}
	old := negotiateOptions{dialects: allDialects[:3]}
	c := login(old, 1)
	if r := c.do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusSuccess); r.h.IsSigned() {
		t.Error("signed unasked")
	}
	c.sess.sign = true
	if r := c.do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusSuccess); !r.h.IsSigned() {
		t.Error("a signed request was answered without")
	}
	// A client that demands signing is held to it.
	login(old, 2).do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusAccessDenied)
	// In 3.1.1 the tree connect of a user is protected always.
	c = login(negotiateOptions{}, 1)
	_, _ = c.try(smb2.TreeConnect, 0, treeBody("IPC$"))
	c.ended()
}

func TestEncryptionRequired(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Encryption = srv.EncryptionRequired })
	for name, o := range map[string]negotiateOptions{
		"2.1":                   {dialects: allDialects[:2]},
		"3.0 without":           {dialects: allDialects[:3]},
		"3.1.1 without ciphers": {},
	} {
		c := e.dial()
		c.negotiate(o)
		if _, st := c.setupSession(setup{user: "alice", password: "secret"}); st != nt.StatusAccessDenied {
			t.Errorf("%s: %v", name, st)
		}
	}
	for _, o := range []negotiateOptions{{ciphers: allCiphers}, {dialects: allDialects[2:3], caps: smb2.GlobalCapEncryption}} {
		c := e.dial().logon(o, "alice")
		if c.sess.flags&smb2.SessionFlagEncryptData == 0 {
			t.Error("the session does not say that it is encrypted")
		}
		c.tree("IPC$")
		c.sess.seal = false
		c.do(smb2.TreeConnect, 0, treeBody("IPC$"), nt.StatusAccessDenied)
	}
}

func TestEncryptionOff(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Encryption = srv.EncryptionOff })
	for _, o := range []negotiateOptions{{ciphers: allCiphers}, {dialects: allDialects[2:3], caps: smb2.GlobalCapEncryption}} {
		c := e.dial()
		if c.negotiate(o); c.cipher != smb2.CipherNone {
			t.Errorf("cipher %d", c.cipher)
		}
	}
}

// TestEncryptedShare is a share that wants its own requests sealed.
func TestEncryptedShare(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) {
		c.Shares = newTable(share("secret", t.TempDir(), func(s *srvctl.SRVCTL_SHARE) { s.Flags = 0x8000 }))
	})
	c := e.dial().logon(negotiateOptions{dialects: allDialects[:2]}, "alice")
	c.do(smb2.TreeConnect, 0, treeBody("secret"), nt.StatusAccessDenied)
	c = e.logon("alice")
	r := c.do(smb2.TreeConnect, 0, treeBody("secret"), nt.StatusSuccess)
	res, err := smb2.ParseTreeConnectResponse(r.body)
	if err != nil || res.ShareFlags&smb2.ShareFlagEncryptData == 0 {
		t.Fatalf("%+v %v", res, err)
	}
	c.do(smb2.Create, r.h.TreeID, createBody(""), nt.StatusAccessDenied)
	c.tree("IPC$") // another share does not mind
	c.sess.seal = true
	c.open(r.h.TreeID, "", func(r *smb2.CreateRequest) { r.DesiredAccess = nt.FileReadAttributes })
}

// TestTransformAbuse: what is sealed wrongly ends the connection.
func TestTransformAbuse(t *testing.T) {
	e := newEnv(t, nil)
	seal := func(c *client, s *smb2.Sealer, id uint64) []byte {
		h := smb2.Header{Command: smb2.Echo, CreditCharge: 1, Credits: 1, MessageID: c.nextID, SessionID: id}
		b := (&smb2.EchoRequest{}).Append(h.Append(make([]byte, smb2.SealHeadroom, 256)))
		if err := s.Seal(b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, message := range map[string]func(c *client) []byte{
		"no session":    func(c *client) []byte { b := seal(c, c.sess.sealer, c.sess.id); b[44] ^= 0xff; return b },
		"other session": func(c *client) []byte { return seal(c, c.sess.sealer, c.sess.id+1) },
		"changed":       func(c *client) []byte { b := seal(c, c.sess.sealer, c.sess.id); b[len(b)-1] ^= 1; return b },
		"cut":           func(c *client) []byte { b := seal(c, c.sess.sealer, c.sess.id); return b[:len(b)-1] },
		"header only":   func(c *client) []byte { return seal(c, c.sess.sealer, c.sess.id)[:smb2.TransformHeaderSize] },
	} {
		c := e.logon("alice", func(o *negotiateOptions) { o.ciphers = allCiphers[1:2] })
		b := message(c)
		if err := c.write(b); err != nil {
			t.Fatal(name, err)
		}
		c.ended()
	}
	// Before there is a session.
	c := e.dial()
	c.negotiate(negotiateOptions{ciphers: allCiphers})
	if err := c.write(append([]byte{0xfd, 'S', 'M', 'B'}, make([]byte, 120)...)); err != nil {
		t.Fatal(err)
	}
	c.ended()
}
