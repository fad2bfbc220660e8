package ntlm

import (
	"encoding/binary"
	"errors"

	"lwio/iomgr/nt"
)

// ErrMessage says that a token is not the NTLM message that was expected. It maps to nt.StatusInvalidParameter.
var ErrMessage = errors.New("malformed NTLM message")

// Signature begins every NTLM message. Servers recognise a token that is not wrapped in SPNEGO by it.
const Signature = "NTLMSSP\x00"

// maxMessage bounds a message: its fields have 16-bit lengths, and the longest honest message (many AV pairs,
// long names) stays far below this.
const maxMessage = 0xFFFF

const (
	typeNegotiate    = 1
	typeChallenge    = 2
	typeAuthenticate = 3
)

// IsMessage reports whether b begins as an NTLM message does.
func IsMessage(b []byte) bool {
	return len(b) >= len(Signature) && string(b[:len(Signature)]) == Signature
}

func checkHeader(b []byte, kind uint32, size int) error {
	if len(b) < size || len(b) > maxMessage || !IsMessage(b) || binary.LittleEndian.Uint32(b[8:]) != kind {
		return ErrMessage
	}
	return nil
}

func appendHeader(b []byte, kind uint32) []byte {
	b = append(b, Signature...)
	return binary.LittleEndian.AppendUint32(b, kind)
}

// field reads the Len, MaxLen and BufferOffset at b[at:] and returns the bytes they name, which alias b. A field of
// length zero has no place: its offset is not looked at. low keeps the lowest place of any field.
func field(b []byte, at int, low *int) ([]byte, error) {
	n := int(binary.LittleEndian.Uint16(b[at:]))
	off := binary.LittleEndian.Uint32(b[at+4:])
	if n == 0 {
		return nil, nil
	}
	if uint64(off)+uint64(n) > uint64(len(b)) {
		return nil, ErrMessage
	}
	if int(off) < *low {
		*low = int(off)
	}
	return b[off : int(off)+n : int(off)+n], nil
}

// putField writes the descriptor of v at b[base+at:] and appends v. Messages start at b[base].
func putField(b []byte, base, at int, v []byte) []byte {
	p := b[base+at:]
	binary.LittleEndian.PutUint16(p[0:], uint16(len(v)))
	binary.LittleEndian.PutUint16(p[2:], uint16(len(v)))
	binary.LittleEndian.PutUint32(p[4:], uint32(len(b)-base))
	return append(b, v...)
}

// decodeName decodes a name field in the character set that the flags chose.
func decodeName(b []byte, f Flags) (string, error) {
	if f.has(NegotiateUnicode) {
		if len(b)%2 != 0 {
			return "", ErrMessage
		}
		return nt.DecodeUTF16(b), nil
	}
	return decodeOEM(b), nil
}

func encodeName(s string, f Flags) []byte {
	if s == "" {
		return nil
	}
	if f.has(NegotiateUnicode) {
		return nt.AppendUTF16(nil, s)
	}
	return encodeOEM(s)
}

// decodeOEM reads a name in the peer's OEM character set, which the protocol does not name. ASCII is the same in all of them;
// above it the bytes are taken as Latin-1.
func decodeOEM(b []byte) string {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}

func encodeOEM(s string) []byte {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return b
}
