//go:build !linux

package srv

import "lwio/iomgr/api"

// canSplice: data of this system's sockets come by way of memory.
const canSplice = false

type (
	pipe        struct{}
	splicePipes struct{}
)

func (*splicePipes) close()              {}
func (*splicePipes) giveBack(*pipe, int) {}

// sendNow is of no use here.
func (*pipe) sendNow(uintptr, int, bool) (int, error) { return 0, nil }

// Take takes nothing.
func (f *outflow) Take(uintptr, int64, int, bool) int { return 0 }

// SpliceTo is of no use here.
func (f *inflow) SpliceTo(uintptr, int64) (int, error) { return 0, api.ErrNoSplice }
