package host

import (
	"lwio/gen/account"
	"lwio/gen/echo"
	"lwio/gen/lsarpc"
	"lwio/gen/srvsvc"

	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/rpc/server"
	accountservice "lwio/services/account"
	echoservice "lwio/services/echo"
	lsarpcservice "lwio/services/lsarpc"
	srvsvcservice "lwio/services/srvsvc"
	"lwio/services/state"
)

// Srvsvc administers the SMB server behind an API.
func Srvsvc(a api.API, drives []string) Service {
	return Service{Name: "srvsvc", Pipes: []string{"srvsvc"}, Register: func(s *server.Server) error {
		return s.Register(srvsvc.SrvsvcInterface, srvsvcservice.New(srvsvcservice.Config{API: a, Drives: drives}))
	}}
}

// Lsarpc looks names up, and says what role the host has.
func Lsarpc(authority auth.Authority, workgroup string) Service {
	return Service{Name: "lsarpc", Pipes: []string{"lsarpc", "lsass"}, Register: func(s *server.Server) error {
		return s.Register(lsarpc.LsarpcInterface, lsarpcservice.New(lsarpcservice.Config{Authority: authority, Workgroup: workgroup}))
	}}
}

// Account administers the local accounts, for local administrators.
func Account(accounts *state.Accounts) Service {
	return Service{Name: "account", Pipes: []string{"lwio"}, Register: func(s *server.Server) error {
		impl, err := accountservice.New(accountservice.Config{Accounts: accounts})
		if err != nil {
			return err
		}
		return s.Register(account.AccountInterface, impl)
	}}
}

// Echo is the sample.
func Echo() Service {
	return Service{Name: "echo", Pipes: []string{"rpcecho"}, Register: func(s *server.Server) error {
		return s.Register(echo.RpcechoInterface, echoservice.New(echoservice.Config{}))
	}}
}
