package rpctest_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"lwio/gen/echo"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/rpctest"
	"lwio/rpc/server"
)

// sampler serves three operations of the sample interface.
type sampler struct {
	echo.UnimplementedRpcechoServer
	add uint32
}

func (s sampler) AddOne(_ context.Context, _ *rpc.Call, in *echo.AddOneRequest) (*echo.AddOneResponse, error) {
	return &echo.AddOneResponse{OutData: in.InData + s.add}, nil
}

func (sampler) EchoData(_ context.Context, _ *rpc.Call, in *echo.EchoDataRequest) (*echo.EchoDataResponse, error) {
	return &echo.EchoDataResponse{OutData: in.InData}, nil
}

func (sampler) TestCall(_ context.Context, _ *rpc.Call, in *echo.TestCallRequest) (*echo.TestCallResponse, error) {
	return &echo.TestCallResponse{S2: &in.S1}, nil
}

// counter is an interface with context handles: open one, count with it, close it.
var counter = &rpc.Interface{Name: "counter", UUID: nt.MustGUID("7c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b02"), Major: 1, Implements: func(any) bool { return true }, Ops: []rpc.Op{
	{Name: "Open", Invoke: func(_ context.Context, _ any, call *rpc.Call, _ *ndr.Decoder, out *ndr.Encoder) error {
		h, err := call.Handles.Open(call, new(uint32), nil)
		h.EncodeBody(out)
		return err
	}},
	{Name: "Count", Invoke: func(_ context.Context, _ any, call *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
		var h rpc.ContextHandle
		h.DecodeBody(in)
		n, err := rpc.HandleValue[*uint32](call, h)
		if err != nil {
			return err
		}
		*n++
		out.Uint32(*n)
		return nil
	}},
	{Name: "Close", Invoke: func(_ context.Context, _ any, call *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
		var h rpc.ContextHandle
		h.DecodeBody(in)
		return call.Handles.Close(h)
	}},
}}

// connect serves interfaces over a pipe, and binds.
func connect(t testing.TB, serve func(*server.Server)) (*server.Server, func(context.Context, rpctest.Name) (rpc.Caller, error)) {
	t.Helper()
	s := server.New(server.Config{})
	serve(s)
	near, far := rpctest.Pipe(rpctest.Peer{})
	done := make(chan struct{})
	go func() { defer close(done); s.ServeConn(context.Background(), far) }()
	c := client.NewConn(near, client.Config{})
	t.Cleanup(func() { c.Close(); <-done })
	return s, func(ctx context.Context, n rpctest.Name) (rpc.Caller, error) {
		return c.Bind(ctx, &rpc.Interface{Name: n.Name, UUID: n.UUID, Major: n.Major, Minor: n.Minor}, nil)
	}
}

func register(t testing.TB, i *rpc.Interface, impl any) func(*server.Server) {
	return func(s *server.Server) {
		if err := s.Register(i, impl); err != nil {
			t.Fatal(err)
		}
	}
}

// samples makes some calls.
func samples(t testing.TB, c rpc.Caller) {
	t.Helper()
	cl := echo.NewClient(c)
	if out, err := cl.AddOne(bg, &echo.AddOneRequest{InData: 41}); err != nil || out.OutData != 42 {
		t.Fatal(out, err)
	}
	data := bytes.Repeat([]byte("0123456789"), 1000)
	if out, err := cl.EchoData(bg, &echo.EchoDataRequest{InData: data}); err != nil || !bytes.Equal(out.OutData, data) {
		t.Fatal(err)
	}
	if out, err := cl.TestCall(bg, &echo.TestCallRequest{S1: "ü"}); err != nil || *out.S2 != "ü" {
		t.Fatal(err)
	}
	if _, err := cl.TestSleep(bg, &echo.TestSleepRequest{}); !errors.Is(err, rpc.FaultOpRange) {
		t.Fatal(err)
	}
}

// What the two ends take down of the same calls is the same.
func TestRecorder(t *testing.T) {
	var there, here rpctest.Recorder
	_, bind := connect(t, register(t, there.Interface(echo.RpcechoInterface), sampler{add: 1}))
	b, err := bind(bg, rpctest.NameOf(echo.RpcechoInterface))
	if err != nil {
		t.Fatal(err)
	}
	samples(t, here.Caller(echo.RpcechoInterface, b))
	a, z := here.Recording(), there.Recording()
	if len(a.Exchanges) != 4 || !reflect.DeepEqual(a, z) {
		t.Fatalf("the client's recording:\n%s\nthe server's:\n%s", a.Append(nil), z.Append(nil))
	}
	if x := a.Exchanges[0]; x.Op != "AddOne" || !bytes.Equal(x.Request, []byte{41, 0, 0, 0}) || !bytes.Equal(x.Response, []byte{42, 0, 0, 0}) {
		t.Errorf("%+v", x)
	}
	if x := a.Exchanges[3]; x.Fault != rpc.FaultOpRange || x.Response != nil {
		t.Errorf("%+v", x)
	}
}

