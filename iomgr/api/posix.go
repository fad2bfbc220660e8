package api

import "lwio/iomgr/nt"

// Information classes of the POSIX extensions of SMB 3.1.1. FilePosixInformation is one of files and of directories.
const (
	FilePosixInformation   nt.FileInfoClass = 100
	FileFsPosixInformation nt.FsInfoClass   = 100
)

// POSIX is a create context that asks for an open with the semantics of POSIX. A file system that has them answers with a POSIXInfo; what one
// does that has none is an open as any other. Such an open
//
//   - names files by their exact names, of which every character may be part: `\` separates as ever, and `/` stands for a backslash;
//   - names no stream, and follows no symbolic link;
//   - makes files whose permissions are Mode and nothing else;
//   - keeps no name: what is deleted, or replaced by a rename, is gone as soon as no other than such opens have it;
//   - deletes what is read-only, and writes at the end alone where it may only append;
//   - is told the classes above, and lists every name.
type POSIX struct {
	Mode uint32 // the nine bits of permissions, and the sticky bit
}

// POSIXInfo is what POSIX knows of a file.
type POSIXInfo struct {
	Device     uint32
	Inode      uint64
	Links      uint32
	ReparseTag uint32
	Mode       uint32 // permissions, and the type of file above them: 0 file, 1 directory, 2 symlink, 3 char, 4 block, 5 fifo, 6 socket
	Owner      nt.SID
	Group      nt.SID
}

// POSIXTypeShift is where the type of file stands in POSIXInfo.Mode.
const POSIXTypeShift = 12

// posixFixed is what of FilePosixInformation comes before the SIDs.
const posixFixed = 80

// posixSize is the length of FilePosixInformation.
func (i *FileInfo) posixSize() int { return posixFixed + i.POSIX.Owner.Size() + i.POSIX.Group.Size() }

// appendPOSIX appends FilePosixInformation.
func (i *FileInfo) appendPOSIX(b []byte) []byte {
	p := i.POSIX
	b = i.appendTimes(b)
	b = le.AppendUint64(b, uint64(i.EndOfFile))
	b = le.AppendUint64(b, uint64(i.AllocationSize))
	b = le.AppendUint32(b, i.Attributes)
	b = le.AppendUint64(b, p.Inode)
	b = le.AppendUint32(b, p.Device)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, p.Links)
	b = le.AppendUint32(b, p.ReparseTag)
	b = le.AppendUint32(b, p.Mode)
	return p.Group.Append(p.Owner.Append(b))
}

// PutPOSIXEntry writes an entry of a directory in the class FilePosixInformation over the start of out and gives its length; 0 if it does not
// fit. NextEntryOffset is left at 0.
func (i *FileInfo) PutPOSIXEntry(out []byte, index uint32) int {
	size := 8 + i.posixSize() + 4 + 2*nt.UTF16Len(i.Name)
	if size > len(out) {
		return 0
	}
	b := le.AppendUint32(out[:0:size], 0)
	b = le.AppendUint32(b, index)
	b = i.appendPOSIX(b)
	b = le.AppendUint32(b, uint32(2*nt.UTF16Len(i.Name)))
	return len(nt.AppendUTF16(b, i.Name))
}
