package npfs

import (
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// maxName is the length of a pipe's name in UTF-16 code units, the leading `\pipe\` of Win32 not counted.
const maxName = 249

// checkName gives the name without its backslash, or a status.
func checkName(path string) (string, nt.Status) {
	name := path[1:]
	if name == "" || strings.HasPrefix(name, `\`) || strings.ContainsAny(name, "\x00*?<>\"|:/") || nt.UTF16Len(name) > maxName {
		return "", nt.StatusObjectNameInvalid
	}
	return name, nt.StatusSuccess
}

// Create opens the device, the root directory, or the client's end of a pipe.
func (fs *fs) Create(r *api.Request) {
	f, a := r.File(), r.Create
	if f.Path() == "" || f.Path() == `\` {
		fs.openRoot(r)
		return
	}
	if a.Options&nt.FileDirectoryFile != 0 {
		r.Complete(nt.StatusNotADirectory, 0)
		return
	}
	name, status := checkName(f.Path())
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	fs.mu.RLock()
	p := fs.pipes[nt.Upcase(name)]
	fs.mu.RUnlock()
	if p == nil {
		r.Complete(nt.StatusObjectNameNotFound, 0)
		return
	}
	fs.openPipe(r, p, nil)
}

// openPipe opens the client's end. w is for a create that has waited for an instance.
func (fs *fs) openPipe(r *api.Request, p *pipe, w *waiter) {
	f, a := r.File(), r.Create
	var c completions
	p.mu.Lock()
	e, granted, status := p.open(a, &c)
	if status == nt.StatusPipeNotAvailable && p.replaced {
		if status = p.awaitInstance(r, w); status == nt.StatusPending {
			p.mu.Unlock()
			return
		}
	}
	p.mu.Unlock()
	c.run() // the server's listen first, so that it can offer the next instance before this client knows
	if status == nt.StatusSuccess {
		f.SetImpl(e, granted)
		a.Result.Action = nt.FileOpened
		if _, ok := api.Find[api.MaximalAccess](a.Contexts); ok {
			p.mu.Lock()
			most, s := nt.AccessCheck(p.sd, a.Token, nt.MaximumAllowed, nt.GenericMappingPipe)
			p.mu.Unlock()
			a.Result.Contexts = append(a.Result.Contexts, api.MaximalAccess{Status: s, Access: most})
		}
	}
	r.Complete(status, 0)
}

// clientMapping is the mapping of a client's generic rights.
var clientMapping = func() nt.GenericMapping {
	m := nt.GenericMappingPipe
	m.Write &^= nt.FileCreatePipeInstance
	return m
}()

// open connects a client to the instance that has listened longest; mu is held.
func (p *pipe) open(a *api.CreateArgs, c *completions) (*end, nt.AccessMask, nt.Status) {
	if p.gone {
		return nil, 0, nt.StatusObjectNameNotFound
	}
	// FILE_APPEND_DATA is FILE_CREATE_PIPE_INSTANCE on a pipe, which a client's open is not about: descriptors withhold it from those
	// who may write, and clients ask for it all the same.
	granted, status := nt.AccessCheck(p.sd, a.Token, a.DesiredAccess&^nt.FileCreatePipeInstance, clientMapping)
	if status != nt.StatusSuccess {
		return nil, 0, status
	}
	if granted&nt.FileWriteData != 0 {
		granted |= nt.FileAppendData
	}
	peer, remote := api.Find[*api.Peer](a.Contexts)
	if remote && p.rejectRemote {
		return nil, 0, nt.StatusAccessDenied
	}
	if p.config == nt.FilePipeInbound && a.DesiredAccess&(nt.FileReadData|nt.GenericRead) != 0 ||
		p.config == nt.FilePipeOutbound && a.DesiredAccess&(nt.FileWriteData|nt.GenericWrite) != 0 {
		return nil, 0, nt.StatusAccessDenied
	}
	in := p.listening.head
	if in == nil {
		return nil, 0, nt.StatusPipeNotAvailable
	}
	e := &end{in: in}
	e.cancelRequest = e.cancel
	if remote && p.typ == nt.FilePipeMessageType {
		e.readMode = nt.FilePipeMessageMode
	}
	attrs := clientAttrs{token: a.Token, impersonation: a.Impersonation, peer: peer}
	attrs.process, _ = api.Find[*api.Process](a.Contexts)
	in.mu.Lock()
	in.connect(e, attrs, c)
	in.mu.Unlock()
	return e, granted, nt.StatusSuccess
}

// CreateNamedPipe makes an instance, and the pipe with the first of them.
func (fs *fs) CreateNamedPipe(r *api.Request) {
	f, a := r.File(), r.Create
	status := nt.StatusObjectNameInvalid
	var name string
	if f.Path() != "" {
		name, status = checkName(f.Path())
	}
	if status == nt.StatusSuccess {
		status = fs.checkArgs(a)
	}
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	var c completions
	e, granted, action, status := fs.instance(name, a, &c)
	c.run()
	if status == nt.StatusSuccess {
		f.SetImpl(e, granted)
		a.Result.Action = action
	}
	r.Complete(status, 0)
}

func (fs *fs) checkArgs(a *api.CreateArgs) nt.Status {
	q := a.Pipe
	const both = nt.FileShareRead | nt.FileShareWrite
	switch {
	case a.ShareAccess&both == 0 || a.ShareAccess&^both != 0:
		return nt.StatusInvalidParameter // the direction of the pipe
	case q.Type&^(nt.FilePipeMessageType|nt.FilePipeRejectRemoteClients|nt.FilePipeReplaced) != 0, q.ReadMode > nt.FilePipeMessageMode,
		q.CompletionMode > nt.FilePipeCompleteOperation, q.MaxInstances == 0:
		return nt.StatusInvalidParameter
	case q.ReadMode == nt.FilePipeMessageMode && q.Type&nt.FilePipeMessageType == 0:
		return nt.StatusInvalidParameter
	case a.Disposition != nt.FileOpen && a.Disposition != nt.FileCreate && a.Disposition != nt.FileOpenIf:
		return nt.StatusInvalidParameter
	}
	return nt.StatusSuccess
}

// instance adds an instance to a pipe. Lock order fs.mu, pipe.mu.
func (fs *fs) instance(name string, a *api.CreateArgs, c *completions) (*end, nt.AccessMask, uint32, nt.Status) {
	key := nt.Upcase(name)
	fs.mu.Lock()
	defer fs.mu.Unlock()
	p := fs.pipes[key]
	action := uint32(nt.FileOpened)
	var granted nt.AccessMask
	if p != nil {
		p.mu.Lock()
		if p.gone { // its last instance has just gone: a new pipe takes the name
			p.mu.Unlock()
			p = nil
		}
	}
	if p == nil {
		if a.Disposition == nt.FileOpen {
			return nil, 0, 0, nt.StatusObjectNameNotFound
		}
		if len(fs.pipes) >= fs.cfg.MaxPipes {
			return nil, 0, 0, nt.StatusInsufficientResources
		}
		if _, status := nt.AccessCheck(fs.cfg.Security, a.Token, nt.FileAddFile, nt.GenericMappingFile); status != nt.StatusSuccess {
			return nil, 0, 0, status
		}
		p = fs.newPipe(name, key, a)
		p.mu.Lock()
		action = nt.FileCreated
		// The creator gets what it asks for: the descriptor is for those who come later.
		granted = nt.GenericMappingPipe.Map(a.DesiredAccess &^ nt.MaximumAllowed)
		if a.DesiredAccess&nt.MaximumAllowed != 0 {
			granted = nt.GenericMappingPipe.All
		}
	} else {
		status := p.admit(a)
		if status == nt.StatusSuccess {
			granted, status = nt.AccessCheck(p.sd, a.Token, a.DesiredAccess|nt.FileCreatePipeInstance, nt.GenericMappingPipe)
		}
		if status != nt.StatusSuccess {
			p.mu.Unlock()
			return nil, 0, 0, status
		}
	}
	defer p.mu.Unlock()
	// The server's end reads and writes as the direction says, whatever bits the mask had besides.
	if p.config != nt.FilePipeOutbound {
		granted |= nt.FileReadData
	}
	if p.config != nt.FilePipeInbound {
		granted |= nt.FileWriteData
	}
	in := &instance{pipe: p, creator: creatorOf(a.Contexts)}
	e := &end{in: in, server: true, readMode: a.Pipe.ReadMode, completion: a.Pipe.CompletionMode}
	e.cancelRequest = e.cancel
	in.server = e
	message := p.typ == nt.FilePipeMessageType
	in.in = queue{quota: fs.quota(a.Pipe.InboundQuota), message: message}
	in.out = queue{quota: fs.quota(a.Pipe.OutboundQuota), message: message}
	p.instances++
	in.mu.Lock()
	in.makeListening(c) // a client may connect before the server listens
	in.mu.Unlock()
	return e, granted, action, nt.StatusSuccess
}

// quota gives a quota its bounds. Zero asks for the system's default, a page.
func (fs *fs) quota(n uint32) int {
	if n == 0 {
		n = 4096
	}
	return min(int(min(n, 1<<30)), fs.cfg.MaxQuota)
}

// newPipe makes the pipe of a first instance; fs.mu is held.
func (fs *fs) newPipe(name, key string, a *api.CreateArgs) *pipe {
	p := &pipe{fs: fs, name: name, key: key, typ: a.Pipe.Type & nt.FilePipeMessageType, rejectRemote: a.Pipe.Type&nt.FilePipeRejectRemoteClients != 0,
		replaced:     a.Pipe.Type&nt.FilePipeReplaced != 0 && a.Pipe.MaxInstances == nt.FilePipeUnlimitedInstances,
		maxInstances: a.Pipe.MaxInstances, defaultTimeout: a.Pipe.DefaultTimeout, sd: a.SecurityDescriptor}
	switch a.ShareAccess {
	case nt.FileShareRead:
		p.config = nt.FilePipeOutbound
	case nt.FileShareWrite:
		p.config = nt.FilePipeInbound
	default:
		p.config = nt.FilePipeFullDuplex
	}
	if p.sd == nil {
		sd := *fs.pipeDefault
		p.sd = &sd
	} else {
		sd := *p.sd
		p.sd = &sd
	}
	if p.sd.Owner.IsZero() {
		if p.sd.Owner = a.Token.Owner; p.sd.Owner.IsZero() {
			p.sd.Owner = a.Token.User
		}
	}
	if p.sd.Group.IsZero() {
		p.sd.Group = a.Token.PrimaryGroup
	}
	fs.pipes[key] = p
	return p
}

// admit checks that another instance may be made and is of the same kind; mu is held.
func (p *pipe) admit(a *api.CreateArgs) nt.Status {
	config := uint32(nt.FilePipeFullDuplex)
	switch a.ShareAccess {
	case nt.FileShareRead:
		config = nt.FilePipeOutbound
	case nt.FileShareWrite:
		config = nt.FilePipeInbound
	}
	switch {
	case a.Disposition == nt.FileCreate: // FILE_FLAG_FIRST_PIPE_INSTANCE
		return nt.StatusAccessDenied
	case config != p.config, a.Pipe.Type&nt.FilePipeMessageType != p.typ:
		return nt.StatusAccessDenied
	case p.maxInstances != nt.FilePipeUnlimitedInstances && uint32(p.instances) >= p.maxInstances, p.instances >= p.fs.cfg.MaxInstances:
		return nt.StatusInstanceNotAvailable
	}
	return nt.StatusSuccess
}
