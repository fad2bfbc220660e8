package xca

import (
	"math/bits"
	"sync"
)

const (
	lznt1Chunk      = 4096
	lznt1Signature  = 3 << 12
	lznt1Compressed = 1 << 15
)

// lznt1Split is how many bits of a match at position n of a chunk are its length; the others are the distance (MS-XCA 2.5.1.4).
func lznt1Split(n int) int { return 16 - max(bits.Len(uint(n-1)), 4) }

// DecompressLZNT1 decodes LZNT1 (MS-XCA 2.5.3) and returns how much of dst it filled. It ends when dst is full, at an empty header, or where
// the data ends.
func DecompressLZNT1(dst, src []byte) (int, error) {
	out := 0
	for len(src) > 0 && out < len(dst) {
		if len(src) < 2 {
			return out, ErrCorrupt
		}
		h := int(le.Uint16(src))
		if h == 0 {
			return out, nil
		}
		n := h&0xFFF + 3
		if h&0x7000 != lznt1Signature || n > len(src) || out%lznt1Chunk != 0 { // only the last chunk is short
			return out, ErrCorrupt
		}
		chunk := dst[out:min(out+lznt1Chunk, len(dst))]
		data := src[2:n]
		src = src[n:]
		if h&lznt1Compressed == 0 {
			if len(data) > len(chunk) {
				return out, ErrCorrupt
			}
			out += copy(chunk, data)
			continue
		}
		k, ok := lznt1DecodeChunk(chunk, data)
		out += k
		if !ok {
			return out, ErrCorrupt
		}
	}
	return out, nil
}

func lznt1DecodeChunk(dst, src []byte) (int, bool) {
	out, in := 0, 0
	for in < len(src) {
		flags := src[in]
		in++
		for i := 0; i < 8 && in < len(src); i++ {
			if flags>>i&1 == 0 {
				if out >= len(dst) {
					return out, false
				}
				dst[out] = src[in]
				in, out = in+1, out+1
				continue
			}
			if len(src)-in < 2 || out == 0 {
				return out, false
			}
			v := int(le.Uint16(src[in:]))
			in += 2
			split := lznt1Split(out)
			n, off := v&(1<<split-1)+minMatch, v>>split+1
			if off > out || n > len(dst)-out {
				return out, false
			}
			out = copyMatch(dst, out, off, n)
		}
	}
	return out, true
}

// lznt1Matcher has the last position of three bytes in the chunk, counted from one.
type lznt1Matcher [1 << 12]uint16

var lznt1Matchers = sync.Pool{New: func() any { return new(lznt1Matcher) }}

// CompressLZNT1 encodes src as LZNT1 into dst and returns the length; false if there is no room.
func CompressLZNT1(dst, src []byte) (int, bool) {
	m := lznt1Matchers.Get().(*lznt1Matcher)
	defer lznt1Matchers.Put(m)
	out := 0
	for len(src) > 0 {
		chunk := src[:min(len(src), lznt1Chunk)]
		src = src[len(chunk):]
		if len(dst)-out < 3 {
			return 0, false
		}
		clear(m[:])
		room := dst[out+2 : min(out+2+len(chunk), len(dst))]
		if n := m.encode(room, chunk); n > 0 {
			le.PutUint16(dst[out:], uint16(lznt1Compressed|lznt1Signature|(n-1)))
			out += 2 + n
			continue
		}
		if len(room) < len(chunk) {
			return 0, false
		}
		le.PutUint16(dst[out:], uint16(lznt1Signature|(len(chunk)-1)))
		out += 2 + copy(room, chunk)
	}
	return out, true
}

// encode writes a chunk's groups and returns their length, 0 if they are not shorter than dst.
func (m *lznt1Matcher) encode(dst, src []byte) int {
	out, i := 0, 0
	for i < len(src) {
		if len(dst)-out < 1+8*2 {
			return 0
		}
		flags := out
		dst[flags] = 0
		out++
		for bit := 0; bit < 8 && i < len(src); bit++ {
			n, off := m.find(src, i)
			if n == 0 {
				dst[out] = src[i]
				out, i = out+1, i+1
				continue
			}
			split := lznt1Split(i)
			n = min(n, 1<<split-1+minMatch)
			le.PutUint16(dst[out:], uint16((off-1)<<split|(n-minMatch)))
			dst[flags] |= 1 << bit
			out, i = out+2, i+n
		}
	}
	return out
}

// find gives the match at i, and keeps that position.
func (m *lznt1Matcher) find(src []byte, i int) (n, off int) {
	if len(src)-i < minMatch {
		return 0, 0
	}
	v := uint32(src[i]) | uint32(src[i+1])<<8 | uint32(src[i+2])<<16
	h := v * 2654435761 >> 20
	c := int(m[h]) - 1
	m[h] = uint16(i + 1)
	if c < 0 {
		return 0, 0
	}
	if n = matchLength(src, c, i); n < minMatch {
		return 0, 0
	}
	return n, i - c
}
