package nt

import "unicode/utf8"

// Windows names are sequences of 16-bit units that need not be well-formed UTF-16. Here they are Go strings in
// WTF-8: a lone surrogate is kept as the three bytes its number would have in UTF-8, so every name a peer can send
// survives the way in and out. Bytes that are neither UTF-8 nor such a surrogate become U+FFFD on the way out.

// UTF16Len is the number of 16-bit units that AppendUTF16 writes for s.
func UTF16Len(s string) int {
	n := 0
	for i := 0; i < len(s); {
		r, size := decodeWTF8(s, i)
		i += size
		n++
		if r >= 0x10000 {
			n++
		}
	}
	return n
}

// AppendUTF16 appends s in little-endian UTF-16, without a terminator.
func AppendUTF16(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			b = append(b, c, 0)
			i++
			continue
		}
		r, size := decodeWTF8(s, i)
		i += size
		if r >= 0x10000 {
			hi, lo := splitSurrogates(r)
			b = append(b, byte(hi), byte(hi>>8), byte(lo), byte(lo>>8))
			continue
		}
		b = append(b, byte(r), byte(r>>8))
	}
	return b
}

// DecodeUTF16 reads little-endian UTF-16. A last odd byte is not a unit and is left out; a terminator is a unit
// like any other and is kept.
func DecodeUTF16(b []byte) string {
	b = b[:len(b)&^1]
	ascii := true
	for i := 0; i < len(b); i += 2 {
		if b[i] >= utf8.RuneSelf || b[i+1] != 0 {
			ascii = false
			break
		}
	}
	out := make([]byte, 0, len(b)/2)
	if ascii {
		for i := 0; i < len(b); i += 2 {
			out = append(out, b[i])
		}
		return string(out)
	}
	for i := 0; i < len(b); i += 2 {
		r := rune(b[i]) | rune(b[i+1])<<8
		if isHighSurrogate(r) && i+3 < len(b) {
			if lo := rune(b[i+2]) | rune(b[i+3])<<8; isLowSurrogate(lo) {
				r = joinSurrogates(r, lo)
				i += 2
			}
		}
		out = appendWTF8(out, r)
	}
	return string(out)
}

// ToUTF16 converts s to 16-bit units, without a terminator.
func ToUTF16(s string) []uint16 { return appendUnits(make([]uint16, 0, len(s)), s) }

// FromUTF16 converts 16-bit units to a string.
func FromUTF16(u []uint16) string {
	out := make([]byte, 0, len(u))
	for i := 0; i < len(u); i++ {
		r := rune(u[i])
		if isHighSurrogate(r) && i+1 < len(u) && isLowSurrogate(rune(u[i+1])) {
			r = joinSurrogates(r, rune(u[i+1]))
			i++
		}
		out = appendWTF8(out, r)
	}
	return string(out)
}

func isHighSurrogate(r rune) bool { return r >= 0xD800 && r <= 0xDBFF }
func isLowSurrogate(r rune) bool  { return r >= 0xDC00 && r <= 0xDFFF }

func joinSurrogates(hi, lo rune) rune { return (hi-0xD800)<<10 | (lo - 0xDC00) + 0x10000 }

func splitSurrogates(r rune) (hi, lo uint16) {
	r -= 0x10000
	return uint16(0xD800 + r>>10), uint16(0xDC00 + r&0x3FF)
}

// decodeWTF8 reads the code point at s[i], surrogates included.
func decodeWTF8(s string, i int) (rune, int) {
	if c := s[i]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	r, size := utf8.DecodeRuneInString(s[i:])
	if r == utf8.RuneError && size == 1 && s[i] == 0xED && i+2 < len(s) && s[i+1]&0xE0 == 0xA0 && s[i+2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[i+1]&0x3F)<<6 | rune(s[i+2]&0x3F), 3
	}
	return r, size
}

// appendWTF8 appends one code point, surrogates included.
func appendWTF8(b []byte, r rune) []byte {
	if r >= 0xD800 && r <= 0xDFFF {
		return append(b, 0xED, byte(0x80|r>>6&0x3F), byte(0x80|r&0x3F))
	}
	return utf8.AppendRune(b, r)
}
