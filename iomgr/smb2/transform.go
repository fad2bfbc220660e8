package smb2

import "fmt"

// TransformHeaderSize is the length of the header before an encrypted message.
const TransformHeaderSize = 52

// TransformFlagEncrypted is the one value of the Flags of a TransformHeader. In 3.0 and 3.0.2 the field is called
// EncryptionAlgorithm, and 1 is AES-128-CCM.
const TransformFlagEncrypted uint16 = 0x0001

// Offset and end of the part of the transform header that is authenticated along with the message (MS-SMB2 3.1.4.3).
const offTransformNonce = 20

// TransformHeader is the SMB2 TRANSFORM_HEADER (MS-SMB2 2.2.41).
type TransformHeader struct {
	Signature           [16]byte
	Nonce               [16]byte // the first 11 (CCM) or 12 (GCM) bytes count
	OriginalMessageSize uint32
	Flags               uint16
	SessionID           uint64
}

// ParseTransformHeader reads the header at the start of an encrypted message.
func ParseTransformHeader(b []byte) (TransformHeader, error) {
	if len(b) < TransformHeaderSize {
		return TransformHeader{}, short("transform header", len(b), TransformHeaderSize)
	}
	if id := le.Uint32(b); id != ProtocolTransform {
		return TransformHeader{}, fmt.Errorf("transform header: %w %#08x", ErrProtocol, id)
	}
	return TransformHeader{
		Signature:           [16]byte(b[4:20]),
		Nonce:               [16]byte(b[20:36]),
		OriginalMessageSize: le.Uint32(b[36:]),
		Flags:               le.Uint16(b[42:]),
		SessionID:           le.Uint64(b[44:]),
	}, nil
}

// Put writes the header over the first TransformHeaderSize bytes of b, which must be there.
func (h *TransformHeader) Put(b []byte) {
	_ = b[TransformHeaderSize-1]
	le.PutUint32(b, ProtocolTransform)
	copy(b[4:20], h.Signature[:])
	copy(b[20:36], h.Nonce[:])
	le.PutUint32(b[36:], h.OriginalMessageSize)
	le.PutUint16(b[40:], 0)
	le.PutUint16(b[42:], h.Flags)
	le.PutUint64(b[44:], h.SessionID)
}

// Append writes the header after b.
func (h *TransformHeader) Append(b []byte) []byte {
	var w [TransformHeaderSize]byte
	h.Put(w[:])
	return append(b, w[:]...)
}
