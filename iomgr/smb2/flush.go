package smb2

// FlushRequest is the SMB2 FLUSH Request (MS-SMB2 2.2.17).
type FlushRequest struct {
	FileID FileID
}

// ParseFlushRequest reads the body of a FLUSH request.
func ParseFlushRequest(b []byte) (FlushRequest, error) {
	if err := fixed(b, 24, "flush request"); err != nil {
		return FlushRequest{}, err
	}
	return FlushRequest{FileID: getFileID(b[8:])}, nil
}

// Append writes the body after b.
func (r *FlushRequest) Append(b []byte) []byte {
	b = append(b, 24, 0, 0, 0, 0, 0, 0, 0)
	return r.FileID.append(b)
}

// FlushResponse is the SMB2 FLUSH Response (MS-SMB2 2.2.18).
type FlushResponse struct{}

// ParseFlushResponse reads the body of a FLUSH response.
func ParseFlushResponse(b []byte) (FlushResponse, error) {
	return FlushResponse{}, fixed(b, 4, "flush response")
}

// Append writes the body after b.
func (*FlushResponse) Append(b []byte) []byte { return appendEmpty(b) }
