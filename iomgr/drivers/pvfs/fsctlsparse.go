package pvfs

import (
	"errors"
	"io"
	"os"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// plain says whether a control finds the data of a file here: of a stream it is in an attribute and has no holes.
func (f *file) plain(r *api.Request) bool {
	if f.isDir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return false
	}
	if f.named() {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return false
	}
	return true
}

// setSparse sets or takes the attribute (MS-FSA 2.1.5.10.36). Holes stay: POSIX has no files that must not have any.
func (f *file) setSparse(r *api.Request) {
	if !f.plain(r) {
		return
	}
	on := len(r.In) == 0 || r.In[0] != 0
	info, err := fstat(f.h)
	if err != nil {
		r.Fail(err)
		return
	}
	a := readDOS(f.h)
	if on == (a.attrs&nt.FileAttributeSparseFile != 0) {
		r.Complete(nt.StatusSuccess, 0)
		return
	}
	if !a.stored {
		a.attrs |= nt.FileAttributeArchive
	}
	a.attrs ^= nt.FileAttributeSparseFile
	if err := f.storeDOS(a, info); err != nil {
		r.Fail(err)
		return
	}
	f.v.report(nt.FileNotifyChangeAttributes, nt.FileActionModified, f.node.pathOf(f.link))
	r.Complete(nt.StatusSuccess, 0)
}

// setZeroData makes a range zeros: a hole in a sparse file, else zeros that are there (MS-FSA 2.1.5.10.38). The end of the file stays.
func (f *file) setZeroData(r *api.Request) {
	if !f.plain(r) {
		return
	}
	from, to := int64(le.Uint64(r.In)), int64(le.Uint64(r.In[8:]))
	if from < 0 || to < from {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	r.Complete(f.zero(from, to, readDOS(f.h).attrs&nt.FileAttributeSparseFile != 0), 0)
}

func (f *file) zero(from, to int64, hole bool) nt.Status {
	info, err := fstat(f.h)
	if err != nil {
		return nt.StatusOf(err)
	}
	if to = min(to, info.Size()); from >= to {
		return nt.StatusSuccess
	}
	if status := f.stream.locks.CheckWrite(f.owner, 0, uint64(from), uint64(to-from)); status != nt.StatusSuccess {
		return status
	}
	f.stream.opens.ContendReads(f.open)
	if err := zeroRange(f.h, from, to-from, hole); err != nil {
		return nt.StatusOf(err)
	}
	f.written.Store(true)
	return nt.StatusSuccess
}

// writeZeros is zeroRange where the file system cannot do it.
func writeZeros(h *os.File, from, n int64) error {
	var zeros [64 << 10]byte
	for n > 0 {
		part := min(n, int64(len(zeros)))
		if _, err := h.WriteAt(zeros[:part], from); err != nil {
			return err
		}
		from, n = from+part, n-part
	}
	return nil
}

// queryAllocatedRanges lists what of a range is not a hole (MS-FSA 2.1.5.10.22). A file that is not sparse has none.
func (f *file) queryAllocatedRanges(r *api.Request) {
	if !f.plain(r) {
		return
	}
	from, n := int64(le.Uint64(r.In)), int64(le.Uint64(r.In[8:]))
	if from < 0 || n < 0 || from+n < 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	info, err := fstat(f.h)
	if err != nil {
		r.Fail(err)
		return
	}
	end := min(from+n, info.Size())
	sparse := readDOS(f.h).attrs&nt.FileAttributeSparseFile != 0
	const entry = 16
	used := 0
	for at := from; at < end; {
		start, stop := at, end
		if sparse {
			if start, stop, err = nextData(f.h, at, end); errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				r.Fail(err)
				return
			}
		}
		if used+entry > len(r.Out) {
			if used == 0 {
				r.Complete(nt.StatusBufferTooSmall, 0)
				return
			}
			r.Complete(nt.StatusBufferOverflow, used)
			return
		}
		le.PutUint64(r.Out[used:], uint64(start))
		le.PutUint64(r.Out[used+8:], uint64(stop-start))
		used += entry
		at = stop
	}
	r.Complete(nt.StatusSuccess, used)
}

// queryFileRegions says what of a file is valid (MS-FSA 2.1.5.10.24): what is before its end.
func (f *file) queryFileRegions(r *api.Request) {
	if !f.plain(r) {
		return
	}
	const validCached, validNonCached = 1, 2 // FILE_REGION_USAGE_*
	from, n, usage := int64(0), int64(1<<63-1), uint32(validCached)
	if len(r.In) > 0 {
		if len(r.In) < 24 {
			r.Complete(nt.StatusInvalidParameter, 0)
			return
		}
		from, n, usage = int64(le.Uint64(r.In)), int64(le.Uint64(r.In[8:])), le.Uint32(r.In[16:])
	}
	if from < 0 || n < 0 || usage&(validCached|validNonCached) == 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	info, err := fstat(f.h)
	if err != nil {
		r.Fail(err)
		return
	}
	n = min(n, info.Size()-from)
	b := make([]byte, 16, 40)
	if n > 0 {
		le.PutUint32(b[4:], 1)
		le.PutUint32(b[8:], 1)
		b = le.AppendUint64(b, uint64(from))
		b = le.AppendUint64(b, uint64(n))
		b = le.AppendUint32(b, usage&(validCached|validNonCached))
		b = le.AppendUint32(b, 0)
	}
	r.Reply(b)
}

// trim gives ranges back that nobody needs any more (MS-FSA 2.1.5.10.8). They may read as anything; here they read as zeros.
func (f *file) trim(r *api.Request) {
	if !f.plain(r) {
		return
	}
	count := le.Uint32(r.In[4:])
	ranges := r.In[8:]
	if le.Uint32(r.In) != 0 || count == 0 || uint64(count)*16 > uint64(len(ranges)) {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	done := uint32(0)
	for ; done < count; done++ {
		from, n := int64(le.Uint64(ranges)), int64(le.Uint64(ranges[8:]))
		if from < 0 || n < 0 || from+n < 0 {
			r.Complete(nt.StatusInvalidParameter, 0)
			return
		}
		if status := f.zero(from, from+n, true); status != nt.StatusSuccess {
			r.Complete(status, 0)
			return
		}
		ranges = ranges[16:]
	}
	if len(r.Out) < 4 {
		r.Complete(nt.StatusSuccess, 0)
		return
	}
	r.Reply(le.AppendUint32(nil, done))
}
