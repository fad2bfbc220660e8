package iofs

import (
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// brief opens a file, has requests done and closes it: in one go where that can be (api.Then), else one after the other. Each request has its
// result in it; those that come after one that failed may not have been tried. The open has FileInfo in its result if the file system said.
func (f *FS) brief(op, name string, access nt.AccessMask, disposition, options, attributes uint32, requests ...*api.Request) (*api.CreateArgs, error) {
	a, err := f.args(op, name, access, disposition, options, attributes)
	if err != nil {
		return nil, err
	}
	a.Contexts = append(append(make([]any, 0, len(f.asks)+1), f.asks...), &api.Then{Requests: requests, Close: true})
	h, err := f.api.CreateFile(f.ctx, a)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	if _, done := api.Find[api.ThenDone](a.Result.Contexts); !done {
		for _, r := range requests {
			r.Handle = h
			if api.Do(f.ctx, f.api, r); r.Status.IsError() {
				break
			}
		}
	}
	err = f.api.Close(h)
	for _, r := range requests {
		if r.Status.IsError() {
			return a, &fs.PathError{Op: op, Path: name, Err: r.Status}
		}
	}
	if err != nil {
		return a, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return a, nil
}

func setting(class nt.FileInfoClass, b []byte) *api.Request {
	return &api.Request{Op: api.OpSetInformation, Code: uint32(class), In: b}
}

// stat asks for the attributes too, since not every file system says with the open what it has opened.
func (f *FS) stat(op, name string, options uint32) (fs.FileInfo, error) {
	a, err := f.brief(op, name, nt.FileReadAttributes|nt.Synchronize, nt.FileOpen, options, 0)
	if err != nil {
		return nil, err
	}
	if info, ok := api.Find[api.FileInfo](a.Result.Contexts); ok && info.Attributes&nt.FileAttributeReparsePoint == 0 {
		return newFileInfo(path.Base(name), info), nil
	}
	o, err := f.create(op, name, nt.FileReadAttributes|nt.Synchronize, nt.FileOpen, options, 0)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	return o.Stat()
}

// ReadSmall reads the first bytes of a file into b, in one go where the file system can, and says what the file was. If they are not all there are,
// info says how long it is; the rest is for who opens it.
func (f *FS) ReadSmall(name string, b []byte) (n int, info fs.FileInfo, err error) {
	access, options, _, _ := openFlags(os.O_RDONLY, 0)
	r := &api.Request{Op: api.OpRead, Out: b}
	a, err := f.brief("open", name, access, nt.FileOpen, options|nt.FileNonDirectoryFile, 0, r)
	if r.Status == nt.StatusEndOfFile {
		err = nil
	}
	if err != nil {
		return 0, nil, err
	}
	if i, ok := api.Find[api.FileInfo](a.Result.Contexts); ok && i.Attributes&nt.FileAttributeReparsePoint == 0 {
		return r.N, newFileInfo(path.Base(name), i), nil
	}
	info, err = f.Stat(name)
	return r.N, info, err
}

// WriteSmall makes a file of b, or gives the one there is that content, in one go where the file system can. A modified time that is not zero
// becomes that of the file, and sync has it durable.
func (f *FS) WriteSmall(name string, b []byte, modified time.Time, sync bool) error {
	access, options, disposition, attributes := openFlags(os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0)
	var list []*api.Request
	var write *api.Request
	if len(b) > 0 {
		write = &api.Request{Op: api.OpWrite, In: b}
		list = append(list, write)
	}
	if !modified.IsZero() {
		access |= nt.FileWriteAttributes
		list = append(list, setting(nt.FileBasicInformation, (&api.FileInfo{LastWriteTime: nt.TimeOf(modified)}).AppendBasic(nil)))
	}
	if sync {
		list = append(list, &api.Request{Op: api.OpFlush})
	}
	_, err := f.brief("open", name, access, disposition, options, attributes, list...)
	if err == nil && write != nil && write.N < len(b) {
		err = &fs.PathError{Op: "write", Path: name, Err: io.ErrShortWrite}
	}
	return err
}
