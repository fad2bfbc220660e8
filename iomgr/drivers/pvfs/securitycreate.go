package pvfs

import (
	"os"
	"sync"
	"sync/atomic"

	"lwio/iomgr/drivers/pvfs/posixacl"
	"lwio/iomgr/nt"
)

// fresh makes a file or directory with its descriptor, and gives it open with the access that its maker has (MS-FSA 2.1.5.1.1): what was asked
// for, whatever the descriptor says to others. Nobody finds it by its name before it is complete, or then may use it.
func (c *creating) fresh(p *place, isDir bool) (h *os.File, granted nt.AccessMask, status nt.Status) {
	a := c.a
	granted = nt.GenericMappingFile.Map(a.DesiredAccess &^ nt.MaximumAllowed)
	at, err := p.where()
	if err != nil {
		return nil, 0, nt.StatusOf(err)
	}
	parent, err := c.v.securityOf(p.dir, at) // read once: it is asked three times
	if err != nil {
		return nil, 0, nt.StatusOf(err)
	}
	inParent := c.by.has(parent.SecurityDescriptor)
	if c.by.token != nil {
		const known = nt.StandardRightsAll | nt.FileAllAccess | nt.AccessSystemSecurity
		switch {
		case granted&^known != 0:
			return nil, 0, nt.StatusAccessDenied
		case granted&nt.AccessSystemSecurity != 0 && !c.by.token.HasPrivilege(nt.SeSecurityPrivilege):
			return nil, 0, nt.StatusPrivilegeNotHeld
		}
		if status = mayAddBy(inParent, isDir); status != nt.StatusSuccess {
			return nil, 0, status
		}
	}
	if a.DesiredAccess&nt.MaximumAllowed != 0 {
		granted |= nt.FileAllAccess
	}
	sd, err := c.inherit(&parent, isDir)
	if err != nil {
		return nil, 0, nt.StatusOf(err)
	}
	sd = c.ofMode(sd, isDir)
	c.maximal = c.by.has(sd)&^nt.AccessSystemSecurity | fromParentBy(inParent)
	readonly := !isDir && a.FileAttributes&nt.FileAttributeReadonly != 0
	h, c.info, err = c.v.makeSecured(p, &parent, sd, isDir, readonly, c.mode())
	return h, granted, nt.StatusOf(err)
}

// inherit makes the descriptor of a new file.
func (c *creating) inherit(parent *secured, isDir bool) (*nt.SecurityDescriptor, error) {
	token := c.by.token
	if token == nil {
		token = nt.SystemToken()
	}
	if want := c.a.SecurityDescriptor; want != nil && !want.Owner.IsZero() && !c.by.mayOwn(want.Owner) {
		return nil, nt.StatusInvalidOwner
	}
	flags := nt.AvoidOwnerCheck
	// A list that the maker gives is taken as it is, unless it asks for more.
	want := c.a.SecurityDescriptor
	given := want != nil && (want.DACL != nil || want.Control&nt.ControlDACLPresent != 0) && want.Control&nt.ControlDACLAutoInheritReq == 0
	if parent.Control&nt.ControlDACLAutoInherited != 0 && !given {
		flags |= nt.DACLAutoInherit
	}
	if parent.Control&nt.ControlSACLAutoInherited != 0 {
		flags |= nt.SACLAutoInherit
	}
	key := childOf{parent.SecurityDescriptor, token.OwnerSID(), token.PrimaryGroup, isDir}
	plain := want == nil && token.DefaultDACL == nil
	if plain {
		if sd := c.v.descriptors.children.get(&c.v.descriptors.mu, key); sd != nil {
			return sd, nil
		}
	}
	if given {
		want = explicit(want)
	}
	sd, err := nt.CreateSecurityDescriptor(parent.SecurityDescriptor, want, isDir, nil, flags, token, nt.GenericMappingFile)
	if err != nil {
		return nil, err
	}
	if given {
		remark(sd, c.a.SecurityDescriptor)
	} else if flags&nt.DACLAutoInherit == 0 && sd.DACL != nil { // a parent that does not keep its children's lists up to date marks nothing in them
		for i := range sd.DACL.ACEs {
			sd.DACL.ACEs[i].Flags &^= nt.InheritedACE
		}
	}
	if plain {
		c.v.descriptors.children.put(&c.v.descriptors.mu, key, sd)
	}
	return sd, nil
}

// explicit is a descriptor whose list is wholly its maker's: ACEs that are marked as inherited would be dropped for those that are inherited.
func explicit(want *nt.SecurityDescriptor) *nt.SecurityDescriptor {
	out := want.Clone()
	if out.DACL != nil {
		for i := range out.DACL.ACEs {
			out.DACL.ACEs[i].Flags &^= nt.InheritedACE
		}
	}
	return out
}

// remark gives the marks back that explicit took.
func remark(sd, want *nt.SecurityDescriptor) {
	sd.Control |= want.Control & nt.ControlDACLAutoInherited
	if sd.DACL == nil || want.DACL == nil {
		return
	}
	for _, w := range want.DACL.ACEs {
		if w.Flags&nt.InheritedACE == 0 {
			continue
		}
		for i := range sd.DACL.ACEs {
			if e := &sd.DACL.ACEs[i]; e.Type == w.Type && e.SID == w.SID && e.Mask == w.Mask {
				e.Flags |= nt.InheritedACE
			}
		}
	}
}

