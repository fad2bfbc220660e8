// Package auth says how lwio's servers and clients authenticate, and who decides about a logon. It holds
// interfaces and the values that cross them; the mechanisms stand in the packages below it (ntlm, spnego).
//
// The SMB server and the RPC server drive an [Acceptor], the redirector and the RPC client an [Initiator]. Both end
// in a [Context]: a token, a session key and message protection. An Acceptor knows no accounts: it asks an
// [Authority].
//
//	acc := mech.NewAcceptor(auth.Peer{Address: addr})
//	reply, err := acc.Accept(ctx, blob)
//	switch {
//	case err == nil:                                   // established: acc.Context()
//	case errors.Is(err, nt.StatusMoreProcessingRequired): // send reply, wait for the next blob
//	default:                                           // refused; nt.StatusOf(err) says why
//	}
package auth
