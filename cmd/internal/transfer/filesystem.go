package transfer

import (
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"lwio/iomgr/iofs"
)

// File is an open file. Its methods may be called from several goroutines.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	Sync() error
}

// FileSystem is a place that files are copied from or to.
type FileSystem interface {
	// Open opens with the flags of package os.
	Open(name string, flag int, perm fs.FileMode) (File, error)
	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	Mkdir(name string, perm fs.FileMode) error
	Remove(name string) error
	RemoveAll(name string) error
	Rename(from, to string) error
	Chtimes(name string, access, modified time.Time) error
	// ReadSmall reads the first bytes of a file and says what it is; WriteSmall makes a file of b, with a time of last writing unless that is zero,
	// durable if sync says so. Both are for files that go in one piece.
	ReadSmall(name string, b []byte) (int, fs.FileInfo, error)
	WriteSmall(name string, b []byte, modified time.Time, sync bool) error
	// Join is the name of what is called elem in the directory dir.
	Join(dir, elem string) string
	// Base is the last element of a name.
	Base(name string) string
	// Same reports whether a file of the other place can be renamed to be here.
	Same(FileSystem) bool
}

// Local is the files of this machine by the names that package os takes.
type Local struct{}

// The calls of package os.
func (Local) Open(name string, flag int, perm fs.FileMode) (File, error) {
	if perm == 0 {
		perm = 0o666
	}
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}
func (Local) Stat(name string) (fs.FileInfo, error)      { return os.Stat(name) }
func (Local) Lstat(name string) (fs.FileInfo, error)     { return os.Lstat(name) }
func (Local) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }
func (Local) Mkdir(name string, perm fs.FileMode) error  { return os.Mkdir(name, perm) }
func (Local) Remove(name string) error                   { return os.Remove(name) }
func (Local) RemoveAll(name string) error                { return os.RemoveAll(name) }
func (Local) Rename(from, to string) error               { return os.Rename(from, to) }
func (Local) Join(dir, elem string) string               { return filepath.Join(dir, elem) }

// ReadSmall reads the beginning of a file.
func (Local) ReadSmall(name string, b []byte) (int, fs.FileInfo, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, nil, err
	}
	n, err := io.ReadFull(f, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, info, err
}

// WriteSmall makes a file.
func (Local) WriteSmall(name string, b []byte, modified time.Time, sync bool) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && sync {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil && !modified.IsZero() {
		err = os.Chtimes(name, time.Time{}, modified)
	}
	return err
}

// Base is the last element, of "." and ".." that of what they are.
func (Local) Base(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		return filepath.Base(abs)
	}
	return filepath.Base(name)
}

func (Local) Chtimes(name string, access, modified time.Time) error {
	return os.Chtimes(name, access, modified)
}

// Same reports whether the other place is this machine too.
func (Local) Same(o FileSystem) bool { _, ok := o.(Local); return ok }

// remote is files behind the API.
type remote struct{ *iofs.FS }

// Remote is files behind the API; names have slashes.
func Remote(f *iofs.FS) FileSystem { return remote{f} }

func (r remote) Open(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := r.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (r remote) Join(dir, elem string) string {
	if dir == "." {
		return elem
	}
	return dir + "/" + elem
}

func (r remote) Base(name string) string { return path.Base(name) }

func (r remote) Same(o FileSystem) bool {
	other, ok := o.(remote)
	return ok && r.FS.Same(other.FS)
}
