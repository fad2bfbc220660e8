package pvfs

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// setTimes sets access and write times; a zero time leaves one as it is.
func setTimes(f *os.File, atime, mtime time.Time) error {
	ts := [2]unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_OMIT}}
	for i, t := range []time.Time{atime, mtime} {
		if !t.IsZero() {
			v, err := unix.TimeToTimespec(t)
			if err != nil {
				return err
			}
			ts[i] = v
		}
	}
	return unix.UtimesNanoAt(int(f.Fd()), "", ts[:], unix.AT_EMPTY_PATH)
}
