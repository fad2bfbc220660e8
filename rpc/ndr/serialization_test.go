package ndr

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// sample is a generated type by hand: a long and a conformant string behind a pointer.
type sample struct {
	n uint32
	s *string
}

func (x *sample) MarshalNDR(e *Encoder) {
	e.Uint32(x.n)
	e.Pointer(x.s != nil)
	if x.s != nil {
		e.String16(*x.s)
	}
}

func (x *sample) UnmarshalNDR(d *Decoder) {
	x.n = d.Uint32()
	if d.Pointer() {
		x.s = New[string](d)
	}
	if x.s != nil {
		*x.s = d.String16("s")
	}
}

func TestTypeSerialization(t *testing.T) {
	s := "a"
	const little = "01100800cccccccc2000000000000000" + "00000200" + "07000000" + "04000200" + "02000000" + "00000000" + "02000000" + "61000000" + "00000000"
	const big = "01000008cccccccc0000002000000000" + "00020000" + "00000007" + "00020004" + "00000002" + "00000000" + "00000002" + "00610000" + "00000000"
	prefix := []byte("xyz") // alignment counts from the value, not from the buffer
	b, err := AppendTypeSerialization(bytes.Clone(prefix), &sample{n: 7, s: &s})
	if err != nil || hex.EncodeToString(b[len(prefix):]) != little {
		t.Fatalf("%x, %v", b, err)
	}
	for _, in := range []string{little, big, little + "ffff"} {
		raw, _ := hex.DecodeString(in)
		var x sample
		if err := ParseTypeSerialization(raw, &x); err != nil || x.n != 7 || x.s == nil || *x.s != "a" {
			t.Errorf("%s: %+v, %v", in, x, err)
		}
	}
	raw, _ := hex.DecodeString(little)
	for n := range raw {
		if err := ParseTypeSerialization(raw[:n], new(sample)); !errors.Is(err, ErrTruncated) {
			t.Errorf("%d octets: %v", n, err)
		}
	}
	// With a length that fits, the value itself ends too early; without its padding it is whole.
	for n := uint32(0); n < 32; n++ {
		short := bytes.Clone(raw[:16+n])
		short[8] = byte(n)
		if err := ParseTypeSerialization(short, new(sample)); (err == nil) != (n >= 28) {
			t.Errorf("object of %d octets: %v", n, err)
		}
	}
}

func TestTypeSerializationHeaders(t *testing.T) {
	good, _ := hex.DecodeString("01100800cccccccc0800000000000000" + "0000020007000000")
	for name, tt := range map[string]struct {
		at   int
		v    byte
		want error
	}{
		"version 2":             {0, 2, ErrRepresentation},
		"EBCDIC":                {1, 0x11, ErrRepresentation},
		"VAX":                   {1, 0x20, ErrRepresentation},
		"length of the header":  {2, 12, ErrRepresentation},
		"byte order":            {1, 0x00, ErrRepresentation}, // the header's length is 0x800 then
		"object too long":       {8, 9, ErrTruncated},
		"object too long, high": {11, 0x80, ErrTruncated},
		"object empty":          {8, 0, ErrTruncated},
		"NULL":                  {18, 0, ErrNullReference},
		"filler":                {4, 0, ErrTruncated}, // is not looked at; the pointer of the sample is missing
	} {
		b := bytes.Clone(good)
		b[tt.at] = tt.v
		if err := ParseTypeSerialization(b, new(sample)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	e := []byte("kept")
	if b, err := AppendTypeSerialization(e, failing{}); !errors.Is(err, ErrTooLong) || string(b) != "kept" {
		t.Errorf("%q, %v", b, err)
	}
}

type failing struct{}

func (failing) MarshalNDR(e *Encoder) { e.Fail(ErrTooLong, "x") }

func FuzzTypeSerialization(f *testing.F) {
	s := "text"
	b, _ := AppendTypeSerialization(nil, &sample{n: 1, s: &s})
	f.Add(b)
	f.Add(b[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		var x, y sample
		if ParseTypeSerialization(b, &x) != nil {
			return
		}
		out, err := AppendTypeSerialization(nil, &x)
		if err != nil {
			t.Fatal(err)
		}
		if err := ParseTypeSerialization(out, &y); err != nil || x.n != y.n || (x.s == nil) != (y.s == nil) || x.s != nil && *x.s != *y.s {
			t.Fatal(err, x, y)
		}
	})
}
