package posixacl

import (
	"cmp"
	"slices"

	"lwio/iomgr/nt"
)

// Projection is what local programs see of a descriptor.
type Projection struct {
	UID, GID uint32
	Mode     uint32 // permissions and sticky bit
	Access   ACL    // nil if the mode says it all
	Default  ACL    // of a directory, nil if nothing is passed on to users and groups by name
}

// maxNamed bounds the named entries of a list: file systems keep few.
const maxNamed = 128

// Project says what a file shall show to local programs, as far as POSIX can. now is how it is; of it Access, Default and Sticky do not matter.
//
// The file belongs to the user that the owner is, or to the server's where it is none; to the group that the group is, or the one it has.
// Its owner may always read and write it, as who may write the descriptor may. The others have what the descriptor gives to their SID and to
// Everyone; SIDs without an id have no part in it. Execute bits of a file stay where it may be read. A file that nobody may write, as a
// read-only one is, stays so.
func Project(sd *nt.SecurityDescriptor, now *Source, ids IDMap) Projection {
	p := projecting{sd: sd, now: now, ids: ids}
	out := Projection{UID: now.Server, GID: now.GID}
	if uid, ok := ids.UID(sd.Owner); ok {
		out.UID = uid
	}
	gid, grouped := ids.GID(sd.Group)
	if grouped {
		out.GID = gid
	}
	a, sticky := p.list(out.UID, out.GID, grouped)
	if !now.Dir && now.Mode&0o222 == 0 {
		for i := range a {
			a[i].Perm &^= Write
		}
	}
	out.Mode = a.Mode()
	if sticky {
		out.Mode |= Sticky
	}
	if len(a) > 3 {
		out.Access = a
	}
	if now.Dir {
		out.Default = p.passedOn()
	}
	return out
}

type projecting struct {
	sd  *nt.SecurityDescriptor
	now *Source
	ids IDMap
}

// local are the groups that every local user is in.
var local = []nt.Group{
	{SID: nt.SIDWorld, Attributes: nt.SEGroupDefault}, {SID: nt.SIDAuthenticatedUsers, Attributes: nt.SEGroupDefault},
	{SID: nt.SIDBuiltinUsers, Attributes: nt.SEGroupDefault}, {SID: nt.SIDInteractive, Attributes: nt.SEGroupDefault},
	{SID: nt.SIDLocal, Attributes: nt.SEGroupDefault},
}

// access is what somebody has who is nothing but this SID and a local user.
func (p *projecting) access(sid nt.SID) nt.AccessMask {
	anonymous := *p.sd
	anonymous.Owner = nt.SID{} // what an owner has unasked is no permission
	m, _ := nt.AccessCheck(&anonymous, &nt.Token{User: sid, Groups: local}, nt.MaximumAllowed, nt.GenericMappingFile)
	return m
}

// perm turns rights into permissions; old gives the execute bits that a file has.
func (p *projecting) perm(m nt.AccessMask, old uint32) (perm uint16, sticky bool) {
	if m&nt.FileReadData != 0 {
		perm |= Read
		if !p.now.Dir {
			perm |= uint16(old & Execute)
		}
	}
	if m&nt.FileWriteData != 0 && m&nt.FileAppendData != 0 {
		perm |= Write
		sticky = p.now.Dir && m&nt.FileDeleteChild == 0
	}
	if p.now.Dir && m&nt.FileTraverse != 0 {
		perm |= Execute
	}
	return perm, sticky
}

// list makes the access list; sticky says that somebody may add to the directory and not delete from it.
func (p *projecting) list(uid, gid uint32, grouped bool) (a ACL, sticky bool) {
	owner := uint16(Read | Write)
	if p.now.Dir || p.now.Mode&0o100 != 0 {
		owner |= Execute
	}
	add := func(e Entry, sid nt.SID, old uint32) Entry {
		var s bool
		e.Perm, s = p.perm(p.access(sid), old)
		sticky = sticky || s
		return e
	}
	other := add(Entry{Tag: Other}, nt.SIDWorld, p.now.Mode)
	group := Entry{Tag: GroupObj, Perm: other.Perm}
	if grouped && gid != 0 {
		group = add(group, p.sd.Group, p.now.Mode>>3)
	}
	var named ACL
	if p.sd.DACL != nil {
		for i := range p.sd.DACL.ACEs {
			ace := &p.sd.DACL.ACEs[i]
			if ace.Type != nt.AccessAllowedACEType || ace.Flags&nt.InheritOnlyACE != 0 || len(named) == maxNamed {
				continue
			}
			e := Entry{}
			if id, ok := p.ids.UID(ace.SID); ok && id != uid && id != 0 && id != p.now.Server {
				e = Entry{Tag: User, ID: id}
			} else if id, ok := p.ids.GID(ace.SID); ok && id != 0 && (id != gid || !grouped) {
				e = Entry{Tag: Group, ID: id}
			}
			if e.Tag == 0 || slices.ContainsFunc(named, func(n Entry) bool { return n.Tag == e.Tag && n.ID == e.ID }) {
				continue
			}
			if e = add(e, ace.SID, p.now.Mode>>3); e.Perm != other.Perm {
				named = append(named, e)
			}
		}
	}
	a = append(named, Entry{Tag: UserObj, Perm: owner}, group, other)
	if len(named) > 0 {
		mask := group.Perm
		for _, e := range named {
			mask |= e.Perm
		}
		a = append(a, Entry{Tag: Mask, Perm: mask})
	}
	slices.SortFunc(a, func(x, y Entry) int { return cmp.Or(cmp.Compare(x.Tag, y.Tag), cmp.Compare(x.ID, y.ID)) })
	return a, sticky
}

// passedOn is the default list: the access list of a directory that inherits.
func (p *projecting) passedOn() ACL {
	named := false
	if p.sd.DACL != nil {
		for i := range p.sd.DACL.ACEs {
			ace := &p.sd.DACL.ACEs[i]
			if ace.Flags&(nt.ObjectInheritACE|nt.ContainerInheritACE) == 0 {
				continue
			}
			uid, isUser := p.ids.UID(ace.SID)
			gid, isGroup := p.ids.GID(ace.SID)
			named = named || isUser && uid != 0 && uid != p.now.Server || isGroup && gid != 0
		}
	}
	if !named {
		return nil
	}
	child, err := nt.CreateSecurityDescriptor(p.sd, &nt.SecurityDescriptor{Owner: p.sd.Owner, Group: p.sd.Group}, true, nil,
		nt.AvoidOwnerCheck|nt.AvoidPrivilegeCheck, &nt.Token{User: p.sd.Owner}, nt.GenericMappingFile)
	if err != nil {
		return nil
	}
	c := projecting{sd: child, now: &Source{Dir: true, Mode: 0o777, Server: p.now.Server}, ids: p.ids}
	a, _ := c.list(noID, noID, false)
	if len(a) <= 3 {
		return nil
	}
	return a
}
