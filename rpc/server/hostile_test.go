package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/pdu"
	"lwio/rpc/server"
)

const whole = pdu.FirstFrag | pdu.LastFrag

var one = []byte{1, 0, 0, 0}

// bound is a raw connection with the echo interface as context 0.
func bound(t testing.TB, s *server.Server, flags pdu.Flags) net.Conn {
	t.Helper()
	nc := connect(t, s, true)
	t.Cleanup(func() { nc.Close() })
	nc.Write(rawBind(flags))
	if h, _ := readPDU(t, nc); h.Type != pdu.TypeBindAck {
		t.Fatalf("bind is answered by %+v", h)
	}
	return nc
}

// alive checks that the association is.
func alive(t *testing.T, nc net.Conn) {
	t.Helper()
	nc.Write(rawRequest(99, 0, opAddOne, whole, one))
	if h, _, err := tryReadPDU(nc); err != nil || h.Type != pdu.TypeResponse || h.CallID != 99 {
		t.Errorf("the association is dead: %+v, %v", h, err)
	}
}

// gone checks that it is not.
func gone(t *testing.T, nc net.Conn) {
	t.Helper()
	nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	if h, b, err := tryReadPDU(nc); !errors.Is(err, io.EOF) {
		t.Errorf("the association lives: %+v %x, %v", h, b, err)
	}
}

func TestRefusedBinds(t *testing.T) {
	s, _ := serve(t, server.Config{MaxContexts: 2})
	ctx := pdu.Context{Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR}}
	build := func(x pdu.Bind) []byte {
		x.Flags, x.CallID, x.MaxXmitFrag, x.MaxRecvFrag = whole, 5, 4280, 4280
		return x.Append(nil)
	}
	features := pdu.Context{ID: 7, Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.FeatureSyntax(1)}}
	edited := func(at int, v byte) []byte {
		b := rawBind(0)
		b[at] = v
		return b
	}
	token := func(v pdu.Verifier) []byte { return build(pdu.Bind{Contexts: []pdu.Context{ctx}, Verifier: &v}) }
	for name, tt := range map[string]struct {
		raw  []byte
		want pdu.RejectReason
	}{
		"request first":        {rawRequest(5, 0, 0, whole, nil), pdu.RejectProtocolVersion},
		"version 4":            {edited(0, 4), pdu.RejectProtocolVersion},
		"version 5.9":          {edited(1, 9), pdu.RejectProtocolVersion},
		"no context":           {build(pdu.Bind{}), pdu.RejectProtocolVersion},
		"no transfer syntax":   {build(pdu.Bind{Contexts: []pdu.Context{{Abstract: echoSyntax}}}), pdu.RejectNotSpecified},
		"more contexts said":   {edited(24, 200), pdu.RejectNotSpecified},
		"features twice":       {build(pdu.Bind{Contexts: []pdu.Context{features, features}}), pdu.RejectNotSpecified},
		"context redefined":    {build(pdu.Bind{Contexts: []pdu.Context{ctx, {Abstract: pdu.SyntaxID{UUID: secondInterface.UUID, Major: 1}, Transfer: []pdu.SyntaxID{pdu.NDR}}}}), pdu.RejectNotSpecified},
		"unknown group":        {build(pdu.Bind{AssocGroupID: 77, Contexts: []pdu.Context{ctx}}), pdu.RejectNotSpecified},
		"no such auth type":    {token(pdu.Verifier{Type: 200, Level: 6, Value: []byte("t")}), pdu.RejectAuthTypeNotSupported},
		"no such auth level":   {token(pdu.Verifier{Type: 10, Level: 7, Value: []byte("t")}), pdu.RejectNotSpecified},
		"token that is none":   {token(pdu.Verifier{Type: 10, Level: 6, Value: []byte("t")}), pdu.RejectInvalidChecksum},
		"SPNEGO that is none":  {token(pdu.Verifier{Type: 9, Level: 6, Value: []byte{0x60, 0x84, 0xff, 0xff, 0xff, 0xff}}), pdu.RejectInvalidChecksum},
		"verifier over header": {append(edited(10, 60), 0)[:len(rawBind(0))], pdu.RejectNotSpecified},
	} {
		t.Run(name, func(t *testing.T) {
			nc := connect(t, s, true)
			defer nc.Close()
			nc.Write(tt.raw)
			_, frag := readPDU(t, nc)
			nak, err := pdu.ParseBindNak(frag)
			if err != nil || nak.Reason != tt.want || len(nak.Versions) != 2 || nak.CallID != 5 && nak.CallID != 1 {
				t.Errorf("answer %+v, %v", nak, err)
			}
			gone(t, nc)
		})
	}
}

