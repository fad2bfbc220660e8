package srv

import (
	"context"
	"sync"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// An authority may be slow, so no reader waits for one: each step of an authentication runs on a goroutine. The steps of one channel run in
// the order in which they came, one at a time.
const (
	maxSteps        = 512 // steps that run at once, of all connections; the others wait their turn
	maxStepsPerConn = 16  // steps of a connection that run or wait
)

// step is one SESSION_SETUP that waits for its turn.
type step struct {
	cmd *command
	req smb2.SessionSetupRequest
}

// logons are the channels that have steps to run.
type logons struct {
	mu      sync.Mutex
	running int        // guarded by mu
	queue   []*channel // guarded by mu: those whose turn it is not yet
}

// run has the steps of a channel run.
func (l *logons) run(ch *channel) {
	l.mu.Lock()
	if l.running >= maxSteps {
		l.queue = append(l.queue, ch)
		l.mu.Unlock()
		return
	}
	l.running++
	l.mu.Unlock()
	go l.work(ch)
}

// work runs what a channel has, then what waits.
func (l *logons) work(ch *channel) {
	for {
		more := ch.runStep()
		l.mu.Lock()
		if more { // others first
			l.queue = append(l.queue, ch)
		}
		if len(l.queue) == 0 {
			l.running--
			l.mu.Unlock()
			return
		}
		ch = l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		l.mu.Unlock()
	}
}

// enqueue puts a step behind those that the channel has. The command then belongs to it. False if there are too many.
func (ch *channel) enqueue(s step) bool {
	c := ch.conn
	if c.steps.Add(1) > maxStepsPerConn {
		c.steps.Add(-1)
		return false
	}
	c.srv.running.Add(1) // the connection's own count is still there
	ch.mu.Lock()
	ch.steps = append(ch.steps, s)
	first := len(ch.steps) == 1
	ch.mu.Unlock()
	if first {
		c.srv.logons.run(ch)
	}
	return true
}

// runStep takes one step and answers it; it reports whether there is another.
func (ch *channel) runStep() (more bool) {
	c := ch.conn
	ch.mu.Lock()
	s := ch.steps[0]
	ch.mu.Unlock()
	st := nt.StatusUserSessionDeleted
	if !c.dead.Load() && !ch.sess.gone.Load() {
		st = s.cmd.authenticateSession(ch, &s.req)
	}
	s.cmd.finish(st)
	ch.mu.Lock()
	ch.steps[0] = step{}
	ch.steps = ch.steps[1:]
	more = len(ch.steps) > 0
	ch.mu.Unlock()
	c.steps.Add(-1)
	c.srv.running.Done()
	return more
}

// stepContext ends with the connection, with the server, and after authCallTimeout.
func (c *conn) stepContext() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(c.srv.ctx, authCallTimeout)
	go func() {
		select {
		case <-c.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
