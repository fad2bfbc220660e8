package pvfs

import (
	"errors"
	"io"
	"os"
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// sharing remembers of each file system whether files in it can share what they hold.
type sharing struct {
	mu    sync.Mutex
	known map[uint64]bool // guarded by mu: by device
}

// maxFileSystems bounds what is remembered.
const maxFileSystems = 1024

// sharesExtents reports whether files of the file system that the file is on can have extents in common.
func (f *file) sharesExtents() bool {
	s := &f.v.sharing
	s.mu.Lock()
	known, ok := s.known[f.node.id.dev]
	s.mu.Unlock()
	if ok {
		return known
	}
	if f.node.dir {
		known = canShare(f.h)
	} else if dir, _, err := f.v.parent(f.node.pathOf(f.link)); err == nil {
		known = canShare(dir)
		dir.Close()
	} else {
		return false
	}
	s.mu.Lock()
	if s.known == nil || len(s.known) >= maxFileSystems {
		s.known = make(map[uint64]bool)
	}
	s.known[f.node.id.dev] = known
	s.mu.Unlock()
	return known
}

// duplicateExtents makes a range of another file one of this (MS-FSA 2.1.5.10.4, 2.1.5.10.5). As on ReFS, and other than the text has it, byte-range locks
// are in nobody's way. The size of the file stays.
func (f *file) duplicateExtents(r *api.Request) {
	if !f.sharesExtents() {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	if !f.plain(r) {
		return
	}
	_, _, unit, err := volumeSize(f.h)
	if err != nil {
		r.Fail(err)
		return
	}
	d, status := api.ParseDuplicateExtents(r.Code, r.In, int64(unit))
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	held, ok := r.SourceFile()
	if !ok {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	defer held.Unref()
	from, ok := fileOf(held)
	switch {
	case !ok, from.isDir, from.named(), from.node.id.dev != f.node.id.dev:
		r.Complete(nt.StatusInvalidParameter, 0)
	case from.granted&(nt.FileReadData|nt.FileExecute) == 0:
		r.Complete(nt.StatusAccessDenied, 0)
	case from.node == f.node && d.Overlaps():
		r.Complete(nt.StatusNotSupported, 0)
	case readDOS(from.h).attrs&nt.FileAttributeSparseFile != 0 && readDOS(f.h).attrs&nt.FileAttributeSparseFile == 0:
		r.Complete(nt.StatusNotSupported, 0) // MS-FSCC 2.3.8
	default:
		r.Complete(f.duplicate(from, &d, int64(unit)), 0)
	}
}

func (f *file) duplicate(from *file, d *api.DuplicateExtents, unit int64) nt.Status {
	source, _, err := from.size()
	if err != nil {
		return nt.StatusOf(err)
	}
	target, _, err := f.size()
	if err != nil {
		return nt.StatusOf(err)
	}
	n, zeros, status := d.Clip(source, target, unit)
	if status != nt.StatusSuccess || n+zeros == 0 {
		return status
	}
	f.stream.opens.ContendReads(f.open)
	f.beforeWrite()
	// What fills clusters is shared; the part of one at the end of a file is not worth it.
	whole := n &^ (unit - 1)
	if whole > 0 {
		if err := shareRange(from.h, d.SourceOffset, f.h, d.TargetOffset, whole); err != nil {
			return notShared(err)
		}
		f.written.Store(true)
	}
	if n > whole {
		if err := copyPart(from.h, d.SourceOffset+whole, f.h, d.TargetOffset+whole, n-whole); err != nil {
			return nt.StatusOf(err)
		}
		f.written.Store(true)
	}
	if zeros > 0 {
		f.written.Store(true)
		return nt.StatusOf(writeZeros(f.h, d.TargetOffset+n, zeros))
	}
	return nt.StatusSuccess
}

// copyPart copies less than a cluster.
func copyPart(from *os.File, at int64, to *os.File, toAt, n int64) error {
	b := make([]byte, n)
	if _, err := from.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	_, err := to.WriteAt(b, toAt)
	return err
}
