package nt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
)

func TestStatusTable(t *testing.T) {
	if !slices.IsSortedFunc(statusTable[:], func(a, b statusRow) int {
		if a.status < b.status {
			return -1
		}
		return 1
	}) {
		t.Error("statusTable is not sorted, or has a status twice")
	}
	names := map[string]bool{}
	for _, r := range statusTable {
		if names[r.name] {
			t.Errorf("%s stands twice", r.name)
		}
		names[r.name] = true
		if r.status.Name() != r.name {
			t.Errorf("0x%08X.Name() = %s, want %s", uint32(r.status), r.status.Name(), r.name)
		}
	}
	last := int64(-1)
	for _, r := range winErrorTable {
		if int64(r.code) <= last {
			t.Errorf("winErrorTable is not sorted at %s", r.name)
		}
		last = int64(r.code)
		if r.code.Name() != r.name {
			t.Errorf("%d.Name() = %s, want %s", r.code, r.code.Name(), r.name)
		}
	}
}

// The numbers are MS-ERREF 2.3.1 and 2.2, the pairs are what RtlNtStatusToDosError answers.
func TestStatusValues(t *testing.T) {
	for _, c := range []struct {
		status Status
		value  uint32
		name   string
		win32  WinError
		code   uint32
	}{
		{StatusSuccess, 0, "STATUS_SUCCESS", WErrSuccess, 0},
		{StatusTimeout, 0x102, "STATUS_TIMEOUT", WErrTimeout, 1460},
		{StatusPending, 0x103, "STATUS_PENDING", WErrIoPending, 997},
		{StatusNotifyCleanup, 0x10B, "STATUS_NOTIFY_CLEANUP", WErrNotifyCleanup, 745},
		{StatusNotifyEnumDir, 0x10C, "STATUS_NOTIFY_ENUM_DIR", WErrNotifyEnumDir, 1022},
		{StatusSomeNotMapped, 0x107, "STATUS_SOME_NOT_MAPPED", WErrSomeNotMapped, 1301},
		{StatusBufferOverflow, 0x80000005, "STATUS_BUFFER_OVERFLOW", WErrMoreData, 234},
		{StatusNoMoreFiles, 0x80000006, "STATUS_NO_MORE_FILES", WErrNoMoreFiles, 18},
		{StatusNoMoreEntries, 0x8000001A, "STATUS_NO_MORE_ENTRIES", WErrNoMoreItems, 259},
		{StatusStoppedOnSymlink, 0x8000002D, "STATUS_STOPPED_ON_SYMLINK", WErrStoppedOnSymlink, 681},
		{StatusUnsuccessful, 0xC0000001, "STATUS_UNSUCCESSFUL", WErrGenFailure, 31},
		{StatusNotImplemented, 0xC0000002, "STATUS_NOT_IMPLEMENTED", WErrInvalidFunction, 1},
		{StatusInvalidInfoClass, 0xC0000003, "STATUS_INVALID_INFO_CLASS", WErrInvalidParameter, 87},
		{StatusInfoLengthMismatch, 0xC0000004, "STATUS_INFO_LENGTH_MISMATCH", WErrBadLength, 24},
		{StatusInvalidHandle, 0xC0000008, "STATUS_INVALID_HANDLE", WErrInvalidHandle, 6},
		{StatusInvalidParameter, 0xC000000D, "STATUS_INVALID_PARAMETER", WErrInvalidParameter, 87},
		{StatusNoSuchFile, 0xC000000F, "STATUS_NO_SUCH_FILE", WErrFileNotFound, 2},
		{StatusInvalidDeviceRequest, 0xC0000010, "STATUS_INVALID_DEVICE_REQUEST", WErrInvalidFunction, 1},
		{StatusEndOfFile, 0xC0000011, "STATUS_END_OF_FILE", WErrHandleEof, 38},
		{StatusMoreProcessingRequired, 0xC0000016, "STATUS_MORE_PROCESSING_REQUIRED", WErrMoreData, 234},
		{StatusAccessDenied, 0xC0000022, "STATUS_ACCESS_DENIED", WErrAccessDenied, 5},
		{StatusBufferTooSmall, 0xC0000023, "STATUS_BUFFER_TOO_SMALL", WErrInsufficientBuffer, 122},
		{StatusObjectNameInvalid, 0xC0000033, "STATUS_OBJECT_NAME_INVALID", WErrInvalidName, 123},
		{StatusObjectNameNotFound, 0xC0000034, "STATUS_OBJECT_NAME_NOT_FOUND", WErrFileNotFound, 2},
		{StatusObjectNameCollision, 0xC0000035, "STATUS_OBJECT_NAME_COLLISION", WErrAlreadyExists, 183},
		{StatusObjectPathNotFound, 0xC000003A, "STATUS_OBJECT_PATH_NOT_FOUND", WErrPathNotFound, 3},
		{StatusSharingViolation, 0xC0000043, "STATUS_SHARING_VIOLATION", WErrSharingViolation, 32},
		{StatusEasNotSupported, 0xC000004F, "STATUS_EAS_NOT_SUPPORTED", WErrEasNotSupported, 282},
		{StatusNoEasOnFile, 0xC0000052, "STATUS_NO_EAS_ON_FILE", WErrFileCorrupt, 1392},
		{StatusFileLockConflict, 0xC0000054, "STATUS_FILE_LOCK_CONFLICT", WErrLockViolation, 33},
		{StatusLockNotGranted, 0xC0000055, "STATUS_LOCK_NOT_GRANTED", WErrLockViolation, 33},
		{StatusDeletePending, 0xC0000056, "STATUS_DELETE_PENDING", WErrAccessDenied, 5},
		{StatusNoLogonServers, 0xC000005E, "STATUS_NO_LOGON_SERVERS", WErrNoLogonServers, 1311},
		{StatusPrivilegeNotHeld, 0xC0000061, "STATUS_PRIVILEGE_NOT_HELD", WErrPrivilegeNotHeld, 1314},
		{StatusNoSuchUser, 0xC0000064, "STATUS_NO_SUCH_USER", WErrNoSuchUser, 1317},
		{StatusWrongPassword, 0xC000006A, "STATUS_WRONG_PASSWORD", WErrInvalidPassword, 86},
		{StatusLogonFailure, 0xC000006D, "STATUS_LOGON_FAILURE", WErrLogonFailure, 1326},
		{StatusNoneMapped, 0xC0000073, "STATUS_NONE_MAPPED", WErrNoneMapped, 1332},
		{StatusInvalidAcl, 0xC0000077, "STATUS_INVALID_ACL", WErrInvalidAcl, 1336},
		{StatusInvalidSid, 0xC0000078, "STATUS_INVALID_SID", WErrInvalidSid, 1337},
		{StatusRangeNotLocked, 0xC000007E, "STATUS_RANGE_NOT_LOCKED", WErrNotLocked, 158},
		{StatusDiskFull, 0xC000007F, "STATUS_DISK_FULL", WErrDiskFull, 112},
		{StatusInsufficientResources, 0xC000009A, "STATUS_INSUFFICIENT_RESOURCES", WErrNoSystemResources, 1450},
		{StatusInstanceNotAvailable, 0xC00000AB, "STATUS_INSTANCE_NOT_AVAILABLE", WErrPipeBusy, 231},
		{StatusPipeNotAvailable, 0xC00000AC, "STATUS_PIPE_NOT_AVAILABLE", WErrPipeBusy, 231},
		{StatusInvalidPipeState, 0xC00000AD, "STATUS_INVALID_PIPE_STATE", WErrBadPipe, 230},
		{StatusPipeDisconnected, 0xC00000B0, "STATUS_PIPE_DISCONNECTED", WErrPipeNotConnected, 233},
		{StatusPipeClosing, 0xC00000B1, "STATUS_PIPE_CLOSING", WErrNoData, 232},
		{StatusPipeConnected, 0xC00000B2, "STATUS_PIPE_CONNECTED", WErrPipeConnected, 535},
		{StatusPipeListening, 0xC00000B3, "STATUS_PIPE_LISTENING", WErrPipeListening, 536},
		{StatusIoTimeout, 0xC00000B5, "STATUS_IO_TIMEOUT", WErrSemTimeout, 121},
		{StatusFileIsADirectory, 0xC00000BA, "STATUS_FILE_IS_A_DIRECTORY", WErrAccessDenied, 5},
		{StatusNotSupported, 0xC00000BB, "STATUS_NOT_SUPPORTED", WErrNotSupported, 50},
		{StatusNetworkNameDeleted, 0xC00000C9, "STATUS_NETWORK_NAME_DELETED", WErrNetnameDeleted, 64},
		{StatusBadNetworkName, 0xC00000CC, "STATUS_BAD_NETWORK_NAME", WErrBadNetName, 67},
		{StatusRequestNotAccepted, 0xC00000D0, "STATUS_REQUEST_NOT_ACCEPTED", WErrReqNotAccep, 71},
		{StatusNotSameDevice, 0xC00000D4, "STATUS_NOT_SAME_DEVICE", WErrNotSameDevice, 17},
		{StatusPipeEmpty, 0xC00000D9, "STATUS_PIPE_EMPTY", WErrNoData, 232},
		{StatusDirectoryNotEmpty, 0xC0000101, "STATUS_DIRECTORY_NOT_EMPTY", WErrDirNotEmpty, 145},
		{StatusNotADirectory, 0xC0000103, "STATUS_NOT_A_DIRECTORY", WErrDirectory, 267},
		{StatusCancelled, 0xC0000120, "STATUS_CANCELLED", WErrOperationAborted, 995},
		{StatusCannotDelete, 0xC0000121, "STATUS_CANNOT_DELETE", WErrAccessDenied, 5},
		{StatusFileClosed, 0xC0000128, "STATUS_FILE_CLOSED", WErrInvalidHandle, 6},
		{StatusPipeBroken, 0xC000014B, "STATUS_PIPE_BROKEN", WErrBrokenPipe, 109},
		{StatusUserSessionDeleted, 0xC0000203, "STATUS_USER_SESSION_DELETED", WErrUnexpNetErr, 59},
		{StatusPasswordMustChange, 0xC0000224, "STATUS_PASSWORD_MUST_CHANGE", WErrPasswordMustChange, 1907},
		{StatusNotFound, 0xC0000225, "STATUS_NOT_FOUND", WErrNotFound, 1168},
		{StatusAccountLockedOut, 0xC0000234, "STATUS_ACCOUNT_LOCKED_OUT", WErrAccountLockedOut, 1909},
		{StatusPathNotCovered, 0xC0000257, "STATUS_PATH_NOT_COVERED", WErrHostUnreachable, 1232},
		{StatusNotAReparsePoint, 0xC0000275, "STATUS_NOT_A_REPARSE_POINT", WErrNotAReparsePoint, 4390},
		{StatusNetworkSessionExpired, 0xC000035C, "STATUS_NETWORK_SESSION_EXPIRED", WErrNoUserSessionKey, 1394},
		{StatusFileNotAvailable, 0xC0000467, "STATUS_FILE_NOT_AVAILABLE", WErrMrMidNotFound, 317},
		{RpcNtServerUnavailable, 0xC0020017, "RPC_NT_SERVER_UNAVAILABLE", RpcSServerUnavailable, 1722},
		{RpcNtSsContextMismatch, 0xC0030005, "RPC_NT_SS_CONTEXT_MISMATCH", WErrInvalidHandle, 6},
		{RpcNtBadStubData, 0xC003000C, "RPC_NT_BAD_STUB_DATA", RpcXBadStubData, 1783},
	} {
		if uint32(c.status) != c.value || c.status.Name() != c.name {
			t.Errorf("%s is 0x%08X, want %s 0x%08X", c.status.Name(), uint32(c.status), c.name, c.value)
		}
		if got := c.status.Win32(); got != c.win32 || uint32(got) != c.code {
			t.Errorf("%s.Win32() = %s (%d), want %s (%d)", c.name, got, got, c.win32, c.code)
		}
	}
	for code, want := range map[WinError]uint32{
		NErrNetNameNotFound: 2310, NErrDuplicateShare: 2118, NErrBufTooSmall: 2123, NErrUserNotFound: 2221,
		NErrGroupNotFound: 2220, NErrClientNameNotFound: 2312, NErrFileIdNotFound: 2314, NErrUnknownDevDir: 2116,
		NErrInvalidComputer: 2351, NErrUseNotFound: 2250, WErrInvalidLevel: 124, WErrServiceDoesNotExist: 1060,
		WErrServiceNotActive: 1062, WErrKeyDeleted: 1018, WErrFileExists: 80, WErrCallNotImplemented: 120,
	} {
		if uint32(code) != want {
			t.Errorf("%s is %d, want %d", code, code, want)
		}
	}
}

