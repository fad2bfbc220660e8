package pvfs

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// retried is a request that is tried until nothing is in its way: an open or a rename that waits for others to give up what they cache.
type retried struct {
	r *api.Request
	// try does it. StatusPending comes with what it waits for; the driver then calls again.
	try func(again bool, notify func()) (*fsrtl.OplockWait, nt.Status)
	// done ends it, if it was not cancelled.
	done func(nt.Status)

	mu    sync.Mutex
	state retryState        // guarded by mu
	wait  *fsrtl.OplockWait // guarded by mu
	pends bool              // guarded by mu: the request was pended
}

type retryState uint8

const (
	retryTrying  retryState = iota
	retryFired              // while it was tried, what it waits for changed
	retryWaiting            // until it changes
	retryEnded
)

// run tries until it has an answer or has to wait.
func (o *retried) run(again bool) {
	for {
		wait, status := o.try(again, o.notify)
		if status != nt.StatusPending {
			o.mu.Lock()
			o.state = retryEnded
			o.mu.Unlock()
			o.done(status)
			return
		}
		again = true
		o.mu.Lock()
		if o.state == retryFired {
			o.state = retryTrying
			o.mu.Unlock()
			continue
		}
		o.state, o.wait = retryWaiting, wait
		if !o.pends {
			o.pends = true
			if !o.r.Pend(func(*api.Request) { o.cancel() }) {
				o.state = retryEnded
				o.mu.Unlock()
				wait.Cancel()
				o.r.Complete(nt.StatusCancelled, 0)
				return
			}
		} else if o.r.Cancelled() { // between two waits nothing was there to cancel
			o.state = retryEnded
			o.mu.Unlock()
			wait.Cancel()
			o.r.Complete(nt.StatusCancelled, 0)
			return
		}
		o.mu.Unlock()
		return
	}
}

// notify is called, on any goroutine, when it is worth another try.
func (o *retried) notify() {
	o.mu.Lock()
	switch o.state {
	case retryTrying:
		o.state = retryFired
	case retryWaiting:
		o.state = retryTrying
		o.mu.Unlock()
		o.run(true)
		return
	}
	o.mu.Unlock()
}

func (o *retried) cancel() {
	o.mu.Lock()
	if o.state != retryWaiting {
		o.mu.Unlock()
		return
	}
	o.state = retryEnded
	wait := o.wait
	o.mu.Unlock()
	wait.Cancel()
	o.r.Complete(nt.StatusCancelled, 0)
}
