package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// Flags of a TreeConnectRequest (3.1.1; MS-SMB2 2.2.9).
const (
	TreeConnectFlagClusterReconnect uint16 = 0x0001
	TreeConnectFlagRedirectToOwner  uint16 = 0x0002
	TreeConnectFlagExtension        uint16 = 0x0004 // Contexts are present
)

// RemotedIdentityContext is the type of the one TreeConnectContext there is (MS-SMB2 2.2.9.2.1).
const RemotedIdentityContext uint16 = 0x0001

// ShareType of a TreeConnectResponse.
const (
	ShareTypeDisk  uint8 = 0x01
	ShareTypePipe  uint8 = 0x02
	ShareTypePrint uint8 = 0x03
)

// ShareFlags of a TreeConnectResponse (MS-SMB2 2.2.10).
const (
	ShareFlagManualCaching            uint32 = 0x00000000
	ShareFlagAutoCaching              uint32 = 0x00000010
	ShareFlagVDOCaching               uint32 = 0x00000020
	ShareFlagNoCaching                uint32 = 0x00000030
	ShareFlagDFS                      uint32 = 0x00000001
	ShareFlagDFSRoot                  uint32 = 0x00000002
	ShareFlagRestrictExclusiveOpens   uint32 = 0x00000100
	ShareFlagForceSharedDelete        uint32 = 0x00000200
	ShareFlagAllowNamespaceCaching    uint32 = 0x00000400
	ShareFlagAccessBasedDirectoryEnum uint32 = 0x00000800
	ShareFlagForceLevelIIOplock       uint32 = 0x00001000
	ShareFlagEnableHashV1             uint32 = 0x00002000
	ShareFlagEnableHashV2             uint32 = 0x00004000
	ShareFlagEncryptData              uint32 = 0x00008000
	ShareFlagIdentityRemoting         uint32 = 0x00040000
	ShareFlagCompressData             uint32 = 0x00100000
	ShareFlagIsolatedTransport        uint32 = 0x00200000
)

// Capabilities of a TreeConnectResponse (MS-SMB2 2.2.10).
const (
	ShareCapDFS                    uint32 = 0x00000008
	ShareCapContinuousAvailability uint32 = 0x00000010
	ShareCapScaleout               uint32 = 0x00000020
	ShareCapCluster                uint32 = 0x00000040
	ShareCapAsymmetric             uint32 = 0x00000080
	ShareCapRedirectToOwner        uint32 = 0x00000100
)

// TreeConnectContext is an SMB2_TREE_CONNECT_CONTEXT (MS-SMB2 2.2.9.2).
type TreeConnectContext struct {
	Type uint16
	Data []byte
}

// TreeConnectRequest is the SMB2 TREE_CONNECT Request (MS-SMB2 2.2.9), with its extension (2.2.9.1) when Flags has
// TreeConnectFlagExtension. The request is taken to start at the header, so that TreeConnectContextOffset counts from
// there like every other offset.
type TreeConnectRequest struct {
	Flags    uint16 // reserved below 3.1.1
	Path     []byte // \\server\share, UTF-16LE
	Contexts []TreeConnectContext
}

const (
	treeConnectRequestFixed     = 8
	treeConnectRequestExtension = 16
)

// ParseTreeConnectRequest reads the body of a TREE_CONNECT request. Flags are a 3.1.1 field: for other dialects pass
// false, and an extension is not looked for.
func ParseTreeConnectRequest(b []byte, dialect311 bool) (TreeConnectRequest, error) {
	if err := fixed(b, 9, "tree connect request"); err != nil {
		return TreeConnectRequest{}, err
	}
	r := TreeConnectRequest{}
	low := treeConnectRequestFixed
	if dialect311 {
		r.Flags = le.Uint16(b[2:])
	}
	ext := r.Flags&TreeConnectFlagExtension != 0
	if ext {
		low += treeConnectRequestExtension
		if len(b) < low {
			return TreeConnectRequest{}, short("tree connect request extension", len(b), low)
		}
	}
	var err error
	r.Path, err = field(b, uint32(le.Uint16(b[4:])), uint32(le.Uint16(b[6:])), low, "tree connect request: Path")
	if err != nil {
		return TreeConnectRequest{}, err
	}
	if len(r.Path)%2 != 0 {
		return TreeConnectRequest{}, fmt.Errorf("tree connect request: Path: %w: odd length %d", ErrValue, len(r.Path))
	}
	if ext {
		r.Contexts, err = parseTreeConnectContexts(b, le.Uint32(b[8:]), le.Uint16(b[12:]), low)
	}
	return r, err
}

