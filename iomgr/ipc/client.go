package ipc

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/awake"
	"lwio/iomgr/nt"
)

// Client is the API of another process. It is dead once the connection ends: every request then completes with
// StatusConnectionDisconnected, and so does each new one.
type Client struct {
	api.Calls
	conn   net.Conn
	server Hello
	shared *shared // nil for none
	in     *awake.Reader
	out    outbox
	done   chan struct{}
	large  atomic.Int32 // requests under way whose data take the server longer than the reader usually looks

	mu       sync.Mutex
	next     uint64                  // guarded by mu
	requests map[uint64]sent         // guarded by mu
	ids      map[*api.Request]uint64 // guarded by mu
	used     credit                  // guarded by mu
	err      error                   // guarded by mu: why it is dead

	// order is held while a request is noted, marked as pending and put: its cancel frame cannot overtake it, nor the end of the connection.
	// It stands above mu.
	order sync.Mutex
}

// sent is a request that waits for its answer, by value in a map.
type sent struct {
	r    *api.Request
	cost credit
	room span
}

// credit is what a request takes of what the server gives.
type credit struct{ requests, bytes int }

var _ api.API = (*Client)(nil)

// handle names a file of the server.
type handle struct {
	c    *Client
	id   uint64
	kind atomic.Uint32 // what it is for, as far as it is of interest
}

func (h *handle) HandleString() string { return fmt.Sprintf("ipc:%d", h.id) }

// Dial connects to the server at path.
func Dial(ctx context.Context, path string) (*Client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("ipc: %w", err)
	}
	return NewClient(ctx, conn)
}

// NewClient speaks over a connection that exists; it is closed if the hello fails.
func NewClient(ctx context.Context, conn net.Conn) (*Client, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	server, err := greet(conn, Hello{})
	var region *shared
	if err == nil && server.Features&FeatureRegion != 0 {
		var mem []byte
		if mem, err = receiveRegion(conn.(*net.UnixConn)); mem != nil {
			region = &shared{mem: mem}
		}
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	c := &Client{shared: region, conn: conn, in: awake.New(conn), server: server, requests: make(map[uint64]sent), ids: make(map[*api.Request]uint64), done: make(chan struct{})}
	c.out.init(conn)
	c.Calls.S = c
	go c.receive()
	return c, nil
}

// Remote marks an API whose completions come from another process.
func (c *Client) Remote() {}

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.done }

// Server is what the server said of itself.
func (c *Client) Server() Hello { return c.server }

// Peer is the process that listens, as the kernel tells: its user decides whether it may be believed.
func (c *Client) Peer() (api.Process, error) { return PeerOf(c.conn) }

// Shutdown closes the connection; the server closes what the client had open.
func (c *Client) Shutdown() error { return c.conn.Close() }

// Submit sends a request. One for which the server gives no credit now is completed with StatusInsufficientResources.
func (c *Client) Submit(r *api.Request) {
	hid, root, status := c.target(r)
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	if c.inPieces(r) {
		c.readPieces(r)
		return
	}
	s := sent{r: r, room: c.lay(r)}
	if r.Op != api.OpClose && r.Op != api.OpCancel {
		s.cost = credit{1, overhead}
		if !s.room.in {
			s.cost.bytes += len(r.In) + len(r.Out)
		}
	}
	size := len(r.In)
	if s.room.in {
		size = 0
	}
	b := getBuffer(frameHeader + 64 + size)
	b.b = endFrame(appendRequest(startFrame(b.b, kindRequest, 0), r, hid, root, s.room), 0)
	if r.Create != nil {
		_, b.secret = api.Find[*api.Credential](r.Create.Contexts)
	}
	c.order.Lock()
	id, status := c.note(s)
	if status == nt.StatusSuccess && !r.Pend(c.cancel) {
		c.forget(id)
		status = nt.StatusCancelled
	}
	if status != nt.StatusSuccess {
		c.order.Unlock()
		b.put()
		c.leave(s.room)
		r.Complete(status, 0)
		return
	}
	le.PutUint64(b.b[5:], id)
	write := c.out.put(b)
	c.order.Unlock() // from here on the request is its submitter's as soon as it is answered
	if write {
		c.out.write()
	}
}

