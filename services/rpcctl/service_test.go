package rpcctl_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"lwio/gen/echo"
	gen "lwio/gen/rpcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
	"lwio/services/rpcctl"
)

type sample struct {
	echo.UnimplementedRpcechoServer
}

func (sample) AddOne(_ context.Context, _ *rpc.Call, in *echo.AddOneRequest) (*echo.AddOneResponse, error) {
	return &echo.AddOneResponse{OutData: in.InData + 1}, nil
}

func (sample) TestCall(_ context.Context, _ *rpc.Call, in *echo.TestCallRequest) (*echo.TestCallResponse, error) {
	return &echo.TestCallResponse{S2: &in.S1}, nil
}

var (
	alice = nt.NewSID(5, 21, 1, 2, 3, 1000)
	admin = &nt.Token{User: nt.NewSID(22, 1, 0), Account: "root", Groups: []nt.Group{{SID: nt.SIDBuiltinAdministrators, Attributes: nt.SEGroupDefault}}}
)

// env is a server of echo and the control of it.
type env struct {
	t       *testing.T
	server  *server.Server
	tracer  *server.Tracer
	control *server.Server
}

func newEnv(t *testing.T, rules ...server.Rule) *env {
	e := &env{t: t, tracer: new(server.Tracer)}
	e.server = server.New(server.Config{Tracer: e.tracer, Policy: server.NewPolicy(rules...)})
	if err := e.server.Register(echo.RpcechoInterface, sample{}); err != nil {
		t.Fatal(err)
	}
	svc, err := rpcctl.New(rpcctl.Config{Tracer: e.tracer,
		Servers: func() []rpcctl.Served {
			return []rpcctl.Served{{Service: "echo", Endpoints: []string{`ncacn_np:[\pipe\rpcecho]`}, Server: e.server}}
		},
		Client: func(i *rpc.Interface) any {
			if i == echo.RpcechoInterface {
				return echo.NewClient(nil)
			}
			return nil
		},
		Token: func(_ context.Context, name string) (*nt.Token, error) {
			if name != "alice" {
				return nil, nt.StatusNoneMapped
			}
			return &nt.Token{User: alice, Account: name}, nil
		},
		Metrics: func(context.Context) ([]byte, error) { return []byte("# nothing\n"), nil }})
	if err != nil {
		t.Fatal(err)
	}
	e.control = server.New(server.Config{})
	if err := e.control.Register(gen.RpcctlInterface, svc); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.server.Close(); e.control.Close() })
	return e
}

// peer is a connection that says who is at the other end.
type peer struct {
	net.Conn
	token              *nt.Token
	transport, address string
}

func (p peer) Token() *nt.Token            { return p.token }
func (p peer) Transport() (string, string) { return p.transport, p.address }

