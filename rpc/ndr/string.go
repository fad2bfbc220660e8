package ndr

import (
	"encoding/binary"
	"math"
	"slices"
	"unicode/utf8"
	"unsafe"

	"lwio/iomgr/nt"
)

// A [string] is a varying array that ends in a terminator, which is counted (C706 14.3.4). Lengths are in code units: what
// is not in the basic plane takes two.

// String16 appends a conformant string of wchar_t.
func (e *Encoder) String16(s string) {
	n := StringLen16(s)
	e.Conformance(n)
	e.string16(s, n)
}

// VaryingString16 appends a string of wchar_t whose conformance, limit, is fixed or was sent already.
func (e *Encoder) VaryingString16(s string, limit int, what string) {
	n := StringLen16(s)
	if n > limit {
		e.Fail(ErrTooLong, what)
		return
	}
	e.string16(s, n)
}

func (e *Encoder) string16(s string, n int) {
	e.variance(uint32(n))
	if !isASCII(s) {
		e.buf = append(nt.AppendUTF16(slices.Grow(e.buf, 2*n), s), 0, 0)
		return
	}
	at := len(e.buf)
	e.buf = slices.Grow(e.buf, 2*n)[:at+2*n]
	b := e.buf[at:]
	for i := range len(s) {
		b[2*i], b[2*i+1] = s[i], 0
	}
	b[2*n-2], b[2*n-1] = 0, 0
}

// isASCII reports that s has as many code units as octets, and none that needs more than one of them.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// StringLen16 is the conformance of s: its code units and the terminator.
func StringLen16(s string) int {
	if isASCII(s) {
		return len(s) + 1
	}
	return nt.UTF16Len(s) + 1
}

// String8 appends a conformant string of char: the octets of s.
func (e *Encoder) String8(s string) {
	e.Conformance(len(s) + 1)
	e.string8(s)
}

// VaryingString8 appends a string of char whose conformance, limit, is fixed or was sent already.
func (e *Encoder) VaryingString8(s string, limit int, what string) {
	if len(s) >= limit {
		e.Fail(ErrTooLong, what)
		return
	}
	e.string8(s)
}

func (e *Encoder) string8(s string) {
	e.variance(uint32(len(s) + 1))
	e.buf = append(append(e.buf, s...), 0)
}

// StringLen8 is the conformance of s: its octets and the terminator.
func StringLen8(s string) int { return len(s) + 1 }

// String16 reads a conformant string of wchar_t.
func (d *Decoder) String16(what string) string { return d.VaryingString16(d.Conformance(), what) }

// VaryingString16 reads a string of wchar_t of the conformance limit. Its last unit must be the terminator; a NUL before
// it stays in the string, for whoever is to refuse it.
func (d *Decoder) VaryingString16(limit uint32, what string) string {
	n := d.Variance(limit, what)
	if !d.fits(n, 2, what) {
		return ""
	}
	b := d.take(2 * int(n))
	if len(b) < 2 || b[len(b)-1] != 0 || b[len(b)-2] != 0 {
		d.Fail(ErrString, what)
		return ""
	}
	b = b[:len(b)-2]
	if d.big {
		b = slices.Clone(b)
		for i := 0; i+1 < len(b); i += 2 {
			b[i], b[i+1] = b[i+1], b[i]
		}
	}
	if s, ok := ascii(b); ok {
		return s
	}
	return nt.DecodeUTF16(b)
}

// ascii is little-endian UTF-16 as a string, if all of it is ASCII, which nearly all is: with one allocation, four units at a time.
func ascii(b []byte) (string, bool) {
	if len(b) < 2 {
		return "", true
	}
	out := make([]byte, len(b)/2)
	i := 0
	for ; i+4 <= len(out); i += 4 {
		v := binary.LittleEndian.Uint64(b[2*i:])
		if v&0xFF80FF80FF80FF80 != 0 {
			return "", false
		}
		v |= v >> 8
		v = v&0xFFFF | v>>16&0xFFFF0000
		binary.LittleEndian.PutUint32(out[i:], uint32(v))
	}
	for ; i < len(out); i++ {
		if b[2*i] >= utf8.RuneSelf || b[2*i+1] != 0 {
			return "", false
		}
		out[i] = b[2*i]
	}
	return unsafe.String(&out[0], len(out)), true // nobody else has out
}

// String8 reads a conformant string of char.
func (d *Decoder) String8(what string) string { return d.VaryingString8(d.Conformance(), what) }

// VaryingString8 reads a string of char of the conformance limit, as VaryingString16 does.
func (d *Decoder) VaryingString8(limit uint32, what string) string {
	n := d.Variance(limit, what)
	if !d.fits(n, 1, what) {
		return ""
	}
	b := d.take(int(n))
	if len(b) < 1 || b[len(b)-1] != 0 {
		d.Fail(ErrString, what)
		return ""
	}
	return string(b[:len(b)-1])
}

// StringPointerLen16 is StringLen16 of what p points to, and zero for NULL.
func StringPointerLen16(p *string) int {
	if p == nil {
		return 0
	}
	return StringLen16(*p)
}

// StringPointerLen8 is StringLen8 of what p points to, and zero for NULL.
func StringPointerLen8(p *string) int {
	if p == nil {
		return 0
	}
	return StringLen8(*p)
}

// CountedUTF16 is s as the buffer of an RPC_UNICODE_STRING (MS-DTYP 2.3.10), whose length in octets has 16 bits: at most
// 32767 code units, never nil.
func CountedUTF16(s string) []uint16 {
	u := nt.ToUTF16(s)
	return u[:min(len(u), math.MaxUint16/2)]
}

// CountedBytes is s as the buffer of an ANSI string counted by 16 bits.
func CountedBytes(s string) []byte { return []byte(s[:min(len(s), math.MaxUint16)]) }

// String returns a pointer to s, for the members that are unique strings.
func String(s string) *string { return &s }

// Text is what p points to, and "" for NULL.
func Text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
