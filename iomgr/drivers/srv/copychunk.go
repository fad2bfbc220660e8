package srv

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// Limits of a server-side copy, those of Windows (MS-SMB2 3.3.3).
const (
	maxCopyChunks    = 256
	maxCopyChunkSize = 1 << 20
	maxCopyTotal     = 16 << 20
)

// resumeKey is FSCTL_SRV_REQUEST_RESUME_KEY (3.3.5.15.5): a name for the open by which it can be copied from.
func (c *command) resumeKey(req *smb2.IoctlRequest, o *open) nt.Status {
	if req.MaxOutputResponse < 32 {
		return nt.StatusInvalidParameter
	}
	var r smb2.ResumeKeyResponse
	le.PutUint64(r.ResumeKey[:], o.id.Persistent)
	le.PutUint64(r.ResumeKey[8:], o.id.Volatile)
	return c.ioctlReply(req, r.Append(nil))
}

// resumed finds the open of a key. It must be this session's.
func (c *command) resumed(key *smb2.ResumeKey) *open {
	o, ok := c.conn.srv.opens.get(le.Uint64(key[:]))
	if !ok || o.id.Volatile != le.Uint64(key[8:]) {
		return nil
	}
	if t := o.tree.Load(); t == nil || t.sess != c.sess {
		return nil
	}
	return o
}

// copying is what a COPYCHUNK keeps. A chunk is read whole before any of it is written, so that ranges of one file may overlap.
type copying struct {
	from, to *open
	chunks   []smb2.CopyChunk
	next     int
	done     int // bytes of the chunk that have been read, or written
	total    uint32
	size     int      // of the largest chunk
	within   [24]byte // the chunk for the file system
	apart    bool     // the file system does not copy: it is read and written
	buf      *buffer  // where it is read to; nil until there is need
	req      smb2.IoctlRequest
}

// copyChunk is FSCTL_SRV_COPYCHUNK and FSCTL_SRV_COPYCHUNK_WRITE (3.3.5.15.6).
func (c *command) copyChunk(req *smb2.IoctlRequest, o *open) nt.Status {
	if req.MaxOutputResponse < 12 {
		return nt.StatusInvalidParameter
	}
	r, err := smb2.ParseCopyChunkRequest(req.Input)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	from := c.resumed(&r.SourceKey)
	if from == nil {
		return nt.StatusObjectNameNotFound
	}
	k := &copying{from: from, to: o, chunks: r.Chunks, req: *req}
	k.req.Input = nil
	size, total := 0, uint64(0)
	for _, ch := range r.Chunks {
		if ch.Length == 0 || ch.Length > maxCopyChunkSize || ch.SourceOffset > 1<<62 || ch.TargetOffset > 1<<62 {
			return c.copyLimits(k)
		}
		size = max(size, int(ch.Length))
		total += uint64(ch.Length)
	}
	switch {
	case len(r.Chunks) > maxCopyChunks, total > maxCopyTotal:
		return c.copyLimits(k)
	case from.granted&(nt.FileReadData|nt.FileExecute) == 0, o.granted&(nt.FileWriteData|nt.FileAppendData) == 0:
		return nt.StatusAccessDenied
	case req.CtlCode == nt.FsctlSrvCopychunk && o.granted&nt.FileReadData == 0:
		return nt.StatusAccessDenied
	}
	k.size = size
	c.extra = k
	return c.copyNext(k)
}

// copyLimits tells the client what is possible.
func (c *command) copyLimits(k *copying) nt.Status {
	r := smb2.CopyChunkResponse{ChunksWritten: maxCopyChunks, ChunkBytesWritten: maxCopyChunkSize, TotalBytesWritten: maxCopyTotal}
	c.ioctlReply(&k.req, r.Append(nil))
	c.keep = true
	return nt.StatusInvalidParameter
}

// copyEnd answers with what was copied, be it nothing.
func (c *command) copyEnd(k *copying, st nt.Status) nt.Status {
	if k.buf != nil {
		k.buf.unref()
	}
	r := smb2.CopyChunkResponse{ChunksWritten: uint32(k.next), TotalBytesWritten: k.total}
	c.ioctlReply(&k.req, r.Append(nil))
	c.keep = true
	return st
}

func (c *command) copyNext(k *copying) nt.Status {
	if k.next == len(k.chunks) {
		return c.copyEnd(k, nt.StatusSuccess)
	}
	k.done = 0
	if k.apart {
		return c.copyRead(k)
	}
	ch := &k.chunks[k.next]
	le.PutUint64(k.within[:], ch.SourceOffset)
	le.PutUint64(k.within[8:], ch.TargetOffset)
	le.PutUint32(k.within[16:], ch.Length)
	return c.submit(&request{Op: api.OpFsControl, Handle: k.to.handle, Source: k.from.handle, Code: nt.FsctlSrvCopychunkWrite, In: k.within[:]}, (*command).copiedWithin)
}

// copiedWithin goes on after a chunk that the file system was to copy by itself. One that does not is read from and written to.
func (c *command) copiedWithin(r *request) nt.Status {
	k := c.extra.(*copying)
	st := c.cancelled(gone(r.Status))
	switch {
	case st == nt.StatusInvalidDeviceRequest:
		if !c.conn.room(k.size) {
			return c.copyEnd(k, nt.StatusInsufficientResources)
		}
		k.apart = true
		k.buf = newBuffer(c.conn, k.size)
		return c.copyRead(k)
	case st == nt.StatusEndOfFile:
		return c.copyEnd(k, nt.StatusInvalidViewSize)
	case !st.IsSuccess():
		return c.copyEnd(k, st)
	}
	k.total += k.chunks[k.next].Length
	k.next++
	return c.copyNext(k)
}

func (c *command) copyRead(k *copying) nt.Status {
	ch := &k.chunks[k.next]
	return c.submit(&request{Op: api.OpRead, Handle: k.from.handle, Out: k.buf.b[k.done:ch.Length], Offset: int64(ch.SourceOffset) + int64(k.done)},
		(*command).copyHasRead)
}

func (c *command) copyHasRead(r *request) nt.Status {
	k := c.extra.(*copying)
	st := c.cancelled(gone(r.Status))
	if st == nt.StatusEndOfFile || st.IsSuccess() && r.N == 0 {
		st = nt.StatusInvalidViewSize // the range goes beyond the end of the file
	}
	if !st.IsSuccess() {
		return c.copyEnd(k, st)
	}
	if k.done += r.N; k.done < int(k.chunks[k.next].Length) {
		return c.copyRead(k)
	}
	k.done = 0
	return c.copyWrite(k)
}

func (c *command) copyWrite(k *copying) nt.Status {
	ch := &k.chunks[k.next]
	return c.submit(&request{Op: api.OpWrite, Handle: k.to.handle, In: k.buf.b[k.done:ch.Length], Offset: int64(ch.TargetOffset) + int64(k.done)},
		(*command).copyHasWritten)
}

func (c *command) copyHasWritten(r *request) nt.Status {
	k := c.extra.(*copying)
	st := c.cancelled(gone(r.Status))
	if st.IsSuccess() && r.N == 0 {
		st = nt.StatusDiskFull
	}
	if !st.IsSuccess() {
		return c.copyEnd(k, st)
	}
	k.total += uint32(r.N)
	if k.done += r.N; k.done < int(k.chunks[k.next].Length) {
		return c.copyWrite(k)
	}
	k.next++
	return c.copyNext(k)
}
