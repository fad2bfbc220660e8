// Package lsarpc serves the local security authority (MS-LSAD 3.1, MS-LSAT 3.1): its policy, the accounts with their privileges and logon rights, its
// secrets, and names for SIDs and SIDs for names. It answers as a server that is no domain controller does: there are no trusted domains, and none
// can be made.
//
// It holds no accounts. An auth.Authority resolves names and SIDs and says what the host is called; a [state.LSA] keeps the policy. The service
// bounds the requests, checks access, and puts answers into the form that clients know from Windows.
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.LsarpcInterface, lsarpc.New(lsarpc.Config{Authority: accounts, Policy: accounts.LSA()}))
//
// # Who may what
//
// Opening a handle is checked against the descriptor of the policy, the account or the secret once; what the handle was granted then decides, as in
// Windows. At first administrators have all rights, everybody who is authenticated may view local information and look names up, and
// the null session has nothing; LsarSetSecurityObject changes that. LsarGetUserName needs no handle and tells callers their own name only, the
// null session too. The operations that Windows keeps for secure channels (LsarLookupSids3, LsarLookupNames4) are refused without one, all others
// are refused over TCP.
//
// Secrets whose names begin with L$ are for callers of this machine, those that begin with M$ for its system alone. Values cross the wire
// encrypted with the session key, or with the one that everybody knows where the transport has none, which only local ones do.
//
// # What cannot be set
//
// The names and SIDs of the host and of its domain are told and not set: accounts and descriptors stand on them, and a domain is joined, not named.
// Options of auditing are kept for who asks. The operations 135 to 141, which encrypt with AES, answer nca_s_op_rng_error, and
// LsarOpenPolicy3 tells clients that they are not there.
//
// A Service has no state of its own; handles live in the association group.
package lsarpc
