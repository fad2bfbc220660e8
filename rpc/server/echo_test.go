package server_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/iomgr/auth/spnego"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
)

// The operations of the interface that the tests serve.
const (
	opAddOne = iota
	opEcho   // conformant array of bytes, both ways
	opSource // that many bytes
	opBlock  // until the call is cancelled or let go
	opPanic
	opWho // account, auth type and level, keys
	opUnused
	opOpen // context handle
	opUse
	opCloseHandle
	opFail // with the fault that is sent
	opCount
)

// echo implements it.
type echo struct {
	entered chan *rpc.Call // a blocked call, if anybody listens
	letGo   chan struct{}
	rundown chan string
}

func newEcho() *echo {
	return &echo{entered: make(chan *rpc.Call, 64), letGo: make(chan struct{}), rundown: make(chan string, 64)}
}

func (s *echo) addOne(_ context.Context, _ *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
	v := in.Uint32()
	if err := in.Err(); err != nil {
		return err
	}
	if in.Remaining() != 0 {
		return fmt.Errorf("%d bytes too many", in.Remaining())
	}
	out.Uint32(v + 1)
	return nil
}

func (s *echo) echo(_ context.Context, _ *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
	n := in.Conformance()
	b := in.Uint8s(n, "data")
	if err := in.Err(); err != nil {
		return err
	}
	out.Conformance(len(b))
	out.Uint8s(b)
	return nil
}

func (s *echo) source(_ context.Context, _ *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
	n := int(in.Uint32())
	if err := in.Err(); err != nil {
		return err
	}
	out.Conformance(n)
	for i := range n {
		out.Uint8(byte(i))
	}
	return nil
}

func (s *echo) block(ctx context.Context, call *rpc.Call, _ *ndr.Decoder, out *ndr.Encoder) error {
	s.entered <- call
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.letGo:
		out.Uint32(call.CallID)
		return nil
	}
}

func (s *echo) who(_ context.Context, call *rpc.Call, _ *ndr.Decoder, out *ndr.Encoder) error {
	out.String16(call.Token.Account)
	out.Uint8(call.AuthType)
	out.Uint8(uint8(call.AuthLevel))
	out.String16(fmt.Sprintf("%s|%s|%s|%s|%x|%x", call.Transport, call.Endpoint, call.ClientName, call.Object, call.SessionKey, call.AuthSessionKey))
	return nil
}

func (s *echo) open(_ context.Context, call *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
	name := in.String16("name")
	h, err := call.Handles.Open(call, name, func() { s.rundown <- name })
	if err != nil {
		return err
	}
	h.EncodeBody(out)
	return nil
}

func (s *echo) use(_ context.Context, call *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
	var h rpc.ContextHandle
	h.DecodeBody(in)
	name, err := rpc.HandleValue[string](call, h)
	if err != nil {
		return err
	}
	out.String16(name)
	return nil
}

func (s *echo) closeHandle(_ context.Context, call *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
	var h rpc.ContextHandle
	h.DecodeBody(in)
	return call.Handles.Close(h)
}

func (s *echo) fail(_ context.Context, _ *rpc.Call, in *ndr.Decoder, _ *ndr.Encoder) error {
	return fmt.Errorf("as asked: %w", rpc.Fault(in.Uint32()))
}

func (s *echo) panics(context.Context, *rpc.Call, *ndr.Decoder, *ndr.Encoder) error {
	panic("as asked")
}

type method func(*echo, context.Context, *rpc.Call, *ndr.Decoder, *ndr.Encoder) error

func op(name string, m method) rpc.Op {
	return rpc.Op{Name: name, Invoke: func(ctx context.Context, impl any, call *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
		return m(impl.(*echo), ctx, call, in, out)
	}}
}

