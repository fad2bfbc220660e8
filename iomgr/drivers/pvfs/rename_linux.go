package pvfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// renameNewAt is renameAt to a name that nothing has; os.ErrExist if something has it by now.
func renameNewAt(from *os.File, name string, to *os.File, newName string) error {
	err := unix.Renameat2(int(from.Fd()), name, int(to.Fd()), newName, unix.RENAME_NOREPLACE)
	if err == unix.EINVAL || err == unix.ENOSYS {
		return renameAt(from, name, to, newName)
	}
	return err
}
