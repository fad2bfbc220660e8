//go:build unix && !linux

package pvfs

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// setTimes sets access and write times, to the microsecond; a zero time leaves one as it is.
func setTimes(f *os.File, atime, mtime time.Time) error {
	info, err := fstat(f)
	if err != nil {
		return err
	}
	if atime.IsZero() {
		atime = detailsOf(info).atime
	}
	if mtime.IsZero() {
		mtime = info.ModTime()
	}
	return unix.Futimes(int(f.Fd()), []unix.Timeval{unix.NsecToTimeval(atime.UnixNano()), unix.NsecToTimeval(mtime.UnixNano())})
}
