package metrics

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// Parse reads the format. The error says in which line it is broken.
func Parse(text []byte) ([]Family, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("metrics: not UTF-8")
	}
	s := string(text)
	if s != "" && !strings.HasSuffix(s, "\n") {
		return nil, errors.New("metrics: the last line does not end")
	}
	var p parser
	n := 0
	for line := range strings.Lines(s) {
		n++
		if err := p.line(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, fmt.Errorf("metrics: line %d: %w", n, err)
		}
	}
	if err := p.end(); err != nil {
		return nil, fmt.Errorf("metrics: line %d: %w", n, err)
	}
	return p.out, nil
}

type parser struct {
	out  []Family
	seen map[string]bool // samples of the family that is read, by name and labels
	help string          // name of a HELP that waits for its TYPE
	text string
}

func (p *parser) line(line string) error {
	if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
		name, text, ok := strings.Cut(rest, " ")
		if !ok || p.help != "" {
			return errors.New("HELP without a name, a text, or a TYPE for the one before")
		}
		var err error
		p.help = name
		p.text, err = unescape(text, false)
		return err
	}
	if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
		return p.begin(rest)
	}
	if line == "" || line[0] == '#' || p.help != "" {
		return errors.New("neither HELP, TYPE nor a sample, or a HELP without TYPE")
	}
	return p.sample(line)
}

func (p *parser) begin(rest string) error {
	name, typ, _ := strings.Cut(rest, " ")
	if name != p.help || !metricName.MatchString(name) {
		return fmt.Errorf("TYPE of %q after HELP of %q", name, p.help)
	}
	if slices.ContainsFunc(p.out, func(f Family) bool { return f.Name == name }) {
		return fmt.Errorf("%s a second time", name)
	}
	if t := Type(typ); t != Counter && t != Gauge && t != Histogram {
		return fmt.Errorf("type %q", typ)
	}
	if err := p.end(); err != nil {
		return err
	}
	p.out = append(p.out, Family{Name: name, Help: p.text, Type: Type(typ)})
	p.help, p.seen = "", map[string]bool{}
	return nil
}

func (p *parser) sample(line string) error {
	if len(p.out) == 0 {
		return errors.New("a sample before the first TYPE")
	}
	f := &p.out[len(p.out)-1]
	end := strings.IndexAny(line, "{ ")
	if end < 0 {
		return errors.New("a sample without value")
	}
	suffix, ok := strings.CutPrefix(line[:end], f.Name)
	if !ok || f.Type == Histogram != (suffix == "_bucket" || suffix == "_sum" || suffix == "_count") || f.Type != Histogram && suffix != "" {
		return fmt.Errorf("%q is not of the family %s", line[:end], f.Name)
	}
	x := Sample{Suffix: suffix}
	rest := line[end:]
	if rest[0] == '{' {
		var err error
		if x.Labels, rest, err = labels(rest[1:]); err != nil {
			return err
		}
	}
	value, ok := strings.CutPrefix(rest, " ")
	if !ok || value == "" || strings.Contains(value, " ") {
		return errors.New("want a blank and a value")
	}
	v, err := parseNumber(value)
	if err != nil {
		return err
	}
	if x.Value = v; f.Type != Gauge && (v < 0 || math.IsNaN(v)) {
		return fmt.Errorf("%s is %v", f.Name, v)
	}
	id := fmt.Sprint(x.Suffix, x.Labels)
	if p.seen[id] {
		return errors.New("a sample a second time")
	}
	p.seen[id] = true
	f.Samples = append(f.Samples, x)
	return nil
}

func parseNumber(s string) (float64, error) {
	switch s {
	case "+Inf":
		return math.Inf(1), nil
	case "-Inf":
		return math.Inf(-1), nil
	case "NaN":
		return math.NaN(), nil
	}
	if strings.Trim(s, "0123456789.eE+-") != "" {
		return 0, fmt.Errorf("%q is no number", s)
	}
	return strconv.ParseFloat(s, 64)
}

// labels reads what follows the brace, up to and with the one that closes it.
func labels(s string) (list []Label, rest string, err error) {
	for {
		name, more, ok := strings.Cut(s, `="`)
		if !ok || !labelName.MatchString(name) || slices.ContainsFunc(list, func(l Label) bool { return l.Name == name }) {
			return nil, "", fmt.Errorf("label %q", name)
		}
		end := 0
		for end < len(more) && more[end] != '"' {
			if more[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(more) {
			return nil, "", errors.New("a label's value does not end")
		}
		value, err := unescape(more[:end], true)
		if err != nil {
			return nil, "", err
		}
		list = append(list, Label{name, value})
		s = more[end+1:]
		if rest, ok := strings.CutPrefix(s, "}"); ok {
			return list, rest, nil
		}
		if s, ok = strings.CutPrefix(s, ","); !ok {
			return nil, "", errors.New("want a comma or a brace behind a label")
		}
	}
}

func unescape(s string, quotes bool) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch {
		case i < len(s) && s[i] == 'n':
			b.WriteByte('\n')
		case i < len(s) && (s[i] == '\\' || quotes && s[i] == '"'):
			b.WriteByte(s[i])
		default:
			return "", errors.New("an escape that there is not")
		}
	}
	return b.String(), nil
}

// end checks the family that was read: one has samples, and the buckets of a histogram grow up to its count.
func (p *parser) end() error {
	if len(p.out) == 0 {
		return nil
	}
	f := &p.out[len(p.out)-1]
	if len(f.Samples) == 0 {
		return fmt.Errorf("%s has no samples", f.Name)
	}
	if f.Type != Histogram {
		return nil
	}
	type series struct {
		le, last   float64
		sum, count bool
		buckets    int
	}
	all := map[string]*series{}
	for _, s := range f.Samples {
		le := math.NaN()
		rest := slices.DeleteFunc(slices.Clone(s.Labels), func(l Label) bool {
			if l.Name == "le" {
				le, _ = parseNumber(l.Value)
			}
			return l.Name == "le"
		})
		id := fmt.Sprint(rest)
		x := all[id]
		if x == nil {
			x = &series{le: math.Inf(-1)}
			all[id] = x
		}
		switch s.Suffix {
		case "_bucket":
			if !(le > x.le) || s.Value < x.last {
				return fmt.Errorf("buckets of %s do not grow", f.Name)
			}
			x.le, x.last = le, s.Value
			x.buckets++
		case "_sum":
			x.sum = true
		case "_count":
			if x.count = true; s.Value != x.last || !math.IsInf(x.le, 1) {
				return fmt.Errorf("the count of %s is not that of its last bucket", f.Name)
			}
		}
	}
	for _, x := range all {
		if !x.sum || !x.count || x.buckets == 0 {
			return fmt.Errorf("%s lacks a sum, a count or buckets", f.Name)
		}
	}
	return nil
}
