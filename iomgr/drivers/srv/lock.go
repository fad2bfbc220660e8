package srv

import (
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// maxLocks bounds the ranges of one request, as Windows does.
const maxLocks = 64

// locking is what a LOCK keeps: its ranges are taken one after the other.
type locking struct {
	open   *open
	ranges smb2.LockElements // a copy: the frame may go while one is waited for
	next   int
	unlock bool
	undo   int // ranges below it are being let go again
	status nt.Status
	args   api.LockArgs
	index  uint32 // LockSequenceIndex, 0 for none
	number uint8
	last   int // the range of an unlock that is none; 0 if all are
}

// lock is LOCK (3.3.5.14).
func (c *command) lock() nt.Status {
	req, err := smb2.ParseLockRequest(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	n := req.Locks.Len()
	if n > maxLocks {
		return nt.StatusInvalidParameter
	}
	k := &locking{open: o, ranges: append(smb2.LockElements(nil), req.Locks...), unlock: req.Locks.At(0).Flags&smb2.LockUnlock != 0}
	for i := range n {
		e := req.Locks.At(i)
		switch {
		case k.unlock && e.Flags != smb2.LockUnlock && i > 0:
			k.last = i // what stands before it is unlocked (3.3.5.14.1)
		case k.unlock && e.Flags != smb2.LockUnlock:
			return nt.StatusInvalidParameter
		case k.unlock:
		case e.Flags&^smb2.LockFailImmediately != smb2.LockShared && e.Flags&^smb2.LockFailImmediately != smb2.LockExclusive:
			return nt.StatusInvalidParameter
		case n > 1 && e.Flags&smb2.LockFailImmediately == 0: // only a single range may be waited for
			return nt.StatusInvalidParameter
		}
		if k.last > 0 {
			break
		}
		if e.Length != 0 && e.Offset+e.Length-1 < e.Offset {
			return nt.StatusInvalidLockRange
		}
	}
	if !k.unlock && c.sess.expired(time.Now().UnixNano()) { // an unlock goes on (3.3.5.2.9)
		return nt.StatusNetworkSessionExpired
	}
	if !k.unlock && o.granted&(nt.FileReadData|nt.FileWriteData) == 0 {
		return nt.StatusAccessDenied
	}
	if i := req.LockSequence >> 4; i > 0 && i <= maxLockSequences && c.replayable(o) {
		k.index, k.number = i, uint8(req.LockSequence&0xf)
		if o.lockDone(k.index, k.number) {
			return c.reply((&smb2.LockResponse{}).Append(c.begin(8)))
		}
	}
	c.extra = k
	return c.lockNext(k)
}

func (c *command) lockNext(k *locking) nt.Status {
	e := k.ranges.At(k.next)
	k.args = api.LockArgs{Offset: e.Offset, Length: e.Length, Exclusive: e.Flags&smb2.LockExclusive != 0,
		FailImmediately: e.Flags&smb2.LockFailImmediately != 0}
	op := api.OpLock
	if k.unlock {
		op = api.OpUnlock
	}
	return c.submit(&request{Op: op, Handle: k.open.handle, Lock: &k.args}, (*command).locked)
}

func (c *command) locked(r *request) nt.Status {
	k := c.extra.(*locking)
	if st := c.cancelled(gone(r.Status)); !st.IsSuccess() {
		if k.unlock || k.next == 0 { // unlocks that were done stay done (3.3.5.14.1)
			return st
		}
		k.status, k.undo = st, k.next
		return c.unlockNext(k)
	}
	if k.unlock {
		k.open.locks.Add(-1)
	} else {
		k.open.locks.Add(1)
	}
	if p := k.open.persistence.Load(); p != nil {
		p.locked(lockedRange{k.args.Offset, k.args.Length, k.args.Exclusive}, k.unlock)
	}
	if k.next++; k.last > 0 && k.next == k.last {
		return nt.StatusInvalidParameter
	}
	if k.next < k.ranges.Len() {
		return c.lockNext(k)
	}
	if k.open.persistence.Load() != nil {
		return c.answerSaved(k.open, (*command).lockAnswer)
	}
	return c.lockAnswer(nil)
}

func (c *command) lockAnswer(*request) nt.Status {
	if k := c.extra.(*locking); k.index > 0 {
		k.open.lockKept(k.index, k.number)
	}
	return c.reply((&smb2.LockResponse{}).Append(c.begin(8)))
}

// unlockNext lets go what this request had locked before it failed (3.3.5.14.2).
func (c *command) unlockNext(k *locking) nt.Status {
	k.undo--
	e := k.ranges.At(k.undo)
	k.args = api.LockArgs{Offset: e.Offset, Length: e.Length, Exclusive: e.Flags&smb2.LockExclusive != 0}
	return c.submit(&request{Op: api.OpUnlock, Handle: k.open.handle, Lock: &k.args}, (*command).unlocked)
}

func (c *command) unlocked(*request) nt.Status {
	k := c.extra.(*locking)
	k.open.locks.Add(-1)
	if p := k.open.persistence.Load(); p != nil {
		p.locked(lockedRange{k.args.Offset, k.args.Length, k.args.Exclusive}, true)
	}
	if k.undo > 0 {
		return c.unlockNext(k)
	}
	return k.status
}
