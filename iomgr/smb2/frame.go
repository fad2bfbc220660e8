package smb2

import (
	"errors"
	"fmt"
	"io"
)

// ErrFrame: the transport header does not begin with a zero byte, or announces more than the limit. The stream cannot be
// read any further.
var ErrFrame = errors.New("bad transport frame")

// FrameHeaderSize is the length of the Direct TCP transport header: a zero byte and 24 bits of length, most significant
// byte first (MS-SMB2 2.1).
const FrameHeaderSize = 4

// MaxFrameSize is the longest message that a transport header can announce.
const MaxFrameSize = 1<<24 - 1

// PutFrameHeader writes the transport header of a message of n bytes over the first four bytes of b.
func PutFrameHeader(b []byte, n int) {
	_ = b[FrameHeaderSize-1]
	b[0], b[1], b[2], b[3] = 0, byte(n>>16), byte(n>>8), byte(n)
}

// AppendFrameHeader writes the transport header of a message of n bytes after b.
func AppendFrameHeader(b []byte, n int) []byte {
	return append(b, 0, byte(n>>16), byte(n>>8), byte(n))
}

// ParseFrameHeader reads the transport header at the start of b. The length is at most limit.
func ParseFrameHeader(b []byte, limit int) (n int, err error) {
	if len(b) < FrameHeaderSize {
		return 0, short("transport header", len(b), FrameHeaderSize)
	}
	if b[0] != 0 {
		return 0, fmt.Errorf("%w: type %#x, want 0", ErrFrame, b[0])
	}
	n = int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	if n > limit {
		return 0, fmt.Errorf("%w: %d bytes, limit %d", ErrFrame, n, limit)
	}
	return n, nil
}

// FrameReader reads the frames of a byte stream. It reads no byte beyond a frame: put a bufio.Reader between it and a
// socket to save system calls.
type FrameReader struct {
	R     io.Reader
	Limit int // longest message accepted; may be changed between frames, as after authentication

	head [FrameHeaderSize]byte
}

// Length reads a transport header. The caller then finds a buffer of that size and reads the message into it from R with
// io.ReadFull. It returns io.EOF when the stream ends between two frames, io.ErrUnexpectedEOF when it ends in a header.
func (f *FrameReader) Length() (int, error) {
	if _, err := io.ReadFull(f.R, f.head[:]); err != nil {
		return 0, err
	}
	return ParseFrameHeader(f.head[:], f.Limit)
}

// Frame reads a header and its message into buf, which is grown when its capacity is too small. The returned slice has
// SealTailroom bytes of capacity behind it, so that a sealed message can be opened in place.
func (f *FrameReader) Frame(buf []byte) ([]byte, error) {
	n, err := f.Length()
	if err != nil {
		return nil, err
	}
	if cap(buf) < n+SealTailroom {
		buf = make([]byte, n, n+SealTailroom)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(f.R, buf); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return buf, nil
}
