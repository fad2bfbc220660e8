package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// HeaderSize is the length of the SMB2 packet header in both its forms.
const HeaderSize = 64

// Protocol identifiers: the first four bytes of a message, read little-endian.
const (
	ProtocolSMB2        uint32 = 0x424D53FE // header, MS-SMB2 2.2.1
	ProtocolTransform   uint32 = 0x424D53FD // encrypted message, MS-SMB2 2.2.41
	ProtocolCompression uint32 = 0x424D53FC // compressed message, MS-SMB2 2.2.42
	ProtocolSMB1        uint32 = 0x424D53FF // MS-CIFS 2.2.3.1; only its NEGOTIATE is of interest here
)

// ProtocolID returns the protocol identifier of a message, or 0 when there are fewer than four bytes.
func ProtocolID(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return le.Uint32(b)
}

// Command is the Command field of the header.
type Command uint16

// Commands (MS-SMB2 2.2.1.2).
const (
	Negotiate Command = iota
	SessionSetup
	Logoff
	TreeConnect
	TreeDisconnect
	Create
	Close
	Flush
	Read
	Write
	Lock
	Ioctl
	Cancel
	Echo
	QueryDirectory
	ChangeNotify
	QueryInfo
	SetInfo
	OplockBreak
	CommandCount // one more than the last command; for tables indexed by Command
)

var commandNames = [CommandCount]string{
	"NEGOTIATE", "SESSION_SETUP", "LOGOFF", "TREE_CONNECT", "TREE_DISCONNECT", "CREATE", "CLOSE", "FLUSH", "READ", "WRITE",
	"LOCK", "IOCTL", "CANCEL", "ECHO", "QUERY_DIRECTORY", "CHANGE_NOTIFY", "QUERY_INFO", "SET_INFO", "OPLOCK_BREAK",
}

// String is the command's name in the specification.
func (c Command) String() string {
	if c < CommandCount {
		return commandNames[c]
	}
	return fmt.Sprintf("command %#x", uint16(c))
}

// Header flags (MS-SMB2 2.2.1.2).
const (
	FlagServerToRedir   uint32 = 0x00000001 // a response
	FlagAsyncCommand    uint32 = 0x00000002 // the asynchronous form of the header
	FlagRelated         uint32 = 0x00000004 // uses the ids of the message before it in the compound
	FlagSigned          uint32 = 0x00000008
	FlagPriorityMask    uint32 = 0x00000070 // 3.1.1
	FlagDFSOperations   uint32 = 0x10000000
	FlagReplayOperation uint32 = 0x20000000 // 3.x
)

// Header values with a meaning of their own.
const (
	// UnsolicitedMessageID is the MessageID of a message that answers no request: oplock and lease breaks.
	UnsolicitedMessageID uint64 = 0xFFFFFFFFFFFFFFFF
	// RelatedSessionID and RelatedTreeID stand in a related operation for "as in the message before".
	RelatedSessionID uint64 = 0xFFFFFFFFFFFFFFFF
	RelatedTreeID    uint32 = 0xFFFFFFFF
)

// Byte offsets in the header of what is patched after a message has been written.
const (
	offCredits     = 14
	offFlags       = 16
	offNextCommand = 20
	offMessageID   = 24
	offSessionID   = 40
	offSignature   = 48
)

// Header is the SMB2 packet header. With FlagAsyncCommand it is the ASYNC form (MS-SMB2 2.2.1.1), which has an AsyncID
// where the SYNC form (2.2.1.2) has ProcessID and TreeID.
type Header struct {
	CreditCharge uint16
	Status       nt.Status // of a response; of a 3.x request the low half is the ChannelSequence
	Command      Command
	Credits      uint16 // requested or granted
	Flags        uint32
	NextCommand  uint32 // distance to the next header of the compound, 0 for the last
	MessageID    uint64
	AsyncID      uint64 // only with FlagAsyncCommand
	ProcessID    uint32 // reserved since 2.1, usually 0xFEFF; only without FlagAsyncCommand
	TreeID       uint32 // only without FlagAsyncCommand
	SessionID    uint64
	Signature    [16]byte
}

