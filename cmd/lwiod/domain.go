package main

import (
	"context"
	"sync"

	"lwio/iomgr/auth"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/drivers/pvfs/posixacl"
	"lwio/iomgr/nt"
	"lwio/services/authority"
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

// idTable has the Unix ids of domains: the membership, or what another daemon has told of its.
type idTable interface {
	UnixID(nt.SID) (uint32, bool)
	SIDOf(uint32) (nt.SID, bool)
}

// memberIDs maps the SIDs of domains by a table, and what is not of a domain as a host without one does.
type memberIDs struct {
	posixacl.Unix
	table idTable
}

// ids is the map of the volumes; nil for that of a host without a domain.
func (d *daemon) ids(who auth.Authority) pvfs.IdMap {
	if d.member != nil && d.cfg.Domain.IDs > 0 {
		return memberIDs{table: d.member}
	}
	if r, ok := who.(*authority.Remote); ok {
		return memberIDs{table: r}
	}
	return nil
}

// UserSID is the SID of a user.
func (x memberIDs) UserSID(uid uint32) nt.SID {
	if sid, ok := x.table.SIDOf(uid); ok {
		return sid
	}
	return x.Unix.UserSID(uid)
}

// GroupSID is the SID of a group.
func (x memberIDs) GroupSID(gid uint32) nt.SID {
	if sid, ok := x.table.SIDOf(gid); ok {
		return sid
	}
	return x.Unix.GroupSID(gid)
}

// UID is the user of a SID.
func (x memberIDs) UID(sid nt.SID) (uint32, bool) {
	if id, ok := x.table.UnixID(sid); ok {
		return id, true
	}
	return x.Unix.UID(sid)
}

// GID is the group of a SID.
func (x memberIDs) GID(sid nt.SID) (uint32, bool) {
	if id, ok := x.table.UnixID(sid); ok {
		return id, true
	}
	return x.Unix.GID(sid)
}
