// Package win32test is the conformance suite of the calls of package win32: what programs of Windows expect of a file system, run against each.
//
//	win32test.Run(t, win32.New(m, cfg), `C:\`, win32test.Features{Streams: true, HardLinks: true})
package win32test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/win32"
)

// Features is what a file system has.
type Features struct {
	Streams       bool
	HardLinks     bool
	SymbolicLinks bool
	Security      bool // the descriptor is the user's to change
}

type env struct {
	*testing.T
	*win32.System
	dir  string
	have Features
}

// Run runs the suite in a directory, which ends with a backslash and is left with what the tests made.
func Run(t *testing.T, s *win32.System, dir string, have Features) {
	for _, c := range []struct {
		name string
		run  func(*env)
	}{{"Create", create}, {"ReadWrite", readWrite}, {"Append", appending}, {"Information", information}, {"Find", find}, {"Move", move}, {"Copy", copyFile},
		{"Lock", lock}, {"Changes", changes}, {"Volume", volume}, {"Streams", streams}, {"Links", links}, {"Security", security}} {
		t.Run(c.name, func(t *testing.T) {
			e := &env{t, s, dir + c.name + `\`, have}
			e.ok(s.CreateDirectory(t.Context(), e.dir, nil))
			c.run(e)
		})
	}
}

func (e *env) ok(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *env) fails(err error, want nt.WinError) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Errorf("got %v, want %v", err, want)
	}
}

func (e *env) open(name string, access nt.AccessMask, disposition, flags uint32) *win32.Handle {
	e.Helper()
	h, err := e.CreateFile(e.Context(), e.dir+name, access, win32.FileShareRead|win32.FileShareWrite|win32.FileShareDelete, nil, disposition, flags)
	e.ok(err)
	return h
}

const both = win32.GenericRead | win32.GenericWrite

func (e *env) write(name, content string) {
	e.Helper()
	h := e.open(name, win32.GenericWrite, win32.CreateAlways, win32.FileAttributeNormal)
	_, err := e.WriteFile(e.Context(), h, []byte(content), nil)
	e.ok(err)
	e.ok(e.CloseHandle(h))
}

func (e *env) read(name string) string {
	e.Helper()
	h := e.open(name, win32.GenericRead, win32.OpenExisting, 0)
	defer e.CloseHandle(h)
	var all []byte
	for b := make([]byte, 1<<16); ; {
		n, err := e.ReadFile(e.Context(), h, b, nil)
		e.ok(err)
		if n == 0 {
			return string(all)
		}
		all = append(all, b[:n]...)
	}
}

func create(e *env) {
	ctx := e.Context()
	try := func(name string, access nt.AccessMask, share, disposition, flags uint32) (bool, error) {
		h, err := e.CreateFile(ctx, e.dir+name, access, share, nil, disposition, flags)
		if err != nil {
			return false, err
		}
		return h.Existed(), e.CloseHandle(h)
	}
	for _, c := range []struct {
		disposition  uint32
		there        bool
		err          nt.WinError
		existed, cut bool
	}{
		{win32.CreateNew, false, 0, false, false}, {win32.CreateNew, true, nt.WErrFileExists, false, false},
		{win32.CreateAlways, false, 0, false, false}, {win32.CreateAlways, true, 0, true, true},
		{win32.OpenExisting, false, nt.WErrFileNotFound, false, false}, {win32.OpenExisting, true, 0, false, false},
		{win32.OpenAlways, false, 0, false, false}, {win32.OpenAlways, true, 0, true, false},
		{win32.TruncateExisting, false, nt.WErrFileNotFound, false, false}, {win32.TruncateExisting, true, 0, false, true},
		{0, true, nt.WErrInvalidParameter, false, false}, {6, true, nt.WErrInvalidParameter, false, false},
	} {
		if c.there {
			e.write("f", "content")
		}
		existed, err := try("f", both, 0, c.disposition, win32.FileAttributeNormal)
		if c.err == 0 && err != nil || c.err != 0 && !errors.Is(err, c.err) || existed != c.existed {
			e.Errorf("%+v: %v, %v", c, existed, err)
		}
		if c.there && err == nil {
			if got := e.read("f"); (got == "") != c.cut {
				e.Errorf("%+v: the file has %q", c, got)
			}
		}
		if err := e.DeleteFile(ctx, e.dir+"f"); err != nil && (c.there || c.err == 0) {
			e.Errorf("%+v: %v", c, err)
		}
	}
	_, err := try("f", win32.GenericRead, 0, win32.TruncateExisting, 0)
	e.fails(err, nt.WErrInvalidParameter)
	_, err = try(`no\f`, win32.GenericRead, 0, win32.OpenExisting, 0)
	e.fails(err, nt.WErrPathNotFound)
	_, err = try("f", win32.GenericRead, 8, win32.OpenExisting, 0)
	e.fails(err, nt.WErrInvalidParameter)

	e.write("shared", "x")
	h, err := e.CreateFile(ctx, e.dir+"shared", win32.GenericRead, win32.FileShareRead, nil, win32.OpenExisting, 0)
	e.ok(err)
	_, err = try("shared", win32.GenericWrite, win32.FileShareRead|win32.FileShareWrite, win32.OpenExisting, 0)
	e.fails(err, nt.WErrSharingViolation)
	e.ok(e.CloseHandle(h))

	e.ok(e.CreateDirectory(ctx, e.dir+"d", nil))
	e.fails(e.CreateDirectory(ctx, e.dir+"d", nil), nt.WErrAlreadyExists)
	_, err = try("d", win32.GenericRead, 0, win32.OpenExisting, 0)
	e.fails(err, nt.WErrAccessDenied)
	_, err = try(`d\`, win32.GenericRead, 0, win32.OpenExisting, 0)
	e.fails(err, nt.WErrPathNotFound)
	_, err = try(`d\`, win32.GenericRead, win32.FileShareRead, win32.OpenExisting, win32.FileFlagBackupSemantics)
	e.ok(err)
	_, err = try(`shared\`, win32.GenericRead, 0, win32.OpenExisting, win32.FileFlagBackupSemantics)
	e.fails(err, nt.WErrDirectory)
	e.fails(e.DeleteFile(ctx, e.dir+"d"), nt.WErrAccessDenied)
	e.fails(e.RemoveDirectory(ctx, e.dir+"shared"), nt.WErrDirectory)
	e.write(`d\f`, "")
	e.fails(e.RemoveDirectory(ctx, e.dir+"d"), nt.WErrDirNotEmpty)
	e.ok(e.DeleteFile(ctx, e.dir+`d\f`))
	e.ok(e.RemoveDirectory(ctx, e.dir+"d"))
	e.fails(e.RemoveDirectory(ctx, e.dir+"d"), nt.WErrFileNotFound)

	h = e.open("gone", both, win32.CreateNew, win32.FileFlagDeleteOnClose)
	e.ok(e.CloseHandle(h))
	_, err = e.GetFileAttributes(ctx, e.dir+"gone")
	e.fails(err, nt.WErrFileNotFound)
}

func readWrite(e *env) {
	ctx := e.Context()
	h := e.open("f", both, win32.CreateNew, win32.FileAttributeNormal)
	defer e.CloseHandle(h)
	at := func(distance int64, method uint32, want int64) {
		e.Helper()
		if got, err := e.SetFilePointerEx(ctx, h, distance, method); got != want || err != nil {
			e.Errorf("the pointer is at %d, %v; want %d", got, err, want)
		}
	}
	put := func(s string, o *win32.Overlapped) {
		e.Helper()
		if n, err := e.WriteFile(ctx, h, []byte(s), o); n != len(s) || err != nil {
			e.Fatalf("wrote %d, %v", n, err)
		}
	}
	get := func(size int, o *win32.Overlapped, want string) {
		e.Helper()
		b := make([]byte, size)
		if n, err := e.ReadFile(ctx, h, b, o); string(b[:n]) != want || err != nil {
			e.Errorf("read %q, %v; want %q", b[:n], err, want)
		}
	}
	put("hello ", nil)
	put("world", nil)
	at(0, win32.FileCurrent, 11)
	get(5, nil, "")
	at(6, win32.FileBegin, 6)
	get(3, nil, "wor")
	at(-4, win32.FileEnd, 7)
	put("ORLD", &win32.Overlapped{Offset: 7})
	get(99, nil, "ORLD")
	get(5, &win32.Overlapped{Offset: 0}, "hello")
	at(0, win32.FileCurrent, 11) // an offset does not move it
	_, err := e.ReadFile(ctx, h, make([]byte, 1), &win32.Overlapped{Offset: 11})
	e.fails(err, nt.WErrHandleEof)
	_, err = e.ReadFile(ctx, h, make([]byte, 1), &win32.Overlapped{Offset: 1 << 63})
	e.fails(err, nt.WErrInvalidParameter)
	_, err = e.SetFilePointerEx(ctx, h, -1, win32.FileBegin)
	e.fails(err, win32.ErrNegativeSeek)
	_, err = e.SetFilePointerEx(ctx, h, 0, 3)
	e.fails(err, nt.WErrInvalidParameter)
	at(5, win32.FileBegin, 5)
	e.ok(e.SetEndOfFile(ctx, h))
	if n, err := e.GetFileSizeEx(ctx, h); n != 5 || err != nil {
		e.Errorf("%d bytes, %v", n, err)
	}
	e.ok(e.FlushFileBuffers(ctx, h))
	put("!", &win32.Overlapped{Offset: win32.EndOfFile})
	get(99, &win32.Overlapped{}, "hello!")

	o := e.open("f", win32.GenericRead, win32.OpenExisting, win32.FileFlagOverlapped)
	_, err = e.ReadFile(ctx, o, make([]byte, 1), nil)
	e.fails(err, nt.WErrInvalidParameter)
	e.ok(e.CloseHandle(o))
	_, err = e.GetFileSizeEx(ctx, o)
	e.fails(err, nt.WErrInvalidHandle)
}

func appending(e *env) {
	ctx := e.Context()
	e.write("log", "a")
	h := e.open("log", nt.FileAppendData|nt.Synchronize, win32.OpenExisting, 0)
	for _, s := range []string{"b", "c"} {
		if n, err := e.WriteFile(ctx, h, []byte(s), &win32.Overlapped{}); n != 1 || err != nil {
			e.Fatalf("%d, %v", n, err)
		}
	}
	e.ok(e.CloseHandle(h))
	if got := e.read("log"); got != "abc" {
		e.Errorf("%q", got)
	}
}

func information(e *env) {
	ctx := e.Context()
	e.write("f", "12345")
	const created, written = nt.Time(130000000000000000), nt.Time(131000000000000000)
	h := e.open("f", both, win32.OpenExisting, 0)
	e.ok(e.SetFileTime(ctx, h, created, 0, written))
	c, _, w, err := e.GetFileTime(ctx, h)
	if c != created || w != written || err != nil {
		e.Errorf("%v %v %v", c, w, err)
	}
	i, err := e.GetFileInformationByHandle(ctx, h)
	if err != nil || i.FileSize != 5 || i.NumberOfLinks != 1 || i.CreationTime != created || i.LastWriteTime != written || i.FileIndex == 0 {
		e.Errorf("%+v, %v", i, err)
	}
	var b [24]byte
	if n, err := e.GetFileInformationByHandleEx(ctx, h, win32.FileStandardInfo, b[:]); n < 22 || err != nil || b[8] != 5 || b[20] != 0 {
		e.Errorf("% x, %v", b[:n], err)
	}
	_, err = e.GetFileInformationByHandleEx(ctx, h, 99, b[:])
	e.fails(err, nt.WErrInvalidParameter)
	e.ok(e.SetFileInformationByHandle(ctx, h, win32.FileEndOfFileInfo, []byte{2, 0, 0, 0, 0, 0, 0, 0}))
	e.fails(e.SetFileInformationByHandle(ctx, h, win32.FileRenameInfo, make([]byte, 24)), nt.WErrInvalidParameter)
	final, err := e.GetFinalPathNameByHandle(ctx, h)
	e.ok(err)
	e.ok(e.CloseHandle(h))
	if !strings.HasPrefix(final, `\\?\`) || !strings.HasSuffix(final, `\Information\f`) {
		e.Errorf("the final name is %q", final)
	}
	if x, err := e.GetFileAttributesEx(ctx, final); err != nil || x.FileSize != 2 || x.CreationTime != created {
		e.Errorf("%s: %+v, %v", final, x, err)
	}
	e.ok(e.SetFileAttributes(ctx, e.dir+"f", nt.FileAttributeReadonly|nt.FileAttributeHidden))
	if a, err := e.GetFileAttributes(ctx, e.dir+"f"); a != nt.FileAttributeReadonly|nt.FileAttributeHidden || err != nil {
		e.Errorf("%#x, %v", a, err)
	}
	e.fails(e.DeleteFile(ctx, e.dir+"f"), nt.WErrAccessDenied)
	_, err = e.CreateFile(ctx, e.dir+"f", win32.GenericWrite, 0, nil, win32.OpenExisting, 0)
	e.fails(err, nt.WErrAccessDenied)
	e.ok(e.SetFileAttributes(ctx, e.dir+"f", win32.FileAttributeNormal))
	e.ok(e.DeleteFile(ctx, e.dir+"f"))
	if a, err := e.GetFileAttributes(ctx, strings.TrimSuffix(e.dir, `\`)); a&nt.FileAttributeDirectory == 0 || err != nil {
		e.Errorf("%#x, %v", a, err)
	}
}

// list gives the names that a pattern matches, sorted, without "." and "..".
func (e *env) list(pattern string) []string {
	e.Helper()
	f, d, err := e.FindFirstFile(e.Context(), e.dir+pattern)
	var names []string
	for ; err == nil; d, err = e.FindNextFile(e.Context(), f) {
		if d.FileName != "." && d.FileName != ".." {
			names = append(names, d.FileName)
		}
	}
	if f == nil {
		e.fails(err, nt.WErrFileNotFound)
		return nil
	}
	e.fails(err, nt.WErrNoMoreFiles)
	e.ok(e.FindClose(f))
	slices.Sort(names)
	return names
}

func find(e *env) {
	for _, n := range []string{"a.txt", "b.txt", "c", "D.C"} {
		e.write(n, n)
	}
	for pattern, want := range map[string]string{"*": "D.C a.txt b.txt c", "*.*": "D.C a.txt b.txt c", "*.txt": "a.txt b.txt", "?.TXT": "a.txt b.txt", "*.": "c", "c": "c", "d.c": "D.C", "x*": ""} {
		if got := strings.Join(e.list(pattern), " "); got != want {
			e.Errorf("%s: %s; want %s", pattern, got, want)
		}
	}
	f, d, err := e.FindFirstFile(e.Context(), e.dir+"a.txt")
	if err != nil || d.FileSize != 5 || d.FileName != "a.txt" || d.LastWriteTime == 0 {
		e.Fatalf("%+v, %v", d, err)
	}
	e.ok(e.FindClose(f))
	_, _, err = e.FindFirstFile(e.Context(), e.dir+`no\*`)
	e.fails(err, nt.WErrPathNotFound)
	_, _, err = e.FindFirstFile(e.Context(), e.dir)
	e.fails(err, nt.WErrFileNotFound)
}

func move(e *env) {
	ctx := e.Context()
	e.write("a", "a")
	e.write("b", "b")
	e.fails(e.MoveFileEx(ctx, e.dir+"a", e.dir+"b", 0), nt.WErrAlreadyExists)
	e.ok(e.MoveFileEx(ctx, e.dir+"a", e.dir+"b", win32.MoveFileReplaceExisting|win32.MoveFileWriteThrough))
	if got := e.read("b"); got != "a" {
		e.Errorf("%q", got)
	}
	e.fails(e.MoveFileEx(ctx, e.dir+"a", e.dir+"c", 0), nt.WErrFileNotFound)
	e.fails(e.MoveFileEx(ctx, e.dir+"b", e.dir+"c", win32.MoveFileDelayUntilReboot), nt.WErrNotSupported)
	e.ok(e.CreateDirectory(ctx, e.dir+"d", nil))
	e.ok(e.MoveFileEx(ctx, e.dir+"b", e.dir+`d\B`, 0))
	e.ok(e.MoveFileEx(ctx, e.dir+"d", e.dir+"e", 0))
	if got := e.read(`e\b`); got != "a" {
		e.Errorf("%q", got)
	}
}

func copyFile(e *env) {
	ctx := e.Context()
	content := bytes.Repeat([]byte("0123456789abcdef"), 300<<10/16*16) // more than a request takes
	e.write("f", string(content))
	e.ok(e.SetFileAttributes(ctx, e.dir+"f", nt.FileAttributeReadonly))
	var last win32.CopyProgress
	e.ok(e.CopyFileEx(ctx, e.dir+"f", e.dir+"g", func(p win32.CopyProgress) bool { last = p; return true }, 0))
	if got := e.read("g"); got != string(content) || last.Transferred != int64(len(content)) || last.Size != last.Transferred {
		e.Errorf("%d bytes, %+v", len(got), last)
	}
	f, err := e.GetFileAttributesEx(ctx, e.dir+"f")
	e.ok(err)
	if g, err := e.GetFileAttributesEx(ctx, e.dir+"g"); err != nil || g.LastWriteTime != f.LastWriteTime || g.FileAttributes&nt.FileAttributeReadonly == 0 {
		e.Errorf("%+v is copied as %+v, %v", f, g, err)
	}
	e.fails(e.CopyFileEx(ctx, e.dir+"f", e.dir+"g", nil, win32.CopyFileFailIfExists), nt.WErrFileExists)
	e.fails(e.CopyFileEx(ctx, e.dir+"f", e.dir+"g", nil, 0), nt.WErrAccessDenied) // it is read-only
	e.fails(e.CopyFileEx(ctx, e.dir+"f", e.dir+"h", func(win32.CopyProgress) bool { return false }, 0), nt.WErrRequestAborted)
	_, err = e.GetFileAttributes(ctx, e.dir+"h")
	e.fails(err, nt.WErrFileNotFound)
	e.fails(e.CopyFileEx(ctx, e.dir+"no", e.dir+"h", nil, 0), nt.WErrFileNotFound)
	e.write("empty", "")
	e.ok(e.CopyFileEx(ctx, e.dir+"empty", e.dir+"empty2", nil, 0))
	if got := e.read("empty2"); got != "" {
		e.Errorf("%q", got)
	}
}

func lock(e *env) {
	ctx := e.Context()
	e.write("f", "0123456789")
	a, b := e.open("f", both, win32.OpenExisting, 0), e.open("f", both, win32.OpenExisting, 0)
	defer e.CloseHandle(b)
	const now, alone = win32.LockFileFailImmediately, win32.LockFileExclusiveLock
	e.ok(e.LockFileEx(ctx, a, now, 0, 4))
	e.ok(e.LockFileEx(ctx, b, now, 0, 4))
	e.fails(e.LockFileEx(ctx, b, now|alone, 2, 4), nt.WErrLockViolation)
	e.ok(e.UnlockFileEx(ctx, b, 0, 4))
	e.fails(e.UnlockFileEx(ctx, b, 0, 4), nt.WErrNotLocked)
	_, err := e.WriteFile(ctx, b, []byte("x"), nil)
	e.fails(err, nt.WErrLockViolation)
	e.fails(e.LockFileEx(ctx, a, 4, 0, 1), nt.WErrInvalidParameter)

	short, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- e.LockFileEx(short, b, alone, 0, 4) }()
	cancel()
	err = <-ended
	e.fails(err, nt.WErrOperationAborted)
	if !errors.Is(err, context.Canceled) {
		e.Errorf("%v does not tell of the context", err)
	}
	go func() { ended <- e.LockFileEx(ctx, b, alone, 0, 4) }()
	e.ok(e.CloseHandle(a)) // lets the lock go
	e.ok(<-ended)
}

func changes(e *env) {
	ctx := e.Context()
	h, err := e.CreateFile(ctx, e.dir, nt.FileListDirectory, win32.FileShareRead|win32.FileShareWrite|win32.FileShareDelete, nil, win32.OpenExisting, win32.FileFlagBackupSemantics)
	e.ok(err)
	defer e.CloseHandle(h)
	short, cancel := context.WithCancel(ctx)
	cancel()
	_, err = e.ReadDirectoryChanges(short, h, 4096, true, nt.FileNotifyChangeFileName) // the watch begins
	e.fails(err, nt.WErrOperationAborted)
	type told struct {
		list []win32.NotifyInformation
		err  error
	}
	ended := make(chan told)
	go func() {
		list, err := e.ReadDirectoryChanges(ctx, h, 4096, true, nt.FileNotifyChangeFileName)
		ended <- told{list, err}
	}()
	for i := 0; ; i++ {
		e.write("f"+string(rune('a'+i%26)), "")
		select {
		case r := <-ended:
			e.ok(r.err)
			if len(r.list) == 0 || r.list[0].Action != nt.FileActionAdded || r.list[0].FileName[0] != 'f' {
				e.Errorf("%+v", r.list)
			}
			return
		default:
		}
	}
}

func volume(e *env) {
	ctx := e.Context()
	available, total, free, err := e.GetDiskFreeSpaceEx(ctx, e.dir)
	if err != nil || total == 0 || free > total || available > total {
		e.Errorf("%d of %d, %d, %v", available, total, free, err)
	}
	v, err := e.GetVolumeInformation(ctx, e.dir)
	if err != nil || v.MaximumComponentLength == 0 || v.FileSystem == "" {
		e.Errorf("%+v, %v", v, err)
	}
}

func streams(e *env) {
	if !e.have.Streams {
		e.Skip("the file system has no streams")
	}
	ctx := e.Context()
	e.write("f", "own")
	e.write("f:note", "remark")
	e.ok(e.CopyFileEx(ctx, e.dir+"f", e.dir+"g", nil, 0))
	for _, name := range []string{"f", "g"} {
		s, d, err := e.FindFirstStream(ctx, e.dir+name)
		var list []string
		for ; err == nil; d, err = e.FindNextStream(s) {
			list = append(list, d.StreamName)
		}
		e.fails(err, nt.WErrHandleEof)
		slices.Sort(list)
		if got := strings.Join(list, " "); got != "::$DATA :note:$DATA" {
			e.Errorf("%s has the streams %s", name, got)
		}
		if got := e.read(name + ":note"); got != "remark" {
			e.Errorf("%q", got)
		}
	}
}

func links(e *env) {
	if !e.have.HardLinks {
		e.Skip("the file system has no links")
	}
	ctx := e.Context()
	e.write("f", "x")
	e.ok(e.CreateHardLink(ctx, e.dir+"g", e.dir+"f"))
	e.fails(e.CreateHardLink(ctx, e.dir+"g", e.dir+"f"), nt.WErrAlreadyExists)
	h := e.open("g", win32.GenericRead, win32.OpenExisting, 0)
	if i, err := e.GetFileInformationByHandle(ctx, h); i.NumberOfLinks != 2 || err != nil {
		e.Errorf("%+v, %v", i, err)
	}
	e.ok(e.CloseHandle(h))
	err := e.CreateSymbolicLink(ctx, e.dir+"s", "f", 0)
	if !e.have.SymbolicLinks {
		if err == nil {
			e.Error("a symbolic link was made")
		}
		_, err = e.GetFileAttributes(ctx, e.dir+"s")
		e.fails(err, nt.WErrFileNotFound) // nothing is left of it
		return
	}
	e.ok(err)
	f, d, err := e.FindFirstFile(ctx, e.dir+"s")
	if err != nil || d.FileAttributes&nt.FileAttributeReparsePoint == 0 || d.ReparseTag != nt.IoReparseTagSymlink {
		e.Fatalf("%+v, %v", d, err)
	}
	e.ok(e.FindClose(f))
	e.ok(e.DeleteFile(ctx, e.dir+"s"))
	if got := e.read("f"); got != "x" {
		e.Errorf("%q", got)
	}
}

func security(e *env) {
	if !e.have.Security {
		e.Skip("the descriptor is not the user's to change")
	}
	ctx := e.Context()
	e.write("f", "x")
	sd, err := nt.ParseSDDL("D:P(A;;FA;;;WD)(A;;FR;;;BU)", nt.SID{})
	e.ok(err)
	e.ok(e.SetFileSecurity(ctx, e.dir+"f", nt.DACLSecurityInformation, sd))
	got, err := e.GetFileSecurity(ctx, e.dir+"f", nt.OwnerSecurityInformation|nt.DACLSecurityInformation)
	if err != nil || !strings.Contains(got.SDDL(), "(A;;FA;;;WD)(A;;FR;;;BU)") || !strings.HasPrefix(got.SDDL(), "O:") {
		e.Errorf("%v, %v", got, err)
	}
	e.fails(e.SetFileSecurity(ctx, e.dir+"f", nt.DACLSecurityInformation, nil), nt.WErrInvalidSecurityDescr)
}