func TestSecondBind(t *testing.T) {
	s, _ := serve(t, server.Config{})
	nc := bound(t, s, 0)
	nc.Write(rawBind(0))
	if h, _ := readPDU(t, nc); h.Type != pdu.TypeBindNak {
		t.Errorf("second bind is answered by %+v", h)
	}
	gone(t, nc)
}

// Each proposed context is answered by itself.
func TestBindResults(t *testing.T) {
	s, _ := serve(t, server.Config{MaxContexts: 3})
	nc := connect(t, s, true)
	defer nc.Close()
	ndr, absent := []pdu.SyntaxID{pdu.NDR}, pdu.SyntaxID{UUID: absentInterface.UUID, Major: 1}
	x := pdu.Bind{MaxXmitFrag: 100, MaxRecvFrag: 5000, Contexts: []pdu.Context{
		{ID: 3, Abstract: echoSyntax, Transfer: ndr},
		{ID: 4, Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR64}},
		{ID: 5, Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.FeatureSyntax(0xFF)}},
		{ID: 6, Abstract: absent, Transfer: ndr},
		{ID: 7, Abstract: pdu.SyntaxID{UUID: secondInterface.UUID, Major: 1}, Transfer: []pdu.SyntaxID{pdu.NDR64, pdu.NDR}},
		{ID: 3, Abstract: echoSyntax, Transfer: ndr},
		{ID: 8, Abstract: echoSyntax, Transfer: ndr},
		{ID: 9, Abstract: pdu.SyntaxID{UUID: echoSyntax.UUID, Major: 2}, Transfer: ndr},
	}}
	x.Flags, x.CallID = whole|pdu.HeaderSign|pdu.ConcMPX, 1
	nc.Write(x.Append(nil))
	_, frag := readPDU(t, nc)
	ack, err := pdu.ParseBindAck(frag)
	if err != nil {
		t.Fatal(err)
	}
	want := []pdu.Result{
		{Code: pdu.Acceptance, Transfer: pdu.NDR},
		{Code: pdu.Acceptance, Transfer: pdu.NDR64},
		{Code: pdu.NegotiateAck, Reason: pdu.Reason(pdu.SecurityContextMultiplexing | pdu.KeepConnectionOnOrphan)},
		{Code: pdu.ProviderRejection, Reason: pdu.AbstractSyntaxNotSupported},
		{Code: pdu.Acceptance, Transfer: pdu.NDR64},
		{Code: pdu.Acceptance, Transfer: pdu.NDR},
		{Code: pdu.ProviderRejection, Reason: pdu.LocalLimitExceeded},
		{Code: pdu.ProviderRejection, Reason: pdu.AbstractSyntaxNotSupported},
	}
	for i, r := range ack.Results {
		if r != want[i] {
			t.Errorf("context %d: %+v, want %+v", i, r, want[i])
		}
	}
	_, port, _ := net.SplitHostPort(nc.RemoteAddr().String())
	if ack.Flags != x.Flags || ack.MaxXmitFrag != 2048 || ack.MaxRecvFrag != 2048 || ack.AssocGroupID == 0 || ack.SecondaryAddress != port {
		t.Errorf("ack = %+v", ack)
	}
}

