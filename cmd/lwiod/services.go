package main

import (
	"maps"
	"slices"

	"lwio/cmd/internal/host"
	"lwio/iomgr/api"
	"lwio/services/state"
)

// hosted gives the services of these names.
func hosted(names []string, a api.API, accounts *state.Accounts, d *daemon) []host.Service {
	drives := slices.Sorted(maps.Keys(d.cfg.Roots))
	all := []host.Service{
		host.Srvsvc(a, drives, d.cfg.SMB.Anonymous),
		host.Lsarpc(accounts, d.cfg.Host.Workgroup),
		host.Wkssvc(a, accounts, d.cfg.Host.Workgroup),
		host.Account(accounts),
		host.Echo(),
	}
	return slices.DeleteFunc(all, func(s host.Service) bool { return !slices.Contains(names, s.Name) })
}
