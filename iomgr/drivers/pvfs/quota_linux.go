package pvfs

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelQuotas asks the kernel by quotactl_fd(2), which is there since Linux 5.14. Older ones have no quotas here.
type kernelQuotas struct{}

// Commands of quotactl(2), for users.
const (
	qGetInfo      = 0x800005
	qGetQuota     = 0x800007
	qSetQuota     = 0x800008
	qGetNextQuota = 0x800009
	userQuota     = 0
	blockLimits   = 1 // QIF_BLIMITS: what is set
)

// dqblk is struct if_nextdqblk, whose beginning is struct if_dqblk. Limits are in units of 1024 bytes, what is used in bytes.
type dqblk struct {
	hard, soft, used               uint64
	hardInodes, softInodes, inodes uint64
	time, inodeTime                uint64
	valid                          uint32
	id                             uint32
	_                              [2]uint32 // room for a kernel that knows more
}

func quotactl(h *os.File, command uint32, id uint32, q unsafe.Pointer) error {
	for {
		_, _, err := unix.Syscall6(unix.SYS_QUOTACTL_FD, h.Fd(), uintptr(command<<8|userQuota), uintptr(id), uintptr(q), 0, 0)
		switch err {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return err
		}
	}
}

func (kernelQuotas) on(h *os.File) bool {
	var info [6]uint64 // struct if_dqinfo
	return quotactl(h, qGetInfo, 0, unsafe.Pointer(&info)) == nil
}

func (kernelQuotas) get(h *os.File, uid uint32) (diskQuota, error) {
	var b dqblk
	err := quotactl(h, qGetQuota, uid, unsafe.Pointer(&b))
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return diskQuota{uid: uid}, nil
	}
	return diskQuota{uid, b.used, b.soft * quotaUnit, b.hard * quotaUnit}, err
}

func (kernelQuotas) next(h *os.File, uid uint32) (diskQuota, error) {
	var b dqblk
	err := quotactl(h, qGetNextQuota, uid, unsafe.Pointer(&b))
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return diskQuota{}, errNoQuota
	}
	return diskQuota{b.id, b.used, b.soft * quotaUnit, b.hard * quotaUnit}, err
}

func (kernelQuotas) set(h *os.File, q diskQuota) error {
	b := dqblk{hard: q.hard / quotaUnit, soft: q.soft / quotaUnit, valid: blockLimits}
	return quotactl(h, qSetQuota, q.uid, unsafe.Pointer(&b))
}
