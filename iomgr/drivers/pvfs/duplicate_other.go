//go:build !linux

package pvfs

import (
	"errors"
	"os"

	"lwio/iomgr/nt"
)

// canShare says that no file system here shares a range of a file.
func canShare(*os.File) bool { return false }

func shareRange(_ *os.File, _ int64, _ *os.File, _, _ int64) error { return errors.ErrUnsupported }

func notShared(err error) nt.Status { return nt.StatusOf(err) }
