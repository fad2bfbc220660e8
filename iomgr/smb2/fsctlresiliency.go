package smb2

// ResiliencyRequest is NETWORK_RESILIENCY_REQUEST, the input of FSCTL_LMR_REQUEST_RESILIENCY (MS-SMB2 2.2.31.3).
type ResiliencyRequest struct {
	Timeout uint32 // milliseconds, 0 lets the server choose
}

// ParseResiliencyRequest reads the input.
func ParseResiliencyRequest(b []byte) (ResiliencyRequest, error) {
	if len(b) < 8 {
		return ResiliencyRequest{}, short("resiliency request", len(b), 8)
	}
	return ResiliencyRequest{Timeout: le.Uint32(b)}, nil
}

// Append writes the input after b.
func (r *ResiliencyRequest) Append(b []byte) []byte {
	return append(le.AppendUint32(b, r.Timeout), 0, 0, 0, 0)
}
