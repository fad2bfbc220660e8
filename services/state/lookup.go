package state

import (
	"context"
	"errors"
	"strings"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

const (
	noneGroup       = "None" // the primary group of local users
	unixUserDomain  = "Unix User"
	unixGroupDomain = "Unix Group"
)

// LookupNames resolves names of local users, of the machine itself, of BUILTIN and of what is well known, in the order in which Windows
// looks: well-known and builtin first, then the machine's own, then those of domains, of which it knows the users whom it has authorized.
func (a *Accounts) LookupNames(ctx context.Context, names []string) ([]auth.Identity, error) {
	out := make([]auth.Identity, len(names))
	for i, name := range names {
		id, err := a.lookupName(ctx, name)
		if err != nil {
			return nil, err
		}
		out[i] = id
	}
	return out, nil
}

func (a *Accounts) lookupName(ctx context.Context, name string) (auth.Identity, error) {
	unknown := auth.Identity{Type: auth.SIDTypeUnknown, Name: name}
	domain, account, qualified := strings.Cut(name, `\`)
	if !qualified {
		account = name
		if user, at, ok := cutLast(name, '@'); ok {
			account, domain, qualified = user, at, true
		}
	}
	if account == "" {
		if qualified && a.isMachine(domain) {
			return a.domain(), nil
		}
		if w, ok := nt.LookupWellKnownName(domain); ok && w.Use == nt.SIDTypeDomain { // BUILTIN\
			return wellKnown(w), nil
		}
		if id, ok := a.seen.lookupName(domain, ""); ok && domain != "" {
			return id, nil
		}
		return unknown, nil
	}
	if w, ok := nt.LookupWellKnownName(name); ok {
		return wellKnown(w), nil
	}
	switch {
	case qualified && !a.isMachine(domain):
		if id, ok := a.seen.lookupName(domain, account); ok {
			return id, nil
		}
		unknown.Domain = domain
		unknown.Name = account
		return unknown, nil
	case !qualified && a.isMachine(account):
		return a.domain(), nil
	}
	rid, kind, err := a.LookupName(ctx, account)
	switch {
	case errors.Is(err, ErrNoAccount):
		if qualified {
			unknown.Domain, unknown.DomainSID, unknown.Name = a.machine.Name, a.machine.SID, account
		} else if id, ok := a.seen.lookupName("", account); ok {
			return id, nil
		}
		return unknown, nil
	case err != nil:
		return unknown, err
	}
	return a.entry(ctx, rid, kind)
}

// entry is who an entry of the account domain is. One that went since its name was read is nobody.
func (a *Accounts) entry(ctx context.Context, rid uint32, kind Kind) (auth.Identity, error) {
	unknown := auth.Identity{Type: auth.SIDTypeUnknown, Domain: a.machine.Name, DomainSID: a.machine.SID}
	switch kind {
	case KindGroup:
		g, err := a.Group(ctx, rid)
		if errors.Is(err, ErrNoGroup) {
			return unknown, nil
		} else if err != nil {
			return unknown, err
		}
		return a.identity(rid, g.Name, auth.SIDTypeGroup), nil
	case KindAlias:
		x, err := a.Alias(ctx, a.machine.SID.Child(rid))
		if errors.Is(err, ErrNoAlias) {
			return unknown, nil
		} else if err != nil {
			return unknown, err
		}
		return a.identity(rid, x.Name, auth.SIDTypeAlias), nil
	}
	r, _, err := a.findRID(ctx, rid)
	if errors.Is(err, ErrNoAccount) {
		return unknown, nil
	} else if err != nil {
		return unknown, err
	}
	return a.identity(rid, r.Name, auth.SIDTypeUser), nil
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i > 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// isMachine reports whether a domain's name is this machine's.
func (a *Accounts) isMachine(domain string) bool {
	return nt.EqualFold(domain, a.machine.Name) || nt.EqualFold(domain, a.machine.DNSName) || domain == "."
}

func (a *Accounts) domain() auth.Identity {
	return auth.Identity{SID: a.machine.SID, Type: auth.SIDTypeDomain, Name: a.machine.Name, Domain: a.machine.Name, DomainSID: a.machine.SID}
}

func (a *Accounts) identity(rid uint32, name string, use auth.SIDType) auth.Identity {
	return auth.Identity{SID: a.machine.SID.Child(rid), Type: use, Name: name, Domain: a.machine.Name, DomainSID: a.machine.SID}
}

func wellKnown(w nt.WellKnownName) auth.Identity {
	id := auth.Identity{SID: w.SID, Type: auth.SIDType(w.Use), Name: w.Name, Domain: w.Domain}
	switch {
	case w.Use == nt.SIDTypeDomain:
		id.DomainSID = w.SID
	case w.SID.Authority() == 5 && w.SID.SubAuthority(0) != nt.SIDBuiltin.SubAuthority(0):
		id.DomainSID = nt.SIDNTAuthority // NT AUTHORITY, however deep the SID is
	default:
		id.DomainSID = w.SID.Domain()
	}
	return id
}

// LookupSIDs resolves SIDs.
func (a *Accounts) LookupSIDs(ctx context.Context, sids []nt.SID) ([]auth.Identity, error) {
	out := make([]auth.Identity, len(sids))
	for i, sid := range sids {
		id, err := a.lookupSID(ctx, sid)
		if err != nil {
			return nil, err
		}
		out[i] = id
	}
	return out, nil
}

func (a *Accounts) lookupSID(ctx context.Context, sid nt.SID) (auth.Identity, error) {
	unknown := auth.Identity{SID: sid, Type: auth.SIDTypeUnknown}
	if w, ok := nt.LookupWellKnownSID(sid); ok {
		return wellKnown(w), nil
	}
	switch {
	case sid.IsZero():
		return unknown, nil
	case sid == a.machine.SID:
		return a.domain(), nil
	case sid.IsChildOf(nt.SIDUnixUsers):
		return auth.Identity{SID: sid, Type: auth.SIDTypeUser, Name: unixName(sid.RID()), Domain: unixUserDomain, DomainSID: nt.SIDUnixUsers}, nil
	case sid.IsChildOf(nt.SIDUnixGroups):
		return auth.Identity{SID: sid, Type: auth.SIDTypeGroup, Name: unixGroupName(sid.RID()), Domain: unixGroupDomain, DomainSID: nt.SIDUnixGroups}, nil
	case sid.IsChildOf(nt.SIDBuiltin):
		unknown.Domain, unknown.DomainSID = "BUILTIN", nt.SIDBuiltin
		return unknown, nil
	case !sid.IsChildOf(a.machine.SID):
		if id, ok := a.seen.lookupSID(sid); ok {
			return id, nil
		}
		return unknown, nil
	}
	for _, kind := range []Kind{KindUser, KindGroup, KindAlias} {
		id, err := a.entry(ctx, sid.RID(), kind)
		if err != nil {
			return unknown, err
		}
		if id.Type != auth.SIDTypeUnknown {
			return id, nil
		}
	}
	unknown.Domain, unknown.DomainSID = a.machine.Name, a.machine.SID
	return unknown, nil
}
