package win32

import (
	"context"
	"errors"
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Handle is an open file, directory or pipe.
type Handle struct {
	h       api.Handle
	name    name
	append  bool // may append only
	asks    bool // opened with FileFlagOverlapped
	existed bool

	mu    sync.Mutex
	pos   int64 // guarded by mu: the file pointer
	noEnd bool  // guarded by mu: the server wants to be told where the end is
}

// NT is the handle as the calls of package api take it. It lives until CloseHandle.
func (h *Handle) NT() api.Handle { return h.h }

// Existed reports that CreateAlways or OpenAlways found a file: where GetLastError says ERROR_ALREADY_EXISTS.
func (h *Handle) Existed() bool { return h.existed }

// CreateFile opens or makes a file, or opens a directory (with FileFlagBackupSemantics) or a pipe. security is for what is made; nil for the default.
func (s *System) CreateFile(ctx context.Context, file string, access nt.AccessMask, share uint32, security *nt.SecurityDescriptor, disposition, flags uint32) (*Handle, error) {
	n, err := s.name(file)
	if err != nil {
		return nil, err
	}
	a := &api.CreateArgs{Name: n.path, Token: s.cfg.Token, DesiredAccess: access | nt.FileReadAttributes | nt.Synchronize, ShareAccess: share, Impersonation: api.ImpersonateImpersonation,
		SecurityDescriptor: security, Contexts: s.cfg.Contexts, CaseSensitive: flags&FileFlagPosixSemantics != 0}
	switch disposition {
	case CreateNew:
		a.Disposition = nt.FileCreate
	case CreateAlways:
		a.Disposition = nt.FileOverwriteIf
	case OpenExisting:
		a.Disposition = nt.FileOpen
	case OpenAlways:
		a.Disposition = nt.FileOpenIf
	case TruncateExisting:
		if a.Disposition = nt.FileOverwrite; access&(nt.GenericWrite|nt.GenericAll|nt.FileWriteData) == 0 {
			return nil, nt.WErrInvalidParameter
		}
	default:
		return nil, nt.WErrInvalidParameter
	}
	if share&^shareAll != 0 {
		return nil, nt.WErrInvalidParameter
	}
	createFlags(a, flags, n.pipe)
	switch {
	case n.dir && a.Options&nt.FileNonDirectoryFile != 0:
		return nil, nt.WErrPathNotFound
	case n.dir:
		a.Options |= nt.FileDirectoryFile
	}
	h, err := s.api.CreateFile(ctx, a)
	switch {
	case errors.Is(err, nt.StatusObjectNameCollision) && disposition == CreateNew:
		return nil, nt.WErrFileExists
	case err != nil:
		return nil, Error(err)
	}
	o := &Handle{h: h, name: n, asks: flags&FileFlagOverlapped != 0}
	o.append = access&nt.FileAppendData != 0 && access&(nt.FileWriteData|nt.GenericWrite|nt.GenericAll) == 0
	o.existed = (disposition == CreateAlways || disposition == OpenAlways) && a.Result.Action != nt.FileCreated
	return o, nil
}

// createFlags makes attributes, create options and the level of impersonation of dwFlagsAndAttributes.
func createFlags(a *api.CreateArgs, flags uint32, pipe bool) {
	const attributes = nt.FileAttributeReadonly | nt.FileAttributeHidden | nt.FileAttributeSystem | nt.FileAttributeArchive | nt.FileAttributeNormal |
		nt.FileAttributeTemporary | nt.FileAttributeOffline | nt.FileAttributeNotContentIndexed | nt.FileAttributeEncrypted
	if a.FileAttributes = flags & attributes; a.FileAttributes&^nt.FileAttributeNormal != 0 {
		a.FileAttributes &^= nt.FileAttributeNormal // it counts only alone
	}
	for _, o := range [...]struct{ flag, option uint32 }{
		{FileFlagWriteThrough, nt.FileWriteThrough}, {FileFlagNoBuffering, nt.FileNoIntermediateBuffering}, {FileFlagRandomAccess, nt.FileRandomAccess},
		{FileFlagSequentialScan, nt.FileSequentialOnly}, {FileFlagDeleteOnClose, nt.FileDeleteOnClose}, {FileFlagBackupSemantics, nt.FileOpenForBackupIntent},
		{FileFlagSessionAware, nt.FileSessionAware}, {FileFlagOpenReparsePoint, nt.FileOpenReparsePoint},
	} {
		if flags&o.flag != 0 {
			a.Options |= o.option
		}
	}
	if flags&FileFlagBackupSemantics == 0 {
		a.Options |= nt.FileNonDirectoryFile
	}
	if flags&FileFlagDeleteOnClose != 0 {
		a.DesiredAccess |= nt.Delete
	}
	// The two flags are one bit; a pipe has nothing to recall.
	switch {
	case flags&SecuritySQOSPresent == 0:
	case pipe:
		a.Impersonation = api.Impersonation(flags >> 16 & 3)
	default:
		a.Options |= nt.FileOpenNoRecall
	}
}

// CloseHandle closes a handle.
func (s *System) CloseHandle(h *Handle) error { return Error(s.api.Close(h.h)) }

// CancelIoEx ends what waits on a handle, whoever asked for it: it fails with WErrOperationAborted.
func (s *System) CancelIoEx(h *Handle) error { return Error(s.api.CancelIoFile(h.h)) }

// DeviceIoControl sends a control. Codes of file systems and of pipes go to them as file system controls, as Windows does by their device type.
func (s *System) DeviceIoControl(ctx context.Context, h *Handle, code uint32, in, out []byte) (int, error) {
	var n int
	var err error
	switch nt.ControlDevice(code) {
	case nt.FileDeviceFileSystem, nt.FileDeviceNamedPipe, nt.FileDeviceNetworkFileSystem, nt.FileDeviceDfs:
		n, err = s.api.FsControlFile(ctx, h.h, code, in, out)
	default:
		n, err = s.api.DeviceIoControlFile(ctx, h.h, code, in, out)
	}
	return n, Error(err)
}
