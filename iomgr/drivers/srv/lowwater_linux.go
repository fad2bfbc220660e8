package srv

import "golang.org/x/sys/unix"

// lowWater is how much has to come before a reader is woken that waits for more of a long message. Waking it for every segment costs the sender as much as
// the segment.
const lowWater = 256 << 10

// setLowWater sets SO_RCVLOWAT.
func (c *conn) setLowWater(fd uintptr, n int) {
	if c.low != n && unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, n) == nil {
		c.low = n
	}
}

// expect has the reader woken when n bytes have come, or a good part of them.
func (c *conn) expect(n int) {
	if c.raw != nil && n >= lowWater {
		_ = c.raw.Control(func(fd uintptr) { c.setLowWater(fd, lowWater) })
	}
}

// calm has the reader woken by every byte again.
func (c *conn) calm() {
	if c.low > 1 {
		_ = c.raw.Control(func(fd uintptr) { c.setLowWater(fd, 1) })
	}
}
