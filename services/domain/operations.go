package domain

import (
	"context"
	"sync"

	gen "lwio/gen/domain"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// maxOperations bounds what is remembered of calls that somebody watches; the oldest go.
const maxOperations = 32

// operations are the calls whose steps somebody may watch, by their tags. The zero value is ready.
type operations struct {
	mu   sync.Mutex
	list []*operation // guarded by mu, the oldest first
}

// operation is one call. Whoever comes first, the call or who watches it, makes it.
type operation struct {
	tag nt.GUID

	mu      sync.Mutex
	report  gen.DOMAIN_REPORT // guarded by mu
	ended   bool              // guarded by mu
	changed chan struct{}     // closed at the next change; guarded by mu
}

func (o *operations) get(tag nt.GUID) *operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range o.list {
		if x.tag == tag {
			return x
		}
	}
	if len(o.list) == maxOperations {
		o.list = append(o.list[:0], o.list[1:]...)
	}
	x := &operation{tag: tag, changed: make(chan struct{})}
	o.list = append(o.list, x)
	return x
}

func (x *operation) change(f func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f()
	close(x.changed)
	x.changed = make(chan struct{})
}

// watched collects the steps of a call, for its report and for who watches it. end is to be called when it has ended.
func (s *Server) watched(tag nt.GUID, r *gen.DOMAIN_REPORT) (report func(Step), end func()) {
	into := collect(r)
	if tag == (nt.GUID{}) {
		return into, func() {}
	}
	x := s.operations.get(tag)
	shown := collect(&x.report)
	return func(step Step) {
		into(step)
		x.change(func() { shown(step) })
	}, func() { x.change(func() { x.ended = true }) }
}

// DomainProgress tells the steps of a call as they come.
func (s *Server) DomainProgress(ctx context.Context, call *rpc.Call, in *gen.DomainProgressRequest) (*gen.DomainProgressResponse, error) {
	out := &gen.DomainProgressResponse{Return: denied}
	if !admitted(call) {
		return out, nil
	}
	x := s.operations.get(in.Tag)
	for {
		x.mu.Lock()
		steps, ended, changed := x.report.Steps, x.ended, x.changed
		x.mu.Unlock()
		if ended || int(in.From) < len(steps) {
			out.Return = 0
			out.Report.Steps = steps[min(int(in.From), len(steps)):]
			out.Report.Count = uint32(len(out.Report.Steps))
			if ended {
				out.Ended = 1
			}
			return out, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
