package smb2

// ChangeNotifyWatchTree in the Flags of a ChangeNotifyRequest watches the whole subtree.
const ChangeNotifyWatchTree uint16 = 0x0001

// ChangeNotifyRequest is the SMB2 CHANGE_NOTIFY Request (MS-SMB2 2.2.35).
type ChangeNotifyRequest struct {
	Flags              uint16
	OutputBufferLength uint32
	FileID             FileID
	CompletionFilter   uint32
}

// ParseChangeNotifyRequest reads the body of a CHANGE_NOTIFY request.
func ParseChangeNotifyRequest(b []byte) (ChangeNotifyRequest, error) {
	if err := fixed(b, 32, "change notify request"); err != nil {
		return ChangeNotifyRequest{}, err
	}
	return ChangeNotifyRequest{
		Flags:              le.Uint16(b[2:]),
		OutputBufferLength: le.Uint32(b[4:]),
		FileID:             getFileID(b[8:]),
		CompletionFilter:   le.Uint32(b[24:]),
	}, nil
}

// Append writes the body after b.
func (r *ChangeNotifyRequest) Append(b []byte) []byte {
	b = le.AppendUint16(b, 32)
	b = le.AppendUint16(b, r.Flags)
	b = le.AppendUint32(b, r.OutputBufferLength)
	b = r.FileID.append(b)
	b = le.AppendUint32(b, r.CompletionFilter)
	return le.AppendUint32(b, 0)
}

// ChangeNotifyResponse is the SMB2 CHANGE_NOTIFY Response (MS-SMB2 2.2.36). Output is a chain of
// FILE_NOTIFY_INFORMATION (MS-FSCC 2.7.1).
type ChangeNotifyResponse struct {
	Output []byte
}

// ParseChangeNotifyResponse reads the body of a CHANGE_NOTIFY response.
func ParseChangeNotifyResponse(b []byte) (ChangeNotifyResponse, error) {
	out, err := parseOutputResponse(b, "change notify response")
	return ChangeNotifyResponse{Output: out}, err
}

// Append writes the body after b.
func (r *ChangeNotifyResponse) Append(b []byte) []byte { return appendOutputResponse(b, r.Output) }
