//go:build unix

package pvfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// serverUID is the user that the driver acts as.
var serverUID = uint32(os.Geteuid())

// ownership reads a stat; the list is not in it.
func ownership(info os.FileInfo) *posix {
	st, ok := info.Sys().(*unix.Stat_t)
	if !ok {
		return &posix{uid: serverUID, mode: uint32(info.Mode().Perm()), dir: info.IsDir()}
	}
	x := &posix{uid: st.Uid, gid: st.Gid, mode: uint32(st.Mode) & 0o7777, dir: info.IsDir()}
	if st.Mode&unix.S_IFMT == unix.S_IFLNK { // which has none: it is its owner's
		x.mode = 0o755
	}
	return x
}

// fchmod sets the twelve bits.
func fchmod(h *os.File, mode uint32) error { return unix.Fchmod(int(h.Fd()), mode&0o7777) }

// fchown gives the file away.
func fchown(h *os.File, uid, gid uint32) error { return unix.Fchown(int(h.Fd()), int(uid), int(gid)) }

// tooSmall says that the value of an attribute does not fit.
func tooSmall(err error) bool { return errors.Is(err, unix.ERANGE) }
