// Package identity tells what the programs of this machine may want to know of an account: which Unix id a SID has and the other way round, what the account is called, and which groups it is in.
// It puts together what state, the authority over logons and the maps of ids know, and changes nothing. Package userdb tells it to systemd, package account to `lwio id`.
//
//	d := &identity.Directory{Accounts: accounts, Names: authority, Maps: []identity.Map{identity.Range{Domain: machine.SID, First: 200000, Count: 100000}, member}}
//	e, err := d.ByName(ctx, "alice")     // e.ID is 201000 for the RID 1000
//	groups, err := d.Groups(ctx, e)
//
// An account of this machine is called by its name alone, one of a domain DOMAIN\name. What no map knows has no Unix id, but for users and groups of Unix itself, whose SIDs
// (S-1-22-1 and S-1-22-2) hold theirs.
package identity

import (
	"context"
	"errors"
	"strings"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/services/state"
)

// ErrNotFound says that nobody is known by the name, SID or id.
var ErrNotFound = errors.New("identity: nobody of that name")

// Map says which SIDs have which Unix ids, of users and groups alike. *domain.Member is one.
type Map interface {
	UnixID(sid nt.SID) (id uint32, ok bool)
	SIDOf(id uint32) (sid nt.SID, ok bool)
}

// Range maps the RIDs of a domain one to one: the id is First and the RID. RIDs from Count up have none.
type Range struct {
	Domain       nt.SID
	First, Count uint32
}

// UnixID is the id of a SID.
func (r Range) UnixID(sid nt.SID) (uint32, bool) {
	if !sid.IsChildOf(r.Domain) || sid.RID() >= r.Count {
		return 0, false
	}
	return r.First + sid.RID(), true
}

// SIDOf is the SID of an id.
func (r Range) SIDOf(id uint32) (nt.SID, bool) {
	if id < r.First || id-r.First >= r.Count {
		return nt.SID{}, false
	}
	return r.Domain.Child(id - r.First), true
}

// Directory finds entries. All fields are needed but Maps.
type Directory struct {
	Accounts *state.Accounts
	Names    auth.Authority // resolves names and SIDs of domains, too
	Maps     []Map
}

// Entry is a user or a group.
type Entry struct {
	SID             nt.SID
	Type            auth.SIDType
	Account, Domain string
	Name            string // as programs of this machine call it
	FullName        string // of a local user
	Comment         string
	Disabled        bool
	Expires         nt.Time // zero for never

	ID           uint32 // Unix id, if HasID
	HasID        bool
	Primary      nt.SID // primary group of a user; zero if it is not known
	PrimaryID    uint32 // if HasPrimaryID
	HasPrimaryID bool

	user *state.User // of a local user
}

// IsUser reports whether the entry is a user's, or a computer's.
func (e *Entry) IsUser() bool {
	return e.Type == auth.SIDTypeUser || e.Type == auth.SIDTypeComputer
}

// IsGroup reports whether the entry is a group's, or an alias's.
func (e *Entry) IsGroup() bool {
	return e.Type == auth.SIDTypeGroup || e.Type == auth.SIDTypeAlias || e.Type == auth.SIDTypeWellKnownGroup
}

// unixID is the id of a SID, by the maps or since it is of Unix.
func (d *Directory) unixID(sid nt.SID) (uint32, bool) {
	if sid.IsChildOf(nt.SIDUnixUsers) || sid.IsChildOf(nt.SIDUnixGroups) {
		return sid.RID(), true
	}
	for _, m := range d.Maps {
		if id, ok := m.UnixID(sid); ok {
			return id, true
		}
	}
	return 0, false
}

