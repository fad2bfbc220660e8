package server_test

import (
	"context"
	"fmt"
	"net"

	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/auth/ntlm/ntlmtest"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/rpc/ndr"
	"lwio/rpc/server"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// An interface of one operation, which code generated from IDL declares otherwise, served to callers that seal.
func Example() {
	greeter := &rpc.Interface{Name: "greeter", UUID: nt.MustGUID("1c1bd7a4-0ee1-4c6c-9fd7-8d1dd9fb0b0a"), Major: 1, Ops: []rpc.Op{{
		Name: "Greet",
		Invoke: func(_ context.Context, _ any, call *rpc.Call, _ *ndr.Decoder, out *ndr.Encoder) error {
			out.String16("hello " + call.Token.Account)
			return nil
		},
	}}}
	accounts := ntlmtest.Accounts{"alice": "secret"}
	s := server.New(server.Config{Mechanisms: map[uint8]auth.Mechanism{rpc.AuthTypeNTLM: ntlm.NewMechanism(ntlm.Config{Authority: accounts})}})
	defer s.Close()
	if err := s.Register(greeter, nil, server.MinAuthLevel(rpc.AuthLevelPktPrivacy)); err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go s.Serve(l)

	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	c := client.NewConn(nc, client.Config{})
	defer c.Close()
	b, err := c.Bind(context.Background(), greeter, &client.Auth{Type: rpc.AuthTypeNTLM, Level: rpc.AuthLevelPktPrivacy,
		Initiator: ntlm.NewInitiator(ntlm.Credentials{User: "alice", Password: "secret"}, ntlm.InitiatorConfig{})})
	if err != nil {
		panic(err)
	}
	var greeting string
	err = b.Call(context.Background(), 0, nil, func(d *ndr.Decoder) error { greeting = d.String16("greeting"); return nil })
	fmt.Println(greeting, err)
	// Output: hello alice <nil>
}
