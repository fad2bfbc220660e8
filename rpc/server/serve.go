package server

import (
	"context"
	"errors"
	"net"
	"time"
)

// Serve accepts connections and serves each until l fails or the server is closed. It returns ErrServerClosed after Shutdown or Close.
func (s *Server) Serve(l net.Listener) error {
	if !s.addListener(l) {
		l.Close()
		return ErrServerClosed
	}
	defer s.removeListener(l)
	var delay time.Duration
	for {
		nc, err := l.Accept()
		if err != nil {
			if s.isClosed() {
				return ErrServerClosed
			}
			var tmp interface{ Temporary() bool }
			if !errors.As(err, &tmp) || !tmp.Temporary() {
				return err
			}
			// Out of descriptors or memory: it passes, or not, but not by trying at once.
			delay = min(max(2*delay, 5*time.Millisecond), time.Second)
			s.cfg.Logger.Warn("rpc: accept", "err", err, "retry", delay)
			t := time.NewTimer(delay)
			<-t.C
			continue
		}
		delay = 0
		if _, ok := nc.(asyncConn); ok {
			ctx := context.Background()
			go s.begin(ctx, newConn(ctx, s, nc)) // its end is nobody's concern
		} else {
			go s.ServeConn(context.Background(), nc)
		}
	}
}

func (s *Server) addListener(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) removeListener(l net.Listener) {
	s.mu.Lock()
	delete(s.listeners, l)
	s.mu.Unlock()
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// IsListening reports whether a Serve is accepting.
func (s *Server) IsListening() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closed && len(s.listeners) > 0
}

// ServeConn serves one connection to its end, closes it, and returns when the last of its calls has. The error says why the
// association ended; it is nil if the client closed it. Calls' contexts are derived from ctx, whose end closes the connection.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) error {
	c := newConn(ctx, s, nc)
	if c.later != nil {
		done := make(chan error, 1)
		c.done = done
		s.begin(ctx, c)
		return <-done
	}
	if err := s.addConn(c); err != nil {
		c.cancel()
		nc.Close()
		return err
	}
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	err := c.serve()
	c.end(err)
	s.removeConn(c)
	return err
}

var errTooManyConnections = errors.New("rpc: too many connections")

func (s *Server) addConn(c *conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrServerClosed
	case len(s.conns) >= s.cfg.MaxConnections:
		return errTooManyConnections
	}
	s.conns[c] = struct{}{}
	s.past.Accepted++
	return nil
}

func (s *Server) removeConn(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	c.addTo(&s.past)
	s.gone.Broadcast()
	s.mu.Unlock()
}

// Shutdown stops listening, lets the calls that run end, and asks the client of each connection that has none to close it, which is closed after
// Config.DrainTime otherwise. If ctx ends first, what is left is closed as
// by Close, and the context's error returned.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, c := range s.stop() {
		c.drain()
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.conns) > 0 {
		s.gone.Wait()
	}
	return ctx.Err()
}

// Close closes all listeners and connections. Calls that run have their contexts cancelled; they are not waited for.
func (s *Server) Close() error {
	for _, c := range s.stop() {
		c.cancel()
		c.nc.Close()
	}
	return nil
}

// stop refuses what comes and returns the connections there are.
func (s *Server) stop() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for l := range s.listeners {
		l.Close()
	}
	var out []*conn
	for c := range s.conns {
		out = append(out, c)
	}
	return out
}
