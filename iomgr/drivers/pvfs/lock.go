package pvfs

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// Lock takes a byte range (MS-FSA 2.1.5.8); it waits unless it is to fail at once.
func (f *file) Lock(r *api.Request) {
	if f.isDir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	a := r.Lock
	l := fsrtl.Lock{Owner: f.owner, Offset: a.Offset, Length: a.Length, Key: a.Key, Exclusive: a.Exclusive}
	if a.FailImmediately {
		_, status := f.stream.locks.Lock(l, false, nil)
		if status == nt.StatusSuccess {
			f.stream.opens.ContendReads(f.open)
		}
		r.Complete(status, 0)
		return
	}
	w := &pended{r: r}
	wait, status := f.stream.locks.Lock(l, true, func(s nt.Status) {
		if s == nt.StatusSuccess {
			f.stream.opens.ContendReads(f.open)
		}
		w.complete(s, nil)
	})
	if status != nt.StatusPending {
		if status == nt.StatusSuccess {
			f.stream.opens.ContendReads(f.open)
		}
		r.Complete(status, 0)
		return
	}
	w.pend(wait.Cancel)
}

// Unlock lets one go (MS-FSA 2.1.5.9).
func (f *file) Unlock(r *api.Request) {
	if f.isDir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	a := r.Lock
	r.Complete(f.stream.locks.Unlock(fsrtl.Lock{Owner: f.owner, Offset: a.Offset, Length: a.Length, Key: a.Key}), 0)
}

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
		p.end()
	}
}

func (p *pended) end() {
	if p.status.IsSuccess() && len(p.data) > 0 {
		p.r.Complete(p.status, copy(p.r.Out, p.data))
		return
	}
	p.r.Complete(p.status, 0)
}

// pend pends the request, or ends it if the machine has called already. cancel makes the machine call.
func (p *pended) pend(cancel func()) {
	p.mu.Lock()
	if p.called {
		p.mu.Unlock()
		p.end()
		return
	}
	ok := p.r.Pend(func(*api.Request) { cancel() })
	p.here = true
	p.mu.Unlock()
	if !ok {
		cancel()
	}
}
