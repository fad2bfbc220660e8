package ndr

import (
	"errors"
	"math"
	"testing"
)

func TestFloatFormats(t *testing.T) {
	vax, cray, ibm := Representation{0x10, 1, 0, 0}, Representation{0, 2, 0, 0}, Representation{0, 3, 0, 0}
	for _, c := range []struct {
		r    Representation
		in   string
		want float64
	}{
		{LittleEndian, "0000c03f", 1.5},
		{BigEndian, "3fc00000", 1.5},
		{LittleEndian, "182d4454fb2109c0", -math.Pi},
		{BigEndian, "c00921fb54442d18", -math.Pi},
		// The VAX architecture's own: 1.0 is ^X4080 in F and ^X4010 in G.
		{vax, "80400000", 1},
		{vax, "80c00000", -1},
		{vax, "c0400000", 1.5},
		{vax, "4941db0f", float64(float32(math.Pi))}, // fraction 0xC90FDB, exponent 130
		{vax, "00000000", 0},
		{vax, "1040000000000000", 1},
		{vax, "10c0000000000000", -1},
		{vax, "2940fb214454182d", math.Pi},
		{vax, "0000000000000000", 0},
		{cray, "3fc00000", 1.5},
		{cray, "4001800000000000", 1},
		{cray, "c001c00000000000", -1.5},
		{cray, "4002c90fdaa22168", 3.141592653589789},
		{cray, "0000000000000000", 0},
		// IBM: 118.625 is the textbook's.
		{ibm, "4276a000", 118.625},
		{ibm, "c276a000", -118.625},
		{ibm, "41100000", 1},
		{ibm, "00000000", 0},
		{ibm, "c276a00000000000", -118.625},
		{ibm, "413243f6a8885a31", math.Pi},
	} {
		b := octets(t, c.in)
		d := NewDecoder(b, c.r)
		var got float64
		if len(b) == 4 {
			got = float64(d.Float32())
		} else {
			got = d.Float64()
		}
		if d.Err() != nil || math.Abs(got-c.want) > 1e-14*math.Abs(c.want) {
			t.Errorf("%v %s: %v (%v), want %v", c.r, c.in, got, d.Err(), c.want)
		}
	}
	for name, c := range map[string]struct {
		r    Representation
		in   string
		want error
	}{
		"reserved operand":    {vax, "00800000", ErrRange},
		"reserved operand, G": {vax, "0080000000000000", ErrRange},
		"IBM over a float":    {ibm, "7fffffff", ErrRange},
		"Cray over a double":  {cray, "7fffffffffffffff", ErrRange},
		"big-endian VAX":      {Representation{0, 1, 0, 0}, "00000000", ErrRepresentation},
		"little-endian Cray":  {Representation{0x10, 2, 0, 0}, "00000000", ErrRepresentation},
		"little-endian IBM":   {Representation{0x10, 3, 0, 0}, "00000000", ErrRepresentation},
		"no such format":      {Representation{0x10, 4, 0, 0}, "00000000", ErrRepresentation},
		"EBCDIC":              {Representation{0x11, 0, 0, 0}, "00000000", ErrRepresentation},
		"no such order":       {Representation{0x20, 0, 0, 0}, "00000000", ErrRepresentation},
		"cut":                 {vax, "8040", ErrTruncated},
	} {
		b := octets(t, c.in)
		d := NewDecoder(b, c.r)
		if len(b) == 8 {
			d.Float64()
		} else {
			d.Float32()
		}
		if !errors.Is(d.Err(), c.want) {
			t.Errorf("%s: %v", name, d.Err())
		}
	}
	d := NewDecoder(make([]byte, 8), vax)
	if d.SetSyntax(NDR64); !errors.Is(d.Err(), ErrRepresentation) {
		t.Errorf("NDR64 with floats of a VAX: %v", d.Err())
	}
}
