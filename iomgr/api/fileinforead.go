package api

import (
	"lwio/iomgr/nt"
)

// ParseFileInfo reads the answer to a query of one of the classes of MS-FSCC 2.4 that FileInfo holds; fields that the class does not have stay
// zero. A name that came in part, with StatusBufferOverflow, is given as far as it came. An answer that is too short, or a class that is not known
// here, gives false.
func ParseFileInfo(class nt.FileInfoClass, b []byte) (i FileInfo, ok bool) {
	switch class {
	case nt.FileBasicInformation:
		return i, i.readBasic(b)
	case nt.FileStandardInformation:
		return i, i.readStandard(b)
	case nt.FileInternalInformation:
		if len(b) < 8 {
			return i, false
		}
		i.FileID = le.Uint64(b)
		return i, true
	case nt.FileNetworkOpenInformation:
		if len(b) < 52 {
			return i, false
		}
		i.readTimes(b)
		i.AllocationSize, i.EndOfFile, i.Attributes = int64(le.Uint64(b[32:])), int64(le.Uint64(b[40:])), le.Uint32(b[48:])
		i.Directory = i.Attributes&nt.FileAttributeDirectory != 0
		return i, i.AllocationSize >= 0 && i.EndOfFile >= 0
	case nt.FileAttributeTagInformation:
		if len(b) < 8 {
			return i, false
		}
		i.Attributes, i.ReparseTag = le.Uint32(b), le.Uint32(b[4:])
		i.Directory = i.Attributes&nt.FileAttributeDirectory != 0
		return i, true
	case nt.FileAllInformation:
		// Basic 40, standard 24, internal 8, EA 4, access 4, position 8, mode 4, alignment 4, name (MS-FSCC 2.4.2).
		if len(b) < 100 || !i.readBasic(b) || !i.readStandard(b[40:]) {
			return i, false
		}
		i.FileID, i.EASize = le.Uint64(b[64:]), le.Uint32(b[72:])
		i.Position, i.Mode = int64(le.Uint64(b[80:])), le.Uint32(b[88:])
		name := b[100:]
		i.Name = nt.DecodeUTF16(name[:min(uint64(len(name)), uint64(le.Uint32(b[96:])))&^1])
		return i, true
	}
	return i, false
}

func (i *FileInfo) readTimes(b []byte) {
	i.CreationTime, i.LastAccessTime = nt.Time(le.Uint64(b)), nt.Time(le.Uint64(b[8:]))
	i.LastWriteTime, i.ChangeTime = nt.Time(le.Uint64(b[16:])), nt.Time(le.Uint64(b[24:]))
}

func (i *FileInfo) readBasic(b []byte) bool {
	if len(b) < 36 {
		return false
	}
	i.readTimes(b)
	i.Attributes = le.Uint32(b[32:])
	i.Directory = i.Attributes&nt.FileAttributeDirectory != 0
	return true
}

func (i *FileInfo) readStandard(b []byte) bool {
	if len(b) < 22 {
		return false
	}
	i.AllocationSize, i.EndOfFile, i.Links = int64(le.Uint64(b)), int64(le.Uint64(b[8:])), le.Uint32(b[16:])
	i.DeletePending, i.Directory = b[20] != 0, b[21] != 0
	return i.AllocationSize >= 0 && i.EndOfFile >= 0
}

// AppendBasic appends FILE_BASIC_INFORMATION (MS-FSCC 2.4.7) as SetInformationFile takes it: a time of zero stays what it is, and so do attributes
// of zero.
func (i *FileInfo) AppendBasic(b []byte) []byte { return i.appendBasic(b) }

// DirReader goes through what a QueryDirectoryFile gave.
type DirReader struct {
	b    []byte
	l    dirLayout
	more bool
}

// NewDirReader begins with the first entry of an answer in a class; false if the class is none of those that DirWriter writes.
func NewDirReader(class nt.FileInfoClass, b []byte) (*DirReader, bool) {
	l, ok := layoutOf(class)
	return &DirReader{b: b, l: l, more: len(b) > 0}, ok
}

// Next reads an entry. At the end of the list more is false; an entry that contradicts itself gives StatusInvalidNetworkResponse.
func (d *DirReader) Next() (i FileInfo, more bool, err error) {
	if !d.more {
		return i, false, nil
	}
	b := d.b
	if len(b) < d.l.name {
		return i, false, nt.StatusInvalidNetworkResponse
	}
	next, length := uint64(le.Uint32(b)), uint64(le.Uint32(b[d.l.length:]))
	if next != 0 && (next < uint64(d.l.name)+length || next > uint64(len(b))) || length%2 != 0 || length > uint64(len(b)-d.l.name) {
		return i, false, nt.StatusInvalidNetworkResponse
	}
	if d.l.details {
		i.readTimes(b[8:])
		i.EndOfFile, i.AllocationSize, i.Attributes = int64(le.Uint64(b[40:])), int64(le.Uint64(b[48:])), le.Uint32(b[56:])
		i.Directory = i.Attributes&nt.FileAttributeDirectory != 0
		if i.EndOfFile < 0 || i.AllocationSize < 0 {
			return i, false, nt.StatusInvalidNetworkResponse
		}
	}
	if d.l.ea != 0 {
		// The EA size of an entry with a reparse point is its tag (MS-FSCC 2.4.8).
		if i.EASize = le.Uint32(b[d.l.ea:]); i.Attributes&nt.FileAttributeReparsePoint != 0 {
			i.ReparseTag, i.EASize = i.EASize, 0
		}
	}
	if d.l.id != 0 {
		i.FileID = le.Uint64(b[d.l.id:])
	}
	i.Name = nt.DecodeUTF16(b[d.l.name : d.l.name+int(length)])
	d.b, d.more = b[next:], next != 0
	return i, true, nil
}

// OpenInformation is a create context that asks for what the create knows of the file anyway. Who knows it answers with a FileInfo among the
// results: its times, sizes and attributes. Who does not answers nothing, and the caller asks with FileNetworkOpenInformation.
type OpenInformation struct{}
