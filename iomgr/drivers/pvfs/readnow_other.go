//go:build !linux

package pvfs

import "lwio/iomgr/api"

// waits has nothing to tell: these systems do not say what a read would wait for.
type waits struct{}

// readNow reads, whatever that takes.
func (v *volume) readNow(f *file, b []byte, offset int64) (n int, all bool, err error) {
	n, err = f.h.ReadAt(b, offset)
	return n, true, err
}

// take takes nothing: these systems do not move pages.
func (f *file) take(*api.Request) int { return 0 }
