package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lwio/iomgr/nt"
)

// Each membership is two keys without a value, one of which is found from the group and one from the member, so that neither a group of all
// users nor a user in many groups makes a record grow. Both are written in one transaction. RIDs are never used again: a key of a group that
// is gone names nothing.
const (
	memberPrefix   = "member/"
	memberOfPrefix = "memberof/"
	groupMembers   = memberPrefix + "group/"   // group, member
	memberGroups   = memberOfPrefix + "group/" // member, group
	aliasMembers   = memberPrefix + "alias/"   // alias, SID of the member
	memberAliases  = memberOfPrefix + "alias/" // SID of the member, alias
	opsPerMember   = 2
	reservedOps    = 8 // of a transaction, for what goes with memberships
	membersAtATime = (MaxOps - reservedOps) / opsPerMember
)

func pairKey(prefix string, a, b uint32) string { return fmt.Sprintf("%s%08x/%08x", prefix, a, b) }

func groupOps(group, member uint32, del bool) []Op {
	return []Op{{Key: pairKey(groupMembers, group, member), Delete: del}, {Key: pairKey(memberGroups, member, group), Delete: del}}
}

func aliasOps(alias, member nt.SID, del bool) []Op {
	a, m := alias.String(), member.String()
	return []Op{{Key: aliasMembers + a + "/" + m, Delete: del}, {Key: memberAliases + m + "/" + a, Delete: del}}
}

// keysBelow gives what follows the prefix in each key.
func (a *Accounts) keysBelow(ctx context.Context, prefix string) ([]string, error) {
	var out []string
	for e, err := range All(ctx, a.store, prefix) {
		if err != nil {
			return nil, err
		}
		out = append(out, strings.TrimPrefix(e.Key, prefix))
	}
	return out, nil
}

func (a *Accounts) ridsBelow(ctx context.Context, prefix string) ([]uint32, error) {
	keys, err := a.keysBelow(ctx, prefix)
	if err != nil {
		return nil, err
	}
	out := make([]uint32, 0, len(keys))
	for _, k := range keys {
		rid, ok := ridOfKey("", k)
		if !ok {
			return nil, fmt.Errorf("%w: key %q", ErrCorrupt, prefix+k)
		}
		out = append(out, rid)
	}
	return out, nil
}

func (a *Accounts) sidsBelow(ctx context.Context, prefix string) ([]nt.SID, error) {
	keys, err := a.keysBelow(ctx, prefix)
	if err != nil {
		return nil, err
	}
	out := make([]nt.SID, 0, len(keys))
	for _, k := range keys {
		sid, err := nt.ParseSID(k)
		if err != nil {
			return nil, fmt.Errorf("%w: key %q", ErrCorrupt, prefix+k)
		}
		out = append(out, sid)
	}
	return out, nil
}

func (a *Accounts) has(ctx context.Context, key string) (bool, error) {
	_, err := a.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// inGroup reports whether a user is in a group: everybody is in None, and each user in its primary group.
func (a *Accounts) inGroup(ctx context.Context, user, group uint32) (bool, error) {
	if group == nt.DomainGroupRIDUsers {
		return true, nil
	}
	return a.has(ctx, pairKey(groupMembers, group, user))
}

// GroupsOf gives the groups that a user is in, its primary group first.
func (a *Accounts) GroupsOf(ctx context.Context, u *User) ([]uint32, error) {
	more, err := a.ridsBelow(ctx, fmt.Sprintf("%s%08x/", memberGroups, u.RID))
	if err != nil {
		return nil, err
	}
	out := []uint32{u.PrimaryGroup}
	if u.PrimaryGroup != nt.DomainGroupRIDUsers && !u.IsMachine() {
		out = append(out, nt.DomainGroupRIDUsers)
	}
	for _, g := range more {
		if slices.Contains(out, g) {
			continue
		}
		if there, err := a.has(ctx, ridKey(groupPrefix, g)); err != nil {
			return nil, err
		} else if there {
			out = append(out, g)
		}
	}
	return out, nil
}

// AliasesOf gives the aliases that any of these SIDs is a member of, in BUILTIN and of this machine, each once.
func (a *Accounts) AliasesOf(ctx context.Context, sids []nt.SID) ([]nt.SID, error) {
	var out []nt.SID
	for _, sid := range sids {
		if sid.IsZero() {
			continue
		}
		list, err := a.sidsBelow(ctx, memberAliases+sid.String()+"/")
		if err != nil {
			return nil, err
		}
		for _, alias := range list {
			if slices.Contains(out, alias) {
				continue
			}
			if !alias.IsChildOf(nt.SIDBuiltin) {
				if there, err := a.has(ctx, ridKey(aliasPrefix, alias.RID())); err != nil {
					return nil, err
				} else if !there {
					continue
				}
			}
			out = append(out, alias)
		}
	}
	return out, nil
}

// leaveAll gives the operations that take a principal out of all groups and aliases; what is more than a transaction holds is taken out at once.
func (a *Accounts) leaveAll(ctx context.Context, sid nt.SID, rid uint32) ([]Op, error) {
	groups, err := a.ridsBelow(ctx, fmt.Sprintf("%s%08x/", memberGroups, rid))
	if err != nil {
		return nil, err
	}
	aliases, err := a.sidsBelow(ctx, memberAliases+sid.String()+"/")
	if err != nil {
		return nil, err
	}
	var ops []Op
	for _, g := range groups {
		ops = append(ops, groupOps(g, rid, true)...)
	}
	for _, alias := range aliases {
		ops = append(ops, aliasOps(alias, sid, true)...)
	}
	return a.spill(ctx, ops)
}

// dropMembers does the same from the other side, for a group or an alias that goes.
func (a *Accounts) dropGroup(ctx context.Context, rid uint32) ([]Op, error) {
	members, err := a.ridsBelow(ctx, fmt.Sprintf("%s%08x/", groupMembers, rid))
	if err != nil {
		return nil, err
	}
	var ops []Op
	for _, m := range members {
		ops = append(ops, groupOps(rid, m, true)...)
	}
	return a.spill(ctx, ops)
}

func (a *Accounts) dropAlias(ctx context.Context, sid nt.SID) ([]Op, error) {
	members, err := a.sidsBelow(ctx, aliasMembers+sid.String()+"/")
	if err != nil {
		return nil, err
	}
	var ops []Op
	for _, m := range members {
		ops = append(ops, aliasOps(sid, m, true)...)
	}
	return a.spill(ctx, ops)
}

// spill applies operations until few enough are left for a transaction with others.
func (a *Accounts) spill(ctx context.Context, ops []Op) ([]Op, error) {
	const most = membersAtATime * opsPerMember
	for len(ops) > most {
		if _, err := a.store.Txn(ctx, nil, ops[:most]); err != nil {
			return nil, err
		}
		ops = ops[most:]
	}
	return ops, nil
}
