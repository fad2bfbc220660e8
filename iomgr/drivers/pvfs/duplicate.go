package pvfs

import (
	"errors"
	"io"
	"os"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// duplicateExtents makes a range of another file one of this (MS-FSA 2.1.5.10.4, 2.1.5.10.5). As on ReFS, and other than the text has it, byte-range locks
// are in nobody's way. The size of the file stays. A file system that cannot share extents has them copied, which for the client is the same but
// for the room that they take.
func (f *file) duplicateExtents(r *api.Request) {
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
	from, ok := fileOf(held)
	switch {
	case !ok, from.isDir, from.named(), from.node.id.dev != f.node.id.dev:
		status = nt.StatusInvalidParameter
	case from.granted&(nt.FileReadData|nt.FileExecute) == 0:
		status = nt.StatusAccessDenied
	case from.node == f.node && d.Overlaps():
		status = nt.StatusNotSupported
	case readDOS(from.h).attrs&nt.FileAttributeSparseFile != 0 && readDOS(f.h).attrs&nt.FileAttributeSparseFile == 0:
		status = nt.StatusNotSupported // MS-FSCC 2.3.8
	}
	if status != nt.StatusSuccess {
		held.Unref()
		r.Complete(status, 0)
		return
	}
	f.v.posts.post(posted{f: f, r: r, work: func() nt.Status {
		defer held.Unref()
		return f.duplicate(r, from, &d, int64(unit))
	}})
}

func (f *file) duplicate(r *api.Request, from *file, d *api.DuplicateExtents, unit int64) nt.Status {
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
	shared := n &^ (unit - 1)
	if shared > 0 {
		err := shareRange(from.h, d.SourceOffset, f.h, d.TargetOffset, shared)
		if err != nil && !cannotShare(err) {
			return nt.StatusOf(err)
		}
		if err != nil {
			shared = 0
		}
	}
	f.written.Store(true)
	f.noteWritten()
	for at := shared; at < n; {
		if r.Cancelled() {
			return nt.StatusCancelled
		}
		k, err := copyRange(from.h, d.SourceOffset+at, f.h, d.TargetOffset+at, min(n-at, copyStep))
		if err != nil {
			return nt.StatusOf(err)
		}
		if k == 0 { // the source has become shorter meanwhile
			zeros += n - at
			n = at
		}
		at += k
	}
	if zeros > 0 {
		return nt.StatusOf(writeZeros(f.h, d.TargetOffset+n, zeros))
	}
	return nt.StatusSuccess
}

// copyStep is how much is copied before it is looked whether that is still wanted.
const copyStep = 16 << 20

// copyBytes copies by reading and writing.
func copyBytes(from *os.File, at int64, to *os.File, toAt, n int64) (int64, error) {
	b := make([]byte, min(n, 1<<20))
	k, err := from.ReadAt(b, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	k, err = to.WriteAt(b[:k], toAt)
	return int64(k), err
}
