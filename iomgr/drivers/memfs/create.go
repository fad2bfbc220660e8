package memfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// Create opens or creates a file or directory (MS-FSA 2.1.5.1). It may wait for others to write back what they cache.
func (v *volume) Create(r *api.Request) {
	c := &creating{v: v, a: r.Create, path: r.File().Path(), token: r.Create.Token}
	if c.token == nil {
		c.token = nt.SystemToken()
	}
	if status := c.check(); status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	if w, ok := api.Find[api.Oplock](c.a.Contexts); ok {
		if c.wants = &w; w.Lease {
			c.key = &fsrtl.LeaseKey{Client: w.Client, Key: w.Key}
		}
	}
	(&fsrtl.Retried{Request: r, Try: c.try, Done: func(status nt.Status) {
		if status == nt.StatusSuccess {
			r.File().SetImpl(c.f, c.f.granted)
		}
		r.Complete(status, 0)
	}}).Run()
}

// creating is a create under way.
type creating struct {
	v     *volume
	a     *api.CreateArgs
	path  string
	token *nt.Token
	wants *api.Oplock // nil if none
	key   *fsrtl.LeaseKey
	f     *file // the result
	fresh bool  // the file was made
}

// check refuses what MS-FSA 2.1.5.1 calls invalid.
func (c *creating) check() nt.Status {
	a := c.a
	directory := a.Options&nt.FileDirectoryFile != 0
	switch {
	case a.Disposition > nt.FileOverwriteIf, directory && a.Options&nt.FileNonDirectoryFile != 0, directory && c.replaces(), a.ShareAccess&^7 != 0:
		return nt.StatusInvalidParameter
	case a.DesiredAccess == 0:
		return nt.StatusAccessDenied
	case a.Options&nt.FileDeleteOnClose != 0 && nt.GenericMappingFile.Map(a.DesiredAccess)&(nt.Delete|nt.MaximumAllowed) == 0:
		return nt.StatusInvalidParameter
	case a.Options&nt.FileOpenByFileId != 0:
		return nt.StatusNotSupported
	}
	return nt.StatusSuccess
}

// replaces says whether the disposition takes the content of what exists.
func (c *creating) replaces() bool {
	d := c.a.Disposition
	return d == nt.FileSupersede || d == nt.FileOverwrite || d == nt.FileOverwriteIf
}

// try finds or makes the node, then has its opens let this one in. The status is StatusPending where it has to wait for one of them.
func (c *creating) try(again bool, notify func()) (*fsrtl.OplockWait, nt.Status) {
	f := &file{v: c.v, token: c.token, owner: c.v.ids.Add(1), deleteOnClose: c.a.Options&nt.FileDeleteOnClose != 0}
	c.v.mu.Lock()
	status := c.find(f)
	var dir string
	if status == nt.StatusSuccess {
		f.node.handles++ // from here it does not go
		if f.node.parent != nil {
			dir = f.node.parent.path()
		}
	}
	c.v.mu.Unlock()
	if status != nt.StatusSuccess {
		return nil, status
	}
	access := f.granted
	if c.replaces() && !c.fresh {
		access |= nt.FileWriteData
	}
	open, wait, status := f.node.opens.Enter(fsrtl.Opening{Access: access, Share: c.a.ShareAccess, Overwrites: c.replaces(), Key: c.key, Again: again}, notify)
	if status != nt.StatusSuccess {
		c.v.release(f.node, false)
		return wait, status
	}
	f.open = open
	a := c.a
	switch {
	case c.fresh:
		a.Result.Action = nt.FileCreated
		c.v.report(nameFilter(f.node.dir), nt.FileActionAdded, dir, f.node.name)
	case c.replaces():
		a.Result.Action = nt.FileOverwritten
		if a.Disposition == nt.FileSupersede {
			a.Result.Action = nt.FileSuperseded
		}
		c.v.mu.Lock()
		c.v.truncate(f.node, 0)
		f.node.attrs = nt.FileAttributeArchive | a.FileAttributes&settableAttributes
		c.v.mu.Unlock()
	default:
		a.Result.Action = nt.FileOpened
	}
	c.finish(f)
	return nil, nt.StatusSuccess
}

