package ndr

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"lwio/iomgr/nt"
)

// scalars exercises every scalar, each after an octet that puts it out of alignment.
func encodeScalars(e *Encoder) {
	e.Uint8(1)
	e.Uint16(0x0203)
	e.Uint8(2)
	e.Uint32(0x04050607)
	e.Uint8(3)
	e.Uint64(0x08090A0B0C0D0E0F)
	e.Bool(true)
	e.Int8(-1)
	e.Int16(-2)
	e.Int32(-3)
	e.Int64(-4)
	e.Float32(1.5)
	e.Float64(-2.5)
	e.Enum16(7)
	e.Enum32(8)
	e.Int3264(-9)
	e.Uint3264(10)
	e.Uint8(4)
	e.GUID(nt.MustGUID("01020304-0506-0708-090a-0b0c0d0e0f10"))
}

func decodeScalars(d *Decoder) []any {
	return []any{
		d.Uint8(), d.Uint16(), d.Uint8(), d.Uint32(), d.Uint8(), d.Uint64(), d.Bool(), d.Int8(), d.Int16(), d.Int32(), d.Int64(),
		d.Float32(), d.Float64(), d.Enum16(), d.Enum32(), d.Int3264(), d.Uint3264(), d.Uint8(), d.GUID(),
	}
}

var scalarValues = []any{
	uint8(1), uint16(0x0203), uint8(2), uint32(0x04050607), uint8(3), uint64(0x08090A0B0C0D0E0F), true, int8(-1), int16(-2), int32(-3), int64(-4),
	float32(1.5), float64(-2.5), uint16(7), uint32(8), int64(-9), uint64(10), uint8(4), nt.MustGUID("01020304-0506-0708-090a-0b0c0d0e0f10"),
}

var scalarsLE = []byte{
	1, 0, 3, 2, 2, 0, 0, 0, 7, 6, 5, 4, 3, 0, 0, 0, 0x0F, 0x0E, 0x0D, 0x0C, 0x0B, 0x0A, 9, 8,
	1, 0xFF, 0xFE, 0xFF, 0xFD, 0xFF, 0xFF, 0xFF, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
	0, 0, 0xC0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0xC0, 7, 0, 0, 0, 8, 0, 0, 0, 0xF7, 0xFF, 0xFF, 0xFF, 10, 0, 0, 0,
	4, 0, 0, 0, 4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16,
}

var scalarsBE = []byte{
	1, 0, 2, 3, 2, 0, 0, 0, 4, 5, 6, 7, 3, 0, 0, 0, 8, 9, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
	1, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 0xFD, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFC,
	0x3F, 0xC0, 0, 0, 0, 0, 0, 0, 0xC0, 4, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0xF7, 0, 0, 0, 10,
	4, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
}

func TestScalars(t *testing.T) {
	// Alignment counts from where the stub data begins, whatever stands before it in the buffer.
	for _, head := range []int{0, 1, 5, 24} {
		e := NewEncoder(make([]byte, head))
		encodeScalars(e)
		if e.Err() != nil || !bytes.Equal(e.Bytes()[head:], scalarsLE) || e.Len() != len(scalarsLE) {
			t.Fatalf("after %d octets: %v\n%x\nwant\n%x", head, e.Err(), e.Bytes()[head:], scalarsLE)
		}
	}
	for r, b := range map[Representation][]byte{LittleEndian: scalarsLE, BigEndian: scalarsBE} {
		d := NewDecoder(b, r)
		got := decodeScalars(d)
		for i, want := range scalarValues {
			if got[i] != want {
				t.Errorf("%x: value %d is %v, want %v", r, i, got[i], want)
			}
		}
		if d.Err() != nil || d.Remaining() != 0 || d.Offset() != len(b) {
			t.Errorf("%x: %v, %d octets left", r, d.Err(), d.Remaining())
		}
		for n := range b {
			d := NewDecoder(b[:n], r)
			decodeScalars(d)
			if !errors.Is(d.Err(), ErrTruncated) || d.Remaining() != 0 {
				t.Errorf("%x cut to %d: %v", r, n, d.Err())
			}
		}
	}
}

func TestRepresentation(t *testing.T) {
	for _, c := range []struct {
		r  Representation
		ok bool
	}{
		{Representation{0x10, 0, 0, 0}, true},
		{Representation{0x00, 0, 0, 0}, true},
		{Representation{0x10, 0, 0xFF, 0xFF}, true}, // reserved octets are not looked at
		{Representation{0x11, 0, 0, 0}, false},      // EBCDIC
		{Representation{0x10, 4, 0, 0}, false},      // no format of floats
		{Representation{0x10, 2, 0, 0}, false},      // Cray, which is big-endian
		{Representation{0x10, 3, 0, 0}, false},      // IBM, likewise
		{Representation{0x20, 0, 0, 0}, false},
	} {
		d := NewDecoder([]byte{1, 2, 3, 4}, c.r)
		v := d.Uint32()
		if (d.Err() == nil) != c.ok || c.ok != (v != 0) || !c.ok && !errors.Is(d.Err(), ErrRepresentation) {
			t.Errorf("%x: %#x, %v", c.r, v, d.Err())
		}
	}
}

func TestByteOrder(t *testing.T) {
	for r, want := range map[Representation]binary.ByteOrder{LittleEndian: binary.LittleEndian, BigEndian: binary.BigEndian} {
		if got, err := r.ByteOrder(); got != want || err != nil {
			t.Errorf("%x: %v, %v", r, got, err)
		}
	}
}

func TestFirstErrorStays(t *testing.T) {
	d := NewDecoder([]byte{1, 0, 0, 0}, LittleEndian)
	d.Range(int64(d.Uint32()), 5, 6, "n")
	d.Uint32()
	d.BadTag("u")
	var e *Error
	if !errors.As(d.Err(), &e) || !errors.Is(e, ErrRange) || e.Off != 4 || e.What != "n" {
		t.Fatalf("%v", d.Err())
	}
	if got := e.Error(); got != "ndr: n: the value is out of its range (offset 4)" {
		t.Error(got)
	}
	enc := NewEncoder(nil)
	enc.Uint3264(math.MaxUint32 + 1)
	enc.BadTag("u")
	if !errors.Is(enc.Err(), ErrTooLong) {
		t.Error(enc.Err())
	}
	for _, v := range []int64{math.MinInt32 - 1, math.MaxInt32 + 1} {
		enc.Reset(nil)
		enc.Int3264(v)
		if !errors.Is(enc.Err(), ErrTooLong) {
			t.Error(v, enc.Err())
		}
	}
	d = NewDecoder([]byte{1, 2}, LittleEndian)
	if d.Skip(1); d.Uint8() != 2 || d.Err() != nil {
		t.Error("Skip", d.Err())
	}
	d = NewDecoder([]byte{1, 2}, LittleEndian)
	if d.Skip(-1); !errors.Is(d.Err(), ErrTruncated) {
		t.Error("back", d.Err())
	}
}

func TestRange(t *testing.T) {
	for _, c := range []struct {
		v, lo, hi int64
		ok        bool
	}{{0, 0, 0, true}, {1, 0, 0, false}, {-1, 0, 5, false}, {5, 0, 5, true}, {6, 0, 5, false}} {
		d := NewDecoder(nil, LittleEndian)
		if d.Range(c.v, c.lo, c.hi, ""); (d.Err() == nil) != c.ok {
			t.Errorf("%d in %d..%d: %v", c.v, c.lo, c.hi, d.Err())
		}
	}
}
