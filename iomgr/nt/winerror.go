package nt

import (
	"fmt"
	"sort"
)

// WinError is a Win32 or network management error code (MS-ERREF 2.2): what MS-SRVS, MS-WKST, MS-RRP, MS-SCMR
// and their like return where the file protocols return a Status.
type WinError uint32

// Name is the name as MS-ERREF prints it (ERROR_ACCESS_DENIED), or the decimal code where it is not known.
func (e WinError) Name() string {
	i := sort.Search(len(winErrorTable), func(i int) bool { return winErrorTable[i].code >= e })
	if i < len(winErrorTable) && winErrorTable[i].code == e {
		return winErrorTable[i].name
	}
	return fmt.Sprintf("Win32 error %d", uint32(e))
}

// Error is Name, so that a WinError can be returned and wrapped.
func (e WinError) Error() string { return e.Name() }

// Err is nil for WErrSuccess and the code itself for everything else.
func (e WinError) Err() error {
	if e == WErrSuccess {
		return nil
	}
	return e
}

// Win32 maps a Status as RtlNtStatusToDosError does: the code a Windows program sees from GetLastError.
// A status that Windows does not map becomes WErrMrMidNotFound.
func (s Status) Win32() WinError {
	// Customer-defined codes pass unchanged; 0xD... is the NT form of a wrapped 0xC...; the two facilities are
	// Win32 codes dressed as a status.
	if s&0x20000000 != 0 {
		return WinError(s)
	}
	if s&0xF0000000 == 0xD0000000 {
		s &^= 0x10000000
	}
	if row := s.row(); row != nil {
		return row.win32
	}
	if f := s >> 16; f == 0xC001 || f == 0x8007 || f == 0xC007 {
		return WinError(s & 0xFFFF)
	}
	return noWin32
}

// Status gives the status that means the same as e: the inverse of Win32 where that is one to one, else the most
// usual one. A code without one is carried in the NTWIN32 facility (0xC007), from which Win32 takes it back unchanged.
func (e WinError) Status() Status {
	if e == WErrSuccess {
		return StatusSuccess
	}
	if s, ok := preferredStatus[e]; ok {
		return s
	}
	for i := range statusTable {
		if statusTable[i].win32 == e && e != noWin32 {
			return statusTable[i].status
		}
	}
	if e > 0xFFFF {
		return Status(e)
	}
	return 0xC0070000 | Status(e)
}

// preferredStatus settles the Win32 codes that several statuses map to.
var preferredStatus = map[WinError]Status{
	WErrInvalidFunction:       StatusInvalidDeviceRequest,
	WErrFileNotFound:          StatusObjectNameNotFound,
	WErrPathNotFound:          StatusObjectPathNotFound,
	WErrAccessDenied:          StatusAccessDenied,
	WErrInvalidHandle:         StatusInvalidHandle,
	WErrNotEnoughMemory:       StatusNoMemory,
	WErrCrc:                   StatusCrcError,
	WErrGenFailure:            StatusUnsuccessful,
	WErrNotReady:              StatusDeviceNotReady,
	WErrLockViolation:         StatusFileLockConflict,
	WErrHandleEof:             StatusEndOfFile,
	WErrNotSupported:          StatusNotSupported,
	WErrUnexpNetErr:           StatusUnexpectedNetworkError,
	WErrNetnameDeleted:        StatusNetworkNameDeleted,
	WErrTooManyNames:          StatusTooManyNames,
	WErrInvalidPassword:       StatusWrongPassword,
	WErrInvalidParameter:      StatusInvalidParameter,
	WErrIoDevice:              StatusIoDeviceError,
	WErrBadPathname:           StatusObjectPathSyntaxBad,
	WErrPipeBusy:              StatusPipeBusy,
	WErrBadPipe:               StatusInvalidPipeState,
	WErrNoData:                StatusPipeClosing,
	WErrMoreData:              StatusBufferOverflow,
	WErrNoMoreItems:           StatusNoMoreEntries,
	WErrWriteProtect:          StatusMediaWriteProtected,
	WErrInvalidUserBuffer:     StatusInvalidUserBuffer,
	WErrFileCorrupt:           StatusFileCorruptError,
	WErrNoUserSessionKey:      StatusNoUserSessionKey,
	WErrHostUnreachable:       StatusHostUnreachable,
	WErrInternalError:         StatusInternalError,
	WErrFileInvalid:           StatusFileInvalid,
	WErrInvalidNetname:        StatusInvalidAddressComponent,
	WErrDupName:               StatusDuplicateName,
	WErrEaListInconsistent:    StatusEaListInconsistent,
	WErrNotLocked:             StatusRangeNotLocked,
	WErrInsufficientBuffer:    StatusBufferTooSmall,
	WErrServiceAlreadyRunning: StatusImageAlreadyLoaded,
	WErrTimeout:               StatusTimeout,
}
