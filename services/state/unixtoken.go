package state

import (
	"crypto/rand"
	"encoding/binary"
	"os"
	"sync/atomic"

	"lwio/iomgr/nt"
)

// UnixTokens makes the tokens of this host's own processes. It needs no accounts and no store: a daemon whose accounts are elsewhere has one.
type UnixTokens struct {
	adminUID uint32
	luid     atomic.Uint64 // last logon id
}

// NewUnixTokens makes a UnixTokens. Root administers, and adminUID besides; nil means the user that this process runs as.
func NewUnixTokens(adminUID *uint32) *UnixTokens {
	u := &UnixTokens{adminUID: uint32(os.Geteuid())}
	if adminUID != nil {
		u.adminUID = *adminUID
	}
	// Tokens of several daemons, and of one that was started again, live side by side: each counts from a number of its own. Below are the
	// logon ids that every system has.
	var b [4]byte
	rand.Read(b[:]) // never fails
	u.luid.Store(uint64(binary.LittleEndian.Uint32(b[:])&0x7FFFFFFF)<<32 | 0x10000)
	return u
}

func (u *UnixTokens) logonID() nt.LUID { return nt.LUID(u.luid.Add(1)) }

// ForUID is who a process is: root, and the user this program runs as, administer; everybody else is a plain user. The user is
// S-1-22-1-uid and its group S-1-22-2-gid, as Samba has them, and no account of the database.
func (u *UnixTokens) ForUID(uid, gid uint32) *nt.Token {
	group := nt.SIDUnixGroups.Child(gid)
	t := &nt.Token{
		User:         nt.SIDUnixUsers.Child(uid),
		PrimaryGroup: group,
		Privileges:   userPrivileges,
		LogonID:      u.logonID(),
		Account:      unixName(uid),
		Domain:       unixUserDomain,
		HasUnixID:    true,
		UID:          uid,
		GID:          gid,
		Groups: []nt.Group{
			{SID: group, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDBuiltinUsers, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDInteractive, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDLocal, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault},
		},
	}
	if uid == 0 || uid == u.adminUID {
		t.Privileges = adminPrivileges
		t.Groups = append(t.Groups, nt.Group{SID: nt.SIDBuiltinAdministrators, Attributes: adminGroup})
	}
	return t
}
