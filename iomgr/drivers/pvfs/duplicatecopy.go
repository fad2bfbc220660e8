package pvfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// copyChunk copies a range of another file into this within the system, as FSCTL_SRV_COPYCHUNK_WRITE asks for with one SRV_COPYCHUNK (MS-SMB2 2.2.31.1.1):
// whoever serves the control over several chunks sends it down for each. It is a read and a write in all that it means. What cannot be copied so is answered
// with StatusInvalidDeviceRequest before anything has been: who asked reads and writes then.
func (f *file) copyChunk(r *api.Request) {
	at, to, n := int64(le.Uint64(r.In)), int64(le.Uint64(r.In[8:])), int64(le.Uint32(r.In[16:]))
	if at < 0 || to < 0 || at > maxFileSize || to > maxFileSize-n {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	held, ok := r.SourceFile()
	if !ok {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	from, ok := fileOf(held)
	if !ok || f.isDir || from.isDir || f.named() || from.named() || from.node == f.node || f.granted&nt.FileWriteData == 0 || f.through(r) {
		held.Unref()
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	status := from.stream.locks.CheckRead(from.owner, 0, uint64(at), uint64(n))
	if status == nt.StatusSuccess {
		status = f.stream.locks.CheckWrite(f.owner, 0, uint64(to), uint64(n))
	}
	if status != nt.StatusSuccess {
		held.Unref()
		r.Complete(status, 0)
		return
	}
	f.stream.opens.ContendReads(f.open)
	f.beforeWrite()
	f.v.posts.post(posted{f: f, r: r, work: func() nt.Status {
		defer held.Unref()
		end, _, err := from.size()
		if err != nil {
			return nt.StatusOf(err)
		}
		if at+n > end {
			return nt.StatusEndOfFile
		}
		for done := int64(0); done < n; {
			moved, err := copyRange(from.h, at+done, f.h, to+done, n-done)
			if moved > 0 {
				f.written.Store(true)
				f.noteWritten()
				f.position.Store(to + done + moved)
			}
			if done += moved; err != nil {
				return nt.StatusOf(err)
			}
			if moved == 0 {
				return nt.StatusEndOfFile // it was cut meanwhile
			}
		}
		return nt.StatusSuccess
	}})
}
