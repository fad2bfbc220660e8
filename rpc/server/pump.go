package server

import (
	"context"
	"net"
	"time"
)

// asyncConn is a connection that can be read without a goroutine that waits, as pipes can. What OnRead was given is told, on a goroutine that may be kept, when a
// read that StartRead has left waiting has ended. Read and SetReadDeadline are not used then. SetWriteTimeout limits each write by itself.
type asyncConn interface {
	net.Conn
	OnRead(ready func(n int, err error))
	StartRead(b []byte) (n int, waits bool, err error)
	SetWriteTimeout(d time.Duration)
}

// begin serves a connection that is read without a goroutine, until ctx ends. c.done hears of its end.
func (s *Server) begin(ctx context.Context, c *conn) {
	if err := s.addConn(c); err != nil {
		c.cancel()
		c.nc.Close()
		if c.done != nil {
			c.done <- err
		}
		return
	}
	if ctx.Done() != nil {
		c.stop = context.AfterFunc(ctx, func() { c.nc.Close() })
	}
	c.later.OnRead(c.readEnded)
	if t := s.cfg.WriteTimeout; t > 0 {
		c.later.SetWriteTimeout(t)
	}
	c.begin()
	c.pump()
}

// readEnded takes what has been read, and goes on. Who wrote it runs this, or a goroutine of its own.
func (c *conn) readEnded(n int, err error) {
	c.got(n)
	if n == 0 && err != nil {
		c.over(c.ending(err))
		return
	}
	c.pump()
}

// pump hands on what has been read, until a read waits. There is one at a time: the next begins when the read that this one has started ends. A call that the reader
// is to run is run once that read waits, so that a cancel, or the client's going, is heard of meanwhile.
func (c *conn) pump() {
	k, err := c.pumped()
	if err != nil {
		if k != nil {
			go k.run()
		}
		c.over(c.ending(err))
		return
	}
	k.run()
}

// pumped gives the call that is to be run here, which may be none. An error ends the association.
func (c *conn) pumped() (k *call, err error) {
	defer c.recovered(&err)
	for {
		if err := c.taken(); err != nil {
			return nil, err
		}
		k, c.here = c.here, nil
		n, waits, err := c.later.StartRead(c.space())
		if waits { // from here on somebody else may be in here
			return k, nil
		}
		c.got(n)
		if n == 0 && err != nil {
			return k, err
		}
		if k != nil {
			go k.run()
		}
	}
}

// over ends the association, on a goroutine of its own: that waits for the calls.
func (c *conn) over(err error) {
	go func() {
		if c.stop != nil {
			c.stop()
		}
		c.end(err)
		c.s.removeConn(c)
		if c.done != nil {
			c.done <- err
		}
	}()
}

// limitPump has the association end at t; the zero time is never.
func (c *conn) limitPump(t time.Time) {
	if t.IsZero() {
		c.until.Store(0)
		if c.limit != nil {
			c.limit.Stop()
			c.limit = nil // an idle association has none
		}
		return
	}
	c.until.Store(t.UnixNano())
	if c.limit == nil {
		c.limit = time.AfterFunc(time.Until(t), c.late)
	} else {
		c.limit.Reset(time.Until(t))
	}
}

// late closes the connection if its time is over.
func (c *conn) late() {
	if t := c.until.Load(); t != 0 && time.Now().UnixNano() >= t {
		c.nc.Close()
	}
}
