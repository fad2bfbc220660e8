package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/pdu"
	"lwio/rpc/server"
)

// Every auth type at every level, over memory and TCP, with messages of one and of many fragments.
func TestAuthLevels(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789abcdef!"), 1000)
	s, _ := serve(t, server.Config{})
	for _, tcp := range []bool{false, true} {
		for _, typ := range []uint8{rpc.AuthTypeNone, rpc.AuthTypeNTLM, rpc.AuthTypeSPNEGO} {
			for level := rpc.AuthLevelConnect; level <= rpc.AuthLevelPktPrivacy; level++ {
				t.Run(fmt.Sprintf("tcp=%v/type=%d/%s", tcp, typ, level), func(t *testing.T) {
					c := client.NewConn(connect(t, s, tcp), client.Config{})
					defer c.Close()
					var a *client.Auth
					want := identity{account: "ANONYMOUS LOGON", level: uint8(rpc.AuthLevelNone)}
					if typ != rpc.AuthTypeNone {
						a = ntlmAuth(typ, level, "secret")
						want = identity{account: "alice", typ: typ, level: uint8(level)}
						if level == rpc.AuthLevelCall {
							want.level = uint8(rpc.AuthLevelPacket)
						}
					}
					b := bind(t, c, echoInterface, a)
					mustAddOne(t, b)
					for range 3 {
						if got, err := echoBytes(bg, b, long); err != nil || !bytes.Equal(got, long) {
							t.Fatalf("Echo: %d bytes, %v", len(got), err)
						}
					}
					w := who(t, b)
					if want.rest = w.rest; w != want {
						t.Errorf("caller is %+v, want %+v", w, want)
					}
					if key := fmt.Sprintf("%x", b.SessionKey()); !strings.HasSuffix(w.rest, "|"+key) {
						t.Errorf("session key %s, the server has %s", key, w.rest)
					}
					// A fault leaves the sequence of signatures in order.
					if err := b.Call(bg, opUnused, nil, nil); err != rpc.FaultOpRange {
						t.Errorf("unused opnum: %v", err)
					}
					mustAddOne(t, b)
				})
				if typ == rpc.AuthTypeNone {
					break
				}
			}
		}
	}
}

func TestFragments(t *testing.T) {
	for _, size := range []int{256, 264, 1000, 4280, 5840, 65528} {
		s, _ := serve(t, server.Config{MaxFragment: size})
		for _, a := range []*client.Auth{nil, ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelPktIntegrity, "secret"), ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelPktPrivacy, "secret")} {
			c := newClient(t, s, client.Config{MaxFragment: size})
			b := bind(t, c, echoInterface, a)
			room := size - 24
			for _, n := range []int{0, 1, 15, 16, 17, room - 48, room - 33, room - 32, room - 31, room - 5, room - 4, room - 3, room, 2 * room, 100_003} {
				data := make([]byte, max(n, 0))
				for i := range data {
					data[i] = byte(i * 7)
				}
				if got, err := echoBytes(bg, b, data); err != nil || !bytes.Equal(got, data) {
					t.Fatalf("fragments of %d, auth %v: %d bytes came back as %d, %v", size, a != nil, n, len(got), err)
				}
			}
		}
	}
}

