//go:build !linux

package pvfs

import (
	"errors"
	"os"
)

// openLinkAt is of Linux alone: elsewhere there is no descriptor for a link.
func openLinkAt(*os.File, string) (*os.File, error) { return nil, errors.ErrUnsupported }
