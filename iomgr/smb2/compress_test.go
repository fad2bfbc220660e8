package smb2

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lwio/iomgr/smb2/xca"
)

var (
	chainedAll = CompressionCapabilities{Flags: CompressionFlagChained, Algorithms: []CompressionAlgorithm{CompressionPatternV1, CompressionLZ4, CompressionLZ77Huffman, CompressionLZNT1, CompressionLZ77}}
	simpleAll  = CompressionCapabilities{Algorithms: chainedAll.Algorithms}
)

func negotiated(t testing.TB, offer CompressionCapabilities) Compression {
	t.Helper()
	c, answer := NegotiateCompression(&offer)
	back, err := AcceptCompression(&answer)
	if err != nil || back != c {
		t.Fatalf("answer %v: %v, %v", answer, back, err)
	}
	return c
}

func TestNegotiateCompression(t *testing.T) {
	type caps = CompressionCapabilities
	type list = []CompressionAlgorithm
	for _, x := range []struct {
		offer, answer caps
	}{
		{chainedAll, CompressionOffer()},
		{simpleAll, caps{Algorithms: list{CompressionLZ77, CompressionLZNT1, CompressionLZ77Huffman}}},
		{caps{Algorithms: list{CompressionLZ4, 99}}, caps{Algorithms: list{CompressionNone}}},
		{caps{Algorithms: list{CompressionPatternV1}}, caps{Algorithms: list{CompressionNone}}},
		{caps{Flags: 1, Algorithms: list{CompressionPatternV1, CompressionLZ77}}, caps{Flags: 1, Algorithms: list{CompressionLZ77, CompressionPatternV1}}},
	} {
		c, answer := NegotiateCompression(&x.offer)
		if !reflect.DeepEqual(answer, x.answer) {
			t.Errorf("offer %v: answer %v, want %v", x.offer, answer, x.answer)
		}
		if c.Enabled() != !slices.Contains(x.answer.Algorithms, CompressionNone) {
			t.Errorf("offer %v: enabled %v", x.offer, c.Enabled())
		}
		negotiated(t, x.offer)
	}
	for _, bad := range []caps{{}, {Algorithms: list{CompressionLZ4}}, {Algorithms: list{CompressionLZ77, CompressionLZ77}}, {Algorithms: list{CompressionLZ77, CompressionNone}}} {
		if c, err := AcceptCompression(&bad); !errors.Is(err, ErrValue) || c.Enabled() {
			t.Errorf("%v accepted: %v, %v", bad, c, err)
		}
	}
}

// decompressAll is what a receiver does.
func decompressAll(c Compression, frame []byte, limit int) ([]byte, error) {
	n, err := c.CompressedSize(frame, limit)
	if err != nil {
		return nil, err
	}
	dst := make([]byte, n)
	return dst, c.Decompress(dst, frame)
}

func compressibles() map[string][]byte {
	text := []byte(strings.Repeat("a read of a text that somebody wrote, and wrote again; ", 400))
	noise := make([]byte, 5000)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	return map[string][]byte{
		"text":                       text,
		"zeros":                      make([]byte, 1<<20),
		"zeros, text":                append(make([]byte, 3000), text...),
		"text, zeros":                append(slices.Clone(text), make([]byte, 3000)...),
		"zeros, little noise, zeros": append(append(make([]byte, 3000), noise[:100]...), make([]byte, 3000)...),
		"zeros, text, x":             append(append(make([]byte, 64), text...), bytes.Repeat([]byte{'x'}, 70000)...),
		"short":                      text[:CompressMin],
	}
}

func TestCompress(t *testing.T) {
	const keep = 80
	for _, offer := range []CompressionCapabilities{
		chainedAll, simpleAll,
		{Flags: 1, Algorithms: []CompressionAlgorithm{CompressionPatternV1}},
		{Flags: 1, Algorithms: []CompressionAlgorithm{CompressionLZ77}},
	} {
		c := negotiated(t, offer)
		for name, b := range compressibles() {
			msg := append(seq(keep), b...)
			dst := make([]byte, len(msg))
			n, ok := c.Compress(dst, msg, keep)
			if !c.knows(CompressionLZ77) && strings.Contains(name, "text") && !strings.Contains(name, "zeros") || !c.knows(CompressionLZ77) && name == "short" {
				if ok {
					t.Errorf("%v %s: compressed without an encoder", offer, name)
				}
				continue
			}
			if !ok || n > len(msg)*15/16 {
				t.Errorf("%v %s: %d of %d bytes, %v", offer, name, n, len(msg), ok)
				continue
			}
			frame := dst[:n:n]
			if IsChainedCompression(frame) != c.chained {
				t.Errorf("%v %s: wrong form", offer, name)
			}
			got, err := decompressAll(c, frame, len(msg))
			if err != nil || !bytes.Equal(got, msg) {
				t.Fatalf("%v %s: %v", offer, name, err)
			}
			if _, err := c.CompressedSize(frame, len(msg)-1); !errors.Is(err, ErrBounds) {
				t.Errorf("%v %s: beyond the limit: %v", offer, name, err)
			}
			if _, err := (Compression{}).CompressedSize(frame, len(msg)); !errors.Is(err, ErrValue) {
				t.Errorf("%v %s: nothing was negotiated: %v", offer, name, err)
			}
			for i := range min(n, 500) {
				if got, err := decompressAll(c, frame[:i:i], len(msg)); err == nil && bytes.Equal(got, msg) {
					t.Errorf("%v %s: whole of %d of %d bytes", offer, name, i, n)
				}
			}
			// With less room it is given up, not overrun.
			for _, room := range []int{0, 20, 100, 120, n - 1} {
				if _, ok := c.Compress(make([]byte, room), msg, keep); ok && room < n {
					t.Errorf("%v %s: fits %d bytes", offer, name, room)
				}
			}
		}
	}
	c := negotiated(t, chainedAll)
	if _, ok := c.Compress(make([]byte, 8000), append(seq(80), compressibles()["zeros"][:CompressMin-1]...), 80); ok {
		t.Error("a small message was compressed")
	}
}

