package rpctest_test

import (
	"context"
	"fmt"

	"lwio/gen/echo"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/rpctest"
	"lwio/rpc/server"
)

// A server under test, over a pipe in memory.
func ExamplePipe() {
	s := server.New(server.Config{})
	defer s.Close()
	s.Register(echo.RpcechoInterface, sampler{add: 1})

	near, far := rpctest.Pipe(rpctest.Peer{ClientName: "tester"})
	go s.ServeConn(context.Background(), far)
	c := client.NewConn(near, client.Config{})
	defer c.Close()
	b, err := c.Bind(context.Background(), echo.RpcechoInterface, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := echo.NewClient(b).AddOne(context.Background(), &echo.AddOneRequest{InData: 41})
	fmt.Println(out.OutData, err)
	// Output: 42 <nil>
}

// A server that is to answer as it did before.
func ExamplePlayer() {
	s := server.New(server.Config{})
	defer s.Close()
	s.Register(echo.RpcechoInterface, sampler{add: 2}) // one too many

	near, far := rpctest.Pipe(rpctest.Peer{})
	go s.ServeConn(context.Background(), far)
	c := client.NewConn(near, client.Config{})
	defer c.Close()

	rec, err := rpctest.ParseRecording([]byte(`
interface rpcecho 60a15ec5-4de8-11d7-a637-005056a20182 1.0

call 0 AddOne
request 4
    29 00 00 00
response 4
    2a 00 00 00
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	p := rpctest.Player{Bind: func(ctx context.Context, _ rpctest.Name) (rpc.Caller, error) {
		return c.Bind(ctx, echo.RpcechoInterface, nil)
	}}
	found, err := p.Play(context.Background(), rec)
	fmt.Println(found, err)
	// Output: [call 0 of the recording, rpcecho 0 AddOne: responses of 4 octets, and recorded 4, differ at octet 0] <nil>
}

// A client that is to be tested without the server that it is for.
func ExamplePlayback() {
	play := rpctest.NewPlayback(rpctest.Recording{Exchanges: []rpctest.Exchange{{
		Interface: rpctest.NameOf(echo.RpcechoInterface), Opnum: 0, Request: []byte{1, 0, 0, 0}, Response: []byte{7, 0, 0, 0}}}})
	s := server.New(server.Config{})
	defer s.Close()
	for _, i := range play.Interfaces() {
		s.Register(i, nil)
	}
	near, far := rpctest.Pipe(rpctest.Peer{})
	go s.ServeConn(context.Background(), far)
	c := client.NewConn(near, client.Config{})
	defer c.Close()
	b, err := c.Bind(context.Background(), echo.RpcechoInterface, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := echo.NewClient(b).AddOne(context.Background(), &echo.AddOneRequest{InData: 1})
	fmt.Println(out.OutData, err, len(play.Left()))
	// Output: 7 <nil> 0
}

// A server that is to live whatever it is sent.
func ExampleMutator() {
	s := server.New(server.Config{})
	defer s.Close()
	s.Register(echo.RpcechoInterface, sampler{add: 1})
	near, far := rpctest.Pipe(rpctest.Peer{})
	go s.ServeConn(context.Background(), far)
	c := client.NewConn(near, client.Config{})
	defer c.Close()
	b, err := c.Bind(context.Background(), echo.RpcechoInterface, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	m := rpctest.NewMutator(1)
	var stubs []rpctest.Exchange
	for len(stubs) < 10 {
		var in echo.TestCallRequest
		m.Fill(&in)
		if stub, err := rpctest.Stub(&in); err == nil {
			stubs = append(stubs, rpctest.Exchange{Opnum: 4, Op: "TestCall", Request: stub})
		}
	}
	o, err := m.Run(context.Background(), b, stubs, 1000)
	fmt.Println(o.Answered > 0, o.Faults[rpc.FaultNDR] > 0, s.Stats().Panics, err)
	// Output: true true 0 <nil>
}

// What a client and a server say to each other, for a person to read.
func ExampleRecorder() {
	s := server.New(server.Config{})
	defer s.Close()
	s.Register(echo.RpcechoInterface, sampler{add: 1})
	near, far := rpctest.Pipe(rpctest.Peer{})
	go s.ServeConn(context.Background(), far)
	c := client.NewConn(near, client.Config{})
	defer c.Close()
	b, err := c.Bind(context.Background(), echo.RpcechoInterface, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var r rpctest.Recorder
	cl := echo.NewClient(r.Caller(echo.RpcechoInterface, b))
	cl.AddOne(context.Background(), &echo.AddOneRequest{InData: 41})
	cl.TestSleep(context.Background(), &echo.TestSleepRequest{Seconds: 1})
	rec := r.Recording()
	fmt.Printf("%s", rec.Append(nil))
	// Output:
	// interface rpcecho 60a15ec5-4de8-11d7-a637-005056a20182 1.0
	//
	// call 0 AddOne
	// request 4
	//     29 00 00 00                                      |)...|
	// response 4
	//     2a 00 00 00                                      |*...|
	//
	// call 6 TestSleep
	// request 4
	//     01 00 00 00                                      |....|
	// fault 0x1c010002 nca_s_op_rng_error
}
