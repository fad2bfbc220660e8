package ndr

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestString16(t *testing.T) {
	for _, c := range []struct {
		s    string
		wire []byte
	}{
		{"", []byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}},
		{"ab", []byte{3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'a', 0, 'b', 0, 0, 0}},
		{"Größe", []byte{6, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 'G', 0, 'r', 0, 0xF6, 0, 0xDF, 0, 'e', 0, 0, 0}},
		{"共", []byte{2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x71, 0x51, 0, 0}},
		{"😀", []byte{3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0x3D, 0xD8, 0x00, 0xDE, 0, 0}},    // two units
		{"\xED\xA0\xBD", []byte{2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x3D, 0xD8, 0, 0}},     // half of a pair, kept
		{"a\x00b", []byte{4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'a', 0, 0, 0, 'b', 0, 0, 0}}, // a NUL inside stays
		{"\x00", []byte{2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}},
	} {
		e := NewEncoder(nil)
		e.String16(c.s)
		if e.Err() != nil || !bytes.Equal(e.Bytes(), c.wire) {
			t.Errorf("%q: %v\n%x\nwant\n%x", c.s, e.Err(), e.Bytes(), c.wire)
		}
		d := NewDecoder(c.wire, LittleEndian)
		if s := d.String16("s"); s != c.s || d.Err() != nil {
			t.Errorf("%q: decoded %q, %v", c.s, s, d.Err())
		}
		big := bytes.Clone(c.wire)
		for i := 0; i < 12; i += 4 {
			big[i], big[i+3] = big[i+3], big[i]
		}
		for i := 12; i < len(big); i += 2 {
			big[i], big[i+1] = big[i+1], big[i]
		}
		if d := NewDecoder(big, BigEndian); d.String16("s") != c.s || d.Err() != nil {
			t.Errorf("%q: big-endian: %v", c.s, d.Err())
		}
		for n := range c.wire {
			d := NewDecoder(c.wire[:n], LittleEndian)
			if s := d.String16("s"); s != "" || d.Err() == nil {
				t.Errorf("%q cut to %d: %q, %v", c.s, n, s, d.Err())
			}
		}
		if n := StringLen16(c.s); n != (len(c.wire)-12)/2 {
			t.Errorf("%q: length %d", c.s, n)
		}
	}
}

func TestBadStrings(t *testing.T) {
	for _, c := range []struct {
		name string
		wire []byte
		err  error
		wide bool
	}{
		{"offset", []byte{3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 'a', 0, 0, 0}, ErrBounds, true},
		{"longer than its conformance", []byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 'a', 0, 0, 0}, ErrBounds, true},
		{"no element", []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, ErrString, true},
		{"no terminator", []byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'a', 0}, ErrString, true},
		{"half a terminator", []byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, ErrString, true},
		{"longer than the data", []byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0}, ErrConformance, true},
		{"much longer than the data", []byte{0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x1F, 0, 0}, ErrConformance, true},
		{"narrow offset", []byte{3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 'a', 0}, ErrBounds, false},
		{"narrow no element", []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, ErrString, false},
		{"narrow no terminator", []byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'a'}, ErrString, false},
		{"narrow longer than the data", []byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0}, ErrConformance, false},
	} {
		d := NewDecoder(c.wire, LittleEndian)
		var s string
		if c.wide {
			s = d.String16("s")
		} else {
			s = d.String8("s")
		}
		if s != "" || !errors.Is(d.Err(), c.err) {
			t.Errorf("%s: %q, %v, want %v", c.name, s, d.Err(), c.err)
		}
	}
}

func TestString8(t *testing.T) {
	wire := []byte{3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'a', 0xE4, 0}
	e := NewEncoder(nil)
	e.String8("a\xE4")
	if !bytes.Equal(e.Bytes(), wire) {
		t.Errorf("%x", e.Bytes())
	}
	for n := range len(wire) + 1 {
		d := NewDecoder(wire[:n], LittleEndian)
		if s := d.String8(""); n == len(wire) && (s != "a\xE4" || d.Err() != nil) || n < len(wire) && (s != "" || d.Err() == nil) {
			t.Errorf("cut to %d: %q, %v", n, s, d.Err())
		}
	}
}

// TestVaryingString: the conformance is elsewhere (C706 14.3.4): it bounds both ways.
func TestVaryingString(t *testing.T) {
	for _, wide := range []bool{true, false} {
		for n := range 5 {
			s := strings.Repeat("x", n)
			e := NewEncoder(nil)
			if wide {
				e.VaryingString16(s, 3, "s")
			} else {
				e.VaryingString8(s, 3, "s")
			}
			if fits := n+1 <= 3; fits != (e.Err() == nil) || !fits && !errors.Is(e.Err(), ErrTooLong) {
				t.Errorf("%q: %v", s, e.Err())
			}
			e.Reset(nil)
			d := &Decoder{}
			if wide {
				e.VaryingString16(s, 9, "s")
				d = NewDecoder(e.Bytes(), LittleEndian)
				d.VaryingString16(3, "s")
			} else {
				e.VaryingString8(s, 9, "s")
				d = NewDecoder(e.Bytes(), LittleEndian)
				d.VaryingString8(3, "s")
			}
			if fits := n+1 <= 3; fits != (d.Err() == nil) || !fits && !errors.Is(d.Err(), ErrBounds) {
				t.Errorf("decoding %q: %v", s, d.Err())
			}
		}
	}
}

func TestCounted(t *testing.T) {
	if u := CountedUTF16(""); u == nil || len(u) != 0 {
		t.Error("the empty string is NULL")
	}
	if u := CountedUTF16(strings.Repeat("x", 40000)); len(u) != 32767 {
		t.Error(len(u))
	}
	if b := CountedBytes(strings.Repeat("x", 70000)); len(b) != 65535 {
		t.Error(len(b))
	}
	if Text(nil) != "" || Text(String("x")) != "x" || StringPointerLen16(nil) != 0 || StringPointerLen8(nil) != 0 ||
		StringPointerLen16(String("")) != 1 || StringPointerLen8(String("a")) != 2 {
		t.Error("NULL strings")
	}
}
