// Package posixacl reads and writes POSIX access control lists as Linux keeps them in extended attributes, and turns owner, group, mode
// and list of a file into a security descriptor and back.
//
// It knows no file: everything is bytes and values. What a descriptor is derived from is a [Source], what it is projected to a
// [Projection]; whose SID is which Unix id says an [IDMap].
//
//	acl, err := posixacl.Parse(xattr)
//	sd := posixacl.Describe(&posixacl.Source{UID: 1000, GID: 100, Mode: 0o640, Access: acl}, posixacl.Unix{})
//
// The two directions do not undo each other: a descriptor says more than a mode. Who keeps a descriptor keeps it beside the file and derives one
// only where there is none.
package posixacl

import (
	"encoding/binary"
	"errors"
	"slices"
)

// The extended attributes of Linux that hold lists.
const (
	AccessName  = "system.posix_acl_access"
	DefaultName = "system.posix_acl_default"
)

// Tag says for whom an entry is (acl(5)).
type Tag uint16

// The tags, in the order in which entries stand.
const (
	UserObj  Tag = 0x01 // the file's owner
	User     Tag = 0x02 // the user ID
	GroupObj Tag = 0x04 // the file's group
	Group    Tag = 0x08 // the group ID
	Mask     Tag = 0x10 // the most that User, GroupObj and Group give
	Other    Tag = 0x20
)

// The permissions of an entry.
const (
	Execute = 1
	Write   = 2
	Read    = 4
)

// Entry is one entry; ID counts for User and Group alone.
type Entry struct {
	Tag  Tag
	Perm uint16
	ID   uint32
}

// ACL is a list.
type ACL []Entry

const (
	version    = 2
	headerLen  = 4
	entryLen   = 8
	noID       = 0xFFFFFFFF
	maxEntries = (1<<16 - headerLen) / entryLen // of an extended attribute
)

// ErrFormat is returned for bytes that are no list.
var ErrFormat = errors.New("not a POSIX access control list")

// Parse reads an attribute's value. What it returns is valid in the sense of acl(5): the three base entries are there once, the named ones
// are sorted and there is a mask with them.
func Parse(b []byte) (ACL, error) {
	le := binary.LittleEndian
	if len(b) < headerLen || le.Uint32(b) != version || (len(b)-headerLen)%entryLen != 0 || len(b) > headerLen+maxEntries*entryLen {
		return nil, ErrFormat
	}
	b = b[headerLen:]
	a := make(ACL, 0, len(b)/entryLen)
	for ; len(b) > 0; b = b[entryLen:] {
		e := Entry{Tag: Tag(le.Uint16(b)), Perm: le.Uint16(b[2:])}
		if e.named() {
			e.ID = le.Uint32(b[4:])
		}
		a = append(a, e)
	}
	if !a.valid() {
		return nil, ErrFormat
	}
	return a, nil
}

func (e Entry) named() bool { return e.Tag == User || e.Tag == Group }

func (a ACL) valid() bool {
	var seen Tag
	for i, e := range a {
		switch e.Tag {
		case UserObj, User, GroupObj, Group, Mask, Other:
		default:
			return false
		}
		if e.Perm&^7 != 0 || e.named() && e.ID == noID {
			return false
		}
		if i > 0 {
			last := a[i-1]
			if e.Tag < last.Tag || e.Tag == last.Tag && (!e.named() || e.ID <= last.ID) {
				return false
			}
		}
		seen |= e.Tag
	}
	const base = UserObj | GroupObj | Other
	return seen&base == base && (seen&(User|Group) == 0 || seen&Mask != 0)
}

// Append appends the attribute's value.
func (a ACL) Append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, version)
	for _, e := range a {
		id := uint32(noID)
		if e.named() {
			id = e.ID
		}
		b = le.AppendUint16(b, uint16(e.Tag))
		b = le.AppendUint16(b, e.Perm)
		b = le.AppendUint32(b, id)
	}
	return b
}

// FromMode is the list that a mode's permissions are.
func FromMode(mode uint32) ACL {
	return ACL{{Tag: UserObj, Perm: uint16(mode >> 6 & 7)}, {Tag: GroupObj, Perm: uint16(mode >> 3 & 7)}, {Tag: Other, Perm: uint16(mode & 7)}}
}

// Mode is the permissions that a file with this list shows: where there is a mask it stands for the group.
func (a ACL) Mode() uint32 {
	group := a.perm(GroupObj)
	if i := slices.IndexFunc(a, func(e Entry) bool { return e.Tag == Mask }); i >= 0 {
		group = a[i].Perm
	}
	return uint32(a.perm(UserObj))<<6 | uint32(group)<<3 | uint32(a.perm(Other))
}

func (a ACL) perm(t Tag) uint16 {
	for _, e := range a {
		if e.Tag == t {
			return e.Perm
		}
	}
	return 0
}

// mask is the most that the group class has.
func (a ACL) mask() uint16 {
	for _, e := range a {
		if e.Tag == Mask {
			return e.Perm
		}
	}
	return 7
}
