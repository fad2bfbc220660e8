// Package ipc carries the Nt API over a unix socket: [Serve] in the process that has the manager, [Dial] in the others. What Dial gives is an
// [api.API] like any; a service that is written against the interface runs in either process.
//
//	go ipc.Serve(ctx, listener, ipc.ServerConfig{API: m, Token: tokens.ForUID})
//
//	c, err := ipc.Dial(ctx, "/run/lwio/lwiod.sock")
//	h, err := c.CreateFile(ctx, &api.CreateArgs{Name: `\npfs\srvsvc`, …})
//
// A connection that ended stays dead: a daemon begins a new session with another Client, a command tells its user.
//
// # Identity
//
// The server asks the kernel who is at the other end (SO_PEERCRED), once, and makes the token of it; a client cannot name another one. A create
// that carries a token or a peer is refused on the client's side. A client that has to trust the server asks [Client.Peer]. Credentials for
// the redirector cross with a create, from the client to the server only; the buffers that they were in are overwritten.
//
// # Protocol
//
// A connection begins with a [Hello] both ways; two sides speak the highest version that both know. After it come frames, each a length (u32, of
// what follows), a kind (u8), an id (u64) and a body; all integers are little-endian. Requests are answered in any order, by id. A cancel
// frame names a request; that request still gets its one answer. When the connection ends the server cancels what is pended and closes
// every handle of the client.
//
// # Credits
//
// The server says how many requests a client may have under way and how many bytes these may hold. What goes beyond is refused with
// StatusInsufficientResources, by the client itself if it is ours; closing and cancelling always may. A client that does not read its answers is
// not read from, and cut after a time. What breaks the protocol ends the connection.
//
// # Bulk data
//
// On Linux the server gives a client a region of 2 MiB of memory that both have (a sealed memfd), as long as there are regions left: see ServerConfig.MaxRegions. The
// data of reads and writes of 32 KiB and more lie there, and the frames say where: a driver reads a file straight into it. Who has [api.Buffer] give the memory
// for them gets a part of the region, and nothing is copied between the processes; other memory is copied from and to. Such a read of a file of more than
// 256 KiB is done in pieces, so that one is copied out while the next is read; what it answers is what one request would have, and a lock that any piece meets is
// a lock that the read meets. What finds no room there, and what is longer than it, goes by the socket. The server makes each request on behalf of the
// client as it does any: share modes, locks, leases and granted access hold. Memory is given to a region when it is used for the first time.
//
// # Speed
//
// An answer is written by the goroutine that completes the request, without waiting; only a socket that is full makes a goroutine of its own. So
// an idle client costs the server one goroutine and a few KiB. A reader looks for the next frame for up to 100 µs before it waits in the poller,
// one reader of a process at a time and ever more seldom where that is for nothing: calls that follow each other wake no thread. Lock order: see
// client and Client.
package ipc
