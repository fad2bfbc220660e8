package xca_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"lwio/iomgr/smb2/xca"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type format struct {
	name       string
	decompress func(dst, src []byte) (int, error)
	compress   func(dst, src []byte) (int, bool) // nil where there is no encoder
}

var formats = []format{
	{"lz77", xca.DecompressLZ77, xca.CompressLZ77},
	{"lznt1", xca.DecompressLZNT1, xca.CompressLZNT1},
	{"huffman", xca.DecompressLZ77Huffman, nil},
}

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	song    = "F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\x00"
)

func zeros(n int) string { return strings.Repeat("00", n) }

// examples are those of MS-XCA 3, and some streams made by hand.
func examples(t testing.TB) []struct {
	format     int
	plain, hex string
	encodes    bool
} {
	abc := strings.Repeat("abc", 100)
	return []struct {
		format     int
		plain, hex string
		encodes    bool // the encoder gives just this
	}{
		{0, letters, "3f000000" + hex.EncodeToString([]byte(letters)), true},
		{0, abc, "ffffff1f 616263 1700 0f ff 2601", true},
		// Two long matches share a byte for the first part of their lengths: 0+7+3 and 14+7+3.
		{0, strings.Repeat("abbbbbbbbbbb", 3), "ffffff3f 6162 0700 e0 5f00", false},
		// A length in four bytes.
		{0, strings.Repeat("x", 70001), "ffffff7f 78 0700 0f ff 0000 6d110100", true},
		{2, letters, zeros(48) + "5055555555555555555555454404" + zeros(66) + "04" + zeros(127) +
			"d8523ed794115be9195ff9d67cdf8d0400000000", false},
		{2, abc, zeros(48) + "3023" + zeros(78) + "02" + zeros(14) + "20" + zeros(112) + "a8dc0000ff2601", false},
		{1, song, "38b08846232000204720410010a24701a045204400084501507900c045200524138805b4024a44ef0358028c091601484500be009e000401189000", false},
		{1, "stored", "0530 73746f726564", true},
	}
}

func TestExamples(t *testing.T) {
	for i, x := range examples(t) {
		f := formats[x.format]
		t.Run(fmt.Sprint(i, f.name), func(t *testing.T) {
			src := unhex(t, x.hex)
			dst := make([]byte, len(x.plain))
			if n, err := f.decompress(dst, src); err != nil || string(dst[:n]) != x.plain {
				t.Fatalf("decompressed %d bytes, %v: %q", n, err, dst[:n])
			}
			if !x.encodes {
				return
			}
			out := make([]byte, len(x.plain)+64)
			if n, ok := f.compress(out, []byte(x.plain)); !ok || !bytes.Equal(out[:n], src) {
				t.Errorf("compressed to\n%x, want\n%x", out[:n], src)
			}
		})
	}
}

// TestTruncated: what is cut off is missing in the output or is an error, and nothing else comes out.
func TestTruncated(t *testing.T) {
	for i, x := range examples(t) {
		f := formats[x.format]
		src := unhex(t, x.hex)
		for n := range src {
			dst := make([]byte, len(x.plain))
			got, err := f.decompress(dst, src[:n:n])
			if err == nil && got == len(dst) && x.format != 2 { // the Huffman form ends with a symbol nobody needs
				t.Errorf("%d: whole output of %d of %d bytes", i, n, len(src))
			}
			if string(dst[:got]) != x.plain[:got] {
				t.Errorf("%d: wrong output of %d of %d bytes", i, n, len(src))
			}
		}
	}
}

func TestCorrupt(t *testing.T) {
	for _, x := range []struct {
		what, hex string
		format    int
	}{
		{"match before the start", "ffffffff 0700 00", 0},
		{"distance too far", "ffffff7f 78 0800", 0},
		{"long length below what a shorter form holds", "ffffff7f 78 0700 0f ff 1500", 0},
		{"match longer than the output", "ffffff7f 78 0700 0f ff ffff", 0},
		{"length of 4 GiB", "ffffff7f 78 0700 0f ff 0000 ffffffff", 0},
		{"chunk without signature", "0580 007374", 1},
		{"chunk longer than the data", "ffb0 0073", 1},
		{"match at the start of a chunk", "02b0 010000", 1},
		{"distance too far", "03b0 02780010", 1},
		{"short chunk in the middle", "0130 7878 0130 7878", 1},
		{"no codes", strings.Repeat("00", 300), 2},
		{"too many codes", strings.Repeat("11", 300), 2},
		{"code that is not complete", "01" + strings.Repeat("00", 300), 2},
		{"match before the start", strings.Repeat("00", 128) + "11" + strings.Repeat("00", 150), 2},
	} {
		f := formats[x.format]
		if n, err := f.decompress(make([]byte, 500), unhex(t, x.hex)); !errors.Is(err, xca.ErrCorrupt) {
			t.Errorf("%s: %s: %d, %v", f.name, x.what, n, err)
		}
	}
}

