package rdr

import (
	"errors"
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

var (
	errTimeout   = errors.New("no answer in time")
	errNoCredits = errors.New("the server grants no credits")
)

// opEcho is ECHO (MS-SMB2 3.2.4.25): is the server still there?
var opEcho = operation{
	cmd:    smb2.Echo,
	size:   func(*exchange) int { return 4 },
	encode: func(_ *exchange, b []byte) []byte { return (&smb2.EchoRequest{}).Append(b) },
	decode: func(_ *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		_, err := smb2.ParseEchoResponse(body)
		return st, 0, err
	},
}

// arm has sweep run at a time or before; mu is held.
func (c *conn) arm(at time.Time) {
	switch {
	case c.timer == nil:
		c.timerAt = at
		c.timer = time.AfterFunc(time.Until(at), c.sweep)
	case c.timerAt.IsZero() || at.Before(c.timerAt):
		c.timerAt = at
		c.timer.Reset(time.Until(at))
	}
}

// sweep looks what has waited too long. An answer that is due and does not come ends the connection; what waits for credits while others are
// served ends alone. Pended requests may wait for ever, as long as the server answers an ECHO.
func (c *conn) sweep() {
	now := time.Now()
	var late, given []*exchange
	var next time.Time
	overdue := false
	passed := func(at time.Time) bool {
		if at.IsZero() {
			return false
		}
		if !now.Before(at) {
			return true
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
		return false
	}
	c.mu.Lock()
	if c.dead {
		c.mu.Unlock()
		return
	}
	c.timerAt = time.Time{}
	for _, x := range c.inflight {
		if passed(x.deadline) {
			x.timedOut, overdue = true, true
		} else if !passed(x.giveUp) {
			continue
		} else if x == c.lent { // when it is let go of
			c.wantBack()
		} else {
			given = append(given, x.abandon())
		}
	}
	starved := c.credits == 0 && len(c.inflight) == 0
	c.waiting.each(func(x *exchange) {
		if !passed(x.deadline) {
			return
		}
		x.timedOut = true
		if !starved {
			c.drop(x)
			late = append(late, x)
		}
	})
	starved = starved && c.waiting.head != nil && c.waiting.head.timedOut
	if probe := c.heard.Add(c.d.cfg.EchoInterval); c.pended > 0 && !c.echoing && passed(probe) {
		c.echo()
	}
	if !next.IsZero() {
		c.arm(next)
	}
	c.mu.Unlock()
	for _, x := range given {
		x.complete(nt.StatusCancelled, 0)
	}
	for _, x := range late {
		x.complete(nt.StatusIoTimeout, 0)
	}
	switch {
	case overdue:
		c.cut(errTimeout)
	case starved:
		c.cut(errNoCredits)
	default:
		c.pump()
	}
}

// echo puts a probe in line; mu is held.
func (c *conn) echo() {
	var s *session
	for _, x := range c.inflight {
		if x.async {
			s = x.sess
			break
		}
	}
	x := newExchange(&opEcho, c, s, nil)
	x.done = func(*exchange, nt.Status, int) {
		c.mu.Lock()
		c.echoing = false
		if !c.dead && c.pended > 0 {
			c.arm(c.heard.Add(c.d.cfg.EchoInterval))
		}
		c.mu.Unlock()
	}
	c.echoing = true
	c.queue(x)
}