// What breaks the protocol is a fault, and the end.
func TestBrokenProtocol(t *testing.T) {
	s, _ := serve(t, server.Config{MaxRequest: 20_000, MaxBuffered: 1 << 20})
	hint := func(v uint32, flags pdu.Flags) []byte {
		x := pdu.Request{AllocHint: v}
		x.CallID, x.Flags = 6, flags
		return pdu.AppendRequest(nil, &x, one)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	edited := func(b []byte, at int, v ...byte) []byte {
		copy(b[at:], v)
		return b
	}
	big := rawRequest(6, 0, opAddOne, whole, make([]byte, 6000))
	for name, tt := range map[string]struct {
		raw    []byte
		callID uint32
		want   rpc.Fault
	}{
		"response":                   {edited(rawRequest(6, 0, 0, whole, one), 2, byte(pdu.TypeResponse)), 6, rpc.FaultProtocol},
		"bind_ack":                   {edited(rawRequest(6, 0, 0, whole, one), 2, byte(pdu.TypeBindAck)), 6, rpc.FaultProtocol},
		"unknown type":               {edited(rawRequest(6, 0, 0, whole, one), 2, 200), 6, rpc.FaultProtocol},
		"fragment in the middle":     {rawRequest(6, 0, 0, 0, one), 6, rpc.FaultProtocol},
		"last fragment first":        {rawRequest(6, 0, 0, pdu.LastFrag, one), 6, rpc.FaultProtocol},
		"first fragment twice":       {join(rawRequest(6, 0, 0, pdu.FirstFrag, one), rawRequest(6, 0, 0, pdu.FirstFrag, one)), 6, rpc.FaultProtocol},
		"fragments of two calls":     {join(rawRequest(6, 0, 0, pdu.FirstFrag, one), rawRequest(7, 0, 0, pdu.LastFrag, one)), 6, rpc.FaultProtocol},
		"a call within another":      {join(rawRequest(6, 0, 0, pdu.FirstFrag, one), rawRequest(7, 0, 0, whole, one)), 6, rpc.FaultProtocol},
		"request without its body":   {edited(rawRequest(6, 0, 0, whole, nil)[:20], 8, 20), 6, rpc.FaultProtocol},
		"fragment over the limit":    {big, 6, rpc.FaultProtocol},
		"verifier over the body":     {edited(rawRequest(6, 0, 0, whole, one), 10, 90), 6, rpc.FaultProtocol},
		"alloc hint over the limit":  {hint(0xFFFFFFFF, pdu.FirstFrag), 6, rpc.FaultAccessDenied},
		"auth3 out of nothing":       {(&pdu.Auth3{Header: pdu.Header{CallID: 6}, Verifier: &pdu.Verifier{Type: 10, Level: 6}}).Append(nil), 6, rpc.FaultProtocol},
		"alter_context with nothing": {(&pdu.AlterContext{Header: pdu.Header{CallID: 6}}).Append(nil), 6, rpc.FaultProtocol},
		"verifier of nobody": {func() []byte {
			x := pdu.Request{Header: pdu.Header{CallID: 6, Flags: whole}}
			b := append(pdu.AppendRequestHeader(nil, &x), "stub stub stub 1"...)
			b = append(pdu.AppendTrailer(b, pdu.Verifier{Type: 10, Level: 6, ContextID: 3}), make([]byte, 16)...)
			pdu.SetLengths(b, 16)
			return b
		}(), 6, rpc.FaultAccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			nc := bound(t, s, pdu.ConcMPX)
			nc.Write(tt.raw)
			h, frag := readPDU(t, nc)
			if got := faultStatus(t, frag); got != tt.want || h.CallID != tt.callID {
				t.Errorf("fault %v of call %d, want %v", got, h.CallID, tt.want)
			}
			gone(t, nc)
		})
	}
	// The hint of a whole request is nobody's business.
	nc := bound(t, s, 0)
	nc.Write(hint(0xFFFFFFFF, whole))
	if h, _ := readPDU(t, nc); h.Type != pdu.TypeResponse {
		t.Errorf("answer %+v", h)
	}
	alive(t, nc)
}

