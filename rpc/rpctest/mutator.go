package rpctest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"lwio/rpc"
	"lwio/rpc/ndr"
)

// Mutator makes broken stub data of whole. The same seed and the same calls give the same data.
type Mutator struct {
	rnd *rand.Rand
	// MaxLen bounds what Mutate returns. Zero means 64 KiB.
	MaxLen int
}

// NewMutator makes a Mutator.
func NewMutator(seed uint64) *Mutator {
	return &Mutator{rnd: rand.New(rand.NewPCG(seed, 0x6c77696f))}
}

// Mutate returns a changed copy of a stub: one change mostly, sometimes up to four.
func (m *Mutator) Mutate(stub []byte) []byte {
	b := append([]byte{}, stub...)
	n := 1
	for n < 4 && m.rnd.IntN(4) == 0 {
		n++
	}
	for range n {
		b = mutations[m.rnd.IntN(len(mutations))](m, b)
	}
	limit := m.MaxLen
	if limit == 0 {
		limit = 64 << 10
	}
	return b[:min(len(b), limit)]
}

// mutations are the ways to break a stub. What they find nothing for they leave as it is.
var mutations = []func(*Mutator, []byte) []byte{
	(*Mutator).count, (*Mutator).count, (*Mutator).count, // what decoders trust most comes most often
	(*Mutator).variance,
	(*Mutator).pointer, (*Mutator).pointer,
	(*Mutator).alias,
	(*Mutator).truncate,
	(*Mutator).extend,
	(*Mutator).word,
	(*Mutator).flip,
	(*Mutator).shift,
	(*Mutator).repeat,
}

// hostile are the values that lengths, counts and discriminants are replaced by.
var hostile = []uint32{0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF}

// pick is one of the aligned words for which is holds, or -1.
func (m *Mutator) pick(b []byte, is func(v uint32) bool) int {
	at, seen := -1, 0
	for i := 0; i+4 <= len(b); i += 4 {
		if is(binary.LittleEndian.Uint32(b[i:])) {
			if seen++; m.rnd.IntN(seen) == 0 {
				at = i
			}
		}
	}
	return at
}

// hurt replaces the word at i.
func (m *Mutator) hurt(b []byte, i int) {
	v := binary.LittleEndian.Uint32(b[i:])
	switch m.rnd.IntN(6) {
	case 0:
		v++
	case 1:
		v--
	case 2:
		v *= 2
	case 3:
		v = uint32(len(b) - i)
	default:
		v = hostile[m.rnd.IntN(len(hostile))]
	}
	binary.LittleEndian.PutUint32(b[i:], v)
}

// count changes what may be the count of something that is there.
func (m *Mutator) count(b []byte) []byte {
	if i := m.pick(b, func(v uint32) bool { return v > 0 && int64(v) <= int64(len(b)) }); i >= 0 {
		m.hurt(b, i)
	}
	return b
}

// variance changes one of the three numbers of a varying array or string.
func (m *Mutator) variance(b []byte) []byte {
	at, seen := -1, 0
	for i := 0; i+12 <= len(b); i += 4 {
		most, offset, n := binary.LittleEndian.Uint32(b[i:]), binary.LittleEndian.Uint32(b[i+4:]), binary.LittleEndian.Uint32(b[i+8:])
		if offset == 0 && n > 0 && n <= most && int64(n) <= int64(len(b)-i-12) {
			if seen++; m.rnd.IntN(seen) == 0 {
				at = i
			}
		}
	}
	if at >= 0 {
		m.hurt(b, at+4*m.rnd.IntN(3))
	}
	return b
}

// isReferent reports what looks like a referent identifier, of Windows, Samba, idlc's code or go-msrpc.
func isReferent(v uint32) bool { return v >= 0x20000 && v < 0x80000000 && v&3 == 0 }

// pointer makes a pointer NULL, or another.
func (m *Mutator) pointer(b []byte) []byte {
	if i := m.pick(b, isReferent); i >= 0 {
		v := uint32(0)
		if m.rnd.IntN(3) == 0 {
			v = m.rnd.Uint32()
		}
		binary.LittleEndian.PutUint32(b[i:], v)
	}
	return b
}

