//go:build unix

package srv

import (
	"io"
	"syscall"
)

// receive reads what has come, and waits if nothing has.
func (c *conn) receive(b []byte) (int, error) {
	if c.raw == nil || len(b) == 0 {
		return c.nc.Read(b)
	}
	in := &c.in
	in.b, in.n, in.err = b, 0, nil
	err := c.raw.Read(in.try)
	in.b = nil
	if err == nil {
		err = in.err
	}
	if err == nil && in.n == 0 {
		err = io.EOF
	}
	return in.n, err
}

// receiving is what receive is at; the reader's.
type receiving struct {
	b   []byte
	n   int
	err error
	try func(fd uintptr) bool
}

func (in *receiving) init() {
	in.try = func(fd uintptr) bool {
		in.n, in.err = readNow(fd, in.b)
		return in.err != syscall.EAGAIN
	}
}
