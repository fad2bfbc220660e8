package host

import (
	"context"
	"log/slog"

	"lwio/gen/account"
	"lwio/gen/dssetup"
	"lwio/gen/echo"
	"lwio/gen/lsarpc"
	"lwio/gen/netlogon"
	"lwio/gen/samr"
	"lwio/gen/srvctl"
	"lwio/gen/srvsvc"
	"lwio/gen/wkssvc"

	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/devctl"
	"lwio/iomgr/nt"
	"lwio/rpc/ndr"
	"lwio/rpc/server"
	accountservice "lwio/services/account"
	authorityservice "lwio/services/authority"
	domainservice "lwio/services/domain"
	dssetupservice "lwio/services/dssetup"
	echoservice "lwio/services/echo"
	"lwio/services/identity"
	lsarpcservice "lwio/services/lsarpc"
	netlogonservice "lwio/services/netlogon"
	samrservice "lwio/services/samr"
	srvsvcservice "lwio/services/srvsvc"
	"lwio/services/state"
	wkssvcservice "lwio/services/wkssvc"
)

// Srvsvc administers the SMB server behind an API.
func Srvsvc(a api.API, drives []string, anonymous bool) Service {
	return Service{Name: "srvsvc", Pipes: []string{"srvsvc"}, Register: func(s *server.Server) error {
		return s.Register(srvsvc.SrvsvcInterface, srvsvcservice.New(srvsvcservice.Config{API: a, Drives: drives, Anonymous: anonymous}))
	}}
}

// Lsarpc serves the security policy of local accounts, looks names up, and says what role the host has.
func Lsarpc(authority auth.Authority, workgroup string) Service {
	var policy *state.LSA
	if local, ok := authority.(interface{ LSA() *state.LSA }); ok {
		policy = local.LSA()
	}
	return Service{Name: "lsarpc", Pipes: []string{"lsarpc", "lsass"}, Register: func(s *server.Server) error {
		if err := s.Register(lsarpc.LsarpcInterface, lsarpcservice.New(lsarpcservice.Config{Authority: authority, Policy: policy, Workgroup: workgroup})); err != nil {
			return err
		}
		return s.Register(dssetup.DssetupInterface, dssetupservice.New(dssetupservice.Config{Authority: authority, Workgroup: workgroup}))
	}}
}

// Netlogon answers as a server that is no domain controller.
func Netlogon() Service {
	return Service{Name: "netlogon", Pipes: []string{"netlogon"}, Register: func(s *server.Server) error {
		return s.Register(netlogon.LogonInterface, netlogonservice.New(netlogonservice.Config{}))
	}}
}

// Wkssvc describes the workstation; who is logged on are the users of the SMB server's sessions.
func Wkssvc(a api.API, authority auth.Authority, workgroup string, settings *state.Workstation) Service {
	cfg := wkssvcservice.Config{Authority: authority, Workgroup: workgroup, Workstation: settings, Users: func(ctx context.Context) ([]wkssvcservice.User, error) {
		return loggedOn(ctx, a, authority.Host().Name)
	}}
	return Service{Name: "wkssvc", Pipes: []string{"wkssvc"}, Register: func(s *server.Server) error {
		return s.Register(wkssvc.WkssvcInterface, wkssvcservice.New(cfg))
	}}
}

// loggedOn asks the SMB server for its sessions.
func loggedOn(ctx context.Context, a api.API, host string) ([]wkssvcservice.User, error) {
	dev, err := devctl.Open(ctx, a, `\srv`)
	if err != nil {
		return nil, err
	}
	defer dev.Close()
	res, err := srvctl.NewClient(dev).SrvSessionEnum(ctx, &srvctl.SrvSessionEnumRequest{})
	if err != nil {
		return nil, err
	}
	if w := nt.WinError(res.Return); w != nt.WErrSuccess {
		return nil, w
	}
	var users []wkssvcservice.User
	for _, s := range res.Sessions.Sessions {
		users = append(users, wkssvcservice.User{Name: ndr.Text(s.User), Domain: ndr.Text(s.Domain), Server: host})
	}
	return users, nil
}

// Account administers the local accounts, for local administrators, and tells local programs who is who.
func Account(accounts *state.Accounts, who *identity.Directory) Service {
	return Service{Name: "account", Pipes: []string{"lwio"}, LocalCallers: true, Register: func(s *server.Server) error {
		impl, err := accountservice.New(accountservice.Config{Accounts: accounts, Secrets: accounts.LSA().Secrets, Identities: who})
		if err != nil {
			return err
		}
		return s.Register(account.AccountInterface, impl)
	}}
}

// Samr is the account manager. Who of the network may use it is remote's say; administrators if that is nil.
func Samr(accounts *state.Accounts, remote *nt.SecurityDescriptor, log *slog.Logger) Service {
	return Service{Name: "samr", Pipes: []string{"samr"}, Register: func(s *server.Server) error {
		return s.Register(samr.SamrInterface, samrservice.New(samrservice.Config{Accounts: accounts, Remote: remote, Log: log}))
	}}
}

// Domain joins a domain and administers the membership, for local administrators.
func Domain(member *domainservice.Member) Service {
	return Service{Name: "domain", Pipes: []string{"domain"}, LocalCallers: true, Register: func(s *server.Server) error {
		return domainservice.NewServer(member).Register(s)
	}}
}

// Authority answers other daemons who a logon is. The accounts say who a process of this host is, member, if it is not nil, what tickets to it are encrypted with.
func Authority(who auth.Authority, accounts *state.Accounts, member *domainservice.Member) Service {
	cfg := authorityservice.Config{Authority: who, TokenForUID: accounts.TokenForUID}
	if member != nil {
		cfg.Membership = member.Membership
	}
	return Service{Name: "authority", Pipes: []string{authorityservice.Pipe}, Security: authorityservice.PipeSecurity, Local: true, Register: func(s *server.Server) error {
		return authorityservice.New(cfg).Register(s)
	}}
}

// Echo is the sample.
func Echo() Service {
	return Service{Name: "echo", Pipes: []string{"rpcecho"}, Register: func(s *server.Server) error {
		return s.Register(echo.RpcechoInterface, echoservice.New(echoservice.Config{}))
	}}
}
