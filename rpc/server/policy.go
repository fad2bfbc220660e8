package server

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lwio/iomgr/nt"
	"lwio/rpc"
)

// Interceptor is asked for each call before its input is decoded, in the order of Config.Interceptors. It makes the call by next, or refuses it by an error,
// which is the call's fault. next may be called once.
type Interceptor func(ctx context.Context, call *rpc.Call, next func(context.Context) error) error

// Rule is a condition of a Policy on calls. Fields that are empty are no condition.
type Rule struct {
	Interface nt.GUID // zero for every interface
	Opnums    []uint16

	MinLevel   rpc.AuthLevel // at least so much authentication by RPC itself
	Transports []rpc.Transport
	Allow      []nt.SID // the caller has one of them
	Deny       []nt.SID // the caller has none of them
	Rate       float64  // calls a second by one user, of a bucket that holds as many as a second's, at least one; zero is no limit
}

// Refusal is why a Policy refused a call.
type Refusal string

// The refusals.
const (
	RefusedLevel     Refusal = "authentication level"
	RefusedTransport Refusal = "transport"
	RefusedDenied    Refusal = "denied"
	RefusedNotAllow  Refusal = "not allowed"
	RefusedRate      Refusal = "rate"
)

// Fault is what the client is told: rpc.FaultServerTooBusy for the rate, rpc.FaultAccessDenied for all else.
func (r Refusal) Fault() rpc.Fault {
	if r == RefusedRate {
		return rpc.FaultServerTooBusy
	}
	return rpc.FaultAccessDenied
}

// maxBuckets bounds the users whose rate a rule remembers.
const maxBuckets = 4096

// Policy says which calls are made. Every rule that a call falls under has to let it through. It may be shared by servers and is not changed once made.
type Policy struct {
	rules   []*rule
	log     *slog.Logger
	refused atomic.Uint64
	now     func() time.Time
}

type rule struct {
	Rule
	mu      sync.Mutex
	buckets map[string]*bucket // by user; guarded by mu
}

type bucket struct {
	tokens float64
	last   time.Time
}

// NewPolicy makes a policy. Refusals are written to log as warnings; nil means slog.Default().
func NewPolicy(log *slog.Logger, rules ...Rule) *Policy {
	if log == nil {
		log = slog.Default()
	}
	p := &Policy{log: log, now: time.Now}
	for _, r := range rules {
		p.rules = append(p.rules, &rule{Rule: r, buckets: map[string]*bucket{}})
	}
	return p
}

// Refused counts the calls that were refused.
func (p *Policy) Refused() uint64 { return p.refused.Load() }

// Check reports whether the call may be made; the empty Refusal says that it may. A call that it lets through counts for the rate.
func (p *Policy) Check(call *rpc.Call) Refusal {
	for _, r := range p.rules {
		if !r.covers(call) {
			continue
		}
		if why := r.check(call, p.now); why != "" {
			return why
		}
	}
	return ""
}

func (r *rule) covers(call *rpc.Call) bool {
	return (r.Interface.IsZero() || r.Interface == call.Interface.UUID) && (len(r.Opnums) == 0 || slices.Contains(r.Opnums, call.Opnum))
}

func (r *rule) check(call *rpc.Call, now func() time.Time) Refusal {
	switch {
	case call.AuthLevel < r.MinLevel && call.Transport != rpc.TransportLocal: // of a local caller the kernel says who it is, and nobody listens
		return RefusedLevel
	case len(r.Transports) > 0 && !slices.Contains(r.Transports, call.Transport):
		return RefusedTransport
	case slices.ContainsFunc(r.Deny, call.Token.HasSIDForDeny):
		return RefusedDenied
	case len(r.Allow) > 0 && !slices.ContainsFunc(r.Allow, call.Token.HasSID):
		return RefusedNotAllow
	case r.Rate > 0 && !r.take(call.Token.User.String(), now()):
		return RefusedRate
	}
	return ""
}

// take takes a call out of the user's bucket.
func (r *rule) take(user string, now time.Time) bool {
	size := max(r.Rate, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.buckets[user]
	if b == nil {
		if len(r.buckets) >= maxBuckets {
			for k, x := range r.buckets {
				if x.tokens+now.Sub(x.last).Seconds()*r.Rate >= size {
					delete(r.buckets, k) // full: it says nothing
				}
			}
			if len(r.buckets) >= maxBuckets {
				return false
			}
		}
		b = &bucket{size, now}
		r.buckets[user] = b
	}
	b.tokens = min(size, b.tokens+now.Sub(b.last).Seconds()*r.Rate)
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// refuse checks a call, and counts and logs what is refused.
func (p *Policy) refuse(call *rpc.Call) rpc.Fault {
	why := p.Check(call)
	if why == "" {
		return 0
	}
	p.refused.Add(1)
	p.log.Warn("rpc: call refused", "why", string(why), "interface", call.Interface.Name, "opnum", call.Opnum, "user", call.Token.QualifiedName(), "sid", call.Token.User.String(),
		"level", call.AuthLevel.String(), "transport", string(call.Transport), "client", call.ClientAddress)
	return why.Fault()
}
