package pvfs

import (
	"errors"
	"os"
	"time"

	"lwio/iomgr/nt"
)

// dosAttributes are what POSIX has no place for: DOS attributes, the time of creation, a time of change that somebody has set, and a time of
// writing that the file system cannot hold. They are kept in an extended attribute; a file system without those keeps only read-only, as a
// mode without write bits.
type dosAttributes struct {
	attrs   uint32
	created nt.Time // 0 if it was never set

	// change is a time of change that was set; it holds until the file changes after stamp. 0 if none was set.
	change, stamp nt.Time
	// write is what a time of writing was set to that the disk shows as writeShown. 0 if the disk has it as it is.
	write, writeShown nt.Time

	stored bool
}

// dosName is the extended attribute, little-endian. Version 1: version u8, three zero bytes, attributes u32, time of creation u64 as FILETIME.
// Version 2 goes on with change, stamp, write and writeShown, u64 each.
const dosName = "user.lwio.dos"

const (
	dosLen1 = 16
	dosLen2 = 48
)

// What can be set; the others follow from the file itself.
const storedAttributes = nt.FileAttributeReadonly | nt.FileAttributeHidden | nt.FileAttributeSystem | nt.FileAttributeArchive | nt.FileAttributeTemporary |
	nt.FileAttributeOffline | nt.FileAttributeNotContentIndexed | keptAttributes

// keptAttributes are set by controls alone.
const keptAttributes = nt.FileAttributeSparseFile | nt.FileAttributeReparsePoint

// knownAttributes are those that a create may name (MS-FSA 2.1.5.1).
const knownAttributes = storedAttributes | nt.FileAttributeDirectory | nt.FileAttributeNormal | nt.FileAttributeReparsePoint | nt.FileAttributeCompressed |
	nt.FileAttributeEncrypted

// parseDOS reads the extended attribute's value; what is not one is as if it were not there.
func parseDOS(b []byte) dosAttributes {
	if !(len(b) == dosLen1 && b[0] == 1 || len(b) == dosLen2 && b[0] == 2) {
		return dosAttributes{}
	}
	a := dosAttributes{attrs: le.Uint32(b[4:]) & storedAttributes, created: nt.Time(le.Uint64(b[8:])), stored: true}
	if b[0] == 2 {
		a.change, a.stamp = nt.Time(le.Uint64(b[16:])), nt.Time(le.Uint64(b[24:]))
		a.write, a.writeShown = nt.Time(le.Uint64(b[32:])), nt.Time(le.Uint64(b[40:]))
	}
	return a
}

func (a dosAttributes) append(b []byte) []byte {
	b = append(b, 2, 0, 0, 0)
	b = le.AppendUint32(b, a.attrs)
	for _, t := range [...]nt.Time{a.created, a.change, a.stamp, a.write, a.writeShown} {
		b = le.AppendUint64(b, uint64(t))
	}
	return b
}

func readDOS(h *os.File) dosAttributes {
	var b [dosLen2]byte
	n, err := getXattr(h, dosName, b[:])
	if err != nil {
		return dosAttributes{}
	}
	return parseDOS(b[:n])
}

func (a dosAttributes) store(h *os.File) error {
	err := setXattr(h, dosName, a.append(make([]byte, 0, dosLen2)))
	if noXattr(err) {
		return nil
	}
	return err
}

// of gives a file's attributes.
func (a dosAttributes) of(info os.FileInfo) uint32 {
	out := a.attrs
	switch {
	case info.IsDir():
		return out | nt.FileAttributeDirectory
	case !a.stored:
		out = nt.FileAttributeArchive
	}
	if info.Mode()&0o222 == 0 {
		out |= nt.FileAttributeReadonly
	} else if a.stored {
		out &^= nt.FileAttributeReadonly
	}
	if out == 0 {
		return nt.FileAttributeNormal
	}
	return out
}

// changeSlack is how much later than its stamp a file may have changed by the writing of the stamp itself.
const changeSlack = nt.Time(50 * time.Millisecond / 100)

// changeTime gives the time of change where the disk has one of ctime.
func (a dosAttributes) changeTime(ctime nt.Time) nt.Time {
	if a.change != 0 && ctime <= a.stamp+changeSlack {
		return a.change
	}
	return ctime
}

// writeTime gives the time of writing where the disk has one of mtime.
func (a dosAttributes) writeTime(mtime nt.Time) nt.Time {
	if a.write != 0 && mtime == a.writeShown {
		return a.write
	}
	return mtime
}

// attributes are those of a file whose extended attribute is not looked at: enough to know whether it may be written.
func attributes(info os.FileInfo) uint32 { return dosAttributes{}.of(info) }

// setReadonly makes the mode of a file fit its attribute: without any write bit, or with the owner's.
func (f *file) setReadonly(info os.FileInfo, readonly bool) error {
	mode := info.Mode().Perm()
	switch {
	case readonly:
		mode &^= 0o222
	case mode&0o222 == 0:
		mode |= 0o200
	}
	if mode == info.Mode().Perm() {
		return nil
	}
	return f.v.chmodKeeping(f.h, mode)
}

// storeDOS stores attributes. info is how the file is; one that may not be written takes no extended attributes and is made writable for them.
func (f *file) storeDOS(a dosAttributes, info os.FileInfo) error {
	f.node.dos.Store(dosStored)
	err := a.store(f.h)
	if !errors.Is(err, os.ErrPermission) || info.Mode()&0o200 != 0 {
		return err
	}
	mode := info.Mode().Perm()
	if err := f.v.chmodKeeping(f.h, mode|0o200); err != nil {
		return err
	}
	err = a.store(f.h)
	if e := f.v.chmodKeeping(f.h, mode); err == nil {
		err = e
	}
	return err
}

// noteWritten sets FILE_ATTRIBUTE_ARCHIVE when data changes (MS-FSA 2.1.4.17): once, until somebody sets the attributes.
func (f *file) noteWritten() {
	if f.node.dir || f.node.dos.Load() == dosNone || f.node.archived.Swap(true) { // every file has it that has none stored
		return
	}
	a := readDOS(f.h)
	if !a.stored || a.attrs&nt.FileAttributeArchive != 0 {
		return
	}
	if info, err := fstat(f.h); err == nil {
		a.attrs |= nt.FileAttributeArchive
		_ = f.storeDOS(a, info)
	}
}

// createdWith stores what a new or overwritten file is to have besides FILE_ATTRIBUTE_ARCHIVE, which every one gets (MS-FSA 2.1.5.1.1).
// A file that has nothing else needs nothing stored, unless something is; it says whether it did.
func (f *file) createdWith(attrs uint32, stored bool) (stores bool, err error) {
	attrs &= storedAttributes &^ keptAttributes
	if f.node.dir {
		if attrs &^= nt.FileAttributeArchive | nt.FileAttributeReadonly; attrs == 0 {
			return false, nil
		}
	} else {
		attrs |= nt.FileAttributeArchive
		if attrs == nt.FileAttributeArchive && !stored {
			return false, nil
		}
	}
	info, err := fstat(f.h)
	if err != nil {
		return true, err
	}
	a := readDOS(f.h)
	a.attrs = attrs | a.attrs&nt.FileAttributeReparsePoint
	if err := f.storeDOS(a, info); err != nil || f.node.dir {
		return true, err
	}
	return true, f.setReadonly(info, attrs&nt.FileAttributeReadonly != 0)
}
