package iofs

import (
	"context"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Config configures an FS. The zero value is that of a program that opens files of its own machine as itself.
type Config struct {
	// Contexts go with every create: an *api.Credential, for a redirector.
	Contexts []any
	// Token is who opens; nil means the process itself.
	Token *nt.Token
	// Context ends what is under way; nil means that nothing does.
	Context context.Context
	// CaseSensitive opens names as they are spelled, where the file system can.
	CaseSensitive bool
}

// FS is the files below a directory.
type FS struct {
	api  api.API
	dir  string
	cfg  Config
	ctx  context.Context
	asks []any // Contexts and the wish for what a create knows
}

var (
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
	_ fs.ReadFileFS = (*FS)(nil)
	_ fs.SubFS      = (*FS)(nil)
)

// New gives the files below dir, a name of the namespace such as `\rdr\server\share\folder`. Nothing is opened yet.
func New(a api.API, dir string, cfg Config) *FS {
	f := &FS{api: a, dir: strings.TrimRight(dir, `\`), cfg: cfg, ctx: cfg.Context}
	if f.ctx == nil {
		f.ctx = context.Background()
	}
	f.asks = append(append([]any(nil), cfg.Contexts...), api.OpenInformation{})
	return f
}

// WithContext gives the same files, whose calls end with ctx.
func (f *FS) WithContext(ctx context.Context) *FS {
	c := *f
	c.ctx, c.cfg.Context = ctx, ctx
	return &c
}

// Sub gives the files below a directory of f. It is not looked for until something is opened.
func (f *FS) Sub(name string) (fs.FS, error) {
	dir, err := f.path("sub", name)
	if err != nil {
		return nil, err
	}
	c := *f
	c.dir = dir
	return &c, nil
}

// Same reports whether a file of the other can be renamed to be one of f: both go the same way, as the same user, to one share or one disk's device.
func (f *FS) Same(o *FS) bool {
	return f.api == o.api && f.cfg.Token == o.cfg.Token && slices.Equal(f.cfg.Contexts, o.cfg.Contexts) && nt.EqualFold(Volume(f.dir), Volume(o.dir))
}

// Volume is the part of a name of the namespace within which files are renamed: of \\rdr the server and the share, else the device.
func Volume(dir string) string {
	parts := strings.SplitN(dir, `\`, 5)
	if len(parts) > 3 && nt.EqualFold(parts[1], "rdr") {
		return strings.Join(parts[:4], `\`)
	}
	return strings.Join(parts[:min(2, len(parts))], `\`)
}

// Path is the name of the namespace that a name of f stands for.
func (f *FS) Path(name string) (string, error) { return f.path("path", name) }

func (f *FS) path(op, name string) (string, error) {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\:\x00") {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return f.dir, nil
	}
	return f.dir + `\` + strings.ReplaceAll(name, "/", `\`), nil
}

const shareAll = nt.FileShareRead | nt.FileShareWrite | nt.FileShareDelete

func (f *FS) args(op, name string, access nt.AccessMask, disposition, options, attributes uint32) (*api.CreateArgs, error) {
	path, err := f.path(op, name)
	if err != nil {
		return nil, err
	}
	return &api.CreateArgs{Name: path, Token: f.cfg.Token, DesiredAccess: access, ShareAccess: shareAll, Disposition: disposition, Options: options,
		FileAttributes: attributes, Impersonation: api.ImpersonateImpersonation, CaseSensitive: f.cfg.CaseSensitive, Contexts: f.asks}, nil
}

// create opens or makes what a name stands for.
func (f *FS) create(op, name string, access nt.AccessMask, disposition, options, attributes uint32) (*File, error) {
	a, err := f.args(op, name, access, disposition, options, attributes)
	if err != nil {
		return nil, err
	}
	h, err := f.api.CreateFile(f.ctx, a)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	o := &File{fs: f, h: h, name: name, created: a.Result.Action == nt.FileCreated}
	if info, ok := api.Find[api.FileInfo](a.Result.Contexts); ok && a.Result.Action == nt.FileOpened {
		o.opened = &info
	}
	return o, nil
}

// Open opens a file or a directory for reading.
func (f *FS) Open(name string) (fs.File, error) {
	o, err := f.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// openFlags are what a create asks for where the flags of package os are given.
func openFlags(flag int, perm fs.FileMode) (access nt.AccessMask, options, disposition, attributes uint32) {
	access = nt.FileReadAttributes | nt.Synchronize
	switch flag & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR) {
	case os.O_RDONLY:
		access |= nt.FileGenericRead
	case os.O_WRONLY:
		access |= nt.FileGenericWrite
	case os.O_RDWR:
		access |= nt.FileGenericRead | nt.FileGenericWrite
	}
	if flag&os.O_APPEND != 0 {
		access &^= nt.FileWriteData
	}
	disposition, attributes = nt.FileOpen, nt.FileAttributeNormal
	switch flag & (os.O_CREATE | os.O_EXCL | os.O_TRUNC) {
	case os.O_CREATE:
		disposition = nt.FileOpenIf
	case os.O_CREATE | os.O_EXCL, os.O_CREATE | os.O_EXCL | os.O_TRUNC:
		disposition = nt.FileCreate
	case os.O_CREATE | os.O_TRUNC:
		disposition = nt.FileOverwriteIf
	case os.O_TRUNC:
		disposition = nt.FileOverwrite
	}
	if access&(nt.FileWriteData|nt.FileAppendData) != 0 || disposition != nt.FileOpen {
		options |= nt.FileNonDirectoryFile
	}
	if flag&os.O_CREATE != 0 && perm != 0 && perm&0o200 == 0 {
		attributes = nt.FileAttributeReadonly
	}
	if flag&os.O_SYNC != 0 {
		options |= nt.FileWriteThrough
	}
	return access, options, disposition, attributes
}

// OpenFile opens with the flags of package os. Of perm the bit of the owner's writing counts alone: a new file without it is read-only. O_APPEND
// has the file system put every write at the end; servers that do not do that for a client are told where the end is, and two programs that append at once
// may then overwrite each other. O_SYNC makes each durable before it returns.
func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (*File, error) {
	if flag&(os.O_WRONLY|os.O_RDWR) == os.O_WRONLY|os.O_RDWR {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	access, options, disposition, attributes := openFlags(flag, perm)
	o, err := f.create("open", name, access, disposition, options, attributes)
	if err != nil {
		return nil, err
	}
	o.append = flag&os.O_APPEND != 0
	return o, nil
}

// OpenAccess opens what is there with just these rights and create options (MS-SMB2 2.2.13), for calls of package api on its handle.
func (f *FS) OpenAccess(name string, access nt.AccessMask, options uint32) (*File, error) {
	return f.create("open", name, access|nt.Synchronize, nt.FileOpen, options, 0)
}

// API is what f goes through.
func (f *FS) API() api.API { return f.api }

// Create makes a file, or empties the one there is, for reading and writing.
func (f *FS) Create(name string) (*File, error) {
	return f.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0)
}

// Stat says what there is under a name. Links are followed by who serves the files, if at all.
func (f *FS) Stat(name string) (fs.FileInfo, error) { return f.stat("stat", name, 0) }

// Lstat says the same of a link itself.
func (f *FS) Lstat(name string) (fs.FileInfo, error) {
	return f.stat("lstat", name, nt.FileOpenReparsePoint)
}

// ReadFile gives the content of a file.
func (f *FS) ReadFile(name string) ([]byte, error) {
	o, err := f.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	i, ok := o.Opened()
	if !ok {
		if i, err = o.Stat(); err != nil {
			return nil, err
		}
	}
	if i.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: nt.StatusFileIsADirectory}
	}
	b := make([]byte, 0, min(i.Size(), 1<<20)+1)
	for {
		n, err := o.Read(b[len(b):cap(b)])
		if b = b[:len(b)+n]; err == io.EOF {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}

// WriteFile makes a file of b, or gives the one there is that content.
func (f *FS) WriteFile(name string, b []byte, perm fs.FileMode) error {
	o, err := f.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	if _, err = o.Write(b); err != nil {
		o.Close()
		return err
	}
	return o.Close()
}

// Mkdir makes a directory.
func (f *FS) Mkdir(name string, _ fs.FileMode) error {
	_, err := f.brief("mkdir", name, nt.FileReadAttributes|nt.Synchronize, nt.FileCreate, nt.FileDirectoryFile, nt.FileAttributeDirectory)
	return err
}

// MkdirAll makes a directory and those that it lies in, as far as they are not there.
func (f *FS) MkdirAll(name string, perm fs.FileMode) error {
	if name == "." {
		return nil
	}
	_, err := f.brief("mkdir", name, nt.FileReadAttributes|nt.Synchronize, nt.FileOpenIf, nt.FileDirectoryFile, nt.FileAttributeDirectory)
	if err == nil {
		return nil
	}
	i := strings.LastIndexByte(name, '/')
	if i < 0 || !isStatus(err, nt.StatusObjectPathNotFound) {
		return err
	}
	if err := f.MkdirAll(name[:i], perm); err != nil {
		return err
	}
	return f.MkdirAll(name, perm)
}

// Remove deletes a file, a link or an empty directory. A read-only file is not deleted.
func (f *FS) Remove(name string) error {
	_, err := f.brief("remove", name, nt.Delete|nt.FileReadAttributes|nt.Synchronize, nt.FileOpen, nt.FileOpenReparsePoint, 0,
		setting(nt.FileDispositionInformation, []byte{1}))
	return err
}

// RemoveAll deletes what there is under a name, with all that is below it. It is no error if there is nothing.
func (f *FS) RemoveAll(name string) error {
	err := f.Remove(name)
	switch {
	case err == nil || isStatus(err, nt.StatusObjectNameNotFound, nt.StatusObjectPathNotFound):
		return nil
	case !isStatus(err, nt.StatusDirectoryNotEmpty):
		return err
	}
	list, err := f.ReadDir(name)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := f.RemoveAll(join(name, e.Name())); err != nil {
			return err
		}
	}
	return f.Remove(name)
}

// Rename gives a file another name, which it takes from the file that has it. A directory takes no name that is there.
func (f *FS) Rename(from, to string) error {
	return f.link("rename", from, to, nt.Delete, nt.FileRenameInformation, true)
}

// Link gives a file one name more. If the name is there, that is an error.
func (f *FS) Link(from, to string) error {
	return f.link("link", from, to, nt.FileWriteAttributes, nt.FileLinkInformation, false)
}

func (f *FS) link(op, from, to string, access nt.AccessMask, class nt.FileInfoClass, replace bool) error {
	target, err := f.path(op, to)
	if err != nil {
		return &os.LinkError{Op: op, Old: from, New: to, Err: fs.ErrInvalid}
	}
	b := make([]byte, 20, 24+2*len(target)) // MS-FSCC 2.4.43: ReplaceIfExists, RootDirectory, FileNameLength, FileName
	if replace {
		b[0] = 1
	}
	b = nt.AppendUTF16(b, OnDevice(target))
	le.PutUint32(b[16:], uint32(len(b)-20))
	for len(b) < 24 {
		b = append(b, 0)
	}
	once := func() error {
		_, err := f.brief(op, from, access|nt.FileReadAttributes|nt.Synchronize, nt.FileOpen, nt.FileOpenReparsePoint, 0, setting(class, b))
		return err
	}
	err = once()
	if replace && isStatus(err, nt.StatusObjectNameCollision, nt.StatusAccessDenied) && nt.EqualFold(from, to) && from != to {
		// Some servers take the file itself for one that is in the way of another spelling of its name.
		b[0] = 0
		err = once()
	}
	if err != nil {
		return &os.LinkError{Op: op, Old: from, New: to, Err: statusOf(err)}
	}
	return nil
}

// Chtimes sets the times of last access and of last writing; a zero time leaves one as it is.
func (f *FS) Chtimes(name string, access, modified time.Time) error {
	_, err := f.brief("chtimes", name, nt.FileWriteAttributes|nt.Synchronize, nt.FileOpen, 0, 0, setTimes(access, modified))
	return err
}

// Chmod makes a file read-only if mode has not the bit of the owner's writing, and takes that back if it has.
func (f *FS) Chmod(name string, mode fs.FileMode) error {
	o, err := f.create("chmod", name, nt.FileReadAttributes|nt.FileWriteAttributes|nt.Synchronize, nt.FileOpen, 0, 0)
	if err != nil {
		return err
	}
	defer o.Close()
	i, err := o.information("chmod")
	if err != nil {
		return err
	}
	attributes := i.Attributes&^nt.FileAttributeReadonly&^nt.FileAttributeNormal&^nt.FileAttributeDirectory | nt.FileAttributeNormal
	if mode&0o200 == 0 {
		attributes = attributes&^nt.FileAttributeNormal | nt.FileAttributeReadonly
	}
	return o.set("chmod", nt.FileBasicInformation, (&api.FileInfo{Attributes: attributes}).AppendBasic(nil))
}

// Truncate makes a file as long as size says.
func (f *FS) Truncate(name string, size int64) error {
	if size < 0 {
		return &fs.PathError{Op: "truncate", Path: name, Err: fs.ErrInvalid}
	}
	_, err := f.brief("truncate", name, nt.FileWriteData|nt.Synchronize, nt.FileOpen, nt.FileNonDirectoryFile, 0,
		setting(nt.FileEndOfFileInformation, le.AppendUint64(nil, uint64(size))))
	return err
}

// OnDevice takes the device off a name of the namespace, as the information classes with new names want it: a new name is one of the device on which the file lies.
func OnDevice(path string) string {
	if i := strings.IndexByte(path[1:], '\\'); i >= 0 {
		return path[1+i:]
	}
	return `\`
}

func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}
