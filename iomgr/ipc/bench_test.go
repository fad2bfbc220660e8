package ipc_test

import (
	"testing"

	"lwio/gen/echo"
	"lwio/iomgr/api"
	"lwio/iomgr/ipc"
	"lwio/pipes"
	"lwio/rpc/client"
	"lwio/rpc/server"
	echoservice "lwio/services/echo"
)

// BenchmarkCall is an RPC call of a local program over the socket: ipc, manager, pipe, RPC server and back. The service is in the daemon,
// or in a process of its own and reached by the socket as well.
func BenchmarkCall(b *testing.B) {
	for _, shape := range []string{"InDaemon", "Apart"} {
		b.Run(shape, func(b *testing.B) {
			m := npfsManager(b)
			path := serve(b, m, ipc.ServerConfig{})
			var home api.API = m
			if shape == "Apart" {
				home = dial(b, path)
			}
			l, err := pipes.Listen(b.Context(), home, "echo", pipes.Config{Message: true})
			if err != nil {
				b.Fatal(err)
			}
			s := server.New(server.Config{})
			if err := s.Register(echo.RpcechoInterface, echoservice.New(echoservice.Config{})); err != nil {
				b.Fatal(err)
			}
			go s.Serve(l)
			defer s.Close()
			conn, err := pipes.Dial(b.Context(), dial(b, path), "echo", pipes.DialConfig{Message: true})
			if err != nil {
				b.Fatal(err)
			}
			assoc := client.NewConn(conn, client.Config{})
			defer assoc.Close()
			binding, err := assoc.Bind(b.Context(), echo.RpcechoInterface, nil)
			if err != nil {
				b.Fatal(err)
			}
			c := echo.NewClient(binding)
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.AddOne(ctx, &echo.AddOneRequest{InData: 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
