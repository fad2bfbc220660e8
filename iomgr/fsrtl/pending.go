package fsrtl

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Pended ties a request to a machine that calls back once, perhaps before the request could be pended: a lock that waits, a watch, a break.
//
//	p := &fsrtl.Pended{Request: r}
//	if wait, status, data := watch.Next(filter, tree, r.Limit(), p.Complete); status == nt.StatusPending {
//		p.Pend(wait.Cancel)
//	}
type Pended struct {
	Request *api.Request

	mu     sync.Mutex
	here   bool      // guarded by mu: the request is pended
	called bool      // guarded by mu
	status nt.Status // guarded by mu until called, then fixed, as data is
	data   []byte
}

// Complete is the machine's call. What there is of data is given to the request.
func (p *Pended) Complete(status nt.Status, data []byte) {
	p.mu.Lock()
	p.called, p.status, p.data = true, status, data
	here := p.here
	p.mu.Unlock()
	if here {
		p.end()
	}
}

func (p *Pended) end() { p.Request.Complete(p.status, p.Request.Give(p.data)) }

// Pend pends the request, or ends it if the machine has called already. cancel makes the machine call.
func (p *Pended) Pend(cancel func()) {
	p.mu.Lock()
	if p.called {
		p.mu.Unlock()
		p.end()
		return
	}
	ok := p.Request.Pend(func(*api.Request) { cancel() })
	p.here = true
	p.mu.Unlock()
	if !ok {
		cancel()
	}
}

// Retried is a request that is tried until nothing is in its way: an open, a rename or a deletion that waits for others to give up what they
// cache.
type Retried struct {
	Request *api.Request
	// Try does it. StatusPending comes with what it waits for, which then calls notify; again says that it has waited before.
	Try func(again bool, notify func()) (*OplockWait, nt.Status)
	// Done ends the request, if it was not cancelled.
	Done func(nt.Status)

	mu    sync.Mutex
	state retryState  // guarded by mu
	wait  *OplockWait // guarded by mu
	pends bool        // guarded by mu: the request was pended
}

type retryState uint8

const (
	retryTrying  retryState = iota
	retryFired              // while it was tried, what it waits for changed
	retryWaiting            // until it changes
	retryEnded
)

// Run tries until there is an answer or something to wait for.
func (o *Retried) Run() { o.run(false) }

func (o *Retried) run(again bool) {
	for ; ; again = true {
		wait, status := o.Try(again, o.notify)
		o.mu.Lock()
		if status != nt.StatusPending {
			o.state = retryEnded
			o.mu.Unlock()
			o.Done(status)
			return
		}
		if o.state == retryFired {
			o.state = retryTrying
			o.mu.Unlock()
			continue
		}
		o.state, o.wait = retryWaiting, wait
		cancelled := false
		if o.pends {
			cancelled = o.Request.Cancelled() // between two waits nothing was there to cancel
		} else {
			o.pends = true
			cancelled = !o.Request.Pend(func(*api.Request) { o.cancel() })
		}
		o.mu.Unlock()
		if cancelled {
			o.cancel()
		}
		return
	}
}

// notify is called, on any goroutine, when it is worth another try.
func (o *Retried) notify() {
	o.mu.Lock()
	was := o.state
	switch was {
	case retryTrying:
		o.state = retryFired
	case retryWaiting:
		o.state = retryTrying
	}
	o.mu.Unlock()
	if was == retryWaiting {
		o.run(true)
	}
}

func (o *Retried) cancel() {
	o.mu.Lock()
	was, wait := o.state, o.wait
	if was == retryWaiting {
		o.state = retryEnded
	}
	o.mu.Unlock()
	if was == retryWaiting {
		wait.Cancel()
		o.Request.Complete(nt.StatusCancelled, 0)
	}
}
