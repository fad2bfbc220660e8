package ipc

import (
	"golang.org/x/sys/unix"

	"lwio/iomgr/api"
)

// peerOfSocket is SO_PEERCRED: the identity at the time of the connect.
func peerOfSocket(fd int) (api.Process, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return api.Process{}, err
	}
	return api.Process{ID: uint32(c.Pid), UID: c.Uid, GID: c.Gid}, nil
}
