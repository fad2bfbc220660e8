package host

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"lwio/cmd/internal/metrics"
	"lwio/gen/echo"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/pipes"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/state"
)

// TestMetrics: what is counted comes over the socket in the format, an operation of several servers once.
func TestMetrics(t *testing.T) {
	m := manager(t)
	path := filepath.Join(t.TempDir(), "m.sock")
	h, err := Start(t.Context(), m, []Service{Echo()}, server.Config{Logger: slog.New(slog.DiscardHandler)}, Endpoints{Local: filepath.Join(t.TempDir(), "l"), Token: state.NewUnixTokens(nil).ForUID,
		Control: Control{Name: "test", Metrics: path, Families: func(context.Context) ([]metrics.Family, error) {
			f := metrics.Family{Name: "own", Help: "Its own.", Type: metrics.Gauge}
			f.Add(7)
			return []metrics.Family{f}, nil
		}}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Stop(context.Background())
	nc, err := pipes.Dial(t.Context(), m, "rpcecho", pipes.DialConfig{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	c := client.NewConn(nc, client.Config{})
	defer c.Close()
	b, err := c.Bind(t.Context(), echo.RpcechoInterface, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := echo.NewClient(b).AddOne(t.Context(), &echo.AddOneRequest{InData: 1}); err != nil {
			t.Fatal(err)
		}
	}
	hc := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	res, err := hc.Get("http://lwio/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := metrics.Parse(text); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	const labels = `{interface="rpcecho",operation="AddOne",opnum="0"`
	for _, want := range []string{"lwio_rpc_calls_total" + labels + "} 3\n", "lwio_rpc_stub_bytes_total" + labels + `,direction="out"} 12` + "\n", "lwio_rpc_call_seconds_count" + labels + "} 3\n",
		"lwio_rpc_call_seconds_bucket" + labels + `,le="+Inf"} 3` + "\n", `lwio_rpc_connections{service="echo"} 1` + "\n", "own 7\n", "lwio_rpc_refusals_total 0\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestControlPipe: the pipe is for administrators of this machine.
func TestControlPipe(t *testing.T) {
	m := manager(t)
	h, err := Start(t.Context(), m, nil, server.Config{}, Endpoints{Control: Control{Name: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Stop(context.Background())
	tokens := state.NewUnixTokens(nil)
	if _, err := pipes.Dial(t.Context(), m, ControlPrefix+"test", pipes.DialConfig{Token: tokens.ForUID(4711, 4711)}); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("a plain user: %v", err)
	}
	if _, err := pipes.Dial(t.Context(), m, ControlPrefix+"test", pipes.DialConfig{Token: tokens.ForUID(0, 0), Contexts: []any{&api.Peer{Address: "192.0.2.1:1"}}}); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("an administrator of the network: %v", err)
	}
	if c, err := pipes.Dial(t.Context(), m, ControlPrefix+"test", pipes.DialConfig{Token: tokens.ForUID(0, 0)}); err != nil {
		t.Errorf("an administrator: %v", err)
	} else {
		c.Close()
	}
}

// TestTokenOf: a local account is known with its groups, a name or SID of the authority's without.
func TestTokenOf(t *testing.T) {
	a := accounts(t)
	if _, err := a.Add(t.Context(), state.NewAccount{Name: "alice", Password: "Passw0rd.1", Admin: true}); err != nil {
		t.Fatal(err)
	}
	of := TokenOf(a)
	for name, admin := range map[string]bool{"alice": true, `host\alice`: true, "BUILTIN\\Users": false, "S-1-5-32-545": false} {
		tok, err := of(t.Context(), name)
		if err != nil || tok.IsAdmin() != admin || !tok.HasSID(nt.SIDAuthenticatedUsers) {
			t.Errorf("%s: %+v %v", name, tok, err)
		}
	}
	for _, name := range []string{"bob", `other\alice`, "S-1-5-21-9-9-9-9"} {
		if tok, err := of(t.Context(), name); err == nil {
			t.Errorf("%s: %+v", name, tok)
		}
	}
}
