//go:build unix && (!linux || race)

package srv

import "syscall"

// writeNow writes what the socket takes at once; nothing is no error.
func writeNow(fd uintptr, b []byte, _ bool) (int, error) {
	for {
		n, err := syscall.Write(int(fd), b)
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

// readNow reads what has come. EAGAIN says that nothing has.
func readNow(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), b)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
