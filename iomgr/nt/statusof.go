package nt

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// StatusOf gives the Status that an error means. Nil is StatusSuccess. A Status anywhere in the chain of err is
// that Status; a system error is mapped as a Windows file server would answer it; anything else is
// StatusUnsuccessful. A driver calls it once, where it meets the operating system.
func StatusOf(err error) Status {
	if err == nil {
		return StatusSuccess
	}
	var s Status
	if errors.As(err, &s) {
		return s
	}
	var w WinError
	if errors.As(err, &w) {
		return w.Status()
	}
	var e syscall.Errno
	if errors.As(err, &e) {
		return statusOfErrno(e)
	}
	for _, m := range errorStatuses {
		if errors.Is(err, m.err) {
			return m.status
		}
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return StatusIoTimeout
	}
	return StatusUnsuccessful
}

// errorStatuses are the errors of the standard library that are not a syscall.Errno. The first match counts.
var errorStatuses = [...]struct {
	err    error
	status Status
}{
	{context.Canceled, StatusCancelled},
	{context.DeadlineExceeded, StatusIoTimeout},
	{os.ErrDeadlineExceeded, StatusIoTimeout},
	{fs.ErrNotExist, StatusObjectNameNotFound},
	{fs.ErrExist, StatusObjectNameCollision},
	{fs.ErrPermission, StatusAccessDenied},
	{fs.ErrInvalid, StatusInvalidParameter},
	{fs.ErrClosed, StatusFileClosed},
	{net.ErrClosed, StatusConnectionDisconnected},
	{io.EOF, StatusEndOfFile},
	{io.ErrUnexpectedEOF, StatusEndOfFile},
	{io.ErrClosedPipe, StatusPipeBroken},
	{io.ErrShortWrite, StatusDiskFull},
	{errors.ErrUnsupported, StatusNotSupported},
}

func statusOfErrno(e syscall.Errno) Status {
	for _, m := range errnoStatuses {
		if e == m.errno {
			return m.status
		}
	}
	return StatusUnsuccessful
}

// errnoStatuses is the only table from errno to Status. Several names may be one number on one system and two on
// another (ENOTSUP and EOPNOTSUPP, EAGAIN and EWOULDBLOCK), hence a list and not a switch.
var errnoStatuses = [...]struct {
	errno  syscall.Errno
	status Status
}{
	{syscall.ENOENT, StatusObjectNameNotFound},
	{syscall.ENOTDIR, StatusObjectPathNotFound},
	{syscall.ELOOP, StatusObjectPathNotFound},
	{syscall.EACCES, StatusAccessDenied},
	{syscall.EPERM, StatusAccessDenied},
	{syscall.EEXIST, StatusObjectNameCollision},
	{syscall.ENAMETOOLONG, StatusObjectNameInvalid},
	{syscall.EILSEQ, StatusObjectNameInvalid},
	{syscall.EISDIR, StatusFileIsADirectory},
	{syscall.ENOTEMPTY, StatusDirectoryNotEmpty},
	{syscall.EXDEV, StatusNotSameDevice},
	{syscall.EMLINK, StatusTooManyLinks},
	{syscall.EROFS, StatusMediaWriteProtected},
	{syscall.ETXTBSY, StatusSharingViolation},
	{syscall.EBUSY, StatusSharingViolation},
	// Windows programs expect DISK_FULL and not QUOTA_EXCEEDED when a user quota is used up.
	{syscall.ENOSPC, StatusDiskFull},
	{syscall.EDQUOT, StatusDiskFull},
	{syscall.EFBIG, StatusDiskFull},
	{syscall.EIO, StatusIoDeviceError},
	{syscall.ENXIO, StatusNoSuchDevice},
	{syscall.ENODEV, StatusNoSuchDevice},
	{syscall.ESTALE, StatusFileInvalid},
	{syscall.EBADF, StatusInvalidHandle},
	{syscall.EINVAL, StatusInvalidParameter},
	{syscall.ERANGE, StatusBufferTooSmall},
	{syscall.EOVERFLOW, StatusInvalidParameter},
	{syscall.EFAULT, StatusInvalidParameter},
	{syscall.EDOM, StatusInvalidParameter},
	{syscall.EMFILE, StatusTooManyOpenedFiles},
	{syscall.ENFILE, StatusTooManyOpenedFiles},
	{syscall.ENOMEM, StatusNoMemory},
	{syscall.ENOBUFS, StatusInsufficientResources},
	{syscall.ENOLCK, StatusInsufficientResources},
	{syscall.EDEADLK, StatusPossibleDeadlock},
	{syscall.EAGAIN, StatusRetry},
	{syscall.EWOULDBLOCK, StatusRetry},
	{syscall.EINTR, StatusRetry},
	{syscall.ECANCELED, StatusCancelled},
	{syscall.ENOSYS, StatusNotSupported},
	{syscall.ENOTSUP, StatusNotSupported},
	{syscall.EOPNOTSUPP, StatusNotSupported},
	{syscall.ENOTTY, StatusInvalidDeviceRequest},
	{syscall.ESPIPE, StatusInvalidDeviceRequest},
	{syscall.EPIPE, StatusPipeBroken},
	{syscall.ETIMEDOUT, StatusIoTimeout},
	{syscall.ECONNREFUSED, StatusConnectionRefused},
	{syscall.ECONNRESET, StatusConnectionReset},
	{syscall.ECONNABORTED, StatusConnectionAborted},
	{syscall.ENOTCONN, StatusConnectionInvalid},
	{syscall.EISCONN, StatusConnectionActive},
	{syscall.EADDRINUSE, StatusAddressAlreadyAssociated},
	{syscall.EADDRNOTAVAIL, StatusInvalidAddressComponent},
	{syscall.ENETUNREACH, StatusNetworkUnreachable},
	{syscall.ENETDOWN, StatusNetworkUnreachable},
	{syscall.EHOSTUNREACH, StatusHostUnreachable},
	{syscall.EHOSTDOWN, StatusHostDown},
	{syscall.EMSGSIZE, StatusInvalidBufferSize},
	{syscall.EPROTONOSUPPORT, StatusNotSupported},
	{syscall.EAFNOSUPPORT, StatusNotSupported},
}
