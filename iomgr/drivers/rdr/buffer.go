package rdr

import (
	"encoding/binary"
	"sync"

	"lwio/iomgr/smb2"
)

var le = binary.LittleEndian

// A request is built at outStart of its buffer: before it is room for the transport header and the transform header, behind it for the tag
// of a cipher.
const (
	outStart    = smb2.FrameHeaderSize + smb2.SealHeadroom
	outOverhead = outStart + smb2.HeaderSize + smb2.SealTailroom
)

// bufferSizes are the classes of buffers that are pooled. What is larger than the last is left to the collector.
var bufferSizes = [...]int{1 << 10, 5 << 10, 1<<16 + 1<<10, 1<<20 + 1<<12, maxTransfer + 1<<12}

var bufferPools [len(bufferSizes)]sync.Pool

// buffer holds a message on its way.
type buffer struct {
	b     []byte
	class int
}

func newBuffer(n int) *buffer {
	for i, size := range bufferSizes {
		if n > size {
			continue
		}
		if p, ok := bufferPools[i].Get().(*buffer); ok {
			return p
		}
		return &buffer{b: make([]byte, size), class: i}
	}
	return &buffer{b: make([]byte, n), class: -1}
}

func (b *buffer) free() {
	if b != nil && b.class >= 0 {
		bufferPools[b.class].Put(b)
	}
}
