package rpc_test

import (
	"context"
	"fmt"

	"lwio/gen/echo"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

// adder serves one operation of the sample interface; the others answer that they are not there.
type adder struct {
	echo.UnimplementedRpcechoServer
}

func (adder) AddOne(_ context.Context, _ *rpc.Call, in *echo.AddOneRequest) (*echo.AddOneResponse, error) {
	return &echo.AddOneResponse{OutData: in.InData + 1}, nil
}

// loopback is a Caller without a connection: it hands each call to an implementation. A real one comes from rpc/client.
type loopback struct {
	iface *rpc.Interface
	impl  any
}

func (l loopback) Call(ctx context.Context, opnum uint16, in func(*ndr.Encoder), out func(*ndr.Decoder) error) error {
	request, response := ndr.NewEncoder(nil), ndr.NewEncoder(nil)
	if in(request); request.Err() != nil {
		return request.Err()
	}
	op := l.iface.Op(opnum)
	if op == nil {
		return rpc.FaultOpRange
	}
	call := &rpc.Call{Interface: l.iface, Opnum: opnum, Handles: &rpc.HandleTable{}}
	if err := op.Invoke(ctx, l.impl, call, ndr.NewDecoder(request.Bytes(), ndr.LittleEndian), response); err != nil {
		return rpc.FaultOf(err)
	}
	return out(ndr.NewDecoder(response.Bytes(), ndr.LittleEndian))
}

func Example() {
	c := echo.NewClient(loopback{echo.RpcechoInterface, adder{}})
	out, err := c.AddOne(context.Background(), &echo.AddOneRequest{InData: 41})
	fmt.Println(out.OutData, err)
	_, err = c.TestSleep(context.Background(), &echo.TestSleepRequest{Seconds: 1})
	fmt.Println(err)
	// Output:
	// 42 <nil>
	// rpc fault nca_s_op_rng_error
}
