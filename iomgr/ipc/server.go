package ipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
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

	MaxClients int // default 8192
	// MaxUserClients bounds the clients of one Unix user who is no administrator, so that nobody takes the places of others. Default a
	// quarter of MaxClients.
	MaxUserClients int
	MaxHandles     int // of one client; default 65536
	// MaxRequests and MaxBytes are the credits of a client: requests under way, and bytes that they and their answers hold. Clients are told when they
	// connect; a request beyond is answered with StatusInsufficientResources. Closing and cancelling need no credit. Defaults 16384 and 64 MiB.
	MaxRequests int
	MaxBytes    int
	// MaxRegions bounds the clients that get memory for bulk data, of 2 MiB each; others, and all if it is negative, send them by the socket. Default 64.
	MaxRegions int

	HelloTimeout time.Duration // of a client that says nothing at first; default 10 s
	WriteTimeout time.Duration // of a client that does not read its answers; default 30 s
}

// maxUnsent is how many bytes of answers may wait for a client to read them before no more of its requests are read.
const maxUnsent = 1 << 20

// server is a running Serve.
type server struct {
	cfg ServerConfig

	regions atomic.Int32 // that clients have

	mu      sync.Mutex
	closed  bool                 // guarded by mu
	clients map[*client]struct{} // guarded by mu
	users   map[uint32]int       // guarded by mu: clients of those who are no administrators
}

var errTooMany = errors.New("ipc: too many clients")

// Serve accepts clients until ctx ends; then it closes the listener and every client and returns nil.
func Serve(ctx context.Context, l net.Listener, cfg ServerConfig) error {
	s := &server{cfg: cfg, clients: make(map[*client]struct{}), users: make(map[uint32]int)}
	s.cfg.setDefaults()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer func() {
		s.mu.Lock()
		s.closed = true
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
		wg.Go(func() {
			c, err := s.admit(conn)
			if err != nil {
				s.cfg.Log.Debug("ipc client refused", "err", err)
				conn.Close()
				return
			}
			if err := c.serve(); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				s.cfg.Log.Debug("ipc client ended", "pid", c.process.ID, "uid", c.process.UID, "err", err)
			}
			s.leave(c)
		})
	}
}

func (c *ServerConfig) setDefaults() {
	def := func(v *int, n int) {
		if *v <= 0 {
			*v = n
		}
	}
	def(&c.MaxClients, 8192)
	def(&c.MaxUserClients, max(c.MaxClients/4, 1))
	def(&c.MaxHandles, 65536)
	def(&c.MaxRequests, 16384)
	def(&c.MaxBytes, 64<<20)
	if c.MaxRegions == 0 {
		c.MaxRegions = 64
	}
	c.MaxBytes = min(c.MaxBytes, 1<<31-1)
	if c.HelloTimeout <= 0 {
		c.HelloTimeout = 10 * time.Second
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

// admit makes a client of a connection: who it is, the kernel says.
func (s *server) admit(conn net.Conn) (*client, error) {
	c := &client{s: s, conn: conn}
	var err error
	if c.process, err = PeerOf(conn); err != nil {
		return nil, err
	}
	if c.token, err = s.cfg.Token(c.process); err != nil {
		return nil, err
	}
	c.admin = c.token.IsAdmin()
	c.out.init(conn)
	c.out.timeout, c.out.sent = s.cfg.WriteTimeout, c.freed
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	if len(s.clients) >= s.cfg.MaxClients || !c.admin && s.users[c.process.UID] >= s.cfg.MaxUserClients {
		return nil, errTooMany
	}
	s.clients[c] = struct{}{}
	if !c.admin {
		s.users[c.process.UID]++
	}
	return c, nil
}

func (s *server) leave(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
	if !c.admin {
		if s.users[c.process.UID]--; s.users[c.process.UID] == 0 {
			delete(s.users, c.process.UID)
		}
	}
}

// PeerOf asks the kernel who is at the other end of a unix socket.
func PeerOf(conn net.Conn) (api.Process, error) {
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
