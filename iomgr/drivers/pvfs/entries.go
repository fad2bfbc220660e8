package pvfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// entryLayout says where a directory information class has its fields (MS-FSCC 2.4); 0 stands for none.
type entryLayout struct {
	name    int // FileName
	length  int // FileNameLength
	details bool
	ea      int // EaSize
	tag     int // ReparsePointTag; where there is none, EaSize tells it
	short   int // ShortNameLength; the name is two bytes on
	id      int // FileId
	id128   int // FileId of 16 bytes
	posix   bool
}

var entryLayouts = map[nt.FileInfoClass]entryLayout{
	api.FilePosixInformation:                 {name: 108, details: true, posix: true}, // its name comes after SIDs of any length
	nt.FileNamesInformation:                  {name: 12, length: 8},
	nt.FileDirectoryInformation:              {name: 64, length: 60, details: true},
	nt.FileFullDirectoryInformation:          {name: 68, length: 60, details: true, ea: 64},
	nt.FileIdFullDirectoryInformation:        {name: 80, length: 60, details: true, ea: 64, id: 72},
	nt.FileBothDirectoryInformation:          {name: 94, length: 60, details: true, ea: 64, short: 68},
	nt.FileIdBothDirectoryInformation:        {name: 104, length: 60, details: true, ea: 64, short: 68, id: 96},
	nt.FileIdExtdDirectoryInformation:        {name: 88, length: 60, details: true, ea: 64, tag: 68, id128: 72},
	nt.FileId64ExtdDirectoryInformation:      {name: 80, length: 60, details: true, ea: 64, tag: 68, id: 72},
	nt.FileId64ExtdBothDirectoryInformation:  {name: 106, length: 60, details: true, ea: 64, tag: 68, id: 72, short: 80},
	nt.FileIdAllExtdDirectoryInformation:     {name: 96, length: 60, details: true, ea: 64, tag: 68, id: 72, id128: 80},
	nt.FileIdAllExtdBothDirectoryInformation: {name: 122, length: 60, details: true, ea: 64, tag: 68, id: 72, id128: 80, short: 96},
}

// entryWriter fills the buffer of a QueryDirectory request.
type entryWriter struct {
	out  []byte
	l    entryLayout
	n    int
	last int // where the last entry begins, -1 for none
}

// add adds an entry; false if it does not fit.
func (w *entryWriter) add(i *api.FileInfo, index uint32) bool {
	start := (w.n + 7) &^ 7
	if w.l.posix {
		n := 0
		if start < len(w.out) {
			n = i.PutPOSIXEntry(w.out[start:], index)
		}
		if n > 0 {
			w.added(start, n)
		}
		return n > 0
	}
	size := w.l.name + 2*nt.UTF16Len(i.Name)
	if start+size > len(w.out) {
		return false
	}
	clear(w.out[w.n : start+size])
	w.added(start, size)
	b := w.out[start : start+size]
	le.PutUint32(b[4:], index)
	if w.l.details {
		for k, t := range [...]nt.Time{i.CreationTime, i.LastAccessTime, i.LastWriteTime, i.ChangeTime} {
			le.PutUint64(b[8+8*k:], uint64(t))
		}
		le.PutUint64(b[40:], uint64(i.EndOfFile))
		le.PutUint64(b[48:], uint64(i.AllocationSize))
		le.PutUint32(b[56:], i.Attributes)
	}
	switch reparse := i.Attributes&nt.FileAttributeReparsePoint != 0; {
	case w.l.ea == 0:
	case reparse && w.l.tag == 0:
		le.PutUint32(b[w.l.ea:], i.ReparseTag)
	default:
		le.PutUint32(b[w.l.ea:], i.EASize)
		if reparse {
			le.PutUint32(b[w.l.tag:], i.ReparseTag)
		}
	}
	if at := w.l.short; at != 0 && i.Name != "." && i.Name != ".." {
		if up := nt.Upcase(i.Name); !isShortName(up) {
			short := nt.AppendUTF16(b[:at+2:at+26], shortName(i.Name))
			b[at] = byte(len(short) - at - 2)
		}
	}
	if w.l.id != 0 {
		le.PutUint64(b[w.l.id:], i.FileID)
	}
	if w.l.id128 != 0 {
		le.PutUint64(b[w.l.id128:], i.FileID)
	}
	le.PutUint32(b[w.l.length:], uint32(size-w.l.name))
	nt.AppendUTF16(b[:w.l.name:size], i.Name)
	return true
}

// added links an entry to the one before it.
func (w *entryWriter) added(start, size int) {
	if w.last >= 0 {
		clear(w.out[w.n:start])
		le.PutUint32(w.out[w.last:], uint32(start-w.last))
	}
	w.last, w.n = start, start+size
}
