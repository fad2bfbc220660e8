// Package rpctest is a kit for testing RPC servers and clients: a pipe in memory, a recorder and a player of calls, and a mutator of
// their stub data. It works on anything that is an rpc.Interface or an rpc.Caller: what idlc generated, and what rpc/msrpc hosts.
//
// It is for tests alone, and not for watching a server at work: a recording has every octet of every call, passwords too.
//
// # A pipe in memory
//
// Pipe makes the two ends of a message-mode pipe, with Transact, and an identity for the client's end:
//
//	near, far := rpctest.Pipe(rpctest.Peer{Token: alice})
//	go s.ServeConn(ctx, far) // s is a *server.Server
//	c := client.NewConn(near, client.Config{})
//
// # Recording and playing
//
// A Recorder stands between a generated client and its binding (Caller), or between a server and an implementation (Interface), so
// what it takes down is stub data, after the authentication has decrypted it. A Recording is a file that a person can read and edit:
//
//	interface rpcecho 60a15ec5-4de8-11d7-a637-005056a20182 1.0
//
//	call 0 AddOne
//	request 4
//	    29 00 00 00                                      |)...|
//	response 4
//	    2a 00 00 00                                      |*...|
//
// Instead of a response there may be `fault 0x1c010002 nca_s_op_rng_error`. What follows # on a line of its own is a comment.
//
// Play makes the calls of a Recording against a server and says where its answers differ. A Playback is the other way round: a server made of
// a Recording, for a client under test. Context handles are random: those of the recording are found in it, as what was in a response and came back in
// a later request, and Play sends in their place what the server under test gave out.
//
// # Mutating
//
// A Mutator changes stub data where it hurts: counts, referent identifiers, the three numbers of a string, the end. Its stubs
// are those of a Recording, or made by Stub, of a request that Fill has filled. A seed gives the same mutations always.
//
//	m := rpctest.NewMutator(1)
//	out, err := m.Run(ctx, binding, recording.Exchanges, 100_000)
//
// An error of Run is a server that went away, and has the call it did so at.
package rpctest