// TestHostileCompression: what lies is refused by its sizes, before anything is allocated for it.
func TestHostileCompression(t *testing.T) {
	lz := make([]byte, 100)
	n, _ := xca.CompressLZ77(lz, []byte(strings.Repeat("x", 500)))
	lz = lz[:n]
	type payloads = []CompressionPayload
	chain := func(size uint32, p payloads) []byte {
		return (&ChainedCompressionTransform{OriginalCompressedSegmentSize: size, Payloads: p}).Append(nil)
	}
	simple := func(size uint32, a CompressionAlgorithm, data []byte) []byte {
		return (&CompressionTransform{OriginalCompressedSegmentSize: size, CompressionAlgorithm: a, Uncompressed: seq(64), Compressed: data}).Append(nil)
	}
	pattern := func(n uint32) CompressionPayload {
		return CompressionPayload{CompressionAlgorithm: CompressionPatternV1, Data: (&PatternV1Payload{'x', n}).Append(nil)}
	}
	none := CompressionPayload{Data: seq(64)}
	offset := simple(500, CompressionLZ77, lz)
	le.PutUint32(offset[12:], 0xFFFFFFFF)
	both := simple(0xFFFFFFFF, CompressionLZ77, lz)
	all, simpleOnly := negotiated(t, chainedAll), negotiated(t, simpleAll)
	for _, x := range []struct {
		what  string
		c     Compression
		frame []byte
		size  bool // refused by the sizes
	}{
		{"4 GiB", all, both, true},
		{"offset beyond the message", all, offset, true},
		{"chained, not negotiated", simpleOnly, chain(564, payloads{none, pattern(500)}), true},
		{"algorithm not negotiated", negotiated(t, CompressionCapabilities{Algorithms: []CompressionAlgorithm{CompressionLZNT1}}), simple(500, CompressionLZ77, lz), true},
		{"pattern, not chained", all, simple(500, CompressionPatternV1, pattern(500).Data), true},
		{"no algorithm", all, simple(5, CompressionNone, seq(5)), true},
		{"LZ4", all, simple(5, CompressionLZ4, seq(5)), true},
		{"patterns of 4 GiB each", all, chain(8, payloads{pattern(0xFFFFFFFF), pattern(9)}), true},
		{"4 GiB of a pattern", all, chain(0xFFFFFFFF, payloads{pattern(0xFFFFFFFF)}), true},
		{"payloads longer than announced", all, chain(100, payloads{none, pattern(37)}), true},
		{"payloads shorter than announced", all, chain(100, payloads{none, pattern(35)}), true},
		{"pattern of seven bytes", all, chain(100, payloads{none, {CompressionAlgorithm: CompressionPatternV1, Data: seq(7)}}), true},
		{"unknown algorithm", all, chain(100, payloads{none, {CompressionAlgorithm: 77, Data: seq(36)}}), true},
		{"comes out short", all, simple(501, CompressionLZ77, lz), false},
		{"comes out long", all, simple(499, CompressionLZ77, lz), false},
		{"corrupt", all, chain(564, payloads{none, {CompressionAlgorithm: CompressionLZ77Huffman, OriginalPayloadSize: 500, Data: lz}}), false},
		{"corrupt", all, chain(564, payloads{none, {CompressionAlgorithm: CompressionLZNT1, OriginalPayloadSize: 500, Data: lz}}), false},
	} {
		n, err := x.c.CompressedSize(x.frame, 1<<20)
		if (err != nil) != x.size {
			t.Errorf("%s: %d, %v", x.what, n, err)
		}
		dst := make([]byte, min(n, 1<<20))
		if err := x.c.Decompress(dst, x.frame); err == nil {
			t.Errorf("%s: decompressed", x.what)
		}
	}
	for _, size := range []int{0, 10, 63, 64, 563, 565} { // of another length than CompressedSize gave
		for _, frame := range [][]byte{simple(500, CompressionLZ77, lz), chain(564, payloads{none, pattern(500)})} {
			if err := all.Decompress(make([]byte, size), frame); err == nil {
				t.Errorf("decompressed to %d bytes", size)
			}
		}
	}
}

func FuzzCompression(f *testing.F) {
	for i, b := range []string{"text", "zeros, text", "text, zeros", "short"} {
		msg := append(seq(80), compressibles()[b][:1500]...)
		for _, offer := range []CompressionCapabilities{chainedAll, simpleAll} {
			dst := make([]byte, len(msg))
			if n, ok := negotiated(f, offer).Compress(dst, msg, 80); ok {
				f.Add(dst[:n])
			} else if i != 3 {
				f.Fatal(fmt.Sprint(b, " is not compressed"))
			}
		}
	}
	f.Add((&ChainedCompressionTransform{OriginalCompressedSegmentSize: 9, Payloads: []CompressionPayload{{CompressionAlgorithm: CompressionLZ77Huffman, OriginalPayloadSize: 9, Data: seq(300)}}}).Append(nil))
	all := negotiated(f, chainedAll)
	f.Fuzz(func(t *testing.T, frame []byte) {
		got, err := decompressAll(all, frame, 1<<16)
		if err != nil {
			return
		}
		dst := make([]byte, len(got))
		n, ok := all.Compress(dst, got, 0)
		if !ok {
			return
		}
		if back, err := decompressAll(all, dst[:n], len(got)); err != nil || !bytes.Equal(back, got) {
			t.Fatalf("%d bytes do not come back: %v", len(got), err)
		}
	})
}
