package pvfs

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// zeroRange makes zeros without moving the end of the file.
func zeroRange(h *os.File, from, n int64, hole bool) error {
	mode := uint32(unix.FALLOC_FL_ZERO_RANGE | unix.FALLOC_FL_KEEP_SIZE)
	if hole {
		mode = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
	}
	for {
		switch err := unix.Fallocate(int(h.Fd()), mode, from, n); {
		case err == unix.EINTR:
		case errors.Is(err, unix.ENOTSUP):
			return writeZeros(h, from, n)
		default:
			return err
		}
	}
}

// nextData finds data at or behind a place and before another; io.EOF says that there is none.
func nextData(h *os.File, at, end int64) (start, stop int64, err error) {
	start, err = unix.Seek(int(h.Fd()), at, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) || err == nil && start >= end {
		return 0, 0, io.EOF
	}
	if err == nil {
		stop, err = unix.Seek(int(h.Fd()), start, unix.SEEK_HOLE)
	}
	return start, min(stop, end), err
}
