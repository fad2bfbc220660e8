package state

import (
	"context"
	"errors"

	"lwio/iomgr/auth"
	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/nt"
)

// Host says who this host is.
func (a *Accounts) Host() auth.Host { return a.machine.Host() }

// VerifyNTLM logs a local user on by its response to a challenge. The domain that the client names is not looked at: a server in no
// domain takes every domain for its own, as Windows does. A name that is nobody's takes the time of a wrong password.
//
// An account that is locked out is answered with StatusAccountLockedOut before the response is looked at: the other way about, guessing
// would go on at full speed, with the lockout to tell that a guess was right. Names that are nobody's are locked out alike, so that this
// tells nothing about who there is.
func (a *Accounts) VerifyNTLM(ctx context.Context, in *auth.NTLMLogon) (*auth.Logon, error) {
	r, _, err := a.find(ctx, accountOf(in.Account))
	if err != nil {
		if !errors.Is(err, ErrNoAccount) {
			a.log.Error("read account", "account", in.Account, "err", err)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, nt.StatusInternalDbCorruption
		}
		if _, _, err := a.findRID(ctx, 0); err != nil && !errors.Is(err, ErrNoAccount) { // the read that a known name takes
			return nil, nt.StatusInternalDbCorruption
		}
		r = &record{Account: Account{Name: accountOf(in.Account)}, hash: a.nobody}
	}
	key, err := ntlm.VerifyResponse(r.hash, in)
	if a.locked(r.Name) {
		a.log.Info("logon refused", "account", in.Account, "domain", in.Domain, "address", in.Address, "reason", "locked out")
		return nil, nt.StatusAccountLockedOut
	}
	if err != nil || r.RID == 0 {
		a.log.Info("logon refused", "account", in.Account, "domain", in.Domain, "address", in.Address, "reason", "wrong name or password")
		if a.failed(r.Name, r.RID) {
			a.log.Warn("account locked out", "account", r.Name, "address", in.Address)
		}
		return nil, nt.StatusLogonFailure
	}
	if r.Disabled {
		a.log.Info("logon refused", "account", in.Account, "domain", in.Domain, "address", in.Address, "reason", "disabled")
		return nil, nt.StatusAccountDisabled
	}
	t := a.token(&r.Account)
	if err := a.logOn(t, in.Address); err != nil {
		return nil, err
	}
	a.succeeded(r.Name, r.RID)
	return &auth.Logon{Token: t, SessionBaseKey: key}, nil
}

// accountOf is the account name in what a client calls the user: a user principal name has the domain behind an @, which no
// account name has.
func accountOf(user string) string {
	for i := range len(user) {
		if user[i] == '@' {
			return user[:i]
		}
	}
	return user
}
