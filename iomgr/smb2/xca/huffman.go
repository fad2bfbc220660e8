package xca

import "sync"

const (
	huffmanSymbols = 512
	huffmanBits    = 15 // the longest code
	huffmanTable   = huffmanSymbols / 2
	huffmanBlock   = 1 << 16 // bytes of output after which a table follows
)

// huffmanDecoder maps the next fifteen bits to a symbol, and above it the length of its code.
type huffmanDecoder [1 << huffmanBits]uint16

var huffmanDecoders = sync.Pool{New: func() any { return new(huffmanDecoder) }}

// build makes the canonical code of the lengths in table, two to a byte, the lower half first. False if they are not those of
// a complete code.
func (d *huffmanDecoder) build(table []byte) bool {
	var starts [huffmanBits + 2]int // of the symbols of each length, in entries
	for _, b := range table[:huffmanTable] {
		for _, n := range [2]byte{b & 15, b >> 4} {
			if n != 0 {
				starts[n+1] += 1 << (huffmanBits - n)
			}
		}
	}
	for n := 1; n < len(starts); n++ {
		starts[n] += starts[n-1]
	}
	if starts[huffmanBits+1] != len(d) {
		return false
	}
	for s := range uint16(huffmanSymbols) {
		n := table[s/2] >> (s % 2 * 4) & 15
		if n == 0 {
			continue
		}
		at := starts[n]
		starts[n] += 1 << (huffmanBits - n)
		codes := d[at:starts[n]]
		for i := range codes {
			codes[i] = s | uint16(n)<<9
		}
	}
	return true
}

// huffmanReader takes bits from words of sixteen, always at least that many ahead; the bytes of long lengths stand between the words.
type huffmanReader struct {
	src   []byte
	in    int
	next  uint32
	extra int // bits in next beyond sixteen
}

func (r *huffmanReader) begin() bool {
	if len(r.src)-r.in < 4 {
		return false
	}
	r.next = uint32(le.Uint16(r.src[r.in:]))<<16 | uint32(le.Uint16(r.src[r.in+2:]))
	r.in += 4
	r.extra = 16
	return true
}

func (r *huffmanReader) skip(n int) bool {
	r.next <<= n
	if r.extra -= n; r.extra >= 0 {
		return true
	}
	if len(r.src)-r.in < 2 {
		return false
	}
	r.next |= uint32(le.Uint16(r.src[r.in:])) << -r.extra
	r.extra += 16
	r.in += 2
	return true
}

// DecompressLZ77Huffman decodes LZ77 with Huffman codes (MS-XCA 2.2.4). The format does not tell its end: it fills dst, or fails.
func DecompressLZ77Huffman(dst, src []byte) (int, error) {
	d := huffmanDecoders.Get().(*huffmanDecoder)
	defer huffmanDecoders.Put(d)
	r := huffmanReader{src: src}
	out := 0
	for out < len(dst) {
		if len(src)-r.in < huffmanTable || !d.build(src[r.in:]) {
			return out, ErrCorrupt
		}
		r.in += huffmanTable
		if !r.begin() {
			return out, ErrCorrupt
		}
		end := min(out+huffmanBlock, len(dst))
		for out < end {
			e := d[r.next>>(32-huffmanBits)]
			if !r.skip(int(e >> 9)) {
				return out, ErrCorrupt
			}
			s := int(e & (huffmanSymbols - 1))
			if s < 256 {
				dst[out] = byte(s)
				out++
				continue
			}
			n, ok := r.length(s&15, len(dst))
			if !ok {
				return out, ErrCorrupt
			}
			k := s >> 4 & 15
			off := 1<<k | int(r.next>>(32-k))
			if !r.skip(k) || off > out || n > len(dst)-out {
				return out, ErrCorrupt
			}
			out = copyMatch(dst, out, off, n)
		}
	}
	return out, nil
}

// length completes the length of a match, of which the symbol has n.
func (r *huffmanReader) length(n, limit int) (int, bool) {
	if n < 15 {
		return n + minMatch, true
	}
	if r.in >= len(r.src) {
		return 0, false
	}
	n = int(r.src[r.in])
	r.in++
	if n < 255 {
		return n + 15 + minMatch, true
	}
	n, in, ok := longLength(r.src, r.in, limit)
	r.in = in
	return n + minMatch, ok && n >= 15
}
