package srv_test

import (
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// TestMutated sends well-formed messages with a few bytes changed, before authentication, after it unsigned, and after it signed. The server stays
// up, serves the next client, and holds no more than 256 MiB.
func TestMutated(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("echo", echo)
	rng := rand.New(rand.NewPCG(1, 2))
	n := 200000
	if testing.Short() {
		n = 3000
	}
	const perConn = 40
	for sent := 0; sent < n; {
		mode := rng.IntN(3)
		var nc net.Conn
		var signer *smb2.Signer
		var sess, id uint64
		var tree uint32
		var file smb2.FileID
		if mode == 0 {
			nc = dialRaw(t, e.addr)
		} else {
			c := e.logon("alice")
			tree = c.tree("IPC$")
			file = c.open(tree, "echo")
			nc, signer, sess, id = c.nc, c.sess.signer, c.sess.id, c.nextID
		}
		go func() { _, _ = io.Copy(io.Discard, nc) }()
		all := bodies(file)
		offer := smb2.CompressionOffer()
		all[smb2.Negotiate] = (&negotiateOptions{dialects: allDialects, ciphers: allCiphers, compress: &offer, posix: []byte(smb2.ContextPOSIXCreate)}).request(nt.GUID{1}).Append(nil)
		for range perConn {
			cmd := smb2.Command(rng.IntN(int(smb2.CommandCount)))
			body, ok := all[cmd]
			if !ok || mode != 0 && cmd == smb2.Negotiate {
				continue
			}
			m := append((&smb2.Header{Command: cmd, MessageID: id, Credits: 10, CreditCharge: 1, SessionID: sess, TreeID: tree}).Append(nil), body...)
			id++
			from := 0
			if mode != 0 {
				from = smb2.HeaderSize // so that it gets past the checks of the header
				if rng.IntN(8) == 0 {
					from = 0
				}
			}
			for range 1 + rng.IntN(4) {
				m[from+rng.IntN(len(m)-from)] = byte(rng.IntN(256))
			}
			if mode == 2 {
				signer.Sign(m)
			}
			if _, err := nc.Write(append(smb2.AppendFrameHeader(nil, len(m)), m...)); err != nil {
				break
			}
			sent++
		}
		nc.Close()
	}
	e.logon("bob").tree("IPC$")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.Sys > 256<<20 {
		t.Errorf("%d MiB", m.Sys>>20)
	}
	t.Logf("%d MiB", m.Sys>>20)
}
