package iofs

import (
	"io"
	"io/fs"
	"slices"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// listBuffer is how much of a directory is asked for at a time: what one credit carries.
const listBuffer = 64 << 10

// dirState is a listing under way.
type dirState struct {
	buf   []byte
	r     *api.DirReader
	begun bool
	end   bool
}

const listClass = nt.FileIdBothDirectoryInformation

// next gives the next entry but for "." and "..", io.EOF after the last.
func (o *File) next(d *dirState) (*fileInfo, error) {
	for {
		if d.r != nil {
			i, more, err := d.r.Next()
			switch {
			case err != nil:
				return nil, err
			case !more:
				d.r = nil
			case i.Name == "." || i.Name == "..":
				continue
			case i.Name == "" || strings.ContainsAny(i.Name, "\\/\x00"):
				return nil, nt.StatusInvalidNetworkResponse // a name that leads elsewhere
			default:
				return newFileInfo(i.Name, i), nil
			}
		}
		if d.end {
			return nil, io.EOF
		}
		if d.buf == nil {
			d.buf = make([]byte, listBuffer)
		}
		n, err := o.fs.api.QueryDirectoryFile(o.fs.ctx, o.h, listClass, &api.DirArgs{Pattern: "*", Restart: !d.begun}, d.buf)
		d.begun = true
		switch err {
		case nil:
		case nt.StatusNoMoreFiles, nt.StatusNoSuchFile:
			d.end, d.buf = true, nil
			continue
		default:
			return nil, err
		}
		if n == 0 {
			return nil, nt.StatusInvalidNetworkResponse
		}
		d.r, _ = api.NewDirReader(listClass, d.buf[:n])
	}
}

// ReadDir gives the next n entries in the order of the file system, or with n of zero or less the rest of them.
func (o *File) ReadDir(n int) ([]fs.DirEntry, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, o.fail("readdir", fs.ErrClosed)
	}
	if o.list == nil {
		o.list = &dirState{}
	}
	var list []fs.DirEntry
	for n <= 0 || len(list) < n {
		e, err := o.next(o.list)
		if err == io.EOF {
			if n > 0 && len(list) == 0 {
				return nil, io.EOF
			}
			break
		}
		if err != nil {
			return list, o.fail("readdir", err)
		}
		list = append(list, e)
	}
	return list, nil
}

// ReadDir gives the entries of a directory, sorted by name.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	o, err := f.create("readdir", name, nt.FileListDirectory|nt.FileReadAttributes|nt.Synchronize, nt.FileOpen, nt.FileDirectoryFile, 0)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	list, err := o.ReadDir(-1)
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, err
}