func TestBrokenFraming(t *testing.T) {
	s, _ := serve(t, server.Config{})
	for name, edit := range map[string]func([]byte){
		"fragment shorter than a header": func(b []byte) { b[8], b[9] = 15, 0 },
		"no data representation":         func(b []byte) { b[4] = 0x77 },
		"another version":                func(b []byte) { b[0] = 6 },
	} {
		nc := bound(t, s, 0)
		raw := rawRequest(6, 0, opAddOne, whole, one)
		edit(raw)
		nc.Write(raw)
		t.Run(name, func(t *testing.T) { gone(t, nc) })
	}
}

// Requests of endless fragments end at the limits, of the connection's and of the server's, and what they held is given back.
func TestEndlessFragments(t *testing.T) {
	s, _ := serve(t, server.Config{MaxRequest: 1 << 20, MaxBuffered: 3 << 20})
	flood := func(nc net.Conn, n int) {
		frag := rawRequest(6, 0, opEcho, pdu.FirstFrag, make([]byte, 4000))
		for range n {
			if _, err := nc.Write(frag); err != nil {
				return
			}
			frag[3] = 0
		}
	}
	for range 3 {
		nc := bound(t, s, 0)
		done := make(chan struct{})
		go func() { flood(nc, 1000); close(done) }()
		if _, frag := readPDU(t, nc); faultStatus(t, frag) != rpc.FaultAccessDenied {
			t.Errorf("answer %x", frag)
		}
		nc.Close()
		<-done
	}
	// Three connections, each within its limit, and a fourth that is over the server's.
	before := s.Stats().PDUsIn
	held := make([]net.Conn, 3)
	for i := range held {
		held[i] = bound(t, s, 0)
		flood(held[i], 255)
	}
	for s.Stats().PDUsIn < before+3*(255+1) {
		runtime.Gosched() // until the server has read it all
	}
	nc := bound(t, s, 0)
	go flood(nc, 255)
	if _, frag := readPDU(t, nc); faultStatus(t, frag) != rpc.FaultAccessDenied {
		t.Errorf("answer %x", frag)
	}
	nc.Close()
	for _, h := range held {
		h.Close()
	}
	for s.Stats().Connections > 0 {
		runtime.Gosched()
	}
	for range 3 { // what they held is free again
		c := newClient(t, s, client.Config{})
		if got, err := echoBytes(bg, bind(t, c, echoInterface, nil), make([]byte, 1_000_000)); err != nil || len(got) != 1_000_000 {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
}

// A request to a context that is not is faulted once, and the association goes on, signatures included.
func TestForgedContextID(t *testing.T) {
	s, _ := serve(t, server.Config{})
	nc := bound(t, s, 0)
	nc.Write(rawRequest(6, 77, opAddOne, whole, one))
	if h, frag := readPDU(t, nc); faultStatus(t, frag) != rpc.FaultUnknownInterface || h.Flags&pdu.DidNotExecute == 0 {
		t.Errorf("answer %x", frag)
	}
	alive(t, nc)
	nc.Write(rawRequest(6, 77, opAddOne, pdu.FirstFrag, one))
	nc.Write(rawRequest(6, 77, opAddOne, 0, one))
	nc.Write(rawRequest(6, 77, opAddOne, pdu.LastFrag, one))
	if _, frag := readPDU(t, nc); faultStatus(t, frag) != rpc.FaultUnknownInterface {
		t.Errorf("answer %x", frag)
	}
	alive(t, nc)
}

// rawAuth binds with NTLM by hand, up to the leg that is asked for.
func rawAuth(t *testing.T, s *server.Server, level rpc.AuthLevel, legs int) (net.Conn, auth.Context) {
	t.Helper()
	nc := connect(t, s, true)
	t.Cleanup(func() { nc.Close() })
	init := ntlm.NewInitiator(ntlm.Credentials{User: "alice", Password: "secret"}, ntlm.InitiatorConfig{})
	token, _, _ := init.Init(bg, nil)
	x := pdu.Bind{MaxXmitFrag: 4280, MaxRecvFrag: 4280, Contexts: []pdu.Context{{Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR}}},
		Verifier: &pdu.Verifier{Type: 10, Level: uint8(level), ContextID: 5, Value: token}}
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
	if legs > 2 {
		a := pdu.Auth3{Header: pdu.Header{CallID: 2, Flags: whole}, Verifier: &pdu.Verifier{Type: 10, Level: uint8(level), ContextID: 5, Value: token}}
		nc.Write(a.Append(nil))
	}
	return nc, init.Context()
}

// protected is a signed or sealed request.
func protected(t *testing.T, c auth.Context, id uint32, level rpc.AuthLevel, opnum uint16, stub []byte) []byte {
	t.Helper()
	x := pdu.Request{Opnum: opnum, Header: pdu.Header{CallID: id, Flags: whole}}
	b := append(pdu.AppendRequestHeader(nil, &x), stub...)
	pad := -len(stub) & 15
	b = append(b, make([]byte, pad)...)
	end := len(b)
	b = pdu.AppendTrailer(b, pdu.Verifier{Type: 10, Level: uint8(level), PadLength: uint8(pad), ContextID: 5})
	b = append(b, make([]byte, 16)...)
	pdu.SetLengths(b, 16)
	b = b[:len(b)-16]
	var err error
	if level == rpc.AuthLevelPktPrivacy {
		b, err = c.Seal(b, b, pdu.RequestLen, end)
	} else {
		b, err = c.Sign(b, b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVerifiers(t *testing.T) {
	s, _ := serve(t, server.Config{})
	for name, tt := range map[string]struct {
		level rpc.AuthLevel
		legs  int
		edit  func([]byte) []byte
		want  rpc.Fault // zero for a response
	}{
		"sealed":               {rpc.AuthLevelPktPrivacy, 3, nil, 0},
		"signed":               {rpc.AuthLevelPktIntegrity, 3, nil, 0},
		"authentication open":  {rpc.AuthLevelPktPrivacy, 2, nil, rpc.FaultProtocol},
		"wrong signature":      {rpc.AuthLevelPktPrivacy, 3, func(b []byte) []byte { b[len(b)-10] ^= 1; return b }, rpc.FaultSecPackage},
		"changed stub":         {rpc.AuthLevelPktIntegrity, 3, func(b []byte) []byte { b[24] ^= 1; return b }, rpc.FaultSecPackage},
		"changed opnum":        {rpc.AuthLevelPktIntegrity, 3, func(b []byte) []byte { b[22] ^= 1; return b }, rpc.FaultSecPackage},
		"changed context":      {rpc.AuthLevelPktIntegrity, 3, func(b []byte) []byte { b[20] ^= 1; return b }, rpc.FaultSecPackage},
		"changed padding":      {rpc.AuthLevelPktIntegrity, 3, func(b []byte) []byte { b[len(b)-22] ^= 1; return b }, rpc.FaultSecPackage},
		"other level":          {rpc.AuthLevelPktPrivacy, 3, func(b []byte) []byte { b[len(b)-23] = 5; return b }, rpc.FaultAccessDenied},
		"other type":           {rpc.AuthLevelPktPrivacy, 3, func(b []byte) []byte { b[len(b)-24] = 9; return b }, rpc.FaultAccessDenied},
		"other context":        {rpc.AuthLevelPktPrivacy, 3, func(b []byte) []byte { b[len(b)-20] = 6; return b }, rpc.FaultAccessDenied},
		"padding over body":    {rpc.AuthLevelPktPrivacy, 3, func(b []byte) []byte { b[len(b)-22] = 200; return b }, rpc.FaultProtocol},
		"without verifier":     {rpc.AuthLevelPktPrivacy, 3, func(b []byte) []byte { b = b[:28]; pdu.SetLengths(b, 0); return b }, 0},
		"signature cut in two": {rpc.AuthLevelPktPrivacy, 3, func(b []byte) []byte { b = b[:len(b)-8]; pdu.SetLengths(b, 8); return b }, rpc.FaultSecPackage},
	} {
		t.Run(name, func(t *testing.T) {
			nc, c := rawAuth(t, s, tt.level, tt.legs)
			b := protected(t, c, 6, tt.level, opAddOne, one)
			if tt.edit != nil {
				b = tt.edit(b)
			}
			nc.Write(b)
			h, frag := readPDU(t, nc)
			if tt.want == 0 {
				// A request without a verifier is the transport's caller, not alice's, and is not protected.
				if h.Type != pdu.TypeResponse || (h.AuthLength != 0) != (tt.edit == nil) {
					t.Errorf("answer %+v", h)
				}
				return
			}
			if got := faultStatus(t, frag); got != tt.want {
				t.Errorf("fault %v, want %v", got, tt.want)
			}
			gone(t, nc)
		})
	}
}

// Authentications are not begun again under the identifier of one that is done, and a third leg that wants a fourth fails.
func TestAuthenticationOutOfOrder(t *testing.T) {
	s, _ := serve(t, server.Config{})
	nc, _ := rawAuth(t, s, rpc.AuthLevelPktPrivacy, 3)
	x := pdu.AlterContext{Contexts: []pdu.Context{{Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR}}},
		Verifier: &pdu.Verifier{Type: 10, Level: 6, ContextID: 5, Value: []byte("again")}}
	x.Flags, x.CallID = whole, 7
	nc.Write(x.Append(nil))
	if _, frag := readPDU(t, nc); faultStatus(t, frag) != rpc.FaultAccessDenied {
		t.Errorf("answer %x", frag)
	}
	gone(t, nc)

	nc = connect(t, s, true)
	defer nc.Close()
	v := &pdu.Verifier{Type: 9, Level: 5, ContextID: 5} // an empty token asks for the hint
	b := pdu.Bind{Contexts: x.Contexts, Verifier: v}
	b.Flags = whole
	v.Value = []byte("NTLMSSP\x00\x01\x00\x00\x00\x05\x02\x08\x00")
	nc.Write(b.Append(nil))
	readPDU(t, nc)
	nc.Write((&pdu.Auth3{Header: b.Header, Verifier: v}).Append(nil))
	r := pdu.Request{Header: pdu.Header{CallID: 8, Flags: whole}}
	raw := append(pdu.AppendTrailer(pdu.AppendRequestHeader(nil, &r), *v), make([]byte, 16)...)
	pdu.SetLengths(raw, 16)
	nc.Write(raw)
	if _, frag := readPDU(t, nc); faultStatus(t, frag) != rpc.FaultAccessDenied {
		t.Errorf("answer %x", frag)
	}
	gone(t, nc)
}

// A mechanism that panics takes its connection along and nothing else.
type panicking struct{ auth.Mechanism }

func (panicking) NewAcceptor(auth.Peer) auth.Acceptor { panic("as asked") }

// lockedBuffer is written by an association's goroutine and read by the test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestPanicInMechanism(t *testing.T) {
	var log lockedBuffer
	s, _ := serve(t, server.Config{Mechanisms: map[uint8]auth.Mechanism{10: panicking{}}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	nc := connect(t, s, true)
	defer nc.Close()
	x := pdu.Bind{Contexts: []pdu.Context{{Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR}}}, Verifier: &pdu.Verifier{Type: 10, Level: 6, Value: one}}
	x.Flags = whole
	nc.Write(x.Append(nil))
	gone(t, nc)
	mustAddOne(t, bind(t, newClient(t, s, client.Config{}), echoInterface, nil))
	if !strings.Contains(log.String(), "as asked") {
		t.Errorf("log: %s", log.String())
	}
}

// A message that is sent again is not taken again.
func TestReplay(t *testing.T) {
	s, _ := serve(t, server.Config{})
	nc, c := rawAuth(t, s, rpc.AuthLevelPktIntegrity, 3)
	b := protected(t, c, 6, rpc.AuthLevelPktIntegrity, opAddOne, one)
	nc.Write(b)
	if h, _ := readPDU(t, nc); h.Type != pdu.TypeResponse {
		t.Fatalf("answer %+v", h)
	}
	nc.Write(b)
	if _, frag := readPDU(t, nc); faultStatus(t, frag) != rpc.FaultSecPackage {
		t.Errorf("answer to the replay: %x", frag)
	}
	gone(t, nc)
}

func TestVerificationTrailer(t *testing.T) {
	s, _ := serve(t, server.Config{})
	mask, none := uint32(pdu.SupportsHeaderSigning), uint32(0)
	header := pdu.VerificationHeader{DataRep: [4]byte{0x10}, CallID: 6, Opnum: opAddOne}
	other := header
	other.Opnum++
	ctx := pdu.VerificationContext{Abstract: echoSyntax, Transfer: pdu.NDR}
	wrong := pdu.VerificationContext{Abstract: echoSyntax, Transfer: pdu.NDR64}
	for name, tt := range map[string]struct {
		vt pdu.VerificationTrailer
		ok bool
	}{
		"all that is true":        {pdu.VerificationTrailer{Bitmask1: &none, PContext: &ctx, Header2: &header}, true},
		"header signing stripped": {pdu.VerificationTrailer{Bitmask1: &mask}, false},
		"other opnum":             {pdu.VerificationTrailer{Header2: &other}, false},
		"other transfer syntax":   {pdu.VerificationTrailer{PContext: &wrong}, false},
	} {
		t.Run(name, func(t *testing.T) {
			nc, c := rawAuth(t, s, rpc.AuthLevelPktIntegrity, 3)
			nc.Write(protected(t, c, 6, rpc.AuthLevelPktIntegrity, opAddOne, tt.vt.Append(bytes.Clone(one))))
			h, frag := readPDU(t, nc)
			switch {
			case tt.ok && h.Type != pdu.TypeResponse:
				t.Errorf("answer %x", frag)
			case !tt.ok && faultStatus(t, frag) != rpc.FaultAccessDenied:
				t.Errorf("answer %x", frag)
			}
			nc.Write(protected(t, c, 7, rpc.AuthLevelPktIntegrity, opAddOne, one))
			if h, _ := readPDU(t, nc); h.Type != pdu.TypeResponse {
				t.Errorf("the association is dead: %+v", h)
			}
		})
	}
}

func TestTooManyAuthContexts(t *testing.T) {
	s, _ := serve(t, server.Config{MaxAuthContexts: 3})
	c := newClient(t, s, client.Config{})
	for range 3 {
		mustAddOne(t, bind(t, c, echoInterface, ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelConnect, "secret")))
	}
	if _, err := c.Bind(bg, echoInterface, ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelConnect, "secret")); !errors.Is(err, rpc.FaultAccessDenied) {
		t.Errorf("one too many: %v", err)
	}
}

// A big-endian client's requests are decoded; answers are little-endian, which the receiver makes right.
func TestBigEndianRequest(t *testing.T) {
	s, _ := serve(t, server.Config{})
	nc := bound(t, s, 0)
	nc.Write([]byte{5, 0, 0, 3, 0, 0, 0, 0, 0, 28, 0, 0, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0, opAddOne, 0, 0, 1, 2})
	_, frag := readPDU(t, nc)
	r, err := pdu.ParseResponse(frag)
	if err != nil || r.CallID != 6 || !bytes.Equal(frag[r.Stub:r.StubEnd], []byte{3, 1, 0, 0}) {
		t.Errorf("answer %x, %v", frag, err)
	}
}

// A client that does not bind is given up, and so is one that does not read.
func TestTimeLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server.New(server.Config{Mechanisms: mechs, BindTimeout: time.Minute, WriteTimeout: time.Hour})
		if err := s.Register(echoInterface, newEcho()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		a, b := net.Pipe()
		err := s.ServeConn(bg, b)
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(start) != time.Minute {
			t.Errorf("no bind: %v after %v", err, time.Since(start))
		}
		a.Close()

		for _, legs := range []int{0, 1} { // bound without, and half way through an authentication
			start = time.Now()
			a, b = net.Pipe()
			done := make(chan error)
			go func() { done <- s.ServeConn(bg, b) }()
			if legs == 0 {
				a.Write(rawBind(0))
				readPDU(t, a)
				time.AfterFunc(24*time.Hour, func() { a.Write(rawRequest(6, 0, opAddOne, whole, one)) })
			} else {
				token, _, _ := ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelConnect, "secret").Initiator.Init(bg, nil)
				x := pdu.Bind{Header: pdu.Header{Flags: whole}, Contexts: []pdu.Context{{Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR}}},
					Verifier: &pdu.Verifier{Type: 10, Level: 2, Value: token}}
				a.Write(x.Append(nil))
				readPDU(t, a)
			}
			<-done // the answer to the request is never read
			want := 25 * time.Hour
			if legs == 1 {
				want = time.Minute
			}
			if got := time.Since(start); got != want {
				t.Errorf("%d legs: ended after %v, want %v", legs, got, want)
			}
			a.Close()
		}
	})
}

