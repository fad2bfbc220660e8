package state

import (
	"context"
	"errors"
	"strings"

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
		r = &record{User: User{Name: accountOf(in.Account)}}
	}
	if !r.HasPassword {
		r.hash = a.nobody
	}
	key, err := ntlm.VerifyResponse(r.hash, in)
	if a.locked(r.Name) {
		a.log.Info("logon refused", "account", in.Account, "domain", in.Domain, "address", in.Address, "reason", "locked out")
		return nil, nt.StatusAccountLockedOut
	}
	if err != nil || !r.HasPassword {
		a.log.Info("logon refused", "account", in.Account, "domain", in.Domain, "address", in.Address, "reason", "wrong name or password")
		if a.failed(r.Name, r.RID) {
			a.log.Warn("account locked out", "account", r.Name, "address", in.Address)
		}
		return nil, nt.StatusLogonFailure
	}
	p, err := a.Policy(ctx, a.machine.SID)
	if err != nil {
		return nil, a.unreadable(ctx, in.Account, err)
	}
	if status := r.mayLogOn(p, in.Workstation, nt.NowTime()); status != nt.StatusSuccess {
		a.log.Info("logon refused", "account", in.Account, "domain", in.Domain, "address", in.Address, "reason", status.Name())
		return nil, status
	}
	token, err := a.token(ctx, &r.User)
	if err != nil {
		return nil, a.unreadable(ctx, in.Account, err)
	}
	if err := a.logOn(token, in.Address); err != nil {
		return nil, err
	}
	a.succeeded(r.Name, r.RID)
	return &auth.Logon{Token: token, SessionBaseKey: key}, nil
}

// unreadable is the answer where the database could not be read.
func (a *Accounts) unreadable(ctx context.Context, account string, err error) error {
	a.log.Error("read account", "account", account, "err", err)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return nt.StatusInternalDbCorruption
}

// mayLogOn says whether an account whose password was right may log on. Computers may over the network, which is where all logons come from; trusts may not.
func (u *User) mayLogOn(p *Policy, workstation string, now nt.Time) nt.Status {
	switch {
	case u.Control&ControlDisabled != 0:
		return nt.StatusAccountDisabled
	case u.Expires != 0 && u.Expires <= now:
		return nt.StatusAccountExpired
	case u.Control&ControlTrust != 0:
		return nt.StatusNologonInterdomainTrustAccount
	case u.PasswordLastSet == 0 && p.Expired(u):
		return nt.StatusPasswordMustChange
	case p.Expired(u):
		return nt.StatusPasswordExpired
	case !u.inHours(now):
		return nt.StatusInvalidLogonHours
	case !u.fromWorkstation(workstation):
		return nt.StatusInvalidWorkstation
	}
	return nt.StatusSuccess
}

// inHours reports whether the account may be used at this time.
func (u *User) inHours(now nt.Time) bool {
	if u.LogonUnits == 0 {
		return true
	}
	const week = 7 * 24 * 60
	t := now.Go()
	minute := (int(t.Weekday())*24+t.Hour())*60 + t.Minute()
	bit := minute * int(u.LogonUnits) / week
	return bit/8 < len(u.LogonHours) && u.LogonHours[bit/8]&(1<<(bit%8)) != 0
}

// fromWorkstation reports whether the account may be used from a computer of this name, which the client says itself.
func (u *User) fromWorkstation(name string) bool {
	if u.Workstations == "" {
		return true
	}
	name = strings.TrimPrefix(name, `\\`)
	for _, w := range strings.FieldsFunc(u.Workstations, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		if nt.EqualFold(w, name) {
			return true
		}
	}
	return false
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
