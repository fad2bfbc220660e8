// Package rdr is the SMB 2 and 3 redirector: the client as a driver of the I/O manager (MS-SMB2 3.2). What is opened below its device lies on
// another machine:
//
//	\rdr\server[:port]\share\path
//	\rdr\server\IPC$\lsarpc
//	\rdr\[2001:db8::1]:4450\data\report.txt
//
// An IPv6 address stands in brackets, with or without a port; without brackets a colon always begins a port, which is 445 by default. The name
// `\rdr` itself is for administrators of this machine, who list and cut connections by its device controls (idl/rdrctl.idl). A server without a share
// cannot be opened (StatusBadNetworkName). `\rdr\server\IPC$` opens:
// FSCTL_PIPE_WAIT goes by that handle.
//
//	err := m.Load(ctx, rdr.DriverEntry(rdr.Config{
//		Initiator: func(ctx context.Context, cred *api.Credential, service, host string) (auth.Initiator, error) { … },
//	}))
//	conn, err := pipes.Dial(ctx, m, `\rdr\dc1.example\IPC$\lsarpc`, pipes.DialConfig{Contexts: []any{&api.Credential{…}}})
//
// As whom the server is asked, the create says by an [api.Credential] among its contexts. Without one [Config].Default serves, but only the
// program itself, LocalSystem and local administrators: everybody else, and whoever comes from the network, gets
// StatusNoSuchLogonSession. Guest sessions are refused; a null session must be asked for.
//
// A remote pipe answers the connection attribute "SessionKey" (FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE) with the application key of its session, and
// "ServerName" with the name of the server, without asking the server.
//
// Names that lead to other servers (DFS) are followed (dfs.go). CreateFile's CaseSensitive and the keys of byte-range locks have
// no place in the protocol and are not heeded.
//
// # A request on its way
//
// A request becomes an exchange: one message and its answer. Exchanges wait in line for credits (MS-SMB2 3.2.4.1.2) and are given their message
// ids in the order in which they were submitted; whoever puts one in line builds, signs or seals and writes what may go, without blocking.
// What the socket does not take a goroutine writes, which lives only as long as something is left. One goroutine a connection reads. It believes
// nothing of an answer before message id, command, session, tree and signature or seal have been found right; then it copies the data to where the
// request wants it and completes the request. A connection that breaks the rules is cut, and everything on its way there ends with
// StatusConnectionDisconnected. A pended read is a request in a table and no more.
//
// The data of long writes that are neither sealed nor compressed are never copied: they are the caller's until the request completes, and it does not complete before
// the socket has them (outgoing.go).
//
// Reads and writes that are longer than a message may be go in parts, a few at a time, so that others get their turn in between, and over all channels of
// the session (channels.go). A create that says what is to be done at once with the file (api.Then) goes with that and its CLOSE in one frame (compound.go).
//
// Connections, sessions and trees are made when an open needs them, once for all opens that wait for the same, each by a goroutine that lives
// until it has succeeded or failed. They are kept for a while after the last close. When a session has expired the requests that were told so
// wait until it is authenticated again, and are sent once more.
//
// An open cancelled while its connection is being made ends at once; what is being made is kept for the next.
//
// # Life of a handle
//
// Closing does not wait for the server: the CLOSE is on its way behind everything that was submitted before, and an open submitted
// after it finds the file closed. A request that is cancelled is completed with what the server says, or after [Config].CancelTimeout with
// StatusCancelled.
//
// A file that is opened for its data gets a lease from servers of 2.1 and later, which all opens of that name by one session share, and with it a
// handle that outlives the connection, if the server grants that. When the connection is lost such a file is opened again; requests wait meanwhile,
// and what was on its way is sent once more: reads, queries, flushes, locks by their sequence, writes to an offset, sizes, times and
// security. What must not be done twice (renames, appends, controls) ends with StatusConnectionDisconnected if the server may have it. A file that
// cannot be had back, since its time is over or somebody else has opened it, is dead: all that is asked of it ends with that status. So is any other
// handle whose connection is lost; a new open connects anew. The server is told when a file is closed that it keeps, if need be over a new connection.
//
// Under a lease with write caching small writes of such a file are done before they are sent (writebehind.go). Under the lease of a directory what it showed is kept
// (dircache.go, directories.go), and the directory stays open on the server for a while after it was closed here.
//
// # Lock order
//
//	redirector.mu (connections, sessions, channels, trees, leases, directories and who waits for them)
//	  lease.mu
//	    File.mu of package api
//	  conn.mu
//	transfer.mu (the parts of one long read or write)
//	  conn.mu (credits, exchanges)
//	    File.mu of package api
//	file.mu (search pattern; requests that wait for a durable file)
//	  File.mu of package api
//
// No lock is held when a request is completed.
package rdr
