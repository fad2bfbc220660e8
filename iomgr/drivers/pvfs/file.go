package pvfs

import (
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
	dir     *os.File // where it was found, of an open that deletes it; nil else
	isDir   bool
	granted nt.AccessMask
	by      caller // who opened it
	node    *node
	stream  *stream
	link    *link
	path    string // as it was found, below the volume's root
	open    *fsrtl.Open
	owner   uint64          // of byte-range locks
	parent  *fsrtl.LeaseKey // under which the client holds the directory, nil for none
	leased  bool            // it has a lease on a directory
	kernel  bool            // local programs break its oplock
	listens *localWatch     // for the sake of a lease on a directory
	posix   bool            // it has the semantics of POSIX
	symlink bool            // it is a symbolic link itself; h is no more than its name
	toDir   bool            // that leads to a directory

	share *fsrtl.ShareOptions // through which it was opened

	versions *api.Snapshots // where there are previous ones, nil for nowhere
	frozen   frozen

	written       atomic.Bool // since it was opened
	deleteOnClose bool        // guarded by node.mu, as the next two
	stickyWrite   bool        // writes through this open leave the time of writing as it is
	stickyChange  nt.Time     // the time of change that was set through it, 0 for none

	position atomic.Int64  // where the next read would begin
	mode     atomic.Uint32 // FileModeInformation

	breaks fsrtl.BreakWait

	mu      sync.Mutex
	listing *listing      // guarded by mu
	nextEA  int           // guarded by mu: where a listing of extended attributes goes on
	watch   *fsrtl.Watch  // guarded by mu
	local   *localWatch   // guarded by mu
	cleaned bool          // guarded by mu
	moving  int           // guarded by mu: requests that were posted
	still   chan struct{} // guarded by mu: closed when there is none, if somebody waits
}

// abandon undoes an open that fails late.
func (f *file) abandon() {
	f.stream.opens.Remove(f.open)
	f.h.Close()
	f.leave()
}

// leave gives back what the open holds of its node.
func (f *file) leave() {
	f.node.releaseStream(f.stream)
	f.node.unlink(f.link)
	f.v.leases.follow(f.node)
	f.node.release()
}

// Read reads at an offset (MS-FSA 2.1.5.3).
func (f *file) Read(r *api.Request) {
	if f.isDir {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	if r.Offset < 0 || r.Offset+int64(len(r.Out)) < 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if status := f.stream.locks.CheckRead(f.owner, 0, uint64(r.Offset), uint64(len(r.Out))); status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	var n int
	var err error
	if f.named() {
		n, err = f.stream.data.readAt(r.Out, r.Offset)
	} else {
		taken := f.take(r)
		var all bool
		n, all, err = f.v.readNow(f, r.Out[taken:], r.Offset+int64(taken))
		if n += taken; !all && err == nil {
			f.v.posts.post(posted{f: f, r: r, offset: r.Offset, done: n})
			return
		}
	}
	n, status := f.haveRead(r, r.Offset, n, err)
	r.Complete(status, n)
}

func (f *file) readAt(b []byte, offset int64) (int, error) {
	if f.named() {
		return f.stream.data.readAt(b, offset)
	}
	return f.h.ReadAt(b, offset)
}

// maxFileSize is that of NTFS with clusters of 4 KiB, which clients take for everybody's.
const maxFileSize = 16<<40 - 64<<10

// Write writes at an offset; -1 is the end of the file, as every offset is for an open that may only append (MS-FSA 2.1.5.4).
func (f *file) Write(r *api.Request) {
	to, ok := f.mayWrite(r, len(r.In))
	if !ok {
		return
	}
	if f.through(r) {
		f.v.posts.post(posted{f: f, r: r, offset: to})
		return
	}
	n, status := f.write(r, to)
	r.Complete(status, n)
}

// mayWrite makes ready for a write of n bytes and gives where it goes, atEnd for behind the last byte. If there is nothing to write, or that is refused, it has
// completed the request.
func (f *file) mayWrite(r *api.Request, n int) (to int64, ok bool) {
	if f.isDir {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return 0, false
	}
	if f.posix && r.Offset != atEnd && f.granted&nt.FileWriteData == 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return 0, false
	}
	offset, to := r.Offset, r.Offset
	if f.appends(r) {
		to = atEnd
		end, _, err := f.size()
		if err != nil {
			r.Fail(err)
			return 0, false
		}
		offset = end
	}
	if offset < 0 || offset+int64(n) < 0 || n > 0 && offset+int64(n) > maxFileSize {
		r.Complete(nt.StatusInvalidParameter, 0)
		return 0, false
	}
	if status := f.stream.locks.CheckWrite(f.owner, 0, uint64(offset), uint64(n)); status != nt.StatusSuccess {
		r.Complete(status, 0)
		return 0, false
	}
	if n == 0 {
		r.Complete(nt.StatusSuccess, 0)
		return 0, false
	}
	f.stream.opens.ContendReads(f.open)
	f.beforeWrite()
	return to, true
}

// appends reports whether a write goes behind the last byte.
func (f *file) appends(r *api.Request) bool {
	return r.Offset == atEnd || f.granted&nt.FileWriteData == 0
}

