package pvfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/pvfs/posixacl"
	"lwio/iomgr/nt"
)

// QuerySecurity gives the parts of the descriptor that are asked for (MS-FSA 2.1.5.14).
func (f *file) QuerySecurity(r *api.Request) {
	s, err := f.v.security(f.h)
	if err != nil {
		r.Fail(err)
		return
	}
	r.Reply(s.Select(nt.SecurityInformation(r.Code)).Append(nil))
}

// SetSecurity replaces parts of it (MS-FSA 2.1.5.17).
func (f *file) SetSecurity(r *api.Request) {
	in, err := nt.ParseSecurityDescriptor(r.In)
	if err != nil {
		r.Fail(err)
		return
	}
	info := nt.SecurityInformation(r.Code)
	if info&nt.OwnerSecurityInformation != 0 {
		if in.Owner.IsZero() || !f.by.mayOwn(in.Owner) {
			r.Complete(nt.StatusInvalidOwner, 0)
			return
		}
	}
	if info&nt.GroupSecurityInformation != 0 && in.Group.IsZero() {
		r.Complete(nt.StatusInvalidPrimaryGroup, 0)
		return
	}
	mode, ok := f.chmodACE(in, info)
	if ok {
		err = f.chmod(mode)
	} else {
		err = f.replaceSecurity(in, info)
	}
	if err != nil {
		r.Fail(err)
		return
	}
	f.v.report(nt.FileNotifyChangeSecurity, nt.FileActionModified, f.node.pathOf(f.link))
	r.Complete(nt.StatusSuccess, 0)
}

func (f *file) replaceSecurity(in *nt.SecurityDescriptor, info nt.SecurityInformation) error {
	f.v.setting.Lock()
	defer f.v.setting.Unlock()
	s, err := f.v.security(f.h)
	if err != nil {
		return err
	}
	sd := s.Merge(in, info)
	settle(sd, in, info)
	if err := sd.Valid(); err != nil {
		return err
	}
	x, err := posixOf(f.h)
	if err != nil {
		return err
	}
	return f.v.project(f.h, x, sd, &posixacl.Source{Mode: s.posix.mode, Dir: s.posix.dir, Server: serverUID}, false)
}

// mayOwn says whether somebody may make an account the owner: oneself, and any group that one is in. Windows wants the latter to be marked as owners, which
// groups of POSIX are not; it gives nobody anything that the descriptor could not.
func (c *caller) mayOwn(sid nt.SID) bool {
	t := c.token
	return t == nil || t.CanOwn(sid) || t.HasSID(sid) || t.HasPrivilege(nt.SeRestorePrivilege)
}

// settle makes the parts that were set what they are stored as: generic rights are those of files, and a list counts as inherited only if who set it
// said that it keeps the children's up to date (MS-DTYP 2.4.6, the flags DR and SR).
func settle(sd, in *nt.SecurityDescriptor, info nt.SecurityInformation) {
	const dreq, sreq = nt.ControlDACLAutoInheritReq, nt.ControlSACLAutoInheritReq
	if info&(nt.DACLSecurityInformation|nt.BackupSecurityInformation) != 0 {
		if in.Control&dreq == 0 {
			sd.Control &^= nt.ControlDACLAutoInherited
		}
		sd.Control |= nt.ControlDACLPresent // a list that is set and not there grants everything
		mapGeneric(sd.DACL)
	}
	if info&(nt.SACLSecurityInformation|nt.BackupSecurityInformation) != 0 {
		if in.Control&sreq == 0 {
			sd.Control &^= nt.ControlSACLAutoInherited
		}
		mapGeneric(sd.SACL)
	}
	sd.Control &^= dreq | sreq
}

// mapGeneric replaces generic rights in the ACEs that hold here; those for children alone keep them.
func mapGeneric(a *nt.ACL) {
	if a == nil {
		return
	}
	for i := range a.ACEs {
		if e := &a.ACEs[i]; e.Flags&nt.InheritOnlyACE == 0 {
			e.Mask = nt.GenericMappingFile.Map(e.Mask)
		}
	}
}
