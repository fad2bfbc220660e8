package ndr

import (
	"bytes"
	"errors"
	"testing"
)

func TestPointers(t *testing.T) {
	e := NewEncoder(nil)
	e.Pointer(true)
	e.Pointer(false)
	e.Reference()
	want := []byte{0, 0, 2, 0, 0, 0, 0, 0, 4, 0, 2, 0}
	if !bytes.Equal(e.Bytes(), want) {
		t.Fatalf("%x", e.Bytes())
	}
	d := NewDecoder(want, LittleEndian)
	if !d.Pointer() || d.Pointer() {
		t.Error("unique pointers")
	}
	if d.Reference(); d.Err() != nil {
		t.Error(d.Err())
	}
	d = NewDecoder(make([]byte, 4), LittleEndian)
	if d.Reference(); !errors.Is(d.Err(), ErrNullReference) {
		t.Error(d.Err())
	}
}

// TestFullPointers: what is the same before encoding is the same after decoding, and its value is sent once.
func TestFullPointers(t *testing.T) {
	a, b := uint32(1), uint32(2)
	e := NewEncoder(nil)
	for _, p := range []*uint32{&a, &b, &a, nil} {
		FullPointer(e, p)
	}
	for _, p := range []*uint32{&a, &b, &a, nil} {
		if FullReferent(e, p) {
			e.Uint32(*p)
		}
	}
	want := []byte{0, 0, 2, 0, 4, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0}
	if !bytes.Equal(e.Bytes(), want) {
		t.Fatalf("%x", e.Bytes())
	}
	for n := range len(want) + 1 {
		d := NewDecoder(want[:n], LittleEndian)
		var ps [4]*uint32
		for i := range ps {
			ps[i] = DecodeFullPointer[uint32](d)
		}
		for _, p := range ps {
			if DecodeFullReferent(d, p) {
				*p = d.Uint32()
			}
		}
		if n < len(want) {
			if !errors.Is(d.Err(), ErrTruncated) {
				t.Errorf("cut to %d: %v", n, d.Err())
			}
			continue
		}
		if d.Err() != nil || ps[0] != ps[2] || ps[0] == ps[1] || ps[3] != nil || *ps[0] != 1 || *ps[1] != 2 {
			t.Errorf("%v %v", ps, d.Err())
		}
	}
	// An identifier that comes back with another type is refused, not converted.
	d := NewDecoder([]byte{1, 0, 0, 0, 1, 0, 0, 0}, LittleEndian)
	DecodeFullPointer[uint32](d)
	if p := DecodeFullPointer[uint64](d); p == nil || !errors.Is(d.Err(), ErrAlias) {
		t.Error(p, d.Err())
	}
}

func TestDepth(t *testing.T) {
	d, e := NewDecoder(nil, LittleEndian), NewEncoder(nil)
	for i := range MaxDepth {
		if !d.Enter() || !e.Enter() {
			t.Fatalf("refused at %d", i)
		}
	}
	if d.Enter() || e.Enter() || !errors.Is(d.Err(), ErrDepth) || !errors.Is(e.Err(), ErrDepth) {
		t.Error(d.Err(), e.Err())
	}
	d = NewDecoder(nil, LittleEndian)
	for range 10 * MaxDepth { // side by side is not deep
		if !d.Enter() {
			t.Fatal(d.Err())
		}
		d.Leave()
	}
}

func TestUnionTags(t *testing.T) {
	d := NewDecoder(nil, LittleEndian)
	if d.Tag(3, 3, "u"); d.Err() != nil {
		t.Error(d.Err())
	}
	if d.Tag(3, 4, "u"); !errors.Is(d.Err(), ErrTagMismatch) {
		t.Error(d.Err())
	}
	d = NewDecoder(nil, LittleEndian)
	if d.BadTag("u"); !errors.Is(d.Err(), ErrTag) {
		t.Error(d.Err())
	}
}

// TestNothingPointsIntoTheInput: a server uses its receive buffer again.
func TestNothingPointsIntoTheInput(t *testing.T) {
	in := []byte{2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 'a', 0, 0, 0, 7, 8}
	d := NewDecoder(in, LittleEndian)
	s, b := d.String16(""), d.Uint8s(2, "")
	clear(in)
	if s != "a" || !bytes.Equal(b, []byte{7, 8}) {
		t.Errorf("%q %v", s, b)
	}
}
