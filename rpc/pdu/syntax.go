package pdu

import (
	"encoding/binary"

	"lwio/iomgr/nt"
)

// SyntaxID is p_syntax_id_t: an abstract or transfer syntax (C706 12.6.3.1).
type SyntaxID struct {
	UUID         nt.GUID
	Major, Minor uint16
}

const syntaxLen = 20

// The transfer syntaxes (C706 14, MS-RPCE 2.2.5).
var (
	NDR   = SyntaxID{UUID: nt.MustGUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), Major: 2}
	NDR64 = SyntaxID{UUID: nt.MustGUID("71710533-beba-4937-8319-b5dbef9ccc36"), Major: 1}
)

func (h *Header) syntax(b []byte) SyntaxID {
	s := SyntaxID{UUID: nt.GUID(b[:16])}
	if h.BigEndian {
		// The first three fields of a UUID follow the data representation (C706 14.3, appendix A).
		g := &s.UUID
		g[0], g[1], g[2], g[3] = g[3], g[2], g[1], g[0]
		g[4], g[5] = g[5], g[4]
		g[6], g[7] = g[7], g[6]
	}
	v := h.u32(b[16:])
	s.Major, s.Minor = uint16(v), uint16(v>>16)
	return s
}

func (s SyntaxID) append(b []byte) []byte {
	b = append(b, s.UUID[:]...)
	b = binary.LittleEndian.AppendUint16(b, s.Major)
	return binary.LittleEndian.AppendUint16(b, s.Minor)
}

// Features are what bind time feature negotiation is about (MS-RPCE 2.2.2.14).
type Features uint16

// The features.
const (
	SecurityContextMultiplexing Features = 0x01
	KeepConnectionOnOrphan      Features = 0x02
)

// featurePrefix begins the UUID of the transfer syntax that stands for a set of features; the other eight bytes are the set.
var featurePrefix = nt.MustGUID("6cb71c2c-9812-4540-0000-000000000000")

// Features reads the feature negotiation out of a transfer syntax; ok is false for any other.
func (s SyntaxID) Features() (f Features, ok bool) {
	if [8]byte(s.UUID[:8]) != [8]byte(featurePrefix[:8]) || s.Major != 1 || s.Minor != 0 {
		return 0, false
	}
	return Features(s.UUID[8]) | Features(s.UUID[9])<<8, true
}

// FeatureSyntax is the transfer syntax that stands for a set of features.
func FeatureSyntax(f Features) SyntaxID {
	s := SyntaxID{UUID: featurePrefix, Major: 1}
	s.UUID[8], s.UUID[9] = byte(f), byte(f>>8)
	return s
}
