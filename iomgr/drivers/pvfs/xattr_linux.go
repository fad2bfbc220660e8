package pvfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func getXattr(h *os.File, name string, b []byte) (int, error) {
	return unix.Fgetxattr(int(h.Fd()), name, b)
}

func setXattr(h *os.File, name string, b []byte) error {
	return unix.Fsetxattr(int(h.Fd()), name, b, 0)
}

// noXattr says that the file system keeps no extended attributes.
func noXattr(err error) bool { return errors.Is(err, unix.ENOTSUP) }

// allocate makes room for a file without moving its end. Where the file system cannot, nothing is promised.
func allocate(h *os.File, size int64) error {
	err := unix.Fallocate(int(h.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return err
}
