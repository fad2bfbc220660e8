//go:build unix && !linux && !darwin

package rdr

import "syscall"

// writeNow writes what the socket takes at once of a, or of b if a is empty; nothing is no error.
func writeNow(fd uintptr, a, b []byte) (int, error) {
	if len(a) == 0 {
		a = b
	}
	for {
		n, err := syscall.Write(int(fd), a)
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