// alias makes two pointers one.
func (m *Mutator) alias(b []byte) []byte {
	if i, j := m.pick(b, isReferent), m.pick(b, isReferent); i >= 0 && j >= 0 {
		copy(b[i:i+4], b[j:j+4])
	}
	return b
}

// truncate takes off the end.
func (m *Mutator) truncate(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	return b[:m.rnd.IntN(len(b))]
}

// extend adds to the end.
func (m *Mutator) extend(b []byte) []byte {
	for range 1 + m.rnd.IntN(64) {
		b = append(b, byte(m.rnd.Uint32()))
	}
	return b
}

// word changes any word.
func (m *Mutator) word(b []byte) []byte {
	if len(b) >= 4 {
		m.hurt(b, m.rnd.IntN(len(b)/4)*4)
	}
	return b
}

// flip flips a bit.
func (m *Mutator) flip(b []byte) []byte {
	if len(b) > 0 {
		b[m.rnd.IntN(len(b))] ^= 1 << m.rnd.IntN(8)
	}
	return b
}

// shift takes out a word, or puts one in.
func (m *Mutator) shift(b []byte) []byte {
	if len(b) < 4 {
		return b
	}
	i := m.rnd.IntN(len(b)/4) * 4
	if m.rnd.IntN(2) == 0 {
		return append(b[:i], b[i+4:]...)
	}
	tail := append([]byte{}, b[i:]...)
	return append(binary.LittleEndian.AppendUint32(b[:i], hostile[m.rnd.IntN(len(hostile))]), tail...)
}

// repeat puts a part behind itself, some times.
func (m *Mutator) repeat(b []byte) []byte {
	if len(b) < 4 {
		return b
	}
	i := m.rnd.IntN(len(b)/4) * 4
	j := i + 4*(1+m.rnd.IntN(min(16, (len(b)-i)/4)))
	part, tail := append([]byte{}, b[i:j]...), append([]byte{}, b[j:]...)
	b = b[:j]
	for range 1 + m.rnd.IntN(8) {
		b = append(b, part...)
	}
	return append(b, tail...)
}

// Outcome is what became of mutated calls.
type Outcome struct {
	Answered int // took them for whole
	Faults   map[rpc.Fault]int
}

// Died is an association that ended with a mutated call.
type Died struct {
	Call Exchange // the request as it was sent
	N    int      // calls before it
	Err  error
}

// Error says how to do it again.
func (d *Died) Error() string {
	return fmt.Sprintf("rpctest: the association ended with call %d, operation %d %s, stub %x: %v", d.N, d.Call.Opnum, d.Call.Op, d.Call.Request, d.Err)
}

// Unwrap is the error of the call.
func (d *Died) Unwrap() error { return d.Err }

// Run makes n calls with mutations of the requests of stubs, all of one interface. A server must fault what it does not take and live;
// one that does not is a *Died.
func (m *Mutator) Run(ctx context.Context, c rpc.Caller, stubs []Exchange, n int) (Outcome, error) {
	o := Outcome{Faults: map[rpc.Fault]int{}}
	if len(stubs) == 0 {
		return o, errors.New("rpctest: no stubs to mutate")
	}
	for i := range n {
		x := stubs[m.rnd.IntN(len(stubs))]
		x.Request, x.Response = m.Mutate(x.Request), nil
		_, fault, err := call(ctx, c, &x)
		switch {
		case errors.Is(err, ErrSyntax):
			return o, err
		case err != nil:
			return o, &Died{Call: x, N: i, Err: err}
		case fault != 0:
			o.Faults[fault]++
		default:
			o.Answered++
		}
	}
	return o, nil
}

// Stub is the stub data of a generated request.
func Stub(request interface{ MarshalNDR(*ndr.Encoder) }) ([]byte, error) {
	e := ndr.NewEncoder(nil)
	request.MarshalNDR(e)
	return e.Bytes(), e.Err()
}