// A request whose fragments dribble ends its association when its time is over, however many of them come; one that is whole in time is answered, and the
// association may idle afterwards. Neither takes the limit of a bind away.
func TestDribbledRequest(t *testing.T) {
	frag := func(flags pdu.Flags) []byte { return rawRequest(6, 0, opEcho, flags, make([]byte, 16)) }
	run := func(t *testing.T, bind []byte, every time.Duration, n int, last bool) (time.Duration, error) {
		s := server.New(server.Config{Mechanisms: mechs, BindTimeout: 5 * time.Minute, RequestTimeout: time.Minute})
		if err := s.Register(echoInterface, newEcho()); err != nil {
			t.Fatal(err)
		}
		a, b := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- s.ServeConn(bg, b) }()
		a.Write(bind)
		readPDU(t, a)
		start, wrote := time.Now(), make(chan struct{})
		go func() {
			defer close(wrote)
			a.Write(frag(pdu.FirstFrag))
			for range n {
				<-time.After(every)
				if _, err := a.Write(frag(0)); err != nil {
					return
				}
			}
			if last {
				a.Write(frag(pdu.LastFrag))
				readPDU(t, a)
				<-time.After(24 * time.Hour)
				a.Close()
			}
		}()
		err := <-done
		took := time.Since(start)
		a.Close()
		<-wrote
		return took, err
	}
	token, _, _ := ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelConnect, "secret").Initiator.Init(bg, nil)
	half := pdu.Bind{Header: pdu.Header{Flags: whole}, Contexts: []pdu.Context{{Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR}}},
		Verifier: &pdu.Verifier{Type: 10, Level: 3, Value: token}}
	for name, tt := range map[string]struct {
		bind  []byte
		every time.Duration
		n     int
		last  bool
		want  time.Duration
	}{
		"one fragment":                    {rawBind(0), 0, 0, false, time.Minute},
		"one every 10 seconds":            {rawBind(0), 10 * time.Second, 100, false, time.Minute},
		"in time":                         {rawBind(0), 10 * time.Second, 5, true, 24*time.Hour + 50*time.Second},
		"in an unfinished authentication": {half.Append(nil), 10 * time.Second, 5, true, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				took, err := run(t, tt.bind, tt.every, tt.n, tt.last)
				var timeout net.Error
				if late := errors.As(err, &timeout) && timeout.Timeout(); took != tt.want || late == (name == "in time") {
					t.Errorf("ended after %v, %v; want %v", took, err, tt.want)
				}
			})
		})
	}
}

// The context of ServeConn ends the connection and its calls.
func TestContextEndsConnection(t *testing.T) {
	s, impl := serve(t, server.Config{})
	a, b := net.Pipe()
	ctx, cancel := context.WithCancel(bg)
	done := make(chan error)
	go func() { done <- s.ServeConn(ctx, b) }()
	a.Write(rawBind(0))
	readPDU(t, a)
	a.Write(rawRequest(6, 0, opBlock, whole, nil))
	<-impl.entered
	cancel()
	if err := <-done; err == nil {
		t.Error("ended without a reason")
	}
}
