package smb2

// EchoRequest is the SMB2 ECHO Request (MS-SMB2 2.2.28).
type EchoRequest struct{}

// ParseEchoRequest reads the body of a ECHO request.
func ParseEchoRequest(b []byte) (EchoRequest, error) {
	return EchoRequest{}, fixed(b, 4, "echo request")
}

// Append writes the body after b.
func (*EchoRequest) Append(b []byte) []byte { return appendEmpty(b) }

// EchoResponse is the SMB2 ECHO Response (MS-SMB2 2.2.29).
type EchoResponse struct{}

// ParseEchoResponse reads the body of a ECHO response.
func ParseEchoResponse(b []byte) (EchoResponse, error) {
	return EchoResponse{}, fixed(b, 4, "echo response")
}

// Append writes the body after b.
func (*EchoResponse) Append(b []byte) []byte { return appendEmpty(b) }
