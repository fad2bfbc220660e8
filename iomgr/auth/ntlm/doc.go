// Package ntlm is the NT LAN Manager authentication protocol, both sides (MS-NLMP): its three messages, NTLMv2
// and LMv2 responses, session keys, the message integrity code, and the signing and sealing of what follows.
//
// It holds no accounts. A server gives [NewMechanism] an [auth.Authority], which looks up the account and lets
// [VerifyResponse] compare; a client gives [NewInitiator] its [Credentials]. Most callers do not come here at all
// but wrap a mechanism in package spnego.
//
//	mech := ntlm.NewMechanism(ntlm.Config{Authority: accounts})
//	acc := mech.NewAcceptor(auth.Peer{Address: addr})
//	challenge, err := acc.Accept(ctx, negotiate)   // nt.StatusMoreProcessingRequired
//	_, err = acc.Accept(ctx, authenticate)         // nil: acc.Context() is the logon
//
// What it refuses: the connectionless variant (NTLMSSP_NEGOTIATE_DATAGRAM), LM responses of the first version, and,
// unless [Config] says otherwise, NTLMv1, lone LMv2 responses, 40- and 56-bit sealing and the anonymous logon. The LM hash
// is never computed.
package ntlm
