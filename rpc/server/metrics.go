package server

import (
	"sync/atomic"
	"time"
)

// OpStats are the counters of one operation of an interface since it was registered.
type OpStats struct {
	Interface string
	Opnum     uint16
	Name      string
	Calls     uint64 // that reached the method
	Faults    uint64 // of them, that ended with a fault
	Refused   uint64 // by the policy, the registration's security or level
	Time      time.Duration
}

// opCounters are those of one operation.
type opCounters struct {
	calls, faults, refused, nanoseconds atomic.Uint64
}

// OpStats lists the operations that were called, or refused, by interface and number.
func (s *Server) OpStats() []OpStats {
	var out []OpStats
	for _, r := range *s.interfaces.Load() {
		for i := range r.ops {
			n := &r.ops[i]
			st := OpStats{Interface: r.iface.Name, Opnum: uint16(i), Name: r.iface.Ops[i].Name, Calls: n.calls.Load(), Faults: n.faults.Load(), Refused: n.refused.Load(),
				Time: time.Duration(n.nanoseconds.Load())}
			if st.Calls > 0 || st.Refused > 0 {
				out = append(out, st)
			}
		}
	}
	return out
}
