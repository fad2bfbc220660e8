package state

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"lwio/iomgr/auth/ntlm"
	"lwio/iomgr/nt"
)

// Secret is a new password: its text, or its NT hash where the text is not known.
type Secret struct {
	Text string
	Hash [16]byte // if OnlyHash
	// OnlyHash says that there is no text: neither length nor complexity can be judged.
	OnlyHash bool
}

// NTHash is the hash of the password, which is all of it that is kept.
func (s *Secret) NTHash() [16]byte {
	if s.OnlyHash {
		return s.Hash
	}
	return ntlm.NTHash(s.Text)
}

// judge applies the policy for new passwords (MS-SAMR 3.1.1.7.1 and 3.1.1.7.2). Those of computers are not judged.
func (p *Policy) judge(r *record, s *Secret) error {
	if s.OnlyHash {
		return nil
	}
	if nt.UTF16Len(s.Text) > maxPassword {
		return ErrPassword
	}
	if r.IsMachine() {
		return nil
	}
	return p.Judge(r.Name, r.FullName, s.Text)
}

// Judge holds a password against the policy. It is ErrPasswordShort or ErrPasswordSimple.
func (p *Policy) Judge(name, fullName, password string) error {
	if nt.UTF16Len(password) < int(p.MinLength) {
		return ErrPasswordShort
	}
	if p.Properties&PasswordComplex != 0 && !complexEnough(name, fullName, password) {
		return ErrPasswordSimple
	}
	return nil
}

// complexEnough is MS-SAMR 3.1.1.7.2: characters of three kinds of five, and neither the account's name nor a part of the full name in it.
func complexEnough(name, fullName, password string) bool {
	var upper, lower, digit, other, rest int
	for _, r := range password {
		switch {
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsLower(r):
			lower = 1
		case r >= '0' && r <= '9':
			digit = 1
		case strings.ContainsRune("~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/", r):
			other = 1
		case unicode.IsLetter(r):
			rest = 1
		}
	}
	if upper+lower+digit+other+rest < 3 {
		return false
	}
	folded := nt.Upcase(password)
	if nt.UTF16Len(name) > 2 && strings.Contains(folded, nt.Upcase(name)) {
		return false
	}
	for _, part := range strings.FieldsFunc(fullName, func(r rune) bool { return strings.ContainsRune(",.-_ #\t", r) }) {
		if nt.UTF16Len(part) > 2 && strings.Contains(folded, nt.Upcase(part)) {
			return false
		}
	}
	return true
}

// set gives a record another password.
func (r *record) set(p *Policy, hash [16]byte) {
	if r.HasPassword {
		r.history = append([][16]byte{r.hash}, r.history...)
	}
	r.history = r.history[:min(len(r.history), int(p.History), maxHistory)]
	r.hash, r.HasPassword, r.PasswordLastSet = hash, true, nt.NowTime()
}

// ResetPassword gives a user another password, for an administrator: length and complexity are judged, age and history are not. With change the
// user has to choose another one at the next logon. Wrong passwords that were tried are forgotten.
func (a *Accounts) ResetPassword(ctx context.Context, rid uint32, s Secret, change bool) error {
	return a.UpdateUserPassword(ctx, rid, &s, change, nil)
}

// UpdateUserPassword changes a user and its password in one transaction; either may be nil.
func (a *Accounts) UpdateUserPassword(ctx context.Context, rid uint32, s *Secret, change bool, update func(*User) error) error {
	p, err := a.Policy(ctx, a.machine.SID)
	if err != nil {
		return err
	}
	var name string
	err = a.mutate(ctx, rid, func(r *record) ([]Op, error) {
		if update != nil {
			keep := r.User
			if err := update(&r.User); err != nil {
				return nil, err
			}
			r.RID, r.Created, r.HasPassword = keep.RID, keep.Created, keep.HasPassword
			if r.PrimaryGroup != keep.PrimaryGroup {
				if in, err := a.inGroup(ctx, rid, r.PrimaryGroup); err != nil {
					return nil, err
				} else if !in {
					return nil, ErrNotMember
				}
			}
			if err := checkUser(&r.User); err != nil {
				return nil, err
			}
		}
		if s != nil {
			if err := p.judge(r, s); err != nil {
				return nil, err
			}
			r.set(p, s.NTHash())
			if change {
				r.PasswordLastSet = 0
			}
		}
		name = r.Name
		return nil, nil
	})
	if err == nil && s != nil {
		a.unlock(name)
	}
	return err
}

// ChangePassword lets a user choose another password. proof is given the NT hash of the old one, and gives the new one if the caller knows the
// old, else nt.StatusWrongPassword. A name that is nobody's is answered like a wrong password, in the same time, and wrong ones count for the lockout.
func (a *Accounts) ChangePassword(ctx context.Context, name string, proof func(old [16]byte) (Secret, error)) error {
	r, rev, err := a.find(ctx, name)
	if err != nil {
		if !errors.Is(err, ErrNoAccount) {
			return err
		}
		r = &record{User: User{Name: name}, hash: a.nobody}
	}
	if !r.HasPassword {
		r.hash = a.nobody
	}
	s, err := proof(r.hash)
	if a.locked(r.Name) {
		return nt.StatusAccountLockedOut
	}
	if err != nil || r.RID == 0 || !r.HasPassword {
		if err == nil || errors.Is(err, nt.StatusWrongPassword) {
			if a.failed(r.Name, r.RID) {
				a.log.Warn("account locked out", "account", r.Name)
			}
			return nt.StatusWrongPassword
		}
		return err
	}
	if r.Control&ControlDisabled != 0 && !r.IsMachine() && r.RID < nt.FirstUserRID {
		return nt.StatusAccountDisabled
	}
	p, err := a.Policy(ctx, a.machine.SID)
	if err != nil {
		return err
	}
	hash := s.NTHash()
	now := nt.NowTime()
	switch {
	case p.Properties&PasswordRefuseChange != 0:
		return ErrPasswordRefused
	case !r.IsMachine() && p.CanChange(r.PasswordLastSet) > now:
		return ErrPasswordRecent
	}
	if err := p.judge(r, &s); err != nil {
		return err
	}
	if p.History > 0 && !r.IsMachine() && (hash == r.hash || slices.Contains(r.history[:min(len(r.history), int(p.History))], hash)) {
		return ErrPasswordHistory
	}
	r.set(p, hash)
	if _, err := CompareAndSwap(ctx, a.store, ridKey(accountPrefix, r.RID), rev, r.encode()); err != nil {
		return err // somebody else changed it: what was proved holds no more
	}
	a.unlock(r.Name)
	return nil
}

// Unlock ends the lockout of a user.
func (a *Accounts) UnlockUser(ctx context.Context, rid uint32) error {
	r, _, err := a.findRID(ctx, rid)
	if err != nil {
		return err
	}
	a.unlock(r.Name)
	return nil
}

// Flush writes what was counted and is in memory only.
func (a *Accounts) Flush(ctx context.Context) error { return a.attempts.flush(ctx) }
