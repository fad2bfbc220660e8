package pvfs

import (
	"os"

	"golang.org/x/sys/unix"

	"lwio/iomgr/nt"
)

// canShare asks the file system of a directory by a file without a name: to share what is not there is refused as a mistake by one that could do it, and
// as unknown by one that could not.
func canShare(dir *os.File) bool {
	fd, err := unix.Openat(int(dir.Fd()), ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	const much = 1 << 20
	err = unix.IoctlFileCloneRange(fd, &unix.FileCloneRange{Src_fd: int64(fd), Src_offset: much, Src_length: much, Dest_offset: 4 * much})
	return err == nil || err == unix.EINVAL
}

// shareRange has two files share clusters.
func shareRange(from *os.File, at int64, to *os.File, toAt, n int64) error {
	for {
		err := unix.IoctlFileCloneRange(int(to.Fd()), &unix.FileCloneRange{Src_fd: int64(from.Fd()), Src_offset: uint64(at), Src_length: uint64(n), Dest_offset: uint64(toAt)})
		if err != unix.EINTR {
			return err
		}
	}
}

// notShared maps its errors: what the file system refuses as a mistake is a range or a file that it cannot share.
func notShared(err error) nt.Status {
	switch err {
	case unix.EINVAL, unix.EOPNOTSUPP, unix.ENOTTY, unix.ETXTBSY, unix.EXDEV:
		return nt.StatusNotSupported
	}
	return nt.StatusOf(err)
}
