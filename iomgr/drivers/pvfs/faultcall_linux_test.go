package pvfs_test

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// faults stands between this process and the kernel: a seccomp filter hands the system calls that touch files to a goroutine, which lets them
// pass, has one of them fail, or kills the process in its place. The driver knows nothing of it. A process that has it keeps it, so that it is
// for child processes alone.
type faults struct {
	only map[int32]bool // the calls that count; nil for all
	kill bool           // in place of an error
	plan atomic.Pointer[faultPlan]
}

// faultPlan is what is to happen, as it was when it was made.
type faultPlan struct {
	only  map[int32]bool
	kill  bool
	at    int64
	errno unix.Errno
	n     atomic.Int64 // calls so far
	hit   atomic.Int64 // the number of the call that it happened to, -1 for none
}

// What is handed over: the calls that change something, and those that look. Go's runtime itself calls write(2), which has to pass: the goroutine that
// answers could not run.
var changing = []uint32{unix.SYS_PWRITE64, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2,
	unix.SYS_UNLINKAT, unix.SYS_MKDIRAT, unix.SYS_LINKAT, unix.SYS_FSETXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHOWN,
	unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT, unix.SYS_COPY_FILE_RANGE}

var looking = []uint32{unix.SYS_PREAD64, unix.SYS_STATX, unix.SYS_GETDENTS64, unix.SYS_FGETXATTR, unix.SYS_FLISTXATTR, unix.SYS_OPENAT2, sysGetxattrat, sysListxattrat}

const (
	sysGetxattrat  = 464
	sysListxattrat = 465
)

// callNames are for messages.
var callNames = map[int64]string{unix.SYS_PWRITE64: "pwrite64", unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync", unix.SYS_FTRUNCATE: "ftruncate",
	unix.SYS_FALLOCATE: "fallocate", unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2", unix.SYS_UNLINKAT: "unlinkat", unix.SYS_MKDIRAT: "mkdirat",
	unix.SYS_LINKAT: "linkat", unix.SYS_FSETXATTR: "fsetxattr", unix.SYS_FREMOVEXATTR: "fremovexattr", unix.SYS_FCHMOD: "fchmod", unix.SYS_FCHMODAT: "fchmodat",
	unix.SYS_FCHOWN: "fchown", unix.SYS_FCHOWNAT: "fchownat", unix.SYS_UTIMENSAT: "utimensat", unix.SYS_COPY_FILE_RANGE: "copy_file_range", unix.SYS_PREAD64: "pread64",
	unix.SYS_STATX: "statx", unix.SYS_GETDENTS64: "getdents64", unix.SYS_FGETXATTR: "fgetxattr", unix.SYS_FLISTXATTR: "flistxattr", unix.SYS_OPENAT: "openat",
	unix.SYS_OPENAT2: "openat2", sysGetxattrat: "getxattrat", sysListxattrat: "listxattrat"}

// notification and answer are struct seccomp_notif and seccomp_notif_resp.
type notification struct {
	id    uint64
	pid   uint32
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

type answer struct {
	id    uint64
	val   int64
	errno int32
	flags uint32
}

// installFaults puts the filter before all threads of the process.
func installFaults(calls ...uint32) (*faults, error) {
	prog := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // seccomp_data.nr
	for i, nr := range calls {
		prog = append(prog, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(calls) - i), K: nr})
	}
	prog = append(prog, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	fprog := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	const flags = unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	fd, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&fprog)))
	if e != 0 {
		return nil, fmt.Errorf("seccomp: %w", e)
	}
	f := new(faults)
	go f.serve(int(fd))
	return f, nil
}

func (f *faults) serve(fd int) {
	for {
		var in notification
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&in))); e != 0 {
			if e == unix.EINTR || e == unix.ENOENT {
				continue
			}
			panic(e)
		}
		out := answer{id: in.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if p := f.plan.Load(); p != nil && (p.only == nil || p.only[in.nr]) && p.n.Add(1) == p.at {
			if p.kill {
				_ = unix.Kill(os.Getpid(), unix.SIGKILL)
				select {}
			}
			p.hit.Store(int64(in.nr))
			out.flags, out.errno = 0, -int32(p.errno)
		}
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&out))); e != 0 && e != unix.ENOENT && e != unix.EINTR {
			panic(e)
		}
	}
}

// during has the at-th call that f makes fail. It reports which call that was, "" if there were not so many.
func (f *faults) during(at int, errno unix.Errno, do func() error) (call string, err error) {
	p := &faultPlan{only: f.only, kill: f.kill, at: int64(at), errno: errno}
	p.hit.Store(-1)
	f.plan.Store(p)
	err = do()
	f.plan.Store(nil)
	if nr := p.hit.Load(); nr >= 0 {
		call = callNames[nr]
	}
	return call, err
}
