package pvfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const oDirectory = unix.O_DIRECTORY

// openAt opens a name in a directory; a symbolic link is not followed.
func openAt(dir *os.File, name string, flags int, perm uint32) (*os.File, error) {
	for {
		fd, err := unix.Openat(int(dir.Fd()), name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, perm)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
		return os.NewFile(uintptr(fd), filepath.Join(dir.Name(), name)), nil
	}
}

// statAt is lstat of a name in a directory.
func statAt(dir *os.File, name string) (os.FileInfo, error) {
	var st unix.Stat_t
	for {
		err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "stat", Path: name, Err: err}
		}
		return statInfo{name, st}, nil
	}
}

// statInfo is a Stat_t as an os.FileInfo.
type statInfo struct {
	name string
	st   unix.Stat_t
}

func (s statInfo) Name() string       { return s.name }
func (s statInfo) Size() int64        { return s.st.Size }
func (s statInfo) ModTime() time.Time { return time.Unix(s.st.Mtim.Unix()) }
func (s statInfo) IsDir() bool        { return s.st.Mode&unix.S_IFMT == unix.S_IFDIR }
func (s statInfo) Sys() any           { return &s.st }

func (s statInfo) Mode() fs.FileMode {
	m := fs.FileMode(s.st.Mode & 0o777)
	switch s.st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		m |= fs.ModeDir
	case unix.S_IFLNK:
		m |= fs.ModeSymlink
	case unix.S_IFREG:
	default:
		m |= fs.ModeIrregular
	}
	return m
}

// details are the parts of a stat that Go's FileInfo has no name for.
type details struct {
	id     fileID
	blocks int64 // of 512 bytes
	links  uint32
	atime  time.Time
	ctime  time.Time
}

func detailsOf(info os.FileInfo) details {
	switch st := info.Sys().(type) {
	case *unix.Stat_t:
		return details{fileID{uint64(st.Dev), st.Ino}, st.Blocks, uint32(st.Nlink), time.Unix(st.Atim.Unix()), time.Unix(st.Ctim.Unix())}
	case *syscall.Stat_t:
		return details{fileID{uint64(st.Dev), st.Ino}, st.Blocks, uint32(st.Nlink), time.Unix(st.Atim.Unix()), time.Unix(st.Ctim.Unix())}
	}
	return details{}
}

func mkdirAt(dir *os.File, name string, perm uint32) error {
	return unix.Mkdirat(int(dir.Fd()), name, perm)
}

func unlinkAt(dir *os.File, name string, directory bool) error {
	flags := 0
	if directory {
		flags = unix.AT_REMOVEDIR
	}
	return unix.Unlinkat(int(dir.Fd()), name, flags)
}

func renameAt(from *os.File, name string, to *os.File, newName string) error {
	return unix.Renameat(int(from.Fd()), name, int(to.Fd()), newName)
}

// volumeSize gives the size of the file system in units of a block.
func volumeSize(f *os.File) (total, free, unit uint64, err error) {
	var st unix.Statfs_t
	if err = unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return
	}
	return st.Blocks, st.Bavail, uint64(st.Bsize), nil
}

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
