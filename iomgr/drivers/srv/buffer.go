package srv

import (
	"sync"
	"sync/atomic"

	"lwio/iomgr/smb2"
)

// A response is built at outStart of its buffer: before it is room for the transform header and the transport header, behind it
// for the tag of a cipher.
const (
	outStart    = smb2.FrameHeaderSize + smb2.SealHeadroom
	bodyStart   = outStart + smb2.HeaderSize
	outOverhead = bodyStart + smb2.SealTailroom
)

// bufferSizes are the classes of buffers that are pooled. What is larger than the last is allocated and left to the collector.
var bufferSizes = [...]int{1 << 10, 5 << 10, 1<<16 + 1<<10, 1<<20 + 1<<12, 2<<20 + 1<<12}

var bufferPools [len(bufferSizes)]sync.Pool

// buffer holds a frame as it came or as it goes. A frame is shared by the requests of a compound, so it is counted.
type buffer struct {
	b     []byte
	class int8
	refs  atomic.Int32
	conn  *conn // whose outstanding bytes it counts among; nil for none
}

// newBuffer gives a buffer of at least n bytes with one reference.
func newBuffer(c *conn, n int) *buffer {
	var buf *buffer
	for i, size := range bufferSizes {
		if n > size {
			continue
		}
		if p, ok := bufferPools[i].Get().(*buffer); ok {
			buf = p
		} else {
			buf = &buffer{b: make([]byte, size), class: int8(i)}
		}
		break
	}
	if buf == nil {
		buf = &buffer{b: make([]byte, n), class: -1}
	}
	buf.b = buf.b[:cap(buf.b)]
	buf.conn = c
	if c != nil {
		c.bytes.Add(int64(len(buf.b)))
	}
	buf.refs.Store(1)
	return buf
}

func (b *buffer) ref() *buffer { b.refs.Add(1); return b }

func (b *buffer) unref() {
	if b.refs.Add(-1) != 0 {
		return
	}
	if b.conn != nil {
		b.conn.release(int64(cap(b.b)))
		b.conn = nil
	}
	if b.class >= 0 && cap(b.b) == bufferSizes[b.class] {
		bufferPools[b.class].Put(b)
	}
}
