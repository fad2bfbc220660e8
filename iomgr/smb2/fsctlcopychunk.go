package smb2

import "fmt"

// ResumeKey names an open file as the source of a server-side copy.
type ResumeKey [24]byte

// ResumeKeyResponse is the output of FSCTL_SRV_REQUEST_RESUME_KEY (MS-SMB2 2.2.32.3).
type ResumeKeyResponse struct {
	ResumeKey ResumeKey
	Context   []byte // never used; its length field is 0 in every server's answer
}

// ParseResumeKeyResponse reads the output.
func ParseResumeKeyResponse(b []byte) (ResumeKeyResponse, error) {
	if len(b) < 28 {
		return ResumeKeyResponse{}, short("resume key response", len(b), 28)
	}
	ctx, err := part(b, 28, le.Uint32(b[24:]), 28, "resume key response: Context")
	if err != nil {
		return ResumeKeyResponse{}, err
	}
	return ResumeKeyResponse{ResumeKey: ResumeKey(b[:24]), Context: ctx}, nil
}

// Append writes the output after b. Without a context four zero bytes stand in its place, as Windows sends them.
func (r *ResumeKeyResponse) Append(b []byte) []byte {
	b = append(b, r.ResumeKey[:]...)
	b = le.AppendUint32(b, uint32(len(r.Context)))
	if len(r.Context) == 0 {
		return le.AppendUint32(b, 0)
	}
	return append(b, r.Context...)
}

// CopyChunk is an SRV_COPYCHUNK (MS-SMB2 2.2.31.1.1).
type CopyChunk struct {
	SourceOffset uint64
	TargetOffset uint64
	Length       uint32
}

// CopyChunkRequest is SRV_COPYCHUNK_COPY, the input of FSCTL_SRV_COPYCHUNK and FSCTL_SRV_COPYCHUNK_WRITE (MS-SMB2
// 2.2.31.1).
type CopyChunkRequest struct {
	SourceKey ResumeKey
	Chunks    []CopyChunk
}

const (
	copyChunkFixed = 32
	copyChunkSize  = 24
)

// ParseCopyChunkRequest reads the input.
func ParseCopyChunkRequest(b []byte) (CopyChunkRequest, error) {
	if len(b) < copyChunkFixed {
		return CopyChunkRequest{}, short("copy chunk request", len(b), copyChunkFixed)
	}
	n := uint64(le.Uint32(b[24:]))
	if n > uint64((len(b)-copyChunkFixed)/copyChunkSize) {
		return CopyChunkRequest{}, fmt.Errorf("copy chunk request: ChunkCount: %w: %d", ErrBounds, n)
	}
	r := CopyChunkRequest{SourceKey: ResumeKey(b[:24])}
	if n > 0 {
		r.Chunks = make([]CopyChunk, n)
	}
	for i := range r.Chunks {
		c := b[copyChunkFixed+i*copyChunkSize:]
		r.Chunks[i] = CopyChunk{SourceOffset: le.Uint64(c), TargetOffset: le.Uint64(c[8:]), Length: le.Uint32(c[16:])}
	}
	return r, nil
}

// Append writes the input after b.
func (r *CopyChunkRequest) Append(b []byte) []byte {
	b = append(b, r.SourceKey[:]...)
	b = le.AppendUint32(b, uint32(len(r.Chunks)))
	b = le.AppendUint32(b, 0)
	for _, c := range r.Chunks {
		b = le.AppendUint64(b, c.SourceOffset)
		b = le.AppendUint64(b, c.TargetOffset)
		b = le.AppendUint32(b, c.Length)
		b = le.AppendUint32(b, 0)
	}
	return b
}

// CopyChunkResponse is SRV_COPYCHUNK_RESPONSE (MS-SMB2 2.2.32.1). With STATUS_INVALID_PARAMETER it tells the server's
// limits instead: chunks, bytes of one chunk, bytes in all.
type CopyChunkResponse struct {
	ChunksWritten     uint32
	ChunkBytesWritten uint32
	TotalBytesWritten uint32
}

// ParseCopyChunkResponse reads the output.
func ParseCopyChunkResponse(b []byte) (CopyChunkResponse, error) {
	if len(b) < 12 {
		return CopyChunkResponse{}, short("copy chunk response", len(b), 12)
	}
	return CopyChunkResponse{
		ChunksWritten:     le.Uint32(b),
		ChunkBytesWritten: le.Uint32(b[4:]),
		TotalBytesWritten: le.Uint32(b[8:]),
	}, nil
}

// Append writes the output after b.
func (r *CopyChunkResponse) Append(b []byte) []byte {
	b = le.AppendUint32(b, r.ChunksWritten)
	b = le.AppendUint32(b, r.ChunkBytesWritten)
	return le.AppendUint32(b, r.TotalBytesWritten)
}
