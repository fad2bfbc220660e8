package state

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lwio/iomgr/nt"
)

const (
	aliasPrefix   = "alias/rid/"     // of the account domain
	builtinPrefix = "alias/builtin/" // what was changed of those of BUILTIN
	aliasVersion  = 1
)

// Alias is a group of this machine, or one of BUILTIN: its members are SIDs, of users and groups of this machine and of domains, and well-known ones.
type Alias struct {
	SID           nt.SID
	Name, Comment string
}

// builtinAliases are those that a member server or a machine in no domain has, by RID.
var builtinAliases = func() []Alias {
	comments := map[uint32]string{
		544: "Members may do everything on this computer",
		545: "Everybody who has an account here or in a trusted domain",
		546: "Members may do less than users",
		547: "Kept for older systems",
		551: "Members may read and write all files to back them up and restore them",
		555: "Members may log on from afar",
		573: "Members may read the event logs",
		580: "Members may administer this computer by management protocols",
	}
	controllers := map[uint32]bool{548: true, 549: true, 554: true, 557: true, 560: true, 561: true} // there on domain controllers only
	var out []Alias
	for _, w := range nt.WellKnownNames() {
		if w.Use == nt.SIDTypeAlias && w.SID.IsChildOf(nt.SIDBuiltin) && !controllers[w.SID.RID()] {
			out = append(out, Alias{SID: w.SID, Name: w.Name, Comment: comments[w.SID.RID()]})
		}
	}
	slices.SortFunc(out, func(a, b Alias) int { return int(a.SID.RID()) - int(b.SID.RID()) })
	return out
}()

func (x *Alias) encode() []byte {
	w := recordWriter{b: []byte{aliasVersion}}
	w.sid(x.SID)
	w.string(x.Name)
	w.string(x.Comment)
	return w.b
}

func parseAlias(b []byte) (*Alias, error) {
	const what = "alias"
	d, err := openRecord(what, b, aliasVersion)
	if err != nil {
		return nil, err
	}
	x := &Alias{SID: d.sid(), Name: d.string(), Comment: d.string()}
	if x.SID.IsZero() || x.Name == "" {
		d.bad = true
	}
	return x, d.err(what)
}

// aliasKey is where the record of an alias is, if it may have one.
func (a *Accounts) aliasKey(sid nt.SID) (string, bool) {
	switch {
	case sid.IsChildOf(nt.SIDBuiltin):
		return ridKey(builtinPrefix, sid.RID()), slices.ContainsFunc(builtinAliases, func(x Alias) bool { return x.SID == sid })
	case sid.IsChildOf(a.machine.SID):
		return ridKey(aliasPrefix, sid.RID()), true
	}
	return "", false
}

func (a *Accounts) findAlias(ctx context.Context, sid nt.SID) (*Alias, Revision, error) {
	key, ok := a.aliasKey(sid)
	if !ok {
		return nil, 0, ErrNoAlias
	}
	e, err := a.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		if i := slices.IndexFunc(builtinAliases, func(x Alias) bool { return x.SID == sid }); i >= 0 {
			x := builtinAliases[i]
			return &x, 0, nil
		}
		return nil, 0, ErrNoAlias
	}
	if err != nil {
		return nil, 0, err
	}
	x, err := parseAlias(e.Value)
	if err == nil && x.SID != sid {
		err = fmt.Errorf("%w: alias %v stands under %v", ErrCorrupt, x.SID, sid)
	}
	return x, e.Revision, err
}

// Alias gives the alias of a SID, or ErrNoAlias.
func (a *Accounts) Alias(ctx context.Context, sid nt.SID) (*Alias, error) {
	x, _, err := a.findAlias(ctx, sid)
	return x, err
}

// LookupBuiltin finds an alias of BUILTIN by its name, or gives ErrNoAlias.
func (a *Accounts) LookupBuiltin(name string) (nt.SID, error) {
	for i := range builtinAliases {
		if nt.EqualFold(builtinAliases[i].Name, name) {
			return builtinAliases[i].SID, nil
		}
	}
	return nt.SID{}, ErrNoAlias
}

// Aliases gives, sorted by RID, at most limit aliases of a domain, BUILTIN or the machine's, whose RIDs are not below from.
func (a *Accounts) Aliases(ctx context.Context, domain nt.SID, from uint32, limit int) ([]Alias, error) {
	var out []Alias
	if domain == nt.SIDBuiltin {
		for i := range builtinAliases {
			if builtinAliases[i].SID.RID() < from || len(out) >= rangeLimit(limit) {
				continue
			}
			x, err := a.Alias(ctx, builtinAliases[i].SID)
			if err != nil {
				return nil, err
			}
			out = append(out, *x)
		}
		return out, nil
	}
	page, err := a.store.Range(ctx, aliasPrefix, ridKey(aliasPrefix, from), limit)
	if err != nil {
		return nil, err
	}
	for _, e := range page {
		x, err := parseAlias(e.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Key, err)
		}
		out = append(out, *x)
	}
	return out, nil
}

// CreateAlias makes an alias of this machine, without members.
func (a *Accounts) CreateAlias(ctx context.Context, name string) (*Alias, error) {
	x := &Alias{Name: name}
	return x, a.create(ctx, name, KindAlias, func(rid uint32) []Op {
		x.SID = a.machine.SID.Child(rid)
		return []Op{{Key: ridKey(aliasPrefix, rid), Value: x.encode()}}
	})
}

