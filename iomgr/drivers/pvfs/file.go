package pvfs

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// file is an open of a file or directory.
type file struct {
	api.DefaultFile
	v       *volume
	h       *os.File
	isDir   bool
	granted nt.AccessMask
	node    *node
	link    *link
	open    *fsrtl.Open
	owner   uint64          // of byte-range locks
	parent  *fsrtl.LeaseKey // under which the client holds the directory, nil for none
	leased  bool            // it has a lease on a directory

	written       atomic.Bool // since it was opened
	deleteOnClose bool        // guarded by node.mu

	mu      sync.Mutex
	listing *listing     // guarded by mu
	watch   *fsrtl.Watch // guarded by mu
	breaks  *pended      // guarded by mu: the control that waits for a break
	cleaned bool         // guarded by mu
}

// abandon undoes an open that fails late.
func (f *file) abandon() {
	f.node.opens.Remove(f.open)
	f.node.unlink(f.link)
	f.node.release()
	f.h.Close()
}

// Read reads at an offset (MS-FSA 2.1.5.3).
func (f *file) Read(r *api.Request) {
	if f.isDir {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	if r.Offset < 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if status := f.node.locks.CheckRead(f.owner, 0, uint64(r.Offset), uint64(len(r.Out))); status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	n, err := f.h.ReadAt(r.Out, r.Offset)
	switch {
	case n > 0 || len(r.Out) == 0:
		r.Complete(nt.StatusSuccess, n)
	case errors.Is(err, io.EOF):
		r.Complete(nt.StatusEndOfFile, 0)
	default:
		r.Fail(err)
	}
}

// Write writes at an offset; -1 is the end of the file, as every offset is for an open that may only append (MS-FSA 2.1.5.4).
func (f *file) Write(r *api.Request) {
	if f.isDir {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	offset := r.Offset
	if offset == -1 || f.granted&nt.FileWriteData == 0 {
		info, err := fstat(f.h)
		if err != nil {
			r.Fail(err)
			return
		}
		offset = info.Size()
	}
	if offset < 0 || offset+int64(len(r.In)) < 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if status := f.node.locks.CheckWrite(f.owner, 0, uint64(offset), uint64(len(r.In))); status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	if len(r.In) > 0 {
		f.node.opens.ContendReads(f.open)
	}
	n, err := f.h.WriteAt(r.In, offset)
	if n > 0 {
		f.written.Store(true)
	}
	if err == nil && r.File().Options()&nt.FileWriteThrough != 0 {
		err = f.h.Sync()
	}
	r.Complete(nt.StatusOf(err), n)
}

// Flush makes what was written durable.
func (f *file) Flush(r *api.Request) { r.Complete(nt.StatusOf(f.h.Sync()), 0) }

// Cleanup lets go what the open holds: locks, watch, share mode, oplock; and the name, if it is the last handle of one that is to be
// deleted.
func (f *file) Cleanup() {
	f.mu.Lock()
	f.cleaned = true
	watch, breaks := f.watch, f.breaks
	f.watch, f.breaks = nil, nil
	f.mu.Unlock()
	if breaks != nil && f.node.opens.Unreceive(f.open) {
		breaks.complete(nt.StatusCancelled, nil)
	}
	if watch != nil {
		watch.Close()
	}
	n := f.node
	n.locks.UnlockAll(f.owner)
	n.mu.Lock()
	l := f.link
	path := l.path
	l.handles--
	if f.deleteOnClose && !l.deleting {
		l.deleting = true
		n.deleting++
	}
	remove := l.deleting && l.handles == 0 && !l.gone
	dying := l.deleting && f.isDir
	n.mu.Unlock()
	if dying { // who still watches the directory hears so before its own handle goes
		f.v.watches.EndDirectory(ntPath(path), nt.StatusDeletePending)
	}
	if remove {
		f.remove(l, path)
	}
	n.opens.Remove(f.open)
	if f.leased {
		f.v.lease(n, -1)
	}
	if f.written.Load() {
		f.v.report(nt.FileNotifyChangeAttributes|nt.FileNotifyChangeLastWrite|nt.FileNotifyChangeSize, nt.FileActionModified, path)
	}
}

// remove takes the name away, if it is this file's still.
func (f *file) remove(l *link, path string) {
	if path == "" {
		return
	}
	dir, name, err := f.v.parent(path)
	if err != nil {
		return
	}
	defer dir.Close()
	info, err := statAt(dir, name)
	if err != nil || detailsOf(info).id != f.node.id || unlinkAt(dir, name, f.isDir) != nil {
		return
	}
	f.node.mu.Lock()
	l.gone = true
	f.node.mu.Unlock()
	f.v.report(nameFilter(f.isDir), nt.FileActionRemoved, path)
	f.v.contendParent(path, f.parent)
}

// Close closes the descriptors.
func (f *file) Close() {
	f.closeListing()
	f.h.Close()
	f.node.unlink(f.link)
	f.node.release()
}