func (e *env) bind(s *server.Server, i *rpc.Interface, p peer) *client.Binding {
	e.t.Helper()
	near, far := net.Pipe()
	p.Conn = far
	go s.ServeConn(context.Background(), p)
	c := client.NewConn(near, client.Config{NDR64: true})
	e.t.Cleanup(func() { c.Close() })
	b, err := c.Bind(e.t.Context(), i, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	return b
}

func (e *env) client(token *nt.Token) *gen.Client {
	return gen.NewClient(e.bind(e.control, gen.RpcctlInterface, peer{token: token, transport: "ncalrpc"}))
}

// Nobody but an administrator of the machine, by a local transport, is told of anything.
func TestAdmitted(t *testing.T) {
	e := newEnv(t)
	for name, c := range map[string]*gen.Client{
		"nobody":     e.client(nil),
		"a user":     e.client(&nt.Token{User: alice}),
		"by network": gen.NewClient(e.bind(e.control, gen.RpcctlInterface, peer{token: admin, transport: "ncacn_np"})),
	} {
		enum, err1 := c.RpcctlPolicyEnum(t.Context(), &gen.RpcctlPolicyEnumRequest{})
		test, err2 := c.RpcctlPolicyTest(t.Context(), &gen.RpcctlPolicyTestRequest{InterfaceName: "rpcecho", Operation: "0", Caller: "alice", Level: "none", Transport: "ncacn_np"})
		open, err3 := c.RpcctlTraceOpen(t.Context(), &gen.RpcctlTraceOpenRequest{})
		text, err4 := c.RpcctlMetrics(t.Context(), &gen.RpcctlMetricsRequest{})
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, code := range []uint32{enum.Return, test.Return, open.Return, text.Return} {
			if nt.WinError(code) != nt.WErrAccessDenied {
				t.Errorf("%s: %v", name, nt.WinError(code))
			}
		}
		if e.tracer.Following() != 0 {
			t.Errorf("%s follows", name)
		}
	}
}

func TestPolicyEnum(t *testing.T) {
	e := newEnv(t, server.Rule{Source: "f:1", MinLevel: rpc.AuthLevelPktIntegrity}, server.Rule{Source: "f:5", Interface: echo.RpcechoInterface.UUID, Opnums: []uint16{0}, Deny: []nt.SID{alice}, Rate: 2.5,
		MinLevel: rpc.AuthLevelPktPrivacy})
	c := e.client(admin)
	name := "RPCECHO"
	res, err := c.RpcctlPolicyEnum(t.Context(), &gen.RpcctlPolicyEnumRequest{InterfaceName: &name})
	if err != nil || res.Return != 0 {
		t.Fatal(res, err)
	}
	got := map[string]string{}
	for _, s := range res.Settings.Settings {
		got[ndr.Text(s.Operation)+"/"+ndr.Text(s.Setting)] = ndr.Text(s.Value) + " <- " + ndr.Text(s.Source)
	}
	for key, want := range map[string]string{
		"/min_level":       "integrity <- f:1",
		"/transports":      "all <- default",
		"/deny":            "nobody <- default",
		"/endpoints":       `ncacn_np:[\pipe\rpcecho] <- default`,
		"AddOne/deny":      alice.String() + " <- f:5",
		"AddOne/rate":      "2.5 a second <- f:5",
		"AddOne/min_level": "privacy <- f:5", "EchoData/min_level": "integrity <- f:1",
	} {
		if got[key] != want {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
	all, err := c.RpcctlPolicyEnum(t.Context(), &gen.RpcctlPolicyEnumRequest{})
	if err != nil || len(all.Settings.Settings) >= len(res.Settings.Settings) {
		t.Errorf("%v, %d settings", err, len(all.Settings.Settings))
	}
	name = "nothing"
	if res, err := c.RpcctlPolicyEnum(t.Context(), &gen.RpcctlPolicyEnumRequest{InterfaceName: &name}); err != nil || nt.WinError(res.Return) != nt.WErrNotFound {
		t.Errorf("%+v %v", res, err)
	}
}

func TestPolicyTest(t *testing.T) {
	e := newEnv(t, server.Rule{Source: "f:1", Opnums: []uint16{0}, Allow: []nt.SID{alice, nt.SIDBuiltinUsers}, Rate: 0.001}, server.Rule{Source: "f:9", Transports: []rpc.Transport{rpc.TransportTCP}, MinLevel: rpc.AuthLevelPacket})
	c := e.client(admin)
	for _, tt := range []struct {
		caller, group, iface, op, level, transport string
		code                                       nt.WinError
		allowed                                    bool
		decides                                    string
	}{
		{"alice", "", "rpcecho", "AddOne", "packet", "ncacn_ip_tcp", 0, true, ""},
		{"alice", "", "rpcecho", "add_one", "packet", "ncacn_ip_tcp", 0, true, ""}, // a rate is not used up
		{alice.String(), "", "rpcecho", "0", "privacy", "ncacn_ip_tcp", 0, true, ""},
		{"alice", "", "rpcecho", "AddOne", "packet", "ncacn_np", 0, false, "f:9 transport"},
		{"alice", "", "rpcecho", "AddOne", "connect", "ncacn_ip_tcp", 0, false, "f:9 authentication level"},
		{"S-1-5-21-9", "", "rpcecho", "AddOne", "packet", "ncacn_ip_tcp", 0, false, "f:1 not allowed"},
		{"S-1-5-21-9", "S-1-5-32-545", "rpcecho", "AddOne", "packet", "ncacn_ip_tcp", 0, true, ""},
		{"anonymous", "", "rpcecho", "AddOne", "packet", "ncacn_ip_tcp", 0, false, "f:1 not allowed"},
		{"S-1-5-21-9", "", "rpcecho", "EchoData", "packet", "ncacn_ip_tcp", 0, true, ""},
		{"bob", "", "rpcecho", "AddOne", "packet", "ncacn_ip_tcp", nt.WErrNoneMapped, false, ""},
		{"alice", "", "samr", "0", "packet", "ncacn_ip_tcp", nt.WErrNotFound, false, ""},
		{"alice", "", "rpcecho", "99", "packet", "ncacn_ip_tcp", nt.WErrNotFound, false, ""},
		{"alice", "", "rpcecho", "0", "high", "ncacn_ip_tcp", nt.WErrInvalidParameter, false, ""},
		{"alice", "", "rpcecho", "0", "packet", "udp", nt.WErrInvalidParameter, false, ""},
	} {
		in := &gen.RpcctlPolicyTestRequest{Caller: tt.caller, InterfaceName: tt.iface, Operation: tt.op, Level: tt.level, Transport: tt.transport}
		if tt.group != "" {
			in.Groups = gen.RPCCTL_SIDS{Count: 1, Sids: []*string{&tt.group}}
		}
		res, err := c.RpcctlPolicyTest(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		decides := ""
		for _, v := range res.Verdicts.Verdicts {
			if r := ndr.Text(v.Refusal); r != "" && decides == "" {
				decides = ndr.Text(v.Source) + " " + r
			}
		}
		if nt.WinError(res.Return) != tt.code || (res.Allowed != 0) != tt.allowed || decides != tt.decides {
			t.Errorf("%+v: %v, allowed %d, %q", tt, nt.WinError(res.Return), res.Allowed, decides)
		}
	}
}

// A trace shows what is called with its parameters, in NDR 2.0 and NDR64, and ends with its handle or its connection.
func TestTrace(t *testing.T) {
	e := newEnv(t, server.Rule{Source: "f:3", Opnums: []uint16{1}, Deny: []nt.SID{alice}})
	c := e.client(admin)
	open, err := c.RpcctlTraceOpen(t.Context(), &gen.RpcctlTraceOpenRequest{InterfaceName: "rpcecho", User: "ALICE"})
	if err != nil || open.Return != 0 {
		t.Fatal(open, err)
	}
	if res, err := c.RpcctlTraceOpen(t.Context(), &gen.RpcctlTraceOpenRequest{InterfaceName: "nothing"}); err != nil || nt.WinError(res.Return) != nt.WErrNotFound {
		t.Errorf("%+v %v", res, err)
	}
	b := e.bind(e.server, echo.RpcechoInterface, peer{token: &nt.Token{User: alice, Account: "alice"}, transport: "ncacn_np", address: `\PIPE\rpcecho`})
	cl := echo.NewClient(b)
	if _, err := cl.TestCall(t.Context(), &echo.TestCallRequest{S1: "hello"}); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.EchoData(t.Context(), &echo.EchoDataRequest{Len: 3, InData: []byte("abc")}); !errors.Is(err, rpc.FaultAccessDenied) {
		t.Fatal(err)
	}
	var list []gen.RPCCTL_RECORD
	for len(list) < 2 {
		res, err := c.RpcctlTraceRead(t.Context(), &gen.RpcctlTraceReadRequest{Trace: open.Trace, Wait: 5000})
		if err != nil || res.Lost != 0 || res.Records.Count == 0 {
			t.Fatal(res, err)
		}
		list = append(list, res.Records.Records...)
	}
	if r := list[0]; ndr.Text(r.Request) != `{"S1":"hello"}` || ndr.Text(r.Response) != `{"S2":"hello"}` || ndr.Text(r.Operation) != "TestCall" || !strings.HasPrefix(ndr.Text(r.Id), "rpc/") || r.Fault != 0 || r.Duration <= 0 {
		t.Errorf("%s %s %+v", ndr.Text(r.Request), ndr.Text(r.Response), r)
	}
	if r := list[1]; ndr.Text(r.Request) != `{"Len":3,"InData":"(3 octets)"}` || ndr.Text(r.Refusal) != "denied" || ndr.Text(r.Rule) != "f:3" || ndr.Text(r.FaultName) == "" {
		t.Errorf("%s %+v", ndr.Text(r.Request), r)
	}
	if res, err := c.RpcctlTraceRead(t.Context(), &gen.RpcctlTraceReadRequest{Trace: open.Trace, Wait: 1}); err != nil || res.Records.Count != 0 {
		t.Errorf("%+v %v", res, err)
	}
	if res, err := c.RpcctlTraceClose(t.Context(), &gen.RpcctlTraceCloseRequest{Trace: open.Trace}); err != nil || !res.Trace.IsZero() || e.tracer.Following() != 0 {
		t.Errorf("%+v %v, %d follow", res, err, e.tracer.Following())
	}
	if _, err := c.RpcctlTraceRead(t.Context(), &gen.RpcctlTraceReadRequest{Trace: open.Trace}); !errors.Is(err, rpc.FaultContextMismatch) {
		t.Errorf("a handle that was closed: %v", err)
	}
}

func TestMetrics(t *testing.T) {
	res, err := newEnv(t).client(admin).RpcctlMetrics(t.Context(), &gen.RpcctlMetricsRequest{})
	if err != nil || string(res.Text) != "# nothing\n" {
		t.Errorf("%+v %v", res, err)
	}
}
