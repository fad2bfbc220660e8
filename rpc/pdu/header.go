package pdu

import (
	"encoding/binary"
	"errors"
)

// What is wrong with a PDU.
var (
	ErrLength  = errors.New("rpc: PDU does not have the length it needs")
	ErrVersion = errors.New("rpc: protocol version is not 5.0 or 5.1")
	ErrDataRep = errors.New("rpc: data representation is neither big- nor little-endian with ASCII and IEEE")
	ErrType    = errors.New("rpc: PDU of another type")
	ErrAuth    = errors.New("rpc: malformed security trailer")
)

// Type is PTYPE (C706 12.6.4).
type Type uint8

// The connection-oriented types.
const (
	TypeRequest          Type = 0
	TypeResponse         Type = 2
	TypeFault            Type = 3
	TypeBind             Type = 11
	TypeBindAck          Type = 12
	TypeBindNak          Type = 13
	TypeAlterContext     Type = 14
	TypeAlterContextResp Type = 15
	TypeAuth3            Type = 16
	TypeShutdown         Type = 17
	TypeCancel           Type = 18
	TypeOrphaned         Type = 19
)

// Flags are pfc_flags (C706 12.6.3.1, MS-RPCE 2.2.2.3).
type Flags uint8

// The flags. HeaderSign shares its bit with PendingCancel: it has that meaning in bind, alter_context and their answers.
const (
	FirstFrag     Flags = 0x01
	LastFrag      Flags = 0x02
	PendingCancel Flags = 0x04
	HeaderSign    Flags = 0x04
	ConcMPX       Flags = 0x10
	DidNotExecute Flags = 0x20
	Maybe         Flags = 0x40
	ObjectUUID    Flags = 0x80
)

const (
	// HeaderLen is the length of the common header.
	HeaderLen = 16
	// MaxFragment is the longest fragment there can be.
	MaxFragment = 0xFFFF
)

// Header is the common header (C706 12.6.3.1). Append functions of the structures that embed it set Type, FragLength and AuthLength themselves.
type Header struct {
	Minor      uint8 // of version 5
	Type       Type
	Flags      Flags
	BigEndian  bool // of the peer's integers; what this package appends never is
	FragLength uint16
	AuthLength uint16
	CallID     uint32
}

// ParseHeader parses the common header at the start of b, of which the rest need not be there yet. With ErrVersion the
// header is filled in as far as the versions known agree, so that a bind_nak can name the call.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, ErrLength
	}
	// The integer representation is the high half of the first octet of packed_drep (C706 14.2.5).
	h := Header{Minor: b[1], Type: Type(b[2]), Flags: Flags(b[3]), BigEndian: b[4]>>4 == 0}
	h.FragLength, h.AuthLength, h.CallID = h.u16(b[8:]), h.u16(b[10:]), h.u32(b[12:])
	switch {
	case b[0] != 5 || b[1] > 1:
		return h, ErrVersion
	case b[4] != 0x00 && b[4] != 0x10 || b[5] != 0:
		return h, ErrDataRep
	case h.FragLength < HeaderLen:
		return h, ErrLength
	}
	return h, nil
}

// parse is ParseHeader for one whole fragment of a given type with a body of at least min bytes.
func parse(b []byte, want Type, min int) (Header, error) {
	h, err := ParseHeader(b)
	switch {
	case err != nil:
		return h, err
	case h.Type != want:
		return h, ErrType
	case len(b) != int(h.FragLength) || len(b) < HeaderLen+min:
		return h, ErrLength
	}
	return h, nil
}

func (h *Header) u16(b []byte) uint16 {
	if h.BigEndian {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (h *Header) u32(b []byte) uint32 {
	if h.BigEndian {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

// append begins a fragment; finish or SetLengths ends it.
func (h *Header) append(b []byte, t Type) []byte {
	b = append(b, 5, h.Minor, byte(t), byte(h.Flags), 0x10, 0, 0, 0, 0, 0, 0, 0)
	return binary.LittleEndian.AppendUint32(b, h.CallID)
}

// finish ends the fragment that began at base: the verifier, if any, and the lengths.
func finish(b []byte, base int, v *Verifier) []byte {
	n := 0
	if v != nil {
		for (len(b)-base)%4 != 0 {
			b = append(b, 0)
		}
		t := *v
		t.PadLength = 0
		b = append(AppendTrailer(b, t), v.Value...)
		n = len(v.Value)
	}
	SetLengths(b[base:], n)
	return b
}

// SetLengths writes FragLength, which is the length of fragment, and AuthLength into its header.
func SetLengths(fragment []byte, auth int) {
	binary.LittleEndian.PutUint16(fragment[8:], uint16(len(fragment)))
	binary.LittleEndian.PutUint16(fragment[10:], uint16(auth))
}
