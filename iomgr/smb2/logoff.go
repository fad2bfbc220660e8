package smb2

// LogoffRequest is the SMB2 LOGOFF Request (MS-SMB2 2.2.7).
type LogoffRequest struct{}

// ParseLogoffRequest reads the body of a LOGOFF request.
func ParseLogoffRequest(b []byte) (LogoffRequest, error) {
	return LogoffRequest{}, fixed(b, 4, "logoff request")
}

// Append writes the body after b.
func (*LogoffRequest) Append(b []byte) []byte { return appendEmpty(b) }

// LogoffResponse is the SMB2 LOGOFF Response (MS-SMB2 2.2.8).
type LogoffResponse struct{}

// ParseLogoffResponse reads the body of a LOGOFF response.
func ParseLogoffResponse(b []byte) (LogoffResponse, error) {
	return LogoffResponse{}, fixed(b, 4, "logoff response")
}

// Append writes the body after b.
func (*LogoffResponse) Append(b []byte) []byte { return appendEmpty(b) }

// appendEmpty writes the body of the commands that say nothing: a StructureSize of 4 and two reserved bytes.
func appendEmpty(b []byte) []byte { return append(b, 4, 0, 0, 0) }
