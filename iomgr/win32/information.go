package win32

import (
	"context"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/iofs"
	"lwio/iomgr/nt"
)

// query asks for one of the classes that api.FileInfo holds.
func (s *System) query(ctx context.Context, h api.Handle, class nt.FileInfoClass) (api.FileInfo, error) {
	var b [64]byte
	n, err := s.api.QueryInformationFile(ctx, h, class, b[:])
	if err != nil {
		return api.FileInfo{}, err
	}
	i, ok := api.ParseFileInfo(class, b[:n])
	if !ok {
		return i, nt.StatusInvalidNetworkResponse
	}
	return i, nil
}

// FileInformation is BY_HANDLE_FILE_INFORMATION. WIN32_FILE_ATTRIBUTE_DATA is its first five fields.
type FileInformation struct {
	FileAttributes                              uint32
	CreationTime, LastAccessTime, LastWriteTime nt.Time
	FileSize                                    int64
	VolumeSerialNumber, NumberOfLinks           uint32
	FileIndex                                   uint64
}

// GetFileInformationByHandle says what a handle leads to.
func (s *System) GetFileInformationByHandle(ctx context.Context, h *Handle) (FileInformation, error) {
	basic, err := s.query(ctx, h.h, nt.FileBasicInformation)
	if err != nil {
		return FileInformation{}, Error(err)
	}
	standard, err := s.query(ctx, h.h, nt.FileStandardInformation)
	if err != nil {
		return FileInformation{}, Error(err)
	}
	id, err := s.query(ctx, h.h, nt.FileInternalInformation)
	if err != nil {
		return FileInformation{}, Error(err)
	}
	volume, err := s.volumeInformation(ctx, h.h)
	if err != nil {
		return FileInformation{}, Error(err)
	}
	i := attributeData(basic)
	i.FileSize, i.NumberOfLinks, i.FileIndex, i.VolumeSerialNumber = standard.EndOfFile, standard.Links, id.FileID, volume.SerialNumber
	return i, nil
}

func attributeData(i api.FileInfo) FileInformation {
	return FileInformation{FileAttributes: i.Attributes, CreationTime: i.CreationTime, LastAccessTime: i.LastAccessTime, LastWriteTime: i.LastWriteTime, FileSize: i.EndOfFile}
}

// FileInfoByHandleClass is FILE_INFO_BY_HANDLE_CLASS (minwinbase.h).
type FileInfoByHandleClass uint32

// The classes.
const (
	FileBasicInfo FileInfoByHandleClass = iota
	FileStandardInfo
	FileNameInfo
	FileRenameInfo
	FileDispositionInfo
	FileAllocationInfo
	FileEndOfFileInfo
	FileStreamInfo
	FileCompressionInfo
	FileAttributeTagInfo
	FileIdBothDirectoryInfo
	FileIdBothDirectoryRestartInfo
	FileIoPriorityHintInfo
	FileRemoteProtocolInfo
	FileFullDirectoryInfo
	FileFullDirectoryRestartInfo
	FileStorageInfo
	FileAlignmentInfo
	FileIdInfo
	FileIdExtdDirectoryInfo
	FileIdExtdDirectoryRestartInfo
	FileDispositionInfoEx
	FileRenameInfoEx
	FileCaseSensitiveInfo
	FileNormalizedNameInfo
)

// queried are the classes of the Nt API that answer; the layouts are the same.
var queried = map[FileInfoByHandleClass]nt.FileInfoClass{
	FileBasicInfo: nt.FileBasicInformation, FileStandardInfo: nt.FileStandardInformation, FileNameInfo: nt.FileNameInformation, FileStreamInfo: nt.FileStreamInformation,
	FileCompressionInfo: nt.FileCompressionInformation, FileAttributeTagInfo: nt.FileAttributeTagInformation, FileRemoteProtocolInfo: nt.FileRemoteProtocolInformation,
	FileAlignmentInfo: nt.FileAlignmentInformation, FileIdInfo: nt.FileIdInformation, FileCaseSensitiveInfo: nt.FileCaseSensitiveInformation,
	FileNormalizedNameInfo: nt.FileNormalizedNameInformation,
}

// listed are those that list a directory.
var listed = map[FileInfoByHandleClass]struct {
	class   nt.FileInfoClass
	restart bool
}{
	FileIdBothDirectoryInfo: {nt.FileIdBothDirectoryInformation, false}, FileIdBothDirectoryRestartInfo: {nt.FileIdBothDirectoryInformation, true},
	FileFullDirectoryInfo: {nt.FileFullDirectoryInformation, false}, FileFullDirectoryRestartInfo: {nt.FileFullDirectoryInformation, true},
	FileIdExtdDirectoryInfo: {nt.FileIdExtdDirectoryInformation, false}, FileIdExtdDirectoryRestartInfo: {nt.FileIdExtdDirectoryInformation, true},
}

// set are those that SetFileInformationByHandle takes. Names in a rename are of another spelling on either side: MoveFileEx renames.
var set = map[FileInfoByHandleClass]nt.FileInfoClass{
	FileBasicInfo: nt.FileBasicInformation, FileDispositionInfo: nt.FileDispositionInformation, FileAllocationInfo: nt.FileAllocationInformation,
	FileEndOfFileInfo: nt.FileEndOfFileInformation, FileDispositionInfoEx: nt.FileDispositionInformationEx, FileCaseSensitiveInfo: nt.FileCaseSensitiveInformation,
}

