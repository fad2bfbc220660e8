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

// token is who a local user is that came over the network by NTLM: with its groups, and the aliases that it and they are members of.
func (a *Accounts) token(ctx context.Context, u *User) (*nt.Token, error) {
	t := &nt.Token{
		User:         a.machine.SID.Child(u.RID),
		PrimaryGroup: a.machine.SID.Child(u.PrimaryGroup),
		LogonID:      a.logonID(),
		Account:      u.Name,
		Domain:       a.machine.Name,
	}
	groups, err := a.GroupsOf(ctx, u)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		t.Groups = append(t.Groups, nt.Group{SID: a.machine.SID.Child(g), Attributes: nt.SEGroupDefault})
	}
	for _, sid := range []nt.SID{nt.SIDWorld, nt.SIDNetwork, nt.SIDAuthenticatedUsers, nt.SIDThisOrganization, nt.SIDLocalAccount, nt.SIDNTLMAuthentication} {
		t.Groups = append(t.Groups, nt.Group{SID: sid, Attributes: nt.SEGroupDefault})
	}
	if err := a.addAliases(ctx, t, nil); err != nil {
		return nil, err
	}
	if t.IsAdmin() {
		t.Groups = append(t.Groups, nt.Group{SID: nt.SIDLocalAccountAdmin, Attributes: nt.SEGroupDefault})
	}
	return t, nil
}

// addAliases makes a token a member of the aliases that hold its user or one of its groups. Those that counts, if it is not nil, refuses make it none.
func (a *Accounts) addAliases(ctx context.Context, t *nt.Token, counts func(nt.SID) bool) error {
	sids := make([]nt.SID, 0, len(t.Groups)+1)
	if counts == nil || counts(t.User) {
		sids = append(sids, t.User)
	}
	for i := range t.Groups {
		g := &t.Groups[i]
		if g.Attributes&nt.SEGroupEnabled != 0 && g.Attributes&nt.SEGroupUseForDenyOnly == 0 && (counts == nil || counts(g.SID)) {
			sids = append(sids, g.SID)
		}
	}
	aliases, err := a.AliasesOf(ctx, sids)
	if err != nil {
		return err
	}
	for _, alias := range aliases {
		if t.HasSID(alias) {
			continue
		}
		g := nt.Group{SID: alias, Attributes: nt.SEGroupDefault}
		if alias == nt.SIDBuiltinAdministrators {
			g.Attributes = adminGroup
		}
		t.Groups = append(t.Groups, g)
	}
	return nil
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
	r, _, err := a.find(ctx, name)
	if err != nil {
		return nil, err
	}
	t, err := a.token(ctx, &r.User)
	if err != nil {
		return nil, err
	}
	t.Privileges, _ = a.lsa.RightsOf(t)
	return t, nil
}
