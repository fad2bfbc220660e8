package domain

import (
	"context"

	"lwio/iomgr/nt"
	"lwio/services/authority"
)

// idRanges are the Unix ids that SIDs of domains have. By RID there is one range, of the machine's own domain: nothing is stored, and machines with the same range agree. Where
// Config has an IDMap each domain has slices of the range, in the order in which this machine has met them.
func (m *Member) idRanges() authority.IDRanges {
	acct := m.Account()
	switch {
	case acct == nil || m.cfg.IDs == 0:
		return nil
	case m.cfg.IDMap == nil:
		return authority.IDRanges{{Domain: acct.DomainSID, Count: m.cfg.IDs, FirstID: m.cfg.FirstID}}
	}
	slices := m.cfg.IDMap.Slices()
	out := make(authority.IDRanges, 0, len(slices))
	for i, s := range slices {
		out = append(out, authority.IDRange{Domain: s.Domain, FirstRID: s.FirstRID, Count: m.cfg.IDSlice, FirstID: m.cfg.FirstID + uint32(i)*m.cfg.IDSlice})
	}
	return out
}

// UnixID is the Unix id of a user or group of a domain. ok is false for SIDs of others, and RIDs outside the ranges. It is called for each file that is opened.
func (m *Member) UnixID(sid nt.SID) (id uint32, ok bool) { return m.ranges().UnixID(sid) }

// SIDOf is the SID of a Unix id.
func (m *Member) SIDOf(id uint32) (nt.SID, bool) { return m.ranges().SIDOf(id) }

func (m *Member) ranges() authority.IDRanges {
	if r := m.ids.Load(); r != nil {
		return *r
	}
	return nil
}

// ensureIDs gives domains their ids, as they are met.
func (m *Member) ensureIDs(ctx context.Context, sids ...nt.SID) {
	if m.cfg.IDMap != nil && m.Account() != nil {
		if _, err := m.cfg.IDMap.Ensure(ctx, sids...); err != nil {
			m.cfg.Log.Warn("Unix ids", "err", err)
		}
	}
	r := m.idRanges()
	m.ids.Store(&r)
}

// Membership is what other daemons of the machine need of it.
func (m *Member) Membership() authority.Membership {
	out := authority.Membership{Ranges: m.ranges()}
	keys, _ := m.Keys()
	for _, k := range keys {
		out.Keys = append(out.Keys, authority.Key{Name: k.Name, Realm: k.Realm, KVNO: k.KVNO, Type: int32(k.Type), Value: k.Value})
	}
	return out
}
