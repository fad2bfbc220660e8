package rdr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/pipes"
)

// TestPipe dials a remote pipe in every dialect and mode of protection.
func TestPipe(t *testing.T) {
	for _, d := range []smb2.Dialect{smb2.Dialect202, smb2.Dialect210, smb2.Dialect300, smb2.Dialect302, smb2.Dialect311} {
		for _, enc := range []rdr.Encryption{rdr.EncryptionOffered, rdr.EncryptionRequired, rdr.EncryptionOff} {
			if enc == rdr.EncryptionRequired && d < smb2.Dialect300 {
				continue
			}
			t.Run(fmt.Sprintf("%v/%d", d, enc), func(t *testing.T) {
				e := newEnv(t, nil, func(c *rdr.Config) { c.MaxDialect, c.Encryption = d, enc })
				e.listen("echo", func(c *pipes.Conn) {
					buf := make([]byte, 64)
					n, _ := c.Read(buf)
					if string(buf[:n]) == "key" {
						_, _ = c.Write(c.SessionKey())
					}
					echo(c)
				})
				c, err := pipes.Dial(t.Context(), e.m, e.name(`IPC$\echo`), pipes.DialConfig{Message: true})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				buf := make([]byte, 64)
				n, err := c.Transact(t.Context(), []byte("key"), buf)
				if err != nil || n != 16 {
					t.Fatalf("%d %v", n, err)
				}
				if key := c.SessionKey(); !bytes.Equal(key, buf[:n]) || len(key) != 16 {
					t.Errorf("client's key %x, server's %x", key, buf[:n])
				}
				if p, ep := c.Transport(); p != "ncacn_np" || ep != `\PIPE\echo` {
					t.Errorf("%s %s", p, ep)
				}
				if _, err := c.Write([]byte("hello")); err != nil {
					t.Fatal(err)
				}
				if n, err := c.Read(buf); err != nil || string(buf[:n]) != "hello" {
					t.Fatalf("%q %v", buf[:n], err)
				}
			})
		}
	}
}

// TestPartialMessage: what does not fit comes with a warning, the rest after it.
func TestPartialMessage(t *testing.T) {
	e := newEnv(t, nil, nil)
	e.listen("echo", echo)
	h := e.open(`IPC$\echo`)
	defer e.m.Close(h)
	if err := pipes.SetNamedPipeHandleState(t.Context(), e.m, h, pipes.HandleState{ReadMessages: true}); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4)
	n, err := e.m.FsControlFile(t.Context(), h, nt.FsctlPipeTransceive, []byte("0123456789"), buf)
	if !errors.Is(err, nt.StatusBufferOverflow) || string(buf[:n]) != "0123" {
		t.Fatalf("%q %v", buf[:n], err)
	}
	p, err := pipes.PeekNamedPipe(t.Context(), e.m, h, make([]byte, 16))
	if err != nil || p.Available != 6 {
		t.Fatalf("%+v %v", p, err)
	}
	n, err = e.m.ReadFile(t.Context(), h, buf, 0)
	if !errors.Is(err, nt.StatusBufferOverflow) || string(buf[:n]) != "4567" {
		t.Fatalf("%q %v", buf[:n], err)
	}
	n, err = e.m.ReadFile(t.Context(), h, buf, 0)
	if err != nil || string(buf[:n]) != "89" {
		t.Fatalf("%q %v", buf[:n], err)
	}
}

// TestOrder: writes that follow one another without waiting arrive in their order.
func TestOrder(t *testing.T) {
	e := newEnv(t, nil, nil)
	const count = 400
	got := make(chan error, 1)
	e.listen("order", func(c *pipes.Conn) {
		buf := make([]byte, 64)
		for i := range count {
			n, err := c.Read(buf)
			if err == nil && string(buf[:n]) != fmt.Sprint(i) {
				err = fmt.Errorf("message %d is %q", i, buf[:n])
			}
			if err != nil {
				got <- err
				return
			}
		}
		got <- nil
	})
	h := e.open(`IPC$\order`)
	done := make(chan nt.Status, count)
	for i := range count {
		e.m.Submit(&api.Request{Op: api.OpWrite, Handle: h, In: []byte(fmt.Sprint(i)), Done: func(r *api.Request) { done <- r.Status }})
	}
	for range count {
		if st := wait(t, done); st != nt.StatusSuccess {
			t.Fatal(st)
		}
	}
	if err := wait(t, got); err != nil {
		t.Fatal(err)
	}
	if err := e.m.Close(h); err != nil {
		t.Fatal(err)
	}
}

