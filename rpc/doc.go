// Package rpc is what generated code and the runtime agree on: the description of an interface, the call a server
// method sees, context handles, the caller a client stands on, and faults.
//
// It is a leaf. It opens no connection and knows no PDU: rpc/server and rpc/client do that, and both are entered through
// the types here. Code written by idlc imports this package and rpc/ndr and nothing of the runtime, so a stub can be
// served or called over any transport that supplies a Call or a Caller.
//
// An interface is served by handing its description and an implementation to a server:
//
//	type service struct{ srvsvc.UnimplementedSrvsvcServer }
//
//	func (service) NetrRemoteTOD(ctx context.Context, call *rpc.Call, in *srvsvc.NetrRemoteTODRequest) (*srvsvc.NetrRemoteTODResponse, error) {
//		…
//	}
//
//	server.Register(srvsvc.SrvsvcInterface, service{})
//
// The error of a method becomes a Fault (FaultOf); the Win32 or NTSTATUS result of a call is the Return member of its
// response and no error.
//
// # Lock order
//
// HandleTable.mu is a leaf lock: nothing else is taken while it is held, and no rundown runs under it.
package rpc
