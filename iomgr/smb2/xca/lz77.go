package xca

import (
	"math/bits"
	"sync"
)

// DecompressLZ77 decodes plain LZ77 (MS-XCA 2.4.4) and returns how much of dst it filled. It ends when dst is full or where the data ends;
// a match that goes beyond dst is corrupt.
func DecompressLZ77(dst, src []byte) (int, error) {
	var flags uint32
	left := 0           // flags that are not used yet
	in, out := 0, 0     // positions
	half, held := -1, 0 // where a byte stands of which the upper half is not used yet, and that half
	for out < len(dst) {
		if left == 0 {
			if len(src)-in < 4 {
				return out, ErrCorrupt
			}
			flags, left = le.Uint32(src[in:]), 32
			in += 4
		}
		if flags < 1<<31 { // literals
			n := min(bits.LeadingZeros32(flags), left, len(dst)-out)
			if n > len(src)-in {
				return out, ErrCorrupt
			}
			if n == 1 {
				dst[out] = src[in]
			} else {
				copy(dst[out:out+n], src[in:in+n])
			}
			in, out = in+n, out+n
			flags <<= n
			left -= n
			continue
		}
		flags <<= 1
		left--
		if in == len(src) {
			return out, nil
		}
		if len(src)-in < 2 {
			return out, ErrCorrupt
		}
		m := int(le.Uint16(src[in:]))
		in += 2
		n, off := m&7, m>>3+1
		if n == 7 {
			if half < 0 {
				if in >= len(src) {
					return out, ErrCorrupt
				}
				n, held, half = int(src[in]&15), int(src[in]>>4), in
				in++
			} else {
				n, half = held, -1
			}
			if n == 15 {
				if in >= len(src) {
					return out, ErrCorrupt
				}
				n = int(src[in])
				in++
				if n == 255 {
					var ok bool
					if n, in, ok = longLength(src, in, len(dst)); !ok || n < 15+7 {
						return out, ErrCorrupt
					}
					n -= 15 + 7
				}
				n += 15
			}
			n += 7
		}
		n += minMatch
		if off > out || n > len(dst)-out {
			return out, ErrCorrupt
		}
		if n <= off {
			copy(dst[out:out+n], dst[out-off:])
			out += n
			continue
		}
		out = copyMatch(dst, out, off, n)
	}
	return out, nil
}

// longLength reads the length of a match in two bytes, or in four where those are zero. More than limit is none.
func longLength(src []byte, in, limit int) (n, next int, ok bool) {
	if len(src)-in < 2 {
		return 0, in, false
	}
	if n = int(le.Uint16(src[in:])); n != 0 {
		return n, in + 2, true
	}
	in += 2
	if len(src)-in < 4 {
		return 0, in, false
	}
	v := le.Uint32(src[in:])
	return int(min(uint64(v), uint64(limit)+1)), in + 4, uint64(v) <= uint64(limit)
}

const (
	lz77Window   = 8192
	lz77HashBits = 14
	lz77Depth    = 2  // candidates that are looked at
	lz77Nice     = 48 // a match that is long enough to take it at once
	lz77Slack    = 16 // more than the longest match and a word of flags take
	lz77Longest  = 1 << 30
)

// lz77Matcher finds earlier occurrences: by a hash of three bytes the latest, and from each the one before it. Positions are counted from one.
type lz77Matcher struct {
	head [1 << lz77HashBits]int32
	prev [lz77Window]int32
}

var lz77Matchers = sync.Pool{New: func() any { return new(lz77Matcher) }}

func lz77Hash(v uint32) uint32 { return v << 8 * 2654435761 >> (32 - lz77HashBits) }

