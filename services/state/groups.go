package state

import (
	"context"
	"errors"
	"fmt"

	"lwio/iomgr/nt"
)

const (
	groupPrefix  = "group/rid/"
	groupVersion = 1
)

// Group is a group of the account domain: its members are users of it.
type Group struct {
	RID           uint32
	Name, Comment string
	Attributes    uint32 // SE_GROUP_…, as a token would have them
}

func (g *Group) encode() []byte {
	w := recordWriter{b: []byte{groupVersion}}
	w.u32(g.RID)
	w.string(g.Name)
	w.string(g.Comment)
	w.u32(g.Attributes)
	return w.b
}

func parseGroup(b []byte) (*Group, error) {
	const what = "group"
	d, err := openRecord(what, b, groupVersion)
	if err != nil {
		return nil, err
	}
	g := &Group{RID: d.u32(), Name: d.string(), Comment: d.string(), Attributes: d.u32()}
	if g.RID == 0 || g.Name == "" {
		d.bad = true
	}
	return g, d.err(what)
}

func (a *Accounts) findGroup(ctx context.Context, rid uint32) (*Group, Revision, error) {
	e, err := a.store.Get(ctx, ridKey(groupPrefix, rid))
	if errors.Is(err, ErrNotFound) {
		return nil, 0, ErrNoGroup
	}
	if err != nil {
		return nil, 0, err
	}
	g, err := parseGroup(e.Value)
	if err == nil && g.RID != rid {
		err = fmt.Errorf("%w: group %d stands under %d", ErrCorrupt, g.RID, rid)
	}
	return g, e.Revision, err
}

// Group gives the group of a RID, or ErrNoGroup.
func (a *Accounts) Group(ctx context.Context, rid uint32) (*Group, error) {
	g, _, err := a.findGroup(ctx, rid)
	return g, err
}

// Groups gives, sorted by RID, at most limit groups whose RIDs are not below from.
func (a *Accounts) Groups(ctx context.Context, from uint32, limit int) ([]Group, error) {
	page, err := a.store.Range(ctx, groupPrefix, ridKey(groupPrefix, from), limit)
	if err != nil {
		return nil, err
	}
	out := make([]Group, 0, len(page))
	for _, e := range page {
		g, err := parseGroup(e.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Key, err)
		}
		out = append(out, *g)
	}
	return out, nil
}

// CreateGroup makes a group without members.
func (a *Accounts) CreateGroup(ctx context.Context, name string) (*Group, error) {
	g := &Group{Name: name, Attributes: uint32(nt.SEGroupDefault)}
	return g, a.create(ctx, name, KindGroup, func(rid uint32) []Op {
		g.RID = rid
		return []Op{{Key: ridKey(groupPrefix, rid), Value: g.encode()}}
	})
}

// UpdateGroup changes a group in place; it may be given another name.
func (a *Accounts) UpdateGroup(ctx context.Context, rid uint32, change func(*Group) error) error {
	for range retries {
		g, rev, err := a.findGroup(ctx, rid)
		if err != nil {
			return err
		}
		before := g.Name
		if err := change(g); err != nil {
			return err
		}
		g.RID = rid
		if err := checkAccountText(g.Comment); err != nil {
			return err
		}
		conditions, ops := []Condition{{ridKey(groupPrefix, rid), rev}}, []Op{{Key: ridKey(groupPrefix, rid), Value: g.encode()}}
		if g.Name != before {
			if rid < nt.FirstUserRID {
				return ErrSpecial
			}
			more, renames, err := a.rename(ctx, rid, KindGroup, before, g.Name)
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

// DeleteGroup takes a group out. That of all users stays, as does one that is somebody's primary group.
func (a *Accounts) DeleteGroup(ctx context.Context, rid uint32) error {
	for range retries {
		g, rev, err := a.findGroup(ctx, rid)
		if err != nil {
			return err
		}
		if rid < nt.FirstUserRID {
			return ErrSpecial
		}
		members, err := a.GroupMembers(ctx, rid)
		if err != nil {
			return err
		}
		for _, m := range members {
			if u, err := a.User(ctx, m); err == nil && u.PrimaryGroup == rid {
				return ErrPrimaryGroup
			} else if err != nil && !errors.Is(err, ErrNoAccount) {
				return err
			}
		}
		byName, err := nameKey(namePrefix, g.Name)
		if err != nil {
			return err
		}
		drop, err := a.dropGroup(ctx, rid)
		if err != nil {
			return err
		}
		leave, err := a.leaveAll(ctx, a.machine.SID.Child(rid), rid)
		if err != nil {
			return err
		}
		ops, err := a.spill(ctx, append(drop, leave...))
		if err != nil {
			return err
		}
		ops = append(ops, Op{Key: ridKey(groupPrefix, rid), Delete: true}, Op{Key: byName, Delete: true}, Op{Key: securityKey(KindGroup, rid), Delete: true})
		if _, err = a.store.Txn(ctx, []Condition{{ridKey(groupPrefix, rid), rev}}, ops); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// GroupMembers gives the RIDs of the users in a group. All users are in None.
func (a *Accounts) GroupMembers(ctx context.Context, rid uint32) ([]uint32, error) {
	if _, _, err := a.findGroup(ctx, rid); err != nil {
		return nil, err
	}
	if rid != nt.DomainGroupRIDUsers {
		return a.ridsBelow(ctx, fmt.Sprintf("%s%08x/", groupMembers, rid))
	}
	var out []uint32
	for e, err := range All(ctx, a.store, accountPrefix) {
		if err != nil {
			return nil, err
		}
		u, err := parseAccount(e.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Key, err)
		}
		if !u.IsMachine() {
			out = append(out, u.RID)
		}
	}
	return out, nil
}

// AddToGroup makes a user a member of a group.
func (a *Accounts) AddToGroup(ctx context.Context, group, member uint32) error {
	for range retries {
		_, rev, err := a.findGroup(ctx, group)
		if err != nil {
			return err
		}
		r, userRev, err := a.findRID(ctx, member)
		if err != nil {
			return err
		}
		if in, err := a.inGroup(ctx, member, group); err != nil {
			return err
		} else if in || r.PrimaryGroup == group {
			return ErrIsMember
		}
		_, err = a.store.Txn(ctx, []Condition{{ridKey(groupPrefix, group), rev}, {ridKey(accountPrefix, member), userRev}}, groupOps(group, member, false))
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// RemoveFromGroup ends a membership. Nobody leaves its primary group, or None.
func (a *Accounts) RemoveFromGroup(ctx context.Context, group, member uint32) error {
	if _, _, err := a.findGroup(ctx, group); err != nil {
		return err
	}
	r, _, err := a.findRID(ctx, member)
	if err != nil {
		return err
	}
	if in, err := a.inGroup(ctx, member, group); err != nil {
		return err
	} else if !in && r.PrimaryGroup != group {
		return ErrNotMember
	}
	if r.PrimaryGroup == group || group == nt.DomainGroupRIDUsers {
		return ErrPrimaryGroup
	}
	_, err = a.store.Txn(ctx, nil, groupOps(group, member, true))
	return err
}
