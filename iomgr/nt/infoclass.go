package nt

import "strconv"

// FileInfoClass is a FILE_INFORMATION_CLASS (MS-FSCC 2.4).
type FileInfoClass uint8

// File information classes.
const (
	FileDirectoryInformation                FileInfoClass = 1
	FileFullDirectoryInformation            FileInfoClass = 2
	FileBothDirectoryInformation            FileInfoClass = 3
	FileBasicInformation                    FileInfoClass = 4
	FileStandardInformation                 FileInfoClass = 5
	FileInternalInformation                 FileInfoClass = 6
	FileEaInformation                       FileInfoClass = 7
	FileAccessInformation                   FileInfoClass = 8
	FileNameInformation                     FileInfoClass = 9
	FileRenameInformation                   FileInfoClass = 10
	FileLinkInformation                     FileInfoClass = 11
	FileNamesInformation                    FileInfoClass = 12
	FileDispositionInformation              FileInfoClass = 13
	FilePositionInformation                 FileInfoClass = 14
	FileFullEaInformation                   FileInfoClass = 15
	FileModeInformation                     FileInfoClass = 16
	FileAlignmentInformation                FileInfoClass = 17
	FileAllInformation                      FileInfoClass = 18
	FileAllocationInformation               FileInfoClass = 19
	FileEndOfFileInformation                FileInfoClass = 20
	FileAlternateNameInformation            FileInfoClass = 21
	FileStreamInformation                   FileInfoClass = 22
	FilePipeInformation                     FileInfoClass = 23
	FilePipeLocalInformation                FileInfoClass = 24
	FilePipeRemoteInformation               FileInfoClass = 25
	FileMailslotQueryInformation            FileInfoClass = 26
	FileMailslotSetInformation              FileInfoClass = 27
	FileCompressionInformation              FileInfoClass = 28
	FileObjectIdInformation                 FileInfoClass = 29
	FileCompletionInformation               FileInfoClass = 30
	FileMoveClusterInformation              FileInfoClass = 31
	FileQuotaInformation                    FileInfoClass = 32
	FileReparsePointInformation             FileInfoClass = 33
	FileNetworkOpenInformation              FileInfoClass = 34
	FileAttributeTagInformation             FileInfoClass = 35
	FileTrackingInformation                 FileInfoClass = 36
	FileIdBothDirectoryInformation          FileInfoClass = 37
	FileIdFullDirectoryInformation          FileInfoClass = 38
	FileValidDataLengthInformation          FileInfoClass = 39
	FileShortNameInformation                FileInfoClass = 40
	FileIoCompletionNotificationInformation FileInfoClass = 41
	FileIoStatusBlockRangeInformation       FileInfoClass = 42
	FileIoPriorityHintInformation           FileInfoClass = 43
	FileSfioReserveInformation              FileInfoClass = 44
	FileSfioVolumeInformation               FileInfoClass = 45
	FileHardLinkInformation                 FileInfoClass = 46
	FileProcessIdsUsingFileInformation      FileInfoClass = 47
	FileNormalizedNameInformation           FileInfoClass = 48
	FileNetworkPhysicalNameInformation      FileInfoClass = 49
	FileIdGlobalTxDirectoryInformation      FileInfoClass = 50
	FileStandardLinkInformation             FileInfoClass = 54
	FileRemoteProtocolInformation           FileInfoClass = 55
	FileIdInformation                       FileInfoClass = 59
	FileIdExtdDirectoryInformation          FileInfoClass = 60
	FileDispositionInformationEx            FileInfoClass = 64
	FileRenameInformationEx                 FileInfoClass = 65
	FileStatInformation                     FileInfoClass = 68
	FileStatLxInformation                   FileInfoClass = 70
	FileCaseSensitiveInformation            FileInfoClass = 71
	FileLinkInformationEx                   FileInfoClass = 72
	FileKnownFolderInformation              FileInfoClass = 76
	FileId64ExtdDirectoryInformation        FileInfoClass = 78
	FileId64ExtdBothDirectoryInformation    FileInfoClass = 79
	FileIdAllExtdDirectoryInformation       FileInfoClass = 80
	FileIdAllExtdBothDirectoryInformation   FileInfoClass = 81
)

// FsInfoClass is an FS_INFORMATION_CLASS (MS-FSCC 2.5).
type FsInfoClass uint8

// Volume information classes.
const (
	FileFsVolumeInformation      FsInfoClass = 1
	FileFsLabelInformation       FsInfoClass = 2
	FileFsSizeInformation        FsInfoClass = 3
	FileFsDeviceInformation      FsInfoClass = 4
	FileFsAttributeInformation   FsInfoClass = 5
	FileFsControlInformation     FsInfoClass = 6
	FileFsFullSizeInformation    FsInfoClass = 7
	FileFsObjectIdInformation    FsInfoClass = 8
	FileFsDriverPathInformation  FsInfoClass = 9
	FileFsVolumeFlagsInformation FsInfoClass = 10
	FileFsSectorSizeInformation  FsInfoClass = 11
)

