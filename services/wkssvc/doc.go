// Package wkssvc serves the part of the workstation service that administration tools ask a server for: what the computer is, who is
// logged on to it, and over what it is on the network (MS-WKST 3.2.4). Connections to other servers, statistics and domain membership are
// operations of the interface that it does not serve: they answer nca_s_op_rng_error, and the association lives.
//
// It keeps nothing. An auth.Authority names the host, and functions of the Config list users and transports, as the server that is asked
// about has them.
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.WkssvcInterface, wkssvc.New(wkssvc.Config{Authority: accounts, Users: sessions}))
//
// # Who may what
//
//	NetrWkstaGetInfo 100     everybody, the null session too
//	NetrWkstaGetInfo 101     who is authenticated
//	NetrWkstaGetInfo 102     administrators
//	NetrWkstaUserEnum        administrators
//	NetrWkstaTransportEnum   who is authenticated
//
// A level that there is none of is ERROR_INVALID_LEVEL for everybody.
package wkssvc
