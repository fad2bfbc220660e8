package msrpc

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/oiweiwei/go-msrpc/dcerpc"
	mapper "github.com/oiweiwei/go-msrpc/dcerpc/errors"
	"github.com/oiweiwei/go-msrpc/midl/uuid"

	"lwio/rpc"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
)

// ErrHost says that a Host makes no calls.
var ErrHost = errors.New("msrpc: a server makes no calls")

// maxOps is how many operations a hosted interface may have. Its table is not known: each number is asked for when it is called.
const maxOps = 512

// Host hosts go-msrpc's generated servers on a server of ours. It is a dcerpc.Conn only as far as their Register functions need one.
type Host struct {
	s    *server.Server
	opts []server.Option

	mu  sync.Mutex
	err error // guarded by mu
}

var _ dcerpc.Conn = (*Host)(nil)

// NewHost makes a Host. The options are those of every interface it registers.
func NewHost(s *server.Server, opts ...server.Option) *Host { return &Host{s: s, opts: opts} }

// RegisterServer registers the interface of the options, as the generated Register functions want it done. Its error is Err's.
func (h *Host) RegisterServer(handle dcerpc.ServerHandle, opts ...dcerpc.Option) {
	o, err := dcerpc.ParseOptions(context.Background(), opts...)
	if err != nil && !errors.Is(err, dcerpc.ErrNoSecurityContext) {
		h.fail(err)
		return
	}
	if len(o.AbstractSyntaxes) == 0 {
		h.fail(dcerpc.ErrNoPresentationContext)
		return
	}
	for _, s := range o.AbstractSyntaxes {
		if err := h.s.Register(Interface(s, handle), handle, h.opts...); err != nil {
			h.fail(fmt.Errorf("msrpc: %s: %w", nameOf(s), err))
		}
	}
}

func (h *Host) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = errors.Join(h.err, err)
}

// Err is what went wrong with RegisterServer, of all its calls.
func (h *Host) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// Bind is ErrHost.
func (h *Host) Bind(context.Context, ...dcerpc.Option) (dcerpc.Conn, error) { return nil, ErrHost }

// AlterContext is ErrHost.
func (h *Host) AlterContext(context.Context, ...dcerpc.Option) error { return ErrHost }

// Invoke is ErrHost.
func (h *Host) Invoke(context.Context, dcerpc.Operation, ...dcerpc.CallOption) error { return ErrHost }

// InvokeObject is ErrHost.
func (h *Host) InvokeObject(context.Context, *uuid.UUID, dcerpc.Operation, ...dcerpc.CallOption) error {
	return ErrHost
}

// Context is empty.
func (h *Host) Context() context.Context { return context.Background() }

// Close closes nothing: the server is not the Host's.
func (h *Host) Close(context.Context) error { return nil }

// Error is the error that a returned value stands for.
func (h *Host) Error(ctx context.Context, v any) error { return mapper.New(ctx, v) }

// Interface makes an interface of what a generated server handles. It may be registered with any server.Server, whose
// implementation of it can be any value: handle has it.
func Interface(s *dcerpc.SyntaxID, handle dcerpc.ServerHandle) *rpc.Interface {
	i := &rpc.Interface{Name: nameOf(s), UUID: guidOf(s.IfUUID), Major: s.IfVersionMajor, Minor: s.IfVersionMinor,
		Ops: make([]rpc.Op, maxOps), Implements: func(any) bool { return true }}
	invoke := func(ctx context.Context, _ any, call *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
		return serve(ctx, handle, call, in, out)
	}
	for n := range i.Ops {
		i.Ops[n].Invoke = invoke
	}
	return i
}

func serve(ctx context.Context, handle dcerpc.ServerHandle, call *rpc.Call, in *ndr.Decoder, out *ndr.Encoder) error {
	r := newReader(in)
	op, err := handle(context.WithValue(ctx, callKey{}, call), int(call.Opnum), r)
	switch {
	case r.Err() != nil || op == nil && err != nil:
		return rpc.FaultNDR // it has not come to the method
	case op == nil:
		return rpc.FaultOpRange
	case errors.Is(err, dcerpc.ErrNotImplemented):
		return rpc.FaultOpRange
	case err != nil:
		return err
	}
	w := newWriter(out)
	if err := op.MarshalNDRResponse(ctx, w); err != nil {
		return fmt.Errorf("msrpc: %s: %w", op.OpName(), err)
	}
	return w.finish()
}

// callKey is where CallOf looks.
type callKey struct{}

// CallOf is the call that a method of a hosted server was called with. It is valid until the method returns; nil anywhere else.
func CallOf(ctx context.Context) *rpc.Call {
	call, _ := ctx.Value(callKey{}).(*rpc.Call)
	return call
}
