// Package spnego negotiates which mechanism authenticates (RFC 4178, MS-SPNG) and carries its tokens. It is itself
// an [auth.Mechanism] and an [auth.Initiator], so servers and clients that stand on those see nothing of it.
//
//	mech := spnego.NewMechanism(
//		spnego.Mech{OID: spnego.OIDKerberos, Name: "Kerberos", Mechanism: krb},
//		spnego.Mech{OID: spnego.OIDNTLM, Name: "NTLM", Mechanism: ntlm},
//	)
//
// The mechanism that the client likes best of those the server has is taken. Where that is not the client's first,
// both sides prove with the new keys that they saw the same list (mechListMIC), so nobody in between can take the
// strong mechanisms out of it. A server sends that proof only then or to a client that sent its own; some clients choke on one they did not
// ask for.
//
// As Windows does, an acceptor also takes tokens of a mechanism that come without any negotiation around them.
//
// A context of a mechanism may have two methods beyond auth.Context: CanSign() bool, if signing may turn out not to be
// available, and ResetKeystream(sequence bool), if signing the list leaves a trace that has to be removed.
package spnego
