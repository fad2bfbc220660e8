package memfs

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// file is an open of a node.
type file struct {
	api.DefaultFile
	v             *volume
	node          *node
	token         *nt.Token
	granted       nt.AccessMask
	open          *fsrtl.Open
	owner         uint64 // of byte-range locks
	deleteOnClose bool

	breaks fsrtl.BreakWait

	mu      sync.Mutex
	listing *listing     // guarded by mu
	watch   *fsrtl.Watch // guarded by mu
	cleaned bool         // guarded by mu
}

// Cleanup lets go what the open holds, and ends what waits for it.
func (f *file) Cleanup() {
	f.mu.Lock()
	f.cleaned = true
	watch := f.watch
	f.watch = nil
	f.mu.Unlock()
	f.breaks.Close(&f.node.opens, f.open)
	if watch != nil {
		watch.Close()
	}
	f.node.locks.UnlockAll(f.owner)
	f.v.release(f.node, f.deleteOnClose)
	f.node.opens.Remove(f.open)
}

// Lock takes a byte range (MS-FSA 2.1.5.8); it waits unless it is to fail at once.
func (f *file) Lock(r *api.Request) {
	if f.node.dir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	l := fsrtl.Lock{Owner: f.owner, Offset: r.Lock.Offset, Length: r.Lock.Length, Key: r.Lock.Key, Exclusive: r.Lock.Exclusive}
	p := &fsrtl.Pended{Request: r}
	done := func(status nt.Status) {
		if status == nt.StatusSuccess {
			f.node.opens.ContendReads(f.open)
		}
		p.Complete(status, nil)
	}
	wait, status := f.node.locks.Lock(l, !r.Lock.FailImmediately, done)
	if status == nt.StatusPending {
		p.Pend(wait.Cancel)
		return
	}
	done(status)
	p.Pend(nil)
}

// Unlock lets one go (MS-FSA 2.1.5.9).
func (f *file) Unlock(r *api.Request) {
	if f.node.dir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	r.Complete(f.node.locks.Unlock(fsrtl.Lock{Owner: f.owner, Offset: r.Lock.Offset, Length: r.Lock.Length, Key: r.Lock.Key}), 0)
}

// NotifyChange waits for a change below a directory (MS-FSA 2.1.5.11).
func (f *file) NotifyChange(r *api.Request) {
	if !f.node.dir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	f.v.mu.Lock()
	path := f.node.path()
	f.v.mu.Unlock()
	f.mu.Lock()
	if f.cleaned {
		f.mu.Unlock()
		r.Complete(nt.StatusNotifyCleanup, 0)
		return
	}
	if f.watch == nil {
		f.watch = f.v.watches.Open(path)
	}
	watch := f.watch
	f.mu.Unlock()
	p := &fsrtl.Pended{Request: r}
	wait, status, data := watch.Next(r.Code, r.Flags&api.FlagWatchTree != 0, r.Limit(), p.Complete)
	if status != nt.StatusPending {
		r.Complete(status, r.Give(data))
		return
	}
	p.Pend(wait.Cancel)
}

// FsControl answers the controls of oplocks and that which duplicates a range.
func (f *file) FsControl(r *api.Request) {
	if f.breaks.Control(&f.node.opens, f.open, r) {
		return
	}
	switch r.Code {
	case nt.FsctlDuplicateExtentsToFile, nt.FsctlDuplicateExtentsToFileEx:
		f.duplicateExtents(r)
	default:
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
	}
}