// The stub data of an operation may be empty both ways.
func TestEmptyStub(t *testing.T) {
	s, impl := serve(t, server.Config{})
	close(impl.letGo)
	for _, a := range []*client.Auth{nil, ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelPktPrivacy, "secret")} {
		b := bind(t, newClient(t, s, client.Config{}), echoInterface, a)
		if err := b.Call(bg, opBlock, nil, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestFaultsLeaveTheAssociation(t *testing.T) {
	var log bytes.Buffer
	s, _ := serve(t, server.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	b := bind(t, newClient(t, s, client.Config{}), echoInterface, nil)
	for _, tt := range []struct {
		name  string
		opnum uint16
		in    func(*ndr.Encoder)
		want  error
	}{
		{"opnum without method", opUnused, nil, rpc.FaultOpRange},
		{"opnum out of range", 999, nil, rpc.FaultOpRange},
		{"truncated input", opAddOne, func(e *ndr.Encoder) { e.Uint8(1) }, rpc.FaultNDR},
		{"lying conformance", opEcho, func(e *ndr.Encoder) { e.Uint32(0xFFFFFFFF) }, rpc.FaultNDR},
		{"error of the method", opFail, func(e *ndr.Encoder) { e.Uint32(uint32(rpc.FaultObjectNotFound)) }, rpc.FaultObjectNotFound},
		{"panic", opPanic, nil, rpc.FaultUnspecified},
		{"forged handle", opUse, func(e *ndr.Encoder) { e.Uint32(0); e.GUID(nt.MustGUID("00112233-4455-6677-8899-aabbccddeeff")) }, rpc.FaultContextMismatch},
	} {
		if err := b.Call(bg, tt.opnum, tt.in, nil); err != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		mustAddOne(t, b)
	}
	if out := log.String(); !strings.Contains(out, "as asked") || !strings.Contains(out, "echo_test.go") {
		t.Errorf("the panic is not logged with its stack: %s", out)
	}
	if st := s.Stats(); st.Faults != 7 || st.Panics != 1 || st.Calls != 12 || st.Connections != 1 || st.Groups != 1 {
		t.Errorf("stats = %+v", st)
	}
}

func TestResponseLimit(t *testing.T) {
	s, _ := serve(t, server.Config{MaxResponse: 1000})
	b := bind(t, newClient(t, s, client.Config{}), echoInterface, nil)
	err := b.Call(bg, opSource, func(e *ndr.Encoder) { e.Uint32(2000) }, nil)
	if err != rpc.FaultOutArgsTooBig {
		t.Errorf("response of 2000 bytes: %v", err)
	}
	mustAddOne(t, b)
}

func TestWrongPassword(t *testing.T) {
	s, _ := serve(t, server.Config{})
	for _, typ := range []uint8{rpc.AuthTypeNTLM, rpc.AuthTypeSPNEGO} {
		c := newClient(t, s, client.Config{})
		b, err := c.Bind(bg, echoInterface, ntlmAuth(typ, rpc.AuthLevelPktPrivacy, "Secret"))
		if typ == rpc.AuthTypeNTLM {
			// The third leg has no answer: the first call gets it.
			if err != nil {
				t.Fatal(err)
			}
			_, err = addOne(bg, b, 1)
		}
		if !errors.Is(err, rpc.FaultAccessDenied) {
			t.Errorf("type %d: %v", typ, err)
		}
	}
}

func TestUnknownAuthType(t *testing.T) {
	s, _ := serve(t, server.Config{})
	a := ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelPktPrivacy, "secret")
	a.Type = rpc.AuthTypeNetlogon
	if _, err := newClient(t, s, client.Config{}).Bind(bg, echoInterface, a); !errors.Is(err, pdu.RejectAuthTypeNotSupported) {
		t.Error(err)
	}
}

func TestMinAuthLevelAndSecurity(t *testing.T) {
	denied := errors.New("asked")
	s, _ := serve(t, server.Config{}, server.MinAuthLevel(rpc.AuthLevelPktIntegrity), server.Security(func(_ context.Context, call *rpc.Call) error {
		if call.Opnum == opEcho {
			return fmt.Errorf("%w: %w", denied, nt.StatusAccessDenied)
		}
		return nil
	}))
	b := bind(t, newClient(t, s, client.Config{}), echoInterface, nil)
	for range 2 {
		if _, err := addOne(bg, b, 1); err != rpc.FaultAccessDenied {
			t.Errorf("without authentication: %v", err)
		}
	}
	b = bind(t, newClient(t, s, client.Config{}), echoInterface, ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelConnect, "secret"))
	if _, err := addOne(bg, b, 1); err != rpc.FaultAccessDenied {
		t.Errorf("level connect: %v", err)
	}
	b = bind(t, newClient(t, s, client.Config{}), echoInterface, ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelPktIntegrity, "secret"))
	mustAddOne(t, b)
	if _, err := echoBytes(bg, b, nil); err != rpc.FaultAccessDenied {
		t.Errorf("what Security denies: %v", err)
	}
	mustAddOne(t, b)
}

