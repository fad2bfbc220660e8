package ipc

import "sync"

// buffer is bytes that are used again: of a frame to send, or of the data of a request.
type buffer struct {
	b      []byte
	secret bool // is overwritten before it is used again
	whole  int  // length of the frame in it, of which a part may be gone; the outbox's
}

// Sizes of the buffers that are kept. What is larger is made when it is needed.
const (
	smallBuffer = 512
	largeBuffer = 8 << 10
)

var (
	smallBuffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, smallBuffer)} }}
	largeBuffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, largeBuffer)} }}
)

// getBuffer gives an empty buffer with room for n bytes.
func getBuffer(n int) *buffer {
	switch {
	case n <= smallBuffer:
		return smallBuffers.Get().(*buffer)
	case n <= largeBuffer:
		return largeBuffers.Get().(*buffer)
	}
	return &buffer{b: make([]byte, 0, n)}
}

// put lets a buffer go. Nil is none.
func (b *buffer) put() {
	if b == nil {
		return
	}
	if b.secret {
		clear(b.b[:cap(b.b)])
		b.secret = false
	}
	b.b = b.b[:0]
	switch cap(b.b) {
	case smallBuffer:
		smallBuffers.Put(b)
	case largeBuffer:
		largeBuffers.Put(b)
	}
}
