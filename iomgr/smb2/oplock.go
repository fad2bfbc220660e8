package smb2

import "lwio/iomgr/nt"

// StructureSizes by which the bodies of OPLOCK_BREAK are told apart.
const (
	oplockBreakSize            = 24
	leaseBreakNotificationSize = 44
	leaseBreakAckSize          = 36
)

// IsLeaseBreak reports whether the body of an OPLOCK_BREAK message, of any direction, is of a lease and not of an oplock.
func IsLeaseBreak(b []byte) bool {
	return len(b) >= 2 && le.Uint16(b) != oplockBreakSize
}

// OplockBreakMessage is the SMB2 OPLOCK_BREAK Notification, Acknowledgment and Response for oplocks: they look the same
// (MS-SMB2 2.2.23.1, 2.2.24.1, 2.2.25.1).
type OplockBreakMessage struct {
	OplockLevel uint8
	FileID      FileID
}

// ParseOplockBreak reads the body of an OPLOCK_BREAK for which IsLeaseBreak is false.
func ParseOplockBreak(b []byte) (OplockBreakMessage, error) {
	if err := fixed(b, oplockBreakSize, "oplock break"); err != nil {
		return OplockBreakMessage{}, err
	}
	return OplockBreakMessage{OplockLevel: b[2], FileID: getFileID(b[8:])}, nil
}

// Append writes the body after b.
func (r *OplockBreakMessage) Append(b []byte) []byte {
	b = append(b, oplockBreakSize, 0, r.OplockLevel, 0, 0, 0, 0, 0)
	return r.FileID.append(b)
}

// LeaseBreakAckRequired in the Flags of a LeaseBreakNotification.
const LeaseBreakAckRequired uint32 = 0x00000001

// LeaseBreakNotification is the Lease Break Notification (MS-SMB2 2.2.23.2).
type LeaseBreakNotification struct {
	NewEpoch          uint16
	Flags             uint32
	LeaseKey          LeaseKey
	CurrentLeaseState uint32
	NewLeaseState     uint32
	BreakReason       uint32        // reserved
	AccessMaskHint    nt.AccessMask // reserved
	ShareMaskHint     uint32        // reserved
}

// ParseLeaseBreakNotification reads the body of a lease break from the server.
func ParseLeaseBreakNotification(b []byte) (LeaseBreakNotification, error) {
	if err := fixed(b, leaseBreakNotificationSize, "lease break notification"); err != nil {
		return LeaseBreakNotification{}, err
	}
	return LeaseBreakNotification{
		NewEpoch:          le.Uint16(b[2:]),
		Flags:             le.Uint32(b[4:]),
		LeaseKey:          LeaseKey(b[8:24]),
		CurrentLeaseState: le.Uint32(b[24:]),
		NewLeaseState:     le.Uint32(b[28:]),
		BreakReason:       le.Uint32(b[32:]),
		AccessMaskHint:    nt.AccessMask(le.Uint32(b[36:])),
		ShareMaskHint:     le.Uint32(b[40:]),
	}, nil
}

// Append writes the body after b.
func (r *LeaseBreakNotification) Append(b []byte) []byte {
	b = le.AppendUint16(b, leaseBreakNotificationSize)
	b = le.AppendUint16(b, r.NewEpoch)
	b = le.AppendUint32(b, r.Flags)
	b = append(b, r.LeaseKey[:]...)
	b = le.AppendUint32(b, r.CurrentLeaseState)
	b = le.AppendUint32(b, r.NewLeaseState)
	b = le.AppendUint32(b, r.BreakReason)
	b = le.AppendUint32(b, uint32(r.AccessMaskHint))
	return le.AppendUint32(b, r.ShareMaskHint)
}

// LeaseBreakAck is the Lease Break Acknowledgment and the Lease Break Response: they look the same (MS-SMB2 2.2.24.2,
// 2.2.25.2).
type LeaseBreakAck struct {
	Flags         uint32 // reserved
	LeaseKey      LeaseKey
	LeaseState    uint32
	LeaseDuration uint64 // reserved
}

// ParseLeaseBreakAck reads the body of a lease break acknowledgment or response.
func ParseLeaseBreakAck(b []byte) (LeaseBreakAck, error) {
	if err := fixed(b, leaseBreakAckSize, "lease break acknowledgment"); err != nil {
		return LeaseBreakAck{}, err
	}
	return LeaseBreakAck{
		Flags:         le.Uint32(b[4:]),
		LeaseKey:      LeaseKey(b[8:24]),
		LeaseState:    le.Uint32(b[24:]),
		LeaseDuration: le.Uint64(b[28:]),
	}, nil
}

// Append writes the body after b.
func (r *LeaseBreakAck) Append(b []byte) []byte {
	b = le.AppendUint32(b, leaseBreakAckSize)
	b = le.AppendUint32(b, r.Flags)
	b = append(b, r.LeaseKey[:]...)
	b = le.AppendUint32(b, r.LeaseState)
	return le.AppendUint64(b, r.LeaseDuration)
}