func (f *file) writeAt(b []byte, offset int64) (int, error) {
	if f.named() {
		return f.stream.data.writeAt(f, b, offset)
	}
	return f.h.WriteAt(b, offset)
}

// size gives the end of the stream and what is allocated.
func (f *file) size() (end, allocated int64, err error) {
	if f.named() {
		return f.stream.data.size()
	}
	info, err := fstat(f.h)
	if err != nil {
		return 0, 0, err
	}
	return info.Size(), detailsOf(info).blocks * 512, nil
}

func (f *file) truncate(size int64) error {
	if f.named() {
		return f.stream.data.truncate(f, size)
	}
	return f.h.Truncate(size)
}

func (f *file) sync() error {
	if f.named() {
		return f.stream.data.sync(f)
	}
	return f.h.Sync()
}

// Flush makes what was written durable.
func (f *file) Flush(r *api.Request) {
	f.v.posts.post(posted{f: f, r: r})
}

// Cleanup lets go what the open holds: locks, watch, share mode, oplock; and the name, if it is the last handle of one that is to be
// deleted.
func (f *file) Cleanup() {
	f.clean()
	f.mu.Lock()
	watch, local := f.watch, f.local
	f.watch, f.local = nil, nil
	f.mu.Unlock()
	f.breaks.Close(&f.stream.opens, f.open)
	if watch != nil {
		watch.Close()
		local.close()
	}
	n := f.node
	keeps := f.isDir && f.deletesOnClose() && !emptyOf(f.h) // MS-FSA 2.1.5.5, phase 1
	f.stream.locks.UnlockAll(f.owner)
	if f.written.Load() {
		f.settle()
		f.keepChange()
	}
	n.mu.Lock()
	l, s := f.link, f.stream
	path := l.path
	l.handles--
	if f.posix {
		l.posix--
	}
	dropStream := false
	if f.named() {
		s.handles--
		s.deleting = s.deleting || f.deleteOnClose
		dropStream = s.deleting && s.handles == 0 && !s.gone
		if dropStream {
			s.gone = true
			n.forgetStream(s)
		}
	} else if f.deleteOnClose && !keeps {
		n.mark(l, true)
	}
	remove := l.deleting && l.last() && !l.gone
	dying := l.deleting && f.isDir
	n.mu.Unlock()
	if f.deleteOnClose && !remove { // those who have it open besides may hold it open for nothing but their cache
		s.opens.ContendHandles(f.open, func() {})
	}
	if dropStream && s.data.remove(f) == nil {
		f.v.report(nt.FileNotifyChangeStreamName, nt.FileActionRemovedStream, path+":"+s.data.name)
	}
	if dying { // who still watches the directory hears so before its own handle goes
		f.v.watches.EndDirectory(ntPath(path), nt.StatusDeletePending)
	}
	if remove {
		f.remove(l, path)
	}
	s.opens.Remove(f.open)
	if f.kernel {
		f.v.leases.leave(f)
	}
	if f.leased {
		f.listens.close()
		f.v.lease(n, -1)
	}
	switch {
	case !f.written.Load():
	case f.named():
		f.v.report(nt.FileNotifyChangeStreamWrite|nt.FileNotifyChangeStreamSize, nt.FileActionModifiedStream, path+":"+s.data.name)
	default:
		f.v.report(nt.FileNotifyChangeAttributes|nt.FileNotifyChangeLastWrite|nt.FileNotifyChangeSize, nt.FileActionModified, path)
		f.v.contendParent(path, f.parent) // what a listing shows of it is not what it was
	}
}

// remove takes the name away, if it is this file's still.
func (f *file) remove(l *link, path string) {
	if path == "" || !f.unlink(l, path) {
		return
	}
	f.v.report(nameFilter(f.node.dir), nt.FileActionRemoved, path)
	f.v.contendParent(path, f.parent)
}

// unlink is the part of it that is done with the name locked.
func (f *file) unlink(l *link, path string) bool {
	defer f.v.locks.lock(path)()
	dir, name := f.dir, ""
	if dir != nil && path == f.path {
		_, name = splitPath(path)
	} else {
		var err error
		if dir, name, err = f.v.parent(path); err != nil {
			return false
		}
		defer dir.Close()
	}
	info, err := statAt(dir, name)
	if err != nil || detailsOf(info).id != f.node.id {
		return false
	}
	var streams []string
	if f.node.dir || detailsOf(info).links == 1 {
		streams, _ = sidecarsOf(f.h)
	}
	err = unlinkAt(dir, name, f.node.dir)
	if f.node.dir && err != nil && emptyOf(f.h) { // what is left of streams whose files are gone
		removeFolder(f.h)
		err = unlinkAt(dir, name, true)
	}
	if err != nil {
		return false
	}
	at := f.v.names.amend(dir, "", name)
	if !f.node.dir {
		f.v.tunneled(dir, at, name)
	}
	removeSidecars(dir, f.node.id.ino, streams...)
	f.node.mu.Lock()
	l.gone = true
	f.node.mu.Unlock()
	return true
}

// Close closes the descriptors.
func (f *file) Close() {
	f.closeListing()
	f.h.Close()
	if f.dir != nil {
		f.dir.Close()
	}
	f.leave()
}
