// Package netlogon answers what clients and administrators ask the logon service of a server that is no domain controller (MS-NRPC 3.5). It has no secure
// channel to offer, no domain's accounts to verify, and knows no controllers: operations for controllers are refused with STATUS_NOT_SUPPORTED, as on every
// member, and questions for a controller find none.
//
// nltest and its kin ask for the state of the service (NetrLogonControl2Ex); tools that look for a domain get an answer here, where a pipe that is not
// there would keep some of them waiting.
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.LogonInterface, netlogon.New(netlogon.Config{}))
//
// # Who may what
//
// Who is authenticated may look for controllers and sites; administrators ask for the state of the service. The operations for controllers
// say what they say to everybody. What has no method here is nca_s_op_rng_error.
package netlogon
