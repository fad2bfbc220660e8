//go:build bench

package main

import (
	"context"
	"testing"

	"lwio/gen/echo"
	"lwio/iomgr"
	"lwio/pipes"
	"lwio/pipes/npfs"
	"lwio/rpc/client"
	"lwio/rpc/server"
	echoservice "lwio/services/echo"
)

// BenchmarkInProcess is an RPC call through Dial, npfs and the RPC server in one process; under 10 µs is wanted.
func BenchmarkInProcess(b *testing.B) {
	ctx := context.Background()
	m := iomgr.New(iomgr.Config{})
	if err := m.Load(ctx, npfs.DriverEntry(npfs.Config{})); err != nil {
		b.Fatal(err)
	}
	l, err := pipes.Listen(ctx, m, "echo", pipes.Config{Message: true})
	if err != nil {
		b.Fatal(err)
	}
	s := server.New(server.Config{})
	if err := s.Register(echo.RpcechoInterface, echoservice.New(echoservice.Config{})); err != nil {
		b.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	conn, err := pipes.Dial(ctx, m, "echo", pipes.DialConfig{Message: true})
	if err != nil {
		b.Fatal(err)
	}
	assoc := client.NewConn(conn, client.Config{})
	defer assoc.Close()
	binding, err := assoc.Bind(ctx, echo.RpcechoInterface, nil)
	if err != nil {
		b.Fatal(err)
	}
	cl := echo.NewClient(binding)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cl.AddOne(ctx, &echo.AddOneRequest{InData: 1}); err != nil {
			b.Fatal(err)
		}
	}
}
