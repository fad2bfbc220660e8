package ipc

import (
	"net"
	"sync"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/awake"
	"lwio/iomgr/nt"
)

// client is one connection of a server. Lock order:
//
//	client.mu
//	outbox.mu (neither is held while the other is taken, nor while the API is called)
type client struct {
	s       *server
	conn    net.Conn
	process api.Process
	token   *nt.Token
	admin   bool
	out     outbox

	mu       sync.Mutex
	next     uint64                // guarded by mu: number of the next handle
	handles  map[uint64]api.Handle // guarded by mu; nil until there is one
	requests map[uint64]*call      // guarded by mu; nil until there is one
	free     int                   // guarded by mu: of them, those that took no credit
	bytes    int                   // guarded by mu: held by requests and by answers that are not yet sent
	dead     bool                  // guarded by mu
	region   *region               // set before any request; let go when the client is dead and the last request has ended
}

// call is a request under way.
type call struct {
	r       api.Request
	c       *client
	id      uint64
	size    int     // of bytes that it counts for
	credit  bool    // it counts
	region  bool    // its data are in the region
	in, out *buffer // what r.In is in, and the frame of the answer that r.Out is in; nil if there is none
}

// broken is no status that a request ends with.
const broken = ^nt.Status(0)

// overhead is what a request counts for besides its data.
const overhead = 512

func (c *client) serve() error {
	defer c.conn.Close()
	_ = c.conn.SetDeadline(time.Now().Add(c.s.cfg.HelloTimeout))
	theirs, err := greet(c.conn, Hello{Requests: uint32(c.s.cfg.MaxRequests), Bytes: uint32(c.s.cfg.MaxBytes)})
	if err == nil && theirs.Features&FeatureRegion != 0 {
		err = c.shareRegion(c.conn.(*net.UnixConn))
	}
	if err != nil {
		c.rundown()
		return err
	}
	_ = c.conn.SetDeadline(time.Time{})
	err = c.receive()
	c.conn.Close()
	c.rundown()
	return err
}

// receive starts requests in the order in which they come.
func (c *client) receive() error {
	in := &frameReader{r: awake.New(c.conn)}
	for {
		f, err := in.next()
		if err != nil {
			return err
		}
		switch f.kind {
		case kindRequest:
			if err := c.start(in, &f); err != nil {
				return err
			}
		case kindCancel:
			f.own.put()
			if len(f.body) != 0 {
				return ErrProtocol
			}
			c.mu.Lock()
			x := c.requests[f.id]
			c.mu.Unlock()
			if x != nil {
				x.r.Cancel()
			}
		default:
			return ErrProtocol
		}
		if !c.out.wait(maxUnsent) { // a client that does not read is not read from
			return net.ErrClosed
		}
	}
}

// start submits the request of a frame.
func (c *client) start(in *frameReader, f *frame) error {
	x := &call{c: c, id: f.id, in: f.own}
	r := &x.r
	p, err := parseRequest(f.body, r)
	if err != nil {
		f.own.put()
		return err
	}
	if p.region && c.region == nil {
		f.own.put()
		return ErrProtocol
	}
	r.Owner, r.Done, x.region = x, done, p.region
	status := c.enter(x, p)
	if status == broken {
		f.own.put()
		return ErrProtocol
	}
	switch {
	case len(r.In) == 0: // the frame held nothing that the request keeps
		if p.secret {
			in.wipe(f)
		}
		f.own.put()
		x.in = nil
	case x.in == nil:
		x.in = getBuffer(len(r.In))
		x.in.b = append(x.in.b, r.In...)
		r.In, x.in.secret = x.in.b, p.secret
		if p.secret {
			in.wipe(f)
		}
	default:
		x.in.secret = p.secret
	}
	if status == nt.StatusSuccess && p.region {
		status = c.region.fill()
	}
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return nil
	}
	switch {
	case p.region && r.Op == api.OpRead:
		r.Out, p.out = c.region.mem[p.at:p.at+p.out:p.at+p.out], 0
	case p.region:
		r.In, r.Unsteady = c.region.mem[p.at:p.at+p.in:p.at+p.in], true
	}
	if r.Create == nil {
		x.out = getBuffer(responseHead + p.out)
		if p.out > 0 {
			r.Out = x.out.b[responseHead : responseHead+p.out : responseHead+p.out]
			if cap(x.out.b) <= largeBuffer {
				clear(r.Out) // others' data stood there
			}
		}
	} else if p.out > 0 {
		r.Out = make([]byte, p.out)
	}
	c.s.cfg.API.Submit(r)
	return nil
}

