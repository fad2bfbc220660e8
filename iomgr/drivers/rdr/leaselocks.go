package rdr

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// heldLock is a byte-range lock that an open of a lease holds. Servers do not look at locks where a lease says that nobody else is there, and to
// them all opens of one lease are nobody else: what one of them has locked the others are kept from here.
type heldLock struct {
	f         *file
	offset    uint64
	length    uint64
	exclusive bool
}

// took notes what became of a request to lock or to unlock.
func (l *lease) took(f *file, r *api.Request) {
	k := r.Lock
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Op == api.OpLock {
		l.locks = append(l.locks, heldLock{f, k.Offset, k.Length, k.Exclusive})
		return
	}
	found := -1
	for i, h := range l.locks { // an exclusive one goes first (MS-FSA 2.1.5.9)
		if h.f == f && h.offset == k.Offset && h.length == k.Length && (found < 0 || h.exclusive) {
			found = i
		}
	}
	if found >= 0 {
		l.locks = append(l.locks[:found], l.locks[found+1:]...)
	}
}

// leave lets go of the locks of a file that is closed.
func (l *lease) leave(f *file) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.locks[:0]
	for _, h := range l.locks {
		if h.f != f {
			kept = append(kept, h)
		}
	}
	clear(l.locks[len(kept):])
	l.locks = kept
}

// meets reports whether a range of bytes meets the lock. One without a length lies between two bytes, and is met by a range that has both.
func (h *heldLock) meets(first, last uint64) bool {
	if h.length == 0 {
		return first < h.offset && h.offset <= last
	}
	return first <= h.offset+h.length-1 && h.offset <= last
}

// conflicts reports whether an open of the lease may not read or write a range (MS-FSA 2.1.4.10).
func (l *lease) conflicts(f *file, offset int64, n int, write bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.locks) == 0 || n == 0 || offset < 0 {
		return false
	}
	first, last := uint64(offset), uint64(offset)+uint64(n)-1
	for i := range l.locks {
		if h := &l.locks[i]; h.meets(first, last) && (h.exclusive && h.f != f || write && !h.exclusive) {
			return true
		}
	}
	return false
}

// barred completes a read or write that a lock of another open of the lease forbids. Where an open that may only append writes, the server knows.
func (f *file) barred(r *api.Request, n int, write bool) bool {
	if f.lease == nil || write && r.File().Granted()&nt.FileWriteData == 0 || !f.lease.conflicts(f, r.Offset, n, write) {
		return false
	}
	r.Complete(nt.StatusFileLockConflict, 0)
	return true
}
