// Package metrics writes and reads the text format in which Prometheus takes metrics (exposition format 0.0.4), and answers with it over HTTP. It counts nothing: who
// counts gathers Families when somebody asks.
//
//	w := metrics.Append(nil, families) // # HELP …
//	families, err := metrics.Parse(w)
//
// Parse is strict: it takes what Append writes and what the format demands, and nothing that a lenient reader would mend.
package metrics

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Type is what a family measures.
type Type string

// The types.
const (
	Counter   Type = "counter"
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
)

// Family is a metric with its samples. Those of a histogram have the suffixes _bucket, _sum and _count.
type Family struct {
	Name, Help string
	Type       Type
	Samples    []Sample
}

// Label is a name and a value.
type Label struct{ Name, Value string }

// Sample is one value.
type Sample struct {
	Suffix string // of the family's name
	Labels []Label
	Value  float64
}

// Add appends a sample. Labels are names and values in turn.
func (f *Family) Add(value float64, labels ...string) {
	f.Samples = append(f.Samples, Sample{Labels: pairs(labels), Value: value})
}

func pairs(labels []string) (out []Label) {
	for i := 0; i+1 < len(labels); i += 2 {
		out = append(out, Label{labels[i], labels[i+1]})
	}
	return out
}

// AddHistogram appends the samples of a histogram: counts has one more element than bounds, and is not cumulative.
func (f *Family) AddHistogram(bounds []float64, counts []uint64, sum float64, labels ...string) {
	base := pairs(labels)
	total := uint64(0)
	for i, n := range counts {
		total += n
		le := math.Inf(1)
		if i < len(bounds) {
			le = bounds[i]
		}
		f.Samples = append(f.Samples, Sample{"_bucket", append(slices.Clone(base), Label{"le", number(le)}), float64(total)})
	}
	f.Samples = append(f.Samples, Sample{"_sum", base, sum}, Sample{"_count", base, float64(total)})
}

// number is a value as the format spells it.
func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	case math.IsNaN(v):
		return "NaN"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

var (
	helpEscapes  = strings.NewReplacer("\\", `\\`, "\n", `\n`)
	valueEscapes = strings.NewReplacer("\\", `\\`, "\n", `\n`, `"`, `\"`)
)

// Append appends families. Those without samples are left out.
func Append(b []byte, families []Family) []byte {
	for i := range families {
		f := &families[i]
		if len(f.Samples) == 0 {
			continue
		}
		b = append(b, "# HELP "+f.Name+" "+helpEscapes.Replace(f.Help)+"\n# TYPE "+f.Name+" "+string(f.Type)+"\n"...)
		for _, s := range f.Samples {
			b = append(append(b, f.Name...), s.Suffix...)
			for i, l := range s.Labels {
				b = append(b, "{,"[min(i, 1)])
				b = append(b, l.Name+`="`+valueEscapes.Replace(strings.ToValidUTF8(l.Value, "�"))+`"`...)
			}
			if len(s.Labels) > 0 {
				b = append(b, '}')
			}
			b = append(append(append(b, ' '), number(s.Value)...), '\n')
		}
	}
	return b
}
