package pvfs_test

import "golang.org/x/sys/unix"

func setUserAttribute(path string) error {
	return unix.Setxattr(path, "user.lwio.probe", []byte("x"), 0)
}