// note puts a request on the books.
func (c *Client) note(s sent) (uint64, nt.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return 0, nt.StatusConnectionDisconnected
	case !c.affordable(s.cost):
		return 0, nt.StatusInsufficientResources
	}
	c.used.requests += s.cost.requests
	c.used.bytes += s.cost.bytes
	c.next++
	c.requests[c.next], c.ids[s.r] = s, c.next
	return c.next, nt.StatusSuccess
}

// affordable reports whether the server has room for a request; mu is held. One that is larger than all the server ever takes is told so by the
// server.
func (c *Client) affordable(x credit) bool {
	if x.requests == 0 {
		return true
	}
	return (c.server.Requests == 0 || c.used.requests < int(c.server.Requests)) &&
		(c.server.Bytes == 0 || c.used.bytes == 0 || c.used.bytes+x.bytes <= int(c.server.Bytes))
}

// target finds the server's numbers of the files that a request names.
func (c *Client) target(r *api.Request) (hid, root uint64, status nt.Status) {
	if r.Op >= api.NumOps || len(r.In) > MaxData || len(r.Out) > MaxData {
		return 0, 0, nt.StatusInvalidParameter
	}
	if a := r.Create; a != nil {
		if _, peer := api.Find[*api.Peer](a.Contexts); a.Token != nil || peer {
			return 0, 0, nt.StatusPrivilegeNotHeld
		}
		if !mayCross(a.Contexts, c.server.Features) {
			return 0, 0, nt.StatusNotSupported
		}
		if a.Root != nil {
			h, ok := a.Root.(*handle)
			if !ok || h.c != c {
				return 0, 0, nt.StatusInvalidHandle
			}
			root = h.id
		}
		return 0, root, nt.StatusSuccess
	}
	if r.Op != api.OpCreate && r.Op != api.OpCreateNamedPipe {
		h, ok := r.Handle.(*handle)
		if !ok || h.c != c {
			return 0, 0, nt.StatusInvalidHandle
		}
		hid = h.id
	}
	return hid, 0, nt.StatusSuccess
}

// forget takes a request off the books; one that is not on them has no r.
func (c *Client) forget(id uint64) sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.requests[id]
	if !ok {
		return sent{}
	}
	delete(c.requests, id)
	delete(c.ids, s.r)
	c.used.requests -= s.cost.requests
	c.used.bytes -= s.cost.bytes
	return s
}

// cancel asks the server to end a request early; the answer still comes.
func (c *Client) cancel(r *api.Request) {
	c.mu.Lock()
	id, ok := c.ids[r]
	c.mu.Unlock()
	if !ok {
		return
	}
	b := getBuffer(frameHeader)
	b.b = endFrame(startFrame(b.b, kindCancel, id), 0)
	c.order.Lock()
	write := c.out.put(b)
	c.order.Unlock()
	if write {
		c.out.write()
	}
}

func (c *Client) receive() {
	in := &frameReader{r: c.in}
	var err error
	for err == nil {
		var f frame
		if f, err = in.next(); err == nil {
			err = c.answer(f)
			f.own.put()
		}
	}
	c.conn.Close()
	c.out.close()
	c.order.Lock()
	c.mu.Lock()
	c.err = err
	left := c.requests
	c.requests, c.ids = nil, nil
	c.mu.Unlock()
	c.order.Unlock()
	close(c.done)
	if c.shared != nil {
		c.shared.drop()
	}
	for _, s := range left {
		s.r.Complete(nt.StatusConnectionDisconnected, 0)
	}
}

func (c *Client) answer(f frame) error {
	if f.kind != kindResponse {
		return ErrProtocol
	}
	s := c.forget(f.id)
	r := s.r
	if r == nil {
		return ErrProtocol
	}
	status, n, id, err := parseResponse(f.body, r)
	if err == nil {
		err = c.collect(r, s.room, status, n)
	}
	if err != nil {
		r.Complete(nt.StatusInvalidNetworkResponse, 0)
		return err
	}
	if r.Create != nil && !status.IsError() && id != 0 {
		r.Create.Result.Handle = &handle{c: c, id: id}
	}
	r.Complete(status, n)
	return nil
}
