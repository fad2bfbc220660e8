package ndr

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
	"unsafe"
)

func TestArrays(t *testing.T) {
	e := NewEncoder(nil)
	e.Uint8(9)
	e.Uint8s([]byte{1, 2, 3})
	e.Uint8(9)
	e.Uint16s([]uint16{0x0102, 0x0304})
	e.Uint8(9)
	e.Uint32s([]uint32{0x01020304})
	e.Uint8(9)
	e.Uint64s([]uint64{0x0102030405060708})
	e.Uint8(9)
	e.Uint16s(nil) // no elements, no alignment
	e.Uint32s(nil)
	e.Uint64s(nil)
	e.Uint8(9)
	want := []byte{9, 1, 2, 3, 9, 0, 2, 1, 4, 3, 9, 0, 4, 3, 2, 1, 9, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 9, 9}
	if !bytes.Equal(e.Bytes(), want) {
		t.Fatalf("%x\nwant\n%x", e.Bytes(), want)
	}
	read := func(d *Decoder) bool {
		ok := d.Uint8() == 9 && bytes.Equal(d.Uint8s(3, ""), []byte{1, 2, 3}) && d.Uint8() == 9
		ok = ok && slices.Equal(d.Uint16s(2, ""), []uint16{0x0102, 0x0304}) && d.Uint8() == 9
		ok = ok && slices.Equal(d.Uint32s(1, ""), []uint32{0x01020304}) && d.Uint8() == 9
		ok = ok && slices.Equal(d.Uint64s(1, ""), []uint64{0x0102030405060708}) && d.Uint8() == 9
		d.FillUint16s(nil)
		d.FillUint32s(nil)
		d.FillUint64s(nil)
		return ok && d.Uint8() == 9 && d.Err() == nil
	}
	if d := NewDecoder(want, LittleEndian); !read(d) {
		t.Error(d.Err())
	}
	big := []byte{9, 1, 2, 3, 9, 0, 1, 2, 3, 4, 9, 0, 1, 2, 3, 4, 9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9}
	if d := NewDecoder(big, BigEndian); !read(d) {
		t.Error(d.Err())
	}
	for n := range want {
		if d := NewDecoder(want[:n], LittleEndian); read(d) || d.Err() == nil {
			t.Errorf("cut to %d: %v", n, d.Err())
		}
	}
}

// TestConformanceBeforeAllocation: what cannot be in the data that remains is refused before memory is asked for.
func TestConformanceBeforeAllocation(t *testing.T) {
	data := make([]byte, 64)
	for _, n := range []uint32{9, 1 << 16, math.MaxInt32, math.MaxUint32} {
		for name, read := range map[string]func(*Decoder) int{
			"uint8s":  func(d *Decoder) int { return cap(d.Uint8s(n*8, "a")) },
			"uint16s": func(d *Decoder) int { return cap(d.Uint16s(n*4, "a")) },
			"uint32s": func(d *Decoder) int { return cap(d.Uint32s(n*2, "a")) },
			"uint64s": func(d *Decoder) int { return cap(d.Uint64s(n, "a")) },
			"structs": func(d *Decoder) int { return cap(MakeSlice[[40]byte](d, n, 8, "a")) },
		} {
			if uint64(n)*8 > math.MaxUint32 && name != "uint64s" && name != "structs" {
				continue
			}
			d := NewDecoder(data, LittleEndian)
			if got := read(d); got != 0 || !errors.Is(d.Err(), ErrConformance) {
				t.Errorf("%s of %d: capacity %d, %v", name, n, got, d.Err())
			}
		}
	}
	d := NewDecoder(data, LittleEndian)
	if got := len(d.Uint64s(8, "a")); got != 8 || d.Err() != nil {
		t.Errorf("what fits: %d, %v", got, d.Err())
	}
}

// TestMemoryLimit: data that is all NULL pointers to large things cannot make a Decoder hand out more than its allowance.
func TestMemoryLimit(t *testing.T) {
	type large [4096]byte
	data := make([]byte, 4096)
	d := NewDecoder(data, LittleEndian)
	handed := 0
	for range len(data) / 4 {
		New[large](d)
		if d.Err() != nil {
			break
		}
		handed += int(unsafe.Sizeof(large{}))
	}
	if limit := memoryFree + memoryPerOctet*len(data); !errors.Is(d.Err(), ErrLimit) || handed > limit {
		t.Errorf("%d octets of at most %d: %v", handed, limit, d.Err())
	}
	d = NewDecoder(data, LittleEndian)
	if s := MakeSlice[large](d, 1024, 4, "a"); len(s) != 0 || !errors.Is(d.Err(), ErrLimit) {
		t.Errorf("%d elements, %v", len(s), d.Err())
	}
	if s := MakeSlice[byte](d, 1, 1, "a"); s == nil || len(s) != 0 {
		t.Error("after an error a slice is not empty")
	}
}