func TestStatusSeverity(t *testing.T) {
	for _, c := range []struct {
		s                       Status
		success, warning, fails bool
	}{
		{StatusSuccess, true, false, false},
		{StatusPending, true, false, false},
		{StatusObjectNameExists, true, false, false},
		{StatusBufferOverflow, false, true, false},
		{StatusAccessDenied, false, false, true},
	} {
		if c.s.IsSuccess() != c.success || c.s.IsWarning() != c.warning || c.s.IsError() != c.fails {
			t.Errorf("%s: success %v warning %v error %v", c.s, c.s.IsSuccess(), c.s.IsWarning(), c.s.IsError())
		}
	}
	if StatusSuccess.Err() != nil || WErrSuccess.Err() != nil {
		t.Error("success is an error")
	}
	if err := WErrAccessDenied.Err(); !errors.Is(err, WErrAccessDenied) {
		t.Errorf("ERROR_ACCESS_DENIED is %v", err)
	}
	if got := WErrSuccess.Status(); got != StatusSuccess {
		t.Errorf("ERROR_SUCCESS is %s", got)
	}
	if got := WinError(0x80091234).Status(); got != 0x80091234 {
		t.Errorf("an HRESULT is %s", got)
	}
	if err := StatusBufferOverflow.Err(); !errors.Is(err, StatusBufferOverflow) {
		t.Errorf("a warning's Err() is %v", err)
	}
	if got := Status(0xC0ABCDEF).Error(); got != "0xC0ABCDEF" {
		t.Errorf("an unknown status shows as %s", got)
	}
	if got := WinError(987654).Error(); got != "Win32 error 987654" {
		t.Errorf("an unknown Win32 code shows as %s", got)
	}
}

