package win32

import "lwio/iomgr/nt"

// Rights for CreateFile; the specific ones are those of package nt.
const (
	GenericRead    = nt.GenericRead
	GenericWrite   = nt.GenericWrite
	GenericExecute = nt.GenericExecute
	GenericAll     = nt.GenericAll
)

// Share modes.
const (
	FileShareRead   = nt.FileShareRead
	FileShareWrite  = nt.FileShareWrite
	FileShareDelete = nt.FileShareDelete
)

// Dispositions of CreateFile (fileapi.h).
const (
	CreateNew        = 1 // fails with WErrFileExists if there is a file
	CreateAlways     = 2 // makes or empties it
	OpenExisting     = 3
	OpenAlways       = 4 // opens or makes it
	TruncateExisting = 5 // empties what there is; needs GenericWrite
)

// Flags of CreateFile, beside file attributes (winbase.h).
const (
	FileAttributeNormal = nt.FileAttributeNormal

	FileFlagWriteThrough     = 0x80000000
	FileFlagOverlapped       = 0x40000000 // reads and writes name their offset
	FileFlagNoBuffering      = 0x20000000
	FileFlagRandomAccess     = 0x10000000
	FileFlagSequentialScan   = 0x08000000
	FileFlagDeleteOnClose    = 0x04000000
	FileFlagBackupSemantics  = 0x02000000 // directories can be opened
	FileFlagPosixSemantics   = 0x01000000 // the case of letters counts
	FileFlagSessionAware     = 0x00800000
	FileFlagOpenReparsePoint = 0x00200000
	FileFlagOpenNoRecall     = 0x00100000

	SecuritySQOSPresent    = 0x00100000 // on pipes: the level that follows counts
	SecurityAnonymous      = 0 << 16
	SecurityIdentification = 1 << 16
	SecurityImpersonation  = 2 << 16
	SecurityDelegation     = 3 << 16
)

// Methods of SetFilePointerEx.
const (
	FileBegin   = 0
	FileCurrent = 1
	FileEnd     = 2
)

// Flags of MoveFileEx.
const (
	MoveFileReplaceExisting    = 0x01
	MoveFileCopyAllowed        = 0x02
	MoveFileDelayUntilReboot   = 0x04 // refused: there is no reboot to wait for
	MoveFileWriteThrough       = 0x08
	MoveFileCreateHardlink     = 0x10 // refused, as Windows does
	MoveFileFailIfNotTrackable = 0x20 // refused: there is no link tracking
)

// Flags of CopyFileEx.
const (
	CopyFileFailIfExists = 0x001
	CopyFileCopySymlink  = 0x800 // a link is copied as a link
)

// Flags of LockFileEx.
const (
	LockFileFailImmediately = 1
	LockFileExclusiveLock   = 2
)

// Flags of CreateSymbolicLink.
const (
	SymbolicLinkFlagDirectory               = 1
	SymbolicLinkFlagAllowUnprivilegedCreate = 2
)

// ErrNegativeSeek is ERROR_NEGATIVE_SEEK (MS-ERREF 2.2): the file pointer would be before the beginning.
const ErrNegativeSeek nt.WinError = 131
