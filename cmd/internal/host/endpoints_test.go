package host

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"lwio/cmd/internal/config"
	"lwio/gen/echo"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/epmapper"
	"lwio/services/state"
)

// at lists where the registry says that echo is.
func at(t *testing.T, r *epmapper.Registry, transport rpc.Transport) []string {
	t.Helper()
	var out []string
	for _, e := range r.Entries() {
		x, err := epmapper.ParseEndpoint(e.Tower)
		if err != nil {
			t.Fatal(err)
		}
		if x.Interface == epmapper.SyntaxOf(echo.RpcechoInterface) && x.Transport == transport {
			out = append(out, x.Endpoint)
		}
	}
	return out
}

// TestEndpoints: a service is served on its pipe, at a local endpoint, at the port that all share and at one of its own, and the registry knows all four.
func TestEndpoints(t *testing.T) {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	taken := probe.Addr().(*net.TCPAddr).Port
	dir := filepath.Join(t.TempDir(), "l")
	registry := new(epmapper.Registry)
	h, err := Start(t.Context(), manager(t), []Service{Echo(), Mapper(registry, nil)}, server.Config{}, Endpoints{Local: dir, LocalRequired: true,
		Token: state.NewUnixTokens(nil).ForUID, Registry: registry,
		TCP: []config.PortRange{{Host: "127.0.0.1"}, {Host: "127.0.0.1", Low: uint16(taken), High: uint16(min(taken+50, 65535))}}})
	if err != nil {
		t.Fatal(err)
	}
	if p := at(t, registry, rpc.TransportNamedPipe); !slices.Equal(p, []string{`\pipe\rpcecho`}) {
		t.Errorf("pipes %v", p)
	}
	ports, local := at(t, registry, rpc.TransportTCP), at(t, registry, rpc.TransportLocal)
	if len(ports) != 2 || slices.Contains(ports, strconv.Itoa(taken)) || !slices.Equal(local, []string{"rpcecho"}) {
		t.Errorf("ports %v (%d is taken), local %v", ports, taken, local)
	}
	var conns []net.Conn
	for _, p := range ports {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", p))
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for _, name := range []string{"rpcecho", "RPCECHO"} {
		c, err := DialLocal(t.Context(), dir, name)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for _, nc := range conns {
		c := client.NewConn(nc, client.Config{})
		b, err := c.Bind(t.Context(), echo.RpcechoInterface, nil)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := echo.NewClient(b).AddOne(t.Context(), &echo.AddOneRequest{InData: 1}); err != nil || out.OutData != 2 {
			t.Errorf("%s: %+v %v", nc.RemoteAddr(), out, err)
		}
		c.Close()
	}
	// Another daemon registers what it serves, as long as it is there.
	c, err := announce(t.Context(), dir, h.at.entries(h.servers[0].Server, "apart", epmapper.Endpoint{Transport: rpc.TransportLocal, Endpoint: "apart"}))
	if err != nil {
		t.Fatal(err)
	}
	if local := at(t, registry, rpc.TransportLocal); !slices.Equal(local, []string{"rpcecho", "apart"}) {
		t.Errorf("after the other daemon came: %v", local)
	}
	c.Close()
	h.Stop(context.Background())
	if left := registry.Entries(); len(left) != 0 {
		t.Errorf("left after the end: %+v", left)
	}
	if _, err := DialLocal(t.Context(), dir, "../l/rpcecho"); err == nil {
		t.Error("a path is taken for a name")
	}
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("left in the folder: %v", names)
	}
}
