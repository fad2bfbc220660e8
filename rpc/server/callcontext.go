package server

import (
	"context"
	"sync"
	"sync/atomic"
)

// callContext is the context of a call: it ends with the call, with a cancel PDU, and with the association. Most methods never wait for its end, and until
// somebody does it costs nothing but itself: the association does not know of it.
type callContext struct {
	context.Context // of the association

	state atomic.Uint32 // contextQuiet, contextAsked or contextOver

	mu   sync.Mutex
	err  error         // guarded by mu
	done chan struct{} // guarded by mu; nil until somebody asks
	stop func() bool   // guarded by mu: the association's end is not of interest any more
}

// States of a callContext.
const (
	contextQuiet = iota // it goes on, and nobody has asked for anything that had to be remembered
	contextAsked        // what is guarded by mu counts
	contextOver         // it ended before anybody asked
)

// over is the channel of contexts that nobody asked for theirs while they went on.
var over = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func newCallContext(of context.Context) *callContext { return &callContext{Context: of} }

// asked reports whether the context is, or is made, one of which mu guards what there is to know; or else it is over.
func (c *callContext) asked() bool {
	return c.state.CompareAndSwap(contextQuiet, contextAsked) || c.state.Load() == contextAsked
}

// Done makes the channel when it is asked for.
func (c *callContext) Done() <-chan struct{} {
	if !c.asked() {
		return over
	}
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
	if c.state.Load() == contextQuiet && c.Context.Err() == nil {
		return nil
	}
	if !c.asked() {
		return context.Canceled
	}
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
	if c.state.CompareAndSwap(contextQuiet, contextOver) || c.state.Load() == contextOver {
		return
	}
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