// GetFileInformationByHandleEx reads a class in the layout of MS-FSCC 2.4, which is that of the Windows headers, and says how many bytes it has. The
// classes of directories list one part of it after the other, at the end with WErrNoMoreFiles.
func (s *System) GetFileInformationByHandleEx(ctx context.Context, h *Handle, class FileInfoByHandleClass, out []byte) (int, error) {
	if l, ok := listed[class]; ok {
		n, err := s.api.QueryDirectoryFile(ctx, h.h, l.class, &api.DirArgs{Restart: l.restart}, out)
		return n, Error(err)
	}
	c, ok := queried[class]
	if !ok {
		return 0, nt.WErrInvalidParameter
	}
	n, err := s.api.QueryInformationFile(ctx, h.h, c, out)
	return n, Error(err)
}

// SetFileInformationByHandle sets a class: FileBasicInfo, FileDispositionInfo, FileDispositionInfoEx, FileAllocationInfo, FileEndOfFileInfo,
// FileCaseSensitiveInfo.
func (s *System) SetFileInformationByHandle(ctx context.Context, h *Handle, class FileInfoByHandleClass, in []byte) error {
	c, ok := set[class]
	if !ok {
		return nt.WErrInvalidParameter
	}
	return Error(s.api.SetInformationFile(ctx, h.h, c, in))
}

// GetFileTime gives the times of creation, last access and last writing.
func (s *System) GetFileTime(ctx context.Context, h *Handle) (creation, access, write nt.Time, err error) {
	i, err := s.query(ctx, h.h, nt.FileBasicInformation)
	return i.CreationTime, i.LastAccessTime, i.LastWriteTime, Error(err)
}

// SetFileTime sets them; a time of zero stays as it is.
func (s *System) SetFileTime(ctx context.Context, h *Handle, creation, access, write nt.Time) error {
	i := api.FileInfo{CreationTime: creation, LastAccessTime: access, LastWriteTime: write}
	return Error(s.api.SetInformationFile(ctx, h.h, nt.FileBasicInformation, i.AppendBasic(nil)))
}

// GetFileAttributes gives the attributes of what a name stands for, of a link itself.
func (s *System) GetFileAttributes(ctx context.Context, file string) (uint32, error) {
	i, err := s.GetFileAttributesEx(ctx, file)
	return i.FileAttributes, err
}

// GetFileAttributesEx gives times and size besides; what else FileInformation has stays zero.
func (s *System) GetFileAttributesEx(ctx context.Context, file string) (FileInformation, error) {
	var i api.FileInfo
	err := s.with(ctx, file, nt.FileReadAttributes, nt.FileOpenReparsePoint, func(h api.Handle) (err error) {
		i, err = s.query(ctx, h, nt.FileNetworkOpenInformation)
		return err
	})
	return attributeData(i), err
}

// SetFileAttributes sets the attributes; those that only the file system sets are left out of what is asked for.
func (s *System) SetFileAttributes(ctx context.Context, file string, attributes uint32) error {
	const settable = nt.FileAttributeReadonly | nt.FileAttributeHidden | nt.FileAttributeSystem | nt.FileAttributeArchive | nt.FileAttributeTemporary |
		nt.FileAttributeOffline | nt.FileAttributeNotContentIndexed
	if attributes &= settable; attributes == 0 {
		attributes = nt.FileAttributeNormal
	}
	i := api.FileInfo{Attributes: attributes}
	return s.with(ctx, file, nt.FileWriteAttributes, nt.FileOpenReparsePoint, func(h api.Handle) error {
		return s.api.SetInformationFile(ctx, h, nt.FileBasicInformation, i.AppendBasic(nil))
	})
}

// nameMax is the most that an answer with a name takes.
const nameMax = 4 + 2*maxPath

// GetFinalPathNameByHandle gives the name of an open file in the form `\\?\UNC\server\share\path` or `\\?\C:\path`; what has no such name, as a file
// below no drive, comes as `\\?\GLOBALROOT\device\path`. System.CreateFile takes each of them.
func (s *System) GetFinalPathNameByHandle(ctx context.Context, h *Handle) (string, error) {
	path := h.name.path
	if !h.name.pipe {
		b := make([]byte, nameMax)
		n, err := s.api.QueryInformationFile(ctx, h.h, nt.FileNormalizedNameInformation, b)
		if err != nil && ctx.Err() == nil {
			n, err = s.api.QueryInformationFile(ctx, h.h, nt.FileNameInformation, b)
		}
		if err != nil {
			return "", Error(err)
		}
		if n < 4 || uint64(le.Uint32(b)) > uint64(n-4) {
			return "", Error(nt.StatusInvalidNetworkResponse)
		}
		rest := nt.DecodeUTF16(b[4 : 4+le.Uint32(b)&^1])
		if rest != "" && rest[0] != '\\' { // of SMB 3.1.1, a normalized name has none before it
			rest = `\` + rest
		}
		if rest == `\` {
			rest = ""
		}
		path = iofs.Volume(path) + rest
	}
	return s.final(path), nil
}

// final spells a name of the namespace.
func (s *System) final(path string) string {
	best, letter := 0, ""
	for k, dir := range s.cfg.Drives {
		dir = strings.TrimRight(dir, `\`)
		if k = strings.TrimSuffix(k, ":"); len(k) == 1 && dir != "" && len(dir) > best && len(path) >= len(dir) && nt.EqualFold(path[:len(dir)], dir) && (len(path) == len(dir) || path[len(dir)] == '\\') {
			best, letter = len(dir), nt.Upcase(k)
		}
	}
	switch device, rest, _ := strings.Cut(path[1:], `\`); {
	case best > 0:
		if path = path[best:]; path == "" {
			path = `\`
		}
		return `\\?\` + letter + ":" + path
	case nt.EqualFold(device, "rdr"):
		return `\\?\UNC\` + rest
	}
	return `\\?\GLOBALROOT` + path
}
