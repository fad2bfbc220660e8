//go:build unix

package credential

import (
	"io/fs"
	"os"
	"syscall"
)

// cacheFlags are how a cache is opened: never waiting for what is no file, and by no link where the name is not the user's own choice.
func cacheFlags(explicit bool) int {
	flags := os.O_RDONLY | syscall.O_NONBLOCK
	if !explicit {
		flags |= syscall.O_NOFOLLOW
	}
	return flags
}

// ownFile reports whether a file belongs to who runs this program.
func ownFile(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && st.Uid == uint32(os.Getuid())
}