func TestRegister(t *testing.T) {
	s, impl := serve(t, server.Config{})
	if err := s.Register(echoInterface, impl); !errors.Is(err, server.ErrRegistered) {
		t.Errorf("twice: %v", err)
	}
	if err := s.Register(absentInterface, 7); !errors.Is(err, server.ErrImplements) {
		t.Errorf("without the methods: %v", err)
	}
	if got := s.Interfaces(); len(got) != 2 || got[0] != echoInterface {
		t.Errorf("interfaces = %v", got)
	}
	c := newClient(t, s, client.Config{})
	b := bind(t, c, echoInterface, nil)
	s.Unregister(echoInterface)
	mustAddOne(t, b)
	var rejected *client.RejectedError
	if _, err := c.Bind(bg, echoInterface, nil); !errors.As(err, &rejected) || rejected.Reason != pdu.AbstractSyntaxNotSupported {
		t.Errorf("after Unregister: %v", err)
	}
}

func TestSeveralInterfaces(t *testing.T) {
	s, _ := serve(t, server.Config{})
	c := newClient(t, s, client.Config{})
	var rejected *client.RejectedError
	if _, err := c.Bind(bg, absentInterface, nil); !errors.As(err, &rejected) || rejected.Reason != pdu.AbstractSyntaxNotSupported {
		t.Errorf("absent interface: %v", err)
	}
	first := bind(t, c, echoInterface, nil) // by alter_context: the rejection did not end the association
	second, err := bind(t, c, echoInterface, ntlmAuth(rpc.AuthTypeSPNEGO, rpc.AuthLevelPktPrivacy, "secret")).Bind(bg, secondInterface)
	if err != nil {
		t.Fatal(err)
	}
	third := bind(t, c, secondInterface, ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelPktIntegrity, "secret"))
	for _, b := range []*client.Binding{first, second, third, first} {
		mustAddOne(t, b)
	}
	if w := who(t, first); w.account != "ANONYMOUS LOGON" {
		t.Errorf("first is %+v", w)
	}
	if w := who(t, second); w.account != "alice" || w.level != uint8(rpc.AuthLevelPktPrivacy) {
		t.Errorf("second is %+v", w)
	}
	if w := who(t, third); w.level != uint8(rpc.AuthLevelPktIntegrity) {
		t.Errorf("third is %+v", w)
	}
	object := nt.MustGUID("00112233-4455-6677-8899-aabbccddeeff")
	if w := who(t, second.WithObject(object)); !strings.Contains(w.rest, object.String()) {
		t.Errorf("object = %+v", w)
	}
	newer := *echoInterface
	newer.Minor++
	if _, err := c.Bind(bg, &newer, nil); !errors.As(err, &rejected) {
		t.Errorf("newer minor version: %v", err)
	}
	older := *echoInterface
	older.Minor--
	mustAddOne(t, bind(t, c, &older, nil))
}

func TestOnEndpoints(t *testing.T) {
	s := server.New(server.Config{})
	defer s.Close()
	if err := s.Register(echoInterface, newEcho(), server.OnEndpoints(`\pipe\echo`)); err != nil {
		t.Fatal(err)
	}
	for endpoint, want := range map[string]bool{`\PIPE\ECHO`: true, `\PIPE\other`: false} {
		a, b := net.Pipe()
		go s.ServeConn(bg, &known{Conn: b, endpoint: endpoint})
		c := client.NewConn(a, client.Config{})
		if _, err := c.Bind(bg, echoInterface, nil); (err == nil) != want {
			t.Errorf("%s: %v", endpoint, err)
		}
		c.Close()
	}
}

// known is a connection that tells of its peer.
type known struct {
	net.Conn
	endpoint string
}

func (k *known) Token() *nt.Token            { return &nt.Token{Account: "bob"} }
func (k *known) SessionKey() []byte          { return []byte("transport key 16") }
func (k *known) ClientName() string          { return "WKS" }
func (k *known) Transport() (string, string) { return "ncacn_np", k.endpoint }

