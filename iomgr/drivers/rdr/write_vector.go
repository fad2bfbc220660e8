//go:build linux || darwin

package rdr

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// writeNow writes what the socket takes at once of a and then b; nothing is no error.
func writeNow(fd uintptr, a, b []byte) (n int, err error) {
	for {
		if len(b) == 0 {
			n, err = syscall.Write(int(fd), a)
		} else {
			n, err = unix.Writev(int(fd), [][]byte{a, b})
		}
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, nil
		}
		return 0, err
	}
}
