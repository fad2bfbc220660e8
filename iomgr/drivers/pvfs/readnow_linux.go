package pvfs

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"lwio/iomgr/api"
)

// waits remembers of each file system of a volume what a read of it may wait for.
type waits struct{ kinds sync.Map } // device number to fileSystem

type fileSystem struct {
	waits waiting
	pages bool // its files are pages of the system's cache
}

type waiting int

const (
	// tells: the file system says what it would wait for.
	tells waiting = iota
	// never: its files are in memory.
	never
	// silent: it cannot tell; it is old, or somewhere else.
	silent
)

// of gives what is known of the file system that a file is on.
func (w *waits) of(f *file) fileSystem {
	if k, ok := w.kinds.Load(f.node.id.dev); ok {
		return k.(fileSystem)
	}
	var kind fileSystem
	var fs unix.Statfs_t
	if unix.Fstatfs(int(f.h.Fd()), &fs) == nil {
		switch uint32(fs.Type) {
		case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
			kind = fileSystem{never, true}
		case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC:
			kind.pages = true
		}
	}
	w.kinds.Store(f.node.id.dev, kind)
	return kind
}

// readNow reads what is in memory. all says that it is all there is: the rest of b lies beyond the end.
func (v *volume) readNow(f *file, b []byte, offset int64) (n int, all bool, err error) {
	fd := int(f.h.Fd())
	for n < len(b) {
		var k int
		var err error
		kind := v.waits.of(f)
		switch kind.waits {
		case tells:
			k, err = copied(fd, b[n:], offset+int64(n), unix.RWF_NOWAIT)
		case never:
			k, err = copied(fd, b[n:], offset+int64(n), 0)
		default:
			k, err = unix.Pread(fd, b[n:], offset+int64(n))
		}
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return n, false, nil
		case err == unix.EOPNOTSUPP && kind.waits == tells:
			v.waits.kinds.Store(f.node.id.dev, fileSystem{waits: silent})
		case err == unix.ENOSYS:
			return n, false, nil
		case err != nil:
			return n, false, err
		case k == 0:
			return n, true, nil
		default:
			n += k
		}
	}
	return n, true, nil
}

// copied reads what takes no longer than to copy it. The scheduler is not told of the call: it would have a thread look every 20 µs whether the processor is to be given to
// another, which on a virtual machine is a fifth of what bulk reads cost.
func copied(fd int, b []byte, offset int64, flags int) (int, error) {
	iov := unix.Iovec{Base: unsafe.SliceData(b)}
	iov.SetLen(len(b))
	const bits = 8 * unsafe.Sizeof(uintptr(0))
	n, _, e := unix.RawSyscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&iov)), 1, uintptr(offset), uintptr(uint64(offset)>>(bits-1)>>1), uintptr(flags))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// take has the pages of a read taken by who wants them, where they are in memory, and gives how many bytes those are.
func (f *file) take(r *api.Request) int {
	out, ok := r.Source.(api.Outflow)
	if !ok {
		return 0
	}
	n := len(r.Out)
	kind := f.v.waits.of(f)
	fd := f.h.Fd()
	if !kind.pages || kind.waits != never && !(kind.waits == tells && resident(fd, r.Offset, n)) {
		return 0
	}
	return out.Take(fd, r.Offset, n, kind.waits == never)
}

// resident reports whether n bytes at an offset of a file are in memory: all of the pages are there, and the last of them, which a read that is under way brings last, can be read.
func resident(fd uintptr, offset int64, n int) bool {
	page := int64(unix.Getpagesize())
	from, to := offset&^(page-1), (offset+int64(n)+page-1)&^(page-1)
	asked := struct{ offset, length uint64 }{uint64(from), uint64(to - from)}
	var found struct{ cache, dirty, writeback, evicted, recentlyEvicted uint64 }
	if _, _, e := unix.RawSyscall6(unix.SYS_CACHESTAT, fd, uintptr(unsafe.Pointer(&asked)), uintptr(unsafe.Pointer(&found)), 0, 0, 0); e != 0 || found.cache < uint64((to-from)/page) {
		return false
	}
	var last [1]byte
	k, err := copied(int(fd), last[:], offset+int64(n)-1, unix.RWF_NOWAIT)
	return err == nil && k == 1
}
