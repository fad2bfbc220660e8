package server_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/rpc"
	"lwio/rpc/pdu"
	"lwio/rpc/server"
)

// tape is a connection whose client says what is on it, whatever it is answered, and then leaves.
type tape struct {
	net.Conn
	in  *bytes.Reader
	out bytes.Buffer
}

func (c *tape) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c *tape) Write(b []byte) (int, error)      { return c.out.Write(b) }
func (c *tape) Close() error                     { return nil }
func (c *tape) LocalAddr() net.Addr              { return nil }
func (c *tape) RemoteAddr() net.Addr             { return nil }
func (c *tape) SetReadDeadline(time.Time) error  { return nil }
func (c *tape) SetWriteDeadline(time.Time) error { return nil }

// FuzzConn is the whole state machine: whatever a client says, the server answers with PDUs and ends with the connection.
func FuzzConn(f *testing.F) {
	token, _, _ := ntlm.NewInitiator(ntlm.Credentials{User: "alice"}, ntlm.InitiatorConfig{}).Init(bg, nil)
	authBind := pdu.Bind{MaxXmitFrag: 4280, MaxRecvFrag: 4280, Contexts: []pdu.Context{{Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR}}},
		Verifier: &pdu.Verifier{Type: 10, Level: 6, ContextID: 1, Value: token}}
	authBind.Flags = whole
	alter := pdu.AlterContext(authBind)
	alter.Verifier = nil
	auth3 := pdu.Auth3{Verifier: &pdu.Verifier{Type: 10, Level: 6, ContextID: 1, Value: token}}
	h := pdu.Header{CallID: 2, Flags: whole}
	requests := bytes.Join([][]byte{rawBind(pdu.ConcMPX), rawRequest(2, 0, opAddOne, whole, one), rawRequest(3, 0, opEcho, pdu.FirstFrag, one),
		rawRequest(3, 0, opEcho, pdu.LastFrag, one), rawRequest(4, 0, opBlock, whole, nil), (&pdu.Cancel{Header: h}).Append(nil),
		(&pdu.Orphaned{Header: h}).Append(nil), rawRequest(5, 0, opOpen, whole, []byte("\x02\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00a\x00\x00\x00"))}, nil)
	f.Add(requests)
	f.Add(bytes.Join([][]byte{authBind.Append(nil), auth3.Append(nil), rawRequest(2, 0, opAddOne, whole, one)}, nil))
	f.Add(bytes.Join([][]byte{rawBind(0), alter.Append(nil), rawRequest(2, 0, opPanic, whole, one)}, nil))
	s := server.New(server.Config{Mechanisms: mechs, MaxRequest: 1 << 16, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	impl := newEcho()
	impl.entered = make(chan *rpc.Call, 1<<20)
	impl.rundown = make(chan string, 1<<20)
	if err := s.Register(echoInterface, impl); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &tape{in: bytes.NewReader(b)}
		s.ServeConn(bg, c)
		if st := s.Stats(); st.Connections != 0 || st.Groups != 0 {
			t.Errorf("left behind: %+v", st)
		}
		for len(impl.entered) > 0 {
			<-impl.entered
		}
		for len(impl.rundown) > 0 {
			<-impl.rundown
		}
		for out := c.out.Bytes(); len(out) > 0; {
			h, err := pdu.ParseHeader(out)
			if err != nil || int(h.FragLength) > len(out) {
				t.Fatalf("answered with %x: %v", out, err)
			}
			out = out[h.FragLength:]
		}
	})
}

// FuzzSealed changes a sealed request in one place and its stub data at will: only the untouched one may reach the method.
func FuzzSealed(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0}, uint16(0), byte(0))
	f.Add([]byte{1, 0, 0, 0}, uint16(25), byte(1))
	f.Add([]byte{1, 0, 0, 0}, uint16(45), byte(0x80))
	s := server.New(server.Config{Mechanisms: mechs})
	if err := s.Register(echoInterface, newEcho()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, stub []byte, at uint16, flip byte) {
		if len(stub) > 4000 {
			return
		}
		nc, b := net.Pipe()
		defer nc.Close()
		go s.ServeConn(bg, b)
		c := handshake(t, nc)
		msg := protected(t, c, 6, rpc.AuthLevelPktPrivacy, opAddOne, stub)
		changed := flip != 0
		msg[int(at)%len(msg)] ^= flip
		go func() {
			nc.Write(msg)
			if changed {
				nc.Write(make([]byte, 1<<16)) // more than any length it may now claim
			}
		}()
		h, frag, err := tryReadPDU(nc)
		switch {
		case err != nil && !changed:
			t.Fatal(err)
		case err != nil:
		case h.Type == pdu.TypeResponse && h.AuthLength != 0 && changed:
			t.Errorf("byte %d changed by %#x and taken", at, flip)
		case !changed && len(stub) == 4:
			r, err := pdu.ParseResponse(frag)
			if err != nil || c.Unseal(frag[:r.SignEnd], r.Stub, r.StubEnd, r.Value) != nil {
				t.Errorf("answer %x, %v", frag, err)
			}
		}
	})
}

// handshake binds with NTLM at level privacy.
func handshake(t *testing.T, nc net.Conn) auth.Context {
	t.Helper()
	init := ntlm.NewInitiator(ntlm.Credentials{User: "alice", Password: "secret"}, ntlm.InitiatorConfig{})
	token, _, _ := init.Init(bg, nil)
	x := pdu.Bind{MaxXmitFrag: 4280, MaxRecvFrag: 4280, Contexts: []pdu.Context{{Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR}}},
		Verifier: &pdu.Verifier{Type: 10, Level: 6, ContextID: 5, Value: token}}
	x.CallID, x.Flags = 1, whole
	nc.Write(x.Append(nil))
	_, frag := readPDU(t, nc)
	ack, err := pdu.ParseBindAck(frag)
	if err != nil {
		t.Fatal(err)
	}
	if token, _, err = init.Init(bg, ack.Verifier.Value); err != nil {
		t.Fatal(err)
	}
	a := pdu.Auth3{Header: pdu.Header{CallID: 2, Flags: whole}, Verifier: &pdu.Verifier{Type: 10, Level: 6, ContextID: 5, Value: token}}
	nc.Write(a.Append(nil))
	return init.Context()
}