// UpdateAlias changes an alias in place. Those of this machine may be given another name.
func (a *Accounts) UpdateAlias(ctx context.Context, sid nt.SID, change func(*Alias) error) error {
	for range retries {
		x, rev, err := a.findAlias(ctx, sid)
		if err != nil {
			return err
		}
		before := x.Name
		if err := change(x); err != nil {
			return err
		}
		x.SID = sid
		if err := checkAccountText(x.Comment); err != nil {
			return err
		}
		key, _ := a.aliasKey(sid)
		conditions, ops := []Condition{{key, rev}}, []Op{{Key: key, Value: x.encode()}}
		if x.Name != before {
			if sid.IsChildOf(nt.SIDBuiltin) {
				return ErrSpecial
			}
			more, renames, err := a.rename(ctx, sid.RID(), KindAlias, before, x.Name)
			if err != nil {
				return err
			}
			conditions, ops = append(conditions, more...), append(ops, renames...)
		}
		if _, err = a.store.Txn(ctx, conditions, ops); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// DeleteAlias takes an alias out. Those of BUILTIN stay.
func (a *Accounts) DeleteAlias(ctx context.Context, sid nt.SID) error {
	for range retries {
		x, rev, err := a.findAlias(ctx, sid)
		if err != nil {
			return err
		}
		if sid.IsChildOf(nt.SIDBuiltin) {
			return ErrSpecial
		}
		byName, err := nameKey(namePrefix, x.Name)
		if err != nil {
			return err
		}
		ops, err := a.dropAlias(ctx, sid)
		if err != nil {
			return err
		}
		ops = append(ops, Op{Key: ridKey(aliasPrefix, sid.RID()), Delete: true}, Op{Key: byName, Delete: true}, Op{Key: securityKey(KindAlias, sid.RID()), Delete: true})
		if _, err = a.store.Txn(ctx, []Condition{{ridKey(aliasPrefix, sid.RID()), rev}}, ops); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// AliasMembers gives the SIDs in an alias.
func (a *Accounts) AliasMembers(ctx context.Context, sid nt.SID) ([]nt.SID, error) {
	if _, _, err := a.findAlias(ctx, sid); err != nil {
		return nil, err
	}
	return a.sidsBelow(ctx, aliasMembers+sid.String()+"/")
}

// checkMember refuses what no alias may hold: no SID at all, a domain, and another alias (MS-SAMR 3.1.5.8.4).
func (a *Accounts) checkMember(ctx context.Context, member nt.SID) error {
	if member.IsZero() || member == a.machine.SID || member == nt.SIDBuiltin {
		return ErrInvalidMember
	}
	switch _, _, err := a.findAlias(ctx, member); {
	case err == nil:
		return ErrInvalidMember
	case !errors.Is(err, ErrNoAlias):
		return err
	}
	return nil
}

// AddToAlias makes SIDs members of an alias. One that is a member already is ErrIsMember if it is the only one; among several it is left as it is.
func (a *Accounts) AddToAlias(ctx context.Context, sid nt.SID, members ...nt.SID) error {
	if _, _, err := a.findAlias(ctx, sid); err != nil {
		return err
	}
	var ops []Op
	for i, m := range members {
		if slices.Contains(members[:i], m) {
			continue
		}
		if err := a.checkMember(ctx, m); err != nil {
			return err
		}
		add := aliasOps(sid, m, false)
		if in, err := a.has(ctx, add[0].Key); err != nil {
			return err
		} else if in {
			if len(members) == 1 {
				return ErrIsMember
			}
			continue
		}
		ops = append(ops, add...)
	}
	ops, err := a.spill(ctx, ops)
	if err != nil || len(ops) == 0 {
		return err
	}
	_, err = a.store.Txn(ctx, nil, ops)
	return err
}

// RemoveFromAlias takes SIDs out of an alias. One that is no member is ErrNotMember if it is the only one; among several it is left out.
func (a *Accounts) RemoveFromAlias(ctx context.Context, sid nt.SID, members ...nt.SID) error {
	if _, _, err := a.findAlias(ctx, sid); err != nil {
		return err
	}
	var ops []Op
	for i, m := range members {
		if m.IsZero() {
			return ErrInvalidMember
		}
		if slices.Contains(members[:i], m) {
			continue
		}
		if sid == nt.SIDBuiltinAdministrators && m == a.machine.SID.Child(nt.DomainUserRIDAdmin) {
			return ErrSpecial
		}
		del := aliasOps(sid, m, true)
		if in, err := a.has(ctx, del[0].Key); err != nil {
			return err
		} else if !in && len(members) == 1 {
			return ErrNotMember
		}
		ops = append(ops, del...)
	}
	ops, err := a.spill(ctx, ops)
	if err != nil || len(ops) == 0 {
		return err
	}
	_, err = a.store.Txn(ctx, nil, ops)
	return err
}

// RemoveFromAliases takes a SID out of all aliases of a domain.
func (a *Accounts) RemoveFromAliases(ctx context.Context, domain, member nt.SID) error {
	list, err := a.AliasesOf(ctx, []nt.SID{member})
	if err != nil {
		return err
	}
	for _, alias := range list {
		if alias.IsChildOf(domain) {
			if err := a.RemoveFromAlias(ctx, alias, member); err != nil && !errors.Is(err, ErrNotMember) {
				return err
			}
		}
	}
	return nil
}
