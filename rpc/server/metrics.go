package server

import (
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
	BytesIn   uint64 // stub data of requests
	BytesOut  uint64 // and of responses
	Time      time.Duration
	Latency   [len(LatencyBounds) + 1]uint64 // calls by how long they took; not cumulative
}

// opCounters are those of one operation.
type opCounters struct {
	calls, faults, refused, nanoseconds, bytesIn, bytesOut atomic.Uint64

	running atomic.Int64
	latency [len(LatencyBounds) + 1]atomic.Uint64
}

// begin counts a call that reaches its method.
func (n *opCounters) begin(in int) {
	n.calls.Add(1)
	n.running.Add(1)
	n.bytesIn.Add(uint64(in))
}

// end counts how it went.
func (n *opCounters) end(took time.Duration, out int, faulted bool) {
	n.running.Add(-1)
	n.nanoseconds.Add(uint64(took))
	if faulted {
		n.faults.Add(1)
	} else {
		n.bytesOut.Add(uint64(out))
	}
	i := 0
	for i < len(LatencyBounds) && took > LatencyBounds[i] {
		i++
	}
	n.latency[i].Add(1)
}

// OpStats lists the operations that were called, or refused, by interface and number.
func (s *Server) OpStats() []OpStats {
	var out []OpStats
	for _, r := range *s.interfaces.Load() {
		for i := range r.ops {
			n := &r.ops[i]
			st := OpStats{Interface: r.iface.Name, Opnum: uint16(i), Name: r.iface.Ops[i].Name, Calls: n.calls.Load(), Faults: n.faults.Load(), Refused: n.refused.Load(),
				Running: n.running.Load(), BytesIn: n.bytesIn.Load(), BytesOut: n.bytesOut.Load(), Time: time.Duration(n.nanoseconds.Load())}
			if st.Calls == 0 && st.Refused == 0 {
				continue
			}
			for b := range n.latency {
				st.Latency[b] = n.latency[b].Load()
			}
			out = append(out, st)
		}
	}
	return out
}
