// Package client makes RPC calls over a connection: the client's half of associations, presentation contexts, authentication,
// fragments and calls (C706 chapters 9 to 12, MS-RPCE 3.3). It knows no pipes and no credentials: the caller brings a net.Conn, from pipes, TCP or
// a Unix socket, or gives a [Dialer] the functions that make one.
//
//	c := client.NewConn(nc, client.Config{})
//	defer c.Close()
//	b, err := c.Bind(ctx, srvsvc.SrvsvcInterface, nil)        // as whoever the transport says
//	b, err = c.Bind(ctx, lsarpc.LsarpcInterface, &client.Auth{Type: rpc.AuthTypeSPNEGO, Level: rpc.AuthLevelPktPrivacy, Initiator: init})
//	err = b.Call(ctx, 15, encode, decode)                     // what generated clients do: a Binding is their rpc.Caller
//
// All bindings of a Conn share one association, and with it context handles. Calls may be made from any goroutine; they run at
// the same time if the server negotiated PFC_CONC_MPX, else one after another.
//
// Where the connection offers Transact(ctx, in, out) (int, error), as pipes do, the last fragment of a request and the first read of its
// response are one such exchange.
//
// A call whose context ends returns at once. The server is told by a cancel PDU, and its answer dropped when it comes; only a Transact that was
// interrupted ends the association. A fault is returned as rpc.Fault. Any other error of Call has ended the association, unless it came of encoding or decoding.
//
// A [StringBinding] names a server and how to speak with it; a [Dialer] binds to it and shares associations between bindings.
//
// # Lock order
//
//	group.busy (a channel), held over one Bind of a Dialer
//	    Conn.bindMu
//	        Dialer.mu, never held while connections are made, used or closed
//
// turn (a channel) is held while reading, wmu while writing and signing; mu, which guards what is pending, is a leaf. No goroutine
// belongs to a Conn: whoever waits for an answer reads, for the others too.
package client
