package smb2

// IoctlFlagIsFSCTL in an IoctlRequest: the control is an FSCTL, the only kind that servers accept.
const IoctlFlagIsFSCTL uint32 = 0x00000001

// IoctlRequest is the SMB2 IOCTL Request (MS-SMB2 2.2.31).
type IoctlRequest struct {
	CtlCode           uint32
	FileID            FileID
	MaxInputResponse  uint32
	MaxOutputResponse uint32
	Flags             uint32
	Input             []byte
	Output            []byte // unused: the field exists, no control has a use for it
}

const ioctlRequestFixed = 56

// ParseIoctlRequest reads the body of an IOCTL request.
func ParseIoctlRequest(b []byte) (IoctlRequest, error) {
	if err := fixed(b, 57, "ioctl request"); err != nil {
		return IoctlRequest{}, err
	}
	in, err := field(b, le.Uint32(b[24:]), le.Uint32(b[28:]), ioctlRequestFixed, "ioctl request: Input")
	if err != nil {
		return IoctlRequest{}, err
	}
	out, err := field(b, le.Uint32(b[36:]), le.Uint32(b[40:]), ioctlRequestFixed, "ioctl request: Output")
	if err != nil {
		return IoctlRequest{}, err
	}
	return IoctlRequest{
		CtlCode:           le.Uint32(b[4:]),
		FileID:            getFileID(b[8:]),
		MaxInputResponse:  le.Uint32(b[32:]),
		MaxOutputResponse: le.Uint32(b[44:]),
		Flags:             le.Uint32(b[48:]),
		Input:             in,
		Output:            out,
	}, nil
}

// Append writes the body after b. The variable part is at least one byte long, as the specification demands.
func (r *IoctlRequest) Append(b []byte) []byte {
	start := len(b)
	b = le.AppendUint32(b, 57)
	b = le.AppendUint32(b, r.CtlCode)
	b = r.FileID.append(b)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, uint32(len(r.Input)))
	b = le.AppendUint32(b, r.MaxInputResponse)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, uint32(len(r.Output)))
	b = le.AppendUint32(b, r.MaxOutputResponse)
	b = le.AppendUint32(b, r.Flags)
	b = le.AppendUint32(b, 0)
	if len(r.Input)+len(r.Output) == 0 {
		return append(b, 0)
	}
	if len(r.Input) > 0 {
		le.PutUint32(b[start+24:], HeaderSize+ioctlRequestFixed)
		b = append(b, r.Input...)
	}
	if len(r.Output) > 0 {
		b = pad8(b, start)
		le.PutUint32(b[start+36:], uint32(offsetOf(b, start)))
		b = append(b, r.Output...)
	}
	return b
}

// IoctlResponse is the SMB2 IOCTL Response (MS-SMB2 2.2.32).
type IoctlResponse struct {
	CtlCode uint32
	FileID  FileID
	Flags   uint32 // reserved
	Input   []byte // unused by the controls of SMB2
	Output  []byte
}

// IoctlResponseSize is the length of an IoctlResponse before its output: a server that lets a driver write straight into
// the response leaves so much room behind the header and fills it with PutIoctlResponse.
const IoctlResponseSize = 48

// ParseIoctlResponse reads the body of an IOCTL response.
func ParseIoctlResponse(b []byte) (IoctlResponse, error) {
	if err := fixed(b, 49, "ioctl response"); err != nil {
		return IoctlResponse{}, err
	}
	in, err := field(b, le.Uint32(b[24:]), le.Uint32(b[28:]), IoctlResponseSize, "ioctl response: Input")
	if err != nil {
		return IoctlResponse{}, err
	}
	out, err := field(b, le.Uint32(b[32:]), le.Uint32(b[36:]), IoctlResponseSize, "ioctl response: Output")
	if err != nil {
		return IoctlResponse{}, err
	}
	return IoctlResponse{
		CtlCode: le.Uint32(b[4:]),
		FileID:  getFileID(b[8:]),
		Flags:   le.Uint32(b[40:]),
		Input:   in,
		Output:  out,
	}, nil
}

// PutIoctlResponse writes the fixed part over the first IoctlResponseSize bytes of b, for n bytes of output right behind
// and no input.
func PutIoctlResponse(b []byte, ctl uint32, id FileID, n uint32) {
	const at = HeaderSize + IoctlResponseSize
	_ = b[IoctlResponseSize-1]
	le.PutUint32(b, 49)
	le.PutUint32(b[4:], ctl)
	le.PutUint64(b[8:], id.Persistent)
	le.PutUint64(b[16:], id.Volatile)
	le.PutUint32(b[24:], at)
	le.PutUint32(b[28:], 0)
	le.PutUint32(b[32:], at)
	le.PutUint32(b[36:], n)
	le.PutUint64(b[40:], 0)
}

// Append writes the body after b.
func (r *IoctlResponse) Append(b []byte) []byte {
	start := len(b)
	var w [IoctlResponseSize]byte
	PutIoctlResponse(w[:], r.CtlCode, r.FileID, uint32(len(r.Output)))
	le.PutUint32(w[28:], uint32(len(r.Input)))
	le.PutUint32(w[40:], r.Flags)
	b = append(b, w[:]...)
	if len(r.Input) > 0 {
		b = append(b, r.Input...)
		b = pad8(b, start)
		le.PutUint32(b[start+32:], uint32(offsetOf(b, start)))
	}
	return append(b, r.Output...)
}
