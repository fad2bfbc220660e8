package ndr

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"lwio/iomgr/nt"
)

func octets(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSyntaxID(t *testing.T) {
	for s, want := range map[Syntax]string{NDR20: "8a885d04-1ceb-11c9-9fe8-08002b104860", NDR64: "71710533-beba-4937-8319-b5dbef9ccc36"} {
		u, major, minor := s.ID()
		if u != nt.MustGUID(want) || minor != 0 {
			t.Errorf("%s: %v %d.%d", s, u, major, minor)
		}
		if got, ok := SyntaxOf(u, major, minor); !ok || got != s {
			t.Errorf("SyntaxOf(%v): %v %v", u, got, ok)
		}
		if _, ok := SyntaxOf(u, major, 1); ok {
			t.Errorf("%s in another minor version", s)
		}
		if _, ok := SyntaxOf(u, major+1, 0); ok {
			t.Errorf("%s in another version", s)
		}
	}
	if _, ok := SyntaxOf(nt.GUID{}, 0, 0); ok || Syntax(9).String() != "unknown" {
		t.Error("an unknown syntax")
	}
}

// TestNDR64 is the widths and alignments of MS-RPCE 2.2.5.
func TestNDR64(t *testing.T) {
	for name, c := range map[string]struct {
		encode func(*Encoder)
		decode func(*Decoder) bool
		want   string
	}{
		"conformance": {func(e *Encoder) { e.Uint8(1); e.Conformance(3) }, func(d *Decoder) bool { return d.Uint8() == 1 && d.Conformance() == 3 }, "01 00000000000000 0300000000000000"},
		"variance":    {func(e *Encoder) { e.Variance(2, 3, "") }, func(d *Decoder) bool { return d.Variance(3, "") == 2 }, "0000000000000000 0200000000000000"},
		"pointer":     {func(e *Encoder) { e.Uint32(1); e.Pointer(true) }, func(d *Decoder) bool { return d.Uint32() == 1 && d.Pointer() }, "01000000 00000000 0000020000000000"},
		"null":        {func(e *Encoder) { e.Pointer(false) }, func(d *Decoder) bool { return !d.Pointer() }, "0000000000000000"},
		"reference":   {func(e *Encoder) { e.Reference() }, func(d *Decoder) bool { d.Reference(); return true }, "0000020000000000"},
		"enum":        {func(e *Encoder) { e.Uint8(1); e.Enum16(0x1234) }, func(d *Decoder) bool { return d.Uint8() == 1 && d.Enum16() == 0x1234 }, "01 000000 34120000"},
		"v1_enum":     {func(e *Encoder) { e.Enum32(0x12345678) }, func(d *Decoder) bool { return d.Enum32() == 0x12345678 }, "78563412"},
		"short":       {func(e *Encoder) { e.Uint8(1); e.Uint16(2) }, func(d *Decoder) bool { return d.Uint8() == 1 && d.Uint16() == 2 }, "01 00 0200"},
		"__int3264": {func(e *Encoder) { e.Uint32(1); e.Int3264(-2) }, func(d *Decoder) bool { return d.Uint32() == 1 && d.Int3264() == -2 },
			"01000000 00000000 feffffffffffffff"},
		"unsigned __int3264": {func(e *Encoder) { e.Uint3264(1 << 40) }, func(d *Decoder) bool { return d.Uint3264() == 1<<40 }, "0000000000010000"},
		"string": {func(e *Encoder) { e.String16("ab") }, func(d *Decoder) bool { return d.String16("") == "ab" },
			"0300000000000000 0000000000000000 0300000000000000 610062000000"},
		"string of char": {func(e *Encoder) { e.String8("ab") }, func(d *Decoder) bool { return d.String8("") == "ab" },
			"0300000000000000 0000000000000000 0300000000000000 616200"},
		"alignments": {func(e *Encoder) { e.Uint8(1); e.Align64(4); e.Uint8(2); e.AlignEither(2, 8); e.Uint8(3) },
			func(d *Decoder) bool {
				ok := d.Uint8() == 1
				d.Align64(4)
				ok = ok && d.Uint8() == 2
				d.AlignEither(2, 8)
				return ok && d.Uint8() == 3
			}, "01000000 02000000 03"},
		"chunks": {func(e *Encoder) { e.Chunk(2); e.Uint8s([]byte{5, 6}); e.EndChunk(2); e.Chunk(0); e.EndChunk(0) },
			func(d *Decoder) bool {
				n := d.Chunk()
				b := d.Uint8s(n, "")
				d.EndChunk(n)
				last := d.Chunk()
				d.EndChunk(last)
				return bytes.Equal(b, []byte{5, 6}) && last == 0
			}, "0200000000000000 0506 000000000000 feffffffffffffff 0000000000000000 0000000000000000"},
	} {
		want := octets(t, c.want)
		e := NewEncoder([]byte{1, 2, 3})
		e.SetSyntax(NDR64)
		c.encode(e)
		if e.Err() != nil || !bytes.Equal(e.Bytes()[3:], want) {
			t.Errorf("%s: %v\n%x\nwant\n%x", name, e.Err(), e.Bytes()[3:], want)
		}
		for n := range want {
			d := NewDecoder(want[:n], LittleEndian)
			d.SetSyntax(NDR64)
			c.decode(d)
			if d.Err() == nil {
				t.Errorf("%s cut to %d octets decodes", name, n)
			}
		}
		d := NewDecoder(want, LittleEndian)
		d.SetSyntax(NDR64)
		if !c.decode(d) || d.Err() != nil || d.Remaining() != 0 {
			t.Errorf("%s: %v, %d octets are left", name, d.Err(), d.Remaining())
		}
	}
}

// TestNDR64Refused is what NDR64 has no meaning for.
func TestNDR64Refused(t *testing.T) {
	for name, c := range map[string]struct {
		in     string
		decode func(*Decoder)
		want   error
	}{
		"conformance over 32 bits": {"0000000001000000", func(d *Decoder) { d.Uint8s(d.Conformance(), "") }, ErrConformance},
		"offset over 32 bits":      {"0000000001000000 0000000000000000", func(d *Decoder) { d.Variance(9, "") }, ErrConformance},
		"offset":                   {"0100000000000000 0000000000000000", func(d *Decoder) { d.Variance(9, "") }, ErrBounds},
		"enum too large":           {"00000100", func(d *Decoder) { d.Enum16() }, ErrRange},
		"enum too small":           {"ff7fffff", func(d *Decoder) { d.Enum16() }, ErrRange},
		"null reference":           {"0000000000000000", func(d *Decoder) { d.Reference() }, ErrNullReference},
		"end of chunk":             {"0100000000000000", func(d *Decoder) { d.EndChunk(1) }, ErrBounds},
	} {
		d := NewDecoder(octets(t, c.in), LittleEndian)
		d.SetSyntax(NDR64)
		c.decode(d)
		if !errors.Is(d.Err(), c.want) {
			t.Errorf("%s: %v", name, d.Err())
		}
	}
	d := NewDecoder(make([]byte, 8), BigEndian)
	d.SetSyntax(NDR64)
	if d.Pointer(); !errors.Is(d.Err(), ErrRepresentation) {
		t.Errorf("NDR64 in big-endian: %v", d.Err())
	}
	// The upper half of an identifier tells a pointer from NULL, and one full pointer from another.
	d = NewDecoder(octets(t, "0000000001000000 0000000002000000 0000000001000000"), LittleEndian)
	d.SetSyntax(NDR64)
	a, b, c := DecodeFullPointer[uint32](d), DecodeFullPointer[uint32](d), DecodeFullPointer[uint32](d)
	if a == nil || b == nil || a == b || a != c || d.Err() != nil {
		t.Errorf("full pointers: %p %p %p (%v)", a, b, c, d.Err())
	}
}

// TestResetReturns makes sure that a codec in a pool speaks NDR 2.0 again.
func TestResetReturns(t *testing.T) {
	var e Encoder
	e.SetSyntax(NDR64)
	e.Reset(nil)
	d := NewDecoder(nil, LittleEndian)
	d.SetSyntax(NDR64)
	if d.Syntax() != NDR64 {
		t.Error("SetSyntax does nothing")
	}
	d.Reset(nil, LittleEndian)
	if e.Syntax() != NDR20 || d.Syntax() != NDR20 {
		t.Error("Reset keeps the syntax")
	}
}

// TestResetForgets makes sure that nothing of a message is left for the next.
func TestResetForgets(t *testing.T) {
	var d Decoder
	d.Reset(octets(t, "01000000 01000000 00"), Representation{0x10, 1, 0, 0})
	p := DecodeFullPointer[uint16](&d)
	DecodeFullReferent(&d, p)
	d.Enter()
	d.Uint32()
	if d.Uint32(); !errors.Is(d.Err(), ErrTruncated) {
		t.Fatal(d.Err())
	}
	d.Reset(octets(t, "01000000 0000803f"), LittleEndian)
	if q := DecodeFullPointer[uint32](&d); q == nil || !DecodeFullReferent(&d, q) {
		t.Error("a full pointer of the message before")
	}
	if f := d.Float32(); f != 1 || d.Err() != nil || d.Remaining() != 0 {
		t.Errorf("%v, %v", f, d.Err())
	}
	if d.depth != 0 {
		t.Errorf("a depth of %d", d.depth)
	}
	var e Encoder
	one := uint32(1)
	e.Reset(nil)
	FullPointer(&e, &one)
	e.Enter()
	e.Fail(ErrTooLong, "")
	e.Reset([]byte{7})
	if FullPointer(&e, &one); e.Err() != nil || e.depth != 0 || !bytes.Equal(e.Bytes(), octets(t, "07 00000200")) {
		t.Errorf("%x, %v", e.Bytes(), e.Err())
	}
}
