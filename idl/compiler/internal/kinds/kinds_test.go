package kinds

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"lwio/gen/dtyp"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

// codec is the pair of methods that every structure has.
type codec interface {
	MarshalNDR(*ndr.Encoder)
	UnmarshalNDR(*ndr.Decoder)
}

func marshal(t *testing.T, x codec) []byte {
	t.Helper()
	e := ndr.NewEncoder(nil)
	x.MarshalNDR(e)
	if e.Err() != nil {
		t.Fatalf("%T: %v", x, e.Err())
	}
	return e.Bytes()
}

// roundTrip encodes x, compares with wire if that is given, decodes it whole and at every truncation, and returns the octets.
func roundTrip[T any, P interface {
	*T
	codec
}](t *testing.T, x P, wire []byte) []byte {
	t.Helper()
	b := marshal(t, x)
	if wire != nil && !bytes.Equal(b, wire) {
		t.Fatalf("%T:\n%x\nwant\n%x", x, b, wire)
	}
	var got T
	d := ndr.NewDecoder(b, ndr.LittleEndian)
	P(&got).UnmarshalNDR(d)
	if d.Err() != nil || d.Remaining() != 0 {
		t.Fatalf("%T: %v, %d octets left", x, d.Err(), d.Remaining())
	}
	if again := marshal(t, P(&got)); !bytes.Equal(again, b) {
		t.Fatalf("%T: decoded and encoded again:\n%x\nwant\n%x", x, again, b)
	}
	for n := range b {
		var cut T
		d := ndr.NewDecoder(b[:n], ndr.LittleEndian)
		P(&cut).UnmarshalNDR(d)
		if !errors.Is(d.Err(), ndr.ErrTruncated) && !errors.Is(d.Err(), ndr.ErrConformance) {
			t.Fatalf("%T cut to %d of %d: %v", x, n, len(b), d.Err())
		}
	}
	roundTrip64[T](t, x, &got)
	return b
}

// roundTrip64 does the same in NDR64, where x decodes to the same as in NDR 2.0. Padding at the end may be cut off.
func roundTrip64[T any, P interface {
	*T
	codec
}](t *testing.T, x P, want *T) {
	t.Helper()
	e := ndr.NewEncoder(nil)
	e.SetSyntax(ndr.NDR64)
	x.MarshalNDR(e)
	b := e.Bytes()
	for n := len(b); n >= 0; n-- {
		var got T
		d := ndr.NewDecoder(b[:n], ndr.LittleEndian)
		d.SetSyntax(ndr.NDR64)
		P(&got).UnmarshalNDR(d)
		if (d.Err() == nil || n == len(b)) && (e.Err() != nil || d.Err() != nil || len(b)-n > 7 || !reflect.DeepEqual(&got, want)) {
			t.Fatalf("%T in NDR64, %d of %d: %v, %v, %d octets left\n%x\n%+v\nwant\n%+v", x, n, len(b), e.Err(), d.Err(), d.Remaining(), b, got, *want)
		}
	}
}

var id = nt.MustGUID("01020304-0506-0708-090a-0b0c0d0e0f10")

func TestScalars(t *testing.T) {
	x := SCALARS{Flag: true, S8: -1, S16: -2, Pad: 3, S64: -4, Pad2: 5, F32: 1.5, F64: -2.5, Native: -9, Id: id, Last: 11}
	roundTrip(t, &x, []byte{
		1, 0xFF, 0xFE, 0xFF, 3, 0, 0, 0,
		0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		5, 0, 0, 0, 0, 0, 0xC0, 0x3F,
		0, 0, 0, 0, 0, 0, 4, 0xC0,
		0xF7, 0xFF, 0xFF, 0xFF, 4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16, 0, 0, 0, 0,
		11, 0, 0, 0, 0, 0, 0, 0,
	})
}

