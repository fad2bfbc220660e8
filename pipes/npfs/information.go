package npfs

import (
	"encoding/binary"
	"hash/fnv"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// QueryInformation answers the classes that a pipe has (MS-FSCC 2.4).
func (e *end) QueryInformation(r *api.Request) {
	in, p := e.in, e.in.pipe
	p.mu.Lock()
	instances := uint32(p.instances)
	p.mu.Unlock()
	in.mu.Lock()
	gone := e.gone
	state, readMode, completion := e.stateOf(), e.readMode, e.completion
	readable := 0
	for i := e.incoming().head; i < len(e.incoming().entries); i++ {
		readable += len(e.incoming().entries[i].data)
	}
	inQuota, outQuota := in.in.quota, in.out.quota
	writable := e.outgoing().quota - e.outgoing().used
	in.mu.Unlock()
	if gone {
		r.Complete(nt.StatusInvalidHandle, 0)
		return
	}
	var b []byte
	switch nt.FileInfoClass(r.Code) {
	case nt.FilePipeInformation: // MS-FSCC 2.4.36
		b = le.AppendUint32(b, readMode)
		b = le.AppendUint32(b, completion)
	case nt.FilePipeLocalInformation: // 2.4.37
		b = le.AppendUint32(b, p.typ)
		b = le.AppendUint32(b, p.config)
		b = le.AppendUint32(b, p.maxInstances)
		b = le.AppendUint32(b, instances)
		b = le.AppendUint32(b, uint32(inQuota))
		b = le.AppendUint32(b, uint32(readable))
		b = le.AppendUint32(b, uint32(outQuota))
		b = le.AppendUint32(b, uint32(writable))
		b = le.AppendUint32(b, state)
		end := uint32(nt.FilePipeClientEnd)
		if e.server {
			end = nt.FilePipeServerEnd
		}
		b = le.AppendUint32(b, end)
	case nt.FilePipeRemoteInformation: // 2.4.38: collecting is the redirector's; none is done here
		b = make([]byte, 16)
	default:
		// As NPFS fills it: what may be held, what can be read, a delete that is always pending, and no times.
		info := api.FileInfo{Attributes: nt.FileAttributeNormal, AllocationSize: int64(inQuota + outQuota), EndOfFile: int64(readable), Links: 1,
			DeletePending: true, FileID: p.index(), Name: `\` + p.name}
		if !info.Answer(r) {
			r.Complete(nt.StatusInvalidParameter, 0)
		}
		return
	}
	if len(r.Out) < len(b) {
		r.Complete(nt.StatusInfoLengthMismatch, 0)
		return
	}
	r.Complete(nt.StatusSuccess, copy(r.Out, b))
}

// index is a number that stays the same for a name.
func (p *pipe) index() uint64 {
	h := fnv.New64a()
	h.Write([]byte(p.key))
	return h.Sum64()
}

// SetInformation changes how the end reads and completes (MS-FSCC 2.4.36).
func (e *end) SetInformation(r *api.Request) {
	switch nt.FileInfoClass(r.Code) {
	case nt.FilePipeInformation:
	case nt.FilePipeRemoteInformation, nt.FileBasicInformation:
		r.Complete(nt.StatusSuccess, len(r.In)) // accepted without effect, as a pipe keeps neither
		return
	default:
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if len(r.In) < 8 {
		r.Complete(nt.StatusInfoLengthMismatch, 0)
		return
	}
	readMode, completion := le.Uint32(r.In), le.Uint32(r.In[4:])
	in := e.in
	status := nt.StatusSuccess
	in.mu.Lock()
	switch {
	case e.gone:
		status = nt.StatusInvalidHandle
	case readMode > nt.FilePipeMessageMode || completion > nt.FilePipeCompleteOperation,
		readMode == nt.FilePipeMessageMode && in.pipe.typ != nt.FilePipeMessageType:
		status = nt.StatusInvalidParameter
	case completion == nt.FilePipeCompleteOperation && e.completion != completion && (e.incoming().reader != nil || e.outgoing().stalled > 0):
		status = nt.StatusPipeBusy
	default:
		e.readMode, e.completion = readMode, completion
	}
	in.mu.Unlock()
	r.Complete(status, 0)
}
