package smb2

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of the parsers. Each returned error wraps one of them and says which field of which structure was refused.
var (
	// ErrTruncated: the bytes end before the fixed part of a structure does.
	ErrTruncated = errors.New("structure is cut short")
	// ErrStructureSize: the StructureSize field has another value than the structure demands.
	ErrStructureSize = errors.New("wrong StructureSize")
	// ErrBounds: an offset and length, or a count, lie outside the message or inside its fixed part.
	ErrBounds = errors.New("offset, length or count out of bounds")
	// ErrAlignment: an offset to a next element is not a multiple of what the structure demands.
	ErrAlignment = errors.New("misaligned element")
	// ErrValue: a field has a value that the structure cannot have.
	ErrValue = errors.New("invalid value")
	// ErrProtocol: the four bytes at the start are no protocol identifier that is expected there.
	ErrProtocol = errors.New("unknown protocol identifier")
)

var le = binary.LittleEndian

// fixed checks that b holds the fixed part of a structure with the given StructureSize. An odd StructureSize counts one
// byte of the variable part that follows (MS-SMB2 2.2.3 and others), which need not be there.
func fixed(b []byte, size uint16, what string) error {
	if len(b) < 2 {
		return fmt.Errorf("%s: %w", what, ErrTruncated)
	}
	if got := le.Uint16(b); got != size {
		return fmt.Errorf("%s: %w: %d, want %d", what, ErrStructureSize, got, size)
	}
	if len(b) < int(size&^1) {
		return fmt.Errorf("%s: %w: %d bytes, want %d", what, ErrTruncated, len(b), size&^1)
	}
	return nil
}

// field cuts a variable part out of a body: off counts from the start of the header, the part must not begin within
// the first low bytes of the body. A part of length zero is nil whatever off says.
func field(body []byte, off, n uint32, low int, what string) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	lo := uint64(off)
	hi := lo + uint64(n)
	if lo < uint64(HeaderSize+low) || hi > uint64(HeaderSize+len(body)) {
		return nil, fmt.Errorf("%s: %w: %d bytes at %d of %d", what, ErrBounds, n, off, HeaderSize+len(body))
	}
	return body[lo-HeaderSize : hi-HeaderSize : hi-HeaderSize], nil
}

// part is field for structures whose offsets count from their own first byte.
func part(b []byte, off, n uint32, low int, what string) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	lo := uint64(off)
	hi := lo + uint64(n)
	if lo < uint64(low) || hi > uint64(len(b)) {
		return nil, fmt.Errorf("%s: %w: %d bytes at %d of %d", what, ErrBounds, n, off, len(b))
	}
	return b[lo:hi:hi], nil
}

// short reports a structure without StructureSize that is cut short.
func short(what string, got, want int) error {
	return fmt.Errorf("%s: %w: %d bytes, want %d", what, ErrTruncated, got, want)
}

// rest is the remainder of b from n on, nil when nothing remains, with its capacity cut.
func rest(b []byte, n int) []byte {
	if n >= len(b) {
		return nil
	}
	return b[n:len(b):len(b)]
}

func align8(n int) int { return (n + 7) &^ 7 }

// pad8 appends zeros until len(b)-start is a multiple of eight.
func pad8(b []byte, start int) []byte {
	const zeros = "\x00\x00\x00\x00\x00\x00\x00\x00"
	n := len(b) - start
	return append(b, zeros[:align8(n)-n]...)
}

// offsetOf is what an offset field says of a part that starts where b ends now, in a body that started at start.
func offsetOf(b []byte, start int) int { return HeaderSize + len(b) - start }
