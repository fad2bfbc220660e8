package smb2

// Flags of a ReadRequest (MS-SMB2 2.2.19).
const (
	ReadFlagUnbuffered        uint8 = 0x01
	ReadFlagRequestCompressed uint8 = 0x02
)

// Channel values of READ and WRITE requests.
const (
	ChannelNone             uint32 = 0
	ChannelRDMAV1           uint32 = 1
	ChannelRDMAV1Invalidate uint32 = 2
	ChannelRDMATransform    uint32 = 3
)

// ReadRequest is the SMB2 READ Request (MS-SMB2 2.2.19).
type ReadRequest struct {
	Padding        uint8 // where in the response the client wants the data; a hint
	Flags          uint8
	Length         uint32
	Offset         uint64
	FileID         FileID
	MinimumCount   uint32
	Channel        uint32
	RemainingBytes uint32
	ChannelInfo    []byte
}

const readRequestFixed = 48

// ParseReadRequest reads the body of a READ request.
func ParseReadRequest(b []byte) (ReadRequest, error) {
	if err := fixed(b, 49, "read request"); err != nil {
		return ReadRequest{}, err
	}
	info, err := field(b, uint32(le.Uint16(b[44:])), uint32(le.Uint16(b[46:])), readRequestFixed, "read request: ReadChannelInfo")
	if err != nil {
		return ReadRequest{}, err
	}
	return ReadRequest{
		Padding:        b[2],
		Flags:          b[3],
		Length:         le.Uint32(b[4:]),
		Offset:         le.Uint64(b[8:]),
		FileID:         getFileID(b[16:]),
		MinimumCount:   le.Uint32(b[32:]),
		Channel:        le.Uint32(b[36:]),
		RemainingBytes: le.Uint32(b[40:]),
		ChannelInfo:    info,
	}, nil
}

// Append writes the body after b. The variable part is at least one byte long, as the specification demands.
func (r *ReadRequest) Append(b []byte) []byte {
	b = le.AppendUint16(b, 49)
	b = append(b, r.Padding, r.Flags)
	b = le.AppendUint32(b, r.Length)
	b = le.AppendUint64(b, r.Offset)
	b = r.FileID.append(b)
	b = le.AppendUint32(b, r.MinimumCount)
	b = le.AppendUint32(b, r.Channel)
	b = le.AppendUint32(b, r.RemainingBytes)
	if len(r.ChannelInfo) == 0 {
		return append(b, 0, 0, 0, 0, 0)
	}
	b = le.AppendUint16(b, HeaderSize+readRequestFixed)
	b = le.AppendUint16(b, uint16(len(r.ChannelInfo)))
	return append(b, r.ChannelInfo...)
}

// ReadResponseFlagRDMATransform in a ReadResponse: the data went by RDMA and an SMB2_RDMA_TRANSFORM stands in its place.
const ReadResponseFlagRDMATransform uint32 = 0x00000001

// ReadResponse is the SMB2 READ Response (MS-SMB2 2.2.20).
type ReadResponse struct {
	DataRemaining uint32
	Flags         uint32 // reserved below 3.1.1
	Data          []byte
}

// ReadResponseSize is the length of a ReadResponse before its data: a server that reads straight into the response leaves
// so much room behind the header and fills it with PutReadResponse.
const ReadResponseSize = 16

// ParseReadResponse reads the body of a READ response.
func ParseReadResponse(b []byte) (ReadResponse, error) {
	if err := fixed(b, 17, "read response"); err != nil {
		return ReadResponse{}, err
	}
	data, err := field(b, uint32(b[2]), le.Uint32(b[4:]), ReadResponseSize, "read response: Data")
	if err != nil {
		return ReadResponse{}, err
	}
	return ReadResponse{DataRemaining: le.Uint32(b[8:]), Flags: le.Uint32(b[12:]), Data: data}, nil
}

// PutReadResponse writes the fixed part over the first ReadResponseSize bytes of b, for n bytes of data right behind.
func PutReadResponse(b []byte, n, remaining, flags uint32) {
	_ = b[ReadResponseSize-1]
	le.PutUint16(b, 17)
	b[2], b[3] = HeaderSize+ReadResponseSize, 0
	le.PutUint32(b[4:], n)
	le.PutUint32(b[8:], remaining)
	le.PutUint32(b[12:], flags)
}

// Append writes the body after b.
func (r *ReadResponse) Append(b []byte) []byte {
	var w [ReadResponseSize]byte
	PutReadResponse(w[:], uint32(len(r.Data)), r.DataRemaining, r.Flags)
	return append(append(b, w[:]...), r.Data...)
}
