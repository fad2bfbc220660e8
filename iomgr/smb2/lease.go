package smb2

// Lease states (MS-SMB2 2.2.13.2.8).
const (
	LeaseNone          uint32 = 0x00
	LeaseReadCaching   uint32 = 0x01
	LeaseHandleCaching uint32 = 0x02
	LeaseWriteCaching  uint32 = 0x04
)

// Lease flags. The first is of responses, the second of version 2.
const (
	LeaseFlagBreakInProgress uint32 = 0x00000002
	LeaseFlagParentKeySet    uint32 = 0x00000004
)

// LeaseKey names a lease among those of one client.
type LeaseKey [16]byte

// Lease is the Data of an RqLs of either version, in request and response alike (MS-SMB2 2.2.13.2.8, 2.2.13.2.10,
// 2.2.14.2.10, 2.2.14.2.11).
type Lease struct {
	Version       int // 1 or 2
	LeaseKey      LeaseKey
	LeaseState    uint32
	LeaseFlags    uint32
	LeaseDuration uint64   // reserved
	ParentKey     LeaseKey // version 2
	Epoch         uint16   // version 2
}

const (
	leaseV1Size = 32
	leaseV2Size = 52
)

// ParseLease reads the Data of an RqLs; its length tells the version.
func ParseLease(b []byte) (Lease, error) {
	var l Lease
	switch len(b) {
	case leaseV1Size:
		l.Version = 1
	case leaseV2Size:
		l.Version = 2
		l.ParentKey = LeaseKey(b[32:48])
		l.Epoch = le.Uint16(b[48:])
	default:
		return l, wrongLength("RqLs", len(b), leaseV1Size, leaseV2Size)
	}
	l.LeaseKey = LeaseKey(b[:16])
	l.LeaseState = le.Uint32(b[16:])
	l.LeaseFlags = le.Uint32(b[20:])
	l.LeaseDuration = le.Uint64(b[24:])
	return l, nil
}

// Append writes the Data after b: version 2 when Version is 2, else version 1.
func (l *Lease) Append(b []byte) []byte {
	b = append(b, l.LeaseKey[:]...)
	b = le.AppendUint32(b, l.LeaseState)
	b = le.AppendUint32(b, l.LeaseFlags)
	b = le.AppendUint64(b, l.LeaseDuration)
	if l.Version != 2 {
		return b
	}
	b = append(b, l.ParentKey[:]...)
	b = le.AppendUint16(b, l.Epoch)
	return le.AppendUint16(b, 0)
}