// texts are of several kinds and lengths about the bounds of windows, chunks and blocks.
func texts() [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("the pipe opened whose server had gone answered with a status that no client knew and so it waited for ever")
	var list [][]byte
	for _, n := range []int{0, 1, 2, 3, 4, 5, 31, 32, 33, 64, 4095, 4096, 4097, 8191, 8192, 8193, 65536, 65539, 200000} {
		noise := make([]byte, n)
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		var text []byte
		for len(text) < n {
			text = append(append(text, words[r.IntN(len(words))]...), " \n,"[r.IntN(3)])
		}
		few := make([]byte, n)
		for i := range few {
			few[i] = "ab"[r.IntN(2)]
		}
		list = append(list, noise, text[:n], few, make([]byte, n), append(append([]byte{}, noise[:n/2]...), noise[:n/2]...))
	}
	return list
}

func TestRoundTrip(t *testing.T) {
	for _, f := range formats {
		if f.compress == nil {
			continue
		}
		for i, b := range texts() {
			roundTrip(t, f, b, fmt.Sprint(i))
		}
	}
}

func roundTrip(t *testing.T, f format, b []byte, what string) int {
	t.Helper()
	out := make([]byte, len(b)+len(b)/8+64)
	n, ok := f.compress(out, b)
	if !ok {
		t.Fatalf("%s %s: %d bytes do not fit %d", f.name, what, len(b), len(out))
	}
	back := make([]byte, len(b))
	if k, err := f.decompress(back, out[:n:n]); err != nil || k != len(b) || !bytes.Equal(back, b) {
		t.Fatalf("%s %s: %d of %d bytes back, %v", f.name, what, k, len(b), err)
	}
	// With less room the encoder gives the same or gives up, and writes nothing beyond.
	for _, room := range []int{0, 1, 15, 16, n / 2, n - 1, n, n + 15} {
		if room < 0 || room > len(out) {
			continue
		}
		small := make([]byte, room, room+8)
		if k, ok := f.compress(small, b); ok && !bytes.Equal(small[:k], out[:n]) {
			t.Fatalf("%s %s: other bytes with room for %d", f.name, what, room)
		}
		if !bytes.Equal(small[room:room+8], make([]byte, 8)) {
			t.Fatalf("%s %s: wrote beyond %d", f.name, what, room)
		}
	}
	return n
}

// TestSaves: repetitive data becomes much shorter.
func TestSaves(t *testing.T) {
	text := texts()[91]
	for _, x := range []struct {
		f    format
		b    []byte
		most int
	}{
		{formats[0], text, len(text) * 45 / 100},
		{formats[1], text, len(text) * 60 / 100},
		{formats[0], make([]byte, 1<<20), 20},
		{formats[1], make([]byte, 1<<20), 1 << 11},
	} {
		if n := roundTrip(t, x.f, x.b, "saves"); n > x.most {
			t.Errorf("%s: %d bytes became %d, want at most %d", x.f.name, len(x.b), n, x.most)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, b := range texts()[:40] {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		roundTrip(t, formats[0], b, "fuzz")
		roundTrip(t, formats[1], b, "fuzz")
	})
}

func FuzzDecompress(f *testing.F) {
	for _, x := range examples(f) {
		f.Add(uint16(len(x.plain)), unhex(f, x.hex))
	}
	f.Fuzz(func(t *testing.T, size uint16, src []byte) {
		for _, x := range formats {
			dst := make([]byte, size, int(size)+8)
			n, err := x.decompress(dst, src)
			if n < 0 || n > len(dst) || err != nil && !errors.Is(err, xca.ErrCorrupt) {
				t.Errorf("%s: %d, %v", x.name, n, err)
			}
			if !bytes.Equal(dst[size:int(size)+8], make([]byte, 8)) {
				t.Errorf("%s: wrote beyond the end", x.name)
			}
		}
	})
}

func BenchmarkLZ77(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var source []byte
	for i := 0; len(source) < 1<<20; i++ {
		source = fmt.Appendf(source, "func (t *tree%d) lookup%d(name string) (*node, error) {\n\tif n := t.nodes[name]; n != nil {\n\t\treturn n, nil // %x\n\t}\n}\n",
			r.IntN(100), i%37, r.Uint64())
	}
	for _, x := range []struct {
		name string
		b    []byte
	}{{"text", texts()[91]}, {"source", source[:1<<20]}, {"noise", noise}, {"zeros", make([]byte, 1<<20)}} {
		out := make([]byte, len(x.b)+len(x.b)/8+64)
		n, _ := xca.CompressLZ77(out, x.b)
		b.Run("compress/"+x.name, func(b *testing.B) {
			b.SetBytes(int64(len(x.b)))
			b.ReportMetric(float64(n)/float64(len(x.b)), "ratio")
			for b.Loop() {
				xca.CompressLZ77(out, x.b)
			}
		})
		back := make([]byte, len(x.b))
		b.Run("decompress/"+x.name, func(b *testing.B) {
			b.SetBytes(int64(len(x.b)))
			for b.Loop() {
				xca.DecompressLZ77(back, out[:n])
			}
		})
	}
}
