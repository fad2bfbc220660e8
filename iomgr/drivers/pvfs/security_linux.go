package pvfs

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// dropXattr removes an attribute, if it is there.
func dropXattr(h *os.File, name string) error {
	err := unix.Fremovexattr(int(h.Fd()), name)
	if errors.Is(err, unix.ENODATA) || noXattr(err) {
		return nil
	}
	return err
}

// nameless makes a file that has no name yet; nil where the file system knows none.
func nameless(dir *os.File) *os.File {
	fd, err := unix.Openat(int(dir.Fd()), ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), dir.Name())
}

// linkNameless gives it one.
func linkNameless(h, dir *os.File, name string) error {
	return unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(int(h.Fd())), int(dir.Fd()), name, unix.AT_SYMLINK_FOLLOW)
}
