package rpcctl

import (
	"context"
	"errors"
	"time"

	gen "lwio/gen/rpcctl"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/server"
)

const (
	maxRead     = 64 // records of one answer
	maxReadWait = time.Minute
)

// RpcctlTraceOpen begins to collect calls. What is collected goes with the association of the caller.
func (s *Service) RpcctlTraceOpen(_ context.Context, call *rpc.Call, in *gen.RpcctlTraceOpenRequest) (*gen.RpcctlTraceOpenResponse, error) {
	switch {
	case !admitted(call):
		return &gen.RpcctlTraceOpenResponse{Return: denied}, nil
	case s.cfg.Tracer == nil:
		return &gen.RpcctlTraceOpenResponse{Return: notSupported}, nil
	}
	filter := server.Filter{Endpoint: in.Endpoint, User: in.User}
	if in.InterfaceName != "" {
		x := s.find(in.InterfaceName)
		if x == nil {
			return &gen.RpcctlTraceOpenResponse{Return: notFound}, nil
		}
		filter.Interface = x.Interface.UUID
	}
	f := s.cfg.Tracer.Follow(filter)
	h, err := call.Handles.Open(call, f, f.Close)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &gen.RpcctlTraceOpenResponse{Trace: h}, nil
}

// RpcctlTraceRead waits for calls.
func (s *Service) RpcctlTraceRead(ctx context.Context, call *rpc.Call, in *gen.RpcctlTraceReadRequest) (*gen.RpcctlTraceReadResponse, error) {
	f, err := rpc.HandleValue[*server.Follower](call, in.Trace)
	if err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, min(time.Duration(in.Wait)*time.Millisecond, maxReadWait))
	defer cancel()
	list, lost, err := f.Next(wait, maxRead)
	if errors.Is(err, server.ErrFollowerClosed) {
		return nil, rpc.FaultContextMismatch
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := &gen.RpcctlTraceReadResponse{Lost: int64(lost)}
	for _, r := range list {
		out.Records.Records = append(out.Records.Records, s.record(r))
	}
	out.Records.Count = uint32(len(list))
	return out, nil
}

// record is a record in words.
func (s *Service) record(r *server.Record) gen.RPCCTL_RECORD {
	request, response := s.types.show(r)
	name, fault := "", ""
	if int(r.Opnum) < len(r.Interface.Ops) {
		name = r.Interface.Ops[r.Opnum].Name
	}
	if r.Fault != 0 {
		fault = r.Fault.Name()
	}
	return gen.RPCCTL_RECORD{Id: ptr(r.ID), Session: int64(r.Session), Began: int64(nt.TimeOf(r.Began)), Duration: int64(r.Duration), InterfaceName: &r.Interface.Name, Operation: &name,
		Opnum: uint32(r.Opnum), CallId: r.CallID, User: &r.User, Sid: &r.SID, Level: ptr(r.Level.String()), Transport: ptr(string(r.Transport)), Endpoint: &r.Endpoint, Client: &r.Client,
		Fault: uint32(r.Fault), FaultName: &fault, Refusal: ptr(string(r.Refusal)), Rule: &r.Rule, InSize: uint32(r.In), OutSize: uint32(r.Out), Request: &request, Response: &response}
}

// RpcctlTraceClose ends it.
func (s *Service) RpcctlTraceClose(_ context.Context, call *rpc.Call, in *gen.RpcctlTraceCloseRequest) (*gen.RpcctlTraceCloseResponse, error) {
	f, err := rpc.HandleValue[*server.Follower](call, in.Trace)
	if err != nil {
		return nil, err
	}
	if err := call.Handles.Close(in.Trace); err != nil {
		return nil, err
	}
	f.Close()
	return &gen.RpcctlTraceCloseResponse{Return: ok}, nil
}
