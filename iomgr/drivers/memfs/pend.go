package memfs

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// pended ties a request to a machine that calls back once, perhaps before the request could be pended.
type pended struct {
	r *api.Request

	mu     sync.Mutex
	here   bool      // guarded by mu: the request is pended
	called bool      // guarded by mu
	status nt.Status // guarded by mu, if called
	data   []byte
}

// complete is the machine's call.
func (p *pended) complete(status nt.Status, data []byte) {
	p.mu.Lock()
	p.called, p.status, p.data = true, status, data
	here := p.here
	p.mu.Unlock()
	if here {
		p.r.Complete(status, copy(p.r.Out, data))
	}
}

// pend pends the request, or ends it if the machine has called already. cancel makes the machine call.
func (p *pended) pend(cancel func()) {
	p.mu.Lock()
	if p.called {
		p.mu.Unlock()
		p.r.Complete(p.status, copy(p.r.Out, p.data))
		return
	}
	ok := p.r.Pend(func(*api.Request) { cancel() })
	p.here = true
	p.mu.Unlock()
	if !ok {
		cancel()
	}
}

// retried is a request that is tried until nothing is in its way: an open, a rename or a deletion that waits for others to give up what they cache.
type retried struct {
	r    *api.Request
	try  func(again bool, notify func()) (*fsrtl.OplockWait, nt.Status)
	done func(nt.Status) // if it was not cancelled

	mu    sync.Mutex
	state retryState        // guarded by mu
	wait  *fsrtl.OplockWait // guarded by mu
	pends bool              // guarded by mu
}

type retryState uint8

const (
	retryTrying  retryState = iota
	retryFired              // while it was tried, what it waits for changed
	retryWaiting            // until it changes
	retryEnded
)

func (o *retried) run(again bool) {
	for ; ; again = true {
		wait, status := o.try(again, o.notify)
		o.mu.Lock()
		if status != nt.StatusPending {
			o.state = retryEnded
			o.mu.Unlock()
			o.done(status)
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
			cancelled = o.r.Cancelled() // between two waits nothing was there to cancel
		} else {
			o.pends = true
			cancelled = !o.r.Pend(func(*api.Request) { o.cancel() })
		}
		o.mu.Unlock()
		if cancelled {
			o.cancel()
		}
		return
	}
}

// notify is called, on any goroutine, when it is worth another try.
func (o *retried) notify() {
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

func (o *retried) cancel() {
	o.mu.Lock()
	was, wait := o.state, o.wait
	if was == retryWaiting {
		o.state = retryEnded
	}
	o.mu.Unlock()
	if was == retryWaiting {
		wait.Cancel()
		o.r.Complete(nt.StatusCancelled, 0)
	}
}
