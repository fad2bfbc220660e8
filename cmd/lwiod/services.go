package main

import (
	"slices"

	echogen "lwio/gen/echo"

	"lwio/cmd/internal/host"
	"lwio/iomgr/api"
	"lwio/rpc/server"
	"lwio/services/echo"
	"lwio/services/state"
)

// hosted gives the services of these names.
func hosted(names []string, a api.API, accounts *state.Accounts, d *daemon) ([]host.Service, error) {
	all := []host.Service{
		{Name: "echo", Pipes: []string{"rpcecho"}, Register: func(s *server.Server) error {
			return s.Register(echogen.RpcechoInterface, echo.New(echo.Config{}))
		}},
	}
	return slices.DeleteFunc(all, func(s host.Service) bool { return !slices.Contains(names, s.Name) }), nil
}
