package ipc

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Client is the API of another process. It is dead once the connection ends: every request then completes with
// StatusConnectionDisconnected, and so does each new one.
type Client struct {
	api.Calls
	conn net.Conn
	done chan struct{}

	mu       sync.Mutex
	next     uint64                  // guarded by mu
	requests map[uint64]*api.Request // guarded by mu
	ids      map[*api.Request]uint64 // guarded by mu
	err      error                   // guarded by mu: why it is dead

	wmu sync.Mutex // one frame at a time on the socket; taken without mu
	buf []byte     // guarded by wmu
}

var _ api.API = (*Client)(nil)

// handle names a file of the server.
type handle struct {
	c  *Client
	id uint64
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
	err := hello(conn)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	c := &Client{conn: conn, requests: make(map[uint64]*api.Request), ids: make(map[*api.Request]uint64), done: make(chan struct{})}
	c.Calls.S = c
	go c.receive()
	return c, nil
}

// Remote marks an API whose completions come from another process.
func (c *Client) Remote() {}

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.done }

// Peer is the process that listens, as the kernel tells: its user decides whether it may be believed.
func (c *Client) Peer() (api.Process, error) { return peerOf(c.conn) }

// Shutdown closes the connection; the server closes what the client had open.
func (c *Client) Shutdown() error { return c.conn.Close() }

// Submit sends a request.
func (c *Client) Submit(r *api.Request) {
	var hid, root uint64
	if r.Op >= api.NumOps || len(r.In) > MaxData || len(r.Out) > MaxData {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if a := r.Create; a != nil {
		if _, peer := api.Find[*api.Peer](a.Contexts); a.Token != nil || peer {
			r.Complete(nt.StatusPrivilegeNotHeld, 0)
			return
		}
		if a.Root != nil {
			h, ok := a.Root.(*handle)
			if !ok || h.c != c {
				r.Complete(nt.StatusInvalidHandle, 0)
				return
			}
			root = h.id
		}
	} else if r.Op != api.OpCreate && r.Op != api.OpCreateNamedPipe {
		h, ok := r.Handle.(*handle)
		if !ok || h.c != c {
			r.Complete(nt.StatusInvalidHandle, 0)
			return
		}
		hid = h.id
	}
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		r.Complete(nt.StatusConnectionDisconnected, 0)
		return
	}
	c.next++
	id := c.next
	c.requests[id], c.ids[r] = r, id
	c.mu.Unlock()
	c.wmu.Lock()
	if !r.Pend(c.cancel) { // under wmu: a cancel frame cannot overtake its request
		c.wmu.Unlock()
		c.mu.Lock()
		_, ours := c.requests[id]
		delete(c.requests, id)
		delete(c.ids, r)
		c.mu.Unlock()
		if ours {
			r.Complete(nt.StatusCancelled, 0)
		}
		return
	}
	c.buf = startFrame(c.buf[:0], kindRequest, id)
	c.buf = endFrame(appendRequest(c.buf, r, hid, root), 0)
	_, err := c.conn.Write(c.buf)
	if cap(c.buf) > 64<<10 {
		c.buf = nil
	}
	c.wmu.Unlock()
	if err != nil {
		c.conn.Close() // receive ends and completes the request
	}
}

// cancel asks the server to end a request early; the answer still comes.
func (c *Client) cancel(r *api.Request) {
	c.mu.Lock()
	id, ok := c.ids[r]
	c.mu.Unlock()
	if !ok {
		return
	}
	c.wmu.Lock()
	c.buf = endFrame(startFrame(c.buf[:0], kindCancel, id), 0)
	_, err := c.conn.Write(c.buf)
	c.wmu.Unlock()
	if err != nil {
		c.conn.Close()
	}
}

func (c *Client) receive() {
	in := bufio.NewReaderSize(c.conn, 16<<10)
	var buf []byte
	var err error
	for err == nil {
		var f frame
		if f, buf, err = readFrame(in, buf); err == nil {
			err = c.answer(f)
		}
	}
	c.conn.Close()
	c.mu.Lock()
	c.err = err
	left := c.requests
	c.requests, c.ids = nil, nil
	c.mu.Unlock()
	close(c.done)
	for _, r := range left {
		r.Complete(nt.StatusConnectionDisconnected, 0)
	}
}

func (c *Client) answer(f frame) error {
	if f.kind != kindResponse {
		return ErrProtocol
	}
	c.mu.Lock()
	r := c.requests[f.id]
	delete(c.requests, f.id)
	if r != nil {
		delete(c.ids, r)
	}
	c.mu.Unlock()
	if r == nil {
		return ErrProtocol
	}
	status, n, id, err := parseResponse(f.body, r)
	if err != nil {
		r.Complete(nt.StatusInvalidNetworkResponse, 0)
		return err
	}
	if r.Create != nil && !status.IsError() && id != 0 {
		r.Create.Result.Handle = &handle{c, id}
	}
	r.Complete(status, n)
	return nil
}
