package smbclient

import (
	"io"

	"golang.org/x/sys/unix"
)

// wakeAt is how much has come when a client is woken that discards more.
const wakeAt = 256 << 10

// discard passes over n bytes. What the reader does not hold yet the kernel throws away: it is not copied, and the client wakes for it a few times only.
func (c *Client) discard(n int) error {
	k, err := c.rd.Discard(min(n, c.rd.Buffered()))
	if n -= k; err != nil || n == 0 {
		return err
	}
	if c.raw == nil {
		_, err = c.rd.Discard(n)
		return err
	}
	if c.void == nil {
		c.void = make([]byte, 1<<20) // nothing is written there
	}
	low := false
	var failed error
	err = c.raw.Read(func(fd uintptr) bool {
		for n > 0 {
			k, _, err := unix.Recvfrom(int(fd), c.void[:min(n, len(c.void))], unix.MSG_TRUNC|unix.MSG_DONTWAIT)
			switch {
			case err == unix.EINTR:
			case err == unix.EAGAIN:
				if failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, min(n, wakeAt)); failed != nil {
					return true
				}
				low = true
				return false
			case err != nil:
				failed = err
				return true
			case k == 0:
				failed = io.ErrUnexpectedEOF
				return true
			}
			n -= max(k, 0)
		}
		if low {
			failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, 1)
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return err
}
