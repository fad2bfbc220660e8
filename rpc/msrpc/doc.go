// Package msrpc is the bridge to github.com/oiweiwei/go-msrpc, both ways: its generated clients make their calls on associations of
// rpc/client, and its generated servers are hosted by rpc/server. Transport, authentication, fragments, limits and the transfer syntax are
// then ours; the stubs and the types of the interface are its.
//
// It is for an interface that there is no IDL for in this tree, and for code that is written against go-msrpc already. It is not
// the way to write a new service: idlc's code is faster by an order of magnitude and keeps apart what go-msrpc's types cannot (see Limits).
//
// # Clients
//
// A Conn is a dcerpc.Conn. It is made of an association, which may stand on any net.Conn, or of a Dialer and a string binding:
//
//	nc, err := pipes.Dial(ctx, m, `\rdr\server\IPC$\srvsvc`, pipes.DialConfig{Message: true})
//	cc := msrpc.NewConn(client.NewConn(nc, client.Config{}), nil)
//	defer cc.Close(ctx)
//	cl, err := srvsvc.NewSrvsvcClient(ctx, cc)
//	res, err := cl.GetInfo(ctx, &srvsvc.GetInfoRequest{Level: 101})
//
// The association authenticates, by the Auth that NewConn takes or the string binding has. Options with which go-msrpc would do that
// itself are refused if they ask for more than the association has, and so is an endpoint: it is connected already. A fault comes
// back as rpc.Fault, wrapped.
//
// # Servers
//
// A Host takes what the generated Register functions hand to a connection:
//
//	h := msrpc.NewHost(s) // s is a *server.Server
//	winreg.RegisterWinregServer(h, service{})
//	if err := h.Err(); err != nil { … }
//
// A method finds its rpc.Call with CallOf: who calls, at what level, and the context handles of the association group, which Handle and
// HandleOf translate. What it returns as an error is the fault; a panic is one too, and the association lives.
//
// # What is underneath
//
// The stubs read from an ndr.Decoder and write to an ndr.Encoder of rpc/ndr through a type of this package, instead of from go-msrpc's own
// reader. So no length that the wire says makes anything that the octets which remain could not fill; each pointer has a referent of its own,
// whatever referent identifiers the peer chose; pointers nest 4096 deep at most; and a stub that panics makes an error. Strings are written with
// the length that they have, which go-msrpc miscounts outside ASCII.
//
// # Limits
//
// These are go-msrpc's, of its generated types and code, and no reader or writer mends them:
//
//   - A string that is NULL and one that is empty are the same "", and so are a NULL pointer to an integer and one to zero. What is
//     written for them is the stub's choice, mostly NULL for strings and never for integers.
//   - Terminators are trimmed, all of them, so a string that ends in NULs loses those; unpaired surrogates become U+FFFD.
//   - RPC_UNICODE_STRING's Length and MaximumLength are derived from the octets of the UTF-8. Outside ASCII they have to be set by the caller.
//   - The length of a string outside ASCII is put right when something other than a short is written behind it. Where a short
//     follows at once, as the next parameter, it is not.
//   - range() is not checked, nor that an array is as long as the member says that counts it.
//   - Full pointers are taken as unique: a message that sends one referent for two of them does not decode.
//   - [pipe] parameters are not streamed, callbacks are not there, and DCOM's activation needs go-msrpc's own connection.
//   - A decoded message takes memory in proportion to its octets, with a factor of some dozens; server.Config.MaxRequest
//     and client.Config.MaxResponse bound it.
//
// # Lock order
//
// Conn.mu and Host.mu are leaves; neither is held over a bind or a call.
package msrpc