func TestTransportIdentity(t *testing.T) {
	s, _ := serve(t, server.Config{})
	a, b := net.Pipe()
	go s.ServeConn(bg, &known{b, `\PIPE\srvsvc`})
	c := client.NewConn(a, client.Config{})
	defer c.Close()
	want := fmt.Sprintf(`ncacn_np|\PIPE\srvsvc|WKS|%s|%x|`, nt.GUID{}, "transport key 16")
	if w := who(t, bind(t, c, echoInterface, nil)); w.account != "bob" || w.rest != want {
		t.Errorf("caller is %+v", w)
	}
	// The RPC authentication stands above the transport's.
	if w := who(t, bind(t, c, echoInterface, ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelConnect, "secret"))); w.account != "alice" || !strings.HasPrefix(w.rest, want) {
		t.Errorf("authenticated caller is %+v", w)
	}
}

func TestMultiplexed(t *testing.T) {
	s, impl := serve(t, server.Config{})
	b := bind(t, newClient(t, s, client.Config{MaxCalls: 8}), echoInterface, ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelPktPrivacy, "secret"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := b.Call(bg, opBlock, nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
	for range 4 {
		<-impl.entered // all four are in the method at once
	}
	for i := range uint32(20) {
		wg.Go(func() {
			data := bytes.Repeat([]byte{byte(i)}, int(i)*1000)
			if got, err := echoBytes(bg, b, data); err != nil || !bytes.Equal(got, data) {
				t.Errorf("call %d: %d bytes, %v", i, len(got), err)
			}
		})
	}
	mustAddOne(t, b)
	close(impl.letGo)
	wg.Wait()
}

// Without PFC_CONC_MPX calls run one after another, in the order in which they came.
func TestInOrder(t *testing.T) {
	s, impl := serve(t, server.Config{})
	nc := connect(t, s, true)
	defer nc.Close()
	var raw []byte
	raw = append(raw, rawBind(0)...)
	for id := uint32(10); id < 13; id++ {
		raw = append(raw, rawRequest(id, 0, opBlock, pdu.FirstFrag|pdu.LastFrag, nil)...)
	}
	if _, err := nc.Write(raw); err != nil { // several PDUs in one write
		t.Fatal(err)
	}
	readPDU(t, nc)
	for id := uint32(10); id < 13; id++ {
		if call := <-impl.entered; call.CallID != id {
			t.Errorf("call %d runs, want %d", call.CallID, id)
		}
		select {
		case call := <-impl.entered:
			t.Errorf("call %d runs beside %d", call.CallID, id)
		default:
		}
		impl.letGo <- struct{}{}
		if h, _ := readPDU(t, nc); h.CallID != id || h.Type != pdu.TypeResponse {
			t.Errorf("answer %+v, want %d", h, id)
		}
	}
}

func TestCancel(t *testing.T) {
	s, impl := serve(t, server.Config{})
	for _, calls := range []int{1, 8} {
		b := bind(t, newClient(t, s, client.Config{MaxCalls: calls}), echoInterface, ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelPktPrivacy, "secret"))
		for range 3 {
			ctx, cancel := context.WithCancel(bg)
			go func() {
				<-impl.entered
				cancel()
			}()
			if err := b.Call(ctx, opBlock, nil, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled call: %v", err)
			}
			mustAddOne(t, b) // the answer to the cancelled call is taken out of the way
		}
	}
}

// A raw cancel PDU ends the method, whose fault is sent; after an orphaned PDU nothing is.
func TestCancelAndOrphaned(t *testing.T) {
	s, impl := serve(t, server.Config{})
	nc := connect(t, s, true)
	defer nc.Close()
	nc.Write(rawBind(0))
	readPDU(t, nc)
	for _, orphan := range []bool{false, true} {
		nc.Write(rawRequest(7, 0, opBlock, pdu.FirstFrag|pdu.LastFrag, nil))
		<-impl.entered
		h := pdu.Header{CallID: 7, Flags: pdu.FirstFrag | pdu.LastFrag}
		if orphan {
			nc.Write((&pdu.Orphaned{Header: h}).Append(nil))
		} else {
			nc.Write((&pdu.Cancel{Header: h}).Append(nil))
			if h, frag := readPDU(t, nc); h.CallID != 7 || faultStatus(t, frag) != rpc.FaultCancel {
				t.Errorf("answer to the cancelled call: %x", frag)
			}
		}
		nc.Write(rawRequest(8, 0, opAddOne, pdu.FirstFrag|pdu.LastFrag, []byte{1, 0, 0, 0}))
		if h, frag := readPDU(t, nc); h.CallID != 8 || h.Type != pdu.TypeResponse {
			t.Errorf("next answer: %x", frag)
		}
	}
}

func TestDisconnectEndsCalls(t *testing.T) {
	s, impl := serve(t, server.Config{})
	c := newClient(t, s, client.Config{})
	b := bind(t, c, echoInterface, nil)
	done := make(chan error)
	go func() { done <- b.Call(bg, opBlock, nil, nil) }()
	<-impl.entered
	c.Close()
	if err := <-done; !errors.Is(err, client.ErrClosed) {
		t.Errorf("call over a closed connection: %v", err)
	}
	if err := s.Shutdown(bg); err != nil { // ends only when the method has
		t.Error(err)
	}
}

func TestShutdownWaitsForCalls(t *testing.T) {
	s, impl := serve(t, server.Config{})
	b := bind(t, newClient(t, s, client.Config{}), echoInterface, nil)
	idle := bind(t, newClient(t, s, client.Config{}), echoInterface, nil)
	called, down := make(chan error), make(chan error)
	go func() { called <- b.Call(bg, opBlock, nil, nil) }()
	<-impl.entered
	go func() { down <- s.Shutdown(bg) }()
	if _, err := addOne(bg, idle, 1); err == nil {
		// The shutdown may not have begun; the connection is gone soon.
		for err == nil {
			_, err = addOne(bg, idle, 1)
		}
	}
	select {
	case err := <-down:
		t.Fatalf("Shutdown did not wait: %v", err)
	default:
	}
	close(impl.letGo)
	if err := <-called; err != nil {
		t.Errorf("call during shutdown: %v", err)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
	if err := s.ServeConn(bg, connect(t, s, false)); !errors.Is(err, server.ErrServerClosed) {
		t.Errorf("after Shutdown: %v", err)
	}
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := s.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestServe(t *testing.T) {
	s, _ := serve(t, server.Config{MaxConnections: 1})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve(l) }()
	dial := func() *client.Conn {
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return client.NewConn(nc, client.Config{})
	}
	c := dial()
	b := bind(t, c, echoInterface, nil)
	if !s.IsListening() {
		t.Error("not listening")
	}
	if w := who(t, b); !strings.HasPrefix(w.rest, "ncacn_ip_tcp|") {
		t.Errorf("caller is %+v", w)
	}
	over := dial()
	if _, err := over.Bind(bg, echoInterface, nil); err == nil {
		t.Error("one connection too many was served")
	}
	s.Close()
	if err := <-done; err != server.ErrServerClosed {
		t.Error(err)
	}
	if err := s.Serve(l); err != server.ErrServerClosed {
		t.Error(err)
	}
	if s.IsListening() {
		t.Error("still listening")
	}
}

// Context handles are of the association group: shared by its connections, run down with the last.
func TestAssociationGroup(t *testing.T) {
	s, impl := serve(t, server.Config{})
	c1 := newClient(t, s, client.Config{})
	b1 := bind(t, c1, echoInterface, nil)
	var h rpc.ContextHandle
	open := func(name string) {
		t.Helper()
		err := b1.Call(bg, opOpen, func(e *ndr.Encoder) { e.String16(name) }, func(d *ndr.Decoder) error { h.DecodeBody(d); return nil })
		if err != nil || h.IsZero() {
			t.Fatalf("Open = %v, %v", h, err)
		}
	}
	use := func(b *client.Binding) (name string, err error) {
		err = b.Call(bg, opUse, func(e *ndr.Encoder) { h.EncodeBody(e) }, func(d *ndr.Decoder) error { name = d.String16(""); return nil })
		return name, err
	}
	open("closed")
	if err := b1.Call(bg, opCloseHandle, func(e *ndr.Encoder) { h.EncodeBody(e) }, nil); err != nil {
		t.Fatal(err)
	}
	open("kept")
	if c1.AssocGroup() == 0 {
		t.Fatal("no association group")
	}
	c2 := newClient(t, s, client.Config{AssocGroup: c1.AssocGroup()})
	b2 := bind(t, c2, echoInterface, nil)
	if name, err := use(b2); name != "kept" || err != nil {
		t.Errorf("from the group: %q, %v", name, err)
	}
	if _, err := use(bind(t, c2, secondInterface, nil)); err != rpc.FaultContextMismatch {
		t.Errorf("through another interface: %v", err)
	}
	if _, err := use(bind(t, newClient(t, s, client.Config{}), echoInterface, nil)); err != rpc.FaultContextMismatch {
		t.Errorf("from another group: %v", err)
	}
	group := c1.AssocGroup()
	c1.Close()
	if name, err := use(b2); name != "kept" || err != nil {
		t.Errorf("after the first connection: %q, %v", name, err)
	}
	c2.Close()
	if name := <-impl.rundown; name != "kept" {
		t.Errorf("run down: %q", name)
	}
	select {
	case name := <-impl.rundown:
		t.Errorf("run down as well: %q", name)
	default:
	}
	if _, err := newClient(t, s, client.Config{AssocGroup: group}).Bind(bg, echoInterface, nil); !errors.Is(err, pdu.RejectNotSpecified) {
		t.Errorf("group that is gone: %v", err)
	}
	c3 := newClient(t, s, client.Config{})
	bind(t, c3, echoInterface, nil)
	tcp := client.NewConn(connect(t, s, true), client.Config{AssocGroup: c3.AssocGroup()})
	defer tcp.Close()
	if _, err := tcp.Bind(bg, echoInterface, nil); !errors.Is(err, pdu.RejectNotSpecified) {
		t.Errorf("group of another transport: %v", err)
	}
}

// dribble gives its reader a byte at a time.
type dribble struct{ net.Conn }

func (d dribble) Read(b []byte) (int, error) { return d.Conn.Read(b[:min(1, len(b))]) }

func TestSplitReads(t *testing.T) {
	s, _ := serve(t, server.Config{})
	a, b := net.Pipe()
	go s.ServeConn(bg, dribble{b})
	c := client.NewConn(dribble{a}, client.Config{})
	defer c.Close()
	x := bind(t, c, echoInterface, ntlmAuth(rpc.AuthTypeSPNEGO, rpc.AuthLevelPktPrivacy, "secret"))
	data := bytes.Repeat([]byte("split"), 2000)
	if got, err := echoBytes(bg, x, data); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// transactor is a pipe with TransactNamedPipe: it counts, and cuts what comes at first.
type transactor struct {
	net.Conn
	cut    int
	counts *[2]int // writes, transacts
}

func (x transactor) Write(b []byte) (int, error) { x.counts[0]++; return x.Conn.Write(b) }

func (x transactor) Transact(_ context.Context, in, out []byte) (int, error) {
	x.counts[1]++
	if _, err := x.Conn.Write(in); err != nil {
		return 0, err
	}
	n, err := io.ReadAtLeast(x.Conn, out[:min(len(out), x.cut)], 1)
	if err == nil && n == x.cut {
		err = nt.StatusBufferOverflow
	}
	return n, err
}

func TestTransact(t *testing.T) {
	s, _ := serve(t, server.Config{})
	for _, cut := range []int{20, 64, 4280} {
		var counts [2]int
		c := client.NewConn(transactor{connect(t, s, false), cut, &counts}, client.Config{})
		b := bind(t, c, echoInterface, ntlmAuth(rpc.AuthTypeNTLM, rpc.AuthLevelPktPrivacy, "secret"))
		before := counts
		mustAddOne(t, b)
		if counts != [2]int{before[0], before[1] + 1} {
			t.Errorf("a call is %d writes and %d transacts", counts[0]-before[0], counts[1]-before[1])
		}
		data := make([]byte, 10_000)
		before = counts
		if got, err := echoBytes(bg, b, data); err != nil || !bytes.Equal(got, data) {
			t.Errorf("cut %d: %d bytes, %v", cut, len(got), err)
		}
		if counts != [2]int{before[0] + 2, before[1] + 1} {
			t.Errorf("a call of three fragments is %d writes and %d transacts", counts[0]-before[0], counts[1]-before[1])
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { mustAddOne(t, b) })
			wg.Go(func() {
				if x, err := c.Bind(bg, secondInterface, nil); err != nil {
					t.Error(err)
				} else {
					mustAddOne(t, x)
				}
			})
		}
		wg.Wait()
		c.Close()
	}
}
