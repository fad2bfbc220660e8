package smb2

// Info types of QUERY_INFO and SET_INFO (MS-SMB2 2.2.37).
const (
	InfoFile       uint8 = 1
	InfoFilesystem uint8 = 2
	InfoSecurity   uint8 = 3
	InfoQuota      uint8 = 4
)

// Flags of a QueryInfoRequest for extended attributes.
const (
	QueryInfoRestartScan       uint32 = 0x00000001
	QueryInfoReturnSingleEntry uint32 = 0x00000002
	QueryInfoIndexSpecified    uint32 = 0x00000004
)

// QueryInfoRequest is the SMB2 QUERY_INFO Request (MS-SMB2 2.2.37).
type QueryInfoRequest struct {
	InfoType              uint8
	FileInfoClass         uint8 // of the files or the file system, as InfoType says; else 0
	OutputBufferLength    uint32
	AdditionalInformation uint32 // SECURITY_INFORMATION, or the index of an extended attribute
	Flags                 uint32
	FileID                FileID
	Input                 []byte // quota and extended attribute queries
}

const queryInfoRequestFixed = 40

// ParseQueryInfoRequest reads the body of a QUERY_INFO request.
func ParseQueryInfoRequest(b []byte) (QueryInfoRequest, error) {
	if err := fixed(b, 41, "query info request"); err != nil {
		return QueryInfoRequest{}, err
	}
	in, err := field(b, uint32(le.Uint16(b[8:])), le.Uint32(b[12:]), queryInfoRequestFixed, "query info request: Input")
	if err != nil {
		return QueryInfoRequest{}, err
	}
	return QueryInfoRequest{
		InfoType:              b[2],
		FileInfoClass:         b[3],
		OutputBufferLength:    le.Uint32(b[4:]),
		AdditionalInformation: le.Uint32(b[16:]),
		Flags:                 le.Uint32(b[20:]),
		FileID:                getFileID(b[24:]),
		Input:                 in,
	}, nil
}

// Append writes the body after b.
func (r *QueryInfoRequest) Append(b []byte) []byte {
	b = le.AppendUint16(b, 41)
	b = append(b, r.InfoType, r.FileInfoClass)
	b = le.AppendUint32(b, r.OutputBufferLength)
	off := uint32(0)
	if len(r.Input) > 0 {
		off = HeaderSize + queryInfoRequestFixed
	}
	b = le.AppendUint32(b, off)
	b = le.AppendUint32(b, uint32(len(r.Input)))
	b = le.AppendUint32(b, r.AdditionalInformation)
	b = le.AppendUint32(b, r.Flags)
	b = r.FileID.append(b)
	if len(r.Input) == 0 {
		return append(b, 0)
	}
	return append(b, r.Input...)
}

// OutputResponseSize is the length of the responses of QUERY_INFO, QUERY_DIRECTORY and CHANGE_NOTIFY before their output.
// A server that lets a driver write straight into the response leaves so much room behind the header and fills it with
// PutOutputResponse.
const OutputResponseSize = 8

// PutOutputResponse writes the fixed part of a response of QUERY_INFO, QUERY_DIRECTORY or CHANGE_NOTIFY over the first
// OutputResponseSize bytes of b, for n bytes of output right behind.
func PutOutputResponse(b []byte, n uint32) {
	_ = b[OutputResponseSize-1]
	le.PutUint16(b, 9)
	le.PutUint16(b[2:], HeaderSize+OutputResponseSize)
	le.PutUint32(b[4:], n)
}

func parseOutputResponse(b []byte, what string) ([]byte, error) {
	if err := fixed(b, 9, what); err != nil {
		return nil, err
	}
	return field(b, uint32(le.Uint16(b[2:])), le.Uint32(b[4:]), OutputResponseSize, what)
}

func appendOutputResponse(b, output []byte) []byte {
	var w [OutputResponseSize]byte
	PutOutputResponse(w[:], uint32(len(output)))
	return append(append(b, w[:]...), output...)
}

// QueryInfoResponse is the SMB2 QUERY_INFO Response (MS-SMB2 2.2.38).
type QueryInfoResponse struct {
	Output []byte
}

// ParseQueryInfoResponse reads the body of a QUERY_INFO response.
func ParseQueryInfoResponse(b []byte) (QueryInfoResponse, error) {
	out, err := parseOutputResponse(b, "query info response")
	return QueryInfoResponse{Output: out}, err
}

// Append writes the body after b.
func (r *QueryInfoResponse) Append(b []byte) []byte { return appendOutputResponse(b, r.Output) }

// QueryQuotaInfo is SMB2_QUERY_QUOTA_INFO (MS-SMB2 2.2.37.1), the input of a quota query.
type QueryQuotaInfo struct {
	ReturnSingle   bool
	RestartScan    bool
	SidListLength  uint32 // length of a chain of FILE_GET_QUOTA_INFORMATION in SidBuffer, or 0
	StartSidLength uint32 // length of a SID in SidBuffer, or 0
	StartSidOffset uint32
	SidBuffer      []byte
}

// ParseQueryQuotaInfo reads the input of a quota query and checks that the lengths lie in SidBuffer.
func ParseQueryQuotaInfo(b []byte) (QueryQuotaInfo, error) {
	const size = 16
	if len(b) < size {
		return QueryQuotaInfo{}, short("query quota info", len(b), size)
	}
	q := QueryQuotaInfo{
		ReturnSingle:   b[0] != 0,
		RestartScan:    b[1] != 0,
		SidListLength:  le.Uint32(b[4:]),
		StartSidLength: le.Uint32(b[8:]),
		StartSidOffset: le.Uint32(b[12:]),
		SidBuffer:      rest(b, size),
	}
	if _, err := part(q.SidBuffer, 0, q.SidListLength, 0, "query quota info: SidList"); err != nil {
		return QueryQuotaInfo{}, err
	}
	if _, err := part(q.SidBuffer, q.StartSidOffset, q.StartSidLength, 0, "query quota info: StartSid"); err != nil {
		return QueryQuotaInfo{}, err
	}
	return q, nil
}

// Append writes the structure after b.
func (q *QueryQuotaInfo) Append(b []byte) []byte {
	b = append(b, bool8(q.ReturnSingle), bool8(q.RestartScan), 0, 0)
	b = le.AppendUint32(b, q.SidListLength)
	b = le.AppendUint32(b, q.StartSidLength)
	b = le.AppendUint32(b, q.StartSidOffset)
	return append(b, q.SidBuffer...)
}

func bool8(v bool) byte {
	if v {
		return 1
	}
	return 0
}
