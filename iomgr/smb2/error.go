package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// ErrorID is the kind of an ErrorContext (MS-SMB2 2.2.2.1).
type ErrorID uint32

// Error ids. ErrorIDDefault goes with the symbolic link and the buffer-too-small data.
const (
	ErrorIDDefault       ErrorID = 0x00000000
	ErrorIDShareRedirect ErrorID = 0x72645253
)

// ErrorResponse is the SMB2 ERROR Response (MS-SMB2 2.2.2): the body of every response that failed. For dialect 3.1.1
// ErrorData is a list of contexts, ErrorContextCount of them; below it is one datum, and the count is 0.
type ErrorResponse struct {
	ErrorContextCount uint8
	ErrorData         []byte
}

const errorResponseFixed = 8

// ParseErrorResponse reads the body of a failed response.
func ParseErrorResponse(b []byte) (ErrorResponse, error) {
	if err := fixed(b, 9, "error response"); err != nil {
		return ErrorResponse{}, err
	}
	n := uint64(le.Uint32(b[4:]))
	if n > uint64(len(b)-errorResponseFixed) {
		return ErrorResponse{}, fmt.Errorf("error response: ByteCount: %w: %d of %d", ErrBounds, n, len(b)-errorResponseFixed)
	}
	return ErrorResponse{ErrorContextCount: b[2], ErrorData: rest(b[:errorResponseFixed+n], errorResponseFixed)}, nil
}

// Append writes the body after b. Without data it is nine bytes long, the last one zero, as the specification demands.
func (r *ErrorResponse) Append(b []byte) []byte {
	b = le.AppendUint16(b, 9)
	b = append(b, r.ErrorContextCount, 0)
	b = le.AppendUint32(b, uint32(len(r.ErrorData)))
	if len(r.ErrorData) == 0 {
		return append(b, 0)
	}
	return append(b, r.ErrorData...)
}

// ErrorContext is an SMB2 ERROR Context (MS-SMB2 2.2.2.1).
type ErrorContext struct {
	ErrorID ErrorID
	Data    []byte
}

// Contexts reads the ErrorData of a 3.1.1 response.
func (r *ErrorResponse) Contexts() ([]ErrorContext, error) {
	b := r.ErrorData
	var list []ErrorContext
	for range r.ErrorContextCount {
		if len(b) < 8 {
			return nil, short("error context", len(b), 8)
		}
		n := uint64(le.Uint32(b))
		if n > uint64(len(b)-8) {
			return nil, fmt.Errorf("error context: ErrorDataLength: %w: %d of %d", ErrBounds, n, len(b)-8)
		}
		list = append(list, ErrorContext{ErrorID: ErrorID(le.Uint32(b[4:])), Data: rest(b[:8+n], 8)})
		b = b[min(align8(8+int(n)), len(b)):]
	}
	return list, nil
}

// NewErrorResponse is the error response of dialect 3.1.1 with the given contexts.
func NewErrorResponse(list ...ErrorContext) ErrorResponse {
	var b []byte
	for _, c := range list {
		b = pad8(b, 0)
		b = le.AppendUint32(b, uint32(len(c.Data)))
		b = le.AppendUint32(b, uint32(c.ErrorID))
		b = append(b, c.Data...)
	}
	return ErrorResponse{ErrorContextCount: uint8(len(list)), ErrorData: b}
}

// BufferTooSmallError is the error data of STATUS_BUFFER_TOO_SMALL (MS-SMB2 2.2.2.2): the length that would have done.
type BufferTooSmallError struct {
	Required uint32
}

// ParseBufferTooSmallError reads the error data.
func ParseBufferTooSmallError(b []byte) (BufferTooSmallError, error) {
	if len(b) < 4 {
		return BufferTooSmallError{}, short("buffer too small error", len(b), 4)
	}
	return BufferTooSmallError{Required: le.Uint32(b)}, nil
}

// Append writes the error data after b.
func (e *BufferTooSmallError) Append(b []byte) []byte { return le.AppendUint32(b, e.Required) }

// SymlinkFlagRelative in a SymbolicLinkError: SubstituteName is relative to the folder of the link.
const SymlinkFlagRelative uint32 = 0x00000001

const (
	symlinkErrorTag       uint32 = 0x4C4D5953
	reparseTagSymlink     uint32 = 0xA000000C
	symbolicLinkErrorSize        = 28
)

// SymbolicLinkError is the Symbolic Link Error Response (MS-SMB2 2.2.2.2.1), the data of STATUS_STOPPED_ON_SYMLINK.
type SymbolicLinkError struct {
	UnparsedPathLength uint16 // bytes of the name in the request behind the link
	Flags              uint32
	SubstituteName     []byte // UTF-16LE
	PrintName          []byte // UTF-16LE
}

