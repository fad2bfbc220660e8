package rdr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/rdr"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

const fakeName = `\rdr\server\share\file`

func openFake(m *iomgr.Manager) (api.Handle, error) {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	return m.CreateFile(ctx, &api.CreateArgs{Name: fakeName, DesiredAccess: nt.GenericRead | nt.GenericWrite | nt.MaximumAllowed,
		Disposition: nt.FileOpen, Impersonation: api.ImpersonateImpersonation, Contexts: []any{api.MaximalAccess{}, api.DiskID{}}})
}

// only edits the answers to one command.
func only(cmd smb2.Command, f func(c *fakeConn, q *query, a *answer) []*answer) func(*fakeConn, *query, *answer) []*answer {
	return func(c *fakeConn, q *query, a *answer) []*answer {
		if q.h.Command == smb2.Cancel {
			return nil
		}
		if q.h.Command != cmd {
			return []*answer{a}
		}
		return f(c, q, a)
	}
}

// with edits the header or the like of the one answer.
func with(cmd smb2.Command, f func(c *fakeConn, a *answer)) func(*fakeConn, *query, *answer) []*answer {
	return only(cmd, func(c *fakeConn, _ *query, a *answer) []*answer {
		f(c, a)
		return []*answer{a}
	})
}

// TestHostileRead spoils the answer to a READ in every way that is to be seen: the read fails, the connection is dropped, and a new open works.
func TestHostileRead(t *testing.T) {
	read := func(f func(*fakeConn, *answer)) func(*fakeConn, *query, *answer) []*answer { return with(smb2.Read, f) }
	for _, c := range []struct {
		name   string
		sealed bool
		edit   func(*fakeConn, *query, *answer) []*answer
	}{
		{"bad signature", false, read(func(_ *fakeConn, a *answer) { a.signed = func(b []byte) { b[50] ^= 1 } })},
		{"data changed after signing", false, read(func(_ *fakeConn, a *answer) { a.signed = func(b []byte) { b[len(b)-1] ^= 1 } })},
		{"unsigned", false, read(func(_ *fakeConn, a *answer) { a.sign = false })},
		{"unsigned error", false, read(func(_ *fakeConn, a *answer) { a.fail(nt.StatusEndOfFile).sign = false })},
		{"unsigned expiry", false, read(func(_ *fakeConn, a *answer) { a.fail(nt.StatusNetworkSessionExpired).sign = false })},
		{"signature of zeros", false, read(func(_ *fakeConn, a *answer) { a.signed = func(b []byte) { clear(b[48:64]) } })},
		{"message id that is not granted", false, read(func(_ *fakeConn, a *answer) { a.h.MessageID += 1000 })},
		{"message id of before", false, read(func(_ *fakeConn, a *answer) { a.h.MessageID = 1 })},
		{"session id", false, read(func(_ *fakeConn, a *answer) { a.h.SessionID++ })},
		{"session id zero", false, read(func(_ *fakeConn, a *answer) { a.h.SessionID = 0 })},
		{"tree id", false, read(func(_ *fakeConn, a *answer) { a.h.TreeID++ })},
		{"command", false, read(func(_ *fakeConn, a *answer) { a.h.Command = smb2.QueryInfo })},
		{"request", false, read(func(_ *fakeConn, a *answer) { a.h.Flags &^= smb2.FlagServerToRedir })},
		{"asynchronous without interim", false, read(func(_ *fakeConn, a *answer) { a.h.Flags |= smb2.FlagAsyncCommand; a.h.AsyncID = 1 })},
		{"pending that is not asynchronous", false, read(func(_ *fakeConn, a *answer) { a.h.Status = nt.StatusPending })},
		{"SMB1", false, read(func(_ *fakeConn, a *answer) { a.signed = func(b []byte) { b[0] = 0xFF } })},
		{"unknown protocol", false, read(func(_ *fakeConn, a *answer) { a.signed = func(b []byte) { b[0] = 0xFA } })},
		{"compressed", false, read(func(_ *fakeConn, a *answer) { a.signed = func(b []byte) { b[0] = 0xFC } })},
		{"sealed for nobody", false, read(func(_ *fakeConn, a *answer) { a.signed = func(b []byte) { b[0] = 0xFD } })},
		{"more than asked for", false, read(func(_ *fakeConn, a *answer) { a.body = (&smb2.ReadResponse{Data: make([]byte, 11)}).Append(nil) })},
		{"length beyond the message", false, read(func(_ *fakeConn, a *answer) { a.message = func(b []byte) { le.PutUint32(b[68:], 11) } })},
		{"offset into the header", false, read(func(_ *fakeConn, a *answer) { a.message = func(b []byte) { b[66] = 10 } })},
		{"next command", false, read(func(_ *fakeConn, a *answer) { a.message = func(b []byte) { le.PutUint32(b[20:], 72) } })},
		{"empty frame", false, read(func(_ *fakeConn, a *answer) { a.frame = func([]byte) []byte { return make([]byte, 4) } })},
		{"frame type", false, read(func(_ *fakeConn, a *answer) { a.frame = func(b []byte) []byte { b[0] = 0x81; return b } })},
		{"oversize frame", false, read(func(_ *fakeConn, a *answer) { a.frame = func(b []byte) []byte { return []byte{0, 0xFF, 0xFF, 0xFF} } })},
		{"truncated frame", false, read(func(_ *fakeConn, a *answer) {
			a.frame = func(b []byte) []byte { return b[:len(b)-3] }
			a.hangUp = true
		})},
		{"large frame that does not come", false, read(func(_ *fakeConn, a *answer) {
			a.frame = func(b []byte) []byte { return append([]byte{0, 0x08, 0, 0}, b...) }
			a.hangUp = true
		})},
		{"header cut", false, read(func(_ *fakeConn, a *answer) {
			a.frame = func(b []byte) []byte { return append([]byte{0, 0, 0, 40}, b[4:44]...) }
		})},
		{"hang up", false, read(func(_ *fakeConn, a *answer) { a.frame, a.hangUp = func([]byte) []byte { return nil }, true })},
		{"twice", false, only(smb2.Read, func(_ *fakeConn, _ *query, a *answer) []*answer { a.h.MessageID += 7; return []*answer{a, a} })},
		{"unsolicited READ", false, read(func(_ *fakeConn, a *answer) { a.h.MessageID = smb2.UnsolicitedMessageID })},
		{"endless pending", false, only(smb2.Read, func(_ *fakeConn, _ *query, a *answer) []*answer { i := a.interim(); return []*answer{i, i, i} })},
		{"async id changes", false, only(smb2.Read, func(_ *fakeConn, _ *query, a *answer) []*answer {
			i := a.interim()
			a.h.AsyncID++
			return []*answer{i, a}
		})},
		{"interim, then not asynchronous", false, only(smb2.Read, func(_ *fakeConn, _ *query, a *answer) []*answer {
			i := a.interim()
			a.h.Flags &^= smb2.FlagAsyncCommand
			a.h.TreeID = fakeTree
			return []*answer{i, a}
		})},
		{"interim of another command", false, only(smb2.Read, func(_ *fakeConn, _ *query, a *answer) []*answer {
			i := a.interim()
			i.h.Command = smb2.Write
			return []*answer{i, a}
		})},
		{"plain where sealed is due", true, read(func(_ *fakeConn, a *answer) { a.seal = false })},
		{"signed where sealed is due", true, read(func(_ *fakeConn, a *answer) { a.seal, a.sign = false, true })},
		{"interim plain where sealed is due", true, only(smb2.Read, func(_ *fakeConn, _ *query, a *answer) []*answer {
			i := a.interim()
			i.seal = false
			return []*answer{i, a}
		})},
		{"tag", true, read(func(_ *fakeConn, a *answer) { a.frame = func(b []byte) []byte { b[10] ^= 1; return b } })},
		{"nonce", true, read(func(_ *fakeConn, a *answer) { a.frame = func(b []byte) []byte { b[25] ^= 1; return b } })},
		{"ciphertext", true, read(func(_ *fakeConn, a *answer) { a.frame = func(b []byte) []byte { b[len(b)-1] ^= 1; return b } })},
		{"sealed length", true, read(func(_ *fakeConn, a *answer) { a.frame = func(b []byte) []byte { b[4+36]++; return b } })},
		{"sealed for another session", true, read(func(_ *fakeConn, a *answer) { a.frame = func(b []byte) []byte { b[4+44]++; return b } })},
		{"another session inside", true, read(func(_ *fakeConn, a *answer) { a.h.SessionID++ })},
		{"nothing sealed", true, read(func(_ *fakeConn, a *answer) {
			a.frame = func(b []byte) []byte { return append([]byte{0, 0, 0, 52}, b[4:56]...) }
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			f := &fake{t: t, dialect: smb2.Dialect311, encrypt: c.sealed}
			hostile := true
			f.edit = func(fc *fakeConn, q *query, a *answer) []*answer {
				if hostile {
					return c.edit(fc, q, a)
				}
				return []*answer{a}
			}
			m := f.client(nil)
			h, err := openFake(m)
			if err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 10)
			n, err := m.ReadFile(t.Context(), h, buf, 0)
			if !errors.Is(err, nt.StatusInvalidNetworkResponse) && !errors.Is(err, nt.StatusConnectionDisconnected) {
				t.Fatalf("%q %v", buf[:n], err)
			}
			if n != 0 {
				t.Errorf("%d bytes", n)
			}
			f.ended() // the connection has been cut
			if n, err = m.ReadFile(t.Context(), h, buf, 0); !errors.Is(err, nt.StatusConnectionDisconnected) || n != 0 {
				t.Errorf("the handle lives: %d %v", n, err)
			}
			if err := m.Close(h); err != nil {
				t.Error(err)
			}
			hostile = false
			if h, err = openFake(m); err != nil {
				t.Fatalf("open after: %v", err)
			}
			if n, err = m.ReadFile(t.Context(), h, buf, 0); err != nil || string(buf[:n]) != "0123456789" {
				t.Errorf("%q %v", buf[:n], err)
			}
			if err := m.Close(h); err != nil {
				t.Error(err)
			}
			shutdown(t, m)
			f.ended()
			until(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
		})
	}
}

// TestHostileSetup spoils what comes before the first open.
func TestHostileSetup(t *testing.T) {
	context311 := func(ctx ...smb2.NegotiateContext) func(*fakeConn, *answer) {
		return func(_ *fakeConn, a *answer) {
			res, _ := smb2.ParseNegotiateResponse(a.body)
			res.Contexts = ctx
			a.body = res.Append(nil)
		}
	}
	response := func(f func(*smb2.NegotiateResponse)) func(*fakeConn, *answer) {
		return func(_ *fakeConn, a *answer) {
			res, _ := smb2.ParseNegotiateResponse(a.body)
			f(&res)
			a.body = res.Append(nil)
		}
	}
	pre := smb2.NegotiateContext{Type: smb2.ContextPreauthIntegrity, Data: (&smb2.PreauthIntegrityCapabilities{HashAlgorithms: []uint16{smb2.HashSHA512}, Salt: make([]byte, 32)}).Append(nil)}
	sha := smb2.NegotiateContext{Type: smb2.ContextPreauthIntegrity, Data: (&smb2.PreauthIntegrityCapabilities{HashAlgorithms: []uint16{2}}).Append(nil)}
	cipher := func(c ...smb2.CipherID) smb2.NegotiateContext {
		return smb2.NegotiateContext{Type: smb2.ContextEncryption, Data: (&smb2.EncryptionCapabilities{Ciphers: c}).Append(nil)}
	}
	signing := func(s ...smb2.SigningAlgorithm) smb2.NegotiateContext {
		return smb2.NegotiateContext{Type: smb2.ContextSigning, Data: (&smb2.SigningCapabilities{Algorithms: s}).Append(nil)}
	}
	last := func(f func(*fakeConn, *answer)) func(*fakeConn, *answer) {
		return func(c *fakeConn, a *answer) {
			if a.h.Status == nt.StatusSuccess {
				f(c, a)
			}
		}
	}
	setup := func(f func(*smb2.SessionSetupResponse)) func(*fakeConn, *answer) {
		return last(func(_ *fakeConn, a *answer) {
			res, _ := smb2.ParseSessionSetupResponse(a.body)
			f(&res)
			a.body = res.Append(nil)
		})
	}
	validate := func(f func(*smb2.ValidateNegotiateInfoResponse)) func(*fakeConn, *answer) {
		return func(_ *fakeConn, a *answer) {
			res, _ := smb2.ParseIoctlResponse(a.body)
			out, _ := smb2.ParseValidateNegotiateInfoResponse(res.Output)
			f(&out)
			res.Output = out.Append(nil)
			a.body = res.Append(nil)
		}
	}
	const bad, lost = nt.StatusInvalidNetworkResponse, nt.StatusConnectionDisconnected
	for _, c := range []struct {
		name    string
		dialect smb2.Dialect
		cmd     smb2.Command
		edit    func(*fakeConn, *answer)
		want    nt.Status
	}{
		{"dialect that was not offered", smb2.Dialect311, smb2.Negotiate, response(func(r *smb2.NegotiateResponse) { r.Dialect = 0x0310 }), bad},
		{"wildcard dialect", smb2.Dialect210, smb2.Negotiate, response(func(r *smb2.NegotiateResponse) { r.Dialect = smb2.DialectWildcard }), bad},
		{"no signing", smb2.Dialect311, smb2.Negotiate, response(func(r *smb2.NegotiateResponse) { r.SecurityMode = 0 }), nt.StatusAccessDenied},
		{"nothing may be read", smb2.Dialect311, smb2.Negotiate, response(func(r *smb2.NegotiateResponse) { r.MaxReadSize = 0 }), bad},
		{"no contexts", smb2.Dialect311, smb2.Negotiate, context311(), bad},
		{"no preauthentication", smb2.Dialect311, smb2.Negotiate, context311(cipher(smb2.CipherAES128GCM)), bad},
		{"no preauthentication, else all", smb2.Dialect311, smb2.Negotiate, context311(cipher(smb2.CipherAES128GCM), signing(smb2.SigningAESGMAC)), bad},
		{"other hash", smb2.Dialect311, smb2.Negotiate, context311(sha), bad},
		{"context twice", smb2.Dialect311, smb2.Negotiate, context311(pre, pre), bad},
		{"unknown cipher", smb2.Dialect311, smb2.Negotiate, context311(pre, cipher(9)), bad},
		{"two ciphers", smb2.Dialect311, smb2.Negotiate, context311(pre, cipher(1, 2)), bad},
		{"unknown signing", smb2.Dialect311, smb2.Negotiate, context311(pre, signing(9)), bad},
		{"garbled context", smb2.Dialect311, smb2.Negotiate, context311(pre, smb2.NegotiateContext{Type: smb2.ContextSigning, Data: []byte{1}}), bad},
		{"hint that is none", smb2.Dialect311, smb2.Negotiate, response(func(r *smb2.NegotiateResponse) { r.SecurityBuffer = []byte("hello") }), nt.StatusInvalidParameter},
		{"negotiate refused", smb2.Dialect311, smb2.Negotiate, func(_ *fakeConn, a *answer) { a.fail(nt.StatusNotSupported) }, nt.StatusNotSupported},
		{"negotiate with a warning", smb2.Dialect311, smb2.Negotiate, func(_ *fakeConn, a *answer) { a.fail(nt.StatusBufferOverflow) }, bad},
		{"negotiate with a session", smb2.Dialect311, smb2.Negotiate, func(_ *fakeConn, a *answer) { a.h.SessionID = 9 }, lost},
		{"SMB1", smb2.Dialect311, smb2.Negotiate, func(_ *fakeConn, a *answer) {
			a.frame = func([]byte) []byte {
				return append([]byte{0, 0, 0, 36, 0xFF, 'S', 'M', 'B', 0x72}, make([]byte, 31)...)
			}
		}, nt.StatusNotSupported},

		{"session without id", smb2.Dialect311, smb2.SessionSetup, func(_ *fakeConn, a *answer) { a.h.SessionID = 0 }, bad},
		{"session id changes", smb2.Dialect311, smb2.SessionSetup, last(func(_ *fakeConn, a *answer) { a.h.SessionID++ }), lost},
		{"last answer unsigned", smb2.Dialect311, smb2.SessionSetup, last(func(_ *fakeConn, a *answer) { a.sign = false }), bad},
		{"last answer unsigned, 3.0", smb2.Dialect300, smb2.SessionSetup, last(func(_ *fakeConn, a *answer) { a.sign = false }), bad},
		{"last answer signed wrongly", smb2.Dialect311, smb2.SessionSetup, last(func(_ *fakeConn, a *answer) { a.signed = func(b []byte) { b[48] ^= 1 } }), bad},
		{"last answer signed wrongly, 2.1", smb2.Dialect210, smb2.SessionSetup, last(func(_ *fakeConn, a *answer) { a.signed = func(b []byte) { b[48] ^= 1 } }), bad},
		{"guest", smb2.Dialect311, smb2.SessionSetup, setup(func(r *smb2.SessionSetupResponse) { r.SessionFlags = smb2.SessionFlagGuest }), nt.StatusLogonFailure},
		{"null session", smb2.Dialect311, smb2.SessionSetup, setup(func(r *smb2.SessionSetupResponse) { r.SessionFlags = smb2.SessionFlagNull }), nt.StatusLogonFailure},
		{"encrypted without cipher", smb2.Dialect210, smb2.SessionSetup, setup(func(r *smb2.SessionSetupResponse) { r.SessionFlags = smb2.SessionFlagEncryptData }), nt.StatusAccessDenied},
		{"ends too early", smb2.Dialect311, smb2.SessionSetup, func(_ *fakeConn, a *answer) { a.h.Status, a.hash = nt.StatusSuccess, false }, bad},
		{"never ends", smb2.Dialect311, smb2.SessionSetup, func(_ *fakeConn, a *answer) { a.h.Status = nt.StatusMoreProcessingRequired }, nt.StatusInvalidParameter},
		{"token spoilt", smb2.Dialect311, smb2.SessionSetup, setup(func(r *smb2.SessionSetupResponse) { r.SecurityBuffer = []byte{0xA1, 3, 1, 2, 3} }), nt.StatusInvalidParameter},
		{"session answered with success of another kind", smb2.Dialect311, smb2.SessionSetup, func(_ *fakeConn, a *answer) { a.h.Status = 0x105 }, bad},

		{"tree connect unsigned", smb2.Dialect311, smb2.TreeConnect, func(_ *fakeConn, a *answer) { a.sign = false }, bad},
		{"tree connect cut", smb2.Dialect311, smb2.TreeConnect, func(_ *fakeConn, a *answer) { a.body = a.body[:9] }, bad},
		{"tree connect later", smb2.Dialect311, smb2.TreeConnect, func(_ *fakeConn, a *answer) { a.h.Flags |= smb2.FlagAsyncCommand }, lost},
		{"session gone", smb2.Dialect311, smb2.TreeConnect, func(_ *fakeConn, a *answer) { a.fail(nt.StatusUserSessionDeleted).sign = false }, nt.StatusUserSessionDeleted},
		{"no such share", smb2.Dialect311, smb2.TreeConnect, func(_ *fakeConn, a *answer) { a.fail(nt.StatusBadNetworkName) }, nt.StatusBadNetworkName},

		{"validation: dialect", smb2.Dialect302, smb2.Ioctl, validate(func(r *smb2.ValidateNegotiateInfoResponse) { r.Dialect = smb2.Dialect311 }), nt.StatusDowngradeDetected},
		{"validation: capabilities", smb2.Dialect302, smb2.Ioctl, validate(func(r *smb2.ValidateNegotiateInfoResponse) { r.Capabilities++ }), nt.StatusDowngradeDetected},
		{"validation: mode", smb2.Dialect300, smb2.Ioctl, validate(func(r *smb2.ValidateNegotiateInfoResponse) { r.SecurityMode |= 2 }), nt.StatusDowngradeDetected},
		{"validation: server", smb2.Dialect300, smb2.Ioctl, validate(func(r *smb2.ValidateNegotiateInfoResponse) { r.GUID[0]++ }), nt.StatusDowngradeDetected},
		{"validation refused", smb2.Dialect300, smb2.Ioctl, func(_ *fakeConn, a *answer) { a.fail(nt.StatusAccessDenied) }, nt.StatusDowngradeDetected},
		{"validation unknown", smb2.Dialect300, smb2.Ioctl, func(_ *fakeConn, a *answer) { a.fail(nt.StatusNotSupported) }, nt.StatusDowngradeDetected},
		{"validation unsigned", smb2.Dialect210, smb2.Ioctl, func(_ *fakeConn, a *answer) { a.fail(nt.StatusNotSupported).sign = false }, bad},
		{"validation cut", smb2.Dialect300, smb2.Ioctl, func(_ *fakeConn, a *answer) { a.body = a.body[:50] }, bad},

		{"create: late action", smb2.Dialect311, smb2.Create, func(_ *fakeConn, a *answer) { a.message = func(b []byte) { b[68] = 9 } }, bad},
		{"create: file id of nothing", smb2.Dialect311, smb2.Create, func(_ *fakeConn, a *answer) {
			a.message = func(b []byte) { copy(b[64+64:], bytes.Repeat([]byte{0xFF}, 16)) }
		}, bad},
		{"create: success of another kind", smb2.Dialect311, smb2.Create, func(_ *fakeConn, a *answer) { a.fail(nt.StatusNotifyEnumDir) }, bad},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			f := &fake{t: t, dialect: c.dialect}
			hostile := true
			f.edit = func(fc *fakeConn, q *query, a *answer) []*answer {
				if hostile && q.h.Command == c.cmd {
					if c.cmd == smb2.Create {
						a.opened = false
					}
					c.edit(fc, a)
				}
				return []*answer{a}
			}
			m := f.client(nil)
			if _, err := openFake(m); !errors.Is(err, c.want) {
				t.Fatalf("%v, want %s", err, c.want.Name())
			}
			hostile = false
			h, err := openFake(m)
			if err != nil {
				t.Fatalf("open after: %v", err)
			}
			if err := m.Close(h); err != nil {
				t.Fatal(err)
			}
			shutdown(t, m)
			f.ended()
			until(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
		})
	}
}

