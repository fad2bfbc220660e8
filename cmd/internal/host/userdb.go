package host

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"lwio/cmd/internal/config"
	"lwio/iomgr/auth"
	"lwio/iomgr/drivers/pvfs/posixacl"
	"lwio/iomgr/nt"
	"lwio/services/authority"
	"lwio/services/domain"
	"lwio/services/identity"
	"lwio/services/state"
	"lwio/services/userdb"
	"lwio/services/varlink"
)

// machineMap is the map of the machine's own accounts. Whose they are may be learned late, where another daemon has them.
type machineMap struct {
	machine func() nt.SID
	a       *config.Accounts
}

func (m machineMap) rids() (identity.Range, bool) {
	sid := m.machine()
	return identity.Range{Domain: sid, First: m.a.FirstID, Count: m.a.IDs}, !sid.IsZero()
}

// UnixID is the id of a SID.
func (m machineMap) UnixID(sid nt.SID) (uint32, bool) {
	if r, ok := m.rids(); ok {
		return r.UnixID(sid)
	}
	return 0, false
}

// SIDOf is the SID of an id.
func (m machineMap) SIDOf(id uint32) (nt.SID, bool) {
	if r, ok := m.rids(); ok {
		return r.SIDOf(id)
	}
	return nt.SID{}, false
}

// UnixMaps are the maps of Unix ids: of the machine's own accounts, if they have ids, and of the domain's.
func UnixMaps(cfg *config.Config, who auth.Authority, member *domain.Member) []identity.Map {
	var maps []identity.Map
	if cfg.Users.IDs > 0 {
		maps = append(maps, machineMap{func() nt.SID { return who.Host().MachineSID }, &cfg.Users})
	}
	switch r, ok := who.(*authority.Remote); {
	case ok:
		maps = append(maps, r) // what the daemon that has the membership tells
	case member != nil && cfg.Domain.IDs > 0:
		maps = append(maps, member)
	}
	return maps
}

// FileIDs maps the SIDs of some domains by their RIDs, and what is of none of them as a host without a map does.
type FileIDs struct {
	posixacl.Unix
	Maps []identity.Map
}

// UserSID is the SID of a user.
func (x FileIDs) UserSID(uid uint32) nt.SID {
	for _, m := range x.Maps {
		if sid, ok := m.SIDOf(uid); ok {
			return sid
		}
	}
	return x.Unix.UserSID(uid)
}

// GroupSID is the SID of a group.
func (x FileIDs) GroupSID(gid uint32) nt.SID {
	for _, m := range x.Maps {
		if sid, ok := m.SIDOf(gid); ok {
			return sid
		}
	}
	return x.Unix.GroupSID(gid)
}

// UID is the user of a SID.
func (x FileIDs) UID(sid nt.SID) (uint32, bool) {
	for _, m := range x.Maps {
		if id, ok := m.UnixID(sid); ok {
			return id, true
		}
	}
	return x.Unix.UID(sid)
}

// GID is the group of a SID.
func (x FileIDs) GID(sid nt.SID) (uint32, bool) {
	for _, m := range x.Maps {
		if id, ok := m.UnixID(sid); ok {
			return id, true
		}
	}
	return x.Unix.GID(sid)
}

// Directory tells local programs of the accounts.
func Directory(cfg *config.Config, accounts *state.Accounts, who auth.Authority, member *domain.Member) *identity.Directory {
	return &identity.Directory{Accounts: accounts, Names: who, Maps: UnixMaps(cfg, who, member)}
}

// Userdb tells systemd of the accounts at the socket that is configured, if one is, until ctx of the function that it gives ends it.
func Userdb(cfg *config.Config, d *identity.Directory, log *slog.Logger) (stop func(context.Context) error, err error) {
	path := cfg.Userdb.Socket
	if path == "" {
		return func(context.Context) error { return nil }, nil
	}
	l, err := ListenUnix(path)
	if err != nil {
		return nil, fmt.Errorf("userdb.socket: %w", err)
	}
	p := &userdb.Provider{Directory: d, Service: filepath.Base(path)}
	s := &varlink.Server{Product: "lwio", Interfaces: []varlink.Interface{p.Interface()}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(ctx, l); err != nil {
			log.Error("userdb ended", "err", err)
		}
	}()
	return func(context.Context) error {
		cancel()
		<-done
		return nil
	}, nil
}
