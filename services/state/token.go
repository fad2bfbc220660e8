package state

import (
	"os/user"
	"strconv"

	"lwio/iomgr/nt"
)

const (
	adminGroup = nt.SEGroupDefault | nt.SEGroupOwner

	// What Windows gives everybody who logs on over the network.
	userPrivileges = nt.SeChangeNotifyPrivilege | nt.SeIncreaseWorkingSetPrivilege

	// What Windows gives BUILTIN\Administrators.
	adminPrivileges = userPrivileges |
		nt.SeSecurityPrivilege | nt.SeTakeOwnershipPrivilege | nt.SeLoadDriverPrivilege | nt.SeSystemProfilePrivilege |
		nt.SeSystemtimePrivilege | nt.SeProfileSingleProcessPrivilege | nt.SeIncreaseBasePriorityPrivilege |
		nt.SeCreatePagefilePrivilege | nt.SeBackupPrivilege | nt.SeRestorePrivilege | nt.SeShutdownPrivilege |
		nt.SeDebugPrivilege | nt.SeSystemEnvironmentPrivilege | nt.SeRemoteShutdownPrivilege | nt.SeUndockPrivilege |
		nt.SeManageVolumePrivilege | nt.SeImpersonatePrivilege | nt.SeCreateGlobalPrivilege | nt.SeIncreaseQuotaPrivilege |
		nt.SeTimeZonePrivilege | nt.SeCreateSymbolicLinkPrivilege
)

func (a *Accounts) logonID() nt.LUID { return nt.LUID(a.luid.Add(1)) }

// token is who a local user is that came over the network by NTLM.
func (a *Accounts) token(acc *Account) *nt.Token {
	none := a.machine.SID.Child(nt.DomainGroupRIDUsers)
	t := &nt.Token{
		User:         a.machine.SID.Child(acc.RID),
		PrimaryGroup: none,
		Privileges:   userPrivileges,
		LogonID:      a.logonID(),
		Account:      acc.Name,
		Domain:       a.machine.Name,
		Groups: []nt.Group{
			{SID: none, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDBuiltinUsers, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDNetwork, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDThisOrganization, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDLocalAccount, Attributes: nt.SEGroupDefault},
			{SID: nt.SIDNTLMAuthentication, Attributes: nt.SEGroupDefault},
		},
	}
	if acc.Admin {
		t.Privileges = adminPrivileges
		t.Groups = append(t.Groups, nt.Group{SID: nt.SIDBuiltinAdministrators, Attributes: adminGroup},
			nt.Group{SID: nt.SIDLocalAccountAdmin, Attributes: nt.SEGroupDefault})
	}
	return t
}

// TokenForUID is who a process of this host is: root, and the user this program runs as, administer; everybody else is a plain user. The
// user is S-1-22-1-uid and its group S-1-22-2-gid, as Samba has them, and no account of the database.
func (a *Accounts) TokenForUID(uid, gid uint32) *nt.Token {
	group := nt.SIDUnixGroups.Child(gid)
	t := &nt.Token{
		User:         nt.SIDUnixUsers.Child(uid),
		PrimaryGroup: group,
		Privileges:   userPrivileges,
		LogonID:      a.logonID(),
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
	if uid == 0 || uid == a.adminUID {
		t.Privileges = adminPrivileges
		t.Groups = append(t.Groups, nt.Group{SID: nt.SIDBuiltinAdministrators, Attributes: adminGroup})
	}
	return t
}

func unixName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "uid " + id
}

func unixGroupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return "gid " + id
}
