package smb2

import "lwio/iomgr/nt"

// CloseFlagPostQueryAttrib asks for the attributes at close, and says in the response that they are there.
const CloseFlagPostQueryAttrib uint16 = 0x0001

// CloseRequest is the SMB2 CLOSE Request (MS-SMB2 2.2.15).
type CloseRequest struct {
	Flags  uint16
	FileID FileID
}

// ParseCloseRequest reads the body of a CLOSE request.
func ParseCloseRequest(b []byte) (CloseRequest, error) {
	if err := fixed(b, 24, "close request"); err != nil {
		return CloseRequest{}, err
	}
	return CloseRequest{Flags: le.Uint16(b[2:]), FileID: getFileID(b[8:])}, nil
}

// Append writes the body after b.
func (r *CloseRequest) Append(b []byte) []byte {
	b = le.AppendUint16(b, 24)
	b = le.AppendUint16(b, r.Flags)
	b = le.AppendUint32(b, 0)
	return r.FileID.append(b)
}

// CloseResponse is the SMB2 CLOSE Response (MS-SMB2 2.2.16).
type CloseResponse struct {
	Flags          uint16
	CreationTime   nt.Time
	LastAccessTime nt.Time
	LastWriteTime  nt.Time
	ChangeTime     nt.Time
	AllocationSize uint64
	EndOfFile      uint64
	FileAttributes uint32
}

// ParseCloseResponse reads the body of a CLOSE response.
func ParseCloseResponse(b []byte) (CloseResponse, error) {
	if err := fixed(b, 60, "close response"); err != nil {
		return CloseResponse{}, err
	}
	return CloseResponse{
		Flags:          le.Uint16(b[2:]),
		CreationTime:   nt.Time(le.Uint64(b[8:])),
		LastAccessTime: nt.Time(le.Uint64(b[16:])),
		LastWriteTime:  nt.Time(le.Uint64(b[24:])),
		ChangeTime:     nt.Time(le.Uint64(b[32:])),
		AllocationSize: le.Uint64(b[40:]),
		EndOfFile:      le.Uint64(b[48:]),
		FileAttributes: le.Uint32(b[56:]),
	}, nil
}

// Append writes the body after b.
func (r *CloseResponse) Append(b []byte) []byte {
	b = le.AppendUint16(b, 60)
	b = le.AppendUint16(b, r.Flags)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(r.CreationTime))
	b = le.AppendUint64(b, uint64(r.LastAccessTime))
	b = le.AppendUint64(b, uint64(r.LastWriteTime))
	b = le.AppendUint64(b, uint64(r.ChangeTime))
	b = le.AppendUint64(b, r.AllocationSize)
	b = le.AppendUint64(b, r.EndOfFile)
	return le.AppendUint32(b, r.FileAttributes)
}
