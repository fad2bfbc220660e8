package srv

import (
	"errors"
	"slices"
	"time"

	"lwio/iomgr/api"
)

// breakRetry is how long a break that waits for an answer may be on its way over one connection before another of the session is tried
// (3.3.4.6, 3.3.4.7).
const breakRetry = 2 * time.Second

// breakGiveUp is how long the last connection has to take it. One that does not is as good as gone, and others wait: it is cut, while the file
// system still waits for the answer.
const breakGiveUp = 30 * time.Second

var errBreakUntaken = errors.New("client does not take the break of an oplock")

// breakNotice is a break that a client is told, over one connection after the other until one takes it.
type breakNotice struct {
	opens []*open // of the lease, or the one that has the oplock
	b     api.OplockBreak
	tried []*conn
	began time.Time
}

// way is a connection by which an open's client can be reached.
type way struct {
	o    *open
	t    *tree
	conn *conn
}

// next finds a connection that was not tried.
func (n *breakNotice) next() (way, bool) {
	for _, o := range n.opens {
		t := o.tree.Load()
		if t == nil {
			continue
		}
		t.sess.mu.Lock()
		for _, ch := range t.sess.channels {
			if c := ch.conn; ch.valid.Load() && !c.dead.Load() && !slices.Contains(n.tried, c) {
				t.sess.mu.Unlock()
				return way{o, t, c}, true
			}
		}
		t.sess.mu.Unlock()
	}
	return way{}, false
}

// tell notifies the client; false if it has no connection.
func (n *breakNotice) tell() bool {
	w, ok := n.next()
	if !ok {
		return false
	}
	if n.tried = append(n.tried, w.conn); n.began.IsZero() {
		n.began = time.Now()
	}
	w.conn.notifyBreak(w.o, w.t, &n.b)
	if n.b.AckRequired {
		time.AfterFunc(breakRetry, n.retry)
	}
	return true
}

// retry looks whether the last connection took the notification.
func (n *breakNotice) retry() {
	last := n.tried[len(n.tried)-1]
	if !last.dead.Load() && !last.undelivered() || !n.unanswered() || n.tell() {
		return
	}
	if wait := breakGiveUp - time.Since(n.began); wait > 0 {
		time.AfterFunc(wait, n.giveUp)
		return
	}
	n.giveUp()
}

// giveUp cuts the connections that have not taken the notification.
func (n *breakNotice) giveUp() {
	if !n.unanswered() {
		return
	}
	for _, c := range n.tried {
		if c.undelivered() {
			c.cut(errBreakUntaken)
		}
	}
}

func (n *breakNotice) unanswered() bool {
	for _, o := range n.opens {
		if o.closed.Load() {
			continue
		}
		if st, leased := o.srv.leases.state(o); leased {
			return st.breaking
		}
		return o.breaking.Load()
	}
	return false
}

// undelivered reports that the client has not taken all that was sent to it.
func (c *conn) undelivered() bool {
	c.send.mu.Lock()
	queued := c.send.queued
	c.send.mu.Unlock()
	if queued > 0 || c.raw == nil {
		return queued > 0
	}
	left := 0
	if err := c.raw.Control(func(fd uintptr) { left = unacked(fd) }); err != nil {
		return true
	}
	return left > 0
}
