package rpc

import (
	"context"

	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
)

// PointerDefault is the pointer_default attribute of an interface (C706 4.2.4.4).
type PointerDefault uint8

const (
	PointerUnique PointerDefault = iota // what MIDL assumes when nothing is said
	PointerRef
	PointerFull
)

// Interface describes one RPC interface: what a server registers and a client binds to. Generated code holds one
// variable of it an interface, which nobody changes.
type Interface struct {
	Name           string
	UUID           nt.GUID
	Major, Minor   uint16
	Endpoints      []string // as the endpoint attribute spells them: `ncacn_np:[\pipe\srvsvc]`
	PointerDefault PointerDefault

	// Ops is indexed by operation number.
	Ops []Op

	// Implements reports whether impl has the methods of the interface; a server refuses to register one that has not.
	Implements func(impl any) bool
}

// Op is one operation.
type Op struct {
	Name string

	// Invoke decodes the request from in, calls the method of impl and encodes the response to out.
	// It is nil for a number not used on the wire: the caller gets FaultOpRange.
	Invoke func(ctx context.Context, impl any, call *Call, in *ndr.Decoder, out *ndr.Encoder) error
}

// Op returns the operation of a number, or nil where the interface has none or does not use it on the wire.
func (i *Interface) Op(opnum uint16) *Op {
	if int(opnum) >= len(i.Ops) || i.Ops[opnum].Invoke == nil {
		return nil
	}
	return &i.Ops[opnum]
}

// Caller is what a generated client stands on: one bound presentation context.
type Caller interface {
	// Call encodes a request with in, sends it as the operation of that number, and hands the stub data of the response
	// to out. A fault of the server is returned as a Fault. in and out may be called at most once and not after Call returns.
	Call(ctx context.Context, opnum uint16, in func(*ndr.Encoder), out func(*ndr.Decoder) error) error
}
