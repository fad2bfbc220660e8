package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

var errKeysExposed = errors.New("others have access to it")

// checkKeyFile refuses a file of keys that others than its owner can read or write, or whose owner is neither root nor this process's user.
func checkKeyFile(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: %v", ErrKeyFile, info.Mode().Type())
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%w: mode %v: %w", errKeysExposed, info.Mode().Perm(), fs.ErrPermission)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("it is of user %d: %w", st.Uid, fs.ErrPermission)
	}
	return nil
}