func TestVariance(t *testing.T) {
	for _, c := range []struct {
		first, n, limit uint32
		ok              bool
	}{{0, 0, 0, true}, {0, 3, 3, true}, {0, 4, 3, false}, {1, 2, 3, false}, {0, math.MaxUint32, 3, false}} {
		e := NewEncoder(nil)
		e.Uint32(c.first)
		e.Uint32(c.n)
		d := NewDecoder(e.Bytes(), LittleEndian)
		n := d.Variance(c.limit, "a")
		if (d.Err() == nil) != c.ok || c.ok && n != c.n || !c.ok && (n != 0 || !errors.Is(d.Err(), ErrBounds)) {
			t.Errorf("%+v: %d, %v", c, n, d.Err())
		}
	}
	e := NewEncoder(nil)
	if e.Variance(3, 3, "a"); e.Err() != nil || !bytes.Equal(e.Bytes(), []byte{0, 0, 0, 0, 3, 0, 0, 0}) {
		t.Error(e.Err(), e.Bytes())
	}
	if e.Variance(4, 3, "a"); !errors.Is(e.Err(), ErrBounds) {
		t.Error(e.Err())
	}
}

// TestCount is the rule for counts: zero is derived, what was set must agree, a NULL array leaves it alone.
func TestCount(t *testing.T) {
	for _, c := range []struct {
		member  int64
		n       int
		present bool
		want    int64
		max     int64 // what MaxCount gives
		err     error
		maxErr  error
	}{
		{0, 0, true, 0, 0, nil, nil},
		{0, 3, true, 3, 3, nil, nil},
		{3, 3, true, 3, 3, nil, nil},
		{4, 3, true, 3, 4, ErrCount, nil},
		{2, 3, true, 3, 2, ErrCount, ErrCount},
		{4, 0, false, 4, 4, nil, nil},
		{0, 0, false, 0, 0, nil, nil},
		{0, 256, true, 256, 256, ErrTooLong, ErrTooLong},
	} {
		e := NewEncoder(nil)
		if got := e.Count(c.member, c.n, c.present, 255, "n"); got != c.want || !errors.Is(e.Err(), c.err) {
			t.Errorf("Count %+v: %d, %v", c, got, e.Err())
		}
		e = NewEncoder(nil)
		if got := e.MaxCount(c.member, c.n, c.present, 255, "n"); got != c.max || !errors.Is(e.Err(), c.maxErr) {
			t.Errorf("MaxCount %+v: %d, %v", c, got, e.Err())
		}
	}
	if Derived(0, 3) != 3 || Derived(2, 3) != 2 {
		t.Error("Derived")
	}
	for _, c := range []struct {
		n    int
		says int64
		ok   bool
	}{{3, 3, true}, {3, 4, true}, {3, 2, false}, {3, math.MaxUint32 + 1, false}, {0, -1, false}} {
		e := NewEncoder(nil)
		if got := e.Max(c.n, c.says, "n"); (e.Err() == nil) != c.ok || c.ok && int64(got) != c.says {
			t.Errorf("Max %+v: %d, %v", c, got, e.Err())
		}
	}
	e, d := NewEncoder(nil), NewDecoder(nil, LittleEndian)
	e.Agree(1, 1, "n")
	d.Agree(1, 1, "n")
	if e.Err() != nil || d.Err() != nil {
		t.Error(e.Err(), d.Err())
	}
	e.Agree(1, 2, "n")
	d.Agree(1, 2, "n")
	if !errors.Is(e.Err(), ErrCount) || !errors.Is(d.Err(), ErrCount) {
		t.Error(e.Err(), d.Err())
	}
}

func TestMakeOut(t *testing.T) {
	e := NewEncoder(nil)
	if s := MakeOut[uint32](e, 5); len(s) != 5 || e.Err() != nil {
		t.Error(len(s), e.Err())
	}
	for _, n := range []int64{-1, DefaultOutLimit/4 + 1, math.MaxUint32, math.MaxInt64} {
		e := NewEncoder(nil)
		if s := MakeOut[uint32](e, n); s != nil || !errors.Is(e.Err(), ErrLimit) {
			t.Errorf("%d: %d, %v", n, len(s), e.Err())
		}
	}
	e.Limit = 16
	if s := MakeOut[uint32](e, 5); s != nil || !errors.Is(e.Err(), ErrLimit) {
		t.Error(len(s), e.Err())
	}
}

func TestExpressions(t *testing.T) {
	n := uint16(7)
	for i, ok := range []bool{
		Deref(&n) == 7, Deref[int32](nil) == 0, Div(7, 2) == 3, Div(7, 0) == 0, Mod(7, 4) == 3, Mod(7, 0) == 0, Shl(1, 4) == 16, Shl(1, 64) == 0, Shl(1, -1) == 0,
		Shr(16, 4) == 1, Shr(16, 99) == 0, Shr(16, -1) == 0, Int(true) == 1, Int(false) == 0, If(true, 1, 2) == 1, If(false, 1, 2) == 2,
		Div(math.MinInt64, -1) == math.MinInt64, Mod(math.MinInt64, -1) == 0,
	} {
		if !ok {
			t.Errorf("expression %d is wrong", i)
		}
	}
}
