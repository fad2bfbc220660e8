package smb2

import "lwio/iomgr/nt"

// SessionSetupFlagBinding in a SessionSetupRequest binds a further channel to an existing session (3.x).
const SessionSetupFlagBinding uint8 = 0x01

// SessionFlags of a SessionSetupResponse (MS-SMB2 2.2.6).
const (
	SessionFlagGuest       uint16 = 0x0001
	SessionFlagNull        uint16 = 0x0002
	SessionFlagEncryptData uint16 = 0x0004
)

// SessionSetupRequest is the SMB2 SESSION_SETUP Request (MS-SMB2 2.2.5).
type SessionSetupRequest struct {
	Flags             uint8
	SecurityMode      uint8
	Capabilities      uint32
	Channel           uint32
	PreviousSessionID uint64
	SecurityBuffer    []byte // GSS token
}

const sessionSetupRequestFixed = 24

// ParseSessionSetupRequest reads the body of a SESSION_SETUP request.
func ParseSessionSetupRequest(b []byte) (SessionSetupRequest, error) {
	if err := fixed(b, 25, "session setup request"); err != nil {
		return SessionSetupRequest{}, err
	}
	buf, err := field(b, uint32(le.Uint16(b[12:])), uint32(le.Uint16(b[14:])), sessionSetupRequestFixed,
		"session setup request: SecurityBuffer")
	if err != nil {
		return SessionSetupRequest{}, err
	}
	return SessionSetupRequest{
		Flags:             b[2],
		SecurityMode:      b[3],
		Capabilities:      le.Uint32(b[4:]),
		Channel:           le.Uint32(b[8:]),
		PreviousSessionID: le.Uint64(b[16:]),
		SecurityBuffer:    buf,
	}, nil
}

// Append writes the body after b.
func (r *SessionSetupRequest) Append(b []byte) []byte {
	b = le.AppendUint16(b, 25)
	b = append(b, r.Flags, r.SecurityMode)
	b = le.AppendUint32(b, r.Capabilities)
	b = le.AppendUint32(b, r.Channel)
	b = le.AppendUint16(b, HeaderSize+sessionSetupRequestFixed)
	b = le.AppendUint16(b, uint16(len(r.SecurityBuffer)))
	b = le.AppendUint64(b, r.PreviousSessionID)
	return append(b, r.SecurityBuffer...)
}

// SessionSetupResponse is the SMB2 SESSION_SETUP Response (MS-SMB2 2.2.6).
type SessionSetupResponse struct {
	SessionFlags   uint16
	SecurityBuffer []byte // GSS token
}

const sessionSetupResponseFixed = 8

// ParseSessionSetupResponse reads the body of a SESSION_SETUP response, of a final or an intermediate one.
func ParseSessionSetupResponse(b []byte) (SessionSetupResponse, error) {
	if err := fixed(b, 9, "session setup response"); err != nil {
		return SessionSetupResponse{}, err
	}
	buf, err := field(b, uint32(le.Uint16(b[4:])), uint32(le.Uint16(b[6:])), sessionSetupResponseFixed,
		"session setup response: SecurityBuffer")
	if err != nil {
		return SessionSetupResponse{}, err
	}
	return SessionSetupResponse{SessionFlags: le.Uint16(b[2:]), SecurityBuffer: buf}, nil
}

// Append writes the body after b.
func (r *SessionSetupResponse) Append(b []byte) []byte {
	b = le.AppendUint16(b, 9)
	b = le.AppendUint16(b, r.SessionFlags)
	b = le.AppendUint16(b, HeaderSize+sessionSetupResponseFixed)
	b = le.AppendUint16(b, uint16(len(r.SecurityBuffer)))
	return append(b, r.SecurityBuffer...)
}

// SessionSetupSucceeded reports whether a response header with this status carries a SessionSetupResponse rather than
// an ErrorResponse: STATUS_MORE_PROCESSING_REQUIRED is no failure here (MS-SMB2 3.3.4.4).
func SessionSetupSucceeded(s nt.Status) bool {
	return s.IsSuccess() || s == nt.StatusMoreProcessingRequired
}
