package host

import (
	"context"
	"testing"

	"lwio/gen/echo"
	"lwio/gen/lsarpc"
	"lwio/pipes"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
	"lwio/services/state"
)

// TestTogether: every pipe has every interface, and the association group of one pipe can be joined over another.
func TestTogether(t *testing.T) {
	m := manager(t)
	h, err := Start(t.Context(), m, []Service{Together("both", Echo(), Lsarpc(accounts(t), ""))}, server.Config{}, Endpoints{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Stop(context.Background())
	bind := func(pipe string, iface *rpc.Interface, group uint32) (*client.Conn, error) {
		t.Helper()
		conn, err := pipes.Dial(t.Context(), m, pipe, pipes.DialConfig{Message: true, Token: state.NewUnixTokens(nil).ForUID(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		c := client.NewConn(conn, client.Config{AssocGroup: group})
		t.Cleanup(func() { c.Close() })
		_, err = c.Bind(t.Context(), iface, nil)
		return c, err
	}
	first, err := bind("rpcecho", lsarpc.LsarpcInterface, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bind("lsass", echo.RpcechoInterface, first.AssocGroup()); err != nil {
		t.Errorf("the group of another pipe: %v", err)
	}
	if _, err := bind("lsass", echo.RpcechoInterface, ^first.AssocGroup()); err == nil {
		t.Error("a group that there is none of")
	}
}
