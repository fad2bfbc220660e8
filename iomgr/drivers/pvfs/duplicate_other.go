//go:build !linux

package pvfs

import (
	"errors"
	"os"
)

// shareRange says that no file system here shares a range of a file.
func shareRange(_ *os.File, _ int64, _ *os.File, _, _ int64) error { return errors.ErrUnsupported }

func cannotShare(error) bool { return true }

func copyRange(from *os.File, at int64, to *os.File, toAt, n int64) (int64, error) {
	return copyBytes(from, at, to, toAt, n)
}
