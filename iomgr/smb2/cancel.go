package smb2

// CancelRequest is the SMB2 CANCEL Request (MS-SMB2 2.2.30). What it cancels stands in the
// header: the AsyncID when FlagAsyncCommand is set, else the MessageID. It is never answered.
type CancelRequest struct{}

// ParseCancelRequest reads the body of a CANCEL request.
func ParseCancelRequest(b []byte) (CancelRequest, error) {
	return CancelRequest{}, fixed(b, 4, "cancel request")
}

// Append writes the body after b.
func (*CancelRequest) Append(b []byte) []byte { return appendEmpty(b) }