// find gives the file's node and the access that it grants. The caller holds v.mu.
func (c *creating) find(f *file) nt.Status {
	a := c.a
	p, status := c.v.lookup(c.path)
	if status != nt.StatusSuccess {
		return status
	}
	if p.node == nil {
		if a.Disposition == nt.FileOpen || a.Disposition == nt.FileOverwrite {
			return nt.StatusObjectNameNotFound
		}
		return c.make(f, p)
	}
	n := p.node
	readonly := n.attrs&nt.FileAttributeReadonly != 0 && !n.dir
	switch {
	case n.deleting:
		return nt.StatusDeletePending
	case a.Disposition == nt.FileCreate && !c.fresh:
		return nt.StatusObjectNameCollision
	case n.dir && a.Options&nt.FileNonDirectoryFile != 0:
		return nt.StatusFileIsADirectory
	case !n.dir && a.Options&nt.FileDirectoryFile != 0:
		return nt.StatusNotADirectory
	case n.dir && c.replaces():
		return nt.StatusInvalidParameter
	case readonly && f.deleteOnClose:
		return nt.StatusCannotDelete
	case c.replaces() && n.attrs&(nt.FileAttributeHidden|nt.FileAttributeSystem)&^a.FileAttributes != 0: // MS-FSA 2.1.5.1.2
		return nt.StatusAccessDenied
	}
	if f.granted, status = nt.AccessCheck(n.sd, c.token, a.DesiredAccess, nt.GenericMappingFile); status != nt.StatusSuccess {
		return status
	}
	if c.replaces() {
		if _, status = nt.AccessCheck(n.sd, c.token, nt.FileWriteData, nt.GenericMappingFile); status != nt.StatusSuccess {
			return status
		}
	}
	const writes = nt.FileWriteData | nt.FileAppendData
	if readonly && (c.replaces() || f.granted&writes != 0) {
		if c.replaces() || a.DesiredAccess&nt.MaximumAllowed == 0 {
			return nt.StatusAccessDenied
		}
		f.granted &^= writes
	}
	f.node = n
	return nt.StatusSuccess
}

// make makes the node. Who makes a file is granted what he asks for. The caller holds v.mu.
func (c *creating) make(f *file, p place) nt.Status {
	a := c.a
	isDir := a.Options&nt.FileDirectoryFile != 0
	need := nt.FileAddFile
	if isDir {
		need = nt.FileAddSubdirectory
	}
	switch {
	case p.dir.deleting:
		return nt.StatusDeletePending
	case a.FileAttributes&nt.FileAttributeReadonly != 0 && f.deleteOnClose: // MS-FSA 2.1.5.1.1
		return nt.StatusCannotDelete
	}
	if _, status := nt.AccessCheck(p.dir.sd, c.token, need, nt.GenericMappingFile); status != nt.StatusSuccess {
		return status
	}
	sd, err := nt.CreateSecurityDescriptor(p.dir.sd, a.SecurityDescriptor, isDir, nil, nt.DACLAutoInherit|nt.SACLAutoInherit, c.token, nt.GenericMappingFile)
	if err != nil {
		return nt.StatusOf(err)
	}
	f.granted = nt.GenericMappingFile.Map(a.DesiredAccess &^ (nt.MaximumAllowed | nt.AccessSystemSecurity))
	if a.DesiredAccess&nt.MaximumAllowed != 0 {
		f.granted |= nt.FileAllAccess
	}
	f.node = c.v.newNode(isDir, sd)
	f.node.attrs |= a.FileAttributes & settableAttributes
	f.node.link(p.dir, p.name)
	c.fresh = true
	return nt.StatusSuccess
}

// finish grants what the open asks for besides, and answers its contexts.
func (c *creating) finish(f *file) {
	a := c.a
	if c.wants != nil {
		req := fsrtl.OplockRequest{State: fsrtl.LeaseState(c.wants.State), Lease: c.wants.Lease, Version: c.wants.Version, Epoch: c.wants.Epoch}
		if c.key != nil {
			req.Key = *c.key
		}
		if f.node.dir && c.wants.Version < 2 { // only leases of version 2 are for directories (MS-SMB2 3.3.5.9.8)
			req.State = 0
		}
		g := f.node.opens.Grant(f.open, req, fsrtl.GrantArgs{Directory: f.node.dir, Locked: f.node.locks.Any(), Overwritten: c.replaces()})
		got := *c.wants
		if got.State, got.Epoch, got.Breaking = uint8(g.State), g.Epoch, g.Breaking; g.Version != 0 {
			got.Version = g.Version
		}
		a.Result.Contexts = append(a.Result.Contexts, got)
	}
	if _, ok := api.Find[api.MaximalAccess](a.Contexts); ok {
		c.v.mu.Lock()
		sd := f.node.sd
		c.v.mu.Unlock()
		m, _ := nt.AccessCheck(sd, c.token, nt.MaximumAllowed, nt.GenericMappingFile)
		a.Result.Contexts = append(a.Result.Contexts, api.MaximalAccess{Access: m})
	}
	if _, ok := api.Find[api.DiskID](a.Contexts); ok {
		a.Result.Contexts = append(a.Result.Contexts, api.DiskID{FileID: f.node.id, VolumeID: volumeSerial})
	}
	c.f = f
}

// release lets a handle of a node go; the last one of a node that is to be deleted takes it along.
func (v *volume) release(n *node, remove bool) {
	v.mu.Lock()
	n.handles--
	n.deleting = n.deleting || remove && len(n.children) == 0 // MS-FSA 2.1.5.5, phase 1
	dir, gone := "", false
	switch {
	case n.handles > 0:
	case n.deleting && n.parent != nil:
		dir, gone = n.parent.path(), true
		v.unlink(n)
	case n.parent == nil && n != v.root:
		v.truncate(n, 0)
	}
	name := n.name
	v.mu.Unlock()
	if gone {
		v.report(nameFilter(n.dir), nt.FileActionRemoved, dir, name)
	}
}
