package domain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"lwio/iomgr/auth/krb5"
	"lwio/iomgr/nt"
	"lwio/services/state"
)

// Verify checks the membership: the password, the secure channel, tickets.
func (m *Member) Verify(ctx context.Context, report func(Step)) error {
	ctx, end, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer end()
	p := newProgress(report)
	acct := m.Account()
	if acct == nil {
		return p.failed(fail(StageState, errUnjoined, "lwio domain join makes it a member", "verify"))
	}
	host, _, err := m.controllerFor(ctx, p, acct.DNSDomain, "")
	if err != nil {
		return p.failed(err)
	}
	acct, err = m.settle(ctx, acct)
	if err != nil {
		return p.failed(fail(StageAccount, err, "the account was reset or deleted: join again", "a change of the password that was begun"))
	}
	c, err := m.machineClient(acct, acct.Password.Value)
	var proof krb5.Proof
	if err == nil {
		proof, err = c.Prove(ctx)
	}
	if err == nil && proof.KVNO != 0 && (proof.KVNO != acct.Password.KVNO || proof.Salt != "" && proof.Salt != acct.Password.Salt) { // after an offline join
		next := *acct
		next.Password.KVNO, next.Password.Salt = proof.KVNO, cmp.Or(proof.Salt, acct.Password.Salt)
		if err = m.save(ctx, &next); err == nil {
			acct = &next
		}
	}
	if err != nil {
		return p.failed(fail(StageAccount, err, "the account was disabled, reset or deleted: join again", "log on as %s", acct.Name))
	}
	p.done(StageAccount, "%s logs on with the password of version %d", acct.Name, acct.Password.KVNO)
	acct = m.checkDirectory(ctx, p, host, acct, c)
	if err := m.proveChannel(ctx, p, host, acct, false); err != nil {
		return p.failed(err)
	}
	m.mu.Lock()
	m.failed = nil // what works now works for others too
	m.mu.Unlock()
	return nil
}

// Rotate changes the password of the account. Cut off at any step, it or whatever comes next finds out which password counts.
func (m *Member) Rotate(ctx context.Context, report func(Step)) error {
	ctx, end, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer end()
	p := newProgress(report)
	acct := m.Account()
	if acct == nil {
		return p.failed(fail(StageState, errUnjoined, "lwio domain join makes it a member", "change the password"))
	}
	acct, err = m.settle(ctx, acct)
	if err != nil {
		return p.failed(fail(StageAccount, err, "the account was reset or deleted: join again", "a change of the password that was begun"))
	}
	ch, err := m.openAny(ctx, acct, acct.Password.Value)
	if err != nil {
		return p.failed(fail(StageChannel, err, "lwio domain verify says more", "secure channel"))
	}
	defer ch.conn.Close()
	p.done(StageChannel, "secure channel to %s", ch.host)
	next := *acct
	next.Pending = state.MachinePassword{Value: newPassword(), Salt: acct.Password.Salt, KVNO: acct.Password.KVNO + 1, Set: nt.TimeOf(m.cfg.Now())}
	if err := m.save(ctx, &next); err != nil {
		return p.failed(fail(StageState, err, "check the state folder", "store the new password"))
	}
	p.done(StageState, "new password stored beside the old")
	m.untilHeard(ctx)
	setErr := ch.setPassword(ctx, next.Pending.Value)
	if setErr != nil {
		m.cfg.Log.Warn("change of the machine's password", "account", acct.Name, "err", setErr)
	}
	settled, err := m.settleAt(ctx, &next, ch.host)
	if err != nil {
		return p.failed(fail(StageAccount, errors.Join(setErr, err), "it is found out at the next attempt which password counts", "change the password of %s", acct.Name))
	}
	if settled.Password.Value != next.Pending.Value {
		return p.failed(fail(StageAccount, errors.Join(setErr, nt.StatusPasswordRestriction), "the old password counts on: the domain may have a least age of passwords, or deny machines to change theirs", "change the password of %s", acct.Name))
	}
	p.done(StageAccount, "the password is of version %d", settled.Password.KVNO)
	m.drop(nil)
	m.policy.flush()
	m.cfg.Log.Info("the machine's password was changed", "account", acct.Name, "version", settled.Password.KVNO, "controller", ch.host)
	return nil
}