func record(t testing.TB, i *rpc.Interface, impl any, calls func(testing.TB, rpc.Caller)) rpctest.Recording {
	t.Helper()
	var r rpctest.Recorder
	_, bind := connect(t, register(t, i, impl))
	b, err := bind(bg, rpctest.NameOf(i))
	if err != nil {
		t.Fatal(err)
	}
	calls(t, r.Caller(i, b))
	return r.Recording()
}

func TestPlay(t *testing.T) {
	rec := record(t, echo.RpcechoInterface, sampler{add: 1}, samples)
	_, bind := connect(t, register(t, echo.RpcechoInterface, sampler{add: 1}))
	if d, err := (&rpctest.Player{Bind: bind}).Play(bg, rec); err != nil || len(d) != 0 {
		t.Errorf("against the same: %v, %v", d, err)
	}
	_, bind = connect(t, register(t, echo.RpcechoInterface, sampler{add: 0x102}))
	d, err := (&rpctest.Player{Bind: bind}).Play(bg, rec)
	if err != nil || len(d) != 1 || d[0].Index != 0 || d[0].Offset != 0 || !strings.Contains(d[0].String(), "AddOne: responses of 4 octets, and recorded 4, differ at octet 0") {
		t.Errorf("against another: %v, %v", d, err)
	}
	same := func(recorded, got rpctest.Exchange) bool { return recorded.Op == "AddOne" && len(got.Response) == 4 }
	if d, err := (&rpctest.Player{Bind: bind, Same: same}).Play(bg, rec); err != nil || len(d) != 0 {
		t.Errorf("with the difference allowed: %v, %v", d, err)
	}
	_, bind = connect(t, register(t, echo.RpcechoInterface, echo.UnimplementedRpcechoServer{}))
	d, err = (&rpctest.Player{Bind: bind}).Play(bg, rec)
	if err != nil || len(d) != 3 || d[0].Fault != rpc.FaultOpRange || d[0].Offset != -1 {
		t.Errorf("against nothing: %v, %v", d, err)
	}
	for i := range rec.Exchanges {
		rec.Exchanges[i].Syntax = ndr.NDR64
	}
	if _, err := (&rpctest.Player{Bind: bind}).Play(bg, rec); !errors.Is(err, rpctest.ErrSyntax) {
		t.Errorf("in another syntax: %v", err)
	}
}

// count opens two handles and uses them by turns.
func count(t testing.TB, c rpc.Caller) {
	t.Helper()
	var h [2]rpc.ContextHandle
	for i := range h {
		if err := c.Call(bg, 0, nil, func(d *ndr.Decoder) error { h[i].DecodeBody(d); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 4 {
		if err := c.Call(bg, 1, h[n%2].EncodeBody, func(d *ndr.Decoder) error {
			if got := d.Uint32(); got != uint32(n/2+1) {
				t.Errorf("count %d is %d", n, got)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Call(bg, 2, h[0].EncodeBody, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Call(bg, 1, h[0].EncodeBody, nil); !errors.Is(err, rpc.FaultContextMismatch) {
		t.Fatal(err)
	}
}

// A server gives out handles of its own; the calls that follow have them.
func TestPlayHandles(t *testing.T) {
	rec := record(t, counter, nil, count)
	_, bind := connect(t, register(t, counter, nil))
	if d, err := (&rpctest.Player{Bind: bind}).Play(bg, rec); err != nil || len(d) != 0 {
		t.Errorf("%v, %v", d, err)
	}
}

// A server that is a recording says to the client what the other said; its handles are the recorded ones.
func TestPlayback(t *testing.T) {
	for _, tt := range []struct {
		iface *rpc.Interface
		impl  any
		calls func(testing.TB, rpc.Caller)
	}{{echo.RpcechoInterface, sampler{add: 1}, samples}, {counter, nil, count}} {
		rec := record(t, tt.iface, tt.impl, tt.calls)
		p := rpctest.NewPlayback(rec)
		_, bind := connect(t, func(s *server.Server) {
			for _, i := range p.Interfaces() {
				register(t, i, nil)(s)
			}
		})
		b, err := bind(bg, rpctest.NameOf(tt.iface))
		if err != nil {
			t.Fatal(err)
		}
		tt.calls(t, b)
		if left, un := p.Left(), p.Unexpected(); len(left) != 0 || len(un) != 0 {
			t.Errorf("left %d, unexpected %d", len(left), len(un))
		}
		if err := b.Call(bg, 0, func(e *ndr.Encoder) { e.Uint32(0x55) }, nil); !errors.Is(err, rpc.FaultUnspecified) {
			t.Errorf("what was not recorded: %v", err)
		}
		if un := p.Unexpected(); len(un) != 1 || !bytes.Equal(un[0].Request, []byte{0x55, 0, 0, 0}) {
			t.Errorf("unexpected: %+v", un)
		}
	}
}
