package pvfs

import (
	"encoding/binary"
	"os"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// attributes derives DOS attributes from a mode: read-only is a mode without write bits.
func attributes(info os.FileInfo) uint32 {
	if info.IsDir() {
		return nt.FileAttributeDirectory
	}
	a := uint32(nt.FileAttributeArchive)
	if info.Mode()&0o222 == 0 {
		a |= nt.FileAttributeReadonly
	}
	return a
}

// describe makes the common information of a stat. POSIX keeps no creation time: the earliest of the others stands for it.
func describe(info os.FileInfo, name string) api.FileInfo {
	d := detailsOf(info)
	i := api.FileInfo{Attributes: attributes(info), Links: d.links, Directory: info.IsDir(), FileID: d.id.ino, VolumeID: d.id.dev, Name: name,
		LastAccessTime: nt.TimeOf(d.atime), LastWriteTime: nt.TimeOf(info.ModTime()), ChangeTime: nt.TimeOf(d.ctime)}
	i.CreationTime = min(i.LastWriteTime, i.ChangeTime)
	if !i.Directory {
		i.EndOfFile, i.AllocationSize = info.Size(), d.blocks*512
	}
	return i
}

// QueryInformation answers the common classes and the stream list.
func (f *file) QueryInformation(r *api.Request) {
	info, err := fstat(f.h)
	if err != nil {
		r.Fail(err)
		return
	}
	f.nameMu.RLock()
	name := f.shareName()
	f.nameMu.RUnlock()
	i := describe(info, name)
	f.v.mu.Lock()
	i.DeletePending = f.deleteOnClose
	f.v.mu.Unlock()
	if i.DeletePending && i.Links > 0 {
		i.Links--
	}
	if i.Answer(r) {
		return
	}
	switch nt.FileInfoClass(r.Code) {
	case nt.FileStreamInformation: // MS-FSCC 2.4.49: the unnamed stream of a file
		if f.isDir {
			r.Complete(nt.StatusSuccess, 0)
			return
		}
		const stream = "::$DATA"
		b := make([]byte, 24, 24+2*len(stream))
		le.PutUint32(b[4:], 2*uint32(len(stream)))
		le.PutUint64(b[8:], uint64(i.EndOfFile))
		le.PutUint64(b[16:], uint64(i.AllocationSize))
		b = nt.AppendUTF16(b, stream)
		if len(r.Out) < len(b) {
			r.Complete(nt.StatusBufferOverflow, 0)
			return
		}
		r.Complete(nt.StatusSuccess, copy(r.Out, b))
	case nt.FileCompressionInformation:
		if len(r.Out) < 16 {
			r.Complete(nt.StatusInfoLengthMismatch, 0)
			return
		}
		clear(r.Out[:16])
		le.PutUint64(r.Out, uint64(i.EndOfFile))
		r.Complete(nt.StatusSuccess, 16)
	default:
		r.Complete(nt.StatusInvalidInfoClass, 0)
	}
}

// SetInformation changes times, attributes, size, name and the fate of the file (MS-FSA 2.1.5.15).
func (f *file) SetInformation(r *api.Request) {
	need, access := 0, nt.AccessMask(0)
	class := nt.FileInfoClass(r.Code)
	switch class {
	case nt.FileBasicInformation:
		need, access = 36, nt.FileWriteAttributes
	case nt.FileEndOfFileInformation, nt.FileAllocationInformation:
		need, access = 8, nt.FileWriteData
	case nt.FileDispositionInformation:
		need, access = 1, nt.Delete
	case nt.FileRenameInformation:
		need, access = 20, nt.Delete
	case nt.FilePositionInformation, nt.FileModeInformation:
		r.Complete(nt.StatusSuccess, len(r.In)) // of no effect for an open whose reads and writes have offsets
		return
	default:
		r.Complete(nt.StatusInvalidInfoClass, 0)
		return
	}
	if f.granted&access == 0 {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	if len(r.In) < need {
		r.Complete(nt.StatusInfoLengthMismatch, 0)
		return
	}
	var status nt.Status
	switch class {
	case nt.FileBasicInformation:
		status = f.setBasic(r.In)
	case nt.FileEndOfFileInformation:
		status = f.setSize(int64(le.Uint64(r.In)), true)
	case nt.FileAllocationInformation:
		status = f.setSize(int64(le.Uint64(r.In)), false)
	case nt.FileDispositionInformation:
		status = f.setDisposition(r.In[0] != 0)
	case nt.FileRenameInformation:
		status = f.rename(r.In)
	}
	r.Complete(status, 0)
}

func (f *file) setBasic(b []byte) nt.Status {
	at := func(i int) (time.Time, bool) { // 0, -1 and -2 leave a time as it is
		v := int64(le.Uint64(b[i:]))
		if v <= 0 {
			return time.Time{}, v >= -2
		}
		return nt.Time(v).Go(), true
	}
	atime, ok1 := at(8)
	mtime, ok2 := at(16)
	if !ok1 || !ok2 {
		return nt.StatusInvalidParameter
	}
	if a := le.Uint32(b[32:]); a != 0 && !f.isDir {
		if a&nt.FileAttributeDirectory != 0 {
			return nt.StatusInvalidParameter
		}
		info, err := fstat(f.h)
		if err != nil {
			return nt.StatusOf(err)
		}
		mode := info.Mode().Perm()
		switch readonly := a&nt.FileAttributeReadonly != 0; {
		case readonly:
			mode &^= 0o222
		case mode&0o222 == 0:
			mode |= 0o200
		}
		if err := f.h.Chmod(mode); err != nil {
			return nt.StatusOf(err)
		}
	}
	if atime.IsZero() && mtime.IsZero() {
		return nt.StatusSuccess
	}
	return nt.StatusOf(setTimes(f.h, atime, mtime))
}

// setSize sets the end of the file; an allocation only ever cuts it (MS-FSA 2.1.5.15.1).
func (f *file) setSize(size int64, grow bool) nt.Status {
	if size < 0 || f.isDir {
		return nt.StatusInvalidParameter
	}
	if !grow {
		info, err := fstat(f.h)
		if err != nil || size >= info.Size() {
			return nt.StatusOf(err)
		}
	}
	return nt.StatusOf(f.h.Truncate(size))
}

func (f *file) setDisposition(remove bool) nt.Status {
	if remove {
		if f.name == "" {
			return nt.StatusCannotDelete
		}
		info, err := fstat(f.h)
		if err != nil {
			return nt.StatusOf(err)
		}
		if attributes(info)&nt.FileAttributeReadonly != 0 {
			return nt.StatusCannotDelete
		}
		if f.isDir {
			d, err := openAt(f.h, ".", os.O_RDONLY|oDirectory, 0)
			if err != nil {
				return nt.StatusOf(err)
			}
			names, _ := d.Readdirnames(1)
			d.Close()
			if len(names) > 0 {
				return nt.StatusDirectoryNotEmpty
			}
		}
	}
	f.v.mu.Lock()
	f.deleteOnClose = remove
	if remove {
		f.v.deleting[f.id] = true
	} else {
		delete(f.v.deleting, f.id)
	}
	f.v.mu.Unlock()
	return nt.StatusSuccess
}

// rename is FileRenameInformation (MS-FSCC 2.4.42.2). The new name is one of the volume's if it begins with a backslash, else one in the file's
// own directory.
func (f *file) rename(b []byte) nt.Status {
	replace := b[0] != 0
	n := le.Uint32(b[16:])
	if n == 0 || n%2 != 0 || uint64(n) > uint64(len(b)-20) || le.Uint64(b[8:]) != 0 {
		return nt.StatusInvalidParameter
	}
	name := nt.DecodeUTF16(b[20 : 20+n])
	f.nameMu.Lock()
	defer f.nameMu.Unlock()
	if f.name == "" {
		return nt.StatusAccessDenied
	}
	var to *place
	if name[0] != '\\' {
		if !validName(name) {
			return nt.StatusObjectNameInvalid
		}
		dir, err := openAt(f.dir, ".", os.O_RDONLY|oDirectory, 0)
		if err != nil {
			return nt.StatusOf(err)
		}
		found, info, err := find(dir, name)
		if err != nil {
			dir.Close()
			return nt.StatusOf(err)
		}
		to = &place{dir: dir, name: found, info: info, path: f.path[:len(f.path)-len(f.name)] + name}
	} else {
		parts, status := split(name)
		if status == nt.StatusSuccess {
			to, status = f.v.lookup(parts)
		}
		if status != nt.StatusSuccess {
			return status
		}
		if to.name == "" {
			to.close()
			return nt.StatusObjectNameCollision
		}
		name = parts[len(parts)-1]
		to.path = to.path[:len(to.path)-len(to.name)] + name
	}
	if to.info != nil && detailsOf(to.info).id != f.id {
		switch {
		case !replace:
			to.close()
			return nt.StatusObjectNameCollision
		case to.info.IsDir() || attributes(to.info)&nt.FileAttributeReadonly != 0:
			to.close()
			return nt.StatusAccessDenied
		}
		if to.name != name { // the one that is replaced differs in case
			if err := unlinkAt(to.dir, to.name, false); err != nil {
				to.close()
				return nt.StatusOf(err)
			}
		}
	}
	if err := renameAt(f.dir, f.name, to.dir, name); err != nil {
		to.close()
		return nt.StatusOf(err)
	}
	f.dir.Close()
	f.dir, f.name, f.path = to.dir, name, to.path
	return nt.StatusSuccess
}
