// Package lsarpc serves the part of the local security authority that every client asks a server for: who it is (policy information), and
// names for SIDs and SIDs for names (MS-LSAD 3.1, MS-LSAT 3.1). Accounts' rights, secrets and trusts are operations of the interface that it
// does not serve: they answer nca_s_op_rng_error, and the association lives.
//
// It holds no accounts. An auth.Authority resolves names and SIDs and says what the host is called; the service bounds the requests, checks
// access, and puts answers into the form that clients know from Windows.
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.LsarpcInterface, lsarpc.New(lsarpc.Config{Authority: accounts}))
//
// # Who may what
//
// Opening a policy handle is checked against Config.Descriptor once; what the handle was granted then decides, as in Windows. By default
// administrators have all rights, everybody who is authenticated may view local information and look names up, and the null session has
// nothing. LsarGetUserName needs no handle and tells callers their own name only, the null session too. The operations that Windows
// keeps for secure channels (LsarLookupSids3, LsarLookupNames4) are refused without one, all others are refused over TCP.
//
// A Service has no state of its own; policy handles live in the association group.
package lsarpc
