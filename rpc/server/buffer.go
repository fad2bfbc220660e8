package server

import "sync"

// buffer is a pooled byte slice: a fragment, stub data, or a response.
type buffer struct{ b []byte }

const (
	bufferSize = 8 << 10   // of a new one: a fragment and what hangs on it
	bufferKeep = 256 << 10 // larger ones go to the collector
)

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, bufferSize)} }}

func getBuffer() *buffer { return buffers.Get().(*buffer) }

func putBuffer(b *buffer) {
	if b = b.again(); b != nil {
		buffers.Put(b)
	}
}

// again is the buffer emptied for other use, or nil if there is none worth keeping.
func (b *buffer) again() *buffer {
	if b == nil || cap(b.b) > bufferKeep {
		return nil
	}
	b.b = b.b[:0]
	return b
}
