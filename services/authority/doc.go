// Package authority carries an auth.Authority from one daemon to another over a local pipe (idl/authority.idl). [Server] stands in the process
// that has the accounts, lsassd; [Remote] stands in each that accepts logons, and is an auth.Authority like any.
//
//	svc := authority.New(authority.Config{Authority: accounts, TokenForUID: accounts.TokenForUID})
//	err := svc.Register(rpcServer) // on the pipe authority.Pipe, for local administrators
//
//	remote := authority.NewRemote(authority.RemoteConfig{Dial: dial, Host: known})
//	mech := ntlm.NewMechanism(ntlm.Config{Authority: remote})
//
// It is never offered to the network: a caller that may ask can verify any response, and is told session keys. The server answers
// callers that are local and administrators, which every daemon of the host is; and whoever dials makes sure who serves the pipe.
//
// # When the other side is away
//
// A call that finds nobody answers nt.StatusNoLogonServers: at once where there is no pipe, after [RemoteConfig].Timeout where somebody has it and
// is silent. The next call tries again; nothing has to be restarted. Host is remembered and never asks.
//
// # Lock order
//
//	Remote.asking (held over a call)
//	  Remote.mu (idle connections, the host; nothing is called while it is held)
package authority