func TestWin32Special(t *testing.T) {
	for _, c := range []struct {
		s    Status
		want WinError
	}{
		{0xE0001234, 0xE0001234},       // customer bit
		{0xD0000022, WErrAccessDenied}, // FACILITY_NT_BIT
		{0xC0010005, WErrAccessDenied},
		{0x80070005, WErrAccessDenied},
		{0xC0070057, WErrInvalidParameter},
		{0xC0ABCDEF, WErrMrMidNotFound},
	} {
		if got := c.s.Win32(); got != c.want {
			t.Errorf("0x%08X.Win32() = %s, want %s", uint32(c.s), got, c.want)
		}
	}
}

// Every Win32 code goes to a status and comes back.
func TestWinErrorStatus(t *testing.T) {
	for _, r := range winErrorTable {
		if r.code == noWin32 {
			continue
		}
		if got := r.code.Status().Win32(); got != r.code {
			t.Errorf("%s.Status() = %s, whose Win32() is %s", r.name, r.code.Status(), got)
		}
	}
	if got := WErrAccessDenied.Status(); got != StatusAccessDenied {
		t.Errorf("ERROR_ACCESS_DENIED.Status() = %s", got)
	}
}

type timeoutError struct{}

func (timeoutError) Error() string { return "slow" }
func (timeoutError) Timeout() bool { return true }

