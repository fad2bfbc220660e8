//go:build unix

package pvfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// fileType is the type of file as the POSIX extensions number it.
func fileType(info os.FileInfo) uint32 {
	s, ok := info.(statInfo)
	if !ok {
		return 0
	}
	switch uint32(s.st.Mode) & unix.S_IFMT {
	case unix.S_IFDIR:
		return 1
	case unix.S_IFLNK:
		return 2
	case unix.S_IFCHR:
		return 3
	case unix.S_IFBLK:
		return 4
	case unix.S_IFIFO:
		return 5
	case unix.S_IFSOCK:
		return 6
	}
	return 0
}

// volumePOSIX makes the answer to FileFsPosixInformation: preferred and actual size of a block, blocks, those that are free, those that are free to
// users, files, those that can still be made, and the number of the file system.
func volumePOSIX(h *os.File) ([]byte, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(h.Fd()), &st); err != nil {
		return nil, err
	}
	b := le.AppendUint32(make([]byte, 0, 56), uint32(st.Bsize))
	b = le.AppendUint32(b, uint32(st.Bsize))
	for _, v := range [...]uint64{uint64(st.Blocks), uint64(st.Bfree), uint64(max(st.Bavail, 0)), uint64(st.Files), uint64(st.Ffree)} {
		b = le.AppendUint64(b, v)
	}
	return le.AppendUint64(b, uint64(uint32(st.Fsid.Val[0]))|uint64(uint32(st.Fsid.Val[1]))<<32), nil
}
