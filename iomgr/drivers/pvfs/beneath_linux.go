package pvfs

import (
	"errors"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// oldOpen says that the kernel is older than openat2(2), or that something forbids it.
var oldOpen atomic.Bool

// openDirBeneath opens a directory below another one, following no symbolic link.
func openDirBeneath(top *os.File, path string) (*os.File, error) {
	if oldOpen.Load() {
		return nil, errors.ErrUnsupported
	}
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS}
	for {
		fd, err := unix.Openat2(int(top.Fd()), path, &how)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), path), nil
		case unix.EINTR:
		case unix.ENOSYS, unix.EPERM:
			oldOpen.Store(true)
			return nil, err
		default:
			return nil, err
		}
	}
}
