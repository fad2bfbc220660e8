package posixacl

import "lwio/iomgr/nt"

// IDMap says which SID is which Unix id. Every id has a SID; few SIDs have an id.
type IDMap interface {
	UserSID(uid uint32) nt.SID
	GroupSID(gid uint32) nt.SID
	UID(nt.SID) (uint32, bool)
	GID(nt.SID) (uint32, bool)
}

// Unix is the map that needs no accounts: the user n is S-1-22-1-n, the group n is S-1-22-2-n. Root is BUILTIN\Administrators and its group SYSTEM.
type Unix struct{}

// UserSID is the SID of a user.
func (Unix) UserSID(uid uint32) nt.SID {
	if uid == 0 {
		return nt.SIDBuiltinAdministrators
	}
	return nt.SIDUnixUsers.Child(uid)
}

// GroupSID is the SID of a group.
func (Unix) GroupSID(gid uint32) nt.SID {
	if gid == 0 {
		return nt.SIDLocalSystem
	}
	return nt.SIDUnixGroups.Child(gid)
}

// UID is the user that a SID is.
func (Unix) UID(sid nt.SID) (uint32, bool) {
	if sid == nt.SIDBuiltinAdministrators || sid == nt.SIDLocalSystem {
		return 0, true
	}
	return sid.RID(), sid.IsChildOf(nt.SIDUnixUsers) && sid.RID() != noID
}

// GID is the group that a SID is.
func (Unix) GID(sid nt.SID) (uint32, bool) {
	if sid == nt.SIDLocalSystem {
		return 0, true
	}
	return sid.RID(), sid.IsChildOf(nt.SIDUnixGroups) && sid.RID() != noID
}
