package nt

import "strings"

// Wildcards of a search expression (MS-FSA 2.1.4.4). The DOS ones are what Windows makes of the old patterns.
const (
	wildStar    = '*'
	wildQM      = '?'
	wildDOSStar = '<' // like *, but never goes on past the last dot of the name
	wildDOSQM   = '>' // one unit, or nothing before a dot and at the end
	wildDOSDot  = '"' // a dot, or nothing at the end
)

// HasWildcards reports whether s holds a wildcard.
func HasWildcards(s string) bool { return strings.ContainsAny(s, `*?<>"`) }

// MatchName reports whether a name is in a search expression (MS-FSA 2.1.4.4). It compares unit by unit: for a search
// without regard to case both are given in upper case, by Upcase. The time is bounded by the product of the lengths.
func MatchName(expression, name string) bool {
	if expression == "*" {
		return true
	}
	if !HasWildcards(expression) {
		return expression == name
	}
	var eb, nb [128]uint16
	e, n := appendUnits(eb[:0], expression), appendUnits(nb[:0], name)
	lastDot := -1
	for i, u := range n {
		if u == '.' {
			lastDot = i
		}
	}
	// now and next are the places in the expression that may be reached, place len(e) being its end.
	var nowb, nextb [129]bool
	now, next := nowb[:], nextb[:]
	if len(e) >= len(now) {
		now, next = make([]bool, len(e)+1), make([]bool, len(e)+1)
	}
	now[0] = true
	for i := 0; ; i++ {
		end := i == len(n)
		clear(next)
		any := false
		for p := range e {
			if !now[p] {
				continue
			}
			dot := !end && n[i] == '.'
			switch e[p] {
			case wildStar:
				now[p+1] = true
				next[p] = true
			case wildDOSStar:
				now[p+1] = true
				if i == lastDot {
					next[p+1] = true
				} else {
					next[p] = true
				}
			case wildQM:
				next[p+1] = true
			case wildDOSQM:
				if end || dot {
					now[p+1] = true
				} else {
					next[p+1] = true
				}
			case wildDOSDot:
				if end {
					now[p+1] = true
				} else if dot {
					next[p+1] = true
				}
			default:
				if !end && e[p] == n[i] {
					next[p+1] = true
				}
			}
			any = true
		}
		if end {
			return now[len(e)]
		}
		if !any {
			return false
		}
		now, next = next, now
	}
}

func appendUnits(u []uint16, s string) []uint16 {
	for i := 0; i < len(s); {
		r, size := decodeWTF8(s, i)
		i += size
		if r >= 0x10000 {
			hi, lo := splitSurrogates(r)
			u = append(u, hi, lo)
			continue
		}
		u = append(u, uint16(r))
	}
	return u
}
