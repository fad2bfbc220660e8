//go:build !linux

package pvfs

import (
	"os"

	"lwio/iomgr/fsrtl"
)

// kernelLeases are of Linux alone.
type kernelLeases struct{}

func (*kernelLeases) enter(*file, fsrtl.LeaseState) (any, exclusive bool) { return true, true }

func (*kernelLeases) leave(*file) {}

func (*kernelLeases) follow(*node) {}

func (*kernelLeases) away(*volume, *os.File, string) func() { return func() {} }

func (*kernelLeases) end() {}
