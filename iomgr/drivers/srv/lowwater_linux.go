package srv

import "golang.org/x/sys/unix"

// setLowWater sets SO_RCVLOWAT.
func (c *conn) setLowWater(fd uintptr, n int) {
	if c.low != n && unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, n) == nil {
		c.low = n
	}
}

// expect has the reader woken when lowWater bytes have come.
func (c *conn) expect() {
	if c.raw != nil {
		_ = c.raw.Control(func(fd uintptr) { c.setLowWater(fd, lowWater) })
	}
}

// calm has the reader woken by every byte again.
func (c *conn) calm() {
	if c.low > 1 {
		_ = c.raw.Control(func(fd uintptr) { c.setLowWater(fd, 1) })
	}
}
