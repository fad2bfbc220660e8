package transfer

import (
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// controlled is a file that takes controls of file systems.
type controlled interface {
	Control(code uint32, in, out []byte) (int, error)
}

// What every server takes in one request (MS-SMB2 3.3.3: 16 chunks of 1 MiB each).
const (
	serverChunk  = 1 << 20
	serverChunks = 16
)

// onServer has the server copy by itself (FSCTL_SRV_COPYCHUNK_WRITE), and reports whether it has: what it cannot do is done by copying.
func (w *walk) onServer(src, dst *handle, size int64) bool {
	from, _ := src.current()
	to, _ := dst.current()
	a, ok := from.(controlled)
	b, ok2 := to.(controlled)
	if !ok || !ok2 {
		return false
	}
	var out [64]byte
	n, err := a.Control(nt.FsctlSrvRequestResumeKey, nil, out[:])
	if err != nil {
		return false
	}
	key, err := smb2.ParseResumeKeyResponse(out[:n])
	if err != nil {
		return false
	}
	for at := int64(0); at < size; {
		if w.ctx.Err() != nil {
			return false
		}
		req := smb2.CopyChunkRequest{SourceKey: key.ResumeKey}
		end := at
		for len(req.Chunks) < serverChunks && end < size {
			n := min(size-end, serverChunk)
			req.Chunks = append(req.Chunks, smb2.CopyChunk{SourceOffset: uint64(end), TargetOffset: uint64(end), Length: uint32(n)})
			end += n
		}
		n, err := b.Control(nt.FsctlSrvCopychunkWrite, req.Append(nil), out[:12])
		if err != nil {
			return false
		}
		res, err := smb2.ParseCopyChunkResponse(out[:n])
		if err != nil || int64(res.TotalBytesWritten) != end-at {
			return false
		}
		at = end
	}
	return true
}
