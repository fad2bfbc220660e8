package api

import (
	"encoding/binary"

	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// FileInfo is what the common information classes of MS-FSCC 2.4 say about a file. A driver fills it and has it answer the query.
type FileInfo struct {
	CreationTime, LastAccessTime, LastWriteTime, ChangeTime nt.Time

	Attributes     uint32
	AllocationSize int64
	EndOfFile      int64
	Links          uint32
	DeletePending  bool
	Directory      bool
	FileID         uint64
	VolumeID       uint64
	EASize         uint32
	ReparseTag     uint32
	Position       int64
	Mode           uint32
	Name           string // with a leading backslash

	POSIX *POSIXInfo // nil where it is not asked for, or not known
}

// Answer completes a QueryInformation request from i and reports whether the class is one that it knows. A fixed class that does not fit is
// refused with StatusInfoLengthMismatch; a name that does not fit comes in part with StatusBufferOverflow.
func (i *FileInfo) Answer(r *Request) bool {
	b := make([]byte, 0, 256)
	name := false
	switch nt.FileInfoClass(r.Code) {
	case nt.FileBasicInformation:
		b = i.appendBasic(b)
	case nt.FileStandardInformation:
		b = i.appendStandard(b)
	case nt.FileInternalInformation:
		b = le.AppendUint64(b, i.FileID)
	case nt.FileEaInformation:
		b = le.AppendUint32(b, i.EASize)
	case nt.FileAccessInformation:
		b = le.AppendUint32(b, uint32(r.File().Granted()))
	case nt.FilePositionInformation:
		b = le.AppendUint64(b, uint64(i.Position))
	case nt.FileModeInformation:
		b = le.AppendUint32(b, i.Mode)
	case nt.FileAlignmentInformation:
		b = le.AppendUint32(b, 0)
	case nt.FileNameInformation, nt.FileNormalizedNameInformation:
		name = true
	case nt.FileNetworkOpenInformation:
		b = i.appendNetworkOpen(b)
	case nt.FileAttributeTagInformation:
		b = le.AppendUint32(b, i.Attributes)
		b = le.AppendUint32(b, i.ReparseTag)
	case nt.FileIdInformation:
		b = le.AppendUint64(b, i.VolumeID)
		b = le.AppendUint64(b, i.FileID)
		b = le.AppendUint64(b, 0)
	case nt.FileAllInformation:
		b = i.appendBasic(b)
		b = i.appendStandard(b)
		b = le.AppendUint64(b, i.FileID)
		b = le.AppendUint32(b, i.EASize)
		b = le.AppendUint32(b, uint32(r.File().Granted()))
		b = le.AppendUint64(b, uint64(i.Position))
		b = le.AppendUint32(b, i.Mode)
		b = le.AppendUint32(b, 0) // alignment
		name = true
	case FilePosixInformation:
		if i.POSIX == nil {
			return false
		}
		b = i.appendPOSIX(b)
	default:
		return false
	}
	if name {
		b = le.AppendUint32(b, uint32(2*nt.UTF16Len(i.Name)))
	}
	if len(r.Out) < len(b) {
		r.Complete(nt.StatusInfoLengthMismatch, 0)
		return true
	}
	if name {
		b = nt.AppendUTF16(b, i.Name)
	}
	n := copy(r.Out, b)
	if n < len(b) {
		r.Complete(nt.StatusBufferOverflow, n)
		return true
	}
	r.Complete(nt.StatusSuccess, n)
	return true
}

func (i *FileInfo) appendTimes(b []byte) []byte {
	b = le.AppendUint64(b, uint64(i.CreationTime))
	b = le.AppendUint64(b, uint64(i.LastAccessTime))
	b = le.AppendUint64(b, uint64(i.LastWriteTime))
	return le.AppendUint64(b, uint64(i.ChangeTime))
}

func (i *FileInfo) appendBasic(b []byte) []byte {
	b = i.appendTimes(b)
	b = le.AppendUint32(b, i.Attributes)
	return le.AppendUint32(b, 0)
}

func (i *FileInfo) appendStandard(b []byte) []byte {
	b = le.AppendUint64(b, uint64(i.AllocationSize))
	b = le.AppendUint64(b, uint64(i.EndOfFile))
	b = le.AppendUint32(b, i.Links)
	var flags [4]byte
	if i.DeletePending {
		flags[0] = 1
	}
	if i.Directory {
		flags[1] = 1
	}
	return append(b, flags[:]...)
}

// dirLayout says where a directory information class has its fields.
type dirLayout struct {
	name    int // offset of FileName
	length  int // offset of FileNameLength
	details bool
	ea      int // offset of EaSize, 0 for none
	id      int // offset of FileId, 0 for none
}

func layoutOf(class nt.FileInfoClass) (dirLayout, bool) {
	switch class {
	case nt.FileDirectoryInformation:
		return dirLayout{name: 64, length: 60, details: true}, true
	case nt.FileFullDirectoryInformation:
		return dirLayout{name: 68, length: 60, details: true, ea: 64}, true
	case nt.FileIdFullDirectoryInformation:
		return dirLayout{name: 80, length: 60, details: true, ea: 64, id: 72}, true
	case nt.FileBothDirectoryInformation:
		return dirLayout{name: 94, length: 60, details: true, ea: 64}, true
	case nt.FileIdBothDirectoryInformation:
		return dirLayout{name: 104, length: 60, details: true, ea: 64, id: 96}, true
	case nt.FileNamesInformation:
		return dirLayout{name: 12, length: 8}, true
	}
	return dirLayout{}, false
}

// DirWriter fills the buffer of a QueryDirectory request with entries of its class.
type DirWriter struct {
	r    *Request
	l    dirLayout
	n    int
	last int
}

// NewDirWriter starts an answer; false if the class is none of a directory (the request is then to fail with StatusInvalidInfoClass).
func NewDirWriter(r *Request) (*DirWriter, bool) {
	l, ok := layoutOf(nt.FileInfoClass(r.Code))
	return &DirWriter{r: r, l: l, last: -1}, ok
}

// Add adds an entry, whose name has no backslash; false if it does not fit.
func (w *DirWriter) Add(i *FileInfo, index uint32) bool {
	start := (w.n + 7) &^ 7
	size := w.l.name + 2*nt.UTF16Len(i.Name)
	out := w.r.Out
	if start+size > len(out) {
		return false
	}
	clear(out[w.n : start+size])
	if w.last >= 0 {
		le.PutUint32(out[w.last:], uint32(start-w.last))
	}
	b := out[start : start+size]
	le.PutUint32(b[4:], index)
	if w.l.details {
		i.appendTimes(b[:8:40])
		le.PutUint64(b[40:], uint64(i.EndOfFile))
		le.PutUint64(b[48:], uint64(i.AllocationSize))
		le.PutUint32(b[56:], i.Attributes)
	}
	if w.l.ea != 0 {
		le.PutUint32(b[w.l.ea:], i.EASize)
	}
	if w.l.id != 0 {
		le.PutUint64(b[w.l.id:], i.FileID)
	}
	le.PutUint32(b[w.l.length:], uint32(size-w.l.name))
	nt.AppendUTF16(b[:w.l.name:size], i.Name)
	w.last, w.n = start, start+size
	return true
}

// Empty reports that nothing has been added.
func (w *DirWriter) Empty() bool { return w.last < 0 }

// Complete ends the request with what was added. Where nothing was, status says why; StatusBufferOverflow stands for an entry that did not fit.
func (w *DirWriter) Complete(status nt.Status) {
	switch {
	case !w.Empty():
		w.r.Complete(nt.StatusSuccess, w.n)
	case status == nt.StatusBufferOverflow && len(w.r.Out) < w.l.name:
		w.r.Complete(nt.StatusInfoLengthMismatch, 0)
	default:
		w.r.Complete(status, 0)
	}
}
