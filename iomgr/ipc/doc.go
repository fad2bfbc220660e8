// Package ipc carries the Nt API over a unix socket: [Serve] in the process that has the manager, [Dial] in the others. What Dial gives is an
// [api.API] like any; a service that is written against the interface runs in either process.
//
//	go ipc.Serve(ctx, listener, ipc.ServerConfig{API: m, Token: tokens.ForUID})
//
//	c, err := ipc.Dial(ctx, "/run/lwio/lwiod.sock")
//	h, err := c.CreateFile(ctx, &api.CreateArgs{Name: `\npfs\srvsvc`, …})
//
// # Identity
//
// The server asks the kernel who is at the other end (SO_PEERCRED), once, and makes the token of it; a client cannot name another one. A create
// that carries a token or a peer is refused on the client's side.
//
// # Protocol
//
// A connection begins with a hello both ways: the magic "lwio", a version, and the server's limits. After it come frames, each a length
// (u32, of what follows), a kind (u8), an id (u64) and a body; all integers are little-endian. Requests are answered in any order, by id. A cancel
// frame names a request; that request still gets its one answer. When the connection ends the server cancels what is pended and closes
// every handle of the client.
package ipc