func newInterface(name, uuid string) *rpc.Interface {
	i := &rpc.Interface{Name: name, UUID: nt.MustGUID(uuid), Major: 1, Minor: 2, Ops: make([]rpc.Op, opCount),
		Implements: func(impl any) bool { _, ok := impl.(*echo); return ok }}
	i.Ops[opAddOne] = op("AddOne", (*echo).addOne)
	i.Ops[opEcho] = op("Echo", (*echo).echo)
	i.Ops[opSource] = op("Source", (*echo).source)
	i.Ops[opBlock] = op("Block", (*echo).block)
	i.Ops[opPanic] = op("Panic", (*echo).panics)
	i.Ops[opWho] = op("Who", (*echo).who)
	i.Ops[opOpen] = op("Open", (*echo).open)
	i.Ops[opUse] = op("Use", (*echo).use)
	i.Ops[opCloseHandle] = op("Close", (*echo).closeHandle)
	i.Ops[opFail] = op("Fail", (*echo).fail)
	return i
}

var (
	echoInterface   = newInterface("echo", "7c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b01")
	secondInterface = newInterface("second", "7c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b02")
	absentInterface = newInterface("absent", "7c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b03")

	accounts = ntlmtest.Accounts{"alice": "secret"}
	ntlmMech = ntlm.NewMechanism(ntlm.Config{Authority: accounts})
	mechs    = map[uint8]auth.Mechanism{
		rpc.AuthTypeNTLM:   ntlmMech,
		rpc.AuthTypeSPNEGO: spnego.NewMechanism(spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: ntlmMech}),
	}
)

func ntlmAuth(typ uint8, level rpc.AuthLevel, password string) *client.Auth {
	init := ntlm.NewInitiator(ntlm.Credentials{User: "alice", Password: password}, ntlm.InitiatorConfig{})
	if typ == rpc.AuthTypeSPNEGO {
		init = spnego.NewInitiator(spnego.MechInitiator{OID: spnego.OIDNTLM, Name: "NTLM", Initiator: init})
	}
	return &client.Auth{Type: typ, Level: level, Initiator: init}
}

// serve makes a server with both interfaces, which ends with the test.
func serve(t testing.TB, cfg server.Config, opts ...server.Option) (*server.Server, *echo) {
	t.Helper()
	if cfg.Mechanisms == nil {
		cfg.Mechanisms = mechs
	}
	s, impl := server.New(cfg), newEcho()
	for _, i := range []*rpc.Interface{echoInterface, secondInterface} {
		if err := s.Register(i, impl, opts...); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		s.Close()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, impl
}

// connect gives the client's end of a new connection: of TCP, or of memory.
func connect(t testing.TB, s *server.Server, tcp bool) net.Conn {
	t.Helper()
	if !tcp {
		a, b := net.Pipe()
		go s.ServeConn(context.Background(), served(b))
		return a
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		if b, err := l.Accept(); err == nil {
			go s.ServeConn(context.Background(), served(b))
		}
	})
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	return a
}

func newClient(t testing.TB, s *server.Server, cfg client.Config) *client.Conn {
	t.Helper()
	c := client.NewConn(connect(t, s, false), cfg)
	t.Cleanup(func() { c.Close() })
	return c
}

func bind(t testing.TB, c *client.Conn, i *rpc.Interface, a *client.Auth) *client.Binding {
	t.Helper()
	b, err := c.Bind(context.Background(), i, a)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var bg = context.Background()

func addOne(ctx context.Context, b rpc.Caller, v uint32) (r uint32, err error) {
	err = b.Call(ctx, opAddOne, func(e *ndr.Encoder) { e.Uint32(v) }, func(d *ndr.Decoder) error { r = d.Uint32(); return nil })
	return r, err
}

func echoBytes(ctx context.Context, b rpc.Caller, v []byte) (r []byte, err error) {
	err = b.Call(ctx, opEcho, func(e *ndr.Encoder) { e.Conformance(len(v)); e.Uint8s(v) },
		func(d *ndr.Decoder) error { r = d.Uint8s(d.Conformance(), ""); return nil })
	return r, err
}

func mustAddOne(t testing.TB, b rpc.Caller) {
	t.Helper()
	if v, err := addOne(bg, b, 41); v != 42 || err != nil {
		t.Fatalf("AddOne = %d, %v", v, err)
	}
}

type identity struct {
	account    string
	typ, level uint8
	rest       string
}

func who(t testing.TB, b rpc.Caller) (w identity) {
	t.Helper()
	err := b.Call(bg, opWho, nil, func(d *ndr.Decoder) error {
		w = identity{d.String16(""), d.Uint8(), d.Uint8(), d.String16("")}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}
