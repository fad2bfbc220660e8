package pvfs

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// waits says that the file system cannot tell what it would wait for: it is in memory, or it is old.
type waits struct{ always atomic.Bool }

// readNow reads what is in memory. all says that it is all there is: the rest of b lies beyond the end.
func (v *volume) readNow(f *file, b []byte, offset int64) (n int, all bool, err error) {
	fd := int(f.h.Fd())
	for n < len(b) {
		flags := unix.RWF_NOWAIT
		if v.waits.always.Load() {
			flags = 0
		}
		k, err := unix.Preadv2(fd, [][]byte{b[n:]}, offset+int64(n), flags)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return n, false, nil
		case err == unix.EOPNOTSUPP && flags != 0:
			v.waits.always.Store(true)
		case err == unix.ENOSYS:
			return n, false, nil
		case err != nil:
			return n, false, err
		case k == 0:
			return n, true, nil
		default:
			n += k
		}
	}
	return n, true, nil
}
