package pvfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// allocate makes room for a file without moving its end. Where the file system cannot, nothing is promised. What there is no room for is refused
// before anything is taken: file systems take what there is before they find that it is not enough, and keep it.
func allocate(h *os.File, size int64) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(h.Fd()), &st); err != nil {
		return err
	}
	have := st.Blocks * 512
	if size > have {
		_, free, unit, err := volumeSize(h)
		if err != nil {
			return err
		}
		if uint64(size-have)/max(unit, 1) > free {
			return unix.ENOSPC
		}
	}
	err := error(unix.EINTR)
	for err == unix.EINTR {
		err = unix.Fallocate(int(h.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
	}
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil && size > st.Size { // others were faster, or a quota is in the way
		_ = unix.Fallocate(int(h.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, st.Size, size-st.Size)
	}
	return err
}
