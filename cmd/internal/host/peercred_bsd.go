//go:build darwin || freebsd

package host

import "golang.org/x/sys/unix"

// peerOfSocket is LOCAL_PEERCRED.
func peerOfSocket(fd int) (uid, gid uint32, err error) {
	c, err := unix.GetsockoptXucred(fd, 0, unix.LOCAL_PEERCRED) // SOL_LOCAL is 0
	if err != nil {
		return 0, 0, err
	}
	if c.Ngroups > 0 {
		gid = c.Groups[0]
	}
	return c.Uid, gid, nil
}
