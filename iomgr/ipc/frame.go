package ipc

import (
	"errors"
	"io"
)

// Frame kinds.
const (
	kindRequest  = 1
	kindResponse = 2
	kindCancel   = 3
)

const (
	frameHeader = 13 // length u32 (of what follows it), kind u8, id u64
	// MaxData is the most bytes that one request may carry each way.
	MaxData = 8 << 20
	// maxCreate is room for what a create carries besides: names, descriptors, a credential.
	maxCreate = 4 << 20
	maxFrame  = MaxData + maxCreate
)

// ErrProtocol is returned for a peer that does not keep to the protocol.
var ErrProtocol = errors.New("ipc: protocol error")

// startFrame begins a frame at the end of b; endFrame sets its length.
func startFrame(b []byte, kind byte, id uint64) []byte {
	b = append(b, 0, 0, 0, 0, kind)
	return le.AppendUint64(b, id)
}

func endFrame(b []byte, start int) []byte {
	le.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// frame is a received frame. Its body is valid until the next one is read, unless it has a buffer of its own, which is the receiver's to put.
type frame struct {
	kind byte
	id   uint64
	body []byte
	own  *buffer
}

// readSize is what is kept for reading of a connection. A call of a service fits it with its data, mostly.
const readSize = 2 << 10

// frameReader takes frames out of a connection, small ones with one read.
type frameReader struct {
	r   io.Reader
	buf [readSize]byte
	at  int // of what has not been taken
	end int
}

// fill has n bytes in the buffer.
func (f *frameReader) fill(n int) error {
	if f.at == f.end {
		f.at, f.end = 0, 0
	} else if f.at+n > len(f.buf) {
		f.end = copy(f.buf[:], f.buf[f.at:f.end])
		f.at = 0
	}
	for f.end-f.at < n {
		k, err := f.r.Read(f.buf[f.end:])
		f.end += k
		if err != nil && f.end-f.at < n {
			if err == io.EOF && f.end > f.at {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// next reads a frame.
func (f *frameReader) next() (frame, error) {
	if err := f.fill(frameHeader); err != nil {
		return frame{}, err
	}
	h := f.buf[f.at : f.at+frameHeader]
	n := le.Uint32(h)
	if n < frameHeader-4 || n > maxFrame {
		return frame{}, ErrProtocol
	}
	x := frame{kind: h[4], id: le.Uint64(h[5:])}
	size := int(n) - (frameHeader - 4)
	if frameHeader+size <= len(f.buf) {
		if err := f.fill(frameHeader + size); err != nil {
			return frame{}, err
		}
		f.at += frameHeader
		x.body = f.buf[f.at : f.at+size : f.at+size]
		f.at += size
		return x, nil
	}
	f.at += frameHeader
	var err error
	if x.own, err = f.large(size); err != nil {
		return frame{}, err
	}
	x.body = x.own.b
	return x, nil
}

// large reads a body that does not fit. A length alone gets no memory: the buffer grows as the bytes come.
func (f *frameReader) large(size int) (*buffer, error) {
	const step = 64 << 10
	own := getBuffer(min(size, step))
	for have := 0; have < size; {
		n := min(size, max(step, 2*have))
		if cap(own.b) < n {
			grown := &buffer{b: make([]byte, have, n)}
			copy(grown.b, own.b)
			own.put()
			own = grown
		}
		own.b = own.b[:n]
		k := copy(own.b[have:], f.buf[f.at:f.end])
		f.at += k
		if _, err := io.ReadFull(f.r, own.b[have+k:]); err != nil {
			own.put()
			return nil, err
		}
		have = n
	}
	return own, nil
}

// wipe overwrites what the last frame left behind.
func (f *frameReader) wipe(x *frame) {
	if x.own != nil {
		x.own.secret = true
		return
	}
	clear(x.body)
}
