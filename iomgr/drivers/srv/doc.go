// Package srv is the SMB 2 and 3 server as a driver of the I/O manager (MS-SMB2 3.3). It speaks the protocol and holds
// connections, sessions, trees and opens; what is opened, read and written lives in other drivers, which it reaches by the Nt
// API like any other client. It knows no pipe and no POSIX file: IPC$ is the device `\npfs`, a disk share the directory that its path
// maps to below `\pvfs`.
//
//	err := m.Load(ctx, srv.DriverEntry(srv.Config{
//		Addresses: []string{"127.0.0.1:4450", "[::1]:4450"},
//		Auth:      spnego.NewMechanism(…),
//		Shares:    table,
//	}))
//
// The driver's own device, `\srv`, administers it: its device controls list and change shares and list and end sessions, connections
// and opens. Opening it takes an administrator's token.
//
// # A request on its way
//
// A connection has one goroutine at a time that reads. It checks each request (message id, signature, session, tree), looks its command up in a
// table and starts it, in the order in which the requests came. A handler answers at once, or submits an [api.Request]
// and leaves a step that makes the answer when that has completed, wherever that may be. The driver writes what is read straight
// into the answer's buffer; the answer is signed or sealed there and written to the socket by whoever completed the request, without
// blocking: what a slow client does not take waits in a bounded queue. A request that the driver pends is put on a list where CANCEL
// finds it; if it is still there a millisecond later the client is sent an interim response.
//
// Reading is a role. Who has a large READ or WRITE hands it over before it verifies, copies and signs, so that two of those are under way at once, as
// long as there are processors for it and the client cannot tell from the effect. What a request brings to a pipe, a call of RPC mostly, is dealt with on the
// reader's goroutine, and a watch hands the role over where that takes more than a millisecond or two. Neither costs a connection that does not use it a goroutine.
//
// A large WRITE that is plain is started before its data have been read: they go from the socket to the file, where system and driver can do that.
//
// SESSION_SETUP asks an authority, which may be slow: its steps run on goroutines of their own, those of one channel one after the other, and
// the reader goes on.
//
// Requests of a compound are started one after the other; should one wait, the others follow on a goroutine of their own.
//
// # Who holds what
//
// The tables of sessions and opens are the server's. A session is reached from a connection by a channel, of which it may have several; it ends
// with the last one, by LOGOFF, or by an administrator, and its opens with it. A tree knows its share and a share its trees, so that a deleted share
// cuts them. A command holds the frame that its parts lie in, by a count, until it has been answered.
//
// An open whose client has gone may be durable: then it is parked, in the server's table and under no session, until its client comes back, somebody
// is in its way (the break of its oplock or lease finds no connection and closes it), or its time is over.
//
// # Lock order
//
//	shares.changing (one change of the shares; held while the table writes)
//	  shares.mu, share.mu
//	channel.mu, logons.mu
//	open.mu
//	  session.mu
//	shards of the tables, leases.mu, creations.mu, instances.mu
//	bulk.mu
//	watch.mu
//	  conn.mu (window, channels, pended requests)
//	  sender.mu
//	server.mu, serverInfo.mu
//
// No lock is held when a request is submitted, cancelled or a handle closed.
package srv
