package pvfs

import (
	"encoding/binary"
	"os"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// describe makes the common information of a file.
func describe(info os.FileInfo, a dosAttributes, name string) api.FileInfo {
	d := detailsOf(info)
	i := api.FileInfo{Attributes: a.of(info), Links: d.links, Directory: info.IsDir(), FileID: d.id.ino, VolumeID: d.id.dev, Name: name,
		LastAccessTime: nt.TimeOf(d.atime), LastWriteTime: nt.TimeOf(info.ModTime()), ChangeTime: nt.TimeOf(d.ctime), CreationTime: a.created}
	if i.CreationTime == 0 {
		i.CreationTime = min(i.LastWriteTime, i.ChangeTime)
		if !d.btime.IsZero() {
			i.CreationTime = nt.TimeOf(d.btime)
		}
	}
	if !i.Directory {
		i.EndOfFile, i.AllocationSize = info.Size(), d.blocks*512
	}
	return i
}

// describe makes that of an open file.
func (f *file) describe() (api.FileInfo, error) {
	info, err := fstat(f.h)
	if err != nil {
		return api.FileInfo{}, err
	}
	n, l := f.node, f.link
	n.mu.Lock()
	path, deleting, gone := l.path, l.deleting, l.gone
	n.mu.Unlock()
	i := describe(info, readDOS(f.h), `\`+ntPath(path))
	i.DeletePending = deleting
	if deleting && !gone && i.Links > 0 {
		i.Links--
	}
	return i, nil
}

// QueryInformation answers the common classes and the stream list.
func (f *file) QueryInformation(r *api.Request) {
	i, err := f.describe()
	if err != nil {
		r.Fail(err)
		return
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

// settable says what each class needs: its fixed length and the access (MS-FSA 2.1.5.15).
var settable = map[nt.FileInfoClass]struct {
	need   int
	access nt.AccessMask
	set    func(*file, *api.Request)
}{
	nt.FileBasicInformation:         {36, nt.FileWriteAttributes, (*file).setBasic},
	nt.FileEndOfFileInformation:     {8, nt.FileWriteData, (*file).setEndOfFile},
	nt.FileAllocationInformation:    {8, nt.FileWriteData, (*file).setAllocation},
	nt.FileDispositionInformation:   {1, nt.Delete, (*file).setDisposition},
	nt.FileDispositionInformationEx: {4, nt.Delete, (*file).setDispositionEx},
	nt.FileRenameInformation:        {20, nt.Delete, (*file).setName},
	nt.FileRenameInformationEx:      {20, nt.Delete, (*file).setName},
	nt.FileLinkInformation:          {20, 0, (*file).setLink},
	nt.FilePositionInformation:      {8, 0, (*file).setNothing},
	nt.FileModeInformation:          {4, 0, (*file).setNothing},
}

// SetInformation changes times, attributes, size, name and the fate of the file.
func (f *file) SetInformation(r *api.Request) {
	s, ok := settable[nt.FileInfoClass(r.Code)]
	switch {
	case !ok:
		r.Complete(nt.StatusInvalidInfoClass, 0)
	case len(r.In) < s.need:
		r.Complete(nt.StatusInfoLengthMismatch, 0)
	case s.access != 0 && f.granted&s.access == 0:
		r.Complete(nt.StatusAccessDenied, 0)
	default:
		s.set(f, r)
	}
}

// setNothing is for what has no effect on an open whose reads and writes have offsets.
func (f *file) setNothing(r *api.Request) { r.Complete(nt.StatusSuccess, 0) }

// setBasic sets times and attributes. Of a time 0 and -1 leave it as it is and -2 lets it change by itself again.
func (f *file) setBasic(r *api.Request) {
	at := func(i int) (nt.Time, bool) {
		v := int64(le.Uint64(r.In[i:]))
		if v <= 0 {
			return 0, v >= -2
		}
		return nt.Time(v), true
	}
	created, ok0 := at(0)
	atime, ok1 := at(8)
	mtime, ok2 := at(16)
	_, ok3 := at(24) // the change time is the file system's own
	if !ok0 || !ok1 || !ok2 || !ok3 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	attrs := le.Uint32(r.In[32:])
	if !f.isDir && attrs&nt.FileAttributeDirectory != 0 || f.isDir && attrs&nt.FileAttributeTemporary != 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if attrs != 0 || created != 0 {
		if err := f.setDOS(attrs, created); err != nil {
			r.Fail(err)
			return
		}
	}
	if atime != 0 || mtime != 0 {
		var a, m time.Time
		if atime != 0 {
			a = atime.Go()
		}
		if mtime != 0 {
			m = mtime.Go()
		}
		if err := setTimes(f.h, a, m); err != nil {
			r.Fail(err)
			return
		}
	}
	filter := uint32(0)
	for _, c := range []struct {
		set    bool
		filter uint32
	}{{attrs != 0, nt.FileNotifyChangeAttributes}, {created != 0, nt.FileNotifyChangeCreation}, {atime != 0, nt.FileNotifyChangeLastAccess}, {mtime != 0, nt.FileNotifyChangeLastWrite}} {
		if c.set {
			filter |= c.filter
		}
	}
	if filter != 0 {
		path := f.node.pathOf(f.link)
		f.v.report(filter, nt.FileActionModified, path)
		f.v.contendParent(path, f.parent)
	}
	r.Complete(nt.StatusSuccess, 0)
}

// setEndOfFile sets the end of the file (MS-FSA 2.1.5.15.4).
func (f *file) setEndOfFile(r *api.Request) { f.setSize(r, true) }

// setAllocation cuts a file to the allocation where that is less than its size, and else makes room (MS-FSA 2.1.5.15.1).
func (f *file) setAllocation(r *api.Request) { f.setSize(r, false) }

func (f *file) setSize(r *api.Request, end bool) {
	size := int64(le.Uint64(r.In))
	if size < 0 || f.isDir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	info, err := fstat(f.h)
	if err != nil {
		r.Fail(err)
		return
	}
	f.node.opens.ContendReads(f.open)
	if end || size < info.Size() {
		from, to := min(size, info.Size()), max(size, info.Size())
		if status := f.node.locks.CheckWrite(f.owner, 0, uint64(from), uint64(to-from)); status != nt.StatusSuccess {
			r.Complete(status, 0)
			return
		}
		err = f.h.Truncate(size)
	} else if size > info.Size() {
		err = allocate(f.h, size)
	}
	if err == nil && size != info.Size() {
		f.written.Store(true)
		f.v.report(nt.FileNotifyChangeSize, nt.FileActionModified, f.node.pathOf(f.link))
	}
	r.Complete(nt.StatusOf(err), 0)
}
