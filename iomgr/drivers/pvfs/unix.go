//go:build unix

package pvfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const oDirectory = unix.O_DIRECTORY

// openAt opens a name in a directory; a symbolic link is not followed.
func openAt(dir *os.File, name string, flags int, perm uint32) (*os.File, error) {
	if flags&(oDirectory|os.O_EXCL) == 0 { // it may be a FIFO by now
		flags |= unix.O_NONBLOCK
	}
	for {
		fd, err := unix.Openat(int(dir.Fd()), name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, perm)
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
	s, err := statxAt(int(dir.Fd()), name, name)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// statInfo is a Stat_t as an os.FileInfo.
type statInfo struct {
	name string
	st   unix.Stat_t
	born time.Time // zero if the system does not tell
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
	btime  time.Time // of birth; zero if the system does not tell
}

func detailsOf(info os.FileInfo) details {
	s, ok := info.(statInfo)
	if !ok {
		return details{}
	}
	st := &s.st
	return details{fileID{uint64(st.Dev), uint64(st.Ino)}, st.Blocks, uint32(st.Nlink), time.Unix(st.Atim.Unix()), time.Unix(st.Ctim.Unix()), s.born}
}

// fstat is stat of an open file.
func fstat(f *os.File) (os.FileInfo, error) {
	s, err := statxAt(int(f.Fd()), "", filepath.Base(f.Name()))
	if err != nil {
		return nil, err
	}
	return s, nil
}

// readlinkAt gives the target of a link in a directory.
func readlinkAt(dir *os.File, name string) (string, error) {
	b := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(dir.Fd()), name, b)
	if err != nil {
		return "", err
	}
	return string(b[:n]), nil
}

// symlinkAt makes a link.
func symlinkAt(target string, dir *os.File, name string) error {
	return unix.Symlinkat(target, int(dir.Fd()), name)
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

func linkAt(from *os.File, name string, to *os.File, newName string) error {
	return unix.Linkat(int(from.Fd()), name, int(to.Fd()), newName, 0)
}

// volumeSize gives the size of the file system in units of a block.
func volumeSize(f *os.File) (total, free, unit uint64, err error) {
	var st unix.Statfs_t
	if err = unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return
	}
	return uint64(st.Blocks), uint64(max(st.Bavail, 0)), uint64(st.Bsize), nil
}