// CompressLZ77 encodes src as plain LZ77 (MS-XCA 2.3.4) into dst and returns the length. False if that is not (nearly) shorter
// than dst: an encoder gives up up to sixteen bytes before the end of it.
func CompressLZ77(dst, src []byte) (int, bool) {
	if len(dst) < lz77Slack || len(src) > lz77Longest {
		return 0, false
	}
	m := lz77Matchers.Get().(*lz77Matcher)
	defer lz77Matchers.Put(m)
	clear(m.head[:])
	var flags uint32
	used := 0         // flags in flags
	at, out := 0, 4   // where flags will go, and what follows
	half := -1        // where a byte stands that has room for a half
	i, anchor := 0, 0 // anchor: what is before it is encoded
	limit := len(dst) - lz77Slack
	last := len(src) - 4
	for i <= last {
		v := le.Uint32(src[i:])
		h := lz77Hash(v)
		cand := m.head[h] - 1
		best, from := minMatch-1, 0
		for depth := lz77Depth; cand >= 0 && i-int(cand) < lz77Window && depth > 0; depth-- {
			c := int(cand)
			if (le.Uint32(src[c:])^v)<<8 == 0 && (best < minMatch || i+best < len(src) && src[c+best] == src[i+best]) {
				if n := minMatch + matchLength(src, c+minMatch, i+minMatch); n > best {
					best, from = n, c
					if n >= lz77Nice {
						break
					}
				}
			}
			cand = m.prev[c&(lz77Window-1)] - 1
		}
		m.prev[i&(lz77Window-1)] = m.head[h]
		m.head[h] = int32(i + 1)
		if best < minMatch {
			i += 1 + (i-anchor)>>6 // what does not repeat is looked at less and less
			continue
		}
		// The literals before the match.
		for anchor < i {
			n := min(i-anchor, 32-used)
			if out+n > limit {
				return 0, false
			}
			copy(dst[out:out+n], src[anchor:anchor+n])
			flags <<= n
			out, anchor, used = out+n, anchor+n, used+n
			if used == 32 {
				le.PutUint32(dst[at:], flags)
				flags, used, at, out = 0, 0, out, out+4
			}
		}
		if out > limit {
			return 0, false
		}
		out, half = putMatch(dst, out, half, i-from, best)
		flags = flags<<1 | 1
		if used++; used == 32 {
			le.PutUint32(dst[at:], flags)
			flags, used, at, out = 0, 0, out, out+4
		}
		next := i + best
		step := 1 + best>>4
		for i += step; i < next && i <= last; i += step {
			h := lz77Hash(le.Uint32(src[i:]))
			m.prev[i&(lz77Window-1)] = m.head[h]
			m.head[h] = int32(i + 1)
		}
		i, anchor = next, next
	}
	for anchor < len(src) {
		n := min(len(src)-anchor, 32-used)
		if out+n > limit {
			return 0, false
		}
		copy(dst[out:out+n], src[anchor:anchor+n])
		flags <<= n
		out, anchor, used = out+n, anchor+n, used+n
		if used == 32 {
			le.PutUint32(dst[at:], flags)
			flags, used, at, out = 0, 0, out, out+4
		}
	}
	// What is left of the flags says match, where the decoder finds the end (2.3.4).
	le.PutUint32(dst[at:], uint32((uint64(flags)+1)<<(32-used)-1))
	return out, true
}

// matchLength counts the bytes that are equal from a and from b on; a is before b.
func matchLength(src []byte, a, b int) int {
	start := b
	for b+8 <= len(src) {
		if x := le.Uint64(src[a:]) ^ le.Uint64(src[b:]); x != 0 {
			return b - start + bits.TrailingZeros64(x)>>3
		}
		a, b = a+8, b+8
	}
	for b < len(src) && src[a] == src[b] {
		a, b = a+1, b+1
	}
	return b - start
}

// putMatch writes a match; there is room for it.
func putMatch(dst []byte, out, half, off, n int) (next, newHalf int) {
	n -= minMatch
	m := uint16(off-1) << 3
	if n < 7 {
		le.PutUint16(dst[out:], m|uint16(n))
		return out + 2, half
	}
	le.PutUint16(dst[out:], m|7)
	out += 2
	n -= 7
	if half < 0 {
		half = out
		dst[out] = byte(min(n, 15))
		out++
	} else {
		dst[half] |= byte(min(n, 15) << 4)
		half = -1
	}
	if n < 15 {
		return out, half
	}
	if n -= 15; n < 255 {
		dst[out] = byte(n)
		return out + 1, half
	}
	dst[out] = 255
	out++
	if n += 15 + 7; n < 1<<16 {
		le.PutUint16(dst[out:], uint16(n))
		return out + 2, half
	}
	le.PutUint16(dst[out:], 0)
	le.PutUint32(dst[out+2:], uint32(n))
	return out + 6, half
}