// TestOldServer: a server of SMB 2 that does not know the validation, which its signature proves, is dealt with.
func TestOldServer(t *testing.T) {
	for _, d := range []smb2.Dialect{smb2.Dialect202, smb2.Dialect210} {
		f := &fake{t: t, dialect: d}
		f.edit = with(smb2.Ioctl, func(_ *fakeConn, a *answer) { a.fail(nt.StatusFsDriverRequired) })
		h, err := openFake(f.client(nil))
		if err != nil {
			t.Fatal(d, err)
		}
		if f.count(smb2.Ioctl) != 1 {
			t.Error("not asked")
		}
		_ = h
	}
}

// TestIgnored: what is no breach changes nothing: breaks of oplocks, and a flood of credits.
func TestIgnored(t *testing.T) {
	f := &fake{t: t, dialect: smb2.Dialect311}
	f.edit = only(smb2.Read, func(_ *fakeConn, _ *query, a *answer) []*answer {
		brk := &answer{h: smb2.Header{Command: smb2.OplockBreak, Flags: smb2.FlagServerToRedir, MessageID: smb2.UnsolicitedMessageID},
			body: (&smb2.OplockBreakMessage{FileID: fakeFile}).Append(nil)}
		a.h.Credits = 0xFFFF
		return []*answer{brk, a, brk}
	})
	m := f.client(nil)
	h, err := openFake(m)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	for range 100 {
		if n, err := m.ReadFile(t.Context(), h, buf, 0); err != nil || n != 10 {
			t.Fatal(n, err)
		}
	}
	if n := f.count(smb2.OplockBreak); n != 0 {
		t.Errorf("%d breaks acknowledged", n)
	}
	if err := m.Close(h); err != nil {
		t.Fatal(err)
	}
}

