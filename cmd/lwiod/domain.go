package main

import (
	"context"
	"sync"

	"lwio/cmd/internal/host"
	"lwio/iomgr/auth"
	"lwio/iomgr/drivers/pvfs"
)

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