func parseTreeConnectContexts(body []byte, off uint32, count uint16, low int) ([]TreeConnectContext, error) {
	if count == 0 {
		return nil, nil
	}
	if uint64(off) < uint64(HeaderSize+low) || uint64(off) > uint64(HeaderSize+len(body)) {
		return nil, fmt.Errorf("tree connect contexts: %w: offset %d of %d", ErrBounds, off, HeaderSize+len(body))
	}
	b := body[off-HeaderSize:]
	if int(count) > (len(b)+7)/8 {
		return nil, fmt.Errorf("tree connect contexts: %w: count %d", ErrBounds, count)
	}
	list := make([]TreeConnectContext, 0, count)
	for i := 0; i < int(count); i++ {
		if len(b) < 8 {
			return nil, short("tree connect context", len(b), 8)
		}
		n := 8 + int(le.Uint16(b[2:]))
		if n > len(b) {
			return nil, fmt.Errorf("tree connect context: DataLength: %w: %d of %d", ErrBounds, n-8, len(b)-8)
		}
		list = append(list, TreeConnectContext{Type: le.Uint16(b), Data: rest(b[:n], 8)})
		b = b[min(align8(n), len(b)):]
	}
	return list, nil
}

// PathName decodes Path.
func (r *TreeConnectRequest) PathName() string { return nt.DecodeUTF16(r.Path) }

// Append writes the body after b.
func (r *TreeConnectRequest) Append(b []byte) []byte {
	start := len(b)
	b = le.AppendUint16(b, 9)
	b = le.AppendUint16(b, r.Flags)
	ext := r.Flags&TreeConnectFlagExtension != 0
	path := HeaderSize + treeConnectRequestFixed
	if ext {
		path += treeConnectRequestExtension
	}
	b = le.AppendUint16(b, uint16(path))
	b = le.AppendUint16(b, uint16(len(r.Path)))
	if ext {
		b = append(b, make([]byte, treeConnectRequestExtension)...)
	}
	b = append(b, r.Path...)
	if !ext || len(r.Contexts) == 0 {
		return b
	}
	b = pad8(b, start)
	le.PutUint32(b[start+8:], uint32(offsetOf(b, start)))
	le.PutUint16(b[start+12:], uint16(len(r.Contexts)))
	for _, c := range r.Contexts {
		b = pad8(b, start)
		b = le.AppendUint16(b, c.Type)
		b = le.AppendUint16(b, uint16(len(c.Data)))
		b = le.AppendUint32(b, 0)
		b = append(b, c.Data...)
	}
	return b
}

// TreeConnectResponse is the SMB2 TREE_CONNECT Response (MS-SMB2 2.2.10).
type TreeConnectResponse struct {
	ShareType     uint8
	ShareFlags    uint32
	Capabilities  uint32
	MaximalAccess nt.AccessMask
}

// ParseTreeConnectResponse reads the body of a TREE_CONNECT response.
func ParseTreeConnectResponse(b []byte) (TreeConnectResponse, error) {
	if err := fixed(b, 16, "tree connect response"); err != nil {
		return TreeConnectResponse{}, err
	}
	return TreeConnectResponse{
		ShareType:     b[2],
		ShareFlags:    le.Uint32(b[4:]),
		Capabilities:  le.Uint32(b[8:]),
		MaximalAccess: nt.AccessMask(le.Uint32(b[12:])),
	}, nil
}

// Append writes the body after b.
func (r *TreeConnectResponse) Append(b []byte) []byte {
	b = le.AppendUint16(b, 16)
	b = append(b, r.ShareType, 0)
	b = le.AppendUint32(b, r.ShareFlags)
	b = le.AppendUint32(b, r.Capabilities)
	return le.AppendUint32(b, uint32(r.MaximalAccess))
}
