package pvfs

import (
	"errors"
	"io"
	"os"
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// file is an open file or directory.
type file struct {
	api.DefaultFile
	v       *volume
	h       *os.File
	isDir   bool
	id      fileID
	granted nt.AccessMask

	nameMu sync.RWMutex
	dir    *os.File // guarded by nameMu: the directory that has the name
	name   string   // guarded by nameMu: empty for the root
	path   string   // guarded by nameMu

	deleteOnClose bool // guarded by v.mu

	mu      sync.Mutex
	listing *listing // guarded by mu
}

func (f *file) release() {
	if f.h != nil {
		f.h.Close()
	}
	if f.dir != nil {
		f.dir.Close()
	}
}

// Read reads at an offset.
func (f *file) Read(r *api.Request) {
	if f.isDir {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	if r.Offset < 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
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

// Write writes at an offset; -1 is the end of the file (MS-FSA 2.1.5.4).
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
	n, err := f.h.WriteAt(r.In, offset)
	if err == nil && r.File().Options()&nt.FileWriteThrough != 0 {
		err = f.h.Sync()
	}
	r.Complete(nt.StatusOf(err), n)
}

// Flush makes what was written durable.
func (f *file) Flush(r *api.Request) { r.Complete(nt.StatusOf(f.h.Sync()), 0) }

// Cleanup deletes what is to be deleted: as with POSIX the name goes at once, the file when its last open does.
func (f *file) Cleanup() {
	f.v.mu.Lock()
	remove := f.deleteOnClose
	f.v.mu.Unlock()
	if !remove {
		return
	}
	f.nameMu.Lock()
	defer f.nameMu.Unlock()
	if info, err := statAt(f.dir, f.name); err == nil && detailsOf(info).id == f.id && f.name != "" {
		_ = unlinkAt(f.dir, f.name, f.isDir)
	}
	f.v.mu.Lock()
	delete(f.v.deleting, f.id)
	f.v.mu.Unlock()
}

// Close closes the descriptors.
func (f *file) Close() {
	f.closeListing()
	f.release()
}
