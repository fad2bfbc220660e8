package fsrtl

import (
	"sync"
	"sync/atomic"

	"lwio/iomgr/nt"
)

// Lock is one byte range. A range of no bytes is one too: it lies between two bytes and conflicts with what spans them; that at
// offset 0 conflicts with nothing (MS-FSA 2.1.4.10).
type Lock struct {
	Owner          uint64 // the open
	Offset, Length uint64
	Key            uint32
	Exclusive      bool
}

// Locks are the byte-range locks of one stream (MS-FSA 2.1.5.8 and 2.1.5.9). The zero value has none.
//
// Locks do not merge or split. The same open may stack shared locks, and shared ones on an exclusive one of its own. Those that wait are
// granted in the order in which they came, each as soon as nothing is in its way; none waits for another that waits.
type Locks struct {
	count atomic.Int64 // of held ranges, for the I/O path

	mu      sync.Mutex
	held    rangeTree // guarded by mu
	waiting []*Waiter // guarded by mu; in order
}

// Waiter is a lock that waits.
type Waiter struct {
	locks *Locks
	lock  Lock
	done  func(nt.Status) // nil once called; guarded by locks.mu
}

// valid refuses ranges that go beyond the last byte there can be.
func (l *Lock) valid() bool { return l.Length == 0 || l.Offset+l.Length-1 >= l.Offset }

// Lock takes a range. If it conflicts and wait is false the answer is StatusLockNotGranted; with wait it is StatusPending, and done is
// called once: with StatusSuccess when the range is held, or the status that ended the wait.
func (ls *Locks) Lock(l Lock, wait bool, done func(nt.Status)) (*Waiter, nt.Status) {
	if !l.valid() {
		return nil, nt.StatusInvalidLockRange
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if !ls.held.conflicts(&l, true) {
		ls.hold(l)
		return nil, nt.StatusSuccess
	}
	if !wait {
		return nil, nt.StatusLockNotGranted
	}
	w := &Waiter{ls, l, done}
	ls.waiting = append(ls.waiting, w)
	return w, nt.StatusPending
}

func (ls *Locks) hold(l Lock) {
	ls.held.insert(l)
	ls.count.Add(1)
}

// Cancel ends the wait with StatusCancelled, if it has not ended.
func (w *Waiter) Cancel() { w.end(nt.StatusCancelled) }

func (w *Waiter) end(status nt.Status) {
	ls := w.locks
	ls.mu.Lock()
	done := w.done
	if done != nil {
		w.done = nil
		ls.forget(w)
	}
	ls.mu.Unlock()
	if done != nil {
		done(status)
	}
}

func (ls *Locks) forget(w *Waiter) {
	for i, x := range ls.waiting {
		if x == w {
			copy(ls.waiting[i:], ls.waiting[i+1:])
			ls.waiting[len(ls.waiting)-1] = nil
			ls.waiting = ls.waiting[:len(ls.waiting)-1]
			return
		}
	}
}

// Unlock lets one range go that was taken with the same owner, key, offset and length; of several an exclusive one.
// StatusRangeNotLocked if there is none.
func (ls *Locks) Unlock(l Lock) nt.Status {
	if !l.valid() {
		return nt.StatusInvalidLockRange
	}
	ls.mu.Lock()
	l.Exclusive = true
	if !ls.held.remove(&l) {
		l.Exclusive = false
		if !ls.held.remove(&l) {
			ls.mu.Unlock()
			return nt.StatusRangeNotLocked
		}
	}
	ls.count.Add(-1)
	call(ls.grant())
	return nt.StatusSuccess
}

// UnlockAll lets all ranges of an open go, as its last handle does; what of it waits ends with StatusRangeNotLocked.
func (ls *Locks) UnlockAll(owner uint64) {
	ls.unlockAll(func(l *Lock) bool { return l.Owner == owner }, true)
}

// UnlockKey lets the ranges of an open with one key go. StatusRangeNotLocked if there are none.
func (ls *Locks) UnlockKey(owner uint64, key uint32) nt.Status {
	if ls.unlockAll(func(l *Lock) bool { return l.Owner == owner && l.Key == key }, false) == 0 {
		return nt.StatusRangeNotLocked
	}
	return nt.StatusSuccess
}

func (ls *Locks) unlockAll(which func(*Lock) bool, waitersToo bool) int {
	ls.mu.Lock()
	var ended []grant
	if waitersToo {
		keep := ls.waiting[:0]
		for _, w := range ls.waiting {
			if which(&w.lock) {
				ended = append(ended, grant{w.done, nt.StatusRangeNotLocked})
				w.done = nil
			} else {
				keep = append(keep, w)
			}
		}
		clear(ls.waiting[len(keep):])
		ls.waiting = keep
	}
	n := 0
	if ls.count.Load() > 0 {
		var gone []Lock
		ls.held.walk(func(l *Lock) {
			if which(l) {
				gone = append(gone, *l)
			}
		})
		for i := range gone {
			ls.held.remove(&gone[i])
		}
		n = len(gone)
		ls.count.Add(-int64(n))
	}
	if n > 0 {
		ended = append(ended, ls.granted()...)
	}
	ls.mu.Unlock()
	for _, g := range ended {
		g.done(g.status)
	}
	return n
}

// grant is a waiter whose wait has ended.
type grant struct {
	done   func(nt.Status)
	status nt.Status
}

// granted takes those waiters in whose way nothing is any more. The caller holds mu.
func (ls *Locks) granted() []grant {
	if len(ls.waiting) == 0 {
		return nil
	}
	var out []grant
	keep := ls.waiting[:0]
	for _, w := range ls.waiting {
		if ls.held.conflicts(&w.lock, true) {
			keep = append(keep, w)
			continue
		}
		ls.hold(w.lock)
		out = append(out, grant{w.done, nt.StatusSuccess})
		w.done = nil
	}
	clear(ls.waiting[len(keep):])
	ls.waiting = keep
	return out
}

// grant is granted, and lets mu go.
func (ls *Locks) grant() []grant {
	out := ls.granted()
	ls.mu.Unlock()
	return out
}

func call(gs []grant) {
	for _, g := range gs {
		g.done(g.status)
	}
}

// CheckRead says whether an open may read a range: StatusFileLockConflict if another's exclusive lock is in the way.
func (ls *Locks) CheckRead(owner uint64, key uint32, offset, length uint64) nt.Status {
	return ls.check(Lock{owner, offset, length, key, false})
}

// CheckWrite says whether an open may write a range: StatusFileLockConflict if another's lock is in the way, or a shared one of its own.
func (ls *Locks) CheckWrite(owner uint64, key uint32, offset, length uint64) nt.Status {
	return ls.check(Lock{owner, offset, length, key, true})
}

func (ls *Locks) check(l Lock) nt.Status {
	if l.Length == 0 || ls.count.Load() == 0 {
		return nt.StatusSuccess
	}
	if !l.valid() {
		l.Length = ^uint64(0) - l.Offset + 1
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.held.conflicts(&l, false) {
		return nt.StatusFileLockConflict
	}
	return nt.StatusSuccess
}

// Held gives the ranges that are held, by offset.
func (ls *Locks) Held() []Lock {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	var out []Lock
	ls.held.walk(func(l *Lock) { out = append(out, *l) })
	return out
}

// Restore holds ranges that Held gave, whatever is in their way.
func (ls *Locks) Restore(held []Lock) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range held {
		ls.hold(l)
	}
}

// Any reports whether anything is held.
func (ls *Locks) Any() bool { return ls.count.Load() > 0 }
