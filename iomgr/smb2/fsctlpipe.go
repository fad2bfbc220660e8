package smb2

import (
	"fmt"

	"lwio/iomgr/nt"
)

// PipeWaitRequest is the input of FSCTL_PIPE_WAIT (MS-FSCC 2.3.49).
type PipeWaitRequest struct {
	Timeout          uint64 // in units of 100 ns, only if TimeoutSpecified
	TimeoutSpecified bool
	Name             []byte // of the pipe, without \pipe\ before it, UTF-16LE
}

const pipeWaitFixed = 14

// ParsePipeWaitRequest reads the input.
func ParsePipeWaitRequest(b []byte) (PipeWaitRequest, error) {
	if len(b) < pipeWaitFixed {
		return PipeWaitRequest{}, short("pipe wait request", len(b), pipeWaitFixed)
	}
	n := uint64(le.Uint32(b[8:]))
	if n > uint64(len(b)-pipeWaitFixed) {
		return PipeWaitRequest{}, fmt.Errorf("pipe wait request: NameLength: %w: %d of %d", ErrBounds, n, len(b)-pipeWaitFixed)
	}
	if n%2 != 0 {
		return PipeWaitRequest{}, fmt.Errorf("pipe wait request: NameLength: %w: odd length %d", ErrValue, n)
	}
	return PipeWaitRequest{
		Timeout:          le.Uint64(b),
		TimeoutSpecified: b[12] != 0,
		Name:             rest(b[:pipeWaitFixed+n], pipeWaitFixed),
	}, nil
}

// PipeName decodes Name.
func (r *PipeWaitRequest) PipeName() string { return nt.DecodeUTF16(r.Name) }

// Append writes the input after b.
func (r *PipeWaitRequest) Append(b []byte) []byte {
	b = le.AppendUint64(b, r.Timeout)
	b = le.AppendUint32(b, uint32(len(r.Name)))
	b = append(b, bool8(r.TimeoutSpecified), 0)
	return append(b, r.Name...)
}

// PipePeekReply is the output of FSCTL_PIPE_PEEK (MS-FSCC 2.3.46).
type PipePeekReply struct {
	NamedPipeState    uint32
	ReadDataAvailable uint32
	NumberOfMessages  uint32
	MessageLength     uint32 // of the first message
	Data              []byte
}

// PipePeekReplySize is the length of a PipePeekReply before its data.
const PipePeekReplySize = 16

// ParsePipePeekReply reads the output.
func ParsePipePeekReply(b []byte) (PipePeekReply, error) {
	if len(b) < PipePeekReplySize {
		return PipePeekReply{}, short("pipe peek reply", len(b), PipePeekReplySize)
	}
	return PipePeekReply{
		NamedPipeState:    le.Uint32(b),
		ReadDataAvailable: le.Uint32(b[4:]),
		NumberOfMessages:  le.Uint32(b[8:]),
		MessageLength:     le.Uint32(b[12:]),
		Data:              rest(b, PipePeekReplySize),
	}, nil
}

// Append writes the output after b.
func (r *PipePeekReply) Append(b []byte) []byte {
	b = le.AppendUint32(b, r.NamedPipeState)
	b = le.AppendUint32(b, r.ReadDataAvailable)
	b = le.AppendUint32(b, r.NumberOfMessages)
	b = le.AppendUint32(b, r.MessageLength)
	return append(b, r.Data...)
}
