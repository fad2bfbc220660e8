//go:build !linux

package pvfs

import (
	"errors"
	"os"
)

// kernelQuotas knows none.
type kernelQuotas struct{}

func (kernelQuotas) on(*os.File) bool { return false }
func (kernelQuotas) get(*os.File, uint32) (diskQuota, error) {
	return diskQuota{}, errors.ErrUnsupported
}
func (kernelQuotas) next(*os.File, uint32) (diskQuota, error) { return diskQuota{}, errNoQuota }
func (kernelQuotas) set(*os.File, diskQuota) error            { return errors.ErrUnsupported }
