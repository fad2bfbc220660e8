package iofs

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// File is an open file or directory.
type File struct {
	fs      *FS
	h       api.Handle
	name    string
	append  bool
	created bool
	opened  *api.FileInfo // as the create knew it
	wrote   atomic.Bool

	mu     sync.Mutex
	pos    int64     // guarded by mu
	list   *dirState // guarded by mu
	noEnd  bool      // guarded by mu: the server wants to be told where the end is
	closed bool      // guarded by mu
}

var (
	_ fs.ReadDirFile  = (*File)(nil)
	_ io.ReaderAt     = (*File)(nil)
	_ io.WriterAt     = (*File)(nil)
	_ io.Writer       = (*File)(nil)
	_ io.Seeker       = (*File)(nil)
	_ io.StringWriter = (*File)(nil)
)

// isStatus reports whether an error is one of these statuses.
func isStatus(err error, list ...nt.Status) bool {
	var st nt.Status
	if !errors.As(err, &st) {
		return false
	}
	for _, s := range list {
		if s == st {
			return true
		}
	}
	return false
}

// statusOf takes the path off an error.
func statusOf(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func (o *File) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: o.name, Err: err}
}

// Name is the name that the file was opened by.
func (o *File) Name() string { return o.name }

// Handle is the file as the calls of package api take it. It lives as long as o is open.
func (o *File) Handle() api.Handle { return o.h }

// Created reports whether opening made the file.
func (o *File) Created() bool { return o.created }

// Close closes the file.
func (o *File) Close() error {
	o.mu.Lock()
	closed := o.closed
	o.closed = true
	o.mu.Unlock()
	if closed {
		return o.fail("close", fs.ErrClosed)
	}
	err := o.settle()
	if e := o.fs.api.Close(o.h); err == nil {
		err = e
	}
	return o.fail("close", err)
}

// settle waits until what was written is where it belongs: a redirector may say so before, and tells of an error here. Nobody else knows the question.
func (o *File) settle() error {
	if !o.wrote.Load() {
		return nil
	}
	var b [4]byte
	n, err := o.fs.api.FsControlFile(o.fs.ctx, o.h, nt.FsctlPipeGetConnectionAttribute, []byte("WriteError\x00"), b[:])
	if st := nt.Status(le.Uint32(b[:])); err == nil && n == len(b) && st.IsError() {
		return st
	}
	return nil
}

// Stat says what the file is now.
func (o *File) Stat() (fs.FileInfo, error) {
	i, err := o.information("stat")
	if err != nil {
		return nil, err
	}
	return newFileInfo(path.Base(o.name), i), nil
}

// Opened says what the file was when it was opened, without asking once more; false if the file system did not say.
func (o *File) Opened() (fs.FileInfo, bool) {
	if o.opened == nil || o.opened.Attributes&nt.FileAttributeReparsePoint != 0 {
		return nil, false
	}
	return newFileInfo(path.Base(o.name), *o.opened), true
}

func (o *File) information(op string) (api.FileInfo, error) {
	o.mu.Lock()
	closed := o.closed
	o.mu.Unlock()
	if closed {
		return api.FileInfo{}, o.fail(op, fs.ErrClosed)
	}
	var b [56]byte
	n, err := o.fs.api.QueryInformationFile(o.fs.ctx, o.h, nt.FileNetworkOpenInformation, b[:])
	if err != nil {
		return api.FileInfo{}, o.fail(op, err)
	}
	i, ok := api.ParseFileInfo(nt.FileNetworkOpenInformation, b[:n])
	if !ok {
		return i, o.fail(op, nt.StatusInvalidNetworkResponse)
	}
	if i.Attributes&nt.FileAttributeReparsePoint != 0 {
		if n, err = o.fs.api.QueryInformationFile(o.fs.ctx, o.h, nt.FileAttributeTagInformation, b[:8]); err == nil {
			tag, _ := api.ParseFileInfo(nt.FileAttributeTagInformation, b[:n])
			i.ReparseTag = tag.ReparseTag
		}
	}
	return i, nil
}

