package state

import (
	"context"
	"errors"
	"time"

	"lwio/iomgr/nt"
)

const (
	policyPrefix  = "policy/"
	policyAccount = policyPrefix + "account"
	policyBuiltin = policyPrefix + "builtin"
	policyVersion = 1
)

// Properties of passwords (MS-SAMR 2.2.3.5, PasswordProperties).
const (
	PasswordComplex       uint32 = 0x01
	PasswordNoAnonymous   uint32 = 0x02
	PasswordNoClearChange uint32 = 0x04
	PasswordLockoutAdmins uint32 = 0x08
	PasswordCleartext     uint32 = 0x10
	PasswordRefuseChange  uint32 = 0x20
)

// NeverDelta is a span of time without end, in the form below.
const NeverDelta int64 = -1 << 63

// Policy is what holds for all accounts of a domain (MS-SAMR 2.2.3). Spans of time are in units of 100 ns and negative, as on the wire.
type Policy struct {
	MinLength      uint16 // of passwords, in characters
	History        uint16 // passwords that may not come again
	Properties     uint32 // Password…
	MaxAge, MinAge int64  // of passwords; MaxAge is NeverDelta or 0 for no end, MinAge 0 for none

	LockoutThreshold uint16 // wrong passwords that lock an account; 0 for never
	LockoutWindow    int64  // after which they are forgotten
	LockoutDuration  int64  // for which an account stays locked; NeverDelta until an administrator unlocks it
	lockoutSet       bool   // by an administrator, and no longer what the configuration says

	ForceLogoff   int64
	Comment       string
	ReplicaSource string
	Changes       uint64 // how often this was changed
}

func delta(d time.Duration) int64 { return -int64(d / 100) }

// span is a delta as a duration; never is as long as there is.
func span(d int64) time.Duration {
	if d <= -(1<<63-1)/100 {
		return 1<<63 - 1
	}
	return time.Duration(-d) * 100
}

func (p *Policy) encode() []byte {
	w := recordWriter{b: []byte{policyVersion}}
	w.u32(uint32(p.MinLength))
	w.u32(uint32(p.History))
	w.u32(p.Properties)
	w.u64(uint64(p.MaxAge))
	w.u64(uint64(p.MinAge))
	set := uint32(0)
	if p.lockoutSet {
		set = 1
	}
	w.u32(set)
	w.u32(uint32(p.LockoutThreshold))
	w.u64(uint64(p.LockoutWindow))
	w.u64(uint64(p.LockoutDuration))
	w.u64(uint64(p.ForceLogoff))
	w.string(p.Comment)
	w.string(p.ReplicaSource)
	w.u64(p.Changes)
	return w.b
}

func parsePolicy(b []byte) (*Policy, error) {
	const what = "policy"
	d, err := openRecord(what, b, policyVersion)
	if err != nil {
		return nil, err
	}
	p := &Policy{MinLength: uint16(d.u32()), History: uint16(d.u32()), Properties: d.u32(), MaxAge: int64(d.u64()), MinAge: int64(d.u64())}
	p.lockoutSet = d.u32() != 0
	p.LockoutThreshold, p.LockoutWindow, p.LockoutDuration = uint16(d.u32()), int64(d.u64()), int64(d.u64())
	p.ForceLogoff, p.Comment, p.ReplicaSource, p.Changes = int64(d.u64()), d.string(), d.string(), d.u64()
	return p, d.err(what)
}

func policyKey(domain nt.SID) string {
	if domain == nt.SIDBuiltin {
		return policyBuiltin
	}
	return policyAccount
}

func (a *Accounts) findPolicy(ctx context.Context, domain nt.SID) (*Policy, Revision, error) {
	e, err := a.store.Get(ctx, policyKey(domain))
	p := &Policy{MaxAge: NeverDelta, ForceLogoff: NeverDelta}
	switch {
	case err == nil:
		if p, err = parsePolicy(e.Value); err != nil {
			return nil, 0, err
		}
	case !errors.Is(err, ErrNotFound):
		return nil, 0, err
	}
	if !p.lockoutSet {
		p.LockoutThreshold = uint16(min(a.configured.Threshold, 1<<16-1))
		p.LockoutWindow, p.LockoutDuration = delta(a.configured.Window), delta(a.configured.Duration)
	}
	return p, e.Revision, nil
}

// Policy gives the policy of a domain: BUILTIN, or the machine's own, which holds for its users.
func (a *Accounts) Policy(ctx context.Context, domain nt.SID) (*Policy, error) {
	p, _, err := a.findPolicy(ctx, domain)
	return p, err
}

// UpdatePolicy changes a policy in place. What is set of the lockout counts from then on in place of what the configuration says.
func (a *Accounts) UpdatePolicy(ctx context.Context, domain nt.SID, change func(*Policy) error) error {
	for range retries {
		p, rev, err := a.findPolicy(ctx, domain)
		if err != nil {
			return err
		}
		before := *p
		if err := change(p); err != nil {
			return err
		}
		if err := p.check(); err != nil {
			return err
		}
		if p.LockoutThreshold != before.LockoutThreshold || p.LockoutWindow != before.LockoutWindow || p.LockoutDuration != before.LockoutDuration {
			p.lockoutSet = true
		}
		p.Changes++
		_, err = CompareAndSwap(ctx, a.store, policyKey(domain), rev, p.encode())
		if err == nil && domain != nt.SIDBuiltin {
			a.setLockout(p.lockout())
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// check applies MS-SAMR 3.1.1.8: what would make a policy that nobody can meet.
func (p *Policy) check() error {
	if p.MaxAge > 0 || p.MinAge > 0 || p.LockoutWindow > 0 || p.LockoutDuration > 0 || p.ForceLogoff > 0 ||
		p.History > 1024 || p.MinLength > maxPassword || p.LockoutDuration > p.LockoutWindow ||
		p.MaxAge != 0 && p.MinAge != 0 && p.MinAge <= p.MaxAge || p.MinAge == NeverDelta || p.Properties&^0x3F != 0 {
		return ErrPolicy
	}
	return checkAccountText(p.Comment, p.ReplicaSource)
}

func (p *Policy) lockout() Lockout {
	return Lockout{Threshold: uint32(p.LockoutThreshold), Window: span(p.LockoutWindow), Duration: span(p.LockoutDuration)}
}

// CanChange is when a password set at last may be changed.
func (p *Policy) CanChange(last nt.Time) nt.Time {
	if last == 0 {
		return 0
	}
	return last + nt.Time(-p.MinAge)
}

// MustChange is when the password of a user has to be changed: at once where it was never set, never for some.
func (p *Policy) MustChange(u *User) nt.Time {
	switch {
	case u.Control&ControlDontExpire != 0 || u.IsMachine():
		return nt.TimeNever
	case u.PasswordLastSet == 0:
		return 0
	case p.MaxAge == NeverDelta || p.MaxAge == 0:
		return nt.TimeNever
	}
	return u.PasswordLastSet + nt.Time(-p.MaxAge)
}

// Expired reports whether the password of a user has to be changed now.
func (p *Policy) Expired(u *User) bool { return p.MustChange(u) <= nt.NowTime() }
