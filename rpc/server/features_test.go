package server_test

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"

	gen "lwio/gen/echo"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/pdu"
	"lwio/rpc/server"
)

// named answers TestCall with its name.
type named struct {
	gen.UnimplementedRpcechoServer
	name   string
	called chan string
}

func (n named) TestCall(context.Context, *rpc.Call, *gen.TestCallRequest) (*gen.TestCallResponse, error) {
	if n.called != nil {
		n.called <- n.name
	}
	return &gen.TestCallResponse{S2: &n.name}, nil
}

// recorded keeps what is written to a connection.
type recorded struct {
	net.Conn
	mu  sync.Mutex
	out bytes.Buffer
}

func (r *recorded) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Write(b)
	return r.Conn.Write(b)
}

func (r *recorded) taken() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := bytes.Clone(r.out.Bytes())
	r.out.Reset()
	return b
}

func serveNamed(t *testing.T, cfg server.Config, opts ...server.Option) *server.Server {
	s := server.New(cfg)
	t.Cleanup(func() { s.Close() })
	if err := s.Register(gen.RpcechoInterface, named{name: "default"}, opts...); err != nil {
		t.Fatal(err)
	}
	return s
}

func nameOf(t *testing.T, b *client.Binding) (string, error) {
	t.Helper()
	out, err := gen.NewClient(b).TestCall(t.Context(), &gen.TestCallRequest{})
	if err != nil {
		return "", err
	}
	return *out.S2, nil
}

// Both sides speak NDR64 only where both are willing.
func TestNDR64(t *testing.T) {
	for _, tt := range []struct {
		server, client, interfaceAlone, want bool
	}{{true, true, false, true}, {false, true, false, false}, {true, false, false, false}, {true, true, true, false}} {
		var opts []server.Option
		if tt.interfaceAlone {
			opts = append(opts, server.NDR20())
		}
		s := serveNamed(t, server.Config{NDR20Only: !tt.server}, opts...)
		b := bind(t, newClient(t, s, client.Config{NDR64: tt.client}), gen.RpcechoInterface, nil)
		if b.NDR64() != tt.want {
			t.Errorf("%+v: NDR64 is %v", tt, b.NDR64())
		}
		if name, err := nameOf(t, b); err != nil || name != "default" {
			t.Errorf("%+v: %q %v", tt, name, err)
		}
	}
}

// NDR64 is little-endian only.
func TestNDR64BigEndian(t *testing.T) {
	s, _ := serve(t, server.Config{})
	nc := connect(t, s, true)
	x := pdu.Bind{MaxXmitFrag: 4280, MaxRecvFrag: 4280, Contexts: []pdu.Context{{Abstract: echoSyntax, Transfer: []pdu.SyntaxID{pdu.NDR64}}}}
	x.CallID, x.Flags = 1, pdu.FirstFrag|pdu.LastFrag
	nc.Write(x.Append(nil))
	readPDU(t, nc)
	nc.Write([]byte{5, 0, 0, 3, 0, 0, 0, 0, 0, 28, 0, 0, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0, opAddOne, 0, 0, 1, 2})
	if _, frag := readPDU(t, nc); faultStatus(t, frag) != rpc.FaultNDR {
		t.Errorf("answer %x", frag)
	}
}

func TestObjects(t *testing.T) {
	one, other := nt.MustGUID("11111111-0000-0000-0000-000000000001"), nt.MustGUID("22222222-0000-0000-0000-000000000002")
	s := serveNamed(t, server.Config{})
	if err := s.RegisterObject(gen.RpcechoInterface, one, named{name: "one"}); err != nil {
		t.Fatal(err)
	}
	if s.RegisterObject(gen.RpcechoInterface, one, named{}) == nil || s.RegisterObject(secondInterface, one, named{}) == nil || s.RegisterObject(gen.RpcechoInterface, other, 5) == nil {
		t.Error("an object twice, of an interface that is not there, or by what does not implement it, is taken")
	}
	typed := serveNamed(t, server.Config{}, server.ObjectsOnly())
	if err := typed.RegisterObject(gen.RpcechoInterface, one, named{name: "one"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		s      *server.Server
		object nt.GUID
		want   string
		err    error
	}{
		{s, one, "one", nil}, {s, other, "default", nil}, {s, nt.GUID{}, "default", nil},
		{typed, one, "one", nil}, {typed, other, "", rpc.FaultUnsupportedType}, {typed, nt.GUID{}, "", rpc.FaultUnsupportedType},
	} {
		b := bind(t, newClient(t, tt.s, client.Config{}), gen.RpcechoInterface, nil).WithObject(tt.object)
		if name, err := nameOf(t, b); name != tt.want || err != tt.err {
			t.Errorf("%s: %q %v", tt.object, name, err)
		}
	}
}

// A maybe call runs and is not answered; what comes after it is.
func TestMaybe(t *testing.T) {
	s := server.New(server.Config{})
	defer s.Close()
	impl := named{name: "maybe", called: make(chan string, 8)}
	if err := s.Register(gen.RpcechoInterface, impl); err != nil {
		t.Fatal(err)
	}
	b := bind(t, newClient(t, s, client.Config{}), gen.RpcechoInterface, nil)
	in := &gen.TestCallRequest{}
	if err := b.CallMaybe(t.Context(), 4, in.MarshalNDR); err != nil {
		t.Fatal(err)
	}
	<-impl.called
	if err := b.CallMaybe(t.Context(), 999, nil); err != nil { // a fault that nobody hears of
		t.Fatal(err)
	}
	if name, err := nameOf(t, b); err != nil || name != "maybe" {
		t.Errorf("%q %v", name, err)
	}
}

// The client sends a verification trailer with its first protected call, and with each where headers are not signed; the server accepts it.
func TestClientTrailer(t *testing.T) {
	signature := []byte{0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71}
	s, _ := serve(t, server.Config{})
	for level, want := range map[rpc.AuthLevel][2]bool{rpc.AuthLevelConnect: {}, rpc.AuthLevelPktIntegrity: {true, false}} {
		r := &recorded{Conn: connect(t, s, true)}
		c := client.NewConn(r, client.Config{})
		b := bind(t, c, echoInterface, ntlmAuth(rpc.AuthTypeNTLM, level, "secret"))
		for i := range want {
			r.taken()
			mustAddOne(t, b)
			if got := bytes.Contains(r.taken(), signature); got != want[i] {
				t.Errorf("level %s, call %d: trailer %v", level, i, got)
			}
		}
		c.Close()
	}
}
