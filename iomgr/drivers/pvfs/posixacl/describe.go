package posixacl

import "lwio/iomgr/nt"

// Source is what POSIX says about who may use a file.
type Source struct {
	UID, GID uint32
	Mode     uint32 // permissions and sticky bit
	Dir      bool
	Access   ACL // nil if there is only the mode
	Default  ACL // of a directory, nil if there is none

	// Server is the user that the server runs as. Accounts that are no Unix user's act as it.
	Server uint32
}

// Sticky is the mode bit of a directory whose entries only their owners may delete.
const Sticky = 0o1000

// maxDescribed entries make at most four ACEs each of 28 bytes, of the 64 KiB that a list may have.
const maxDescribed = 500

// ServerSID stands for the accounts that act as the server's user.
func ServerSID(server uint32) nt.SID { return nt.SIDUnixUsers.Child(server) }

// Describe derives the descriptor of a file that has none.
//
// SYSTEM and Administrators may do everything. The owner, the users and groups that the list names, the group and Everyone (who is "other")
// may do what their permissions say: see rights. Where POSIX gives a class less than a later one, since it asks the first that fits alone, an ACE
// that denies the difference follows the one that allows.
//
// The server's own user is Administrators. A file of his that others may read gives the owner's rights also to the accounts that act as that user. One that others may
// not read is private to it.
//
// What a directory passes on is what it grants itself, with CREATOR OWNER for the owner, or its default list if it has one.
//
// A file with more entries than a descriptor has room for is its owner's alone.
func Describe(s *Source, ids IDMap) *nt.SecurityDescriptor {
	if len(s.Access)+len(s.Default) > maxDescribed {
		s = &Source{UID: s.UID, GID: s.GID, Mode: s.Mode & 0o700, Dir: s.Dir, Server: s.Server}
	}
	access := s.Access
	if access == nil {
		access = FromMode(s.Mode)
	}
	d := describing{s: s, ids: ids, owner: ids.UserSID(s.UID), group: ids.GroupSID(s.GID)}
	if s.UID == s.Server {
		d.owner = nt.SIDBuiltinAdministrators // root or not: who runs the server administers it
	}
	return d.descriptor(access)
}

func (d *describing) descriptor(access ACL) *nt.SecurityDescriptor {
	s, full := d.s, uint8(0)
	if s.Dir {
		full = nt.ObjectInheritACE | nt.ContainerInheritACE
	}
	d.allow(nt.SIDLocalSystem, nt.FileAllAccess, full)
	d.allow(nt.SIDBuiltinAdministrators, nt.FileAllAccess, full)
	switch {
	case !s.Dir:
		d.list(access, 0)
	case s.Default == nil && s.Mode&Sticky == 0:
		d.list(access, full)
	case s.Default == nil: // what lies in it is each owner's own
		d.list(access, 0)
		readable := append(ACL(nil), access...)
		for i := range readable {
			readable[i].Perm &^= Write
		}
		d.list(readable, full|nt.InheritOnlyACE)
	default:
		d.list(access, 0)
		d.list(s.Default, full|nt.InheritOnlyACE)
	}
	acl := &nt.ACL{Revision: nt.ACLRevision, ACEs: d.aces}
	control := uint16(nt.ControlDACLPresent)
	if s.Dir { // what is made in it is marked as inherited, so that a later change of the directory can take its place
		control |= nt.ControlDACLAutoInherited
	}
	return &nt.SecurityDescriptor{Control: control, Owner: d.owner, Group: d.group, DACL: acl}
}

type describing struct {
	s            *Source
	ids          IDMap
	owner, group nt.SID
	aces         []nt.ACE
}

func (d *describing) allow(sid nt.SID, mask nt.AccessMask, flags uint8) {
	if mask != 0 {
		d.aces = append(d.aces, nt.ACE{Type: nt.AccessAllowedACEType, Flags: flags, Mask: mask, SID: sid})
	}
}

