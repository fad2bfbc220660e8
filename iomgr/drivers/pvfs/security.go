package pvfs

import (
	"crypto/sha256"
	"errors"
	"os"
	"syscall"

	"lwio/iomgr/drivers/pvfs/posixacl"
	"lwio/iomgr/nt"
)

// IdMap says which SID is which Unix id.
type IdMap = posixacl.IDMap

// sdName is the extended attribute that holds a file's descriptor: version u8 (1), three zero bytes, a stamp of 16 bytes, the descriptor
// self-relative.
//
// The stamp is of owner, group, permissions and POSIX list as they were when the descriptor was written. Where they are others now, a local
// program has changed who may use the file, and the descriptor says nothing any more: one is derived from what is there.
const sdName = "user.lwio.sd"

const (
	sdVersion = 1
	stampLen  = 16
	sdHeader  = 4 + stampLen
)

// posix is who may use a file as POSIX has it.
type posix struct {
	uid, gid uint32
	mode     uint32 // permissions, sticky and set-id bits
	dir      bool
	access   []byte // of the extended attribute, nil if there is none
	deflt    []byte // likewise, of a directory; read where a descriptor is derived
}

// stamp identifies it.
func (x *posix) stamp() [stampLen]byte {
	b := make([]byte, 0, 64)
	b = le.AppendUint32(b, x.uid)
	b = le.AppendUint32(b, x.gid)
	b = le.AppendUint32(b, x.mode&0o1777)
	sum := sha256.Sum256(append(b, x.access...))
	return [stampLen]byte(sum[:])
}

// describe derives a descriptor.
func (v *volume) describe(x *posix) *nt.SecurityDescriptor {
	key := make([]byte, 0, 128)
	key = le.AppendUint32(le.AppendUint32(le.AppendUint32(key, x.uid), x.gid), x.mode&0o1777)
	if x.dir {
		key = append(key, 1)
	}
	key = append(le.AppendUint32(key, uint32(len(x.access))), x.access...)
	key = append(key, x.deflt...)
	if sd := v.descriptors.derived.get(&v.descriptors.mu, string(key)); sd != nil {
		return sd
	}
	s := &posixacl.Source{UID: x.uid, GID: x.gid, Mode: x.mode & 0o1777, Dir: x.dir, Server: serverUID}
	s.Access, _ = posixacl.Parse(x.access)
	s.Default, _ = posixacl.Parse(x.deflt)
	sd := posixacl.Describe(s, v.ids)
	if len(key) <= maxRemembered {
		v.descriptors.derived.put(&v.descriptors.mu, string(key), sd)
	}
	return sd
}

// posixOf reads it of an open file.
func posixOf(h *os.File) (*posix, error) {
	info, err := fstat(h)
	if err != nil {
		return nil, err
	}
	x := ownership(info)
	x.readAccess(h)
	return x, nil
}

// readAccess adds the file's list, if it has one.
func (x *posix) readAccess(h *os.File) {
	if b, err := readXattr(h, posixacl.AccessName); err == nil {
		x.access = b
	}
}

// secured is a file's descriptor. It is shared: whoever changes it clones it.
type secured struct {
	*nt.SecurityDescriptor
	posix    *posix
	stored   bool // else derived
	listless bool // of a directory: what is made in it gets no POSIX list. False where that was not looked at.
}

// security gives the descriptor of an open file.
func (v *volume) security(h *os.File) (secured, error) {
	info, err := fstat(h)
	if err != nil {
		return secured{}, err
	}
	return v.securityOf(h, info)
}

// securityOf is security of a file whose owner and mode are known.
func (v *volume) securityOf(h *os.File, info os.FileInfo) (secured, error) {
	x := ownership(info)
	x.readAccess(h)
	var small [1024]byte
	b, err := readXattrInto(h, sdName, small[:])
	if err != nil && !isNoAttr(err) && !errors.Is(err, os.ErrPermission) && !errors.Is(err, syscall.EBADF) { // as the handle of a symbolic link says
		return secured{}, err // there may be one: nothing is derived in its place
	}
	if err == nil && len(b) > sdHeader && b[0] == sdVersion && [stampLen]byte(b[4:]) == x.stamp() {
		if sd := v.descriptors.parse(b[sdHeader:]); sd != nil {
			return secured{sd, x, true, false}, nil
		}
	}
	listless := false
	if x.dir {
		switch b, err := readXattr(h, posixacl.DefaultName); {
		case err == nil:
			x.deflt = b
		case isNoAttr(err):
			listless = true
		}
	}
	return secured{v.describe(x), x, false, listless}, nil
}

// storeSecurity writes a descriptor with the stamp of what it is projected to.
func storeSecurity(h *os.File, sd *nt.SecurityDescriptor, x *posix) error {
	b := make([]byte, 4, sdHeader+sd.Size())
	b[0] = sdVersion
	stamp := x.stamp()
	b = append(b, stamp[:]...)
	return setXattr(h, sdName, sd.Append(b))
}

// chmodKeeping changes a file's mode for a reason that has nothing to do with who may use it, so that the descriptor stays what it is.
func (v *volume) chmodKeeping(h *os.File, mode os.FileMode) error {
	v.setting.Lock()
	defer v.setting.Unlock()
	s, err := v.security(h)
	if err != nil {
		return err
	}
	if !s.stored {
		return h.Chmod(mode)
	}
	x := *s.posix
	x.mode = x.mode&^0o777 | uint32(mode.Perm())
	if x.access != nil { // its mask follows the mode
		if acl, err := posixacl.Parse(x.access); err == nil {
			x.access = remask(acl, x.mode).Append(nil)
		}
	}
	// A file that may not be written takes no attributes, not even from its owner: it gets them while it may.
	if mode&0o200 == 0 {
		if err = storeSecurity(h, s.SecurityDescriptor, &x); err == nil {
			err = h.Chmod(mode)
		}
	} else if err = h.Chmod(mode); err == nil {
		err = storeSecurity(h, s.SecurityDescriptor, &x)
	}
	return err
}

// remask is what chmod makes of a list.
func remask(a posixacl.ACL, mode uint32) posixacl.ACL {
	masked := false
	for _, e := range a {
		masked = masked || e.Tag == posixacl.Mask
	}
	for i := range a {
		switch e := &a[i]; {
		case e.Tag == posixacl.UserObj:
			e.Perm = uint16(mode >> 6 & 7)
		case e.Tag == posixacl.Mask, e.Tag == posixacl.GroupObj && !masked:
			e.Perm = uint16(mode >> 3 & 7)
		case e.Tag == posixacl.Other:
			e.Perm = uint16(mode & 7)
		}
	}
	return a
}
