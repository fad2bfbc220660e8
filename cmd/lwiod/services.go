package main

import (
	"maps"
	"slices"

	"lwio/cmd/internal/host"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/services/state"
)

// hosted gives the services of these names. Where this daemon has the accounts it answers other daemons about logons besides.
func hosted(names []string, a api.API, who auth.Authority, d *daemon) []host.Service {
	drives := slices.Sorted(maps.Keys(d.cfg.Roots))
	all := []host.Service{
		host.Srvsvc(a, drives, d.cfg.SMB.Anonymous),
		host.Lsarpc(who, d.cfg.Host.Workgroup),
		host.Wkssvc(a, who, d.cfg.Host.Workgroup),
		host.Echo(),
	}
	accounts, local := who.(*state.Accounts)
	if local {
		all = append(all, host.Account(accounts))
	}
	all = slices.DeleteFunc(all, func(s host.Service) bool { return !slices.Contains(names, s.Name) })
	if local {
		all = append(all, host.Authority(accounts))
	}
	return all
}
