//go:build unix && !linux

package pvfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// statxAt is stat of a name in a directory, or of the open file itself with an empty name.
func statxAt(fd int, name, label string) (statInfo, error) {
	s := statInfo{name: label}
	for {
		var err error
		if name == "" {
			err = unix.Fstat(fd, &s.st)
		} else {
			err = unix.Fstatat(fd, name, &s.st, unix.AT_SYMLINK_NOFOLLOW)
		}
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return statInfo{}, &os.PathError{Op: "stat", Path: label, Err: err}
		}
		return s, nil
	}
}