// settle finds out which password counts where a change was begun and not confirmed.
func (m *Member) settle(ctx context.Context, acct *state.MachineAccount) (*state.MachineAccount, error) {
	if acct.Pending.Value == "" {
		return acct, nil
	}
	return m.settleAt(ctx, acct, "")
}

// settleAt asks a controller, or any where none is named.
func (m *Member) settleAt(ctx context.Context, acct *state.MachineAccount, host string) (*state.MachineAccount, error) {
	open := func(password string) (*channel, error) {
		if host != "" {
			return m.open(ctx, host, acct, password)
		}
		return m.openAny(ctx, acct, password)
	}
	next := *acct
	ch, err := open(acct.Pending.Value)
	switch {
	case err == nil:
		next.Old, next.Password, next.Pending = acct.Password, acct.Pending, state.MachinePassword{}
		if err := m.learnKey(ctx, &next, &next.Password); err != nil {
			m.cfg.Log.Warn("the version of the new key is not known", "account", acct.Name, "err", err)
		}
	case refused(err):
		if ch, err = open(acct.Password.Value); err != nil {
			return nil, err
		}
		next.Pending = state.MachinePassword{}
	default:
		return nil, err
	}
	next.Controller = ch.host
	ch.conn.Close()
	if err := m.save(ctx, &next); err != nil {
		return nil, err
	}
	return &next, nil
}

// due is when the password is to be changed; zero for never.
func (m *Member) due(acct *state.MachineAccount) time.Time {
	if m.cfg.PasswordAge < 0 {
		return time.Time{}
	}
	return acct.Password.Set.Go().Add(m.cfg.PasswordAge)
}

// checkEvery is how often Run looks at the channel and the age of the password.
const checkEvery = 10 * time.Minute

// Run keeps the channel warm and changes the password when it is due, until ctx ends.
func (m *Member) Run(ctx context.Context) {
	wait := time.Duration(0)
	for {
		select {
		case <-time.After(wait):
		case <-m.kick:
		case <-ctx.Done():
			return
		}
		wait = checkEvery + rand.N(checkEvery/10) // machines that were started together drift apart
		m.keepNames(ctx)
		acct := m.Account()
		if acct == nil {
			continue
		}
		if acct.Pending.Value != "" {
			m.settleLater(ctx)
		}
		warm, cancel := context.WithTimeout(ctx, callTimeout)
		_, err := m.secure(warm)
		cancel()
		if err == nil && acct.Password.KVNO == 0 {
			m.firstContact(ctx)
		}
		if due := m.due(acct); err == nil && !due.IsZero() && !m.cfg.Now().Before(due) {
			if err := m.Rotate(ctx, nil); err != nil {
				m.cfg.Log.Error("change of the machine's password", "err", err)
			}
		}
	}
}

// settleLater settles what an earlier run of the daemon left.
func (m *Member) settleLater(ctx context.Context) {
	ctx, end, err := m.enter(ctx)
	if err != nil {
		return
	}
	defer end()
	acct := m.Account()
	if acct == nil {
		return
	}
	if _, err := m.settle(ctx, acct); err != nil {
		m.cfg.Log.Warn("a change of the machine's password that was begun", "account", acct.Name, "err", fmt.Errorf("not settled: %w", err))
	}
	m.drop(nil)
}

// untilHeard waits until the daemons that take tickets, and ask for keys now and then, know of those that were stored last.
func (m *Member) untilHeard(ctx context.Context) {
	if m.cfg.Heard <= 0 {
		return
	}
	select {
	case <-time.After(m.cfg.Heard):
	case <-ctx.Done():
	}
}
