//go:build unix && !linux

package pvfs

import "os"

// renameNewAt is renameAt to a name that nothing of this driver has; a local program that is as fast loses its file.
func renameNewAt(from *os.File, name string, to *os.File, newName string) error {
	return renameAt(from, name, to, newName)
}
