package pvfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// openLinkAt opens a symbolic link itself: something to stat and to name, nothing to read.
func openLinkAt(dir *os.File, name string) (*os.File, error) {
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
