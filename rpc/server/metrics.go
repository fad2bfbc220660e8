package server

import (
	"sync"
	"sync/atomic"
	"time"
)

// LatencyBounds are the upper bounds of the buckets of OpStats.Latency; what took longer than the last is in one more.
var LatencyBounds = [...]time.Duration{50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond,
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, 2500 * time.Millisecond, 10 * time.Second}

// OpStats are the counters of one operation of an interface since it was registered.
type OpStats struct {
	Interface string
	Opnum     uint16
	Name      string
	Calls     uint64 // that reached the method
	Faults    uint64 // of them, that ended with a fault
	Refused   uint64 // by the policy, the registration's security or level
	Running   int64  // in the method now
	BytesIn   uint64 // stub data of requests of calls that have ended
	BytesOut  uint64 // and of their responses
	Time      time.Duration
	Latency   [len(LatencyBounds) + 1]uint64 // calls by how long they took; not cumulative
}

// stripes is in how many places an operation is counted. Calls that run on different processors mostly count in different ones, and do not wait for each other's counters.
const stripes = 8

// opCounters are those of one operation.
type opCounters struct {
	refused atomic.Uint64
	stripes [stripes]atomic.Pointer[opStripe] // made when they are first counted in
}

// opStripe is one of the places.
type opStripe struct {
	begun atomic.Uint64

	mu                             sync.Mutex
	nanoseconds, bytesIn, bytesOut uint64                         // guarded by mu
	latency                        [len(LatencyBounds) + 1]uint64 // guarded by mu: together the calls that have ended
	faults                         uint64                         // guarded by mu
}

// stripe gives the place of a number.
func (n *opCounters) stripe(i uint32) *opStripe {
	p := &n.stripes[i%stripes]
	if s := p.Load(); s != nil {
		return s
	}
	p.CompareAndSwap(nil, new(opStripe))
	return p.Load()
}

// begin counts a call that reaches its method.
func (n *opStripe) begin() { n.begun.Add(1) }

// end counts how it went.
func (n *opStripe) end(took time.Duration, in, out int, faulted bool) {
	i := 0
	for i < len(LatencyBounds) && took > LatencyBounds[i] {
		i++
	}
	n.mu.Lock()
	n.nanoseconds += uint64(took)
	n.bytesIn += uint64(in)
	if faulted {
		n.faults++
	} else {
		n.bytesOut += uint64(out)
	}
	n.latency[i]++
	n.mu.Unlock()
}

// stats sums an operation up. A call that ends meanwhile may be running still.
func (n *opCounters) stats() (st OpStats) {
	st.Refused = n.refused.Load()
	for i := range n.stripes {
		x := n.stripes[i].Load()
		if x == nil {
			continue
		}
		var ended uint64
		x.mu.Lock()
		for b, k := range x.latency {
			st.Latency[b] += k
			ended += k
		}
		st.Faults += x.faults
		st.BytesIn += x.bytesIn
		st.BytesOut += x.bytesOut
		st.Time += time.Duration(x.nanoseconds)
		x.mu.Unlock()
		begun := x.begun.Load() // after those that have ended, which are among them
		st.Calls += begun
		st.Running += int64(begun - ended)
	}
	return st
}

// OpStats lists the operations that were called, or refused, by interface and number.
func (s *Server) OpStats() []OpStats {
	var out []OpStats
	for _, r := range *s.interfaces.Load() {
		for i := range r.ops {
			st := r.ops[i].stats()
			if st.Calls == 0 && st.Refused == 0 {
				continue
			}
			st.Interface, st.Opnum, st.Name = r.iface.Name, uint16(i), r.iface.Ops[i].Name
			out = append(out, st)
		}
	}
	return out
}
