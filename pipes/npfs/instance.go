package npfs

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// instance is one instance of a pipe: a server's end, and a client's while one is connected.
type instance struct {
	mu      sync.Mutex
	state   uint32         // guarded by mu: nt.FilePipe…State
	read    bool           // guarded by mu: the server has read something, and may impersonate
	in, out queue          // guarded by mu: client to server, server to client
	server  *end           // guarded by mu: nil once its handle went
	client  *end           // guarded by mu
	listens []*api.Request // guarded by mu: pended FSCTL_PIPE_LISTEN
	attrs   clientAttrs    // guarded by mu: who is connected

	pipe    *pipe
	creator api.Process

	next, prev *instance // in pipe.listening, guarded by pipe.mu
	queued     bool      // guarded by pipe.mu

	serverAttrs map[string][]byte // guarded by mu: FSCTL_PIPE_SET_CONNECTION_ATTRIBUTE
}

// clientAttrs is what the server may ask of its client.
type clientAttrs struct {
	token         *nt.Token
	impersonation api.Impersonation
	peer          *api.Peer    // nil for a local client
	process       *api.Process // nil if unknown
}

// end is the file of one end.
type end struct {
	api.DefaultFile
	in     *instance
	server bool

	cancelRequest func(*api.Request) // cancel, made once

	// guarded by in.mu
	readMode   uint32
	completion uint32
	gone       bool // Cleanup has been
	detached   bool // a client's end whose server has disconnected it
}

// incoming is the queue that the end reads, outgoing the one it writes.
func (e *end) incoming() *queue {
	if e.server {
		return &e.in.in
	}
	return &e.in.out
}

func (e *end) outgoing() *queue {
	if e.server {
		return &e.in.out
	}
	return &e.in.in
}

func (e *end) peer() *end {
	if e.server {
		return e.in.client
	}
	return e.in.server
}

func (e *end) messageMode() bool { return e.readMode == nt.FilePipeMessageMode }

// stateOf is the state that the end sees: a client that was disconnected stays so while the instance serves others.
func (e *end) stateOf() uint32 {
	if e.detached {
		return nt.FilePipeDisconnectedState
	}
	return e.in.state
}

// cancel is the cancel function of everything that an end pends.
func (e *end) cancel(r *api.Request) {
	in := e.in
	in.mu.Lock()
	n, ok := in.in.withdraw(r)
	if !ok {
		n, ok = in.out.withdraw(r)
	}
	if !ok {
		ok = removeRequest(&in.listens, r)
	}
	in.mu.Unlock()
	if ok {
		r.Complete(nt.StatusCancelled, n)
	}
}

// listen is FSCTL_PIPE_LISTEN (MS-FSCC 2.3: reserved to the local server; ConnectNamedPipe).
func (e *end) listen(r *api.Request) {
	if !e.server {
		r.Complete(nt.StatusIllegalFunction, 0)
		return
	}
	in, p := e.in, e.in.pipe
	var c completions
	p.mu.Lock()
	in.mu.Lock()
	switch {
	case e.gone:
		c.add(r, nt.StatusInvalidHandle, 0)
	case in.state == nt.FilePipeConnectedState:
		c.add(r, nt.StatusPipeConnected, 0)
	case in.state == nt.FilePipeClosingState:
		c.add(r, nt.StatusPipeClosing, 0)
	case e.completion == nt.FilePipeCompleteOperation:
		in.makeListening(&c)
		c.add(r, nt.StatusPipeListening, 0)
	case !r.Pend(e.cancelRequest):
		c.add(r, nt.StatusCancelled, 0)
	default:
		in.listens = append(in.listens, r)
		in.makeListening(&c)
	}
	in.mu.Unlock()
	p.mu.Unlock()
	c.run()
}

// makeListening needs pipe.mu and mu.
func (in *instance) makeListening(c *completions) {
	in.state = nt.FilePipeListeningState
	if !in.queued {
		in.pipe.listening.push(in)
		in.pipe.wakeWaiters(c)
	}
}

// disconnect is FSCTL_PIPE_DISCONNECT: what was not read is lost, and the client's end is cut off.
func (e *end) disconnect(r *api.Request) {
	if !e.server {
		r.Complete(nt.StatusIllegalFunction, 0)
		return
	}
	in, p := e.in, e.in.pipe
	var c completions
	status := nt.StatusSuccess
	p.mu.Lock()
	in.mu.Lock()
	if in.state == nt.FilePipeDisconnectedState {
		status = nt.StatusPipeDisconnected
	}
	p.listening.remove(in)
	in.cutClient(&c)
	in.mu.Unlock()
	p.mu.Unlock()
	c.run()
	r.Complete(status, 0)
}

// cutClient needs mu; the instance is disconnected afterwards.
func (in *instance) cutClient(c *completions) {
	in.state = nt.FilePipeDisconnectedState
	in.in.fail(c, nt.StatusPipeDisconnected, nt.StatusPipeDisconnected)
	in.out.fail(c, nt.StatusPipeDisconnected, nt.StatusPipeDisconnected)
	for _, l := range in.listens {
		c.add(l, nt.StatusPipeDisconnected, 0)
	}
	in.listens = nil
	if in.client != nil {
		in.client.detached = true
		in.client = nil
	}
	in.attrs, in.serverAttrs, in.read = clientAttrs{}, nil, false
}

// connect joins a client to a listening instance; pipe.mu and mu are held.
func (in *instance) connect(client *end, attrs clientAttrs, c *completions) {
	in.pipe.listening.remove(in)
	in.state = nt.FilePipeConnectedState
	in.client, in.attrs, in.read = client, attrs, false
	for _, l := range in.listens {
		c.add(l, nt.StatusSuccess, 0)
	}
	in.listens = nil
}

// Cleanup closes the end: the other may read what is there and then finds the pipe broken.
func (e *end) Cleanup() {
	in, p := e.in, e.in.pipe
	var c completions
	p.mu.Lock()
	in.mu.Lock()
	e.gone = true
	switch {
	case e.detached:
	case e.server:
		p.listening.remove(in)
		for _, l := range in.listens {
			c.add(l, nt.StatusPipeBroken, 0)
		}
		in.listens, in.server = nil, nil
		if in.state == nt.FilePipeConnectedState {
			in.closing(e, &c)
		} else if in.state == nt.FilePipeClosingState { // the client went before
			in.in.fail(&c, nt.StatusPipeBroken, nt.StatusPipeBroken)
			in.out.fail(&c, nt.StatusPipeBroken, nt.StatusPipeBroken)
		} else {
			in.state = nt.FilePipeDisconnectedState
		}
	default:
		in.client = nil
		in.closing(e, &c)
	}
	last := false
	if e.server {
		p.instances--
		last = p.instances == 0
		if last {
			p.gone = true
			for _, w := range p.waiters {
				c.add(w.r, nt.StatusObjectNameNotFound, 0)
				w.stop()
			}
			p.waiters = nil
		}
	}
	in.mu.Unlock()
	p.mu.Unlock()
	if last {
		fs := p.fs
		fs.mu.Lock()
		if fs.pipes[p.key] == p {
			delete(fs.pipes, p.key)
		}
		fs.mu.Unlock()
	}
	c.run()
}

// closing marks that e went; mu is held. What e wrote stays for the other end, what was for e is dropped.
func (in *instance) closing(e *end, c *completions) {
	in.state = nt.FilePipeClosingState
	e.incoming().fail(c, nt.StatusPipeBroken, nt.StatusPipeBroken)
	out := e.outgoing()
	out.dropStalled(c, nt.StatusPipeBroken)
	out.failReaders(c, nt.StatusPipeBroken)
}
