//go:build !linux

package srv

import "lwio/iomgr/api"

// canSplice: data of this system's sockets come by way of memory.
const canSplice = false

type (
	pipe        struct{}
	splicePipes struct{}
)

func (*splicePipes) close() {}

// SpliceTo is of no use here.
func (f *inflow) SpliceTo(uintptr, int64) (int, error) { return 0, api.ErrNoSplice }
