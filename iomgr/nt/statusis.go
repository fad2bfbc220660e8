package nt

import "io/fs"

// Is has errors.Is find the errors of package io/fs in a status, so that a Go program asks as it does of any file system. What sharing or a lock
// forbids is fs.ErrPermission no more than it is on Windows.
func (s Status) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		switch s {
		case StatusObjectNameNotFound, StatusObjectPathNotFound, StatusNoSuchFile, StatusNotFound, StatusBadNetworkName, StatusNoSuchDevice:
			return true
		}
	case fs.ErrExist:
		switch s {
		case StatusObjectNameCollision, StatusDirectoryNotEmpty, StatusObjectNameExists:
			return true
		}
	case fs.ErrPermission:
		switch s {
		case StatusAccessDenied, StatusNetworkAccessDenied, StatusMediaWriteProtected, StatusPrivilegeNotHeld, StatusCannotDelete:
			return true
		}
	case fs.ErrInvalid:
		switch s {
		case StatusInvalidParameter, StatusObjectNameInvalid, StatusObjectPathInvalid, StatusObjectPathSyntaxBad:
			return true
		}
	case fs.ErrClosed:
		return s == StatusFileClosed || s == StatusInvalidHandle
	}
	return false
}
