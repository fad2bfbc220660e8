package pvfs

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Reparse points: a symbolic link is one with the tag of symbolic links. Those with other tags, which mean something to clients alone, are ordinary files
// and directories for who opens them without FILE_OPEN_REPARSE_POINT; that one is a reparse point is an attribute, and its data are in an
// extended attribute.
const (
	reparseName   = "user.lwio.reparse" // the REPARSE_DATA_BUFFER
	reparseHeader = 8                   // ReparseTag u32, ReparseDataLength u16, Reserved u16
	reparseGUID   = 16                  // follows for tags that are not Microsoft's
	maxReparse    = 16 << 10            // MAXIMUM_REPARSE_DATA_BUFFER_SIZE

	reparseMicrosoft    = 0x80000000
	symlinkHeader       = 12 // offsets and lengths of the two names, u16 each; Flags u32
	symlinkFlagRelative = 1
)

// reparseData is a REPARSE_DATA_BUFFER, or a REPARSE_GUID_DATA_BUFFER (MS-FSCC 2.1.2.2, 2.1.2.3).
type reparseData struct {
	tag  uint32
	guid nt.GUID // zero for Microsoft's tags
	data []byte
}

// parseReparse reads one that is to be set (MS-FSA 2.1.5.10.37).
func parseReparse(b []byte) (d reparseData, status nt.Status) {
	if len(b) < reparseHeader || len(b) > maxReparse {
		return d, nt.StatusIoReparseDataInvalid
	}
	d.tag, d.data = le.Uint32(b), b[reparseHeader:]
	if d.tag == nt.IoReparseTagReservedZero || d.tag == nt.IoReparseTagReservedOne {
		return d, nt.StatusIoReparseTagInvalid
	}
	if d.tag&reparseMicrosoft == 0 {
		if len(d.data) < reparseGUID {
			return d, nt.StatusIoReparseDataInvalid
		}
		d.guid, d.data = nt.GUID(d.data), d.data[reparseGUID:]
	}
	if int(le.Uint16(b[4:])) != len(d.data) {
		return d, nt.StatusIoReparseDataInvalid
	}
	return d, nt.StatusSuccess
}

func (d *reparseData) append(b []byte) []byte {
	b = le.AppendUint32(b, d.tag)
	b = le.AppendUint16(b, uint16(len(d.data)))
	b = le.AppendUint16(b, 0)
	if d.tag&reparseMicrosoft == 0 {
		b = append(b, d.guid[:]...)
	}
	return append(b, d.data...)
}

// fits says whether what is there may be replaced or deleted by naming d.
func (d *reparseData) fits(there *reparseData) nt.Status {
	switch {
	case there.tag != d.tag:
		return nt.StatusIoReparseTagMismatch
	case there.guid != d.guid:
		return nt.StatusReparseAttributeConflict
	}
	return nt.StatusSuccess
}

// symlinkData is the data of a symbolic link (MS-FSCC 2.1.2.4).
type symlinkData struct {
	substitute, print string
	flags             uint32
}

func parseSymlink(b []byte) (s symlinkData, status nt.Status) {
	if len(b) < symlinkHeader {
		return s, nt.StatusIoReparseDataInvalid
	}
	names := b[symlinkHeader:]
	for i, to := range [...]*string{&s.substitute, &s.print} {
		at, n := int(le.Uint16(b[4*i:])), int(le.Uint16(b[4*i+2:]))
		if at%2 != 0 || n%2 != 0 || at+n > len(names) {
			return s, nt.StatusIoReparseDataInvalid
		}
		*to = nt.DecodeUTF16(names[at : at+n])
	}
	s.flags = le.Uint32(b[8:])
	return s, nt.StatusSuccess
}

func (s *symlinkData) append(b []byte) []byte {
	sub, pr := nt.AppendUTF16(nil, s.substitute), nt.AppendUTF16(nil, s.print)
	for _, v := range [...]int{0, len(sub), len(sub), len(pr)} {
		b = le.AppendUint16(b, uint16(v))
	}
	b = le.AppendUint32(b, s.flags)
	return append(append(b, sub...), pr...)
}