var fileInfoClassNames = [...]string{
	FileDirectoryInformation:                "FileDirectoryInformation",
	FileFullDirectoryInformation:            "FileFullDirectoryInformation",
	FileBothDirectoryInformation:            "FileBothDirectoryInformation",
	FileBasicInformation:                    "FileBasicInformation",
	FileStandardInformation:                 "FileStandardInformation",
	FileInternalInformation:                 "FileInternalInformation",
	FileEaInformation:                       "FileEaInformation",
	FileAccessInformation:                   "FileAccessInformation",
	FileNameInformation:                     "FileNameInformation",
	FileRenameInformation:                   "FileRenameInformation",
	FileLinkInformation:                     "FileLinkInformation",
	FileNamesInformation:                    "FileNamesInformation",
	FileDispositionInformation:              "FileDispositionInformation",
	FilePositionInformation:                 "FilePositionInformation",
	FileFullEaInformation:                   "FileFullEaInformation",
	FileModeInformation:                     "FileModeInformation",
	FileAlignmentInformation:                "FileAlignmentInformation",
	FileAllInformation:                      "FileAllInformation",
	FileAllocationInformation:               "FileAllocationInformation",
	FileEndOfFileInformation:                "FileEndOfFileInformation",
	FileAlternateNameInformation:            "FileAlternateNameInformation",
	FileStreamInformation:                   "FileStreamInformation",
	FilePipeInformation:                     "FilePipeInformation",
	FilePipeLocalInformation:                "FilePipeLocalInformation",
	FilePipeRemoteInformation:               "FilePipeRemoteInformation",
	FileMailslotQueryInformation:            "FileMailslotQueryInformation",
	FileMailslotSetInformation:              "FileMailslotSetInformation",
	FileCompressionInformation:              "FileCompressionInformation",
	FileObjectIdInformation:                 "FileObjectIdInformation",
	FileCompletionInformation:               "FileCompletionInformation",
	FileMoveClusterInformation:              "FileMoveClusterInformation",
	FileQuotaInformation:                    "FileQuotaInformation",
	FileReparsePointInformation:             "FileReparsePointInformation",
	FileNetworkOpenInformation:              "FileNetworkOpenInformation",
	FileAttributeTagInformation:             "FileAttributeTagInformation",
	FileTrackingInformation:                 "FileTrackingInformation",
	FileIdBothDirectoryInformation:          "FileIdBothDirectoryInformation",
	FileIdFullDirectoryInformation:          "FileIdFullDirectoryInformation",
	FileValidDataLengthInformation:          "FileValidDataLengthInformation",
	FileShortNameInformation:                "FileShortNameInformation",
	FileIoCompletionNotificationInformation: "FileIoCompletionNotificationInformation",
	FileIoStatusBlockRangeInformation:       "FileIoStatusBlockRangeInformation",
	FileIoPriorityHintInformation:           "FileIoPriorityHintInformation",
	FileSfioReserveInformation:              "FileSfioReserveInformation",
	FileSfioVolumeInformation:               "FileSfioVolumeInformation",
	FileHardLinkInformation:                 "FileHardLinkInformation",
	FileProcessIdsUsingFileInformation:      "FileProcessIdsUsingFileInformation",
	FileNormalizedNameInformation:           "FileNormalizedNameInformation",
	FileNetworkPhysicalNameInformation:      "FileNetworkPhysicalNameInformation",
	FileIdGlobalTxDirectoryInformation:      "FileIdGlobalTxDirectoryInformation",
	FileStandardLinkInformation:             "FileStandardLinkInformation",
	FileRemoteProtocolInformation:           "FileRemoteProtocolInformation",
	FileIdInformation:                       "FileIdInformation",
	FileIdExtdDirectoryInformation:          "FileIdExtdDirectoryInformation",
	FileDispositionInformationEx:            "FileDispositionInformationEx",
	FileRenameInformationEx:                 "FileRenameInformationEx",
	FileStatInformation:                     "FileStatInformation",
	FileStatLxInformation:                   "FileStatLxInformation",
	FileCaseSensitiveInformation:            "FileCaseSensitiveInformation",
	FileLinkInformationEx:                   "FileLinkInformationEx",
	FileKnownFolderInformation:              "FileKnownFolderInformation",
	FileId64ExtdDirectoryInformation:        "FileId64ExtdDirectoryInformation",
	FileId64ExtdBothDirectoryInformation:    "FileId64ExtdBothDirectoryInformation",
	FileIdAllExtdDirectoryInformation:       "FileIdAllExtdDirectoryInformation",
	FileIdAllExtdBothDirectoryInformation:   "FileIdAllExtdBothDirectoryInformation",
}

var fsInfoClassNames = [...]string{
	FileFsVolumeInformation:      "FileFsVolumeInformation",
	FileFsLabelInformation:       "FileFsLabelInformation",
	FileFsSizeInformation:        "FileFsSizeInformation",
	FileFsDeviceInformation:      "FileFsDeviceInformation",
	FileFsAttributeInformation:   "FileFsAttributeInformation",
	FileFsControlInformation:     "FileFsControlInformation",
	FileFsFullSizeInformation:    "FileFsFullSizeInformation",
	FileFsObjectIdInformation:    "FileFsObjectIdInformation",
	FileFsDriverPathInformation:  "FileFsDriverPathInformation",
	FileFsVolumeFlagsInformation: "FileFsVolumeFlagsInformation",
	FileFsSectorSizeInformation:  "FileFsSectorSizeInformation",
}

// String is the name as MS-FSCC spells it, or the number.
func (c FileInfoClass) String() string {
	if int(c) < len(fileInfoClassNames) && fileInfoClassNames[c] != "" {
		return fileInfoClassNames[c]
	}
	return "FileInfoClass(" + strconv.Itoa(int(c)) + ")"
}

// String is the name as MS-FSCC spells it, or the number.
func (c FsInfoClass) String() string {
	if int(c) < len(fsInfoClassNames) && fsInfoClassNames[c] != "" {
		return fsInfoClassNames[c]
	}
	return "FsInfoClass(" + strconv.Itoa(int(c)) + ")"
}
