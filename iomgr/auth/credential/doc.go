// Package credential turns an [api.Credential], which says as whom a client wants to be known and how it proves that, into the initiator that a
// logon needs. It is where the policy stands: Kerberos first and NTLM only where that is allowed and Kerberos cannot be had, decided at each logon.
//
//	src := credential.New(credential.Config{NTLM: credential.Denied})
//	cred, err := credential.FromEnvironment()                     // the cache of kinit, nil if there is none
//	init, err := src.Initiator(ctx, cred, "cifs", "dc1.lab.test") // what the redirector is configured with
//	init, err = src.Mechanism(ctx, cred, rpc.AuthTypeSPNEGO, uint8(rpc.AuthLevelPktPrivacy), "host", "dc1.lab.test")
//
// A Source keeps the tickets of the credentials that it has seen lately, so that a logon to a server that was logged on to before asks no KDC.
//
// It stores no credential and asks nobody for a password; the accounts of servers are not its business either (package auth, Authority).
package credential
