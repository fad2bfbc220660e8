// Package ntlmtest has an account list for tests of what authenticates by NTLM. It is not for programs: it keeps
// passwords and forgets nothing.
//
//	mech := ntlm.NewMechanism(ntlm.Config{Authority: ntlmtest.Accounts{"alice": "secret"}})
package ntlmtest

import (
	"context"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/nt"
)

// Accounts maps account names, in the case in which they are asked for, to passwords. It is an auth.Authority that
// takes any domain name.
type Accounts map[string]string

// Domain is the SID under which Accounts makes users.
var Domain = nt.NewSID(5, 21, 1, 2, 3)

// Host is HOST, a member of no domain.
func (a Accounts) Host() auth.Host {
	return auth.Host{Name: "HOST", Domain: "HOST", DNSName: "host.example", DNSDomain: "example", MachineSID: Domain}
}

// VerifyNTLM answers StatusLogonFailure for whatever is wrong.
func (a Accounts) VerifyNTLM(_ context.Context, in *auth.NTLMLogon) (*auth.Logon, error) {
	password, ok := a[in.Account]
	if !ok {
		return nil, nt.StatusLogonFailure
	}
	key, err := ntlm.VerifyResponse(ntlm.NTHash(password), in)
	if err != nil {
		return nil, nt.StatusLogonFailure
	}
	return &auth.Logon{
		Token:          &nt.Token{User: Domain.Child(1000), Account: in.Account, Domain: "HOST"},
		SessionBaseKey: key,
	}, nil
}

// Authorize takes the principal for what it says.
func (Accounts) Authorize(_ context.Context, in *auth.Principal) (*nt.Token, error) {
	return &nt.Token{User: in.User, PrimaryGroup: in.PrimaryGroup, Groups: in.Groups, Account: in.Account, Domain: in.Domain}, nil
}

// LookupNames knows no names.
func (a Accounts) LookupNames(_ context.Context, names []string) ([]auth.Identity, error) {
	out := make([]auth.Identity, len(names))
	for i := range out {
		out[i] = auth.Identity{Type: auth.SIDTypeUnknown, Name: names[i]}
	}
	return out, nil
}

// LookupSIDs knows no SIDs.
func (a Accounts) LookupSIDs(_ context.Context, sids []nt.SID) ([]auth.Identity, error) {
	out := make([]auth.Identity, len(sids))
	for i := range out {
		out[i] = auth.Identity{Type: auth.SIDTypeUnknown, SID: sids[i]}
	}
	return out, nil
}
