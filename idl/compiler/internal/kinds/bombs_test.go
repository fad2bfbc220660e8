package kinds

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"lwio/rpc"
	"lwio/rpc/ndr"
)

// memoryFor is what decoding n octets may take at most: what a Decoder hands out, the table of full pointers, and what the
// growth of pipes and the tools of the measurement add.
func memoryFor(n int) uint64 { return 64*uint64(n) + 256<<10 }

// explode decodes b into x and fails if that takes more memory than its octets are worth, or if the error is another than want.
func explode(t *testing.T, name string, syntax ndr.Syntax, b []byte, x codec, want error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d := ndr.NewDecoder(b, ndr.LittleEndian)
	d.SetSyntax(syntax)
	x.UnmarshalNDR(d)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > memoryFor(len(b)) {
		t.Errorf("%s in %v: %d octets took %d of memory", name, syntax, len(b), took)
	}
	var e *ndr.Error
	if !errors.Is(d.Err(), want) || want != nil && !errors.As(d.Err(), &e) {
		t.Errorf("%s in %v: %v, want %v", name, syntax, d.Err(), want)
	}
	if f := rpc.FaultOf(d.Err()); want != nil && f != rpc.FaultNDR && f != rpc.FaultRemoteNoMemory {
		t.Errorf("%s in %v: the fault is %v", name, syntax, f)
	}
}

// wire is stub data of an attacker, which no Encoder of values would make.
func wire(syntax ndr.Syntax, write func(*ndr.Encoder)) []byte {
	e := ndr.NewEncoder(nil)
	e.SetSyntax(syntax)
	write(e)
	return e.Bytes()
}

// count is a conformance of any size.
func count(e *ndr.Encoder, n uint32) {
	if e.Syntax() == ndr.NDR64 {
		e.Uint64(uint64(n))
	} else {
		e.Uint32(n)
	}
}

func both(t *testing.T, test func(t *testing.T, syntax ndr.Syntax)) {
	for _, syntax := range []ndr.Syntax{ndr.NDR20, ndr.NDR64} {
		t.Run(syntax.String(), func(t *testing.T) { test(t, syntax) })
	}
}

// TestDepthBomb: a list and a tree that go down further than any stack.
func TestDepthBomb(t *testing.T) {
	both(t, func(t *testing.T, syntax ndr.Syntax) {
		list := func(n int) []byte {
			return wire(syntax, func(e *ndr.Encoder) {
				for i := range n {
					e.Int32(int32(i))
					e.Pointer(i < n-1)
					e.Align64(8)
				}
			})
		}
		explode(t, "a list within the limit", syntax, list(ndr.MaxDepth), new(NODE), nil)
		explode(t, "a list one longer", syntax, list(ndr.MaxDepth+1), new(NODE), ndr.ErrDepth)
		explode(t, "a list of a million", syntax, list(1<<20), new(NODE), ndr.ErrDepth)

		tree := func(n int) []byte {
			return wire(syntax, func(e *ndr.Encoder) {
				for range n { // each is the only child of the one before
					e.AlignEither(4, 8)
					e.Uint16(1)
					e.Pointer(true)
					e.Pointer(false)
					count(e, 1)
				}
			})
		}
		explode(t, "a tree of a hundred thousand generations", syntax, tree(100_000), new(TREE), ndr.ErrDepth)
	})
}

// TestLengthBomb: arrays and strings that claim what is not there.
func TestLengthBomb(t *testing.T) {
	both(t, func(t *testing.T, syntax ndr.Syntax) {
		for _, n := range []uint32{1 << 16, 1 << 24, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
			name := fmt.Sprintf(" of %#x", n)
			explode(t, "a string"+name, syntax, wire(syntax, func(e *ndr.Encoder) {
				count(e, n)
				count(e, 0)
				count(e, n)
				e.Uint16(0)
			}), new(OpenRequest), ndr.ErrConformance)
			explode(t, "a string with room"+name, syntax, wire(syntax, func(e *ndr.Encoder) {
				count(e, n)
				count(e, 0)
				count(e, 1)
				e.Uint16(0)
				e.String8("abc")
			}), new(OpenRequest), nil)
			explode(t, "a string that begins late"+name, syntax, wire(syntax, func(e *ndr.Encoder) {
				count(e, n)
				count(e, n-1)
				count(e, 1)
				e.Uint16(0)
			}), new(OpenRequest), ndr.ErrBounds)
			explode(t, "a string longer than its room"+name, syntax, wire(syntax, func(e *ndr.Encoder) {
				count(e, 1)
				count(e, 0)
				count(e, n)
				e.Uint16(0)
			}), new(OpenRequest), ndr.ErrBounds)
			explode(t, "children"+name, syntax, wire(syntax, func(e *ndr.Encoder) {
				e.AlignEither(4, 8)
				e.Uint16(0xFFFF)
				e.Pointer(true)
				e.Pointer(false)
				count(e, n)
			}), new(TREE), hugeOf(n, 0xFFFF))
			explode(t, "a pipe"+name, syntax, wire(syntax, func(e *ndr.Encoder) {
				e.Uint32(7)
				count(e, n)
				e.Uint8s(make([]byte, 100))
			}), new(StreamRequest), ndr.ErrConformance)
		}
	})
}

