package api

import "sync/atomic"

// Counters count the requests of one kind on one device.
type Counters struct {
	Requests uint64
	Failed   uint64 // ended with an error status
	Pended   uint64
}

// stripes is in how many places the requests of a device are counted, by Request.Place. At one that all processors share, each request would wait for the processor
// that has counted last.
const stripes = 16

// stripe is one of these places, and what keeps it off the cache lines of the next.
type stripe struct {
	ops [NumOps]opCounters
	_   [64]byte
}

type opCounters struct{ requests, failed, pended atomic.Uint64 }

// count gives the counters that a request is to be counted in.
func (d *Device) count(r *Request) *opCounters { return &d.counters[r.Place%stripes].ops[r.Op] }

// Counters gives the counters of one operation.
func (d *Device) Counters(op Op) (sum Counters) {
	for i := range d.counters {
		c := &d.counters[i].ops[op]
		sum.Requests += c.requests.Load()
		sum.Failed += c.failed.Load()
		sum.Pended += c.pended.Load()
	}
	return sum
}
