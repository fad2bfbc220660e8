package rdr_test

import (
	"context"
	"errors"
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// FuzzServerBytes gives a client bytes of a server that are not what they should be: in the place of the frame that answers a command, or of
// the body or the whole of its message, which is then signed. The first byte says which command, the second which of these,
// and whether the server grants leases and handles that outlive the connection: then it spoils one answer and the client comes back.
func FuzzServerBytes(f *testing.F) {
	for cmd := range byte(smb2.OplockBreak) {
		for mode := range byte(8) {
			f.Add([]byte{cmd, mode, 0, 0, 0, 4, 0xFE, 'S', 'M', 'B', 9, 0, 72, 0, 1, 0, 0, 0})
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 {
			return
		}
		cmd, mode, leases, data := smb2.Command(data[0]%byte(smb2.OplockBreak)), data[1]%4, data[1]&4 != 0, data[2:]
		if cmd == smb2.Cancel {
			cmd = smb2.Read
		}
		srv := &fake{t: t, dialect: smb2.Dialect311, encrypt: mode == 3}
		spoiled := false
		edit := func(_ *fakeConn, q *query, a *answer) []*answer {
			if q.h.Command != cmd || leases && spoiled {
				return []*answer{a}
			}
			spoiled = true
			switch mode {
			case 0, 3:
				a.frame, a.hangUp = func([]byte) []byte { return data }, true
				if mode == 3 && len(data) > 0 {
					a.frame = nil
					a.message = func(b []byte) {
						for i := range min(len(b), len(data)) {
							b[i] ^= data[i]
						}
					}
				}
			case 1:
				a.body = data
				a.hangUp = true
			case 2:
				a.message, a.hangUp = func(b []byte) { copy(b, data) }, true
			}
			return []*answer{a}
		}
		if srv.edit = edit; leases {
			leasing(srv, durably, edit)
		}
		m := newPlainClient(t, srv, false)
		if h, err := openFake(m); err == nil {
			buf := make([]byte, 11)
			op := operations[cmd]
			if op == nil {
				op = operations[smb2.Read]
			}
			n, err := op(context.Background(), m, h, buf[:10])
			if errors.Is(err, nt.StatusIoTimeout) {
				t.Error("hangs")
			}
			if n < 0 || n > 10 && !errors.Is(err, nt.StatusBufferTooSmall) || buf[10] != 0 {
				t.Errorf("%d bytes", n)
			}
			_ = m.Close(h)
		} else if errors.Is(err, context.DeadlineExceeded) {
			t.Error("hangs")
		}
		shutdown(t, m)
		srv.ended()
	})
}

// FuzzPath: no name makes the parser do anything but accept or refuse, and what it accepts is of one form.
func FuzzPath(f *testing.F) {
	for _, s := range []string{`server\share\x`, `[::1]:4450\IPC$\lsarpc`, `a:1\b`, `\\`} {
		f.Add(s)
	}
	m := newClient(f, nil)
	f.Fuzz(func(t *testing.T, name string) {
		h, err := m.CreateFile(t.Context(), pathArgs(`\rdr\`+name))
		if err == nil || h != nil {
			t.Errorf("%q was opened without a credential", name)
		}
	})
}
