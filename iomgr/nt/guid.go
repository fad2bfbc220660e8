package nt

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// GUID is a globally unique identifier in its little-endian wire form (MS-DTYP 2.3.4.2):
// the first three fields are little-endian, the last eight bytes stand as they are.
type GUID [16]byte

// ErrGUID is returned by ParseGUID for text that is not a GUID.
var ErrGUID = errors.New("not a GUID: want xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, braces allowed")

// ParseGUID reads the registry form of MS-DTYP 2.3.4.3, with or without braces.
func ParseGUID(s string) (GUID, error) {
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return GUID{}, ErrGUID
	}
	var b [16]byte
	if _, err := hex.Decode(b[:], []byte(s[0:8]+s[9:13]+s[14:18]+s[19:23]+s[24:36])); err != nil {
		return GUID{}, ErrGUID
	}
	g := GUID(b)
	binary.LittleEndian.PutUint32(g[0:], binary.BigEndian.Uint32(b[0:]))
	binary.LittleEndian.PutUint16(g[4:], binary.BigEndian.Uint16(b[4:]))
	binary.LittleEndian.PutUint16(g[6:], binary.BigEndian.Uint16(b[6:]))
	return g, nil
}

// MustGUID is ParseGUID for constants; it panics on text that is not a GUID.
func MustGUID(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic("nt: " + s + ": " + err.Error())
	}
	return g
}

// String is the lower-case form without braces.
func (g GUID) String() string {
	var b [16]byte
	copy(b[:], g[:])
	binary.BigEndian.PutUint32(b[0:], binary.LittleEndian.Uint32(g[0:]))
	binary.BigEndian.PutUint16(b[4:], binary.LittleEndian.Uint16(g[4:]))
	binary.BigEndian.PutUint16(b[6:], binary.LittleEndian.Uint16(g[6:]))
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// IsZero reports the nil GUID.
func (g GUID) IsZero() bool { return g == GUID{} }
