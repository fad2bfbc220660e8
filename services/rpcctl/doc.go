// Package rpcctl serves lwio's own interface for the control of a daemon's RPC runtime (idl/rpcctl.idl): which calls the policy lets through and why, what is being
// called now, with its parameters, and how much was. It is what `lwio rpc policy`, `lwio trace rpc` and `lwio stats` call. It changes nothing: policies are configured.
//
//	svc, err := rpcctl.New(rpcctl.Config{Servers: servers, Tracer: tracer, Client: clientOf, Token: tokenOf, Metrics: text})
//	err = controlServer.Register(gen.RpcctlInterface, svc)
//
// Callers are administrators of the machine, over a local transport; whoever else calls gets ERROR_ACCESS_DENIED. The server that it is registered on should have neither
// Policy nor Tracer of its own, so that a rule cannot lock the administrator out and a trace does not follow itself.
//
// # What a trace shows
//
// Parameters are shown as JSON of the types that idlc generated. Octets are never shown, only counted, and neither are texts that secrets.go names, by the type or by the
// name of the member: what encrypts, proves or stores a password does not leave the daemon.
package rpcctl
