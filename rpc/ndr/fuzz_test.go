package ndr

import (
	"bytes"
	"testing"
)

// FuzzDecoder lets the first half of the input choose what is read from the second. Nothing may panic, read past the end or hand
// out more memory than allowed, and no error may be forgotten.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7}, []byte("\x03\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00a\x00b\x00\x00\x00"), true)
	f.Add([]byte{5, 6, 7, 8, 9, 10, 11}, []byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}, false)
	f.Add([]byte{12, 7, 13, 13, 14}, []byte("\x00\x00\x02\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xFF"), false)
	read := func(t *testing.T, ops, data []byte, r Representation, s Syntax) {
		keep := bytes.Clone(data)
		d := NewDecoder(data, r)
		d.SetSyntax(s)
		memory := 0
		var full []*uint32
		for _, op := range ops {
			before := d.Err()
			switch op % 16 {
			case 0:
				d.Uint8()
			case 1:
				d.Uint16()
			case 2:
				d.Uint32()
			case 3:
				d.Uint64()
			case 4:
				d.GUID()
			case 5:
				memory += len(d.String16(""))
			case 6:
				memory += len(d.String8(""))
			case 7:
				memory += len(d.Uint8s(d.Conformance(), ""))
			case 8:
				memory += 2 * len(d.Uint16s(d.Variance(d.Conformance(), ""), ""))
			case 9:
				memory += 4 * len(d.Uint32s(d.Conformance(), ""))
			case 10:
				memory += 8 * len(d.Uint64s(d.Conformance(), ""))
			case 11:
				memory += 100 * len(MakeSlice[[100]byte](d, d.Conformance(), 4, ""))
			case 12:
				if d.Pointer() {
					New[[64]byte](d)
					memory += 64
				}
			case 13:
				full = append(full, DecodeFullPointer[uint32](d))
			case 14:
				for _, p := range full {
					if DecodeFullReferent(d, p) {
						*p = d.Uint32()
					}
				}
			case 15:
				if d.Enter() && op > 127 {
					d.Leave()
				}
			}
			if before != nil && d.Err() != before {
				t.Fatalf("%v became %v", before, d.Err())
			}
			if d.Offset() > len(data)+7 || d.Remaining() < 0 || d.Err() != nil && d.Remaining() != 0 {
				t.Fatalf("offset %d, %d left of %d: %v", d.Offset(), d.Remaining(), len(data), d.Err())
			}
		}
		if limit := memoryFree + memoryPerOctet*len(data); memory > limit {
			t.Fatalf("%d octets of memory, more than %d", memory, limit)
		}
		if !bytes.Equal(keep, data) {
			t.Fatal("the input changed")
		}
	}
	f.Fuzz(func(t *testing.T, ops, data []byte, big bool) {
		if big {
			read(t, ops, data, BigEndian, NDR20)
			return
		}
		read(t, ops, data, LittleEndian, NDR20)
		read(t, ops, data, LittleEndian, NDR64)
	})
}

// FuzzString16 encodes any string and decodes it again.
func FuzzString16(f *testing.F) {
	for _, s := range []string{"", "a", "Größe", "\U0001F600", "\xED\xA0\xBD", "\xFF\x00\xC0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e := NewEncoder(nil)
		e.String16(s)
		d := NewDecoder(e.Bytes(), LittleEndian)
		got := d.String16("")
		if e.Err() != nil || d.Err() != nil || d.Remaining() != 0 {
			t.Fatal(e.Err(), d.Err(), d.Remaining())
		}
		again := NewEncoder(nil)
		again.String16(got)
		if !bytes.Equal(e.Bytes(), again.Bytes()) {
			t.Fatalf("%x\n%x", e.Bytes(), again.Bytes())
		}
	})
}
