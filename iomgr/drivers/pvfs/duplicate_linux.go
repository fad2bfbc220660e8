package pvfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// shareRange has two files share clusters.
func shareRange(from *os.File, at int64, to *os.File, toAt, n int64) error {
	for {
		err := unix.IoctlFileCloneRange(int(to.Fd()), &unix.FileCloneRange{Src_fd: int64(from.Fd()), Src_offset: uint64(at), Src_length: uint64(n), Dest_offset: uint64(toAt)})
		if err != unix.EINTR {
			return err
		}
	}
}

// cannotShare says that the file system cannot share extents, or not these.
func cannotShare(err error) bool {
	switch err {
	case unix.EINVAL, unix.EOPNOTSUPP, unix.ENOTTY, unix.ETXTBSY, unix.EXDEV, unix.ENOSYS, unix.EPERM:
		return true
	}
	return false
}

// copyRange copies a part of a range, in the kernel where that can.
func copyRange(from *os.File, at int64, to *os.File, toAt, n int64) (int64, error) {
	k, err := unix.CopyFileRange(int(from.Fd()), &at, int(to.Fd()), &toAt, int(n), 0)
	switch {
	case err == unix.EINTR:
		return copyRange(from, at, to, toAt, n)
	case err != nil && cannotShare(err):
		return copyBytes(from, at, to, toAt, n)
	}
	return int64(k), err
}