// enter finds the files of a request and takes its credit. A status other than success refuses it, or says that the client is broken.
func (c *client) enter(x *call, p parsed) nt.Status {
	r := &x.r
	x.credit = r.Op != api.OpClose && r.Op != api.OpCancel
	x.size = overhead + len(r.In)
	if !p.region {
		x.size += p.out
	}
	status := nt.StatusSuccess
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.requests[x.id] != nil || !x.credit && x.size > overhead {
		return broken
	}
	if x.credit && (len(c.requests)-c.free >= c.s.cfg.MaxRequests || c.bytes+x.size > c.s.cfg.MaxBytes) {
		x.size, x.credit, status = overhead, false, nt.StatusInsufficientResources
	}
	if c.requests == nil {
		c.requests = make(map[uint64]*call)
	}
	c.requests[x.id] = x
	c.bytes += x.size
	if !x.credit {
		c.free++
	}
	switch {
	case r.Create != nil:
		if len(c.handles) >= c.s.cfg.MaxHandles {
			status = nt.StatusTooManyOpenedFiles
		}
		if p.root != 0 {
			if r.Create.Root = c.handles[p.root]; r.Create.Root == nil {
				status = nt.StatusInvalidHandle
			}
		}
		r.Create.Token = c.token
		r.Create.Contexts = append(r.Create.Contexts, &c.process)
	case p.handle != 0:
		r.Handle = c.handles[p.handle]
		if r.Op == api.OpClose {
			delete(c.handles, p.handle)
		}
	}
	return status
}

// done answers a completed request. It runs on the goroutine that completes it, and does not wait.
func done(r *api.Request) {
	x := r.Owner.(*call)
	c := x.c
	var opened api.Handle
	if r.Create != nil && !r.Status.IsError() {
		opened = r.Create.Result.Handle
	}
	c.mu.Lock()
	delete(c.requests, x.id)
	c.abandon()
	if !x.credit {
		c.free--
	}
	if c.dead {
		c.mu.Unlock()
		x.in.put()
		x.out.put()
		if opened != nil {
			_ = c.s.cfg.API.Close(opened)
		}
		return
	}
	var handle uint64
	if opened != nil {
		if c.handles == nil {
			c.handles = make(map[uint64]api.Handle)
		}
		c.next++
		handle = c.next
		c.handles[handle] = opened
	}
	if x.region {
		r.Out = nil // the client has it
	}
	b := x.out
	switch {
	case r.Create != nil:
		b = getBuffer(responseHead + 64)
		b.b = appendCreated(b.b, r, x.id, handle)
	case b == nil:
		b = getBuffer(responseHead)
		fallthrough
	default:
		b.b = finishResponse(b.b[:responseHead], r, x.id)
	}
	c.bytes += len(b.b) - x.size
	c.mu.Unlock()
	x.in.put()
	x.in, x.out, r.In, r.Out = nil, nil, nil, nil
	c.out.send(b)
}

// freed is told by the outbox of answers that are gone.
func (c *client) freed(n int) {
	c.mu.Lock()
	c.bytes -= n
	c.mu.Unlock()
}

// rundown cancels what is pended and closes every handle.
func (c *client) rundown() {
	c.mu.Lock()
	c.dead = true
	calls := make([]*call, 0, len(c.requests))
	for _, x := range c.requests {
		calls = append(calls, x)
	}
	handles := c.handles
	c.handles = nil
	c.abandon()
	c.mu.Unlock()
	c.out.close()
	for _, x := range calls {
		x.r.Cancel()
	}
	for _, h := range handles {
		_ = c.s.cfg.API.Close(h)
	}
}
