package state

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lwio/iomgr/nt"
)

// attempt is what was seen of logons under one name.
type attempt struct {
	rid   uint32 // zero for a name that is nobody's
	dirty bool

	bad      uint32 // wrong passwords in a row
	lastBad  nt.Time
	lockedAt nt.Time // zero if it is not
	last     nt.Time // last logon
	logons   uint32
}

// attempts counts logons in memory and writes them now and then: a password that is guessed must not cost an fdatasync. Names that are
// nobody's are counted as well, so that a lockout does not tell which names there are; they are bounded and never written.
type attempts struct {
	a *Accounts

	mu      sync.Mutex
	lockout Lockout             // guarded by mu
	byName  map[string]*attempt // guarded by mu, by upper-case name
	unknown int                 // guarded by mu: entries without a RID
	timer   *time.Timer         // guarded by mu: runs while something is dirty
	closed  bool                // guarded by mu
}

const (
	maxUnknown     = 4096
	attemptVersion = 1
	flushTimeout   = 30 * time.Second
)

func (t *attempts) init(a *Accounts) {
	t.a, t.byName = a, make(map[string]*attempt)
}

func (p *attempt) encode() []byte {
	w := recordWriter{b: []byte{attemptVersion}}
	w.u32(p.bad)
	w.time(p.lastBad)
	w.time(p.lockedAt)
	w.time(p.last)
	w.u32(p.logons)
	return w.b
}

func parseAttempt(b []byte) (*attempt, error) {
	const what = "logon record"
	d, err := openRecord(what, b, attemptVersion)
	if err != nil {
		return nil, err
	}
	p := &attempt{bad: d.u32(), lastBad: d.time(), lockedAt: d.time(), last: d.time(), logons: d.u32()}
	return p, d.err(what)
}

// load reads what was written before.
func (t *attempts) load(ctx context.Context) error {
	for e, err := range All(ctx, t.a.store, logonPrefix) {
		if err != nil {
			return err
		}
		rid, ok := ridOfKey(logonPrefix, e.Key)
		if !ok {
			return fmt.Errorf("%w: key %q", ErrCorrupt, e.Key)
		}
		p, err := parseAttempt(e.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Key, err)
		}
		r, _, err := t.a.findRID(ctx, rid)
		if errors.Is(err, ErrNoAccount) {
			continue // written as the account went
		}
		if err != nil {
			return err
		}
		p.rid = rid
		t.mu.Lock()
		t.byName[nt.Upcase(r.Name)] = p
		t.mu.Unlock()
	}
	return nil
}

// lockedNow says whether the lockout holds, and ends it when its time is over. t.mu is held.
func (t *attempts) lockedNow(p *attempt, now nt.Time) bool {
	if p.lockedAt == 0 || t.lockout.Threshold == 0 {
		return false
	}
	if now.Go().Sub(p.lockedAt.Go()) < t.lockout.Duration {
		return true
	}
	p.lockedAt, p.bad = 0, 0
	t.touch(p)
	return false
}

// locked reports whether nobody may log on under the name now.
func (t *attempts) locked(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.byName[nt.Upcase(name)]
	return p != nil && t.lockedNow(p, nt.NowTime())
}

// entry finds or makes the entry of a name. t.mu is held.
func (t *attempts) entry(name string, rid uint32) *attempt {
	key := nt.Upcase(name)
	p := t.byName[key]
	if p == nil {
		if rid == 0 && t.unknown >= maxUnknown {
			for k, old := range t.byName { // any will do
				if old.rid == 0 {
					delete(t.byName, k)
					t.unknown--
					break
				}
			}
		}
		p = &attempt{rid: rid}
		t.byName[key] = p
		if rid == 0 {
			t.unknown++
		}
	}
	return p
}

// failed counts a wrong password. It reports that this one locked the account.
func (t *attempts) failed(name string, rid uint32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, now := t.entry(name, rid), nt.NowTime()
	if now.Go().Sub(p.lastBad.Go()) >= t.lockout.Window {
		p.bad = 0
	}
	if p.bad < 1<<31 {
		p.bad++
	}
	p.lastBad = now
	t.touch(p)
	if n := t.lockout.Threshold; n != 0 && p.bad >= n && p.lockedAt == 0 {
		p.lockedAt = now
		return true
	}
	return false
}

// succeeded counts a logon.
func (t *attempts) succeeded(name string, rid uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.entry(name, rid)
	p.bad, p.lockedAt, p.last = 0, 0, nt.NowTime()
	if p.logons < 1<<31 {
		p.logons++
	}
	t.touch(p)
}

func (t *attempts) unlock(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.byName[nt.Upcase(name)]; p != nil {
		p.bad, p.lockedAt = 0, 0
		t.touch(p)
	}
}

// forgetName drops the entry of a name whose owner changed.
func (t *attempts) forgetName(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.byName[nt.Upcase(name)]; p != nil {
		if p.rid == 0 {
			t.unknown--
		}
		delete(t.byName, nt.Upcase(name))
	}
}

// setLockout changes when accounts are locked.
func (t *attempts) setLockout(l Lockout) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lockout = l
}

// renamed moves what was counted to another name of the same account.
func (t *attempts) renamed(before, after string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from, to := nt.Upcase(before), nt.Upcase(after)
	if from == to {
		return
	}
	if old := t.byName[to]; old != nil && old.rid == 0 {
		t.unknown--
	}
	delete(t.byName, to)
	if p := t.byName[from]; p != nil && p.rid != 0 {
		delete(t.byName, from)
		t.byName[to] = p
	}
}

// fill completes a user with what was counted.
func (t *attempts) fill(acc *User) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.byName[nt.Upcase(acc.Name)]; p != nil && p.rid == acc.RID {
		acc.Locked = t.lockedNow(p, nt.NowTime())
		acc.BadPasswords, acc.LastBadPassword, acc.LastLogon, acc.Logons = p.bad, p.lastBad, p.last, p.logons
	}
}

// touch has the entry written in a while. t.mu is held.
func (t *attempts) touch(p *attempt) {
	if p.rid == 0 {
		return
	}
	p.dirty = true
	if t.timer == nil && !t.closed {
		t.timer = time.AfterFunc(t.a.interval, func() {
			ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
			defer cancel()
			if err := t.flush(ctx); err != nil {
				t.a.log.Error("write logon counts", "err", err)
			}
		})
	}
}

// flush writes what is dirty. What fails stays dirty and is written with the next change.
func (t *attempts) flush(ctx context.Context) error {
	t.mu.Lock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	var ops []Op
	var entries []*attempt
	for _, p := range t.byName {
		if p.dirty {
			p.dirty = false
			entries = append(entries, p)
			ops = append(ops, Op{Key: ridKey(logonPrefix, p.rid), Value: p.encode()})
		}
	}
	t.mu.Unlock()
	for len(ops) > 0 {
		n := min(len(ops), MaxOps)
		if _, err := t.a.store.Txn(ctx, nil, ops[:n]); err != nil {
			t.mu.Lock()
			for _, p := range entries {
				p.dirty = true
			}
			t.mu.Unlock()
			return err
		}
		ops, entries = ops[n:], entries[n:]
	}
	return nil
}

func (t *attempts) close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	return t.flush(ctx)
}
