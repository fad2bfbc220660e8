package ntlm

import (
	"encoding/binary"

	"lwio/iomgr/nt"
)

// AVID names an attribute of the target information (MS-NLMP 2.2.2.1).
type AVID uint16

// The attributes of MS-NLMP 2.2.2.1.
const (
	MsvAvEOL             AVID = 0
	MsvAvNbComputerName  AVID = 1
	MsvAvNbDomainName    AVID = 2
	MsvAvDnsComputerName AVID = 3
	MsvAvDnsDomainName   AVID = 4
	MsvAvDnsTreeName     AVID = 5
	MsvAvFlags           AVID = 6
	MsvAvTimestamp       AVID = 7
	MsvAvSingleHost      AVID = 8
	MsvAvTargetName      AVID = 9
	MsvAvChannelBindings AVID = 10
)

// The bits of MsvAvFlags.
const (
	AVFlagConstrained     = 0x1 // account authentication is constrained
	AVFlagMIC             = 0x2 // the AUTHENTICATE_MESSAGE has a MIC
	AVFlagUntrustedTarget = 0x4 // the target name comes from an untrusted source
)

// AVPair is one attribute.
type AVPair struct {
	ID    AVID
	Value []byte
}

// AVPairs is a list of attributes, without its terminator.
type AVPairs []AVPair

// maxAVPairs bounds a list: there are ten attributes, and none is meant to be repeated.
const maxAVPairs = 64

// ParseAVPairs parses a list up to its MsvAvEOL, which has to be there; what follows it is not looked at.
// Values alias b.
func ParseAVPairs(b []byte) (AVPairs, error) {
	var list AVPairs
	for {
		if len(b) < 4 || len(list) > maxAVPairs {
			return nil, ErrMessage
		}
		id, n := AVID(binary.LittleEndian.Uint16(b)), int(binary.LittleEndian.Uint16(b[2:]))
		b = b[4:]
		if id == MsvAvEOL {
			return list, nil
		}
		if n > len(b) {
			return nil, ErrMessage
		}
		list = append(list, AVPair{id, b[:n:n]})
		b = b[n:]
	}
}

// Append appends the list and its terminator to b.
func (l AVPairs) Append(b []byte) []byte {
	for _, p := range l {
		b = binary.LittleEndian.AppendUint16(b, uint16(p.ID))
		b = binary.LittleEndian.AppendUint16(b, uint16(len(p.Value)))
		b = append(b, p.Value...)
	}
	return append(b, 0, 0, 0, 0)
}

// Get returns the value of the first attribute with the identifier.
func (l AVPairs) Get(id AVID) ([]byte, bool) {
	for _, p := range l {
		if p.ID == id {
			return p.Value, true
		}
	}
	return nil, false
}

// Flags is the value of MsvAvFlags, zero if it is absent or not four bytes.
func (l AVPairs) Flags() uint32 {
	if v, ok := l.Get(MsvAvFlags); ok && len(v) == 4 {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

// Timestamp is the value of MsvAvTimestamp.
func (l AVPairs) Timestamp() (nt.Time, bool) {
	if v, ok := l.Get(MsvAvTimestamp); ok && len(v) == 8 {
		return nt.Time(binary.LittleEndian.Uint64(v)), true
	}
	return 0, false
}

// with returns the list with the attribute set: replaced where it stands, else added at the end.
func (l AVPairs) with(id AVID, value []byte) AVPairs {
	out := make(AVPairs, 0, len(l)+1)
	found := false
	for _, p := range l {
		if p.ID == id {
			if found {
				continue
			}
			p.Value, found = value, true
		}
		out = append(out, p)
	}
	if !found {
		out = append(out, AVPair{id, value})
	}
	return out
}
