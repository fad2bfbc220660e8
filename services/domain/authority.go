package domain

import (
	"context"
	"errors"
	"strings"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/services/state"
)

// Authority is the authority of a member: local accounts decide about their own logons, the domain about its. In no domain it is the local accounts'.
type Authority struct {
	*state.Accounts
	member *Member
}

var _ auth.Authority = (*Authority)(nil)

// NewAuthority puts the domain beside the local accounts.
func NewAuthority(local *state.Accounts, m *Member) *Authority { return &Authority{local, m} }

// Host names the domain where there is one.
func (a *Authority) Host() auth.Host {
	h := a.Accounts.Host()
	if acct := a.member.Account(); acct != nil {
		h.Domain, h.DNSDomain, h.DNSForest = acct.Domain, acct.DNSDomain, acct.Forest
		if !strings.Contains(h.DNSName, ".") {
			h.DNSName = acct.DNSName
		}
	}
	return h
}

// VerifyNTLM asks whose account it is. A domain that the client names decides: this machine's name, or the domain's. Where it names another, as clients do
// that know of none, or nothing, a local account of the name comes before the domain's.
func (a *Authority) VerifyNTLM(ctx context.Context, in *auth.NTLMLogon) (*auth.Logon, error) {
	acct := a.member.Account()
	if acct == nil {
		return a.Accounts.VerifyNTLM(ctx, in)
	}
	domain, account := in.Domain, in.Account
	local := a.Accounts.Host()
	switch {
	case nt.EqualFold(domain, local.Name) || strings.EqualFold(domain, local.DNSName) || domain == ".":
		return a.Accounts.VerifyNTLM(ctx, in)
	case isOwn(acct, domain):
		domain = acct.Domain
	case strings.Contains(account, "@"): // a principal name, which the controller takes apart
	default:
		if _, err := a.Accounts.Get(ctx, account); !errors.Is(err, state.ErrNoAccount) {
			return a.Accounts.VerifyNTLM(ctx, in)
		}
		if domain == "" {
			domain = acct.Domain
		}
	}
	p, key, err := a.member.passThrough(ctx, in, domain, account)
	if err != nil {
		s := nt.StatusOf(err)
		if s == nt.StatusNoSuchUser || s == nt.StatusWrongPassword {
			s = nt.StatusLogonFailure // which of the two is nobody's business
		}
		a.member.cfg.Log.Info("logon refused", "account", in.Account, "domain", in.Domain, "address", in.Address, "reason", s.Name(), "err", err)
		return nil, s
	}
	p.Address = in.Address
	token, err := a.Authorize(ctx, p)
	if err != nil {
		return nil, err
	}
	token.Groups = append(token.Groups, nt.Group{SID: nt.SIDNTLMAuthentication, Attributes: nt.SEGroupDefault})
	return &auth.Logon{Token: token, SessionBaseKey: key}, nil
}

// Authorize makes the token of a principal, and sees to it that there are Unix ids for whom it names.
func (a *Authority) Authorize(ctx context.Context, in *auth.Principal) (*nt.Token, error) {
	t, err := a.Accounts.Authorize(ctx, in)
	if err == nil && a.member.cfg.IDMap != nil {
		sids := []nt.SID{in.User}
		for _, g := range in.Groups {
			if in.OwnRealm || g.SID.IsChildOf(in.DomainSID) {
				sids = append(sids, g.SID)
			}
		}
		a.member.ensureIDs(ctx, sids...)
	}
	return t, err
}

// LookupNames resolves names here, and at the controller those that are not known here.
func (a *Authority) LookupNames(ctx context.Context, names []string) ([]auth.Identity, error) {
	out, err := a.Accounts.LookupNames(ctx, names)
	acct := a.member.Account()
	if err != nil || acct == nil {
		return out, err
	}
	local := a.Accounts.Host()
	var ask []string
	var at []int
	for i := range out {
		domain, _ := splitName(names[i])
		if out[i].Type == auth.SIDTypeUnknown && !nt.EqualFold(domain, local.Name) && domain != "." && !strings.EqualFold(domain, local.DNSName) {
			ask, at = append(ask, names[i]), append(at, i)
		}
	}
	if len(ask) > 0 {
		for i, id := range a.member.lookupNames(ctx, acct, ask) {
			if id.Type != auth.SIDTypeUnknown {
				out[at[i]] = id
			}
		}
	}
	return out, nil
}

// LookupSIDs resolves SIDs likewise.
func (a *Authority) LookupSIDs(ctx context.Context, sids []nt.SID) ([]auth.Identity, error) {
	out, err := a.Accounts.LookupSIDs(ctx, sids)
	acct := a.member.Account()
	if err != nil || acct == nil {
		return out, err
	}
	local := a.Accounts.Host().MachineSID
	var ask []nt.SID
	var at []int
	for i := range out {
		if out[i].Type == auth.SIDTypeUnknown && !sids[i].IsChildOf(local) {
			ask, at = append(ask, sids[i]), append(at, i)
		}
	}
	if len(ask) > 0 {
		for i, id := range a.member.lookupSIDs(ctx, acct, ask) {
			if id.Type != auth.SIDTypeUnknown || id.Domain != "" {
				out[at[i]] = id
			}
		}
	}
	return out, nil
}
