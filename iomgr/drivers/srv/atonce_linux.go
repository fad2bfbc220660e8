//go:build !race

package srv

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls of this file wait for nothing, so the scheduler is not told of them: it would have a thread look every 20 µs whether the processor is to be given to another, which on a
// virtual machine is a fifth of what bulk reads cost. The race detector has to know of them: there they are as on other systems.

// writeNow writes what the socket takes at once; nothing is no error. more says that more of the same message follows.
func writeNow(fd uintptr, b []byte, more bool) (int, error) {
	flags := unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	if more {
		flags |= unix.MSG_MORE
	}
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(flags), 0, 0)
		switch e {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return 0, nil
		}
		return 0, e
	}
}

// readNow reads what has come. EAGAIN says that nothing has.
func readNow(fd uintptr, b []byte) (int, error) {
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		}
		return 0, e
	}
}

// spliceAtOnce is splice(2) where nothing is waited for.
func spliceAtOnce(from uintptr, offset *int64, to uintptr, n, flags int) (int, error) {
	k, _, e := unix.RawSyscall6(unix.SYS_SPLICE, from, uintptr(unsafe.Pointer(offset)), to, 0, uintptr(n), uintptr(flags|unix.SPLICE_F_NONBLOCK))
	if e != 0 {
		return 0, e
	}
	return int(k), nil
}
