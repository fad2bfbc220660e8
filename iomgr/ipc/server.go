package ipc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// ServerConfig configures Serve. API and Token are needed; the limits have defaults.
type ServerConfig struct {
	API api.API
	// Token makes the token of a local process. An error refuses the connection.
	Token func(p api.Process) (*nt.Token, error)
	Log   *slog.Logger // default slog.Default()

	MaxClients  int // default 4096
	MaxHandles  int // of one client; default 65536
	MaxRequests int // of one client at a time; default 4096. More are answered with StatusInsufficientResources.
	MaxBytes    int // of one client's requests and answers at a time; default 64 MiB
}

// Server is a running Serve.
type server struct {
	cfg ServerConfig

	mu      sync.Mutex
	clients map[*client]struct{} // guarded by mu
}

// Serve accepts clients until ctx ends; then it closes the listener and every client and returns nil.
func Serve(ctx context.Context, l net.Listener, cfg ServerConfig) error {
	s := &server{cfg: cfg, clients: make(map[*client]struct{})}
	setDefault(&s.cfg.MaxClients, 4096)
	setDefault(&s.cfg.MaxHandles, 65536)
	setDefault(&s.cfg.MaxRequests, 4096)
	setDefault(&s.cfg.MaxBytes, 64<<20)
	if s.cfg.Log == nil {
		s.cfg.Log = slog.Default()
	}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer func() {
		s.mu.Lock()
		for c := range s.clients {
			c.conn.Close()
		}
		s.mu.Unlock()
		wg.Wait()
	}()
	delay := time.Duration(0)
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("ipc: %w", err)
			}
			// Out of descriptors, most likely: wait for clients to go.
			delay = min(max(2*delay, 5*time.Millisecond), time.Second)
			select {
			case <-time.After(delay):
			case <-ctx.Done():
				return nil
			}
			continue
		}
		delay = 0
		c := &client{s: s, conn: conn, handles: make(map[uint64]api.Handle), requests: make(map[uint64]*call)}
		c.wake = make(chan struct{}, 1)
		s.mu.Lock()
		full := len(s.clients) >= s.cfg.MaxClients
		if !full {
			s.clients[c] = struct{}{}
		}
		s.mu.Unlock()
		if full {
			conn.Close()
			continue
		}
		wg.Go(func() {
			defer func() {
				s.mu.Lock()
				delete(s.clients, c)
				s.mu.Unlock()
			}()
			if err := c.serve(); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				s.cfg.Log.Debug("ipc client ended", "pid", c.process.ID, "uid", c.process.UID, "err", err)
			}
		})
	}
}

func setDefault(v *int, n int) {
	if *v <= 0 {
		*v = n
	}
}

// client is one connection. Lock order: mu alone.
type client struct {
	s       *server
	conn    net.Conn
	process api.Process
	token   *nt.Token

	mu       sync.Mutex
	next     uint64                // guarded by mu: number of the next handle
	handles  map[uint64]api.Handle // guarded by mu
	requests map[uint64]*call      // guarded by mu
	bytes    int                   // guarded by mu: held by requests and by answers that are not yet sent
	out      net.Buffers           // guarded by mu: answers to send
	outBytes int                   // guarded by mu
	dead     bool                  // guarded by mu

	wake chan struct{}
}

// call is a request under way.
type call struct {
	r    *api.Request
	c    *client
	id   uint64
	size int
}

func (c *client) serve() error {
	defer c.conn.Close()
	var err error
	if c.process, err = peerOf(c.conn); err != nil {
		return err
	}
	if c.token, err = c.s.cfg.Token(c.process); err != nil {
		return err
	}
	_ = c.conn.SetDeadline(time.Now().Add(10 * time.Second))
	if err := hello(c.conn); err != nil {
		return err
	}
	_ = c.conn.SetDeadline(time.Time{})
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() { c.send(done) })
	err = c.receive()
	c.rundown()
	close(done)
	wg.Wait()
	return err
}

// receive starts requests in the order in which they come.
func (c *client) receive() error {
	in := bufio.NewReaderSize(c.conn, 4096)
	var buf []byte
	for {
		f, kept, err := readFrame(in, buf)
		if err != nil {
			return err
		}
		if buf = kept; cap(buf) > 64<<10 { // do not keep a large one for an idle client
			buf = nil
		}
		switch f.kind {
		case kindRequest:
			if err := c.start(f); err != nil {
				return err
			}
		case kindCancel:
			c.mu.Lock()
			call := c.requests[f.id]
			c.mu.Unlock()
			if call != nil {
				call.r.Cancel()
			}
		default:
			return ErrProtocol
		}
	}
}

