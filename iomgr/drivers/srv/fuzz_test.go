package srv_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// FuzzServer sends frames to a live server, before and after authentication; a second client is served afterwards. Input: a byte that says
// whether to authenticate (1), sign each frame's first message (2), and which command's well-formed body to begin with, then frames, each a
// 16-bit length and what replaces the message from its 12th byte on.
func FuzzServer(f *testing.F) {
	frames := func(first byte, list ...[]byte) []byte {
		b := []byte{first}
		for _, m := range list {
			b = append(binary.LittleEndian.AppendUint16(b, uint16(len(m))), m...)
		}
		return b
	}
	for cmd, body := range bodies(smb2.RelatedFileID) {
		m := append((&smb2.Header{Command: cmd, MessageID: 1, Credits: 1, CreditCharge: 1}).Append(nil), body...)
		f.Add(frames(0, m))
		f.Add(frames(3, m))
		f.Add(frames(1, m[:len(m)/2]))
	}
	offer := smb2.CompressionOffer()
	neg := (&negotiateOptions{dialects: allDialects, ciphers: allCiphers, signings: allSignings, compress: &offer, posix: []byte(smb2.ContextPOSIXCreate)}).request(nt.GUID{1})
	f.Add(frames(0, neg.Append((&smb2.Header{}).Append(nil)), neg.Append((&smb2.Header{MessageID: 1}).Append(nil))))
	f.Add(frames(0, (&smb2.SMB1Negotiate{Dialects: []string{smb2.SMB1DialectSMB2Any}}).Append(nil)))
	f.Add(frames(1, append((&smb2.TransformHeader{Flags: 1, OriginalMessageSize: 64}).Append(nil), make([]byte, 64)...)))

	e := newEnv(f, nil)
	e.listen("echo", echo)
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) == 0 {
			return
		}
		mode, in := in[0], in[1:]
		var nc net.Conn
		var c *client
		var tree uint32
		if mode&1 != 0 {
			o := negotiateOptions{dialects: allDialects[1+mode>>2&3:], ciphers: allCiphers, signings: allSignings}
			c = newClient(t, dialRaw(t, e.addr))
			c.logon(o, "alice")
			tree = c.tree("IPC$")
			c.open(tree, "echo")
			nc = c.nc
		} else {
			nc = dialRaw(t, e.addr)
			defer nc.Close()
		}
		id := uint64(100)
		if c != nil {
			id = c.nextID
		}
		for len(in) >= 2 {
			n := min(int(binary.LittleEndian.Uint16(in)), len(in)-2)
			m := append([]byte(nil), in[2:2+n]...)
			in = in[2+n:]
			if c != nil && len(m) >= smb2.HeaderSize && smb2.ProtocolID(m) == smb2.ProtocolSMB2 {
				binary.LittleEndian.PutUint64(m[24:], id) // so that it gets further than the window
				id++
				binary.LittleEndian.PutUint64(m[40:], c.sess.id)
				binary.LittleEndian.PutUint32(m[36:], tree)
				if mode&2 != 0 {
					c.sess.signer.Sign(m)
				}
			}
			if _, err := nc.Write(append(smb2.AppendFrameHeader(nil, len(m)), m...)); err != nil {
				break
			}
		}
		if tcp, ok := nc.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		if c == nil { // the server says what it has to say and closes
			_ = nc.SetReadDeadline(time.Now().Add(testTimeout))
			if _, err := io.Copy(io.Discard, nc); err != nil && !isReset(err) {
				t.Fatal(err)
			}
		}
	})
}

func dialRaw(t testing.TB, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return nc
}
