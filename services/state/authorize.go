package state

import (
	"context"
	"slices"
	"strings"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// Authorize makes the token of a principal that Kerberos has proved. Domain administrators of the host's own realm administer it, as on
// every member of a domain; what another domain says of groups with that name counts for nothing. A SID of BUILTIN or of this machine in
// what a domain says is left out: no domain decides about those. Members of aliases of this machine are what its own realm says they are; another
// domain speaks for its own SIDs alone.
func (a *Accounts) Authorize(ctx context.Context, in *auth.Principal) (*nt.Token, error) {
	if in.User.IsZero() || !in.User.IsChildOf(in.DomainSID) || in.DomainSID == a.machine.SID || nt.SIDBuiltin == in.DomainSID {
		a.log.Warn("logon refused", "account", in.Account, "domain", in.Domain, "address", in.Address, "reason", "the domain's SIDs are not its own")
		return nil, nt.StatusLogonFailure
	}
	t := &nt.Token{
		User:         in.User,
		PrimaryGroup: in.PrimaryGroup,
		LogonID:      a.logonID(),
		Account:      in.Account,
		Domain:       in.Domain,
	}
	admin := false
	add := func(g nt.Group) {
		if !slices.ContainsFunc(t.Groups, func(have nt.Group) bool { return have.SID == g.SID }) {
			t.Groups = append(t.Groups, g)
		}
	}
	for _, g := range in.Groups {
		if g.SID == a.machine.SID || g.SID.IsChildOf(a.machine.SID) || g.SID.IsChildOf(nt.SIDBuiltin) || g.SID.IsZero() {
			continue
		}
		add(g)
		if g.Attributes&nt.SEGroupEnabled == 0 || g.Attributes&nt.SEGroupUseForDenyOnly != 0 || !in.OwnRealm {
			continue
		}
		admin = admin || g.SID == in.DomainSID.Child(nt.DomainGroupRIDAdmins)
	}
	for _, sid := range []nt.SID{nt.SIDWorld, nt.SIDNetwork, nt.SIDAuthenticatedUsers, nt.SIDThisOrganization} {
		add(nt.Group{SID: sid, Attributes: nt.SEGroupDefault})
	}
	if admin {
		add(nt.Group{SID: nt.SIDBuiltinAdministrators, Attributes: adminGroup})
	}
	if err := a.addAliases(ctx, t, func(sid nt.SID) bool {
		return in.OwnRealm || sid.IsChildOf(in.DomainSID) || !strings.HasPrefix(sid.String(), "S-1-5-21-")
	}); err != nil {
		return nil, a.unreadable(ctx, in.Account, err)
	}
	if err := a.logOn(t, in.Address); err != nil {
		return nil, err
	}
	a.seen.remember(in)
	return t, nil
}
