package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// ContextPOSIXCreate is the name of the create context of the POSIX extensions of 3.1.1, which Samba and Linux speak, and the one version of them
// that a ContextPOSIX offers and answers (SMB3 POSIX Extensions 2.2.3.1, 2.2.13.2).
const ContextPOSIXCreate = "\x93\xAD\x25\x50\x9C\xB4\x11\xE7\xB4\x23\x83\xDE\x96\x8B\xCD\x7C"

// Types of files in a mode of the POSIX extensions, beside the twelve bits of permissions.
const (
	POSIXTypeShift            = 12
	POSIXTypeFile      uint32 = 0 << POSIXTypeShift
	POSIXTypeDirectory uint32 = 1 << POSIXTypeShift
	POSIXTypeSymlink   uint32 = 2 << POSIXTypeShift
	POSIXTypeChar      uint32 = 3 << POSIXTypeShift
	POSIXTypeBlock     uint32 = 4 << POSIXTypeShift
	POSIXTypeFIFO      uint32 = 5 << POSIXTypeShift
	POSIXTypeSocket    uint32 = 6 << POSIXTypeShift
)

// ParsePOSIXExtensions reads the Data of a ContextPOSIX, a list of versions, and reports whether ContextPOSIXCreate is among them.
func ParsePOSIXExtensions(b []byte) (bool, error) {
	if len(b)%len(ContextPOSIXCreate) != 0 {
		return false, fmt.Errorf("posix extensions context: %w: %d bytes", ErrValue, len(b))
	}
	for ; len(b) > 0; b = b[len(ContextPOSIXCreate):] {
		if string(b[:len(ContextPOSIXCreate)]) == ContextPOSIXCreate {
			return true, nil
		}
	}
	return false, nil
}

// POSIXCreateRequest is the Data of a ContextPOSIXCreate in a request: the mode of a file that is made.
type POSIXCreateRequest struct {
	Mode uint32
}

// ParsePOSIXCreateRequest reads it.
func ParsePOSIXCreateRequest(b []byte) (POSIXCreateRequest, error) {
	if len(b) != 4 {
		return POSIXCreateRequest{}, wrongLength("posix create context", len(b), 4)
	}
	return POSIXCreateRequest{Mode: le.Uint32(b)}, nil
}

// Append writes the Data after b.
func (c *POSIXCreateRequest) Append(b []byte) []byte { return le.AppendUint32(b, c.Mode) }

// POSIXCreateResponse is the Data of a ContextPOSIXCreate in a response, and the end of FilePosixInformation.
type POSIXCreateResponse struct {
	Links      uint32
	ReparseTag uint32
	Mode       uint32 // permissions and type
	Owner      nt.SID
	Group      nt.SID
}

// ParsePOSIXCreateResponse reads it. What follows it is not looked at.
func ParsePOSIXCreateResponse(b []byte) (POSIXCreateResponse, error) {
	const what = "posix create context"
	if len(b) < 12 {
		return POSIXCreateResponse{}, short(what, len(b), 12)
	}
	c := POSIXCreateResponse{Links: le.Uint32(b), ReparseTag: le.Uint32(b[4:]), Mode: le.Uint32(b[8:])}
	b = b[12:]
	for _, sid := range [...]*nt.SID{&c.Owner, &c.Group} {
		s, n, err := nt.DecodeSID(b)
		if err != nil {
			return POSIXCreateResponse{}, fmt.Errorf("%s: %w: %w", what, ErrValue, err)
		}
		*sid, b = s, b[n:]
	}
	return c, nil
}

// Append writes the Data after b.
func (c *POSIXCreateResponse) Append(b []byte) []byte {
	b = le.AppendUint32(b, c.Links)
	b = le.AppendUint32(b, c.ReparseTag)
	b = le.AppendUint32(b, c.Mode)
	return c.Group.Append(c.Owner.Append(b))
}

// POSIXFileInformation is FilePosixInformation (class 100).
type POSIXFileInformation struct {
	CreationTime, LastAccessTime, LastWriteTime, ChangeTime nt.Time

	EndOfFile      uint64
	AllocationSize uint64
	FileAttributes uint32
	Inode          uint64
	Device         uint32
	POSIXCreateResponse
}

const posixFileFixed = 68

// ParsePOSIXFileInformation reads it. What follows it is not looked at: in a directory that is the name.
func ParsePOSIXFileInformation(b []byte) (POSIXFileInformation, error) {
	if len(b) < posixFileFixed {
		return POSIXFileInformation{}, short("posix information", len(b), posixFileFixed)
	}
	i := POSIXFileInformation{
		CreationTime: nt.Time(le.Uint64(b)), LastAccessTime: nt.Time(le.Uint64(b[8:])),
		LastWriteTime: nt.Time(le.Uint64(b[16:])), ChangeTime: nt.Time(le.Uint64(b[24:])),
		EndOfFile: le.Uint64(b[32:]), AllocationSize: le.Uint64(b[40:]), FileAttributes: le.Uint32(b[48:]),
		Inode: le.Uint64(b[52:]), Device: le.Uint32(b[60:]),
	}
	var err error
	i.POSIXCreateResponse, err = ParsePOSIXCreateResponse(b[posixFileFixed:])
	return i, err
}

// Append writes it after b.
func (i *POSIXFileInformation) Append(b []byte) []byte {
	for _, v := range [...]uint64{uint64(i.CreationTime), uint64(i.LastAccessTime), uint64(i.LastWriteTime), uint64(i.ChangeTime), i.EndOfFile, i.AllocationSize} {
		b = le.AppendUint64(b, v)
	}
	b = le.AppendUint32(b, i.FileAttributes)
	b = le.AppendUint64(b, i.Inode)
	b = le.AppendUint32(b, i.Device)
	b = le.AppendUint32(b, 0)
	return i.POSIXCreateResponse.Append(b)
}
