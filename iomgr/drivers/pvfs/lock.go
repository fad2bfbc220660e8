package pvfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// Lock takes a byte range (MS-FSA 2.1.5.8); it waits unless it is to fail at once.
func (f *file) Lock(r *api.Request) {
	if f.isDir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	a := r.Lock
	l := fsrtl.Lock{Owner: f.owner, Offset: a.Offset, Length: a.Length, Key: a.Key, Exclusive: a.Exclusive}
	if a.FailImmediately {
		_, status := f.stream.locks.Lock(l, false, nil)
		if status == nt.StatusSuccess {
			f.stream.opens.ContendReads(f.open)
		}
		r.Complete(status, 0)
		return
	}
	w := &fsrtl.Pended{Request: r}
	wait, status := f.stream.locks.Lock(l, true, func(s nt.Status) {
		if s == nt.StatusSuccess {
			f.stream.opens.ContendReads(f.open)
		}
		w.Complete(s, nil)
	})
	if status != nt.StatusPending {
		if status == nt.StatusSuccess {
			f.stream.opens.ContendReads(f.open)
		}
		r.Complete(status, 0)
		return
	}
	w.Pend(wait.Cancel)
}

// Unlock lets one go (MS-FSA 2.1.5.9).
func (f *file) Unlock(r *api.Request) {
	if f.isDir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	a := r.Lock
	r.Complete(f.stream.locks.Unlock(fsrtl.Lock{Owner: f.owner, Offset: a.Offset, Length: a.Length, Key: a.Key}), 0)
}
