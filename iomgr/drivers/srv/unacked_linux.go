package srv

import "golang.org/x/sys/unix"

// unacked is how many bytes the peer has not acknowledged.
func unacked(fd uintptr) int {
	n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return n
}