// TestPendedRead: a pended read is cancelled by the server when it is asked, and by closing.
func TestPendedRead(t *testing.T) {
	e := newEnv(t, nil, nil)
	e.listen("silent", silent)
	h := e.open(`IPC$\silent`)
	read := func() (*api.Request, chan nt.Status) {
		ch := make(chan nt.Status, 1)
		r := &api.Request{Op: api.OpRead, Handle: h, Out: make([]byte, 10), Done: func(r *api.Request) { ch <- r.Status }}
		e.m.Submit(r)
		return r, ch
	}
	r, ch := read()
	r.Cancel() // very likely before the interim response
	if st := wait(t, ch); st != nt.StatusCancelled {
		t.Fatal(st)
	}
	r, ch = read()
	if n, err := e.m.WriteFile(t.Context(), h, []byte("x"), 0); n != 1 || err != nil { // the interim response has come, or will
		t.Fatal(n, err)
	}
	select {
	case st := <-ch:
		t.Fatal(st)
	default:
	}
	r.Cancel()
	if st := wait(t, ch); st != nt.StatusCancelled {
		t.Fatal(st)
	}
	_, ch = read()
	_, ch2 := read()
	if err := e.m.Close(h); err != nil {
		t.Fatal(err)
	}
	for _, ch := range []chan nt.Status{ch, ch2} {
		if st := wait(t, ch); st != nt.StatusCancelled && st != nt.StatusFileClosed && st != nt.StatusPipeBroken {
			t.Fatal(st)
		}
	}
}

// TestWaitNamedPipe goes by the handle of the share itself.
func TestWaitNamedPipe(t *testing.T) {
	e := newEnv(t, nil, nil)
	e.listen("echo", echo)
	if err := pipes.WaitNamedPipe(t.Context(), e.m, e.name(`IPC$\echo`), pipes.WaitDefault); err != nil {
		t.Fatal(err)
	}
	if err := pipes.WaitNamedPipe(t.Context(), e.m, e.name(`IPC$\none`), pipes.WaitDefault); !errors.Is(err, nt.StatusObjectNameNotFound) {
		t.Fatal(err)
	}
	h := e.open(`IPC$`)
	defer e.m.Close(h)
	if _, err := e.m.ReadFile(t.Context(), h, make([]byte, 1), 0); !errors.Is(err, nt.StatusInvalidDeviceRequest) {
		t.Errorf("read of the share: %v", err)
	}
}

// TestAttributes: the key and the name are answered here; nothing can be set.
func TestAttributes(t *testing.T) {
	e := newEnv(t, nil, nil)
	e.listen("echo", echo)
	h := e.open(`IPC$\echo`)
	defer e.m.Close(h)
	name, err := pipes.Attribute(t.Context(), e.m, h, rdr.AttrServerName)
	if err != nil || string(name) != "127.0.0.1" {
		t.Errorf("%q %v", name, err)
	}
	_, err = pipes.Attribute(t.Context(), e.m, h, "ClientToken")
	if !errors.Is(err, nt.StatusNotFound) {
		t.Error(err)
	}
	_, err = e.m.FsControlFile(t.Context(), h, nt.FsctlPipeGetConnectionAttribute, []byte("SessionKey\x00"), make([]byte, 15))
	if !errors.Is(err, nt.StatusBufferTooSmall) {
		t.Error(err)
	}
}