func TestStatusOf(t *testing.T) {
	_, notThere := os.Open("/no/such/file")
	for _, c := range []struct {
		err  error
		want Status
	}{
		{nil, StatusSuccess},
		{StatusPipeBroken, StatusPipeBroken},
		{fmt.Errorf("read: %w", fmt.Errorf("pipe: %w", StatusBufferOverflow)), StatusBufferOverflow},
		{fmt.Errorf("share: %w", WErrAccessDenied), StatusAccessDenied},
		{notThere, StatusObjectNameNotFound},
		{syscall.ENOENT, StatusObjectNameNotFound},
		{syscall.ENOTDIR, StatusObjectPathNotFound},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, StatusAccessDenied},
		{syscall.EPERM, StatusAccessDenied},
		{syscall.EEXIST, StatusObjectNameCollision},
		{syscall.ENOSPC, StatusDiskFull},
		{syscall.EDQUOT, StatusDiskFull},
		{syscall.ENOTEMPTY, StatusDirectoryNotEmpty},
		{syscall.EISDIR, StatusFileIsADirectory},
		{syscall.EROFS, StatusMediaWriteProtected},
		{syscall.ENAMETOOLONG, StatusObjectNameInvalid},
		{syscall.EXDEV, StatusNotSameDevice},
		{syscall.EMFILE, StatusTooManyOpenedFiles},
		{syscall.ENFILE, StatusTooManyOpenedFiles},
		{syscall.ENOMEM, StatusNoMemory},
		{syscall.EOPNOTSUPP, StatusNotSupported},
		{syscall.ECONNREFUSED, StatusConnectionRefused},
		{os.NewSyscallError("fsync", syscall.EIO), StatusIoDeviceError},
		{syscall.Errno(9999), StatusUnsuccessful},
		{context.Canceled, StatusCancelled},
		{context.DeadlineExceeded, StatusIoTimeout},
		{os.ErrDeadlineExceeded, StatusIoTimeout},
		{timeoutError{}, StatusIoTimeout},
		{fs.ErrExist, StatusObjectNameCollision},
		{fs.ErrClosed, StatusFileClosed},
		{net.ErrClosed, StatusConnectionDisconnected},
		{io.EOF, StatusEndOfFile},
		{io.ErrClosedPipe, StatusPipeBroken},
		{errors.ErrUnsupported, StatusNotSupported},
		{errors.New("anything"), StatusUnsuccessful},
	} {
		if got := StatusOf(c.err); got != c.want {
			t.Errorf("StatusOf(%v) = %s, want %s", c.err, got, c.want)
		}
	}
}
