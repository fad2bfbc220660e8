// Package wkssvc serves the workstation service (MS-WKST 3.2.4): what the computer is and what it is called, who is logged on to it, over what it is on
// the network, and which shares of other servers a user has given names.
//
// An auth.Authority names the host, functions of the Config list users and transports, as the server that is asked about has them, and a
// [state.Workstation] keeps what administrators set.
//
//	s := server.New(server.Config{…})
//	err := s.Register(gen.WkssvcInterface, wkssvc.New(wkssvc.Config{Authority: accounts, Users: sessions, Workstation: settings}))
//
// # Who may what
//
//	NetrWkstaGetInfo 100     everybody, the null session too
//	NetrWkstaGetInfo 101     who is authenticated
//	NetrWkstaGetInfo 102     administrators
//	NetrWkstaGetInfo 502     administrators
//	NetrWkstaUserEnum        administrators
//	what changes something   administrators
//	uses                     who is authenticated, each his own
//	everything else          who is authenticated
//
// A level that there is none of is ERROR_INVALID_LEVEL for everybody.
//
// # What is not done
//
// A new name of the computer counts from the daemon's next start on, as in Windows; where another daemon has the accounts, that is not supported. The
// host joins and leaves no domain from afar. Uses are names for shares that are remembered while the daemon runs: no connection is made, no
// password kept, and the redirector does not look at them; nor does it look at the limits of level 502. Of the statistics only the time since when
// and the number of uses are counted. Whether a name is valid is told to callers of this machine alone, as in Windows.
package wkssvc