// operations are calls to a file, each of which has an answer of its own.
var operations = map[smb2.Command]func(ctx context.Context, m *iomgr.Manager, h api.Handle, buf []byte) (int, error){
	smb2.Read: func(ctx context.Context, m *iomgr.Manager, h api.Handle, buf []byte) (int, error) {
		return m.ReadFile(ctx, h, buf, 0)
	},
	smb2.Write: func(ctx context.Context, m *iomgr.Manager, h api.Handle, buf []byte) (int, error) {
		return m.WriteFile(ctx, h, buf, 0)
	},
	smb2.Ioctl: func(ctx context.Context, m *iomgr.Manager, h api.Handle, buf []byte) (int, error) {
		return m.FsControlFile(ctx, h, nt.FsctlPipeTransceive, []byte("0123456789"), buf)
	},
	smb2.QueryInfo: func(ctx context.Context, m *iomgr.Manager, h api.Handle, buf []byte) (int, error) {
		return m.QuerySecurityObject(ctx, h, nt.DACLSecurityInformation, buf)
	},
	smb2.SetInfo: func(ctx context.Context, m *iomgr.Manager, h api.Handle, buf []byte) (int, error) {
		return 10, m.SetInformationFile(ctx, h, nt.FileBasicInformation, buf)
	},
	smb2.QueryDirectory: func(ctx context.Context, m *iomgr.Manager, h api.Handle, buf []byte) (int, error) {
		return m.QueryDirectoryFile(ctx, h, nt.FileNamesInformation, &api.DirArgs{}, buf)
	},
	smb2.ChangeNotify: func(ctx context.Context, m *iomgr.Manager, h api.Handle, buf []byte) (int, error) {
		return m.NotifyChangeDirectoryFile(ctx, h, 1, false, buf)
	},
	smb2.Lock: func(ctx context.Context, m *iomgr.Manager, h api.Handle, _ []byte) (int, error) {
		return 10, m.LockFile(ctx, h, &api.LockArgs{Length: 1})
	},
	smb2.Flush: func(ctx context.Context, m *iomgr.Manager, h api.Handle, _ []byte) (int, error) {
		return 10, m.FlushBuffersFile(ctx, h)
	},
	smb2.Close:  func(_ context.Context, m *iomgr.Manager, h api.Handle, _ []byte) (int, error) { return 10, m.Close(h) },
	smb2.Create: func(context.Context, *iomgr.Manager, api.Handle, []byte) (int, error) { return 10, nil },
}

