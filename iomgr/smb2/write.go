package smb2

// Flags of a WriteRequest (MS-SMB2 2.2.21).
const (
	WriteFlagWriteThrough uint32 = 0x00000001
	WriteFlagUnbuffered   uint32 = 0x00000002
)

// WriteRequest is the SMB2 WRITE Request (MS-SMB2 2.2.21).
type WriteRequest struct {
	Offset         uint64
	FileID         FileID
	Channel        uint32
	RemainingBytes uint32
	Flags          uint32
	Data           []byte
	ChannelInfo    []byte // with an RDMA channel, instead of Data
}

// WriteRequestSize is the length of a WriteRequest before its data.
const WriteRequestSize = 48

const writeRequestFixed = WriteRequestSize

// ParseWriteRequest reads the body of a WRITE request.
func ParseWriteRequest(b []byte) (WriteRequest, error) {
	if err := fixed(b, 49, "write request"); err != nil {
		return WriteRequest{}, err
	}
	data, err := field(b, uint32(le.Uint16(b[2:])), le.Uint32(b[4:]), writeRequestFixed, "write request: Data")
	if err != nil {
		return WriteRequest{}, err
	}
	info, err := field(b, uint32(le.Uint16(b[40:])), uint32(le.Uint16(b[42:])), writeRequestFixed, "write request: WriteChannelInfo")
	if err != nil {
		return WriteRequest{}, err
	}
	return WriteRequest{
		Offset:         le.Uint64(b[8:]),
		FileID:         getFileID(b[16:]),
		Channel:        le.Uint32(b[32:]),
		RemainingBytes: le.Uint32(b[36:]),
		Flags:          le.Uint32(b[44:]),
		Data:           data,
		ChannelInfo:    info,
	}, nil
}

// Append writes the body after b: ChannelInfo first, then Data. The variable part is at least one byte long.
func (r *WriteRequest) Append(b []byte) []byte {
	b = r.AppendHead(b)
	if len(r.Data)+len(r.ChannelInfo) == 0 {
		return append(b, 0)
	}
	return append(b, r.Data...)
}

// AppendHead writes the body up to Data, for who sends those, of which there is at least a byte, from where they are.
func (r *WriteRequest) AppendHead(b []byte) []byte {
	const at = HeaderSize + writeRequestFixed
	b = le.AppendUint16(b, 49)
	b = le.AppendUint16(b, uint16(at+len(r.ChannelInfo)))
	b = le.AppendUint32(b, uint32(len(r.Data)))
	b = le.AppendUint64(b, r.Offset)
	b = r.FileID.append(b)
	b = le.AppendUint32(b, r.Channel)
	b = le.AppendUint32(b, r.RemainingBytes)
	if len(r.ChannelInfo) > 0 {
		b = le.AppendUint16(b, at)
	} else {
		b = le.AppendUint16(b, 0)
	}
	b = le.AppendUint16(b, uint16(len(r.ChannelInfo)))
	b = le.AppendUint32(b, r.Flags)
	return append(b, r.ChannelInfo...)
}

// WriteResponse is the SMB2 WRITE Response (MS-SMB2 2.2.22).
type WriteResponse struct {
	Count     uint32
	Remaining uint32 // reserved
}

// ParseWriteResponse reads the body of a WRITE response.
func ParseWriteResponse(b []byte) (WriteResponse, error) {
	if err := fixed(b, 17, "write response"); err != nil {
		return WriteResponse{}, err
	}
	return WriteResponse{Count: le.Uint32(b[4:]), Remaining: le.Uint32(b[8:])}, nil
}

// Append writes the body after b.
func (r *WriteResponse) Append(b []byte) []byte {
	b = le.AppendUint32(b, 17)
	b = le.AppendUint32(b, r.Count)
	b = le.AppendUint32(b, r.Remaining)
	return le.AppendUint32(b, 0)
}