func (d *describing) deny(sid nt.SID, perm uint16, flags uint8) {
	if perm != 0 {
		d.aces = append(d.aces, nt.ACE{Type: nt.AccessDeniedACEType, Flags: flags, Mask: decisive(perm, d.s.Dir), SID: sid})
	}
}

// list adds the ACEs of one list.
func (d *describing) list(a ACL, flags uint8) {
	mask, owner, other := a.mask(), a.perm(UserObj), a.perm(Other)
	var class uint16 // what anybody but the owner has
	for _, e := range a {
		switch e.Tag {
		case User, Group, GroupObj:
			class |= e.Perm & mask
		}
	}
	d.ownerACEs(owner, (class|other)&^owner, other, flags)
	for _, e := range a {
		if e.Tag != User {
			continue
		}
		sid, perm := d.ids.UserSID(e.ID), e.Perm&mask
		d.allow(sid, d.rights(perm), flags)
		d.deny(sid, (class|other)&^perm, flags)
	}
	for _, e := range a {
		if e.Tag == Group || e.Tag == GroupObj {
			if sid := d.groupSID(e); sid != nt.SIDLocalSystem { // which has everything
				d.allow(sid, d.rights(e.Perm&mask), flags)
			}
		}
	}
	for _, e := range a {
		if e.Tag == Group || e.Tag == GroupObj {
			if sid := d.groupSID(e); sid != nt.SIDLocalSystem {
				d.deny(sid, other&^(e.Perm&mask), flags)
			}
		}
	}
	d.allow(nt.SIDWorld, d.rights(other), flags)
}

func (d *describing) ownerACEs(owner, less, other uint16, flags uint8) {
	const inherit = nt.ObjectInheritACE | nt.ContainerInheritACE
	if d.owner != nt.SIDBuiltinAdministrators && flags&nt.InheritOnlyACE == 0 { // who have everything
		d.allow(d.owner, d.ownerRights(owner), 0)
		d.deny(d.owner, less, 0)
	}
	needed := uint16(Read)
	if d.s.Dir {
		needed |= Execute
	}
	if d.s.UID == d.s.Server && other&needed == needed {
		has := d.ownerRights(owner)
		if d.s.Mode&Sticky != 0 { // these are many: one another's files are not theirs
			has = d.rights(owner)
		}
		d.allow(ServerSID(d.s.Server), has, flags)
	}
	if flags&inherit != 0 {
		d.allow(nt.SIDCreatorOwner, nt.FileAllAccess, inherit|nt.InheritOnlyACE)
	}
}

func (d *describing) groupSID(e Entry) nt.SID {
	if e.Tag == GroupObj {
		return d.group
	}
	return d.ids.GroupSID(e.ID)
}

// decisive are the rights that a permission alone decides.
func decisive(perm uint16, dir bool) (m nt.AccessMask) {
	if perm&Read != 0 {
		m |= nt.FileReadData
		if !dir {
			m |= nt.FileExecute
		}
	}
	if perm&Write != 0 {
		m |= nt.FileWriteData | nt.FileAppendData
		if dir {
			m |= nt.FileDeleteChild
		}
	}
	if perm&Execute != 0 && dir {
		m |= nt.FileTraverse
	}
	return m
}

// rights are what a permission gives. Programs of Windows have no execute bit: who may read a file may run it.
func (d *describing) rights(perm uint16) (m nt.AccessMask) {
	if perm&Read != 0 {
		m |= nt.FileGenericRead
		if !d.s.Dir {
			m |= nt.FileGenericExecute
		}
	}
	if perm&Write != 0 {
		m |= nt.FileGenericWrite
		if d.s.Dir && d.s.Mode&Sticky == 0 {
			m |= nt.FileDeleteChild
		}
	}
	if perm&Execute != 0 && d.s.Dir {
		m |= nt.FileGenericExecute
	}
	return m
}

// ownerRights are what the owner has: everything, but what the permissions withhold.
func (d *describing) ownerRights(perm uint16) nt.AccessMask {
	return nt.FileAllAccess &^ decisive(^perm&7, d.s.Dir)
}