// TestCredentials: who opens decides the session.
func TestCredentials(t *testing.T) {
	e := newEnv(t, nil, nil)
	e.listen("who", func(c *pipes.Conn) {
		buf := make([]byte, 16)
		_, _ = c.Read(buf)
		_, _ = c.Write([]byte(c.Token().Account))
	})
	who := func(edit ...func(*api.CreateArgs)) (string, error) {
		h, err := e.try(`IPC$\who`, edit...)
		if err != nil {
			return "", err
		}
		defer e.m.Close(h)
		buf := make([]byte, 64)
		n, err := e.m.FsControlFile(context.Background(), h, nt.FsctlPipeTransceive, []byte("?"), buf)
		return string(buf[:n]), err
	}
	withToken := func(t *nt.Token) func(*api.CreateArgs) { return func(a *api.CreateArgs) { a.Token = t } }
	withContext := func(c any) func(*api.CreateArgs) {
		return func(a *api.CreateArgs) { a.Contexts = append(a.Contexts, c) }
	}
	for _, c := range []struct {
		name string
		edit func(*api.CreateArgs)
		want string
		err  nt.Status
	}{
		{"process", func(*api.CreateArgs) {}, "alice", 0},
		{"administrator", withToken(token("root")), "alice", 0},
		{"user without credential", withToken(token("bob")), "", nt.StatusNoSuchLogonSession},
		{"anonymous without credential", withToken(nt.AnonymousToken()), "", nt.StatusNoSuchLogonSession},
		{"administrator from the network", func(a *api.CreateArgs) {
			a.Token, a.Contexts = token("root"), []any{&api.Peer{Address: "192.0.2.1:1"}}
		}, "", nt.StatusNoSuchLogonSession},
		{"user with credential", func(a *api.CreateArgs) { a.Token = token("bob"); as("bob")(a) }, "bob", 0},
		{"other credential", as("root"), "root", 0},
		{"wrong password", withContext(&api.Credential{User: "alice", Password: "wrong"}), "", nt.StatusLogonFailure},
		{"null session", withContext(&api.Credential{Anonymous: true}), "ANONYMOUS LOGON", 0},
	} {
		got, err := who(c.edit)
		if got != c.want || c.err == 0 && err != nil || c.err != 0 && !errors.Is(err, c.err) {
			t.Errorf("%s: %q %v, want %q %v", c.name, got, err, c.want, c.err)
		}
	}
}

// TestConfig: what cannot work is refused at once.
func TestConfig(t *testing.T) {
	for name, cfg := range map[string]rdr.Config{
		"no initiator": {},
		"dialects":     {Initiator: ntlmInitiator, MinDialect: smb2.Dialect311, MaxDialect: smb2.Dialect300},
		"encryption":   {Initiator: ntlmInitiator, MaxDialect: smb2.Dialect210, Encryption: rdr.EncryptionRequired},
	} {
		if err := rdr.DriverEntry(cfg)(new(api.Registration)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestPolicy: what one side demands and the other does not do is refused with a status that says so.
func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		name   string
		server func(*srv.Config)
		client func(*rdr.Config)
		want   nt.Status
	}{
		{"server encrypts, client does not", func(c *srv.Config) { c.Encryption = srv.EncryptionRequired },
			func(c *rdr.Config) { c.Encryption = rdr.EncryptionOff }, nt.StatusAccessDenied},
		{"client encrypts, server does not", func(c *srv.Config) { c.Encryption = srv.EncryptionOff },
			func(c *rdr.Config) { c.Encryption = rdr.EncryptionRequired }, nt.StatusAccessDenied},
		{"both encrypt", func(c *srv.Config) { c.Encryption = srv.EncryptionRequired },
			func(c *rdr.Config) { c.Encryption = rdr.EncryptionRequired }, 0},
		{"server encrypts, client can", func(c *srv.Config) { c.Encryption = srv.EncryptionRequired }, nil, 0},
		{"no common dialect", func(c *srv.Config) { c.MaxDialect = smb2.Dialect210 },
			func(c *rdr.Config) { c.MinDialect = smb2.Dialect300 }, nt.StatusNotSupported},
		{"server signs, client need not", nil, func(c *rdr.Config) { c.Signing = rdr.SigningEnabled }, 0},
		{"nobody demands signatures", func(c *srv.Config) { c.Signing = srv.SigningEnabled },
			func(c *rdr.Config) { c.Signing = rdr.SigningEnabled }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEnv(t, c.server, c.client)
			e.listen("echo", echo)
			h, err := e.try(`IPC$\echo`)
			if c.want != 0 {
				if !errors.Is(err, c.want) {
					t.Fatalf("%v, want %v", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer e.m.Close(h)
			buf := make([]byte, 8)
			if n, err := e.m.FsControlFile(t.Context(), h, nt.FsctlPipeTransceive, []byte("ping"), buf); err != nil || string(buf[:n]) != "ping" {
				t.Fatalf("%q %v", buf[:n], err)
			}
		})
	}
}

// pathArgs opens a name as somebody whom no credential serves, so that nothing is dialled.
func pathArgs(name string) *api.CreateArgs {
	return &api.CreateArgs{Name: name, Token: token("bob"), DesiredAccess: nt.FileReadData, Disposition: nt.FileOpen}
}
