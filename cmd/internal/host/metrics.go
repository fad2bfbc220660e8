package host

import (
	"context"
	"runtime"
	"slices"
	"strconv"

	"lwio/cmd/internal/metrics"
	"lwio/rpc/server"
)

// Metrics is the text of what the daemon counts.
func (h *Host) Metrics(ctx context.Context) ([]byte, error) {
	list := append(h.rpcFamilies(), processFamilies()...)
	if f := h.at.Control.Families; f != nil {
		more, err := f(ctx)
		if err != nil {
			h.log.Warn("metrics", "err", err)
			return nil, err
		}
		list = append(list, more...)
	}
	return metrics.Append(nil, list), nil
}

// opKey joins the counters of an operation that several servers have.
type opKey struct {
	iface, name string
	opnum       uint16
}

// rpcFamilies are the counters of calls.
func (h *Host) rpcFamilies() []metrics.Family {
	total := map[opKey]*server.OpStats{}
	var keys []opKey
	conns := metrics.Family{Name: "lwio_rpc_connections", Help: "Connections of RPC clients now, by service.", Type: metrics.Gauge}
	accepted := metrics.Family{Name: "lwio_rpc_connections_total", Help: "Connections of RPC clients so far, by service.", Type: metrics.Counter}
	groups := metrics.Family{Name: "lwio_rpc_association_groups", Help: "Association groups now, by service.", Type: metrics.Gauge}
	bytes := metrics.Family{Name: "lwio_rpc_transport_bytes_total", Help: "Octets of PDUs, by service and direction.", Type: metrics.Counter}
	panics := metrics.Family{Name: "lwio_rpc_panics_total", Help: "Methods that panicked, by service.", Type: metrics.Counter}
	for _, s := range h.servers {
		st := s.Stats()
		conns.Add(float64(st.Connections), "service", s.name)
		accepted.Add(float64(st.Accepted), "service", s.name)
		groups.Add(float64(st.Groups), "service", s.name)
		bytes.Add(float64(st.BytesIn), "service", s.name, "direction", "in")
		bytes.Add(float64(st.BytesOut), "service", s.name, "direction", "out")
		panics.Add(float64(st.Panics), "service", s.name)
		for _, o := range s.OpStats() {
			k := opKey{o.Interface, o.Name, o.Opnum}
			have := total[k]
			if have == nil {
				total[k] = &o
				keys = append(keys, k)
				continue
			}
			join(have, &o)
		}
	}
	counter := func(name, help string) metrics.Family {
		return metrics.Family{Name: name, Help: help, Type: metrics.Counter}
	}
	calls := counter("lwio_rpc_calls_total", "Calls that reached a method.")
	faults := counter("lwio_rpc_faults_total", "Calls that ended with a fault.")
	refused := counter("lwio_rpc_refused_total", "Calls that were refused by policy.")
	stub := counter("lwio_rpc_stub_bytes_total", "Octets of stub data, by direction.")
	running := metrics.Family{Name: "lwio_rpc_calls_running", Help: "Calls in a method now.", Type: metrics.Gauge}
	seconds := metrics.Family{Name: "lwio_rpc_call_seconds", Help: "How long methods took.", Type: metrics.Histogram}
	bounds := make([]float64, len(server.LatencyBounds))
	for i, b := range server.LatencyBounds {
		bounds[i] = b.Seconds()
	}
	for _, k := range keys {
		o := total[k]
		labels := []string{"interface", k.iface, "operation", k.name, "opnum", strconv.Itoa(int(k.opnum))}
		calls.Add(float64(o.Calls), labels...)
		faults.Add(float64(o.Faults), labels...)
		refused.Add(float64(o.Refused), labels...)
		running.Add(float64(o.Running), labels...)
		stub.Add(float64(o.BytesIn), append(slices.Clone(labels), "direction", "in")...)
		stub.Add(float64(o.BytesOut), append(slices.Clone(labels), "direction", "out")...)
		seconds.AddHistogram(bounds, o.Latency[:], o.Time.Seconds(), labels...)
	}
	audit := counter("lwio_rpc_refusals_total", "Calls that were refused, of all interfaces; the log may tell of fewer.")
	audit.Add(float64(h.audit.Refused()))
	following := metrics.Family{Name: "lwio_rpc_traces", Help: "Traces that are being followed.", Type: metrics.Gauge}
	following.Add(float64(h.tracer.Following()))
	return []metrics.Family{calls, faults, refused, running, stub, seconds, conns, accepted, groups, bytes, panics, audit, following}
}

// join adds the counters of the same operation at another server.
func join(to, o *server.OpStats) {
	to.Calls += o.Calls
	to.Faults += o.Faults
	to.Refused += o.Refused
	to.Running += o.Running
	to.BytesIn += o.BytesIn
	to.BytesOut += o.BytesOut
	to.Time += o.Time
	for i, n := range o.Latency {
		to.Latency[i] += n
	}
}

// processFamilies are what the Go runtime knows of the process.
func processFamilies() []metrics.Family {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	gauge := func(name, help string, v float64) metrics.Family {
		f := metrics.Family{Name: name, Help: help, Type: metrics.Gauge}
		f.Add(v)
		return f
	}
	return []metrics.Family{
		gauge("lwio_goroutines", "Goroutines of the process.", float64(runtime.NumGoroutine())),
		gauge("lwio_heap_bytes", "Octets of the heap in use.", float64(m.HeapInuse)),
		gauge("lwio_memory_bytes", "Octets of memory that the process has from the system.", float64(m.Sys)),
	}
}
