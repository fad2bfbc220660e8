package memfs

import (
	"encoding/binary"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

var le = binary.LittleEndian

// volumeSerial is made up: there is nothing that it would have to tell apart.
const volumeSerial = 0x6D656D66

// What can be set; FILE_ATTRIBUTE_DIRECTORY and FILE_ATTRIBUTE_NORMAL follow from the rest.
const settableAttributes = nt.FileAttributeReadonly | nt.FileAttributeHidden | nt.FileAttributeSystem | nt.FileAttributeArchive | nt.FileAttributeTemporary |
	nt.FileAttributeOffline | nt.FileAttributeNotContentIndexed

// describe fills what the common information classes tell. The caller holds v.mu.
func (n *node) describe(name string) api.FileInfo {
	i := api.FileInfo{Attributes: n.attrs, Links: 1, Directory: n.dir, FileID: n.id, VolumeID: volumeSerial, Name: name, DeletePending: n.deleting,
		CreationTime: n.created, LastAccessTime: n.accessed, LastWriteTime: n.written, ChangeTime: n.changed,
		EndOfFile: n.size, AllocationSize: int64(len(n.pages)) * pageSize}
	switch {
	case n.dir:
		i.Attributes |= nt.FileAttributeDirectory
	case i.Attributes == 0:
		i.Attributes = nt.FileAttributeNormal
	}
	if n.deleting {
		i.Links = 0
	}
	return i
}

// QueryInformation answers the common classes (MS-FSCC 2.4).
func (f *file) QueryInformation(r *api.Request) {
	f.v.mu.Lock()
	i := f.node.describe(`\` + f.node.path())
	f.v.mu.Unlock()
	if !i.Answer(r) {
		r.Complete(nt.StatusInvalidInfoClass, 0)
	}
}

// settable says what each class needs: its fixed length and the access (MS-FSA 2.1.5.15).
var settable = map[nt.FileInfoClass]struct {
	need   int
	access nt.AccessMask
	set    func(*file, *api.Request)
}{
	nt.FileBasicInformation:       {36, nt.FileWriteAttributes, (*file).setBasic},
	nt.FileEndOfFileInformation:   {8, nt.FileWriteData, (*file).setSize},
	nt.FileAllocationInformation:  {8, nt.FileWriteData, (*file).setSize},
	nt.FileDispositionInformation: {1, nt.Delete, (*file).setDisposition},
	nt.FileRenameInformation:      {20, nt.Delete, (*file).setName},
}

// SetInformation changes times, attributes, size, name and the fate of the file.
func (f *file) SetInformation(r *api.Request) {
	s, ok := settable[nt.FileInfoClass(r.Code)]
	switch {
	case !ok:
		r.Complete(nt.StatusInvalidInfoClass, 0)
	case len(r.In) < s.need:
		r.Complete(nt.StatusInfoLengthMismatch, 0)
	case f.granted&s.access == 0:
		r.Complete(nt.StatusAccessDenied, 0)
	default:
		s.set(f, r)
	}
}

// setBasic sets times and attributes; a time of 0, and one that asks for no more updates or for updates again, leaves it as it is.
func (f *file) setBasic(r *api.Request) {
	attrs := le.Uint32(r.In[32:])
	if !f.node.dir && attrs&nt.FileAttributeDirectory != 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	f.v.mu.Lock()
	n := f.node
	for i, t := range []*nt.Time{&n.created, &n.accessed, &n.written, &n.changed} {
		if v := int64(le.Uint64(r.In[8*i:])); v > 0 {
			*t = nt.Time(v)
		}
	}
	if attrs != 0 {
		n.attrs = attrs & settableAttributes
	}
	dir, name := n.where()
	f.v.mu.Unlock()
	f.v.report(nt.FileNotifyChangeAttributes, nt.FileActionModified, dir, name)
	r.Complete(nt.StatusSuccess, 0)
}

// setSize sets the end of the file, or cuts it to an allocation that is less (MS-FSA 2.1.5.15.1, 2.1.5.15.4).
func (f *file) setSize(r *api.Request) {
	size := int64(le.Uint64(r.In))
	if size < 0 || size > maxSize || f.node.dir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	f.v.mu.Lock()
	now := f.node.size
	f.v.mu.Unlock()
	if size > now && nt.FileInfoClass(r.Code) == nt.FileAllocationInformation {
		r.Complete(nt.StatusSuccess, 0)
		return
	}
	from := min(size, now)
	if status := f.node.locks.CheckWrite(f.owner, 0, uint64(from), uint64(max(size, now)-from)); status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	f.node.opens.ContendReads(f.open)
	f.v.mu.Lock()
	f.v.truncate(f.node, size)
	dir, name := f.node.where()
	f.v.mu.Unlock()
	f.v.report(nt.FileNotifyChangeSize, nt.FileActionModified, dir, name)
	r.Complete(nt.StatusSuccess, 0)
}

// setDisposition marks the file for deletion, or takes the mark back (MS-FSA 2.1.5.15.3).
func (f *file) setDisposition(r *api.Request) {
	on := r.In[0] != 0
	(&fsrtl.Retried{Request: r, Done: func(s nt.Status) { r.Complete(s, 0) }, Try: func(_ bool, notify func()) (*fsrtl.OplockWait, nt.Status) {
		if on {
			if wait, waits := f.node.opens.ContendHandles(f.open, notify); waits {
				return wait, nt.StatusPending
			}
		}
		f.v.mu.Lock()
		defer f.v.mu.Unlock()
		n := f.node
		switch {
		case on && (n == f.v.root || n.attrs&nt.FileAttributeReadonly != 0):
			return nil, nt.StatusCannotDelete
		case on && len(n.children) > 0:
			return nil, nt.StatusDirectoryNotEmpty
		}
		n.deleting = on
		return nil, nt.StatusSuccess
	}}).Run()
}

// setName renames the file (MS-FSA 2.1.5.15.11).
func (f *file) setName(r *api.Request) {
	size := le.Uint32(r.In[16:])
	if size == 0 || size%2 != 0 || uint64(size) > uint64(len(r.In)-20) || le.Uint64(r.In[8:]) != 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	name, replace := nt.DecodeUTF16(r.In[20:20+size]), r.In[0] != 0
	(&fsrtl.Retried{Request: r, Done: func(s nt.Status) { r.Complete(s, 0) }, Try: func(_ bool, notify func()) (*fsrtl.OplockWait, nt.Status) {
		if wait, waits := f.node.opens.ContendHandles(f.open, notify); waits {
			return wait, nt.StatusPending
		}
		f.v.mu.Lock()
		changes, status := f.rename(name, replace)
		f.v.mu.Unlock()
		if len(changes) == 2 {
			from, to := join(changes[0]), join(changes[1])
			if f.node.dir {
				f.v.watches.Rename(from, to)
			}
			if changes[0].Dir != changes[1].Dir { // a loss there and a gain here
				changes[0].Action, changes[1].Action = nt.FileActionRemoved, nt.FileActionAdded
			}
			f.v.watches.Report(changes...)
		}
		return nil, status
	}}).Run()
}

func join(c fsrtl.Change) string {
	if c.Dir == "" {
		return c.Name
	}
	return c.Dir + `\` + c.Name
}

// rename moves the node, and gives what is to be reported. The caller holds v.mu.
func (f *file) rename(name string, replace bool) ([]fsrtl.Change, nt.Status) {
	n := f.node
	if n.parent == nil {
		return nil, nt.StatusAccessDenied
	}
	if name[0] != '\\' {
		name = n.parent.path() + `\` + name
	}
	p, status := f.v.lookup(name)
	switch {
	case status != nt.StatusSuccess:
		return nil, status
	case p.dir == nil:
		return nil, nt.StatusObjectNameCollision
	case n.openBelow():
		return nil, nt.StatusAccessDenied
	case p.dir.deleting:
		return nil, nt.StatusDeletePending
	}
	if modes := p.dir.opens.Modes(); modes.Deleters() > 0 { // a rename opens the directory that it puts a name in, and does not share that for deletion
		return nil, nt.StatusSharingViolation
	}
	for d := p.dir; d != nil; d = d.parent {
		if d == n {
			return nil, nt.StatusAccessDenied // into itself
		}
	}
	need := nt.FileAddFile
	if n.dir {
		need = nt.FileAddSubdirectory
	}
	if _, status := nt.AccessCheck(p.dir.sd, f.token, need, nt.GenericMappingFile); status != nt.StatusSuccess {
		return nil, status
	}
	if p.node != nil && p.node != n {
		switch {
		case !replace:
			return nil, nt.StatusObjectNameCollision
		case p.node.dir, p.node.handles > 0, p.node.attrs&nt.FileAttributeReadonly != 0:
			return nil, nt.StatusAccessDenied
		}
		if _, status := nt.AccessCheck(p.node.sd, f.token, nt.Delete, nt.GenericMappingFile); status != nt.StatusSuccess {
			return nil, status
		}
		f.v.unlink(p.node)
	}
	old := fsrtl.Change{Filter: nameFilter(n.dir), Action: nt.FileActionRenamedOldName, Dir: n.parent.path(), Name: n.name}
	delete(n.parent.children, nt.Upcase(n.name))
	n.link(p.dir, p.name)
	n.changed = nt.NowTime()
	return []fsrtl.Change{old, {Filter: old.Filter, Action: nt.FileActionRenamedNewName, Dir: p.dir.path(), Name: p.name}}, nt.StatusSuccess
}

// openBelow reports whether anything in a directory is open. The caller holds v.mu.
func (n *node) openBelow() bool {
	for _, c := range n.children {
		if c.handles > 0 || c.openBelow() {
			return true
		}
	}
	return false
}
