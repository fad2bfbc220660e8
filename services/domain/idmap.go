package domain

import "lwio/iomgr/nt"

// UnixID is the Unix id of a user or group of the domain: the first of the range and its RID, so that every member with the same range has the
// same ids and nothing is stored. ok is false for SIDs of others, and RIDs outside the range.
func (m *Member) UnixID(sid nt.SID) (id uint32, ok bool) {
	acct := m.Account()
	if acct == nil || !sid.IsChildOf(acct.DomainSID) || sid.RID() >= m.cfg.IDs {
		return 0, false
	}
	return m.cfg.FirstID + sid.RID(), true
}

// SIDOf is the SID of a Unix id of the range.
func (m *Member) SIDOf(id uint32) (nt.SID, bool) {
	acct := m.Account()
	if acct == nil || id < m.cfg.FirstID || id-m.cfg.FirstID >= m.cfg.IDs {
		return nt.SID{}, false
	}
	return acct.DomainSID.Child(id - m.cfg.FirstID), true
}
