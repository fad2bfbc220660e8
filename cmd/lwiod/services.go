package main

import (
	"context"
	"maps"
	"slices"

	"lwio/cmd/internal/host"
	"lwio/cmd/internal/metrics"
	"lwio/iomgr"
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
		host.Wkssvc(a, who, d.cfg.Host.Workgroup, d.workstation),
		host.Netlogon(),
		host.Winreg(a, who, d.registry, d.cfg),
		host.Svcctl(d.registry),
		host.Eventlog(d.logs, who),
		host.Initshutdown(),
		host.Ntsvcs(),
		host.Echo(),
		host.Mapper(registry, d.cfg.RPC.EndpointMapper),
	}
	accounts := d.accounts
	if accounts != nil {
		remote, _ := d.cfg.Users.RemoteDescriptor() // the configuration was checked
		all = append(all, host.Account(accounts, host.Directory(d.cfg, accounts, who, d.member)), host.Samr(accounts, remote, d.log), host.Domain(d.member))
	}
	all = slices.DeleteFunc(all, func(s host.Service) bool { return !slices.Contains(names, s.Name) })
	all = lsass(all)
	if accounts != nil {
		all = append(all, host.Authority(who, accounts, d.member))
	}
	return all
}

// lsass puts the account manager and the security authority together, where both are.
func lsass(all []host.Service) []host.Service {
	var together []host.Service
	all = slices.DeleteFunc(all, func(s host.Service) bool {
		if s.Name == "lsarpc" || s.Name == "samr" {
			together = append(together, s)
			return true
		}
		return false
	})
	if len(together) == 2 {
		together = []host.Service{host.Together("lsass", together...)}
	}
	return append(all, together...)
}

// endpoints are where the services are served besides their pipes.
func (d *daemon) endpoints(who auth.Authority, mechs *host.Mechanisms, m *iomgr.Manager, registry *epmapper.Registry) host.Endpoints {
	self := who.Host()
	at := host.Endpoints{Name: self.Name, Local: d.cfg.LocalEndpoints(), LocalRequired: d.cfg.RPC.Local != "", Token: state.NewUnixTokens(nil).ForUID, Registry: registry,
		Principal: host.Principal(mechs, who)}
	at.TCP = d.cfg.RPC.Ports()
	at.Control = host.Control{Name: "lwiod", Token: host.TokenOf(who), Families: func(ctx context.Context) ([]metrics.Family, error) { return families(ctx, m) }, Metrics: d.cfg.Metrics.Listen}
	return at
}
