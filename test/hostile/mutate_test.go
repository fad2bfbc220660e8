package hostile

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"lwio/iomgr/smb2"
)

var le = binary.LittleEndian

// mutator makes lies out of truths. All that is random in a worker comes from its mutator, so a seed gives the same messages.
type mutator struct{ *rand.Rand }

func newMutator(seed uint64, worker int) mutator {
	return mutator{rand.New(rand.NewPCG(seed, uint64(worker)))}
}

// span is a field that says a length, an offset or a count.
type span struct{ off, size int }

// boundaries are values around which arithmetic goes wrong.
var boundaries = []uint64{0, 1, 2, 3, 4, 7, 8, 0x0F, 0x10, 0x3F, 0x40, 0x7F, 0x80, 0xFF, 0x100, 0x7FFE, 0x7FFF, 0x8000, 0xFFF8, 0xFFFE, 0xFFFF, 0x10000,
	0x10001, 0xFFFFFF, 0x1000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF8, 0xFFFFFFFE, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFFE,
	0xFFFFFFFFFFFFFFFF}

// chance is true one time in n.
func (m mutator) chance(n int) bool { return m.IntN(n) == 0 }

// bytes gives b with one to three changes. Where the message's spans are known, half of the changes are to them. It never changes b itself.
func (m mutator) bytes(b []byte, spans ...span) []byte {
	b = bytes.Clone(b)
	for range 1 + m.IntN(3)*m.IntN(2) {
		if len(spans) > 0 && m.chance(2) {
			m.lie(b, spans[m.IntN(len(spans))])
		} else {
			b = m.one(b)
		}
	}
	return b
}

// lie changes the value of a field: by a little, or to a boundary.
func (m mutator) lie(b []byte, s span) {
	if s.off < 0 || s.off+s.size > len(b) {
		return
	}
	f := b[s.off : s.off+s.size]
	var v uint64
	for i := range f {
		v |= uint64(f[i]) << (8 * i)
	}
	switch m.IntN(4) {
	case 0:
		v += uint64(1 + m.IntN(8))
	case 1:
		v -= uint64(1 + m.IntN(8))
	case 2:
		v = uint64(len(b)) + uint64(m.IntN(16)) - 8
	default:
		v = boundaries[m.IntN(len(boundaries))]
	}
	for i := range f {
		f[i] = byte(v >> (8 * i))
	}
}

// one makes one change of a random kind.
func (m mutator) one(b []byte) []byte {
	if len(b) == 0 {
		return m.noise(1 + m.IntN(16))
	}
	at := m.IntN(len(b))
	switch m.IntN(12) {
	case 0, 1:
		b[at] ^= 1 << m.IntN(8)
	case 2:
		b[at] = byte(m.Uint32())
	case 3:
		size := 2 << m.IntN(3)
		m.lie(b, span{at &^ 1, size})
	case 4, 5:
		m.lie(b, span{at &^ 3, 4})
	case 6:
		b = b[:at]
	case 7:
		b = append(b, m.noise(1+m.IntN(64))...)
	case 8: // a piece twice
		n := min(1+m.IntN(32), len(b)-at)
		b = append(b[:at+n:at+n], b[at:]...)
	case 9: // a piece less
		n := min(1+m.IntN(16), len(b)-at)
		b = append(b[:at:at], b[at+n:]...)
	case 10: // two pieces in each other's place
		to, n := m.IntN(len(b)), 1+m.IntN(16)
		if n = min(n, len(b)-at, len(b)-to); to+n <= at || at+n <= to {
			piece := bytes.Clone(b[at : at+n])
			copy(b[at:], b[to:to+n])
			copy(b[to:], piece)
		}
	default:
		n := min(1+m.IntN(8), len(b)-at)
		v := byte(0)
		if m.chance(2) {
			v = 0xFF
		}
		for i := range n {
			b[at+i] = v
		}
	}
	return b
}

func (m mutator) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.Uint32())
	}
	return b
}

// bodySpans are the lengths, offsets and counts of each command's request, from the start of its body (MS-SMB2 2.2).
var bodySpans = [smb2.CommandCount][]span{
	smb2.Negotiate:      {{2, 2}, {28, 4}, {32, 2}},
	smb2.SessionSetup:   {{12, 2}, {14, 2}},
	smb2.TreeConnect:    {{2, 2}, {4, 2}, {6, 2}},
	smb2.Create:         {{44, 2}, {46, 2}, {48, 4}, {52, 4}},
	smb2.Read:           {{4, 4}, {8, 8}, {32, 4}, {44, 2}, {46, 2}},
	smb2.Write:          {{2, 2}, {4, 4}, {8, 8}, {40, 2}, {42, 2}},
	smb2.Lock:           {{2, 2}},
	smb2.Ioctl:          {{4, 4}, {24, 4}, {28, 4}, {32, 4}, {36, 4}, {40, 4}, {44, 4}},
	smb2.QueryDirectory: {{24, 2}, {26, 2}, {28, 4}},
	smb2.ChangeNotify:   {{4, 4}},
	smb2.QueryInfo:      {{4, 4}, {8, 2}, {12, 4}},
	smb2.SetInfo:        {{4, 4}, {8, 2}},
}

