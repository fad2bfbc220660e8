// Package krb5 is Kerberos, both sides (RFC 4120, RFC 4121, MS-KILE): tickets and authenticators, mutual authentication and DCE style, the PAC
// with which a domain says who a client is, and the signing and sealing of what follows.
//
// A server gives [NewMechanism] its [Keys], usually those of a keytab, and an [auth.Authority] that makes the token of a proved client:
//
//	keytab, err := krb5.LoadKeytab(krb5.KeytabPath(""))
//	mech := krb5.NewMechanism(krb5.Config{Authority: accounts, Keys: keytab})
//	acc := mech.NewAcceptor(auth.Peer{Address: addr})
//	reply, err := acc.Accept(ctx, token)   // nil: acc.Context() is the logon
//
// A client makes a [Client] of a password, a keytab or a credential cache, and an initiator for each logon:
//
//	client, err := krb5.NewClient(krb5.ClientConfig{CCache: contents})
//	init := client.NewInitiator(krb5.InitiatorConfig{Service: "cifs/server.example"})
//
// Most callers do not come here at all but wrap both in package spnego. RPC's own authentication type uses DCE style, which
// has three bare tokens instead of two framed ones.
//
// Encryption is by AES with SHA-1 or SHA-2; RC4 only where a Config says so, DES never. A logon is refused for a replayed authenticator, a clock that
// is more than five minutes away, a PAC that is missing or is not signed with the server's key, and channel bindings that differ. Why is
// logged; the client gets a KRB_ERROR. Delegated credentials are not taken, user-to-user authentication and PKINIT are not spoken, and no FAST
// armor protects a password: use long ones, or keytabs.
//
// krb5.conf is read by gokrb5; messages, cryptography and caches are this package's own, so that what a peer sends is bounded before it is
// decoded and a message allocates nothing but its signature.
package krb5
