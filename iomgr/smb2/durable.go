package smb2

import "lwio/iomgr/nt"

// DurableHandleRequest is SMB2_CREATE_DURABLE_HANDLE_REQUEST (MS-SMB2 2.2.13.2.3): sixteen reserved bytes, so that only
// its presence counts.
type DurableHandleRequest struct{}

// ParseDurableHandleRequest checks the Data of a request's DHnQ.
func ParseDurableHandleRequest(b []byte) (DurableHandleRequest, error) {
	if len(b) != 16 {
		return DurableHandleRequest{}, wrongLength("DHnQ request", len(b), 16)
	}
	return DurableHandleRequest{}, nil
}

// Append writes the Data of a request's DHnQ after b.
func (*DurableHandleRequest) Append(b []byte) []byte { return append(b, make([]byte, 16)...) }

// DurableHandleResponse is SMB2_CREATE_DURABLE_HANDLE_RESPONSE (MS-SMB2 2.2.14.2.3).
type DurableHandleResponse struct{}

// ParseDurableHandleResponse checks the Data of a response's DHnQ.
func ParseDurableHandleResponse(b []byte) (DurableHandleResponse, error) {
	if len(b) < 8 {
		return DurableHandleResponse{}, short("DHnQ response", len(b), 8)
	}
	return DurableHandleResponse{}, nil
}

// Append writes the Data of a response's DHnQ after b.
func (*DurableHandleResponse) Append(b []byte) []byte { return le.AppendUint64(b, 0) }

// DurableHandleReconnect is SMB2_CREATE_DURABLE_HANDLE_RECONNECT (MS-SMB2 2.2.13.2.4).
type DurableHandleReconnect struct {
	FileID FileID
}

// ParseDurableHandleReconnect reads the Data of a DHnC.
func ParseDurableHandleReconnect(b []byte) (DurableHandleReconnect, error) {
	if len(b) != 16 {
		return DurableHandleReconnect{}, wrongLength("DHnC", len(b), 16)
	}
	return DurableHandleReconnect{FileID: getFileID(b)}, nil
}

// Append writes the Data after b.
func (c *DurableHandleReconnect) Append(b []byte) []byte { return c.FileID.append(b) }

// DurableHandleFlagPersistent is the one flag of the contexts of version 2.
const DurableHandleFlagPersistent uint32 = 0x00000002

// DurableHandleRequestV2 is SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2 (MS-SMB2 2.2.13.2.11).
type DurableHandleRequestV2 struct {
	Timeout    uint32 // milliseconds, 0 lets the server choose
	Flags      uint32
	CreateGUID nt.GUID
}

// ParseDurableHandleRequestV2 reads the Data of a request's DH2Q.
func ParseDurableHandleRequestV2(b []byte) (DurableHandleRequestV2, error) {
	if len(b) != 32 {
		return DurableHandleRequestV2{}, wrongLength("DH2Q request", len(b), 32)
	}
	return DurableHandleRequestV2{Timeout: le.Uint32(b), Flags: le.Uint32(b[4:]), CreateGUID: nt.GUID(b[16:32])}, nil
}

// Append writes the Data after b.
func (c *DurableHandleRequestV2) Append(b []byte) []byte {
	b = le.AppendUint32(b, c.Timeout)
	b = le.AppendUint32(b, c.Flags)
	b = le.AppendUint64(b, 0)
	return append(b, c.CreateGUID[:]...)
}

// DurableHandleResponseV2 is SMB2_CREATE_DURABLE_HANDLE_RESPONSE_V2 (MS-SMB2 2.2.14.2.12).
type DurableHandleResponseV2 struct {
	Timeout uint32 // milliseconds
	Flags   uint32
}

// ParseDurableHandleResponseV2 reads the Data of a response's DH2Q.
func ParseDurableHandleResponseV2(b []byte) (DurableHandleResponseV2, error) {
	if len(b) < 8 {
		return DurableHandleResponseV2{}, short("DH2Q response", len(b), 8)
	}
	return DurableHandleResponseV2{Timeout: le.Uint32(b), Flags: le.Uint32(b[4:])}, nil
}

// Append writes the Data after b.
func (c *DurableHandleResponseV2) Append(b []byte) []byte {
	return le.AppendUint32(le.AppendUint32(b, c.Timeout), c.Flags)
}

// DurableHandleReconnectV2 is SMB2_CREATE_DURABLE_HANDLE_RECONNECT_V2 (MS-SMB2 2.2.13.2.12).
type DurableHandleReconnectV2 struct {
	FileID     FileID
	CreateGUID nt.GUID
	Flags      uint32
}

// ParseDurableHandleReconnectV2 reads the Data of a DH2C.
func ParseDurableHandleReconnectV2(b []byte) (DurableHandleReconnectV2, error) {
	if len(b) != 36 {
		return DurableHandleReconnectV2{}, wrongLength("DH2C", len(b), 36)
	}
	return DurableHandleReconnectV2{FileID: getFileID(b), CreateGUID: nt.GUID(b[16:32]), Flags: le.Uint32(b[32:])}, nil
}

// Append writes the Data after b.
func (c *DurableHandleReconnectV2) Append(b []byte) []byte {
	b = c.FileID.append(b)
	b = append(b, c.CreateGUID[:]...)
	return le.AppendUint32(b, c.Flags)
}

// AppInstanceID is SMB2_CREATE_APP_INSTANCE_ID (MS-SMB2 2.2.13.2.13).
type AppInstanceID struct {
	AppInstanceID nt.GUID
}

// ParseAppInstanceID reads the Data of a ContextAppInstanceID.
func ParseAppInstanceID(b []byte) (AppInstanceID, error) {
	if err := fixed(b, 20, "app instance id"); err != nil {
		return AppInstanceID{}, err
	}
	return AppInstanceID{AppInstanceID: nt.GUID(b[4:20])}, nil
}

// Append writes the Data after b.
func (c *AppInstanceID) Append(b []byte) []byte {
	return append(append(b, 20, 0, 0, 0), c.AppInstanceID[:]...)
}

// AppInstanceVersion is SMB2_CREATE_APP_INSTANCE_VERSION (MS-SMB2 2.2.13.2.15).
type AppInstanceVersion struct {
	VersionHigh uint64
	VersionLow  uint64
}

// ParseAppInstanceVersion reads the Data of a ContextAppInstanceVersion.
func ParseAppInstanceVersion(b []byte) (AppInstanceVersion, error) {
	if err := fixed(b, 24, "app instance version"); err != nil {
		return AppInstanceVersion{}, err
	}
	return AppInstanceVersion{VersionHigh: le.Uint64(b[8:]), VersionLow: le.Uint64(b[16:])}, nil
}

// Append writes the Data after b.
func (c *AppInstanceVersion) Append(b []byte) []byte {
	b = append(b, 24, 0, 0, 0, 0, 0, 0, 0)
	return le.AppendUint64(le.AppendUint64(b, c.VersionHigh), c.VersionLow)
}