// complete fills in the ids and the name.
func (d *Directory) complete(e *Entry) *Entry {
	e.ID, e.HasID = d.unixID(e.SID)
	if !e.Primary.IsZero() {
		e.PrimaryID, e.HasPrimaryID = d.unixID(e.Primary)
	}
	e.Name = e.Account
	if host := d.Accounts.Host(); e.Domain != "" && !nt.EqualFold(e.Domain, host.Name) {
		e.Name = e.Domain + `\` + e.Account
	}
	return e
}

func (d *Directory) ofUser(u *state.User) *Entry {
	e := &Entry{SID: d.Accounts.Machine().SID.Child(u.RID), Type: auth.SIDTypeUser, Account: u.Name, Domain: d.Accounts.Machine().Name, FullName: u.FullName, Comment: u.AdminComment,
		Disabled: u.Control&state.ControlDisabled != 0, Expires: u.Expires, Primary: d.Accounts.Machine().SID.Child(u.PrimaryGroup), user: u}
	if u.IsMachine() {
		e.Type = auth.SIDTypeComputer
	}
	if e.Expires == nt.TimeNever {
		e.Expires = 0
	}
	return d.complete(e)
}

func (d *Directory) ofGroup(g *state.Group) *Entry {
	m := d.Accounts.Machine()
	return d.complete(&Entry{SID: m.SID.Child(g.RID), Type: auth.SIDTypeGroup, Account: g.Name, Domain: m.Name, Comment: g.Comment})
}

func (d *Directory) ofAlias(a *state.Alias) *Entry {
	e := &Entry{SID: a.SID, Type: auth.SIDTypeAlias, Account: a.Name, Domain: d.Accounts.Machine().Name, Comment: a.Comment}
	if a.SID.IsChildOf(nt.SIDBuiltin) {
		e.Domain = "BUILTIN"
	}
	return d.complete(e)
}

// known turns what the state says of a missing entry into ErrNotFound.
func known[T any](e T, err error) (T, error) {
	if errors.Is(err, state.ErrNoAccount) || errors.Is(err, state.ErrNoGroup) || errors.Is(err, state.ErrNoAlias) {
		err = ErrNotFound
	}
	return e, err
}

// local reads an entry of the machine.
func (d *Directory) local(ctx context.Context, rid uint32) (*Entry, error) {
	if u, err := d.Accounts.User(ctx, rid); err == nil {
		return d.ofUser(u), nil
	} else if !errors.Is(err, state.ErrNoAccount) {
		return nil, err
	}
	if g, err := d.Accounts.Group(ctx, rid); err == nil {
		return d.ofGroup(g), nil
	} else if !errors.Is(err, state.ErrNoGroup) {
		return nil, err
	}
	a, err := known(d.Accounts.Alias(ctx, d.Accounts.Machine().SID.Child(rid)))
	if err != nil {
		return nil, err
	}
	return d.ofAlias(a), nil
}

// BySID finds the entry of a SID.
func (d *Directory) BySID(ctx context.Context, sid nt.SID) (*Entry, error) {
	if sid.IsChildOf(d.Accounts.Machine().SID) {
		return d.local(ctx, sid.RID())
	}
	if sid.IsChildOf(nt.SIDBuiltin) {
		a, err := known(d.Accounts.Alias(ctx, sid))
		if err != nil {
			return nil, err
		}
		return d.ofAlias(a), nil
	}
	list, err := d.Names.LookupSIDs(ctx, []nt.SID{sid})
	if err != nil {
		return nil, err
	}
	return d.foreign(&list[0])
}

// foreign is the entry of what the authority has resolved.
func (d *Directory) foreign(id *auth.Identity) (*Entry, error) {
	e := &Entry{SID: id.SID, Type: id.Type, Account: id.Name, Domain: id.Domain}
	if !e.IsUser() && !e.IsGroup() {
		return nil, ErrNotFound
	}
	if e.IsUser() && !id.DomainSID.IsZero() && strings.HasPrefix(id.DomainSID.String(), "S-1-5-21-") {
		e.Primary = id.DomainSID.Child(nt.DomainGroupRIDUsers) // as far as is known without a logon
	}
	return d.complete(e), nil
}

// ByName finds the entry of a name: of this machine, or NAME@DOMAIN and DOMAIN\NAME of any.
func (d *Directory) ByName(ctx context.Context, name string) (*Entry, error) {
	domain, account, qualified := strings.Cut(name, `\`)
	if qualified && nt.EqualFold(domain, d.Accounts.Machine().Name) {
		name, qualified = account, false
	}
	if !qualified && !strings.Contains(name, "@") {
		rid, _, err := d.Accounts.LookupName(ctx, name)
		if err == nil {
			return d.local(ctx, rid)
		}
		if !errors.Is(err, state.ErrNoAccount) {
			return nil, err
		}
	}
	list, err := d.Names.LookupNames(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	if list[0].SID.IsZero() {
		return nil, ErrNotFound
	}
	return d.BySID(ctx, list[0].SID)
}

// ByID finds the user, or the group, of a Unix id.
func (d *Directory) ByID(ctx context.Context, id uint32, group bool) (*Entry, error) {
	for _, m := range d.Maps {
		sid, ok := m.SIDOf(id)
		if !ok {
			continue
		}
		e, err := d.BySID(ctx, sid)
		if err != nil {
			return nil, err
		}
		if group && !e.IsGroup() || !group && !e.IsUser() {
			return nil, ErrNotFound
		}
		return e, nil
	}
	sid := nt.SIDUnixUsers.Child(id)
	if group {
		sid = nt.SIDUnixGroups.Child(id)
	}
	return d.BySID(ctx, sid)
}

// Groups are those that a user of this machine is in, the primary one first, and the aliases that it or one of them is a member of; of others, the aliases of this machine that they are named in
// themselves: what else they are in, their domain says at a logon.
func (d *Directory) Groups(ctx context.Context, e *Entry) ([]*Entry, error) {
	var out []*Entry
	sids := []nt.SID{e.SID}
	if e.user != nil {
		rids, err := d.Accounts.GroupsOf(ctx, e.user)
		if err != nil {
			return nil, err
		}
		for _, rid := range rids {
			g, err := known(d.Accounts.Group(ctx, rid))
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			x := d.ofGroup(g)
			out, sids = append(out, x), append(sids, x.SID)
		}
	}
	aliases, err := d.Accounts.AliasesOf(ctx, sids)
	if err != nil {
		return nil, err
	}
	for _, sid := range aliases {
		a, err := known(d.Accounts.Alias(ctx, sid))
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, d.ofAlias(a))
	}
	return out, nil
}

// Members are the users in a group or an alias of this machine. A group in an alias stands for its users.
func (d *Directory) Members(ctx context.Context, e *Entry) ([]*Entry, error) {
	var out []*Entry
	seen := map[nt.SID]bool{}
	add := func(sid nt.SID) error {
		if seen[sid] {
			return nil
		}
		seen[sid] = true
		x, err := d.BySID(ctx, sid)
		if err == nil && x.IsUser() {
			out = append(out, x)
		}
		if errors.Is(err, ErrNotFound) || errors.Is(err, nt.StatusNoLogonServers) {
			return nil // nobody knows who it is, now
		}
		return err
	}
	machine := d.Accounts.Machine().SID
	ofGroup := func(rid uint32) error {
		rids, err := known(d.Accounts.GroupMembers(ctx, rid))
		if err != nil {
			return err
		}
		for _, rid := range rids {
			if err := add(machine.Child(rid)); err != nil {
				return err
			}
		}
		return nil
	}
	switch {
	case e.Type == auth.SIDTypeGroup && e.SID.IsChildOf(machine):
		return out, ofGroup(e.SID.RID())
	case e.Type != auth.SIDTypeAlias:
		return nil, nil
	}
	sids, err := known(d.Accounts.AliasMembers(ctx, e.SID))
	if err != nil {
		return nil, err
	}
	for _, sid := range sids {
		if sid.IsChildOf(machine) {
			if _, err := d.Accounts.Group(ctx, sid.RID()); err == nil {
				if err := ofGroup(sid.RID()); err != nil && !errors.Is(err, ErrNotFound) {
					return nil, err
				}
				continue
			}
		}
		if err := add(sid); err != nil {
			return nil, err
		}
	}
	return out, nil
}

const batch = 256 // entries that are read at a time

// pages reads all of a list by RID.
func pages[T any](read func(from uint32) ([]T, error), rid func(*T) uint32, each func(*T) error) error {
	for from := uint32(0); ; {
		list, err := read(from)
		if err != nil {
			return err
		}
		for i := range list {
			if err := each(&list[i]); err != nil {
				return err
			}
		}
		if len(list) < batch {
			return nil
		}
		from = rid(&list[len(list)-1]) + 1
	}
}

// EachUser gives the users of this machine. What each returns ends it.
func (d *Directory) EachUser(ctx context.Context, each func(*Entry) error) error {
	return pages(func(from uint32) ([]state.User, error) { return d.Accounts.Users(ctx, from, batch) }, func(u *state.User) uint32 { return u.RID },
		func(u *state.User) error { c := *u; return each(d.ofUser(&c)) })
}

// EachGroup gives the groups and the aliases of this machine.
func (d *Directory) EachGroup(ctx context.Context, each func(*Entry) error) error {
	if err := pages(func(from uint32) ([]state.Group, error) { return d.Accounts.Groups(ctx, from, batch) }, func(g *state.Group) uint32 { return g.RID },
		func(g *state.Group) error { return each(d.ofGroup(g)) }); err != nil {
		return err
	}
	return pages(func(from uint32) ([]state.Alias, error) {
		return d.Accounts.Aliases(ctx, d.Accounts.Machine().SID, from, batch)
	}, func(a *state.Alias) uint32 { return a.SID.RID() }, func(a *state.Alias) error { return each(d.ofAlias(a)) })
}
