package win32

import (
	"context"
	"errors"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// CreateDirectory makes a directory; security is nil for the default.
func (s *System) CreateDirectory(ctx context.Context, dir string, security *nt.SecurityDescriptor) error {
	n, err := s.name(dir)
	if err != nil {
		return err
	}
	h, err := s.api.CreateFile(ctx, &api.CreateArgs{Name: n.path, Token: s.cfg.Token, DesiredAccess: nt.FileListDirectory | nt.Synchronize, ShareAccess: shareAll,
		Disposition: nt.FileCreate, Options: nt.FileDirectoryFile, FileAttributes: nt.FileAttributeNormal, Impersonation: api.ImpersonateImpersonation,
		SecurityDescriptor: security, Contexts: s.cfg.Contexts})
	if err == nil {
		err = s.api.Close(h)
	}
	return Error(err)
}

// remove deletes what is opened with the options.
func (s *System) remove(ctx context.Context, file string, options uint32) error {
	return s.with(ctx, file, nt.Delete, options|nt.FileOpenReparsePoint, func(h api.Handle) error {
		return s.api.SetInformationFile(ctx, h, nt.FileDispositionInformation, []byte{1})
	})
}

// RemoveDirectory deletes a directory that is empty, or a link to one.
func (s *System) RemoveDirectory(ctx context.Context, dir string) error {
	return s.remove(ctx, dir, nt.FileDirectoryFile)
}

// DeleteFile deletes a file, or a link to one. While others have it open it only goes when they close it.
func (s *System) DeleteFile(ctx context.Context, file string) error {
	return s.remove(ctx, file, nt.FileNonDirectoryFile)
}

// NotifyInformation is FILE_NOTIFY_INFORMATION (MS-FSCC 2.7.1).
type NotifyInformation = api.NotifyInformation

// ReadDirectoryChanges waits for changes in a directory, or with subtree below it (ReadDirectoryChangesW); filter is of nt.FileNotifyChange…. What
// changes between two calls on one handle is told by the second. WErrNotifyEnumDir says that there were more changes than fit into size bytes: what the
// directory has now is to be listed. The handle is one of a directory with nt.FileListDirectory; ctx or CancelIoEx ends the wait.
func (s *System) ReadDirectoryChanges(ctx context.Context, h *Handle, size int, subtree bool, filter uint32) ([]NotifyInformation, error) {
	if size < 0 || size > 1<<20 {
		return nil, nt.WErrInvalidParameter
	}
	b := make([]byte, size)
	n, err := s.api.NotifyChangeDirectoryFile(ctx, h.h, filter, subtree, b)
	switch {
	case errors.Is(err, nt.StatusNotifyEnumDir), err == nil && n == 0:
		return nil, nt.WErrNotifyEnumDir
	case err != nil:
		return nil, Error(err)
	}
	list, err := api.ParseNotify(b[:n])
	return list, Error(err)
}
