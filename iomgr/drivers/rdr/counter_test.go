package rdr_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// counter dials and counts, and keeps what it dialled.
type counter struct {
	n       atomic.Int32
	refuse  atomic.Bool // as a server that is away does
	refused atomic.Int32
	mu      sync.Mutex
	conns   []net.Conn
}

func (c *counter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c.n.Add(1)
	if c.refuse.Load() {
		c.refused.Add(1)
		return nil, syscall.ECONNREFUSED
	}
	nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err == nil {
		c.mu.Lock()
		c.conns = append(c.conns, nc)
		c.mu.Unlock()
	}
	return nc, err
}

// cut closes every connection.
func (c *counter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, nc := range c.conns {
		_ = nc.Close()
	}
	c.conns = nil
}
