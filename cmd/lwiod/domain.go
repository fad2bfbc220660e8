package main

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"lwio/cmd/internal/host"
	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/drivers/pvfs"
	"lwio/pipes"
	"lwio/services/domain"
	"lwio/services/state"
)

// membership is that of a domain, whether there is one or not. Its pipes are opened through the redirector.
func (d *daemon) membership(ctx context.Context, store state.Store, m *iomgr.Manager) (*domain.Member, error) {
	cfg := &d.cfg.Domain
	member, err := domain.New(ctx, domain.Config{
		Table: state.NewDomain(store),
		Pipe: func(ctx context.Context, host, pipe string, cred *api.Credential) (domain.Conn, error) {
			if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
				host = "[" + host + "]"
			}
			c, err := pipes.Dial(ctx, m, `\rdr\`+host+`\IPC$\`+pipe, pipes.DialConfig{Message: true, Contexts: []any{cred}})
			if err != nil {
				return nil, err
			}
			return c, nil
		},
		Host:    func() auth.Host { return d.accounts.Host() },
		Keytab:  host.MemberKeytab(d.cfg),
		Locator: domain.NewLocator(domain.LocatorConfig{Preferred: cfg.Preferred, Excluded: cfg.Excluded}),
		Log:     d.log, PasswordAge: time.Duration(cfg.PasswordAge), FirstID: cfg.FirstID, IDs: cfg.IDs,
	})
	if err != nil {
		return nil, err
	}
	d.onStop(func(context.Context) error { member.Close(); return nil })
	return member, nil
}

// live keeps the secure channel and the password of the machine.
func (d *daemon) live(ctx context.Context) {
	if d.member == nil {
		return
	}
	running, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { d.member.Run(running) })
	d.onStop(func(context.Context) error {
		cancel()
		wg.Wait()
		return nil
	})
}

// ids is the map of the volumes; nil for that of a host where neither the machine's nor a domain's accounts have Unix ids.
func (d *daemon) ids(who auth.Authority) pvfs.IdMap {
	maps := host.UnixMaps(d.cfg, who, d.member)
	if maps == nil {
		return nil
	}
	return host.FileIDs{Maps: maps}
}
