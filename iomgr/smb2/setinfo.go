package smb2

// SetInfoRequest is the SMB2 SET_INFO Request (MS-SMB2 2.2.39).
type SetInfoRequest struct {
	InfoType              uint8
	FileInfoClass         uint8
	AdditionalInformation uint32 // SECURITY_INFORMATION
	FileID                FileID
	Buffer                []byte
}

const setInfoRequestFixed = 32

// ParseSetInfoRequest reads the body of a SET_INFO request.
func ParseSetInfoRequest(b []byte) (SetInfoRequest, error) {
	if err := fixed(b, 33, "set info request"); err != nil {
		return SetInfoRequest{}, err
	}
	buf, err := field(b, uint32(le.Uint16(b[8:])), le.Uint32(b[4:]), setInfoRequestFixed, "set info request: Buffer")
	if err != nil {
		return SetInfoRequest{}, err
	}
	return SetInfoRequest{
		InfoType:              b[2],
		FileInfoClass:         b[3],
		AdditionalInformation: le.Uint32(b[12:]),
		FileID:                getFileID(b[16:]),
		Buffer:                buf,
	}, nil
}

// Append writes the body after b. The variable part is at least one byte long, as the specification demands.
func (r *SetInfoRequest) Append(b []byte) []byte {
	b = le.AppendUint16(b, 33)
	b = append(b, r.InfoType, r.FileInfoClass)
	b = le.AppendUint32(b, uint32(len(r.Buffer)))
	b = le.AppendUint32(b, HeaderSize+setInfoRequestFixed)
	b = le.AppendUint32(b, r.AdditionalInformation)
	b = r.FileID.append(b)
	if len(r.Buffer) == 0 {
		return append(b, 0)
	}
	return append(b, r.Buffer...)
}

// SetInfoResponse is the SMB2 SET_INFO Response (MS-SMB2 2.2.40): a StructureSize and nothing else.
type SetInfoResponse struct{}

// ParseSetInfoResponse reads the body of a SET_INFO response.
func ParseSetInfoResponse(b []byte) (SetInfoResponse, error) {
	return SetInfoResponse{}, fixed(b, 2, "set info response")
}

// Append writes the body after b.
func (*SetInfoResponse) Append(b []byte) []byte { return append(b, 2, 0) }
