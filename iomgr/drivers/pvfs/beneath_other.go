//go:build unix && !linux

package pvfs

import (
	"errors"
	"os"
)

// openDirBeneath is one system call of Linux; elsewhere names are walked one by one.
func openDirBeneath(*os.File, string) (*os.File, error) { return nil, errors.ErrUnsupported }
