package mgmt_test

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"lwio/gen/echo"
	gen "lwio/gen/mgmt"
	"lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/mgmt"
)

func principal(authType uint8) string {
	switch authType {
	case rpc.AuthTypeNTLM, rpc.AuthTypeSPNEGO, rpc.AuthTypeKerberos:
		return "host/server"
	}
	return ""
}

// serve returns a server with mgmt and these interfaces besides.
func serve(t *testing.T, cfg mgmt.Config, others ...*rpc.Interface) *server.Server {
	t.Helper()
	s := server.New(server.Config{})
	t.Cleanup(func() { s.Close() })
	if err := mgmt.Register(s, cfg); err != nil {
		t.Fatal(err)
	}
	for _, i := range others {
		var impl any = echo.UnimplementedRpcechoServer{}
		if i == srvsvc.SrvsvcInterface {
			impl = srvsvc.UnimplementedSrvsvcServer{}
		}
		if err := s.Register(i, impl); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func dial(t *testing.T, s *server.Server) *gen.Client {
	t.Helper()
	a, b := net.Pipe()
	go s.ServeConn(context.Background(), a)
	c := client.NewConn(b, client.Config{})
	t.Cleanup(func() { c.Close() })
	bound, err := c.Bind(t.Context(), gen.MgmtInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return gen.NewClient(bound)
}

func TestInqIfIds(t *testing.T) {
	for _, tt := range []struct {
		others []*rpc.Interface
		want   gen.RpcMgmtInqIfIdsResponse
	}{
		{nil, gen.RpcMgmtInqIfIdsResponse{Status: 1817}},
		{[]*rpc.Interface{echo.RpcechoInterface, srvsvc.SrvsvcInterface}, gen.RpcMgmtInqIfIdsResponse{IfIdVector: &gen.RpcIfIdVectorT{Count: 2, IfId: []*gen.RpcIfIdT{
			{Uuid: nt.MustGUID("60a15ec5-4de8-11d7-a637-005056a20182"), VersMajor: 1},
			{Uuid: nt.MustGUID("4b324fc8-1670-01d3-1278-5a47bf6ee188"), VersMajor: 3},
		}}}},
	} {
		out, err := dial(t, serve(t, mgmt.Config{}, tt.others...)).RpcMgmtInqIfIds(t.Context(), &gen.RpcMgmtInqIfIdsRequest{})
		if err != nil || !reflect.DeepEqual(*out, tt.want) {
			t.Errorf("%d others: %+v, %v", len(tt.others), out, err)
		}
	}
}

func TestInqStats(t *testing.T) {
	c := dial(t, serve(t, mgmt.Config{}))
	for i, count := range []uint32{4, 0, 1, 3, 5, 0xFFFFFFFF} {
		out, err := c.RpcMgmtInqStats(t.Context(), &gen.RpcMgmtInqStatsRequest{Count: count})
		n := uint32(i)
		// A bind and the requests so far; its ack and the responses.
		want := []uint32{n + 1, 0, n + 2, n + 1}[:min(count, 4)]
		if err != nil || out.Status != 0 || out.Count != uint32(len(want)) || len(want) > 0 && !reflect.DeepEqual(out.Statistics, want) {
			t.Errorf("%d counters: %+v, %v, want %d", count, out, err, want)
		}
	}
}

func TestListening(t *testing.T) {
	c := dial(t, serve(t, mgmt.Config{}))
	for range 2 {
		is, err := c.RpcMgmtIsServerListening(t.Context(), &gen.RpcMgmtIsServerListeningRequest{})
		if err != nil || *is != (gen.RpcMgmtIsServerListeningResponse{Return: 1}) {
			t.Errorf("is listening: %+v, %v", is, err)
		}
		stop, err := c.RpcMgmtStopServerListening(t.Context(), &gen.RpcMgmtStopServerListeningRequest{})
		if err != nil || stop.Status != 5 {
			t.Errorf("stop listening: %+v, %v", stop, err)
		}
	}
}

func TestInqPrincName(t *testing.T) {
	c := dial(t, serve(t, mgmt.Config{Principal: principal}))
	bare := dial(t, serve(t, mgmt.Config{}))
	for _, tt := range []struct {
		c         *gen.Client
		typ, size uint32
		name      string
		status    uint32
		err       error
	}{
		{c, 10, 100, "host/server", 0, nil},
		{c, 9, 12, "host/server", 0, nil},
		{c, 16, 4096, "host/server", 0, nil},
		{c, 10, 11, "", 122, nil},
		{c, 10, 1, "", 122, nil},
		{c, 10, 0, "", 0, rpc.FaultNDR},
		{c, 0, 0, "", 0, rpc.FaultNDR},
		{c, 10, 4097, "", 0, rpc.FaultNDR},
		{c, 0, 100, "", 1747, nil},
		{c, 68, 1, "", 1747, nil},
		{c, 256 + 10, 100, "", 1747, nil},
		{bare, 10, 100, "", 1747, nil},
	} {
		out, err := tt.c.RpcMgmtInqPrincName(t.Context(), &gen.RpcMgmtInqPrincNameRequest{AuthnProto: tt.typ, PrincNameSize: tt.size})
		if !errors.Is(err, tt.err) || err == nil && (out.PrincName != tt.name || out.Status != tt.status) {
			t.Errorf("type %d, size %d: %+v, %v", tt.typ, tt.size, out, err)
		}
	}
}

// TestImpacket lists the interfaces as rpcmap.py does.
func TestImpacket(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import impacket").Run() != nil {
		t.Skip("peer missing: impacket")
	}
	s := serve(t, mgmt.Config{Principal: principal}, echo.RpcechoInterface, srvsvc.SrvsvcInterface)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	const script = `
import sys
from impacket.dcerpc.v5 import transport, mgmt
from impacket import uuid
d = transport.DCERPCTransportFactory("ncacn_ip_tcp:127.0.0.1[%s]" % sys.argv[1]).get_dce_rpc()
d.connect()
d.bind(mgmt.MSRPC_UUID_MGMT)
v = mgmt.hinq_if_ids(d)["if_id_vector"]
for i in range(v["count"]):
    print("%s v%s" % uuid.bin_to_uuidtup(v["if_id"][i]["Data"].getData()))
print(len(mgmt.hinq_stats(d)["statistics"]), mgmt.his_server_listening(d)["status"])
try:
    mgmt.hstop_server_listening(d)
except Exception as e:
    print(e)
print(b"".join(mgmt.hinq_princ_name(d, authn_proto=10, princ_name_size=64)["princ_name"]))
`
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, python, "-c", script, port).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"60A15EC5-4DE8-11D7-A637-005056A20182 v1.0", "4B324FC8-1670-01D3-1278-5A47BF6EE188 v3.0", "4 0", "access_denied", "host/server"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