// lie runs one operation against a server that spoils the answers to a command, and looks that nothing hangs, comes to light or stays.
func lie(t *testing.T, cmd smb2.Command, spoil func(*answer)) {
	f := &fake{t: t, dialect: smb2.Dialect302}
	f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
		if q.h.Command == cmd {
			spoil(a)
		}
		return []*answer{a}
	}
	m := newPlainClient(t, f, cmd == smb2.TreeDisconnect || cmd == smb2.Logoff)
	defer shutdown(t, m)
	h, err := openFake(m)
	if err != nil {
		return
	}
	op := operations[cmd]
	if op == nil {
		op = operations[smb2.Read]
	}
	buf := append([]byte("##########"), 0xAA)
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	n, err := op(ctx, m, h, buf[:10])
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nt.StatusIoTimeout) {
		t.Errorf("%v: hangs", cmd)
	}
	if n < 0 || n > 10 && !errors.Is(err, nt.StatusBufferTooSmall) || buf[10] != 0xAA {
		t.Errorf("%v: %d bytes", cmd, n)
	}
	for _, c := range buf[:10] {
		if err == nil && c != '#' && (c < '0' || c > '9') && cmd != smb2.QueryInfo && cmd != smb2.QueryDirectory && cmd != smb2.ChangeNotify && cmd != smb2.Read && cmd != smb2.Ioctl {
			t.Errorf("%v: %q", cmd, buf)
			break
		}
	}
	_ = m.Close(h)
	if cmd == smb2.TreeDisconnect || cmd == smb2.Logoff {
		f.ended()
	}
}