// reparse reads a file's reparse data; nil if it has none.
func (f *file) reparse() (*reparseData, error) {
	if f.symlink {
		dir, name, err := f.v.parent(f.node.pathOf(f.link))
		if err != nil {
			return nil, err
		}
		defer dir.Close()
		target, err := readlinkAt(dir, name)
		if err != nil {
			return nil, err
		}
		s := symlinkData{substitute: ntPath(target)}
		if s.print = s.substitute; target[0] != '/' {
			s.flags = symlinkFlagRelative
		}
		return &reparseData{tag: nt.IoReparseTagSymlink, data: s.append(nil)}, nil
	}
	b, err := readXattr(f.h, reparseName)
	if isNoAttr(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d, status := parseReparse(b)
	if status != nt.StatusSuccess {
		return nil, nil // somebody else has put something there
	}
	return &d, nil
}

// reparseTag is the tag alone, 0 for none.
func (f *file) reparseTag() uint32 {
	var b [maxSmallReparse]byte
	n, err := getXattr(f.h, reparseName, b[:])
	return tagOf(b[:max(n, 0)], err, func() ([]byte, error) { return readXattr(f.h, reparseName) })
}

// reparseTagAt is that of a name in a directory.
func reparseTagAt(dir *os.File, name string) uint32 {
	var b [maxSmallReparse]byte
	n, err := getXattrAt(dir, name, reparseName, b[:])
	return tagOf(b[:max(n, 0)], err, func() ([]byte, error) {
		b := make([]byte, maxReparse)
		n, err := getXattrAt(dir, name, reparseName, b)
		return b[:max(n, 0)], err
	})
}

const maxSmallReparse = 256

func tagOf(b []byte, err error, all func() ([]byte, error)) uint32 {
	if tooSmall(err) {
		b, err = all()
	}
	if err != nil || len(b) < reparseHeader {
		return 0
	}
	return le.Uint32(b)
}

// getReparsePoint is FSCTL_GET_REPARSE_POINT (MS-FSA 2.1.5.10.14).
func (f *file) getReparsePoint(r *api.Request) {
	d, err := f.reparse()
	switch {
	case err != nil:
		r.Fail(err)
	case d == nil:
		r.Complete(nt.StatusNotAReparsePoint, 0)
	default:
		least := reparseHeader
		if d.tag&reparseMicrosoft == 0 {
			least += reparseGUID
		}
		r.ReplyPart(d.append(nil), least)
	}
}

// setReparsePoint is FSCTL_SET_REPARSE_POINT (MS-FSA 2.1.5.10.37).
func (f *file) setReparsePoint(r *api.Request) {
	d, status := parseReparse(r.In)
	if status == nt.StatusSuccess {
		status = f.setReparse(&d)
	}
	r.Complete(status, 0)
}

func (f *file) setReparse(d *reparseData) nt.Status {
	if f.named() {
		return nt.StatusInvalidParameter
	}
	there, err := f.reparse()
	if err != nil {
		return nt.StatusOf(err)
	}
	if there != nil {
		if status := d.fits(there); status != nt.StatusSuccess {
			return status
		}
	}
	if f.isDir && !emptyOf(f.h) {
		return nt.StatusDirectoryNotEmpty
	}
	if d.tag == nt.IoReparseTagSymlink {
		return f.becomeLink(d)
	}
	f.v.setting.Lock()
	err = setXattr(f.h, reparseName, d.append(nil))
	if err == nil {
		err = f.markReparse(true)
	}
	f.v.setting.Unlock()
	switch {
	case noXattr(err):
		return nt.StatusNotSupported
	case noRoom(err):
		return nt.StatusDiskFull
	case err != nil:
		return nt.StatusOf(err)
	}
	f.v.report(nt.FileNotifyChangeAttributes, nt.FileActionModified, f.node.pathOf(f.link))
	return nt.StatusSuccess
}

// deleteReparsePoint is FSCTL_DELETE_REPARSE_POINT (MS-FSA 2.1.5.10.3). A symbolic link goes by being deleted: there is no file that it could become.
func (f *file) deleteReparsePoint(r *api.Request) {
	d, status := parseReparse(r.In)
	if status == nt.StatusSuccess && len(d.data) != 0 {
		status = nt.StatusIoReparseDataInvalid
	}
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	there, err := f.reparse()
	switch {
	case err != nil:
		r.Fail(err)
		return
	case there == nil:
		r.Complete(nt.StatusNotAReparsePoint, 0)
		return
	}
	if status = d.fits(there); status == nt.StatusSuccess && f.symlink {
		status = nt.StatusAccessDenied
	}
	if status == nt.StatusSuccess {
		f.v.setting.Lock()
		if err = f.markReparse(false); err == nil {
			err = dropXattr(f.h, reparseName)
		}
		f.v.setting.Unlock()
		if status = nt.StatusOf(err); err == nil {
			f.v.report(nt.FileNotifyChangeAttributes, nt.FileActionModified, f.node.pathOf(f.link))
		}
	}
	r.Complete(status, 0)
}

// markReparse sets or takes FILE_ATTRIBUTE_REPARSE_POINT.
func (f *file) markReparse(on bool) error {
	info, err := fstat(f.h)
	if err != nil {
		return err
	}
	a := f.readDOS()
	if on == (a.attrs&nt.FileAttributeReparsePoint != 0) {
		return nil
	}
	if !a.stored && !info.IsDir() {
		a.attrs |= nt.FileAttributeArchive
	}
	a.attrs ^= nt.FileAttributeReparsePoint
	return f.storeDOS(a, info)
}

// becomeLink puts a symbolic link in the place of a file or directory that is empty and that nobody else has open. Its target has to be relative, and
// below the share: what would not be followed is not made.
func (f *file) becomeLink(d *reparseData) nt.Status {
	s, status := parseSymlink(d.data)
	if status != nt.StatusSuccess {
		return status
	}
	path := f.node.pathOf(f.link)
	at := componentsOf(path)
	root, below := links{share: f.share}.root(at)
	if s.flags&symlinkFlagRelative == 0 || !below {
		return nt.StatusAccessDenied
	}
	target := strings.ReplaceAll(s.substitute, `\`, "/")
	parts, ok := targetParts(target)
	if !ok || strings.ContainsRune(target, 0) {
		return nt.StatusIoReparseDataInvalid
	}
	depth := len(at) - 1 - len(root)
	for _, p := range parts {
		if depth++; p == ".." {
			if depth -= 2; depth < 0 {
				return nt.StatusAccessDenied
			}
		}
	}
	info, err := fstat(f.h)
	switch {
	case err != nil:
		return nt.StatusOf(err)
	case !f.symlink && !f.isDir && info.Size() != 0, hasSidecars(f.h):
		return nt.StatusIoReparseDataInvalid // what is in it would be lost
	case f.node.opensOf() != 1:
		return nt.StatusSharingViolation
	}
	if err := f.replaceByLink(path, target); err != nil {
		return nt.StatusOf(err)
	}
	f.v.report(nt.FileNotifyChangeAttributes, nt.FileActionModified, path)
	return nt.StatusSuccess
}

// replaceByLink is the part of it that is done with the name locked. The open is then one of something that has no name any more.
func (f *file) replaceByLink(path, target string) error {
	defer f.v.locks.lock(path)()
	dir, name, err := f.v.parent(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	info, err := statAt(dir, name)
	if err != nil {
		return err
	}
	if detailsOf(info).id != f.node.id {
		return nt.StatusObjectNameNotFound
	}
	var id [8]byte
	rand.Read(id[:])
	temporary := ".lwio.link." + hex.EncodeToString(id[:])
	if err := symlinkAt(target, dir, temporary); err != nil {
		return err
	}
	if f.isDir {
		err = unlinkAt(dir, name, true)
	}
	if err == nil {
		err = renameAt(dir, temporary, dir, name)
	}
	if err != nil {
		_ = unlinkAt(dir, temporary, false)
		return err
	}
	f.node.mu.Lock()
	f.link.gone = true
	f.node.mu.Unlock()
	return nil
}