// headerSpans are the fields of the header that a handler sees.
var headerSpans = []span{{4, 2}, {6, 2}, {8, 4}, {12, 2}, {14, 2}, {16, 4}, {20, 4}, {24, 8}, {32, 4}, {36, 4}, {40, 8}}

// contextSpans are the lengths and offsets of the chain of contexts in a CREATE request, and what it begins with.
func contextSpans(body []byte) []span {
	if len(body) < 56 {
		return nil
	}
	at, end := int(le.Uint32(body[48:]))-smb2.HeaderSize, len(body)
	var s []span
	for at > 0 && at+16 <= end {
		s = append(s, span{at, 4}, span{at + 4, 2}, span{at + 6, 2}, span{at + 10, 2}, span{at + 12, 4})
		next := int(le.Uint32(body[at:]))
		if next == 0 {
			break
		}
		at += next
	}
	return s
}

// authenticateSpans are the six fields of an AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3), its flags, and what stands in the blob of its response.
func authenticateSpans(b []byte) []span {
	s := []span{{60, 4}}
	for at := 12; at < 60; at += 8 {
		s = append(s, span{at, 2}, span{at + 2, 2}, span{at + 4, 4})
	}
	if len(b) < 28 {
		return s
	}
	// The AV pairs of the NTLMv2_CLIENT_CHALLENGE, which stands behind the proof (MS-NLMP 2.2.2.7).
	at, end := int(le.Uint32(b[24:]))+16+28, int(le.Uint32(b[24:]))+int(le.Uint16(b[20:]))
	for at > 0 && at+4 <= min(end, len(b)) {
		s = append(s, span{at, 2}, span{at + 2, 2})
		at += 4 + int(le.Uint16(b[at+2:]))
	}
	return s
}

// derSpans are the length octets of the elements of a DER encoding.
func derSpans(b []byte) []span {
	var s []span
	var walk func(lo, hi, depth int)
	walk = func(lo, hi, depth int) {
		for lo+2 <= hi && depth < 12 {
			tag, n, head := b[lo], int(b[lo+1]), 2
			s = append(s, span{lo + 1, 1})
			if n >= 0x80 {
				k := n & 0x7F
				if k > 3 || lo+2+k > hi {
					return
				}
				n = 0
				for i := range k {
					s = append(s, span{lo + 2 + i, 1})
					n = n<<8 | int(b[lo+2+i])
				}
				head += k
			}
			if lo+head+n > hi {
				return
			}
			if tag&0x20 != 0 {
				walk(lo+head, lo+head+n, depth+1)
			}
			lo += head + n
		}
	}
	walk(0, len(b), 0)
	return s
}

// pduSpans are the lengths and numbers of a connection-oriented PDU (C706 12.6.4): of the common header, and of the body's beginning.
var pduSpans = []span{{2, 1}, {3, 1}, {4, 4}, {8, 2}, {10, 2}, {12, 4}, {16, 2}, {16, 4}, {18, 2}, {20, 2}, {20, 4}, {22, 2}, {24, 1}, {26, 2}, {28, 2}, {30, 1}}

// TestMutator: it changes things, leaves its argument alone, and does the same again from the same seed.
func TestMutator(t *testing.T) {
	in := []byte("a message that is long enough for every kind of change to have its place in it")
	keep := bytes.Clone(in)
	a, b := newMutator(1, 2), newMutator(1, 2)
	same, lengths := 0, map[int]bool{}
	for range 2000 {
		x := a.bytes(in, span{4, 4}, span{70, 8}, span{77, 4})
		if y := b.bytes(in, span{4, 4}, span{70, 8}, span{77, 4}); !bytes.Equal(x, y) {
			t.Fatal("one seed gives two messages")
		}
		if !bytes.Equal(in, keep) {
			t.Fatal("the argument was changed")
		}
		if bytes.Equal(x, in) {
			same++
		}
		lengths[len(x)] = true
	}
	if same > 400 {
		t.Errorf("%d of 2000 are as they were", same)
	}
	if len(lengths) < 50 {
		t.Errorf("only %d lengths", len(lengths))
	}
	if n := len(derSpans([]byte{0x60, 0x81, 8, 0x30, 4, 4, 2, 1, 2, 5, 0})); n != 5 {
		t.Errorf("%d length octets", n)
	}
}
