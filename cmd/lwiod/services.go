package main

import (
	"maps"
	"slices"

	"lwio/cmd/internal/config"
	"lwio/cmd/internal/host"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/services/epmapper"
	"lwio/services/state"
)

// hosted gives the services of these names. Where this daemon has the accounts it answers other daemons about logons besides.
func hosted(names []string, a api.API, who auth.Authority, d *daemon, registry *epmapper.Registry) []host.Service {
	drives := slices.Sorted(maps.Keys(d.cfg.Roots))
	all := []host.Service{
		host.Srvsvc(a, drives, d.cfg.SMB.Anonymous),
		host.Lsarpc(who, d.cfg.Host.Workgroup),
		host.Wkssvc(a, who, d.cfg.Host.Workgroup),
		host.Echo(),
		host.Mapper(registry, d.cfg.RPC.EndpointMapper),
	}
	accounts, local := who.(*state.Accounts)
	if local {
		remote, _ := d.cfg.Users.RemoteDescriptor() // the configuration was checked
		all = append(all, host.Account(accounts), host.Samr(accounts, remote, d.log))
	}
	all = slices.DeleteFunc(all, func(s host.Service) bool { return !slices.Contains(names, s.Name) })
	if local {
		all = append(all, host.Authority(accounts))
	}
	return all
}

// endpoints are where the services are served besides their pipes.
func (d *daemon) endpoints(who auth.Authority, mechs *host.Mechanisms, registry *epmapper.Registry) host.Endpoints {
	self := who.Host()
	at := host.Endpoints{Name: self.Name, Local: d.cfg.LocalEndpoints(), LocalRequired: d.cfg.RPC.Local != "", Token: state.NewUnixTokens(nil).ForUID, Registry: registry,
		Principal: func(authType uint8) string {
			if mechs.RPC[authType] == nil || self.DNSName == "" {
				return ""
			}
			return "host/" + self.DNSName
		}}
	for _, s := range d.cfg.RPC.TCP {
		if r, err := config.ParsePortRange(s); err == nil { // the configuration was checked
			at.TCP = append(at.TCP, r)
		}
	}
	return at
}
