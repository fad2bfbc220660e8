package server

import (
	"context"
	"sync"
)

// callContext is the context of a call: it ends with the call, with a cancel PDU, and with the association. Most methods never wait for its end, and until
// somebody does it costs nothing but itself: the association does not know of it.
type callContext struct {
	context.Context // of the association

	mu   sync.Mutex
	err  error         // guarded by mu
	done chan struct{} // guarded by mu; nil until somebody asks
	stop func() bool   // guarded by mu: the association's end is not of interest any more
}

func newCallContext(of context.Context) *callContext { return &callContext{Context: of} }

// Done makes the channel when it is asked for.
func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		} else {
			c.stop = context.AfterFunc(c.Context, c.cancel)
		}
	}
	return c.done
}

// Err tells why it has ended; nil while it has not.
func (c *callContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		// Who has the channel sees its end and this alike.
		if c.err = c.Context.Err(); c.err != nil && c.done != nil {
			close(c.done)
		}
	}
	return c.err
}

// cancel ends it.
func (c *callContext) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	if c.err = context.Canceled; c.done != nil {
		close(c.done)
		c.stop()
	}
}