func (c *client) start(f frame) error {
	r, handle, root, err := parseRequest(f.body)
	if err != nil {
		return err
	}
	x := &call{r: r, c: c, id: f.id, size: len(r.In) + len(r.Out) + 512}
	r.Owner, r.Done = x, done
	status := nt.StatusSuccess
	c.mu.Lock()
	if c.requests[f.id] != nil {
		c.mu.Unlock()
		return ErrProtocol
	}
	if len(c.requests) >= c.s.cfg.MaxRequests || c.bytes+x.size > c.s.cfg.MaxBytes {
		status = nt.StatusInsufficientResources
	}
	c.requests[f.id] = x
	c.bytes += x.size
	switch {
	case r.Create != nil:
		if len(c.handles) >= c.s.cfg.MaxHandles {
			status = nt.StatusTooManyOpenedFiles
		}
		if root != 0 {
			if r.Create.Root = c.handles[root]; r.Create.Root == nil {
				status = nt.StatusInvalidHandle
			}
		}
		r.Create.Token = c.token
		r.Create.Contexts = append(r.Create.Contexts, &c.process)
	case handle != 0:
		r.Handle = c.handles[handle]
		if r.Op == api.OpClose {
			delete(c.handles, handle)
		}
	}
	c.mu.Unlock()
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return nil
	}
	c.s.cfg.API.Submit(r)
	return nil
}

// done answers a completed request.
func done(r *api.Request) {
	x := r.Owner.(*call)
	c := x.c
	var opened api.Handle
	if r.Create != nil && !r.Status.IsError() {
		opened = r.Create.Result.Handle
	}
	c.mu.Lock()
	delete(c.requests, x.id)
	if c.dead {
		c.mu.Unlock()
		if opened != nil {
			_ = c.s.cfg.API.Close(opened)
		}
		return
	}
	var handle uint64
	if opened != nil {
		c.next++
		handle = c.next
		c.handles[handle] = opened
	}
	b := startFrame(make([]byte, 0, frameHeader+64+min(max(r.N, 0), len(r.Out))), kindResponse, x.id)
	b = endFrame(appendResponse(b, r, handle), 0)
	c.bytes += len(b) - x.size
	c.out = append(c.out, b)
	c.outBytes += len(b)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// send writes answers, all that are there at once.
func (c *client) send(done chan struct{}) {
	for {
		select {
		case <-c.wake:
		case <-done:
			return
		}
		c.mu.Lock()
		out, n := c.out, c.outBytes
		c.out, c.outBytes = nil, 0
		c.mu.Unlock()
		if len(out) == 0 {
			continue
		}
		_ = c.conn.SetWriteDeadline(time.Now().Add(30 * time.Second)) // a client that does not read is cut
		_, err := out.WriteTo(c.conn)
		c.mu.Lock()
		c.bytes -= n
		c.mu.Unlock()
		if err != nil {
			c.conn.Close()
			return
		}
	}
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
	c.mu.Unlock()
	for _, x := range calls {
		x.r.Cancel()
	}
	for _, h := range handles {
		_ = c.s.cfg.API.Close(h)
	}
}

// peerOf asks the kernel who is at the other end.
func peerOf(conn net.Conn) (api.Process, error) {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return api.Process{}, errors.New("ipc: not a unix socket")
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return api.Process{}, err
	}
	var p api.Process
	if e := raw.Control(func(fd uintptr) { p, err = peerOfSocket(int(fd)) }); e != nil {
		return api.Process{}, e
	}
	if err != nil {
		return api.Process{}, fmt.Errorf("ipc: ask for the peer's identity: %w", err)
	}
	return p, nil
}

// hello sends ours and checks the other's.
func hello(conn net.Conn) error {
	h := append([]byte(magic), Version)
	if _, err := conn.Write(h); err != nil {
		return err
	}
	var got [len(magic) + 1]byte
	if _, err := io.ReadFull(conn, got[:]); err != nil {
		return err
	}
	if string(got[:len(magic)]) != magic {
		return ErrProtocol
	}
	if v := got[len(magic)]; v != Version {
		return fmt.Errorf("ipc: the other side speaks version %d, this one %d: restart the daemons after an upgrade", v, Version)
	}
	return nil
}
