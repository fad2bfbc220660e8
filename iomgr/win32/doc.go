// Package win32 offers the file calls of the Windows API over the I/O manager: CreateFile, ReadFile, FindFirstFile, MoveFileEx, LockFileEx and their
// family, with their flags, their rules for names and their error codes. It is for programs and people who think in these calls, and for code that is
// brought over from Windows.
//
//	w := win32.New(m, win32.Config{Drives: map[string]string{"C": `\pvfs\srv\c`}})
//	h, err := w.CreateFile(ctx, `\\fs1\projects\plan.txt`, win32.GenericRead, win32.FileShareRead, nil, win32.OpenExisting, win32.FileAttributeNormal)
//	n, err := w.ReadFile(ctx, h, b, nil)               // at the file pointer
//	n, err = w.ReadFile(ctx, h, b, &win32.Overlapped{Offset: 4096})
//	err = w.CloseHandle(h)
//
// Errors are nt.WinError: what GetLastError would have said. An error that ends with a context has the context's error in its chain besides. A call that
// is not supported by the file system says WErrInvalidFunction or WErrNotSupported, as it does on Windows.
//
// Names are converted by System.NTPath, whose rules are those of Windows: `\\server\share\path`, `\\.\pipe\name`, `\\?\UNC\…`, `C:\path`, slashes either
// way, `.` and `..` taken away, trailing dots and spaces dropped, and the names of DOS devices refused.
//
// It is not for Go code that wants files: that is package iofs. It has no events and no completion ports, since a goroutine and a context
// do what those are for: GetOverlappedResult has no counterpart, and a call waits as long as its context lets it.
//
// A System and a Handle are safe for use by several goroutines. Calls that use the file pointer of one handle follow each other; a read that waits on a
// pipe keeps nobody from writing to it.
package win32