// ParseSymbolicLinkError reads the error data.
func ParseSymbolicLinkError(b []byte) (SymbolicLinkError, error) {
	const what = "symbolic link error"
	if len(b) < symbolicLinkErrorSize {
		return SymbolicLinkError{}, short(what, len(b), symbolicLinkErrorSize)
	}
	if t := le.Uint32(b[4:]); t != symlinkErrorTag {
		return SymbolicLinkError{}, fmt.Errorf("%s: SymLinkErrorTag: %w: %#x", what, ErrValue, t)
	}
	if t := le.Uint32(b[8:]); t != reparseTagSymlink {
		return SymbolicLinkError{}, fmt.Errorf("%s: ReparseTag: %w: %#x", what, ErrValue, t)
	}
	path := b[symbolicLinkErrorSize:]
	sub, err := part(path, uint32(le.Uint16(b[16:])), uint32(le.Uint16(b[18:])), 0, what+": SubstituteName")
	if err != nil {
		return SymbolicLinkError{}, err
	}
	name, err := part(path, uint32(le.Uint16(b[20:])), uint32(le.Uint16(b[22:])), 0, what+": PrintName")
	if err != nil {
		return SymbolicLinkError{}, err
	}
	return SymbolicLinkError{
		UnparsedPathLength: le.Uint16(b[14:]),
		Flags:              le.Uint32(b[24:]),
		SubstituteName:     sub,
		PrintName:          name,
	}, nil
}

// Target decodes SubstituteName.
func (e *SymbolicLinkError) Target() string { return nt.DecodeUTF16(e.SubstituteName) }

// Append writes the error data after b.
func (e *SymbolicLinkError) Append(b []byte) []byte {
	n := len(e.SubstituteName) + len(e.PrintName)
	b = le.AppendUint32(b, uint32(symbolicLinkErrorSize-4+n)) // SymLinkLength does not count itself
	b = le.AppendUint32(b, symlinkErrorTag)
	b = le.AppendUint32(b, reparseTagSymlink)
	b = le.AppendUint16(b, uint16(12+n)) // from SubstituteNameOffset on
	b = le.AppendUint16(b, e.UnparsedPathLength)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, uint16(len(e.SubstituteName)))
	b = le.AppendUint16(b, uint16(len(e.SubstituteName)))
	b = le.AppendUint16(b, uint16(len(e.PrintName)))
	b = le.AppendUint32(b, e.Flags)
	b = append(b, e.SubstituteName...)
	return append(b, e.PrintName...)
}

// Types of a MoveDestination.
const (
	MoveDestinationIPv4 uint32 = 1
	MoveDestinationIPv6 uint32 = 2
)

// MoveDestination is a MOVE_DST_IPADDR (MS-SMB2 2.2.2.2.2.1).
type MoveDestination struct {
	Type uint32
	IP   [16]byte // an IPv4 address is in the first four bytes
}

const (
	shareRedirectSize   = 24
	moveDestinationSize = 24
	shareRedirectNotify = 3 // SHARE_MOVE_NOTIFICATION
)

// ShareRedirectError is the Share Redirect Error Context Response (MS-SMB2 2.2.2.2.2).
type ShareRedirectError struct {
	TargetType   uint16 // reserved
	Destinations []MoveDestination
	ResourceName []byte // \\server\share, UTF-16LE
}

// ParseShareRedirectError reads the data of an ErrorIDShareRedirect context.
func ParseShareRedirectError(b []byte) (ShareRedirectError, error) {
	const what = "share redirect error"
	if len(b) < shareRedirectSize {
		return ShareRedirectError{}, short(what, len(b), shareRedirectSize)
	}
	if t := le.Uint32(b[4:]); t != shareRedirectNotify {
		return ShareRedirectError{}, fmt.Errorf("%s: NotificationType: %w: %d", what, ErrValue, t)
	}
	n := uint64(le.Uint32(b[20:]))
	if n > uint64((len(b)-shareRedirectSize)/moveDestinationSize) {
		return ShareRedirectError{}, fmt.Errorf("%s: IPAddrCount: %w: %d", what, ErrBounds, n)
	}
	name, err := part(b, le.Uint32(b[8:]), le.Uint32(b[12:]), shareRedirectSize+int(n)*moveDestinationSize, what+": ResourceName")
	if err != nil {
		return ShareRedirectError{}, err
	}
	r := ShareRedirectError{TargetType: le.Uint16(b[18:]), ResourceName: name}
	for i := range int(n) {
		a := b[shareRedirectSize+i*moveDestinationSize:]
		r.Destinations = append(r.Destinations, MoveDestination{Type: le.Uint32(a), IP: [16]byte(a[8:24])})
	}
	return r, nil
}

// Append writes the data after b.
func (r *ShareRedirectError) Append(b []byte) []byte {
	start := len(b)
	b = append(b, make([]byte, shareRedirectSize)...)
	h := b[start:]
	le.PutUint32(h[4:], shareRedirectNotify)
	le.PutUint32(h[12:], uint32(len(r.ResourceName)))
	le.PutUint16(h[18:], r.TargetType)
	le.PutUint32(h[20:], uint32(len(r.Destinations)))
	for _, d := range r.Destinations {
		b = le.AppendUint32(b, d.Type)
		b = le.AppendUint32(b, 0)
		b = append(b, d.IP[:]...)
	}
	le.PutUint32(b[start+8:], uint32(len(b)-start))
	b = append(b, r.ResourceName...)
	le.PutUint32(b[start:], uint32(len(b)-start))
	return b
}
