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

	mu      sync.Mutex
	listing *listing      // guarded by mu
	watch   *fsrtl.Watch  // guarded by mu
	breaks  *fsrtl.Pended // guarded by mu: the control that waits for a break
	cleaned bool          // guarded by mu
}

// Cleanup lets go what the open holds, and ends what waits for it.
func (f *file) Cleanup() {
	f.mu.Lock()
	f.cleaned = true
	watch, breaks := f.watch, f.breaks
	f.watch, f.breaks = nil, nil
	f.mu.Unlock()
	if breaks != nil && f.node.opens.Unreceive(f.open) {
		breaks.Complete(nt.StatusCancelled, nil)
	}
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
	wait, status, data := watch.Next(r.Code, r.Flags&api.FlagWatchTree != 0, len(r.Out), p.Complete)
	if status != nt.StatusPending {
		r.Complete(status, copy(r.Out, data))
		return
	}
	p.Pend(wait.Cancel)
}

// FsControl answers the two controls by which the holder of an oplock hears that it breaks, and says what it keeps.
func (f *file) FsControl(r *api.Request) {
	switch r.Code {
	case nt.FsctlOplockBreakNotify:
		f.awaitBreak(r)
	case nt.FsctlOplockBreakAcknowledge:
		if len(r.In) < 1 {
			r.Complete(nt.StatusInvalidParameter, 0)
			return
		}
		r.Complete(f.node.opens.Acknowledge(f.open, fsrtl.LeaseState(r.In[0])), 0)
	default:
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
	}
}

func (f *file) awaitBreak(r *api.Request) {
	if len(r.Out) < api.OplockBreakLen {
		r.Complete(nt.StatusBufferTooSmall, 0)
		return
	}
	p := &fsrtl.Pended{Request: r}
	f.mu.Lock()
	if f.cleaned || f.breaks != nil {
		f.mu.Unlock()
		r.Complete(nt.StatusInvalidOplockProtocol, 0)
		return
	}
	f.breaks = p
	f.mu.Unlock()
	end := func(status nt.Status, data []byte) {
		f.mu.Lock()
		if f.breaks == p {
			f.breaks = nil
		}
		f.mu.Unlock()
		p.Complete(status, data)
	}
	if !f.node.opens.Receive(f.open, func(b fsrtl.Break) {
		end(nt.StatusSuccess, api.OplockBreak{From: uint8(b.From), To: uint8(b.To), AckRequired: b.AckRequired, Epoch: b.Epoch}.Append(nil))
	}) {
		end(nt.StatusInvalidOplockProtocol, nil)
	}
	p.Pend(func() {
		if f.node.opens.Unreceive(f.open) {
			end(nt.StatusCancelled, nil)
		}
	})
}
