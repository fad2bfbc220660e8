package smb2

import "fmt"

// Message is one message of a frame.
type Message struct {
	Header Header
	Raw    []byte // header, body and padding up to the next message: what a signature covers
	Body   []byte // Raw behind the header
}

// Messages walks the messages of a frame: one, or the several of a compound (MS-SMB2 3.3.5.2.7). The zero value is
// exhausted.
//
//	for it := smb2.NewMessages(frame); it.More(); {
//		msg, err := it.Next()
//		…
//	}
type Messages struct {
	rest []byte
	more bool
}

// NewMessages starts at the first header of a frame. A frame without a byte has one malformed message, not none.
func NewMessages(frame []byte) Messages { return Messages{rest: frame, more: true} }

// More reports whether a further call of Next is due.
func (m *Messages) More() bool { return m.more }

// Next parses the header of the next message and finds its end. NextCommand must be a multiple of eight, leave room for
// a header, and lie within the frame together with a header behind it. After an error the walk is over: where a further
// message would start is not known.
func (m *Messages) Next() (Message, error) {
	b := m.rest
	m.rest, m.more = nil, false
	h, err := ParseHeader(b)
	if err != nil {
		return Message{}, err
	}
	if h.NextCommand != 0 {
		n := uint64(h.NextCommand)
		if n%8 != 0 {
			return Message{}, fmt.Errorf("NextCommand: %w: %d", ErrAlignment, n)
		}
		if n < HeaderSize || n+HeaderSize > uint64(len(b)) {
			return Message{}, fmt.Errorf("NextCommand: %w: %d of %d", ErrBounds, n, len(b))
		}
		m.rest, m.more = b[n:], true
		b = b[:n:n]
	}
	return Message{Header: h, Raw: b, Body: b[HeaderSize:len(b):len(b)]}, nil
}

// AppendPadding appends zeros to a message that started at b[start], so that another one of a compound can follow: each
// starts at a multiple of eight from the one before. Set NextCommand to the new len(b)-start.
func AppendPadding(b []byte, start int) []byte { return pad8(b, start) }
