package rdr

import (
	"errors"
	"time"
)

var errIdle = errors.New("idle")

// rested notes that nobody uses a tree; mu is held.
func (d *redirector) rested(t *tree) {
	t.idle = time.Now()
	if t.up {
		d.reapLater(t.sess.conn, d.cfg.IdleTimeout)
	}
}

// reapLater has reap look at a connection unless it is about to; mu is held.
func (d *redirector) reapLater(c *conn, after time.Duration) {
	if d.stopping || d.conns[c.key] != c || c.reaper != nil {
		return
	}
	c.reaper = time.AfterFunc(after, func() { d.reap(c) })
}

// reap lets go of what a connection has kept long enough: trees that nobody uses, then sessions without trees, then the connection itself.
func (d *redirector) reap(c *conn) {
	d.mu.Lock()
	c.reaper = nil
	if d.stopping || d.conns[c.key] != c {
		d.mu.Unlock()
		return
	}
	d.running.Add(1)
	defer d.running.Done()
	now := time.Now()
	var next time.Time
	due := func(since time.Time) bool {
		at := since.Add(d.cfg.IdleTimeout)
		if !now.Before(at) {
			return true
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
		return false
	}
	var trees []*tree
	var sessions []*session
	var rest []*conn
	for key, s := range c.sessions {
		if !s.up {
			continue
		}
		for name, t := range s.trees {
			if t.up && t.users == 0 && due(t.idle) {
				t.gone = true
				delete(s.trees, name)
				s.idle = t.idle
				trees = append(trees, t)
			}
		}
		if len(s.trees) == 0 && due(s.idle) {
			delete(c.sessions, key)
			c.idle = s.idle
			sessions = append(sessions, s)
			rest = append(rest, channelConns(s)...)
		}
	}
	last := c.up && len(c.sessions) == 0 && due(c.idle)
	if last {
		delete(d.conns, c.key)
	} else if !next.IsZero() {
		d.reapLater(c, next.Sub(now))
	}
	d.mu.Unlock()
	for _, t := range trees {
		t.disconnect()
	}
	for _, s := range sessions {
		s.logoff()
	}
	for _, w := range rest {
		w.cut(errIdle)
	}
	if last {
		c.cut(errIdle)
	}
}