// ParseHeader reads the header at the start of b.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderSize {
		return Header{}, short("header", len(b), HeaderSize)
	}
	if id := le.Uint32(b); id != ProtocolSMB2 {
		return Header{}, fmt.Errorf("header: %w %#08x", ErrProtocol, id)
	}
	if n := le.Uint16(b[4:]); n != HeaderSize {
		return Header{}, fmt.Errorf("header: %w: %d, want %d", ErrStructureSize, n, HeaderSize)
	}
	h := Header{
		CreditCharge: le.Uint16(b[6:]),
		Status:       nt.Status(le.Uint32(b[8:])),
		Command:      Command(le.Uint16(b[12:])),
		Credits:      le.Uint16(b[offCredits:]),
		Flags:        le.Uint32(b[offFlags:]),
		NextCommand:  le.Uint32(b[offNextCommand:]),
		MessageID:    le.Uint64(b[offMessageID:]),
		SessionID:    le.Uint64(b[offSessionID:]),
		Signature:    [16]byte(b[offSignature:]),
	}
	if h.Flags&FlagAsyncCommand != 0 {
		h.AsyncID = le.Uint64(b[32:])
	} else {
		h.ProcessID = le.Uint32(b[32:])
		h.TreeID = le.Uint32(b[36:])
	}
	return h, nil
}

// Put writes the header over the first HeaderSize bytes of b, which must be there.
func (h *Header) Put(b []byte) {
	_ = b[HeaderSize-1]
	le.PutUint32(b, ProtocolSMB2)
	le.PutUint16(b[4:], HeaderSize)
	le.PutUint16(b[6:], h.CreditCharge)
	le.PutUint32(b[8:], uint32(h.Status))
	le.PutUint16(b[12:], uint16(h.Command))
	le.PutUint16(b[offCredits:], h.Credits)
	le.PutUint32(b[offFlags:], h.Flags)
	le.PutUint32(b[offNextCommand:], h.NextCommand)
	le.PutUint64(b[offMessageID:], h.MessageID)
	if h.Flags&FlagAsyncCommand != 0 {
		le.PutUint64(b[32:], h.AsyncID)
	} else {
		le.PutUint32(b[32:], h.ProcessID)
		le.PutUint32(b[36:], h.TreeID)
	}
	le.PutUint64(b[offSessionID:], h.SessionID)
	copy(b[offSignature:HeaderSize], h.Signature[:])
}

// Append writes the header after b.
func (h *Header) Append(b []byte) []byte {
	var w [HeaderSize]byte
	h.Put(w[:])
	return append(b, w[:]...)
}

// IsResponse reports FlagServerToRedir.
func (h *Header) IsResponse() bool { return h.Flags&FlagServerToRedir != 0 }

// IsAsync reports FlagAsyncCommand.
func (h *Header) IsAsync() bool { return h.Flags&FlagAsyncCommand != 0 }

// IsRelated reports FlagRelated.
func (h *Header) IsRelated() bool { return h.Flags&FlagRelated != 0 }

// IsSigned reports FlagSigned.
func (h *Header) IsSigned() bool { return h.Flags&FlagSigned != 0 }

// ChannelSequence is the low half of the Status field, its meaning in a request of dialect 3.x.
func (h *Header) ChannelSequence() uint16 { return uint16(h.Status) }

// SetNextCommand writes the NextCommand field of the message that starts at msg[0].
func SetNextCommand(msg []byte, n uint32) { le.PutUint32(msg[offNextCommand:], n) }

// SetCredits writes the CreditRequest/CreditResponse field of the message that starts at msg[0].
func SetCredits(msg []byte, n uint16) { le.PutUint16(msg[offCredits:], n) }

// SetFlags sets flags of the message that starts at msg[0], beside those that it has.
func SetFlags(msg []byte, flags uint32) {
	le.PutUint32(msg[offFlags:], le.Uint32(msg[offFlags:])|flags)
}

// FileID is an SMB2_FILEID (MS-SMB2 2.2.14.1).
type FileID struct {
	Persistent uint64
	Volatile   uint64
}

// RelatedFileID stands in a related operation for the file of the message before it.
var RelatedFileID = FileID{0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF}

func getFileID(b []byte) FileID { return FileID{le.Uint64(b), le.Uint64(b[8:])} }

func (f FileID) append(b []byte) []byte {
	b = le.AppendUint64(b, f.Persistent)
	return le.AppendUint64(b, f.Volatile)
}