func TestList(t *testing.T) {
	x := NODE{Value: 1, Next: &NODE{Value: 2, Next: &NODE{Value: 3}}}
	roundTrip(t, &x, []byte{1, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 4, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0})

	// A list that is too long is refused in both directions, and so is one that never ends.
	loop := &NODE{}
	loop.Next = loop
	e := ndr.NewEncoder(nil)
	if loop.MarshalNDR(e); !errors.Is(e.Err(), ndr.ErrDepth) {
		t.Error(e.Err())
	}
	long := bytes.Repeat([]byte{1, 0, 0, 0, 0, 0, 2, 0}, 1<<20)
	var got NODE
	d := ndr.NewDecoder(long, ndr.LittleEndian)
	if got.UnmarshalNDR(d); !errors.Is(d.Err(), ndr.ErrDepth) {
		t.Error(d.Err())
	}
}

// TestUniqueAliases: two unique pointers with one referent identifier get a referent each.
func TestUniqueAliases(t *testing.T) {
	b := []byte{1, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0}
	var x NODE
	d := ndr.NewDecoder(b, ndr.LittleEndian)
	x.UnmarshalNDR(d)
	if d.Err() != nil || x.Next == nil || x.Next.Next == nil || x.Next == x.Next.Next || x.Next.Next.Value != 3 {
		t.Errorf("%+v %v", x, d.Err())
	}
}

func TestTree(t *testing.T) {
	x := TREE{Label: ndr.String("r"), Children: []TREE{{Label: ndr.String("")}, {Children: []TREE{{}}}}}
	roundTrip(t, &x, []byte{
		2, 0, 0, 0, 0, 0, 2, 0, 4, 0, 2, 0, // root: two children, label
		2, 0, 0, 0, // conformance of the children
		0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 2, 0,
		1, 0, 0, 0, 12, 0, 2, 0, 0, 0, 0, 0,
		1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, // "" of the first child
		1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // the child of the second
		2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 'r', 0, 0, 0,
	})
	deep := &TREE{}
	for range 10 * ndr.MaxDepth {
		deep = &TREE{Children: []TREE{*deep}}
	}
	e := ndr.NewEncoder(nil)
	if deep.MarshalNDR(e); !errors.Is(e.Err(), ndr.ErrDepth) {
		t.Error(e.Err())
	}
	many := TREE{Children: make([]TREE, 65536)}
	e = ndr.NewEncoder(nil)
	if many.MarshalNDR(e); !errors.Is(e.Err(), ndr.ErrTooLong) {
		t.Error("a count of 16 bits took 65536:", e.Err())
	}
}

func TestShared(t *testing.T) {
	s := &SCALARS{Last: 1}
	name, numbers := "n", []uint32{1, 2}
	x := SHARED{First: s, Second: s, Name: &name, Alias: &name, N: 2, Numbers: &numbers, Again: &numbers}
	b := roundTrip(t, &x, nil)
	var got SHARED
	d := ndr.NewDecoder(b, ndr.LittleEndian)
	got.UnmarshalNDR(d)
	if got.First != got.Second || got.Name != got.Alias || got.Numbers != got.Again || *got.Name != "n" || len(*got.Again) != 2 {
		t.Errorf("%+v", got)
	}
	y := SHARED{First: &SCALARS{}, Second: &SCALARS{}}
	b = roundTrip(t, &y, nil)
	got = SHARED{}
	got.UnmarshalNDR(ndr.NewDecoder(b, ndr.LittleEndian))
	if got.First == got.Second || got.Name != nil {
		t.Errorf("%+v", got)
	}
}

func arrays() ARRAYS {
	return ARRAYS{
		Grid: [2][3]uint8{{1, 2, 3}, {4, 5, 6}}, Names: [2]dtyp.RPC_UNICODE_STRING{dtyp.NewRPC_UNICODE_STRING("ä"), {}},
		Varying: []uint16{7, 8}, Fixed: "fixed", Narrow: "abc", Max: 9, Window: []uint8{1, 2, 3}, Inclusive: []uint8{1, 2, 3, 4},
		Strings: []dtyp.RPC_UNICODE_STRING{{}, dtyp.NewRPC_UNICODE_STRING("x")}, Texts: []*string{nil, ndr.String("t")},
		Table: [][]uint32{{1, 2}, nil}, Always: 5,
	}
}

