package api

import (
	"encoding/binary"

	"lwio/iomgr/nt"
)

// The bits of what an oplock or lease lets its holder cache (MS-SMB2 2.2.13.2.8). An oplock of level II is CacheRead, an exclusive one CacheRead |
// CacheWrite, a batch one all three.
const (
	CacheRead   = 1
	CacheHandle = 2
	CacheWrite  = 4
)

// Oplock is a create context that asks for an oplock or a lease; the result has one that says what was granted.
//
// What was granted breaks in answer to a control: nt.FsctlOplockBreakNotify is pended until it does and gives an [OplockBreak]. It is to be sent
// as soon as the open is there, and again after each break. nt.FsctlOplockBreakAcknowledge, with the state that is kept as its one byte of
// input, answers a break that asks for it.
type Oplock struct {
	State uint8 // CacheRead | …
	Lease bool
	// Of a lease:
	Client, Key nt.GUID
	ParentKey   nt.GUID // under which the client holds the directory; zero for none
	Version     uint8   // 1 or 2
	Epoch       uint16  // of version 2
	Breaking    bool    // in the result: the lease that there is breaks to less
}

// OplockBreak is the output of nt.FsctlOplockBreakNotify.
type OplockBreak struct {
	From, To    uint8
	AckRequired bool
	Epoch       uint16
}

// OplockBreakLen is the length of an OplockBreak: from u8, to u8, flags u8, reserved u8, epoch u16, reserved u16, little-endian.
const OplockBreakLen = 8

// Append appends its form.
func (o OplockBreak) Append(b []byte) []byte {
	flags := byte(0)
	if o.AckRequired {
		flags = 1
	}
	b = append(b, o.From, o.To, flags, 0)
	b = binary.LittleEndian.AppendUint16(b, o.Epoch)
	return append(b, 0, 0)
}

// ParseOplockBreak reads what Append made.
func ParseOplockBreak(b []byte) (o OplockBreak, ok bool) {
	if len(b) < OplockBreakLen {
		return o, false
	}
	return OplockBreak{From: b[0], To: b[1], AckRequired: b[2]&1 != 0, Epoch: binary.LittleEndian.Uint16(b[4:])}, true
}
