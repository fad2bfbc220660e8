package server_test

import (
	"fmt"
	"net"
	"runtime"
	"testing"

	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/server"
)

func BenchmarkCall(b *testing.B) {
	s, _ := serve(b, server.Config{})
	for _, tcp := range []bool{false, true} {
		for _, level := range []rpc.AuthLevel{rpc.AuthLevelNone, rpc.AuthLevelPktIntegrity, rpc.AuthLevelPktPrivacy} {
			b.Run(fmt.Sprintf("tcp=%v/%s", tcp, level), func(b *testing.B) {
				c := client.NewConn(connect(b, s, tcp), client.Config{})
				defer c.Close()
				var a *client.Auth
				if level != rpc.AuthLevelNone {
					a = ntlmAuth(rpc.AuthTypeNTLM, level, "secret")
				}
				x := bind(b, c, echoInterface, a)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := addOne(bg, x, 1); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkEcho64K(b *testing.B) {
	s, _ := serve(b, server.Config{})
	data := make([]byte, 64<<10)
	for _, level := range []rpc.AuthLevel{rpc.AuthLevelNone, rpc.AuthLevelPktPrivacy} {
		b.Run(level.String(), func(b *testing.B) {
			var a *client.Auth
			if level != rpc.AuthLevelNone {
				a = ntlmAuth(rpc.AuthTypeNTLM, level, "secret")
			}
			x := bind(b, newClient(b, s, client.Config{}), echoInterface, a)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := echoBytes(bg, x, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// An idle bound connection costs less than 4 KiB of heap on the server's side.
func TestIdleMemory(t *testing.T) {
	s, _ := serve(t, server.Config{})
	const n = 500
	conns, ends := make([]net.Conn, n), make([]net.Conn, n)
	for i := range conns {
		conns[i], ends[i] = net.Pipe()
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // the second empties what the first left in pools
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i, nc := range conns {
		go s.ServeConn(bg, ends[i])
		nc.Write(rawBind(0))
		readPDU(t, nc)
		nc.Write(rawRequest(6, 0, opEcho, whole, append([]byte{0xA0, 0x0F, 0, 0}, make([]byte, 4000)...)))
		readPDU(t, nc)
	}
	per := int64(heap()-before) / n
	for range 20 { // connections that have answered let their buffers go when they are next run
		if per <= 4096 {
			break
		}
		per = int64(heap()-before) / n
	}
	t.Logf("%d bytes a connection", per)
	if per > 4096 {
		t.Errorf("an idle connection holds %d bytes", per)
	}
	for _, nc := range conns {
		nc.Close()
	}
}
