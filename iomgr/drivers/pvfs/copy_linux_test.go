package pvfs_test

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// copyWithXattrs is cp --preserve=xattr.
func copyWithXattrs(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	names := make([]byte, 4096)
	n, err := unix.Listxattr(from, names)
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names[:n]), "\x00"), "\x00") {
		value := make([]byte, 8192)
		n, err := unix.Getxattr(from, name, value)
		if err == nil {
			err = unix.Setxattr(to, name, value[:n], 0)
		}
		if err != nil {
			t.Fatal(name, err)
		}
	}
}