func TestArrays(t *testing.T) {
	x := arrays()
	b := roundTrip(t, &x, nil)
	var got ARRAYS
	got.UnmarshalNDR(ndr.NewDecoder(b, ndr.LittleEndian))
	want := x
	want.Used, want.Len, want.Rows = 2, 3, 2 // derived
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	for name, change := range map[string]func(*ARRAYS){
		"varying past its bound": func(x *ARRAYS) { x.Varying = make([]uint16, 6) },
		"string past its bound":  func(x *ARRAYS) { x.Fixed = "12345678" },
		"count set wrong":        func(x *ARRAYS) { x.Used = 3 },
		"max less than length":   func(x *ARRAYS) { x.Max = 2 },
		"inclusive":              func(x *ARRAYS) { x.Inclusive = x.Inclusive[:3] },
		"two arrays of a count":  func(x *ARRAYS) { x.Texts = x.Texts[:1] },
		"inner dimension":        func(x *ARRAYS) { x.Table[0] = []uint32{1} },
	} {
		x := arrays()
		change(&x)
		e := ndr.NewEncoder(nil)
		if x.MarshalNDR(e); e.Err() == nil {
			t.Errorf("%s: encoded", name)
		}
	}
	null := ARRAYS{Rows: 3, Max: 2, Len: 1} // counts of NULL arrays stay as they are
	b = roundTrip(t, &null, nil)
	got = ARRAYS{}
	got.UnmarshalNDR(ndr.NewDecoder(b, ndr.LittleEndian))
	if got.Rows != 3 || got.Max != 2 || got.Len != 1 || got.Strings != nil || got.Window != nil {
		t.Errorf("%+v", got)
	}
	empty := ARRAYS{Strings: []dtyp.RPC_UNICODE_STRING{}}
	b = roundTrip(t, &empty, nil)
	got = ARRAYS{}
	if got.UnmarshalNDR(ndr.NewDecoder(b, ndr.LittleEndian)); got.Strings == nil || got.Texts != nil {
		t.Error("empty and NULL are the same")
	}
}

// TestHoisting: the count of a conformant structure goes ahead of the outermost one (C706 14.3.7.1).
func TestHoisting(t *testing.T) {
	x := OUTER{Head: 1, Inner: INNER{Stamp: 2, Tail: []uint16{3, 4}}}
	roundTrip(t, &x, []byte{
		3, 0, 0, 0, 0, 0, 0, 0, // count + 1, and to the alignment of the structure
		1, 0, 0, 0, 0, 0, 0, 0,
		2, 0, 0, 0, 0, 0, 0, 0,
		2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, // count, then the variance
		3, 0, 4, 0,
	})
	n := NAMED{Id: 1, Name: "ab"}
	roundTrip(t, &n, []byte{3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'a', 0, 'b', 0, 0, 0})
	f := FOREST{Trees: []TREE{{Label: ndr.String("")}, {}}}
	roundTrip(t, &f, nil)
	bad := []byte{
		9, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 4, 0,
	}
	var got OUTER
	d := ndr.NewDecoder(bad, ndr.LittleEndian)
	if got.UnmarshalNDR(d); !errors.Is(d.Err(), ndr.ErrCount) {
		t.Error("a conformance other than the expression:", d.Err())
	}
}