// making keeps those who find what is being made from looking at who may use it before it is complete: they would be refused. A lock stands for
// some of the directories; it is held while something is made in one of them, and while who opens reads the descriptor. It comes before setting.
type making struct {
	now   atomic.Int64 // how many are at it: whose open finds none has found nothing that is being made
	locks [64]sync.RWMutex
}

func (m *making) of(p *place) *sync.RWMutex {
	info, err := p.where()
	if err != nil {
		return &m.locks[0]
	}
	return &m.locks[detailsOf(info).id.ino%uint64(len(m.locks))]
}

// begin keeps others from looking at what is made in a directory, before it has its name.
func (m *making) begin(p *place) (end func()) {
	l := m.of(p)
	m.now.Add(1)
	l.Lock()
	return func() {
		l.Unlock()
		m.now.Add(-1)
	}
}

// settled has somebody who has opened a file of a directory wait until it is complete, and keeps it so until it is looked at.
func (m *making) settled(p *place) (looked func()) {
	if m.now.Load() == 0 {
		return func() {}
	}
	l := m.of(p)
	l.RLock()
	return l.RUnlock
}

// makeSecured makes a file or directory that has a descriptor, in a directory that has one; with a mode, exactly that one. It tells which file it is, as it
// was when it was new.
func (v *volume) makeSecured(p *place, parent *secured, sd *nt.SecurityDescriptor, isDir, readonly bool, mode *uint32) (*os.File, os.FileInfo, error) {
	now := &posixacl.Source{UID: serverUID, Mode: 0o666, Dir: isDir, Server: serverUID}
	if isDir {
		now.Mode = 0o777
	}
	if readonly {
		now.Mode = 0o444
	}
	var h *os.File
	var err error
	defer v.making.begin(p)()
	undo := func() {
		h.Close()
		_ = unlinkAt(p.dir, p.name, isDir)
	}
	named := true
	switch {
	case isDir:
		if err = mkdirAt(p.dir, p.name, 0o700); err == nil {
			if h, err = openAt(p.dir, p.name, os.O_RDONLY|oDirectory, 0); err != nil {
				_ = unlinkAt(p.dir, p.name, true)
			}
		}
	default:
		if uid, ok := v.ids.UID(sd.Owner); ok && serverUID == 0 && uid != 0 { // it never has a name while it is another's
			if h = nameless(p.dir); h != nil {
				named = false
				undo = func() { h.Close() }
				break
			}
		}
		h, err = openAt(p.dir, p.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := fstat(h)
	if err == nil {
		x := ownership(info)
		if !parent.listless { // else it has no list either
			x.readAccess(h)
		}
		err = v.project(h, x, sd, now, true)
	}
	if err == nil && mode != nil {
		err = setMode(h, sd, *mode)
	}
	if err != nil {
		undo()
		return nil, nil, err
	}
	if !named {
		if err = linkNameless(h, p.dir, p.name); err != nil {
			undo()
			return nil, nil, err
		}
	}
	return h, info, nil
}

// project shows a descriptor to local programs as far as POSIX can, and stores it. x and now are how the file is, x as it was just read.
func (v *volume) project(h *os.File, x *posix, sd *nt.SecurityDescriptor, now *posixacl.Source, isNew bool) error {
	now.GID = x.gid
	if !isNew {
		now.UID = x.uid
	}
	var to posixacl.Projection
	if isNew {
		to = v.projection(sd, now)
	} else {
		to = posixacl.Project(sd, now, v.ids)
	}
	if serverUID != 0 { // one user's process gives nothing away
		to.UID, to.GID = x.uid, x.gid
	}
	if to.UID != x.uid || to.GID != x.gid {
		if err := fchown(h, to.UID, to.GID); err != nil {
			return err
		}
		x.uid, x.gid = to.UID, to.GID
	}
	if to.Access != nil {
		b := to.Access.Append(nil)
		switch err := setXattr(h, posixacl.AccessName, b); {
		case err == nil:
			x.access = b
		case noXattr(err):
			to.Mode = posixacl.FromMode(to.Mode).Mode() &^ 0o070 // the mask alone would give the group what is the others'
		default:
			return err
		}
	} else if x.access != nil {
		if err := dropXattr(h, posixacl.AccessName); err != nil {
			return err
		}
		x.access = nil
	}
	if now.Dir {
		if err := setDefault(h, to.Default); err != nil {
			return err
		}
	}
	x.mode = x.mode&^0o1777 | to.Mode
	// While it may be written: see chmodKeeping.
	err := storeSecurity(h, sd, x)
	if err != nil && !noXattr(err) {
		return err
	}
	return fchmod(h, x.mode)
}

// setDefault sets or removes a directory's default list.
func setDefault(h *os.File, a posixacl.ACL) error {
	if a == nil {
		return dropXattr(h, posixacl.DefaultName)
	}
	err := setXattr(h, posixacl.DefaultName, a.Append(nil))
	if noXattr(err) {
		return nil
	}
	return err
}
