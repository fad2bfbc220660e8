//go:build !linux

package pvfs

import (
	"errors"
	"os"
)

// dropXattr has nothing to remove.
func dropXattr(*os.File, string) error { return nil }

// nameless knows no files without a name here.
func nameless(*os.File) *os.File { return nil }

func linkNameless(_, _ *os.File, _ string) error { return errors.ErrUnsupported }
