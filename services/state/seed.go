package state

import (
	"context"
	"errors"

	"lwio/iomgr/nt"
)

const (
	seedKey     = "account/seed"
	seedVersion = 1
)

// seed makes what every machine has: the accounts Administrator and Guest, which nobody may use until they are enabled, the group None, and the
// members that aliases of BUILTIN begin with. It runs once for a store, in one transaction. A user that somebody has made under one of the
// names keeps it.
func (a *Accounts) seed(ctx context.Context) error {
	if done, err := a.has(ctx, seedKey); err != nil || done {
		return err
	}
	conditions := []Condition{{seedKey, 0}}
	ops := []Op{{Key: seedKey, Value: []byte{seedVersion}}}
	now := nt.NowTime()
	for _, w := range []struct {
		rid           uint32
		name, comment string
		control       uint32
	}{
		{nt.DomainUserRIDAdmin, "Administrator", "Came with the system; administers this computer", ControlNormal | ControlDisabled | ControlDontExpire},
		{nt.DomainUserRIDGuest, "Guest", "Came with the system; for who has no account", ControlNormal | ControlDisabled | ControlDontExpire | ControlNoPassword},
	} {
		if _, _, err := a.LookupName(ctx, w.name); err == nil {
			continue
		} else if !errors.Is(err, ErrNoAccount) {
			return err
		}
		r := newRecord(w.name, ControlNormal)
		r.RID, r.AdminComment, r.Control, r.Created = w.rid, w.comment, w.control, now
		byName, err := nameKey(namePrefix, w.name)
		if err != nil {
			return err
		}
		conditions = append(conditions, Condition{byName, 0})
		ops = append(ops, Op{Key: ridKey(accountPrefix, w.rid), Value: r.encode()}, Op{Key: byName, Value: nameValue(w.rid, KindUser)})
	}
	none := Group{RID: nt.DomainGroupRIDUsers, Name: noneGroup, Comment: "All users of this computer", Attributes: uint32(nt.SEGroupDefault)}
	ops = append(ops, Op{Key: ridKey(groupPrefix, none.RID), Value: none.encode()}, Op{Key: namePrefix + nt.Upcase(noneGroup), Value: nameValue(none.RID, KindGroup)})
	for alias, members := range map[nt.SID][]nt.SID{
		nt.SIDBuiltinAdministrators:   {a.machine.SID.Child(nt.DomainUserRIDAdmin)},
		nt.SIDBuiltinUsers:            {nt.SIDInteractive, nt.SIDAuthenticatedUsers},
		nt.SIDBuiltinGuests:           {a.machine.SID.Child(nt.DomainUserRIDGuest)},
		nt.SIDBuiltin.Child(rIDIUSRS): {nt.SIDIUSR},
	} {
		for _, m := range members {
			ops = append(ops, aliasOps(alias, m, false)...)
		}
	}
	_, err := a.store.Txn(ctx, conditions, ops)
	if errors.Is(err, ErrConflict) { // of two that begin, one did it
		if done, again := a.has(ctx, seedKey); again != nil || done {
			return again
		}
	}
	return err
}

// rIDIUSRS is IIS_IUSRS.
const rIDIUSRS = 568
