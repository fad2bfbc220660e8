package pvfs

import (
	"encoding/binary"
	"os"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// describe makes the common information of a file.
func describe(info os.FileInfo, a dosAttributes, name string) api.FileInfo {
	d := detailsOf(info)
	i := api.FileInfo{Attributes: a.of(info), Links: d.links, Directory: info.IsDir(), FileID: d.id.ino, VolumeID: d.id.dev, Name: name,
		LastAccessTime: nt.TimeOf(d.atime), LastWriteTime: a.writeTime(nt.TimeOf(info.ModTime())), ChangeTime: a.changeTime(nt.TimeOf(d.ctime)),
		CreationTime: a.created}
	if i.CreationTime == 0 {
		i.CreationTime = min(i.LastWriteTime, i.ChangeTime)
		if !d.btime.IsZero() {
			i.CreationTime = nt.TimeOf(d.btime)
		}
	}
	if !i.Directory {
		i.EndOfFile, i.AllocationSize = info.Size(), allocation(info, 0)
	}
	return i
}

// allocation is what a file takes on the disk, of which asked was asked for. Some file systems count the block of the extended attributes with
// it, which is none of the data's.
func allocation(info os.FileInfo, asked int64) int64 {
	const unit = 4096
	has, want := detailsOf(info).blocks*512, (max(info.Size(), asked)+unit-1)&^(unit-1)
	if has > want && has-want <= unit {
		return want
	}
	return has
}

// describe makes that of an open file.
func (f *file) describe() (api.FileInfo, error) {
	info, err := fstat(f.h)
	if err != nil {
		return api.FileInfo{}, err
	}
	return f.describeAs(info, readDOS(f.h))
}

// describeAs is describe of what is known of the file.
func (f *file) describeAs(info os.FileInfo, d dosAttributes) (i api.FileInfo, err error) {
	n, l := f.node, f.link
	n.mu.Lock()
	path, deleting, gone := l.path, l.deleting, l.gone
	if f.named() {
		deleting = f.stream.deleting
	}
	i = describe(info, d, `\`+ntPath(f.shown(path)))
	i.LastWriteTime = n.write.of(i.LastWriteTime)
	if !n.dir {
		i.AllocationSize = allocation(info, n.asked)
	}
	if f.stickyChange != 0 {
		i.ChangeTime = f.stickyChange
	}
	n.mu.Unlock()
	i.Position, i.Mode = f.position.Load(), f.mode.Load()
	i.DeletePending = deleting
	if f.named() {
		f.stream.data.mu.RLock()
		i.Name += ":" + f.stream.data.name
		f.stream.data.mu.RUnlock()
		i.Directory = false
		i.EndOfFile, i.AllocationSize, err = f.size()
		return i, err
	}
	if deleting && !gone && i.Links > 0 {
		i.Links--
	}
	switch {
	case f.symlink:
		f.describeLink(&i)
	case i.Attributes&nt.FileAttributeReparsePoint != 0:
		i.ReparseTag = f.reparseTag()
	}
	return i, nil
}

// queryAccess is what a query of a class needs (MS-FSA 2.1.5.12); the others need nothing.
func queryAccess(class nt.FileInfoClass) nt.AccessMask {
	switch class {
	case nt.FileBasicInformation, nt.FileAllInformation, nt.FileNetworkOpenInformation, nt.FileAttributeTagInformation:
		return nt.FileReadAttributes
	}
	return 0
}

// QueryInformation answers the common classes, the stream list, the short name and what a file that is not compressed says of that.
func (f *file) QueryInformation(r *api.Request) {
	class := nt.FileInfoClass(r.Code)
	if need := queryAccess(class); need&^f.granted != 0 && class != nt.FileNetworkOpenInformation {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	if class == nt.FileNetworkOpenInformation && f.written.Load() { // what a CLOSE answers with: what it is going to be
		f.settle()
	}
	i, err := f.describe()
	if err != nil {
		r.Fail(err)
		return
	}
	switch class {
	case nt.FileEaInformation, nt.FileAllInformation:
		i.EASize = eaSize(f.h)
	case nt.FileStreamInformation:
		f.queryStreams(r, &i)
		return
	case api.FilePosixInformation:
		f.queryPOSIX(r, &i)
		return
	case nt.FileAlternateNameInformation:
		_, name := splitPath(f.node.pathOf(f.link))
		if name == "" {
			r.Complete(nt.StatusObjectNameNotFound, 0)
			return
		}
		name = shortName(name)
		r.ReplyPart(nt.AppendUTF16(le.AppendUint32(nil, uint32(2*nt.UTF16Len(name))), name), 8)
		return
	case nt.FileCompressionInformation:
		b := le.AppendUint64(make([]byte, 0, 16), uint64(i.EndOfFile))
		r.ReplyPart(append(b, make([]byte, 8)...), 16)
		return
	}
	if !i.Answer(r) {
		r.Complete(nt.StatusInvalidInfoClass, 0)
	}
}

// queryStreams lists the streams (MS-FSCC 2.4.49). A list that does not fit ends with the last entry that does.
func (f *file) queryStreams(r *api.Request, i *api.FileInfo) {
	end, allocated := i.EndOfFile, i.AllocationSize
	if f.named() {
		info, err := fstat(f.h)
		if err != nil {
			r.Fail(err)
			return
		}
		end, allocated = info.Size(), detailsOf(info).blocks*512
	}
	b, err := f.appendStreams(nil, end, allocated)
	switch {
	case err != nil:
		r.Fail(err)
	case len(b) == 0:
		r.Complete(nt.StatusSuccess, 0)
	default:
		r.ReplyPart(b, 32)
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
	nt.FilePositionInformation:      {8, 0, (*file).setPosition},
	nt.FileModeInformation:          {4, 0, (*file).setMode},
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

// setPosition sets where a read without an offset would begin: what queries answer, and nothing else on opens whose reads have offsets.
func (f *file) setPosition(r *api.Request) {
	at := int64(le.Uint64(r.In))
	if at < 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	f.position.Store(at)
	r.Complete(nt.StatusSuccess, 0)
}

// reportedMode is what of the create options FileModeInformation tells.
const reportedMode = nt.FileWriteThrough | nt.FileSequentialOnly | nt.FileNoIntermediateBuffering | nt.FileDeleteOnClose

// setMode sets what of the create options can change (MS-FSCC 2.4.31).
func (f *file) setMode(r *api.Request) {
	mode := le.Uint32(r.In)
	if mode&^(nt.FileWriteThrough|nt.FileSequentialOnly) != 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	f.mode.Store(mode)
	r.Complete(nt.StatusSuccess, 0)
}

// setEndOfFile sets the end of the file (MS-FSA 2.1.5.15.4).
func (f *file) setEndOfFile(r *api.Request) { f.setSize(r, true) }

// setAllocation cuts a file to the allocation where that is less than its size, and else makes room (MS-FSA 2.1.5.15.1).
func (f *file) setAllocation(r *api.Request) { f.setSize(r, false) }

func (f *file) setSize(r *api.Request, end bool) {
	size := int64(le.Uint64(r.In))
	if size < 0 || size > maxFileSize || f.isDir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	before, _, err := f.size()
	if err != nil {
		r.Fail(err)
		return
	}
	f.stream.opens.ContendReads(f.open)
	f.beforeWrite()
	if end || size < before {
		from, to := min(size, before), max(size, before)
		if status := f.stream.locks.CheckWrite(f.owner, 0, uint64(from), uint64(to-from)); status != nt.StatusSuccess {
			r.Complete(status, 0)
			return
		}
		err = f.truncate(size)
	} else if size > before && !f.named() {
		err = allocate(f.h, size)
	}
	if err == nil && !end {
		f.node.allocated(size)
	}
	f.showWrites()
	if err == nil && size != before {
		f.written.Store(true)
		if end || size < before {
			f.noteWritten()
		}
		f.v.report(nt.FileNotifyChangeSize, nt.FileActionModified, f.node.pathOf(f.link))
	}
	r.Complete(nt.StatusOf(err), 0)
}
