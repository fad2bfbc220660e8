//go:build darwin || freebsd

package ipc

import (
	"golang.org/x/sys/unix"

	"lwio/iomgr/api"
)

// peerOfSocket is LOCAL_PEERCRED, which does not tell the process.
func peerOfSocket(fd int) (api.Process, error) {
	c, err := unix.GetsockoptXucred(fd, 0, unix.LOCAL_PEERCRED) // SOL_LOCAL is 0
	if err != nil {
		return api.Process{}, err
	}
	p := api.Process{UID: c.Uid}
	if c.Ngroups > 0 {
		p.GID = c.Groups[0]
	}
	return p, nil
}