// hugeOf is the error of n elements where says is expected.
func hugeOf(n, says uint32) error {
	if n != says {
		return ndr.ErrCount
	}
	return ndr.ErrConformance
}

// TestAliasBomb: referent identifiers that repeat. Those of unique pointers mean nothing, those of full ones share one value.
func TestAliasBomb(t *testing.T) {
	both(t, func(t *testing.T, syntax ndr.Syntax) {
		// A list whose identifiers are all the same is a list, and ends where it says.
		same := wire(syntax, func(e *ndr.Encoder) {
			for i := range 100 {
				e.Int32(int32(i))
				id := uint32(0x20000)
				if i == 99 {
					id = 0
				}
				count(e, id)
				e.Align64(8)
			}
		})
		var n NODE
		explode(t, "a list of one identifier", syntax, same, &n, nil)
		length := 0
		for p := &n; p != nil; p = p.Next {
			if int(p.Value) != length {
				t.Fatalf("node %d holds %d", length, p.Value)
			}
			length++
		}
		if length != 100 {
			t.Errorf("%d nodes", length)
		}
		// A full pointer to a string whose identifier is that of a structure.
		explode(t, "one identifier of two types", syntax, wire(syntax, func(e *ndr.Encoder) {
			for range 4 {
				count(e, 5)
			}
			e.Uint32(0)
			count(e, 0)
			count(e, 0)
		}), new(SHARED), ndr.ErrAlias)
		// One that is met again is decoded once, whatever follows.
		text := strings.Repeat("x", 1000)
		shared := wire(syntax, func(e *ndr.Encoder) {
			count(e, 0)
			count(e, 0)
			count(e, 9)
			count(e, 9)
			e.Uint32(0)
			count(e, 0)
			count(e, 0)
			e.Align64(8)
			e.String16(text)
		})
		var s SHARED
		explode(t, "one string twice", syntax, shared, &s, nil)
		if s.Name != s.Alias || s.Name == nil || *s.Name != text {
			t.Error("a full pointer that is met again is another")
		}
	})
}

// TestLaughs: values that hold values that hold values. What is on the wire bounds what is in memory, since nothing but a full
// pointer is told of twice.
func TestLaughs(t *testing.T) {
	both(t, func(t *testing.T, syntax ndr.Syntax) {
		// Unions whose arms take far more memory than the discriminant: at most as much as a message is worth.
		unions := wire(syntax, func(e *ndr.Encoder) {
			const n = 0x7FFF
			x := UNIONS{W: WideA, N: n, Parity: UNIONSParity{Odd: 1}, Choices: make([]CHOICE, n)}
			x.MarshalNDR(e)
		})
		explode(t, "an array of unions", syntax, unions, new(UNIONS), nil)
		// Trees of trees, in each of which all children but one have none.
		var grow func(depth int) TREE
		grow = func(depth int) TREE {
			x := TREE{Children: make([]TREE, 500)}
			if depth > 1 {
				for i := range 3 {
					x.Children[i] = grow(depth - 1)
				}
			}
			return x
		}
		root := grow(5)
		explode(t, "a tree of 60,500", syntax, wire(syntax, root.MarshalNDR), new(TREE), nil)
		// A message of pointers that are not NULL and nothing behind them, or as little as NDR 2.0 leaves over.
		want := ndr.ErrCount
		if syntax == ndr.NDR64 {
			want = ndr.ErrTruncated
		}
		explode(t, "pointers to nothing", syntax, wire(syntax, func(e *ndr.Encoder) {
			e.AlignEither(4, 8)
			e.Uint16(0xFFFF)
			e.Pointer(true)
			e.Pointer(true)
			count(e, 0xFFFF)
			e.Uint8s(bytes.Repeat([]byte{0xFF}, 0xFFFF*24))
		}), new(TREE), want)
	})
}