func TestUnions(t *testing.T) {
	num := THING{Which: KindNumber, Number: -1}
	roundTrip(t, &num, []byte{5, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
	none := THING{Which: KindNone}
	roundTrip(t, &none, []byte{0, 0})
	text := THING{Which: KindText, Text: ndr.String("x")}
	roundTrip(t, &text, []byte{6, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 'x', 0, 0, 0})
	pair := THING{Which: KindPair, Pair: &PAIR{A: 1, B: ndr.String("y")}}
	roundTrip(t, &pair, nil)
	zero := THING{Which: KindPair} // an arm left nil is all zero
	roundTrip(t, &zero, []byte{7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	bad := THING{Which: 99}
	e := ndr.NewEncoder(nil)
	if bad.MarshalNDR(e); !errors.Is(e.Err(), ndr.ErrTag) {
		t.Error(e.Err())
	}
	d := ndr.NewDecoder([]byte{99, 0}, ndr.LittleEndian)
	if bad.UnmarshalNDR(d); !errors.Is(d.Err(), ndr.ErrTag) {
		t.Error(d.Err())
	}

	x := UNIONS{
		Yes: true, Either: EITHER{Yes: 7}, W: WideB, Choice: CHOICE{B: &PAIR{A: 3, B: ndr.String("b")}}, Thing: text,
		Choices: []CHOICE{{B: &PAIR{B: ndr.String("c")}}, {}}, N: 2, Parity: UNIONSParity{Even: 1},
	}
	roundTrip(t, &x, nil)
	x.Yes, x.Either, x.W, x.N = false, EITHER{No: ndr.String("no")}, 1234, 3
	x.Choice, x.Choices = CHOICE{Other: &NODE{Value: 1}}, []CHOICE{{}, {Other: &NODE{Next: &NODE{}}}, {}}
	x.Parity = UNIONSParity{Odd: math.MaxInt64}
	b := roundTrip(t, &x, nil)
	var got UNIONS
	got.UnmarshalNDR(ndr.NewDecoder(b, ndr.LittleEndian))
	if !reflect.DeepEqual(got, x) {
		t.Errorf("%+v\nwant\n%+v", got, x)
	}
	// The discriminant sent with a union is the one its switch_is gives.
	lie := bytes.Clone(b)
	lie[1] = 1 // that of either, which follows the boolean
	d = ndr.NewDecoder(lie, ndr.LittleEndian)
	if got.UnmarshalNDR(d); !errors.Is(d.Err(), ndr.ErrTagMismatch) {
		t.Error(d.Err())
	}
}

// TestComputed: an expression is checked, never derived.
func TestComputed(t *testing.T) {
	for bits := range uint16(40) {
		n := (int(bits)+7)/8*2 - int(bits) + int(bits)
		if bits > 8 {
			n -= int(bits) % 4
		}
		n = max(n, 0)
		x := COMPUTED{Bits: bits, Data: make([]byte, n)}
		roundTrip(t, &x, nil)
		x.Data = make([]byte, n+1)
		e := ndr.NewEncoder(nil)
		if x.MarshalNDR(e); !errors.Is(e.Err(), ndr.ErrCount) {
			t.Errorf("%d bits: %v", bits, e.Err())
		}
	}
}

// pass sends a request and a response through their codecs.
func pass[Q, R any, PQ interface {
	*Q
	codec
}, PR interface {
	*R
	MarshalNDR(*ndr.Encoder, *Q)
	UnmarshalNDR(*ndr.Decoder, *Q)
}](t *testing.T, in PQ, out PR) (*Q, *R) {
	t.Helper()
	roundTrip(t, in, nil)
	gotIn := new(Q)
	PQ(gotIn).UnmarshalNDR(ndr.NewDecoder(marshal(t, in), ndr.LittleEndian))
	e := ndr.NewEncoder(nil)
	out.MarshalNDR(e, gotIn)
	if e.Err() != nil {
		t.Fatalf("%T: %v", out, e.Err())
	}
	// The client decodes with the request as its caller left it, counts not filled in.
	gotOut := new(R)
	d := ndr.NewDecoder(e.Bytes(), ndr.LittleEndian)
	if PR(gotOut).UnmarshalNDR(d, in); d.Err() != nil || d.Remaining() != 0 {
		t.Fatalf("%T: %v, %d left", out, d.Err(), d.Remaining())
	}
	for n := range e.Bytes() {
		d := ndr.NewDecoder(e.Bytes()[:n], ndr.LittleEndian)
		if PR(new(R)).UnmarshalNDR(d, in); d.Err() == nil {
			t.Fatalf("%T cut to %d of %d decodes", out, n, e.Len())
		}
	}
	return gotIn, gotOut
}

func TestCalls(t *testing.T) {
	five := uint32(5)
	in, out := pass(t,
		&LateRequest{P: []byte{1, 2, 3}, Q: []byte{1, 2, 3, 4, 5}, Cb: &five},
		&LateResponse{Names: []dtyp.RPC_UNICODE_STRING{{}, dtyp.NewRPC_UNICODE_STRING("x"), {}}, Return: -1})
	if in.N != 0 && in.N != 3 || out.Names[1].String() != "x" || out.Return != -1 || out.Q != nil {
		t.Errorf("%+v %+v", in, out)
	}
	_, null := pass(t, &LateRequest{N: 2}, &LateResponse{}) // names left nil: as many as the request asked for
	if len(null.Names) != 2 {
		t.Errorf("%+v", null)
	}
	pass(t, &TextRequest{Room: 5, S: "abc"}, &TextResponse{T: "abcd"})
	pass(t, &ConformantRequest{O: OUTER{}, N: &NAMED{Name: "n"}}, &ConformantResponse{P: &OUTER{Inner: INNER{Tail: []uint16{1}}}})
	pass(t, &ConformantRequest{}, &ConformantResponse{})
	head := &NODE{Value: 1}
	pass(t, &ListRequest{Head: &head}, &ListResponse{})
	pass(t, &TreesRequest{F: FOREST{Trees: []TREE{{}}}}, &TreesResponse{Return: 1})
	h := rpc.ContextHandle{UUID: id}
	_, handles := pass(t, &HandlesRequest{A: h, B: h}, &HandlesResponse{C: h})
	if handles.C != h || !handles.B.IsZero() {
		t.Errorf("%+v", handles)
	}
	_, open := pass(t, &OpenRequest{Name: "n", ShortName: "1234"}, &OpenResponse{Return: h})
	if open.Return != h {
		t.Errorf("%+v", open)
	}
	_, enums := pass(t, &EnumsRequest{A: KindText, B: WideA, C: 3, K: []Kind{KindPair, KindNone}}, &EnumsResponse{B: WideB, Return: KindPair})
	if enums.B != WideB || enums.Return != KindPair {
		t.Errorf("%+v", enums)
	}
	pass(t, &NothingRequest{}, &NothingResponse{})
	pass(t, &ScalarsRequest{}, &ScalarsResponse{})
	pass(t, &ComputedRequest{C: COMPUTED{Bits: 8, Data: []byte{1, 2}}}, &ComputedResponse{})
}

// TestRefused is what requests must not be: out of range, or with counts that disagree with each other.
func TestRefused(t *testing.T) {
	five := uint32(5)
	for _, c := range []struct {
		name string
		in   codec
		out  codec
		err  error
		edit func([]byte) []byte
	}{
		{"range of a scalar", &EnumsRequest{C: 4}, &EnumsRequest{}, ndr.ErrRange, nil},
		{"range below", &EnumsRequest{C: -1}, &EnumsRequest{}, ndr.ErrRange, nil},
		{"range by a constant", &EnumsRequest{N: 5, K: make([]Kind, 5)}, &EnumsRequest{}, ndr.ErrRange, nil},
		{"range of a string", &OpenRequest{ShortName: "12345"}, &OpenRequest{}, ndr.ErrRange, nil},
		{"count before the array", &EnumsRequest{N: 2, K: make([]Kind, 2)}, &EnumsRequest{}, ndr.ErrCount, func(b []byte) []byte {
			b[12] = 3
			return b
		}},
		{"count after the array", &LateRequest{P: []byte{1, 2, 3}, N: 3}, &LateRequest{}, ndr.ErrCount, func(b []byte) []byte {
			b[len(b)-4] = 4
			return b
		}},
		{"pointer as a condition", &LateRequest{Q: []byte{1, 2, 3, 4, 5}, Cb: &five}, &LateRequest{}, ndr.ErrCount, func(b []byte) []byte {
			copy(b[len(b)-12:], make([]byte, 4)) // cb becomes NULL, so q must be empty
			return append(b[:len(b)-8], b[len(b)-4:]...)
		}},
	} {
		b := marshal(t, c.in)
		if c.edit != nil {
			b = c.edit(b)
		}
		d := ndr.NewDecoder(b, ndr.LittleEndian)
		if c.out.UnmarshalNDR(d); !errors.Is(d.Err(), c.err) {
			t.Errorf("%s: %v\n%x", c.name, d.Err(), b)
		}
	}
	// A server that returns an array of another size than was asked for gets an error, not a broken answer.
	e := ndr.NewEncoder(nil)
	(&LateResponse{Names: make([]dtyp.RPC_UNICODE_STRING, 3)}).MarshalNDR(e, &LateRequest{N: 2})
	if !errors.Is(e.Err(), ndr.ErrCount) {
		t.Error(e.Err())
	}
	// A size that a peer made up costs no memory.
	e = ndr.NewEncoder(nil)
	(&LateResponse{}).MarshalNDR(e, &LateRequest{N: math.MaxUint32})
	if !errors.Is(e.Err(), ndr.ErrLimit) {
		t.Error(e.Err())
	}
	e = ndr.NewEncoder(nil)
	(&TextRequest{Room: 3, S: "abc"}).MarshalNDR(e)
	if !errors.Is(e.Err(), ndr.ErrCount) {
		t.Error("a string with its terminator does not fit:", e.Err())
	}
}

func TestConversions(t *testing.T) {
	sid := nt.NewSID(5, 21, 1, 2, 3, 500)
	w := dtyp.NewRPC_SID(sid)
	roundTrip(t, w, nil)
	if back, err := w.SID(); err != nil || back != sid {
		t.Error(back, err)
	}
	if dtyp.NewRPC_SID(nt.SID{}) != nil {
		t.Error("the zero SID")
	}
	if back, err := (*dtyp.RPC_SID)(nil).SID(); err != nil || !back.IsZero() {
		t.Error(back, err)
	}
	for _, s := range []string{"", "Größe", "😀", strings.Repeat("x", 32767)} {
		if u := dtyp.NewRPC_UNICODE_STRING(s); u.String() != s || int(u.Length) != 2*len(u.Buffer) || u.Length != u.MaximumLength {
			t.Errorf("%q: %+v", s, u)
		}
	}
	odd := dtyp.RPC_UNICODE_STRING{Length: 3, MaximumLength: 5, Buffer: []uint16{'x'}} // odd octets: halves are cut
	e := ndr.NewEncoder(nil)
	odd.MarshalNDR(e)
	var got dtyp.RPC_UNICODE_STRING
	d := ndr.NewDecoder(e.Bytes(), ndr.LittleEndian)
	if got.UnmarshalNDR(d); e.Err() != nil || d.Err() != nil || got.String() != "x" {
		t.Error(e.Err(), d.Err(), got)
	}
}

func TestInterface(t *testing.T) {
	i := KindsInterface
	if i.Name != "kinds" || i.Major != 2 || i.Minor != 7 || len(i.Ops) != 17 || i.Op(12) != nil || i.Op(14) == nil || i.UUID.String() != "6f1a5c1e-3c54-4bd1-9a53-0d7f2d1b8c11" {
		t.Errorf("%+v", i)
	}
	if len(i.Endpoints) != 2 || i.Endpoints[0] != `ncacn_np:[\pipe\kinds]` || i.Endpoints[1] != "ncacn_ip_tcp:[1234]" || MAX_NAMES != 4 {
		t.Error(i.Endpoints, MAX_NAMES)
	}
}
