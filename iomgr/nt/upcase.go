package nt

// upcasePages holds the mapping by high byte; a nil page maps to itself. It is built once from upcaseRanges.
var upcasePages = func() (pages [256]*[256]uint16) {
	for _, r := range upcaseRanges {
		for u := uint32(r.first); u <= uint32(r.last); u += uint32(r.step) {
			p := pages[u>>8]
			if p == nil {
				p = new([256]uint16)
				for i := range p {
					p[i] = uint16(u&0xFF00) | uint16(i)
				}
				pages[u>>8] = p
			}
			p[u&0xFF] = uint16(int32(u) + r.delta)
		}
	}
	return pages
}()

// UpcaseRune is the upper case of one 16-bit unit by the NTFS table. Surrogates map to themselves, so letters
// outside the Basic Multilingual Plane have no case on NTFS, nor here.
func UpcaseRune(u uint16) uint16 {
	if p := upcasePages[u>>8]; p != nil {
		return p[u&0xFF]
	}
	return u
}

// Upcase is s in upper case by the NTFS table; s itself, without a copy, where nothing changes.
func Upcase(s string) string {
	i := 0
	for i < len(s) {
		r, size := decodeWTF8(s, i)
		if r < 0x10000 && UpcaseRune(uint16(r)) != uint16(r) {
			break
		}
		i += size
	}
	if i == len(s) {
		return s
	}
	out := make([]byte, i, len(s)+4)
	copy(out, s)
	for i < len(s) {
		r, size := decodeWTF8(s, i)
		if r < 0x10000 {
			r = rune(UpcaseRune(uint16(r)))
			out = appendWTF8(out, r)
		} else {
			out = append(out, s[i:i+size]...)
		}
		i += size
	}
	return string(out)
}

// EqualFold reports whether NTFS takes a and b for the same name. It does not allocate.
func EqualFold(a, b string) bool { return CompareFold(a, b) == 0 }

// CompareFold orders names as an NTFS directory does: by upper-case 16-bit units. It does not allocate.
func CompareFold(a, b string) int {
	var x, y unitReader
	x.s, y.s = a, b
	for {
		u, okU := x.next()
		v, okV := y.next()
		switch {
		case !okU && !okV:
			return 0
		case !okU:
			return -1
		case !okV:
			return 1
		}
		if u == v {
			continue
		}
		if u, v = UpcaseRune(u), UpcaseRune(v); u != v {
			if u < v {
				return -1
			}
			return 1
		}
	}
}

// unitReader walks a string by 16-bit units.
type unitReader struct {
	s   string
	i   int
	low uint16 // second half of a surrogate pair, still to be given; 0 if none
}

func (r *unitReader) next() (uint16, bool) {
	if r.low != 0 {
		u := r.low
		r.low = 0
		return u, true
	}
	if r.i >= len(r.s) {
		return 0, false
	}
	c, size := decodeWTF8(r.s, r.i)
	r.i += size
	if c >= 0x10000 {
		var hi uint16
		hi, r.low = splitSurrogates(c)
		return hi, true
	}
	return uint16(c), true
}
