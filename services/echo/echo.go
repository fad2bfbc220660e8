// Package echo serves rpcecho, Samba's sample interface: each of its calls exercises one part of NDR or of the runtime, so that smbtorture's
// rpc.echo and other clients of it can be pointed at a server of ours. What each call answers is what Samba answers.
//
// It is for tests, for examples and for measuring. It gives nothing away and changes nothing, but a client can make it send or wait: a
// server that has no use for it leaves it out.
//
//	s := server.New(server.Config{})
//	err := s.Register(gen.RpcechoInterface, echo.New(echo.Config{}))
package echo

import (
	"context"
	"time"

	gen "lwio/gen/echo"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Config is how the service behaves. The zero value works.
type Config struct {
	// MaxSource bounds what SourceData sends. More is rpc.FaultRemoteNoMemory, before memory is taken for it. Zero means 1 MiB.
	MaxSource uint32
}

// Service implements rpcecho. It has no state: one value serves all connections.
type Service struct{ cfg Config }

var _ gen.RpcechoServer = (*Service)(nil)

// New makes the service.
func New(cfg Config) *Service {
	if cfg.MaxSource == 0 {
		cfg.MaxSource = 1 << 20
	}
	return &Service{cfg}
}

// AddOne adds one, around the end of the range.
func (*Service) AddOne(_ context.Context, _ *rpc.Call, in *gen.AddOneRequest) (*gen.AddOneResponse, error) {
	return &gen.AddOneResponse{OutData: in.InData + 1}, nil
}

// EchoData returns what it got.
func (*Service) EchoData(_ context.Context, _ *rpc.Call, in *gen.EchoDataRequest) (*gen.EchoDataResponse, error) {
	return &gen.EchoDataResponse{OutData: in.InData}, nil
}

// SinkData drops what it got.
func (*Service) SinkData(context.Context, *rpc.Call, *gen.SinkDataRequest) (*gen.SinkDataResponse, error) {
	return &gen.SinkDataResponse{}, nil
}

// SourceData counts up, modulo 256.
func (s *Service) SourceData(_ context.Context, _ *rpc.Call, in *gen.SourceDataRequest) (*gen.SourceDataResponse, error) {
	if in.Len > s.cfg.MaxSource {
		return nil, rpc.FaultRemoteNoMemory
	}
	data := make([]byte, in.Len)
	for i := range data {
		data[i] = byte(i)
	}
	return &gen.SourceDataResponse{Data: data}, nil
}

// TestCall returns the string it got.
func (*Service) TestCall(_ context.Context, _ *rpc.Call, in *gen.TestCallRequest) (*gen.TestCallResponse, error) {
	return &gen.TestCallResponse{S2: &in.S1}, nil
}

// levels are the answers of TestCall2, by level.
var levels = [...]gen.EchoInfo{
	1: {Info1: &gen.EchoInfo1{V: 10}},
	2: {Info2: &gen.EchoInfo2{V: 20}},
	3: {Info3: &gen.EchoInfo3{V: 30}},
	4: {Info4: &gen.EchoInfo4{V: 40}},
	5: {Info5: &gen.EchoInfo5{V1: 50, V2: 60}},
	6: {Info6: &gen.EchoInfo6{V1: 70, Info1: gen.EchoInfo1{V: 80}}},
	7: {Info7: &gen.EchoInfo7{V1: 80, Info4: gen.EchoInfo4{V: 90}}},
}

// TestCall2 returns a value of the level. Another level has no arm that a response could hold, so it is a fault.
func (*Service) TestCall2(_ context.Context, _ *rpc.Call, in *gen.TestCall2Request) (*gen.TestCall2Response, error) {
	if in.Level == 0 || int(in.Level) >= len(levels) {
		return nil, nt.StatusInvalidLevel
	}
	return &gen.TestCall2Response{Info: levels[in.Level]}, nil
}

// TestSleep answers after so many seconds, and other calls in the meantime if the client negotiated PFC_CONC_MPX. It ends with the call's context.
func (*Service) TestSleep(ctx context.Context, _ *rpc.Call, in *gen.TestSleepRequest) (*gen.TestSleepResponse, error) {
	t := time.NewTimer(time.Duration(in.Seconds) * time.Second)
	defer t.Stop()
	select {
	case <-t.C:
		return &gen.TestSleepResponse{Return: in.Seconds}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestEnum returns what it got, but for one member.
func (*Service) TestEnum(_ context.Context, _ *rpc.Call, in *gen.TestEnumRequest) (*gen.TestEnumResponse, error) {
	out := &gen.TestEnumResponse{Foo1: in.Foo1, Foo2: in.Foo2, Foo3: in.Foo3}
	out.Foo2.E1 = gen.ECHO_ENUM2
	return out, nil
}

// TestSurrounding returns twice as many elements, all zero. The request's length bounds them.
func (*Service) TestSurrounding(_ context.Context, _ *rpc.Call, in *gen.TestSurroundingRequest) (*gen.TestSurroundingResponse, error) {
	return &gen.TestSurroundingResponse{Data: gen.EchoSurrounding{Surrounding: make([]uint16, 2*len(in.Data.Surrounding))}}, nil
}

// TestDoublePointer returns what the pointers lead to, and 0 where one of them is NULL.
func (*Service) TestDoublePointer(_ context.Context, _ *rpc.Call, in *gen.TestDoublePointerRequest) (*gen.TestDoublePointerResponse, error) {
	if in.Data == nil || *in.Data == nil {
		return &gen.TestDoublePointerResponse{}, nil
	}
	return &gen.TestDoublePointerResponse{Return: **in.Data}, nil
}