// Control sends a file system control (MS-FSCC 2.3) to the file.
func (o *File) Control(code uint32, in, out []byte) (int, error) {
	n, err := o.fs.api.FsControlFile(o.fs.ctx, o.h, code, in, out)
	return n, o.fail("control", err)
}

func (o *File) set(op string, class nt.FileInfoClass, b []byte) error {
	return o.fail(op, o.fs.api.SetInformationFile(o.fs.ctx, o.h, class, b))
}

// ReadAt reads from an offset on. It gives fewer bytes than asked for at the end of the file only, with io.EOF.
func (o *File) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off > math.MaxInt64-int64(len(b)) {
		return 0, o.fail("read", fs.ErrInvalid)
	}
	n := 0
	for n < len(b) {
		m, err := o.fs.api.ReadFile(o.fs.ctx, o.h, b[n:], off+int64(n))
		n += m
		switch {
		case err == nt.StatusEndOfFile || err == nil && m == 0:
			return n, io.EOF
		case err != nil:
			return n, o.fail("read", err)
		}
	}
	return n, nil
}

// Read reads from the position on.
func (o *File) Read(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return 0, o.fail("read", fs.ErrClosed)
	}
	if len(b) == 0 {
		return 0, nil
	}
	n, err := o.fs.api.ReadFile(o.fs.ctx, o.h, b, o.pos)
	o.pos += int64(n)
	switch {
	case err == nt.StatusEndOfFile || err == nil && n == 0:
		return n, io.EOF
	case err != nil:
		return n, o.fail("read", err)
	}
	return n, nil
}

// WriteAt writes all of b from an offset on. It is an error on a file that was opened with O_APPEND.
func (o *File) WriteAt(b []byte, off int64) (int, error) {
	if o.append || off < 0 || off > math.MaxInt64-int64(len(b)) {
		return 0, o.fail("write", fs.ErrInvalid)
	}
	return o.write(b, off)
}

func (o *File) write(b []byte, off int64) (int, error) {
	o.wrote.Store(true)
	for n := 0; ; {
		m, err := o.fs.api.WriteFile(o.fs.ctx, o.h, b[n:], off+int64(n))
		if n += m; err != nil {
			return n, o.fail("write", err)
		}
		if n == len(b) {
			return n, nil
		}
		if m == 0 {
			return n, o.fail("write", io.ErrShortWrite)
		}
	}
}

// Write writes at the position, or at the end where the file was opened with O_APPEND.
func (o *File) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return 0, o.fail("write", fs.ErrClosed)
	}
	if o.append {
		return o.writeToEnd(b)
	}
	n, err := o.write(b, o.pos)
	o.pos += int64(n)
	return n, err
}

// endOfFile is the offset FILE_WRITE_TO_END_OF_FILE (MS-FSA 2.1.5.4).
const endOfFile = -1

// writeToEnd writes in one request, since another's may come between two. Servers that do not take the offset for the end are told where that is;
// o.mu is held.
func (o *File) writeToEnd(b []byte) (int, error) {
	if !o.noEnd {
		n, err := o.fs.api.WriteFile(o.fs.ctx, o.h, b, endOfFile)
		if err == nil && n < len(b) {
			err = io.ErrShortWrite
		}
		if n > 0 || !isStatus(err, nt.StatusInvalidParameter) {
			return n, o.fail("write", err)
		}
		o.noEnd = true
	}
	var i [56]byte
	n, err := o.fs.api.QueryInformationFile(o.fs.ctx, o.h, nt.FileNetworkOpenInformation, i[:])
	if err != nil {
		return 0, o.fail("write", err)
	}
	now, ok := api.ParseFileInfo(nt.FileNetworkOpenInformation, i[:n])
	if !ok || now.EndOfFile > math.MaxInt64-int64(len(b)) {
		return 0, o.fail("write", nt.StatusInvalidNetworkResponse)
	}
	return o.write(b, now.EndOfFile)
}

