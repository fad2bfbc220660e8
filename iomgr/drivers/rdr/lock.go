package rdr

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// opLock is LOCK (MS-SMB2 3.2.4.19, 3.2.5.13), one range at a time. The protocol has no keys: they are left out.
var opLock = operation{
	cmd:  smb2.Lock,
	size: func(*exchange) int { return 48 },
	encode: func(x *exchange, b []byte) []byte {
		k := x.r.Lock
		e := smb2.LockElement{Offset: k.Offset, Length: k.Length, Flags: smb2.LockUnlock}
		if x.r.Op == api.OpLock {
			if e.Flags = smb2.LockShared; k.Exclusive {
				e.Flags = smb2.LockExclusive
			}
			if k.FailImmediately {
				e.Flags |= smb2.LockFailImmediately
			}
		}
		return (&smb2.LockRequest{LockSequence: x.file.lockSequence(x.r), FileID: x.fid, Locks: smb2.LockElements(nil).Append(e)}).Append(b)
	},
	decode: func(_ *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		_, err := smb2.ParseLockResponse(body)
		return st, 0, err
	},
}

// Lock takes a byte-range lock.
func (f *file) Lock(r *api.Request) { f.lock(r) }

// Unlock lets one go.
func (f *file) Unlock(r *api.Request) { f.lock(r) }

func (f *file) lock(r *api.Request) {
	if f.settles(r) {
		return
	}
	if f.lease == nil {
		f.send(&opLock, r)
		return
	}
	x := f.exchange(&opLock, r)
	x.done = lockDone
	x.conn.start(x)
}

// lockDone completes a request of an open with a lease, or has it sent again under the same sequence, so that it is done once.
func lockDone(x *exchange, st nt.Status, n int) {
	f, r := x.file, x.r
	if st == nt.StatusConnectionDisconnected && f.again(r, x.tree, x.onWire) {
		return
	}
	if d := f.durable; d != nil {
		f.mu.Lock()
		for i := range d.buckets {
			if b := &d.buckets[i]; b.r == r {
				b.r = nil
			}
		}
		f.mu.Unlock()
	}
	if st == nt.StatusSuccess {
		f.lease.took(f, r)
	}
	r.Complete(st, n)
}

// bucket is a LockSequenceIndex of an open (MS-SMB2 3.2.1.6: Open.OperationBuckets).
type bucket struct {
	r      *api.Request // which has it; nil for none
	number uint8        // of the last request under it
}

// lockSequence is the sequence of a request to lock or to unlock, the same each time it is sent (3.2.4.19). Zero is none: the open is not
// durable, or all indices are taken, which the open survives but not such a request.
func (f *file) lockSequence(r *api.Request) uint32 {
	d := f.durable
	if d == nil {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	free := -1
	for i := range d.buckets {
		switch b := &d.buckets[i]; {
		case b.r == r:
			return uint32(i+1)<<4 | uint32(b.number)
		case b.r == nil && free < 0:
			free = i
		}
	}
	if free < 0 {
		if len(d.buckets) == maxBuckets {
			return 0
		}
		free = len(d.buckets)
		d.buckets = append(d.buckets, bucket{})
	}
	b := &d.buckets[free]
	b.r, b.number = r, (b.number+1)&15
	return uint32(free+1)<<4 | uint32(b.number)
}

const maxBuckets = 64
