//go:build !unix

package credential

import (
	"io/fs"
	"os"
)

func cacheFlags(bool) int { return os.O_RDONLY }

// ownFile reports nothing here: a cache that is not named is not believed.
func ownFile(fs.FileInfo) bool { return false }
