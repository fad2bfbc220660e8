package pvfs

import (
	"os"

	"lwio/iomgr/nt"
)

// dosAttributes are what POSIX has no place for: DOS attributes and the time of creation. They are kept in an extended attribute; a
// file system without those keeps only read-only, as a mode without write bits.
type dosAttributes struct {
	attrs   uint32
	created nt.Time // 0 if it was never set
	stored  bool
}

// dosName is the extended attribute: version u8 (1), three zero bytes, attributes u32, time of creation u64 as FILETIME, little-endian.
const dosName = "user.lwio.dos"

const dosLen = 16

// What can be set; the others follow from the file itself.
const storedAttributes = nt.FileAttributeReadonly | nt.FileAttributeHidden | nt.FileAttributeSystem | nt.FileAttributeArchive | nt.FileAttributeTemporary |
	nt.FileAttributeOffline | nt.FileAttributeNotContentIndexed | nt.FileAttributeSparseFile

// readDOS reads them; what cannot be read is as if it were not there.
func readDOS(h *os.File) dosAttributes {
	var b [dosLen]byte
	n, err := getXattr(h, dosName, b[:])
	if err != nil || n != dosLen || b[0] != 1 {
		return dosAttributes{}
	}
	return dosAttributes{attrs: le.Uint32(b[4:]) & storedAttributes, created: nt.Time(le.Uint64(b[8:])), stored: true}
}

func (a dosAttributes) write(h *os.File) error {
	b := make([]byte, 0, dosLen)
	b = append(b, 1, 0, 0, 0)
	b = le.AppendUint32(b, a.attrs)
	b = le.AppendUint64(b, uint64(a.created))
	return setXattr(h, dosName, b)
}

// of gives a file's attributes.
func (a dosAttributes) of(info os.FileInfo) uint32 {
	out := a.attrs
	switch {
	case info.IsDir():
		return out&^nt.FileAttributeReadonly | a.attrs&nt.FileAttributeReadonly | nt.FileAttributeDirectory
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

// attributes are those of a file whose extended attribute is not looked at: enough to know whether it may be written.
func attributes(info os.FileInfo) uint32 { return dosAttributes{}.of(info) }

// setDOS sets attributes (0 leaves them) and the time of creation (0 leaves it).
func (f *file) setDOS(attrs uint32, created nt.Time) error {
	a := readDOS(f.h)
	if attrs != 0 {
		a.attrs = attrs & storedAttributes
	} else if !a.stored && !f.isDir {
		a.attrs = nt.FileAttributeArchive
	}
	if created != 0 {
		a.created = created
	}
	if attrs != 0 && !f.isDir {
		info, err := fstat(f.h)
		if err != nil {
			return err
		}
		mode := info.Mode().Perm()
		switch readonly := attrs&nt.FileAttributeReadonly != 0; {
		case readonly:
			mode &^= 0o222
		case mode&0o222 == 0:
			mode |= 0o200
		}
		if mode != info.Mode().Perm() {
			if err := f.h.Chmod(mode); err != nil {
				return err
			}
		}
	}
	if err := a.write(f.h); err != nil && !noXattr(err) {
		return err
	}
	return nil
}
