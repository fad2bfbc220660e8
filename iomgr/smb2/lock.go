package smb2

import "fmt"

// Flags of a LockElement (MS-SMB2 2.2.26.1).
const (
	LockShared          uint32 = 0x00000001
	LockExclusive       uint32 = 0x00000002
	LockUnlock          uint32 = 0x00000004
	LockFailImmediately uint32 = 0x00000010
)

// LockElement is an SMB2_LOCK_ELEMENT (MS-SMB2 2.2.26.1).
type LockElement struct {
	Offset uint64
	Length uint64
	Flags  uint32
}

const lockElementSize = 24

// LockElements is an array of lock elements as it stands on the wire.
type LockElements []byte

// Len is the number of elements.
func (l LockElements) Len() int { return len(l) / lockElementSize }

// At returns element i.
func (l LockElements) At(i int) LockElement {
	b := l[i*lockElementSize : (i+1)*lockElementSize]
	return LockElement{Offset: le.Uint64(b), Length: le.Uint64(b[8:]), Flags: le.Uint32(b[16:])}
}

// Append adds an element.
func (l LockElements) Append(e LockElement) LockElements {
	b := le.AppendUint64(l, e.Offset)
	b = le.AppendUint64(b, e.Length)
	b = le.AppendUint32(b, e.Flags)
	return le.AppendUint32(b, 0)
}

// LockRequest is the SMB2 LOCK Request (MS-SMB2 2.2.26). It has at least one element.
type LockRequest struct {
	LockSequence uint32 // number in the low four bits, index above; reserved in 2.0.2
	FileID       FileID
	Locks        LockElements
}

const lockRequestFixed = 24

// ParseLockRequest reads the body of a LOCK request.
func ParseLockRequest(b []byte) (LockRequest, error) {
	if err := fixed(b, 48, "lock request"); err != nil {
		return LockRequest{}, err
	}
	n := int(le.Uint16(b[2:]))
	if n == 0 || n > (len(b)-lockRequestFixed)/lockElementSize {
		return LockRequest{}, fmt.Errorf("lock request: LockCount: %w: %d", ErrBounds, n)
	}
	return LockRequest{
		LockSequence: le.Uint32(b[4:]),
		FileID:       getFileID(b[8:]),
		Locks:        rest(b[:lockRequestFixed+n*lockElementSize], lockRequestFixed),
	}, nil
}

// Append writes the body after b.
func (r *LockRequest) Append(b []byte) []byte {
	b = le.AppendUint16(b, 48)
	b = le.AppendUint16(b, uint16(r.Locks.Len()))
	b = le.AppendUint32(b, r.LockSequence)
	b = r.FileID.append(b)
	return append(b, r.Locks...)
}

// LockResponse is the SMB2 LOCK Response (MS-SMB2 2.2.27).
type LockResponse struct{}

// ParseLockResponse reads the body of a LOCK response.
func ParseLockResponse(b []byte) (LockResponse, error) {
	return LockResponse{}, fixed(b, 4, "lock response")
}

// Append writes the body after b.
func (*LockResponse) Append(b []byte) []byte { return appendEmpty(b) }
