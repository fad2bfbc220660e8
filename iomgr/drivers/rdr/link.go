package rdr

import (
	"errors"
	"fmt"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// treeFor finds the tree of a target, or begins to make it and what it needs; mu is held.
func (d *redirector) treeFor(to *target, cred *api.Credential, key sessionKey) (*tree, nt.Status) {
	l := &d.cfg.Limits
	c := d.conns[to.server()]
	if c == nil {
		if len(d.conns) >= l.Connections {
			return nil, nt.StatusInsufficientResources
		}
		c = newConn(d, to)
		d.conns[c.key] = c
		d.live[c] = struct{}{}
		d.spawn(func() { d.connected(c, c.connect()) })
	}
	s := c.sessions[key]
	if s == nil {
		if len(c.sessions) >= l.SessionsPerConnection {
			return nil, nt.StatusTooManySessions
		}
		s = &session{conn: c, key: key, cred: cred, ready: make(chan struct{}), trees: make(map[string]*tree)}
		c.sessions[key] = s
		d.spawn(func() { d.established(s, s.await()) })
	}
	name := nt.Upcase(to.share)
	t := s.trees[name]
	if t == nil {
		if len(s.trees) >= l.TreesPerSession {
			return nil, nt.StatusInsufficientResources
		}
		t = &tree{sess: s, share: to.share}
		s.trees[name] = t
		d.spawn(func() { d.treeConnected(t, t.await()) })
	}
	return t, nt.StatusSuccess
}

// connected tells those who wait for a connection.
func (d *redirector) connected(c *conn, err error) {
	if err != nil {
		err = fmt.Errorf("connect to %s: %w", c.key, err)
		c.cut(err)
		d.log.Info("connect", "server", c.key, "err", err)
	}
	d.mu.Lock()
	if c.err = err; err == nil {
		c.up = true
	} else {
		d.removeConn(c)
	}
	close(c.ready)
	d.mu.Unlock()
}

// await establishes the session once its connection is there.
func (s *session) await() error {
	<-s.conn.ready
	if err := s.conn.err; err != nil {
		return err
	}
	return s.establish()
}

// established tells those who wait for a session. A connection is cut after a breach, and where no other session is left: what the server
// thinks of one that failed is not known.
func (d *redirector) established(s *session, err error) {
	c := s.conn
	end := false
	d.mu.Lock()
	if s.err = err; err == nil {
		s.up = true
	} else {
		d.removeSession(s)
		if end = len(c.sessions) == 0 || errors.Is(err, nt.StatusInvalidNetworkResponse); end {
			d.removeConn(c)
		}
	}
	close(s.ready)
	d.mu.Unlock()
	if err != nil {
		d.log.Info("session", "server", c.key, "as", s.cred, "err", err)
	}
	if end {
		c.cut(err)
	}
}

// await connects the tree once its session is there.
func (t *tree) await() error {
	<-t.sess.ready
	if err := t.sess.err; err != nil {
		return err
	}
	return t.connect()
}

// treeConnected starts the opens that wait for a tree.
func (d *redirector) treeConnected(t *tree, err error) {
	c := t.sess.conn
	st := nt.StatusSuccess
	if err != nil {
		if st = nt.StatusOf(err); !st.IsError() {
			st = nt.StatusUnexpectedNetworkError
		}
		d.log.Debug("tree", "server", c.key, "share", t.share, "err", err)
	}
	type ending struct {
		o  *opening
		st nt.Status
	}
	var ended []ending
	d.mu.Lock()
	if err == nil {
		t.up = true
		t.spread()
	} else {
		d.removeTree(t)
	}
	waiting := t.waiting
	t.waiting = nil
	for _, o := range waiting {
		s := st
		if s == nt.StatusSuccess {
			s = o.begin()
		}
		if s != nt.StatusPending {
			ended = append(ended, ending{o, s})
		}
	}
	if t.users == 0 {
		d.rested(t)
	}
	d.mu.Unlock()
	for _, e := range ended {
		e.o.end(e.st)
	}
	c.pump()
}

// removeConn, removeSession and removeTree take things out of their tables, where nobody finds them any more; mu is held.
func (d *redirector) removeConn(c *conn) {
	if d.conns[c.key] == c {
		delete(d.conns, c.key)
	}
	if c.reaper != nil {
		c.reaper.Stop()
	}
}

func (d *redirector) removeSession(s *session) {
	if c := s.conn; c.sessions[s.key] == s {
		delete(c.sessions, s.key)
		c.idle = time.Now()
		d.reapLater(c, d.cfg.IdleTimeout)
	}
}

func (d *redirector) removeTree(t *tree) {
	s := t.sess
	t.gone = true
	if name := nt.Upcase(t.share); s.trees[name] == t {
		delete(s.trees, name)
		s.idle = time.Now()
		d.reapLater(s.conn, d.cfg.IdleTimeout)
	}
}

// lost forgets a connection that is cut, and gives those of channels that end with it.
func (d *redirector) lost(c *conn, why error) []*conn {
	d.log.Debug("disconnected", "server", c.key, "why", why)
	d.mu.Lock()
	delete(d.live, c)
	d.narrow(c)
	d.disconnected(c, d.promote(c))
	d.removeConn(c)
	var list []*session
	for _, s := range c.sessions {
		list = append(list, s)
	}
	rest := channelConns(list...)
	d.mu.Unlock()
	return rest
}

// forgetSession has the next open make a new session.
func (d *redirector) forgetSession(s *session) {
	if s == nil {
		return
	}
	d.mu.Lock()
	if s.main != nil {
		s = s.main
	}
	d.removeSession(s)
	rest := channelConns(s)
	d.mu.Unlock()
	s.unlearn()
	for _, w := range rest {
		w.cut(errLost)
	}
}

// forgetTree has the next open make a new tree.
func (d *redirector) forgetTree(t *tree) {
	if t == nil {
		return
	}
	d.mu.Lock()
	if s := t.sess.main; s != nil {
		t = s.trees[nt.Upcase(t.share)]
	}
	if t != nil {
		d.removeTree(t)
	}
	d.mu.Unlock()
}

// release lets go of a tree that an open or a file used.
func (d *redirector) release(t *tree) {
	d.mu.Lock()
	d.opens--
	if t.users--; t.users == 0 {
		d.rested(t)
	}
	d.mu.Unlock()
}
