package state

import (
	"context"
	"os/user"
	"strconv"
	"strings"

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

func (a *Accounts) logonID() nt.LUID { return a.unix.logonID() }

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

// TokenForUID is who a process of this host is, with the logon ids of these accounts: see UnixTokens.
func (a *Accounts) TokenForUID(uid, gid uint32) *nt.Token { return a.unix.ForUID(uid, gid) }

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

// TokenFor is who a local account would be that logged on over the network: what a policy is tested with. The name is the account's, with this machine's or without.
func (a *Accounts) TokenFor(ctx context.Context, name string) (*nt.Token, error) {
	if domain, account, ok := strings.Cut(name, `\`); ok {
		if !a.isMachine(domain) {
			return nil, nt.StatusNoneMapped
		}
		name = account
	}
	acc, err := a.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	return a.token(&acc), nil
}
