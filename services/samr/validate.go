package samr

import (
	"context"
	"slices"

	"lwio/gen/dtyp"
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// Fields of SAM_VALIDATE_PERSISTED_FIELDS (MS-SAMR 2.2.9.2).
const (
	persistPasswordLastSet  = 0x01
	persistBadPasswordTime  = 0x02
	persistLockoutTime      = 0x04
	persistBadPasswordCount = 0x08
	persistHistoryLength    = 0x10
	persistHistory          = 0x20
)

// validation is what a program that keeps passwords of its own is told of one of them.
type validation struct {
	p   *state.Policy
	in  *gen.SAM_VALIDATE_PERSISTED_FIELDS
	out gen.SAM_VALIDATE_STANDARD_OUTPUT_ARG
	now nt.Time
}

// locked tells whether the account is locked now; a lockout whose time is over is cleared (MS-SAMR 3.1.5.13.7.1).
func (v *validation) locked() bool {
	at := nt.Time(v.in.LockoutTime.QuadPart)
	if at == 0 {
		return false
	}
	if v.p.LockoutDuration == state.NeverDelta || at+nt.Time(-v.p.LockoutDuration) > v.now {
		return true
	}
	v.set(persistLockoutTime, func(f *gen.SAM_VALIDATE_PERSISTED_FIELDS) { f.LockoutTime = dtyp.LARGE_INTEGER{} })
	return false
}

func (v *validation) set(field uint32, f func(*gen.SAM_VALIDATE_PERSISTED_FIELDS)) {
	v.out.ChangedPersistedFields.PresentFields |= field
	f(&v.out.ChangedPersistedFields)
}

// wrong counts a wrong password, and locks the account if it was one too many.
func (v *validation) wrong() {
	count := v.in.BadPasswordCount
	if v.p.LockoutWindow != 0 && nt.Time(v.in.BadPasswordTime.QuadPart)+nt.Time(-v.p.LockoutWindow) <= v.now {
		count = 0
	}
	count = min(count, 1<<31) + 1
	v.set(persistBadPasswordCount, func(f *gen.SAM_VALIDATE_PERSISTED_FIELDS) { f.BadPasswordCount = count })
	v.set(persistBadPasswordTime, func(f *gen.SAM_VALIDATE_PERSISTED_FIELDS) { f.BadPasswordTime.QuadPart = int64(v.now) })
	if v.p.LockoutThreshold != 0 && count >= uint32(v.p.LockoutThreshold) {
		v.set(persistLockoutTime, func(f *gen.SAM_VALIDATE_PERSISTED_FIELDS) { f.LockoutTime.QuadPart = int64(v.now) })
	}
	v.out.ValidationStatus = gen.SamValidatePasswordIncorrect
}

// authenticated judges a logon.
func (v *validation) authenticated(matched bool) {
	switch last := nt.Time(v.in.PasswordLastSet.QuadPart); {
	case v.locked():
		v.out.ValidationStatus = gen.SamValidateAccountLockedOut
	case !matched:
		v.wrong()
	case last == 0:
		v.out.ValidationStatus = gen.SamValidatePasswordMustChange
	case v.p.MaxAge != 0 && v.p.MaxAge != state.NeverDelta && last+nt.Time(-v.p.MaxAge) <= v.now:
		v.out.ValidationStatus = gen.SamValidatePasswordExpired
	case v.in.BadPasswordCount != 0:
		v.set(persistBadPasswordCount, func(f *gen.SAM_VALIDATE_PERSISTED_FIELDS) { f.BadPasswordCount = 0 })
	}
}

// chosen judges a new password, and puts its hash, of whatever the program hashes with, at the head of the history.
func (v *validation) chosen(account, password string, hash *gen.SAM_VALIDATE_PASSWORD_HASH, history bool) {
	switch err := v.p.Judge(account, "", password); {
	case nt.UTF16Len(password) > 256:
		v.out.ValidationStatus = gen.SamValidatePasswordTooLong
		return
	case err == state.ErrPasswordShort:
		v.out.ValidationStatus = gen.SamValidatePasswordTooShort
		return
	case err != nil:
		v.out.ValidationStatus = gen.SamValidatePasswordNotComplexEnough
		return
	}
	old := v.in.PasswordHistory[:min(len(v.in.PasswordHistory), int(v.p.History))]
	if history && slices.ContainsFunc(old, func(h gen.SAM_VALIDATE_PASSWORD_HASH) bool { return len(h.Hash) > 0 && slices.Equal(h.Hash, hash.Hash) }) {
		v.out.ValidationStatus = gen.SamValidatePasswordIsInHistory
		return
	}
	if v.p.History > 0 && len(hash.Hash) > 0 {
		next := append([]gen.SAM_VALIDATE_PASSWORD_HASH{*hash}, old...)
		next = next[:min(len(next), int(v.p.History))]
		v.set(persistHistory|persistHistoryLength, func(f *gen.SAM_VALIDATE_PERSISTED_FIELDS) {
			f.PasswordHistory, f.PasswordHistoryLength = next, uint32(len(next))
		})
	}
	v.set(persistPasswordLastSet, func(f *gen.SAM_VALIDATE_PERSISTED_FIELDS) { f.PasswordLastSet.QuadPart = int64(v.now) })
}

// SamrValidatePassword holds a password of a program's own against the policy (MS-SAMR 3.1.5.13.7). It comes in the clear: over TCP only sealed.
func (s *Service) SamrValidatePassword(ctx context.Context, call *rpc.Call, in *gen.SamrValidatePasswordRequest) (*gen.SamrValidatePasswordResponse, error) {
	if call.Token.Anonymous || call.Transport == rpc.TransportTCP && call.AuthLevel < rpc.AuthLevelPktPrivacy {
		return &gen.SamrValidatePasswordResponse{Return: result(nt.StatusAccessDenied)}, nil
	}
	p, err := s.accounts.Policy(ctx, s.machine.SID)
	if err != nil {
		return &gen.SamrValidatePasswordResponse{Return: result(s.status(ctx, err))}, nil
	}
	v := &validation{p: p, now: nt.NowTime()}
	out := &gen.SAM_VALIDATE_OUTPUT_ARG{}
	switch in.ValidationType {
	case gen.SamValidateAuthentication:
		x := in.InputArg.ValidateAuthenticationInput
		v.in = &x.InputPersistedFields
		v.authenticated(x.PasswordMatched != 0)
		out.ValidateAuthenticationOutput = &v.out
	case gen.SamValidatePasswordChange:
		x := in.InputArg.ValidatePasswordChangeInput
		v.in = &x.InputPersistedFields
		switch {
		case v.locked():
			v.out.ValidationStatus = gen.SamValidateAccountLockedOut
		case x.PasswordMatch == 0:
			v.wrong()
		case v.in.PasswordLastSet.QuadPart != 0 && p.CanChange(nt.Time(v.in.PasswordLastSet.QuadPart)) > v.now:
			v.out.ValidationStatus = gen.SamValidatePasswordTooRecent
		default:
			v.chosen(x.UserAccountName.String(), x.ClearPassword.String(), &x.HashedPassword, true)
		}
		out.ValidatePasswordChangeOutput = &v.out
	case gen.SamValidatePasswordReset:
		x := in.InputArg.ValidatePasswordResetInput
		v.in = &x.InputPersistedFields
		v.chosen(x.UserAccountName.String(), x.ClearPassword.String(), &x.HashedPassword, false)
		if v.out.ValidationStatus == gen.SamValidateSuccess {
			if x.PasswordMustChangeAtNextLogon != 0 {
				v.set(persistPasswordLastSet, func(f *gen.SAM_VALIDATE_PERSISTED_FIELDS) { f.PasswordLastSet = dtyp.LARGE_INTEGER{} })
			}
			if x.ClearLockout != 0 {
				v.set(persistLockoutTime|persistBadPasswordCount, func(f *gen.SAM_VALIDATE_PERSISTED_FIELDS) {
					f.LockoutTime, f.BadPasswordCount = dtyp.LARGE_INTEGER{}, 0
				})
			}
		}
		out.ValidatePasswordResetOutput = &v.out
	default:
		return &gen.SamrValidatePasswordResponse{Return: result(nt.StatusInvalidParameter)}, nil
	}
	return &gen.SamrValidatePasswordResponse{OutputArg: out}, nil
}
