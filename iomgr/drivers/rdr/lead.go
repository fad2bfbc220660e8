package rdr

import (
	"errors"
	"io"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/smb2"
)

// duty is who reads a connection. As long as requests come one at a time, from somebody who waits for each, he reads the answer himself: no goroutine
// has to be woken, and no thread. In every other case the reader does, a goroutine of the connection.
type duty uint8

const (
	byReader duty = iota // the reader's
	byLeader             // that of who waits for an answer
	byNobody             // between two requests of those
)

const (
	// aloneFor is how many answers in a row have to be the only ones awaited before the reader leaves them to who awaits them.
	aloneFor = 4
	// unread is for how long nobody may read, so that what the server says unasked is heard: a break, the end of the connection.
	unread = 5 * time.Millisecond
	// leadFor is how long somebody who waits reads.
	leadFor = 2 * time.Millisecond
)

// attend sees to it that somebody reads the answer to what has been put in line, which may be nil for what is not sent yet; mu is held.
func (c *conn) attend(x *exchange) {
	if c.duty != byNobody {
		return
	}
	if x != nil && x.waited && x.r != nil {
		c.duty = byLeader
		x.r.Lead(c.leading)
		return
	}
	c.relieve()
}

// relieve has the reader read; mu is held.
func (c *conn) relieve() {
	c.duty, c.alone = byReader, 0
	select {
	case c.relief <- struct{}{}:
	default:
	}
}

// quiet reports whether nobody awaits an answer that is due, and nothing has been read that is not dealt with; it is for who reads, and mu is held.
func (c *conn) quiet() bool {
	return !c.dead && len(c.inflight) <= c.pended && c.waiting.head == nil && c.building == nil && c.r == c.w
}

// offDuty is the reader's, between two frames: where requests come one by one he leaves the reading to who waits for them, until he is told.
func (c *conn) offDuty() {
	c.mu.Lock()
	if c.alone < aloneFor || !c.quiet() || !c.in.CanReadSoon() {
		c.mu.Unlock()
		return
	}
	c.leave()
	c.mu.Unlock()
	<-c.relief
}

// leave has nobody read, for a while; mu is held.
func (c *conn) leave() {
	c.duty = byNobody
	c.led++
	switch {
	case c.watching:
		return
	case c.watch == nil:
		c.watch = time.AfterFunc(unread, c.look)
	default:
		c.watch.Reset(unread)
	}
	c.watching, c.watched = true, c.led
}

// look has the reader take over where no requests come any more.
func (c *conn) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dead || c.duty == byReader:
		c.watching = false
	case c.duty == byLeader || c.led != c.watched:
		c.watched = c.led
		c.watch.Reset(unread)
	default:
		c.watching = false
		c.relieve()
	}
}

// lead reads for who waits for a request, until it has completed or for as long as answers come soon.
func (c *conn) lead(r *api.Request) {
	for stop := time.Now().Add(leadFor); !r.Completed(); {
		frame, err := c.readSoon()
		if err == nil && frame != nil {
			err = c.frame(frame)
		}
		if err != nil {
			c.cut(lost(err))
		}
		if err != nil || frame == nil || time.Now().After(stop) {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Completed() && c.quiet() {
		c.leave()
		return
	}
	c.relieve()
}

// readSoon reads a small frame; nil if none comes soon, or one that is not small.
func (c *conn) readSoon() ([]byte, error) {
	const limit = len(c.small) - smb2.SealTailroom
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	for {
		if c.w-c.r >= smb2.FrameHeaderSize {
			n, err := smb2.ParseFrameHeader(c.small[c.r:c.w], c.frameLimit())
			if err != nil {
				return nil, err
			}
			if whole := smb2.FrameHeaderSize + n; whole > limit {
				return nil, nil
			} else if c.w-c.r >= whole {
				frame := c.small[c.r+smb2.FrameHeaderSize : c.r+whole]
				c.r += whole
				return frame, nil
			}
		}
		if c.w == limit {
			copy(c.small[:], c.small[c.r:c.w])
			c.r, c.w = 0, c.w-c.r
		}
		n, err := c.in.ReadSoon(c.small[c.w:limit])
		if n == 0 || err != nil {
			return nil, err
		}
		c.w += n
	}
}

// lost is why a connection ends whose reading failed.
func lost(err error) error {
	if errors.Is(err, io.EOF) {
		return errLost
	}
	return err
}