// WriteString writes s as Write does.
func (o *File) WriteString(s string) (int, error) { return o.Write([]byte(s)) }

// Seek sets the position of Read and Write.
func (o *File) Seek(offset int64, whence int) (int64, error) {
	base := int64(0)
	switch whence {
	case io.SeekStart:
	case io.SeekEnd:
		i, err := o.information("seek")
		if err != nil {
			return 0, err
		}
		base = i.EndOfFile
	case io.SeekCurrent:
	default:
		return 0, o.fail("seek", fs.ErrInvalid)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if whence == io.SeekCurrent {
		base = o.pos
	}
	if o.closed {
		return 0, o.fail("seek", fs.ErrClosed)
	}
	if offset > math.MaxInt64-base || base+offset < 0 {
		return 0, o.fail("seek", fs.ErrInvalid)
	}
	if o.list != nil && base+offset == 0 {
		o.list = nil // a directory is listed anew
	}
	o.pos = base + offset
	return o.pos, nil
}

// Truncate makes the file as long as size says.
func (o *File) Truncate(size int64) error {
	if size < 0 {
		return o.fail("truncate", fs.ErrInvalid)
	}
	return o.set("truncate", nt.FileEndOfFileInformation, le.AppendUint64(nil, uint64(size)))
}

// Sync makes what was written durable.
func (o *File) Sync() error { return o.fail("sync", o.fs.api.FlushBuffersFile(o.fs.ctx, o.h)) }

// Chtimes sets the times of last access and of last writing; a zero time leaves one as it is.
func (o *File) Chtimes(access, modified time.Time) error {
	return o.set("chtimes", nt.FileBasicInformation, setTimes(access, modified).In)
}

func setTimes(access, modified time.Time) *api.Request {
	var i api.FileInfo
	if !access.IsZero() {
		i.LastAccessTime = nt.TimeOf(access)
	}
	if !modified.IsZero() {
		i.LastWriteTime = nt.TimeOf(modified)
	}
	return setting(nt.FileBasicInformation, i.AppendBasic(nil))
}

// fileInfo is an fs.FileInfo and an fs.DirEntry.
type fileInfo struct {
	name string
	i    api.FileInfo
}

func newFileInfo(name string, i api.FileInfo) *fileInfo { return &fileInfo{name, i} }

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) ModTime() time.Time { return i.i.LastWriteTime.Go() }
func (i *fileInfo) IsDir() bool        { return i.Mode().IsDir() }

// Sys gives an api.FileInfo.
func (i *fileInfo) Sys() any { return i.i }

func (i *fileInfo) Size() int64 {
	if i.i.Directory {
		return 0
	}
	return i.i.EndOfFile
}

func (i *fileInfo) Mode() fs.FileMode {
	mode := fs.FileMode(0o644)
	switch {
	case i.i.Attributes&nt.FileAttributeReparsePoint != 0 && i.i.ReparseTag == nt.IoReparseTagSymlink:
		return fs.ModeSymlink | 0o777
	case i.i.Attributes&nt.FileAttributeReparsePoint != 0 && i.i.ReparseTag == nt.IoReparseTagMountPoint:
		return fs.ModeIrregular | 0o755
	case i.i.Attributes&nt.FileAttributeDirectory != 0:
		return fs.ModeDir | 0o755
	}
	if i.i.Attributes&nt.FileAttributeReadonly != 0 {
		mode &^= 0o222
	}
	return mode
}

// Type, Info and String are those of an fs.DirEntry.
func (i *fileInfo) Type() fs.FileMode          { return i.Mode().Type() }
func (i *fileInfo) Info() (fs.FileInfo, error) { return i, nil }
func (i *fileInfo) String() string             { return fs.FormatDirEntry(i) }
