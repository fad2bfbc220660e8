package server

import (
	"context"
	"slices"
	"sync"
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

	Source string // where the rule stands, for people: "lwiod.toml:12"
}

// Covers reports whether calls of an operation fall under the rule.
func (r *Rule) Covers(iface nt.GUID, opnum uint16) bool {
	return (r.Interface.IsZero() || r.Interface == iface) && (len(r.Opnums) == 0 || slices.Contains(r.Opnums, opnum))
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
	RefusedService   Refusal = "service" // by what the service was registered with
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
	rules []*rule
	now   func() time.Time
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

// NewPolicy makes a policy.
func NewPolicy(rules ...Rule) *Policy {
	p := &Policy{now: time.Now}
	for _, r := range rules {
		p.rules = append(p.rules, &rule{Rule: r, buckets: map[string]*bucket{}})
	}
	return p
}

// Rules are the rules of the policy, which nobody changes. A nil Policy has none.
func (p *Policy) Rules() []*Rule {
	if p == nil {
		return nil
	}
	out := make([]*Rule, len(p.rules))
	for i, r := range p.rules {
		out[i] = &r.Rule
	}
	return out
}

// Check reports whether the call may be made: the empty Refusal says that it may, another which rule is against it. A call that it lets through counts for
// the rate.
func (p *Policy) Check(call *rpc.Call) (Refusal, *Rule) {
	for _, r := range p.rules {
		if !r.Covers(call.Interface.UUID, call.Opnum) {
			continue
		}
		why := r.check(call)
		if why == "" && r.Rate > 0 && !r.take(call.Token.User.String(), p.now()) {
			why = RefusedRate
		}
		if why != "" {
			return why, &r.Rule
		}
	}
	return "", nil
}

// check is all but the rate.
func (r *Rule) check(call *rpc.Call) Refusal {
	switch {
	case call.AuthLevel < r.MinLevel && call.Transport != rpc.TransportLocal: // of a local caller the kernel says who it is, and nobody listens
		return RefusedLevel
	case len(r.Transports) > 0 && !slices.Contains(r.Transports, call.Transport):
		return RefusedTransport
	case slices.ContainsFunc(r.Deny, call.Token.HasSIDForDeny):
		return RefusedDenied
	case len(r.Allow) > 0 && !slices.ContainsFunc(r.Allow, call.Token.HasSID):
		return RefusedNotAllow
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
