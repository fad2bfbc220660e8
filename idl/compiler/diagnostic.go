package compiler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a source file. Lines and columns count from 1, columns in characters.
type Pos struct {
	File string
	Line int
	Col  int
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Diagnostic is one mistake.
type Diagnostic struct {
	Pos  Pos
	Msg  string
	Hint string // what to write instead, or empty
}

func (d Diagnostic) String() string {
	s := d.Pos.String() + ": " + d.Msg
	if d.Hint != "" {
		s += "\n\thint: " + d.Hint
	}
	return s
}

// Diagnostics is every mistake a run found, in the order of the source. It is the error that Compile and Check return.
type Diagnostics []Diagnostic

func (l Diagnostics) Error() string {
	var b strings.Builder
	for i, d := range l {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.String())
	}
	return b.String()
}

// maxDiagnostics ends a run: past so many the rest are echoes of the first.
const maxDiagnostics = 50

// diagnostics collects; the zero value is ready.
type diagnostics struct{ list Diagnostics }

func (c *diagnostics) add(pos Pos, hint, format string, args ...any) {
	d := Diagnostic{Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint}
	if len(c.list) < maxDiagnostics && !slices.Contains(c.list, d) {
		c.list = append(c.list, d)
	}
}

// addOnce reports what follows from another mistake, if no other was reported.
func (c *diagnostics) addOnce(pos Pos, format string, args ...any) {
	if len(c.list) == 0 {
		c.add(pos, "", format, args...)
	}
}

func (c *diagnostics) merge(d *diagnostics) {
	for _, x := range d.list {
		c.add(x.Pos, x.Hint, "%s", x.Msg)
	}
}

func (c *diagnostics) err() error {
	if len(c.list) == 0 {
		return nil
	}
	slices.SortStableFunc(c.list, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	return c.list
}

// nearest returns the candidate that a misspelt word most likely meant, or "".
func nearest(word string, candidates []string) string {
	best, bestDist := "", 3
	for _, c := range candidates {
		if d := editDistance(strings.ToLower(word), strings.ToLower(c)); d < bestDist || d == bestDist && best != "" && c < best {
			best, bestDist = c, d
		}
	}
	if bestDist*2 > len(word) {
		return ""
	}
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, diag+1)
		}
	}
	return row[len(b)]
}
