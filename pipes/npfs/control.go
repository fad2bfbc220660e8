package npfs

import (
	"encoding/binary"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// FsControl does the pipe controls of MS-FSCC 2.3 on an end.
func (e *end) FsControl(r *api.Request) {
	switch r.Code {
	case nt.FsctlPipeTransceive:
		e.transceive(r)
	case nt.FsctlPipePeek:
		e.peek(r)
	case nt.FsctlPipeListen:
		e.listen(r)
	case nt.FsctlPipeDisconnect:
		e.disconnect(r)
	case nt.FsctlPipeImpersonate:
		e.impersonate(r)
	case nt.FsctlPipeQueryClientProcess:
		e.queryClientProcess(r)
	case nt.FsctlPipeGetConnectionAttribute:
		e.getAttribute(r)
	case nt.FsctlPipeSetConnectionAttribute:
		e.setAttribute(r)
	case nt.FsctlPipeWait:
		r.Complete(nt.StatusIllegalFunction, 0) // of the root only
	default:
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
	}
}

// peek is FSCTL_PIPE_PEEK (MS-FSCC 2.3.45): the state and, as far as it fits, the data, which stays.
func (e *end) peek(r *api.Request) {
	const header = 16
	if len(r.Out) < header {
		r.Complete(nt.StatusInfoLengthMismatch, 0)
		return
	}
	in := e.in
	in.mu.Lock()
	q := e.incoming()
	state := e.stateOf()
	switch {
	case e.gone:
		in.mu.Unlock()
		r.Complete(nt.StatusInvalidHandle, 0)
		return
	case state == nt.FilePipeDisconnectedState:
		in.mu.Unlock()
		r.Complete(nt.StatusPipeDisconnected, 0)
		return
	case state == nt.FilePipeListeningState:
		in.mu.Unlock()
		r.Complete(nt.StatusInvalidPipeState, 0)
		return
	case state == nt.FilePipeClosingState && q.empty():
		in.mu.Unlock()
		r.Complete(nt.StatusPipeBroken, 0)
		return
	}
	n, available, messages, length := header, 0, 0, 0
	for i := q.head; i < len(q.entries); i++ {
		d := q.entries[i].data
		available += len(d)
		if q.message {
			messages++
		}
		if i == q.head {
			length = len(d)
		}
		if i == q.head || !e.messageMode() {
			n += copy(r.Out[n:], d)
		}
	}
	in.mu.Unlock()
	if !q.message {
		length = 0
	}
	status := nt.StatusSuccess
	if e.messageMode() && length > n-header || !e.messageMode() && available > n-header {
		status = nt.StatusBufferOverflow
	}
	le := binary.LittleEndian
	le.PutUint32(r.Out[0:], state)
	le.PutUint32(r.Out[4:], uint32(available))
	le.PutUint32(r.Out[8:], uint32(messages))
	le.PutUint32(r.Out[12:], uint32(length))
	r.Complete(status, n)
}

// impersonate is FSCTL_PIPE_IMPERSONATE. Where NT changes the thread, lwio answers the client's token (api.ParseToken).
func (e *end) impersonate(r *api.Request) {
	in := e.in
	in.mu.Lock()
	status, token := nt.StatusSuccess, in.attrs.token
	switch {
	case !e.server:
		status = nt.StatusIllegalFunction
	case e.gone:
		status = nt.StatusInvalidHandle
	case in.state == nt.FilePipeDisconnectedState || in.state == nt.FilePipeListeningState:
		status = nt.StatusPipeDisconnected
	case !in.read:
		status = nt.StatusCannotImpersonate
	case in.attrs.impersonation == api.ImpersonateAnonymous:
		token = nt.AnonymousToken()
	}
	in.mu.Unlock()
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	r.Reply(api.AppendToken(nil, token))
}

// queryClientProcess is FSCTL_PIPE_QUERY_CLIENT_PROCESS: the process id as 8 bytes; 0 is a client from the network.
func (e *end) queryClientProcess(r *api.Request) {
	attrs, status := e.clientAttrs()
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	r.Reply(processID(attrs))
}

func processID(a clientAttrs) []byte {
	var b [8]byte
	if a.process != nil {
		binary.LittleEndian.PutUint64(b[:], uint64(a.process.ID))
	}
	return b[:]
}

func (e *end) clientAttrs() (clientAttrs, nt.Status) {
	in := e.in
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case e.gone:
		return clientAttrs{}, nt.StatusInvalidHandle
	case e.detached, in.state == nt.FilePipeDisconnectedState, in.state == nt.FilePipeListeningState:
		return clientAttrs{}, nt.StatusPipeDisconnected
	}
	return in.attrs, nt.StatusSuccess
}
