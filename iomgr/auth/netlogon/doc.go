// Package netlogon is the security provider of the Netlogon secure channel (MS-NRPC 3.1.4 and 3.3), on the side of a member of a domain and with AES alone:
// the session key that machine and controller make of the machine's password, the credentials and authenticators that prove it call by call, and
// the signing and sealing of RPC by that key.
//
//	key := netlogon.SessionKey(ntlm.NTHash(password), clientChallenge, serverChallenge)
//	chain := netlogon.NewChain(key, clientChallenge)
//	init := netlogon.NewInitiator(netlogon.Channel{Domain: "LAB", Computer: "OURS", Key: key})
//	b, err := conn.Bind(ctx, netlogon.LogonInterface, &client.Auth{Type: rpc.AuthTypeNetlogon, Level: rpc.AuthLevelPktPrivacy, Initiator: init})
//
// It makes no calls; services/domain does. Keys of DES and RC4, which controllers of this century do not need, are not made: who negotiates must see
// to it that FlagAES comes back.
//
// A context counts the messages of both directions together, as the specification has it, so that only one call may be under way on a binding: set
// MaxCalls of the client's Config to 1.
package netlogon
