package win32

import (
	"context"
	"errors"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/iofs"
	"lwio/iomgr/nt"
)

// MoveFileEx gives a file or a directory another name. To another volume only files go, by copying, with MoveFileCopyAllowed.
func (s *System) MoveFileEx(ctx context.Context, from, to string, flags uint32) error {
	if flags&^(MoveFileReplaceExisting|MoveFileCopyAllowed|MoveFileWriteThrough) != 0 {
		return nt.WErrNotSupported
	}
	source, target, err := s.names(from, to)
	if err != nil {
		return err
	}
	err = nt.WErrNotSameDevice
	if nt.EqualFold(iofs.Volume(source.path), iofs.Volume(target.path)) {
		var options uint32
		if flags&MoveFileWriteThrough != 0 {
			options = nt.FileWriteThrough
		}
		err = s.with(ctx, from, nt.Delete, options|nt.FileOpenReparsePoint|nt.FileOpenForBackupIntent, func(h api.Handle) error {
			return s.rename(ctx, h, nt.FileRenameInformation, target.path, flags&MoveFileReplaceExisting != 0)
		})
	}
	if !errors.Is(err, nt.WErrNotSameDevice) || flags&MoveFileCopyAllowed == 0 {
		return err
	}
	copying := uint32(CopyFileCopySymlink)
	if flags&MoveFileReplaceExisting == 0 {
		copying |= CopyFileFailIfExists
	}
	err = s.copyFile(ctx, from, to, nil, copying, flags&MoveFileWriteThrough != 0)
	if errors.Is(err, nt.WErrFileExists) {
		err = nt.WErrAlreadyExists
	}
	if err != nil {
		return err
	}
	return s.DeleteFile(ctx, from)
}

// rename sets FILE_RENAME_INFORMATION or FILE_LINK_INFORMATION (MS-FSCC 2.4.43, 2.4.27): ReplaceIfExists, RootDirectory, FileNameLength, FileName. The
// name is one of the device on which the file lies.
func (s *System) rename(ctx context.Context, h api.Handle, class nt.FileInfoClass, path string, replace bool) error {
	b := make([]byte, 20, 24+2*len(path))
	if replace {
		b[0] = 1
	}
	b = nt.AppendUTF16(b, iofs.OnDevice(path))
	le.PutUint32(b[16:], uint32(len(b)-20))
	for len(b) < 24 {
		b = append(b, 0)
	}
	return s.api.SetInformationFile(ctx, h, class, b)
}

// CreateHardLink gives a file one name more.
func (s *System) CreateHardLink(ctx context.Context, link, file string) error {
	source, err := s.name(file)
	if err != nil {
		return err
	}
	target, err := s.name(link)
	if err != nil {
		return err
	}
	if !nt.EqualFold(iofs.Volume(source.path), iofs.Volume(target.path)) {
		return nt.WErrNotSameDevice
	}
	return s.with(ctx, file, nt.FileWriteAttributes, nt.FileOpenReparsePoint|nt.FileNonDirectoryFile, func(h api.Handle) error {
		return s.rename(ctx, h, nt.FileLinkInformation, target.path, false)
	})
}

// CreateSymbolicLink makes a symbolic link. The target is not looked for; it is taken as spelled, with backslashes, and one that is not relative is for
// whoever resolves it: usually a client of the file system.
func (s *System) CreateSymbolicLink(ctx context.Context, link, target string, flags uint32) error {
	if flags&^(SymbolicLinkFlagDirectory|SymbolicLinkFlagAllowUnprivilegedCreate) != 0 {
		return nt.WErrInvalidParameter
	}
	reparse, err := symlink(target)
	if err != nil {
		return err
	}
	n, err := s.name(link)
	if err != nil {
		return err
	}
	options := uint32(nt.FileNonDirectoryFile)
	if flags&SymbolicLinkFlagDirectory != 0 {
		options = nt.FileDirectoryFile
	}
	h, _, err := s.open(ctx, n, nt.FileWriteAttributes|nt.Delete, 0, nt.FileCreate, options|nt.FileOpenReparsePoint, nt.FileAttributeNormal)
	if err != nil {
		return Error(err)
	}
	if _, err = s.api.FsControlFile(ctx, h, nt.FsctlSetReparsePoint, reparse, nil); err != nil {
		_ = s.api.SetInformationFile(context.WithoutCancel(ctx), h, nt.FileDispositionInformation, []byte{1})
	}
	if e := s.api.Close(h); err == nil {
		err = e
	}
	return Error(err)
}

// symlink makes a SYMBOLIC_LINK_REPARSE_DATA_BUFFER (MS-FSCC 2.1.2.4).
func symlink(target string) ([]byte, error) {
	target = strings.ReplaceAll(target, "/", `\`)
	if target == "" || strings.Contains(target, "\x00") {
		return nil, nt.WErrInvalidName
	}
	substitute, flags := target, uint32(1) // SYMLINK_FLAG_RELATIVE
	switch {
	case strings.HasPrefix(target, `\\?\`), strings.HasPrefix(target, `\\.\`):
		substitute, flags = `\??\`+target[4:], 0
	case strings.HasPrefix(target, `\\`):
		substitute, flags = `\??\UNC\`+target[2:], 0
	case len(target) > 2 && target[1] == ':' && target[2] == '\\':
		substitute, flags = `\??\`+target, 0
	}
	s, p := nt.AppendUTF16(nil, substitute), nt.AppendUTF16(nil, target)
	const most = 16<<10 - 20 // MAXIMUM_REPARSE_DATA_BUFFER_SIZE and the header
	if len(s)+len(p) > most {
		return nil, nt.WErrFilenameExcedRange
	}
	b := le.AppendUint32(nil, nt.IoReparseTagSymlink)
	b = le.AppendUint16(b, uint16(12+len(s)+len(p)))
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, uint16(len(s)))
	b = le.AppendUint16(b, uint16(len(s)))
	b = le.AppendUint16(b, uint16(len(p)))
	b = le.AppendUint32(b, flags)
	return append(append(b, s...), p...), nil
}
