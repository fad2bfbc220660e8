package client

import (
	"io"
	"net"

	"lwio/rpc/pdu"
)

// reader takes fragments out of a connection. A read that is interrupted loses nothing.
type reader struct {
	nc   net.Conn
	buf  []byte
	r, w int
}

// room makes place for n bytes from r on and returns where the next go.
func (d *reader) room(n int) []byte {
	if d.r == d.w {
		d.r, d.w = 0, 0
	}
	if d.r+n > len(d.buf) {
		buf := d.buf
		if n > len(buf) {
			buf = make([]byte, n)
		}
		d.w = copy(buf, d.buf[d.r:d.w])
		d.r, d.buf = 0, buf
	}
	return d.buf[d.w:]
}

// next returns the next fragment, which is valid until the next call.
func (d *reader) next(size int) (pdu.Header, []byte, error) {
	if err := d.fill(pdu.HeaderLen, size); err != nil {
		return pdu.Header{}, nil, err
	}
	h, err := pdu.ParseHeader(d.buf[d.r:d.w])
	if err != nil {
		return h, nil, err
	}
	n := int(h.FragLength)
	if err := d.fill(n, n); err != nil {
		return h, nil, err
	}
	frag := d.buf[d.r : d.r+n : d.r+n]
	d.r += n
	return h, frag, nil
}

// fill reads until n bytes are there, into a buffer of at least size.
func (d *reader) fill(n, size int) error {
	for d.w-d.r < n {
		m, err := d.nc.Read(d.room(size))
		d.w += m
		if err != nil && d.w-d.r < n {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}
