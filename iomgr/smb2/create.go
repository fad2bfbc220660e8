package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// Oplock levels (MS-SMB2 2.2.13).
const (
	OplockLevelNone      uint8 = 0x00
	OplockLevelII        uint8 = 0x01
	OplockLevelExclusive uint8 = 0x08
	OplockLevelBatch     uint8 = 0x09
	OplockLevelLease     uint8 = 0xFF
)

// Impersonation levels (MS-SMB2 2.2.13).
const (
	ImpersonationAnonymous      uint32 = 0
	ImpersonationIdentification uint32 = 1
	Impersonation               uint32 = 2
	ImpersonationDelegate       uint32 = 3
)

// CreateActions of a CreateResponse (MS-SMB2 2.2.14).
const (
	FileSuperseded  uint32 = 0
	FileOpened      uint32 = 1
	FileCreated     uint32 = 2
	FileOverwritten uint32 = 3
)

// CreateFlagReparsePoint in the Flags of a CreateResponse: the last component is a reparse point (3.x).
const CreateFlagReparsePoint uint8 = 0x01

// CreateRequest is the SMB2 CREATE Request (MS-SMB2 2.2.13).
type CreateRequest struct {
	SecurityFlags        uint8 // reserved
	RequestedOplockLevel uint8
	ImpersonationLevel   uint32
	SmbCreateFlags       uint64 // reserved
	DesiredAccess        nt.AccessMask
	FileAttributes       uint32
	ShareAccess          uint32
	CreateDisposition    uint32
	CreateOptions        uint32
	Name                 []byte         // relative to the share, UTF-16LE, no leading backslash
	Contexts             CreateContexts // the raw chain
}

const createRequestFixed = 56

// ParseCreateRequest reads the body of a CREATE request. The chain of create contexts is cut out, not walked.
func ParseCreateRequest(b []byte) (CreateRequest, error) {
	if err := fixed(b, 57, "create request"); err != nil {
		return CreateRequest{}, err
	}
	r := CreateRequest{
		SecurityFlags:        b[2],
		RequestedOplockLevel: b[3],
		ImpersonationLevel:   le.Uint32(b[4:]),
		SmbCreateFlags:       le.Uint64(b[8:]),
		DesiredAccess:        nt.AccessMask(le.Uint32(b[24:])),
		FileAttributes:       le.Uint32(b[28:]),
		ShareAccess:          le.Uint32(b[32:]),
		CreateDisposition:    le.Uint32(b[36:]),
		CreateOptions:        le.Uint32(b[40:]),
	}
	var err error
	r.Name, err = field(b, uint32(le.Uint16(b[44:])), uint32(le.Uint16(b[46:])), createRequestFixed, "create request: Name")
	if err != nil {
		return CreateRequest{}, err
	}
	if len(r.Name)%2 != 0 {
		return CreateRequest{}, fmt.Errorf("create request: Name: %w: odd length %d", ErrValue, len(r.Name))
	}
	r.Contexts, err = field(b, le.Uint32(b[48:]), le.Uint32(b[52:]), createRequestFixed, "create request: CreateContexts")
	return r, err
}

// FileName decodes Name.
func (r *CreateRequest) FileName() string { return nt.DecodeUTF16(r.Name) }

// Append writes the body after b. The variable part is at least one byte long, as the specification demands.
func (r *CreateRequest) Append(b []byte) []byte {
	start := len(b)
	b = le.AppendUint16(b, 57)
	b = append(b, r.SecurityFlags, r.RequestedOplockLevel)
	b = le.AppendUint32(b, r.ImpersonationLevel)
	b = le.AppendUint64(b, r.SmbCreateFlags)
	b = le.AppendUint64(b, 0)
	b = le.AppendUint32(b, uint32(r.DesiredAccess))
	b = le.AppendUint32(b, r.FileAttributes)
	b = le.AppendUint32(b, r.ShareAccess)
	b = le.AppendUint32(b, r.CreateDisposition)
	b = le.AppendUint32(b, r.CreateOptions)
	b = le.AppendUint16(b, HeaderSize+createRequestFixed)
	b = le.AppendUint16(b, uint16(len(r.Name)))
	b = le.AppendUint64(b, 0)
	b = append(b, r.Name...)
	if len(r.Contexts) == 0 {
		if len(r.Name) == 0 {
			b = append(b, 0)
		}
		return b
	}
	b = pad8(b, start)
	le.PutUint32(b[start+48:], uint32(offsetOf(b, start)))
	le.PutUint32(b[start+52:], uint32(len(r.Contexts)))
	return append(b, r.Contexts...)
}

// CreateResponse is the SMB2 CREATE Response (MS-SMB2 2.2.14).
type CreateResponse struct {
	OplockLevel    uint8
	Flags          uint8
	CreateAction   uint32
	CreationTime   nt.Time
	LastAccessTime nt.Time
	LastWriteTime  nt.Time
	ChangeTime     nt.Time
	AllocationSize uint64
	EndOfFile      uint64
	FileAttributes uint32
	FileID         FileID
	Contexts       CreateContexts // the raw chain
}

const createResponseFixed = 88

// ParseCreateResponse reads the body of a CREATE response.
func ParseCreateResponse(b []byte) (CreateResponse, error) {
	if err := fixed(b, 89, "create response"); err != nil {
		return CreateResponse{}, err
	}
	ctx, err := field(b, le.Uint32(b[80:]), le.Uint32(b[84:]), createResponseFixed, "create response: CreateContexts")
	if err != nil {
		return CreateResponse{}, err
	}
	return CreateResponse{
		OplockLevel:    b[2],
		Flags:          b[3],
		CreateAction:   le.Uint32(b[4:]),
		CreationTime:   nt.Time(le.Uint64(b[8:])),
		LastAccessTime: nt.Time(le.Uint64(b[16:])),
		LastWriteTime:  nt.Time(le.Uint64(b[24:])),
		ChangeTime:     nt.Time(le.Uint64(b[32:])),
		AllocationSize: le.Uint64(b[40:]),
		EndOfFile:      le.Uint64(b[48:]),
		FileAttributes: le.Uint32(b[56:]),
		FileID:         getFileID(b[64:]),
		Contexts:       ctx,
	}, nil
}

// Append writes the body after b.
func (r *CreateResponse) Append(b []byte) []byte {
	start := len(b)
	b = le.AppendUint16(b, 89)
	b = append(b, r.OplockLevel, r.Flags)
	b = le.AppendUint32(b, r.CreateAction)
	b = le.AppendUint64(b, uint64(r.CreationTime))
	b = le.AppendUint64(b, uint64(r.LastAccessTime))
	b = le.AppendUint64(b, uint64(r.LastWriteTime))
	b = le.AppendUint64(b, uint64(r.ChangeTime))
	b = le.AppendUint64(b, r.AllocationSize)
	b = le.AppendUint64(b, r.EndOfFile)
	b = le.AppendUint32(b, r.FileAttributes)
	b = le.AppendUint32(b, 0)
	b = r.FileID.append(b)
	b = le.AppendUint64(b, 0)
	if len(r.Contexts) > 0 {
		le.PutUint32(b[start+80:], HeaderSize+createResponseFixed)
		le.PutUint32(b[start+84:], uint32(len(r.Contexts)))
		b = append(b, r.Contexts...)
	}
	return b
}
