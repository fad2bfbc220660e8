package smb2

// TreeDisconnectRequest is the SMB2 TREE_DISCONNECT Request (MS-SMB2 2.2.11).
type TreeDisconnectRequest struct{}

// ParseTreeDisconnectRequest reads the body of a TREE_DISCONNECT request.
func ParseTreeDisconnectRequest(b []byte) (TreeDisconnectRequest, error) {
	return TreeDisconnectRequest{}, fixed(b, 4, "treedisconnect request")
}

// Append writes the body after b.
func (*TreeDisconnectRequest) Append(b []byte) []byte { return appendEmpty(b) }

// TreeDisconnectResponse is the SMB2 TREE_DISCONNECT Response (MS-SMB2 2.2.12).
type TreeDisconnectResponse struct{}

// ParseTreeDisconnectResponse reads the body of a TREE_DISCONNECT response.
func ParseTreeDisconnectResponse(b []byte) (TreeDisconnectResponse, error) {
	return TreeDisconnectResponse{}, fixed(b, 4, "treedisconnect response")
}

// Append writes the body after b.
func (*TreeDisconnectResponse) Append(b []byte) []byte { return appendEmpty(b) }
