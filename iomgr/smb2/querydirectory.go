package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// Flags of a QueryDirectoryRequest (MS-SMB2 2.2.33).
const (
	QueryDirectoryRestartScans      uint8 = 0x01
	QueryDirectoryReturnSingleEntry uint8 = 0x02
	QueryDirectoryIndexSpecified    uint8 = 0x04
	QueryDirectoryReopen            uint8 = 0x10
)

// QueryDirectoryRequest is the SMB2 QUERY_DIRECTORY Request (MS-SMB2 2.2.33).
type QueryDirectoryRequest struct {
	FileInformationClass uint8
	Flags                uint8
	FileIndex            uint32
	FileID               FileID
	OutputBufferLength   uint32
	Pattern              []byte // search pattern, UTF-16LE
}

const queryDirectoryRequestFixed = 32

// ParseQueryDirectoryRequest reads the body of a QUERY_DIRECTORY request.
func ParseQueryDirectoryRequest(b []byte) (QueryDirectoryRequest, error) {
	if err := fixed(b, 33, "query directory request"); err != nil {
		return QueryDirectoryRequest{}, err
	}
	name, err := field(b, uint32(le.Uint16(b[24:])), uint32(le.Uint16(b[26:])), queryDirectoryRequestFixed,
		"query directory request: FileName")
	if err != nil {
		return QueryDirectoryRequest{}, err
	}
	if len(name)%2 != 0 {
		return QueryDirectoryRequest{}, fmt.Errorf("query directory request: FileName: %w: odd length %d", ErrValue, len(name))
	}
	return QueryDirectoryRequest{
		FileInformationClass: b[2],
		Flags:                b[3],
		FileIndex:            le.Uint32(b[4:]),
		FileID:               getFileID(b[8:]),
		OutputBufferLength:   le.Uint32(b[28:]),
		Pattern:              name,
	}, nil
}

// SearchPattern decodes Pattern.
func (r *QueryDirectoryRequest) SearchPattern() string { return nt.DecodeUTF16(r.Pattern) }

// Append writes the body after b.
func (r *QueryDirectoryRequest) Append(b []byte) []byte {
	b = le.AppendUint16(b, 33)
	b = append(b, r.FileInformationClass, r.Flags)
	b = le.AppendUint32(b, r.FileIndex)
	b = r.FileID.append(b)
	b = le.AppendUint16(b, HeaderSize+queryDirectoryRequestFixed)
	b = le.AppendUint16(b, uint16(len(r.Pattern)))
	b = le.AppendUint32(b, r.OutputBufferLength)
	if len(r.Pattern) == 0 {
		return append(b, 0)
	}
	return append(b, r.Pattern...)
}

// QueryDirectoryResponse is the SMB2 QUERY_DIRECTORY Response (MS-SMB2 2.2.34).
type QueryDirectoryResponse struct {
	Output []byte
}

// ParseQueryDirectoryResponse reads the body of a QUERY_DIRECTORY response.
func ParseQueryDirectoryResponse(b []byte) (QueryDirectoryResponse, error) {
	out, err := parseOutputResponse(b, "query directory response")
	return QueryDirectoryResponse{Output: out}, err
}

// Append writes the body after b.
func (r *QueryDirectoryResponse) Append(b []byte) []byte { return appendOutputResponse(b, r.Output) }
