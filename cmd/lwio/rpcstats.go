package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lwio/cmd/internal/metrics"
	"lwio/gen/rpcctl"
)

func statsCommand(a *app) *cobra.Command {
	var all, text bool
	var daemon string
	c := &cobra.Command{Use: "stats", Short: "What the daemons count", Args: cobra.NoArgs,
		Long: "Show the operations that were called, with how often and how long they took. --all shows everything else that is counted besides, --text what Prometheus would get.",
		RunE: func(c *cobra.Command, _ []string) error { return a.stats(c, daemon, all, text) }}
	p := c.Flags()
	p.BoolVar(&all, "all", false, "show all that is counted")
	p.BoolVar(&text, "text", false, "print the text format of Prometheus")
	p.StringVar(&daemon, "daemon-name", "", "only of that daemon: lwiod, lsassd or srvsvcd")
	return c
}

// opStats are the counters of an operation.
type opStats struct {
	Daemon    string  `json:"daemon"`
	Interface string  `json:"interface"`
	Operation string  `json:"operation"`
	Opnum     string  `json:"opnum"`
	Calls     float64 `json:"calls"`
	Faults    float64 `json:"faults"`
	Refused   float64 `json:"refused"`
	Running   float64 `json:"running"`
	In        float64 `json:"bytes_in"`
	Out       float64 `json:"bytes_out"`
	Mean      float64 `json:"mean_seconds"`
	P50       float64 `json:"p50_seconds"`
	P99       float64 `json:"p99_seconds"`

	buckets []bucket
	sum     float64
}

type bucket struct{ le, count float64 }

// value is one of all that is counted.
type value struct {
	Daemon string            `json:"daemon"`
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
	Value  float64           `json:"value"`
}

func (a *app) stats(c *cobra.Command, daemon string, all, text bool) error {
	list, done, err := a.controls(c.Context(), daemon)
	if err != nil {
		return err
	}
	defer done()
	ops, values := []*opStats{}, []value{}
	for _, x := range list {
		res, err := x.RpcctlMetrics(c.Context(), &rpcctl.RpcctlMetricsRequest{})
		if err != nil {
			return err
		}
		if err := win32(res.Return, "metrics of %s", x.daemon); err != nil {
			return err
		}
		if text {
			if len(list) > 1 {
				fmt.Fprintf(c.OutOrStdout(), "# %s\n", x.daemon)
			}
			if _, err := c.OutOrStdout().Write(res.Text); err != nil {
				return err
			}
			continue
		}
		families, err := metrics.Parse(res.Text)
		if err != nil {
			return fmt.Errorf("%s: %w", x.daemon, err)
		}
		ops = append(ops, operations(x.daemon, families)...)
		values = append(values, flat(x.daemon, families)...)
	}
	switch {
	case text:
		return nil
	case all:
		rows := [][]string{}
		for _, v := range values {
			labels := []string{}
			for k, l := range v.Labels {
				labels = append(labels, k+"="+l)
			}
			slices.Sort(labels)
			rows = append(rows, []string{v.Daemon, v.Name, strings.Join(labels, " "), strconv.FormatFloat(v.Value, 'f', -1, 64)})
		}
		return a.print(c.OutOrStdout(), values, []string{"DAEMON", "NAME", "OF", "VALUE"}, rows)
	}
	slices.SortStableFunc(ops, func(x, y *opStats) int { return cmp.Compare(y.Calls, x.Calls) })
	rows := [][]string{}
	n := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	for _, o := range ops {
		rows = append(rows, []string{o.Daemon, o.Interface, o.Operation, n(o.Calls), n(o.Faults), n(o.Refused), n(o.Running), n(o.In), n(o.Out), span(o.Mean), span(o.P50), span(o.P99)})
	}
	return a.print(c.OutOrStdout(), ops, []string{"DAEMON", "INTERFACE", "OPERATION", "CALLS", "FAULTS", "REFUSED", "RUNNING", "IN", "OUT", "MEAN", "P50", "P99"}, rows)
}

func span(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Microsecond).String()
}

func labelsOf(s *metrics.Sample) map[string]string {
	if len(s.Labels) == 0 {
		return nil
	}
	m := map[string]string{}
	for _, l := range s.Labels {
		m[l.Name] = l.Value
	}
	return m
}

// flat are all values but those of histograms.
func flat(daemon string, families []metrics.Family) (out []value) {
	for _, f := range families {
		if f.Type == metrics.Histogram {
			continue
		}
		for _, s := range f.Samples {
			out = append(out, value{daemon, f.Name, labelsOf(&s), s.Value})
		}
	}
	return out
}

// operations gathers the counters of operations.
func operations(daemon string, families []metrics.Family) (out []*opStats) {
	find := func(l map[string]string) *opStats {
		for _, o := range out {
			if o.Interface == l["interface"] && o.Opnum == l["opnum"] {
				return o
			}
		}
		o := &opStats{Daemon: daemon, Interface: l["interface"], Operation: l["operation"], Opnum: l["opnum"]}
		out = append(out, o)
		return o
	}
	for _, f := range families {
		for i := range f.Samples {
			s := &f.Samples[i]
			l := labelsOf(s)
			switch f.Name + s.Suffix {
			case "lwio_rpc_calls_total":
				find(l).Calls = s.Value
			case "lwio_rpc_faults_total":
				find(l).Faults = s.Value
			case "lwio_rpc_refused_total":
				find(l).Refused = s.Value
			case "lwio_rpc_calls_running":
				find(l).Running = s.Value
			case "lwio_rpc_stub_bytes_total":
				if l["direction"] == "in" {
					find(l).In = s.Value
				} else {
					find(l).Out = s.Value
				}
			case "lwio_rpc_call_seconds_bucket":
				le, err := strconv.ParseFloat(l["le"], 64)
				if err == nil {
					o := find(l)
					o.buckets = append(o.buckets, bucket{le, s.Value})
				}
			case "lwio_rpc_call_seconds_sum":
				find(l).sum = s.Value
			}
		}
	}
	for _, o := range out {
		if o.Calls > 0 {
			o.Mean = o.sum / o.Calls
		}
		o.P50, o.P99 = quantile(o.buckets, 0.5), quantile(o.buckets, 0.99)
	}
	return out
}

// quantile is what so much of the observations are below, as far as the buckets tell: between the bounds of one it is taken to be in proportion.
func quantile(list []bucket, q float64) float64 {
	if len(list) == 0 || list[len(list)-1].count == 0 {
		return 0
	}
	want := q * list[len(list)-1].count
	low, below := 0.0, 0.0
	for _, b := range list {
		if b.count >= want {
			if math.IsInf(b.le, 1) || b.count == below {
				return low
			}
			return low + (b.le-low)*(want-below)/(b.count-below)
		}
		low, below = b.le, b.count
	}
	return low
}
