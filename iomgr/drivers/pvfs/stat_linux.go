package pvfs

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// statxAt is stat of a name in a directory, or of the open file itself with an empty name, with the time of birth where the file system keeps one.
func statxAt(fd int, name, label string) (statInfo, error) {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if name == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	var x unix.Statx_t
	for {
		err := unix.Statx(fd, name, flags, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &x)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return statInfo{}, &os.PathError{Op: "stat", Path: label, Err: err}
		}
		break
	}
	s := statInfo{name: label}
	s.st.Dev = unix.Mkdev(x.Dev_major, x.Dev_minor)
	s.st.Ino, s.st.Mode, s.st.Uid, s.st.Gid = x.Ino, uint32(x.Mode), x.Uid, x.Gid
	s.st.Size, s.st.Blocks = int64(x.Size), int64(x.Blocks)
	put(&s.st.Nlink, int64(x.Nlink))
	put(&s.st.Blksize, int64(x.Blksize))
	at := func(to *unix.Timespec, t unix.StatxTimestamp) {
		put(&to.Sec, t.Sec)
		put(&to.Nsec, int64(t.Nsec))
	}
	at(&s.st.Atim, x.Atime)
	at(&s.st.Mtim, x.Mtime)
	at(&s.st.Ctim, x.Ctime)
	if x.Mask&unix.STATX_BTIME != 0 {
		s.born = time.Unix(x.Btime.Sec, int64(x.Btime.Nsec))
	}
	return s, nil
}

// put stores a field of stat, whose widths differ from one CPU to another.
func put[T int32 | int64 | uint32 | uint64](to *T, v int64) { *to = T(v) }
