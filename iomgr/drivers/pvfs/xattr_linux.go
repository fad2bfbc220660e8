package pvfs

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

func getXattr(h *os.File, name string, b []byte) (int, error) {
	return unix.Fgetxattr(int(h.Fd()), name, b)
}

func setXattr(h *os.File, name string, b []byte) error {
	return unix.Fsetxattr(int(h.Fd()), name, b, 0)
}

// createXattr fails with os.ErrExist if there is one.
func createXattr(h *os.File, name string, b []byte) error {
	return unix.Fsetxattr(int(h.Fd()), name, b, unix.XATTR_CREATE)
}

func removeXattr(h *os.File, name string) error { return unix.Fremovexattr(int(h.Fd()), name) }

// listXattr gives the names of the extended attributes that a user may set.
func listXattr(h *os.File) ([]string, error) {
	return namesOf(func(b []byte) (int, error) { return unix.Flistxattr(int(h.Fd()), b) })
}

// getXattrAt is getXattr of a name in a directory, which is no symbolic link.
func getXattrAt(dir *os.File, name, attr string, b []byte) (int, error) {
	if !oldXattr.Load() {
		n, err := getxattrat(int(dir.Fd()), name, attr, b)
		if err != unix.ENOSYS {
			return n, err
		}
		oldXattr.Store(true)
	}
	return unix.Lgetxattr(byDescriptor(dir, name), attr, b)
}

// listXattrAt is listXattr of a name in a directory.
func listXattrAt(dir *os.File, name string) ([]string, error) {
	return namesOf(func(b []byte) (int, error) {
		if !oldXattr.Load() {
			n, err := listxattrat(int(dir.Fd()), name, b)
			if err != unix.ENOSYS {
				return n, err
			}
			oldXattr.Store(true)
		}
		return unix.Llistxattr(byDescriptor(dir, name), b)
	})
}

// oldXattr says that the kernel is older than getxattrat(2), which Linux 6.13 has.
var oldXattr atomic.Bool

// The calls have the same number on every CPU.
const (
	sysGetxattrat  = 464
	sysListxattrat = 465
)

// xattrArgs is struct xattr_args.
type xattrArgs struct {
	value uint64
	size  uint32
	flags uint32
}

func getxattrat(dir int, name, attr string, b []byte) (int, error) {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return 0, err
	}
	what, err := unix.BytePtrFromString(attr)
	if err != nil {
		return 0, err
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	args := xattrArgs{size: uint32(len(b))}
	if len(b) > 0 {
		pin.Pin(&b[0])
		args.value = uint64(uintptr(unsafe.Pointer(&b[0])))
	}
	n, _, e := unix.Syscall6(sysGetxattrat, uintptr(dir), uintptr(unsafe.Pointer(path)), unix.AT_SYMLINK_NOFOLLOW, uintptr(unsafe.Pointer(what)),
		uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

func listxattrat(dir int, name string, b []byte) (int, error) {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return 0, err
	}
	n, _, e := unix.Syscall6(sysListxattrat, uintptr(dir), uintptr(unsafe.Pointer(path)), unix.AT_SYMLINK_NOFOLLOW,
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0)
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// byDescriptor is a path of a name in an open directory.
func byDescriptor(dir *os.File, name string) string {
	return "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + name
}

// nameLists have room for the names that most files have.
var nameLists = sync.Pool{New: func() any { return new([512]byte) }}

func namesOf(list func([]byte) (int, error)) ([]string, error) {
	small := nameLists.Get().(*[512]byte)
	defer nameLists.Put(small)
	b := small[:]
	n, err := list(b)
	if errors.Is(err, unix.ERANGE) {
		b = make([]byte, maxXattr)
		n, err = list(b)
	}
	if noXattr(err) {
		return nil, nil
	}
	if err != nil || n == 0 {
		return nil, err
	}
	var out []string
	for name := range strings.SplitSeq(string(b[:n-1]), "\x00") {
		if strings.HasPrefix(name, "user.") {
			out = append(out, name)
		}
	}
	return out, nil
}

// noXattr says that the file system keeps no extended attributes.
func noXattr(err error) bool { return errors.Is(err, unix.ENOTSUP) }

// isNoAttr says that a file has no extended attribute of the name.
func isNoAttr(err error) bool { return errors.Is(err, unix.ENODATA) || noXattr(err) }

// noRoom says that an extended attribute is too large for the file system.
func noRoom(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.E2BIG) || errors.Is(err, unix.ERANGE) || errors.Is(err, unix.EDQUOT)
}