func newPlainClient(t testing.TB, f *fake, hurry bool) *iomgr.Manager {
	m := iomgr.New(iomgr.Config{Log: testLog(t)})
	cfg := rdr.Config{Initiator: ntlmInitiator, Default: credential("alice"), Dial: f.dial, RequestTimeout: testTimeout}
	if hurry {
		cfg.IdleTimeout = time.Millisecond
	}
	if err := m.Load(context.Background(), rdr.DriverEntry(cfg)); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestLies cuts each answer at each byte of its body, and makes each pair of bytes of its fixed part large; the signature is right all the same.
func TestLies(t *testing.T) {
	before := runtime.NumGoroutine()
	size := map[smb2.Command]int{}
	for cmd := smb2.Negotiate; cmd < smb2.OplockBreak; cmd++ {
		if cmd == smb2.Cancel || cmd == smb2.Echo {
			continue
		}
		lie(t, cmd, func(a *answer) { size[cmd] = len(a.body) })
		if size[cmd] == 0 {
			t.Fatalf("%v was not sent", cmd)
		}
		for n := range size[cmd] {
			lie(t, cmd, func(a *answer) { a.body = a.body[:min(n, len(a.body))] })
		}
		for n := 0; n+2 <= min(size[cmd], 128); n += 2 {
			for _, v := range []uint16{0xFFFF, 0x7FFF, 1} {
				lie(t, cmd, func(a *answer) {
					if n+2 <= len(a.body) {
						le.PutUint16(a.body[n:], v)
					}
				})
			}
		}
		for n := 8; n < 64; n++ {
			if strings.Contains(cmd.String(), "SESSION") && n >= 40 && n < 48 {
				continue
			}
			lie(t, cmd, func(a *answer) { a.message = func(b []byte) { b[n] ^= 0xFF } })
		}
	}
	until(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

// TestWarning: a status that is neither success nor error, with what the specification says comes with it.
func TestWarning(t *testing.T) {
	for cmd, op := range operations {
		if cmd == smb2.Close || cmd == smb2.Create {
			continue
		}
		for _, st := range []nt.Status{nt.StatusNoMoreFiles, nt.StatusBufferOverflow, 0x40000000, 0xFFFFFFFF} {
			f := &fake{t: t, dialect: smb2.Dialect311}
			f.edit = with(cmd, func(_ *fakeConn, a *answer) { a.fail(st) })
			m := f.client(nil)
			h, err := openFake(m)
			if err != nil {
				t.Fatal(err)
			}
			n, err := op(t.Context(), m, h, make([]byte, 10))
			if err == nil && (st.IsError() || st.IsWarning()) {
				t.Errorf("%v with %#x: %d %v", cmd, uint32(st), n, err)
			}
		}
	}
}

// TestCreditsWithheld: a server that grants nothing is given up; one that grants one at a time is used one request at a time.
func TestCreditsWithheld(t *testing.T) {
	f := &fake{t: t, dialect: smb2.Dialect311}
	var granted uint16
	under, most := 0, 0
	f.edit = func(_ *fakeConn, q *query, a *answer) []*answer {
		if q.h.Command == smb2.Read {
			under++
			most = max(most, under)
			under--
		}
		a.h.Credits = granted
		return []*answer{a}
	}
	granted = 1
	m := f.client(func(c *rdr.Config) { c.RequestTimeout = time.Second })
	h, err := openFake(m)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan nt.Status, 50)
	for range cap(done) {
		m.Submit(&api.Request{Op: api.OpRead, Handle: h, Out: make([]byte, 10), Done: func(r *api.Request) { done <- r.Status }})
	}
	for range cap(done) {
		if st := wait(t, done); st != nt.StatusSuccess {
			t.Fatal(st)
		}
	}
	if n, err := m.ReadFile(t.Context(), h, make([]byte, 300<<10), 0); n != 10 || err != nil { // one credit pays 64 KiB
		t.Fatal(n, err)
	}
	granted = 0
	if _, err := m.ReadFile(t.Context(), h, make([]byte, 10), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := m.ReadFile(t.Context(), h, make([]byte, 10), 0); !errors.Is(err, nt.StatusIoTimeout) {
		t.Fatal(err)
	}
	f.ended()
}

// TestReauthenticate: requests that a session's end has refused are sent again after a new authentication, once.
func TestReauthenticate(t *testing.T) {
	for _, d := range []smb2.Dialect{smb2.Dialect210, smb2.Dialect311} {
		for _, sealed := range []bool{false, true} {
			if sealed && d < smb2.Dialect300 {
				continue
			}
			t.Run(fmt.Sprintf("%v %v", d, sealed), func(t *testing.T) {
				f := &fake{t: t, dialect: d, encrypt: sealed}
				expired := 0
				f.edit = only(smb2.Read, func(_ *fakeConn, _ *query, a *answer) []*answer {
					if expired > 0 {
						expired--
						a.fail(nt.StatusNetworkSessionExpired)
					}
					return []*answer{a}
				})
				m := f.client(nil)
				h, err := openFake(m)
				if err != nil {
					t.Fatal(err)
				}
				setups := f.count(smb2.SessionSetup)
				buf := make([]byte, 10)
				expired = 1
				if n, err := m.ReadFile(t.Context(), h, buf, 0); err != nil || string(buf[:n]) != "0123456789" {
					t.Fatal(n, err)
				}
				if n := f.count(smb2.SessionSetup); n != 2*setups {
					t.Errorf("%d SESSION_SETUPs, %d before", n, setups)
				}
				expired = 2
				if _, err := m.ReadFile(t.Context(), h, buf, 0); !errors.Is(err, nt.StatusNetworkSessionExpired) {
					t.Fatal(err)
				}
				if n, err := m.ReadFile(t.Context(), h, buf, 0); err != nil || n != 10 {
					t.Fatal(n, err)
				}
				if err := m.Close(h); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// TestCreateRequest: what a create carries is in the message, and no more.
func TestCreateRequest(t *testing.T) {
	f := &fake{t: t, dialect: smb2.Dialect311}
	var got smb2.CreateRequest
	f.edit = only(smb2.Create, func(_ *fakeConn, q *query, a *answer) []*answer {
		got, _ = smb2.ParseCreateRequest(q.body)
		return []*answer{a}
	})
	sd, err := nt.ParseSDDL("D:(A;;GA;;;WD)", nt.SID{})
	if err != nil {
		t.Fatal(err)
	}
	ea := smb2.AppendEAList(nil, []smb2.EA{{Name: []byte("NAME"), Value: []byte("value")}})
	m := f.client(nil)
	for i, a := range []*api.CreateArgs{
		{Name: `\rdr\server\share\a\b`, DesiredAccess: nt.GenericRead | nt.Synchronize, ShareAccess: 5, Disposition: nt.FileOverwriteIf, Options: nt.FileSynchronousIoNonalert | nt.FileWriteThrough,
			FileAttributes: 0x20, AllocationSize: 4096, Impersonation: api.ImpersonateIdentification, SecurityDescriptor: sd, EA: ea, Contexts: []any{api.MaximalAccess{}, api.DiskID{}}},
		{Name: `\rdr\server\share`, DesiredAccess: nt.FileReadAttributes, Disposition: nt.FileOpen},
	} {
		h, err := m.CreateFile(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Close(h); err != nil {
			t.Fatal(err)
		}
		var names []string
		for chain := got.Contexts; len(chain) > 0; {
			var c smb2.CreateContext
			if c, chain, err = chain.Next(); err != nil {
				t.Fatal(err)
			}
			names = append(names, string(c.Name))
			want := map[string][]byte{"ExtA": ea, "SecD": sd.Append(nil), "AlSi": {0, 16, 0, 0, 0, 0, 0, 0}}[string(c.Name)]
			if !bytes.Equal(c.Data, want) {
				t.Errorf("%s: %x, want %x", c.Name, c.Data, want)
			}
		}
		want := smb2.CreateRequest{ImpersonationLevel: 1, DesiredAccess: a.DesiredAccess, FileAttributes: 0x20, ShareAccess: 5, CreateDisposition: nt.FileOverwriteIf, CreateOptions: nt.FileWriteThrough}
		contexts, name := "ExtA SecD AlSi MxAc QFid", `a\b`
		if i == 1 {
			want, contexts, name = smb2.CreateRequest{DesiredAccess: nt.FileReadAttributes, CreateDisposition: nt.FileOpen}, "", ""
		}
		if s := strings.Join(names, " "); s != contexts || got.FileName() != name {
			t.Errorf("%q with %s", got.FileName(), s)
		}
		if got.Name, got.Contexts = nil, nil; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

// TestAfterCleanup: what reaches a file after its last handle has gone is not sent: the server may have given the file's id to another.
func TestAfterCleanup(t *testing.T) {
	f := &fake{t: t, dialect: smb2.Dialect311}
	m := f.client(nil)
	h, err := openFake(m)
	if err != nil {
		t.Fatal(err)
	}
	impl := h.(*api.File).Impl()
	if err := m.Close(h); err != nil {
		t.Fatal(err)
	}
	ch := make(chan nt.Status, 1)
	impl.Read(&api.Request{Op: api.OpRead, Out: make([]byte, 10), Done: func(r *api.Request) { ch <- r.Status }})
	if st := wait(t, ch); st != nt.StatusFileClosed {
		t.Error(st)
	}
	if n := f.count(smb2.Read); n != 0 {
		t.Errorf("%d READs", n)
	}
}
