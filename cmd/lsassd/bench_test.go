package main

import (
	"context"
	"testing"

	"lwio/gen/account"
	"lwio/gen/echo"
	"lwio/iomgr/ipc"
	"lwio/pipes"
	"lwio/rpc"
	"lwio/rpc/client"
)

// BenchmarkCall is an RPC call between processes: of a service in lwiod, and of one in lsassd, by way of lwiod.
func BenchmarkCall(b *testing.B) {
	h := newHouse(b)
	h.start("lwiod")
	h.start("lsassd")
	h.eventually("add an account", h.addUser)
	c, err := ipc.Dial(b.Context(), h.socket)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Shutdown()
	bind := func(b *testing.B, pipe string, iface *rpc.Interface) *client.Binding {
		conn, err := pipes.Dial(context.Background(), c, pipe, pipes.DialConfig{Message: true})
		if err != nil {
			b.Fatal(err)
		}
		a := client.NewConn(conn, client.Config{})
		b.Cleanup(func() { a.Close() })
		x, err := a.Bind(context.Background(), iface, nil)
		if err != nil {
			b.Fatal(err)
		}
		return x
	}
	b.Run("lwiod", func(b *testing.B) {
		e := echo.NewClient(bind(b, "rpcecho", echo.RpcechoInterface))
		for b.Loop() {
			if _, err := e.AddOne(context.Background(), &echo.AddOneRequest{InData: 1}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("lsassd", func(b *testing.B) {
		a := account.NewClient(bind(b, "lwio", account.AccountInterface))
		for b.Loop() {
			if _, err := a.AccountSetInfo(context.Background(), &account.AccountSetInfoRequest{Name: user, Mask: 1 << 31}); err != nil { // refused before it does anything
				b.Fatal(err)
			}
		}
	})
}
