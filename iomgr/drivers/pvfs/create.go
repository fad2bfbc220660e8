package pvfs

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// Create opens or creates a file or directory (MS-FSA 2.1.5.1). It may wait for others to write back what they cache.
func (v *volume) Create(r *api.Request) {
	if v.openQuotas(r) {
		return
	}
	c := &creating{v: v, a: r.Create}
	if status := c.prepare(r); status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	o := &fsrtl.Retried{Request: r, Try: c.try, Done: func(status nt.Status) {
		if status == nt.StatusSuccess {
			r.File().SetImpl(c.impl(), c.f.granted)
		}
		r.Complete(status, 0)
	}}
	o.Run()
}

// creating is a create under way.
type creating struct {
	v      *volume
	a      *api.CreateArgs
	parts  []string
	stream streamRef
	posix  *api.POSIX // nil for an open with the semantics of Windows
	made   bool       // the stream was not there
	eas    []ea
	wants  *api.Oplock // nil if none
	key    *fsrtl.LeaseKey
	f      *file // the result

	versions *api.Snapshots // where there are previous ones, nil for nowhere
	frozen   frozen

	share  *fsrtl.ShareOptions // never nil
	info   os.FileInfo         // of what was just opened or made, nil if it was not looked at
	dos    *dosAttributes      // what is known of its attributes, nil for nothing
	unlock func()              // of the name, nil if it is not locked

	by      caller
	maximal nt.AccessMask // what the caller may do, once try has looked
}

func (c *creating) prepare(r *api.Request) (status nt.Status) {
	if status = checkOptions(c.a); status != nt.StatusSuccess {
		return status
	}
	if status = c.split(r.File().Path()); status != nt.StatusSuccess {
		return status
	}
	if c.stream.name != "" && c.a.Options&nt.FileDirectoryFile != 0 {
		return nt.StatusNotADirectory
	}
	if c.eas, status = parseEAs(c.a.EA); status != nt.StatusSuccess {
		return status
	}
	if status = c.warp(); status != nt.StatusSuccess {
		return status
	}
	c.by = c.v.callerOf(c.a)
	if c.share, _ = api.Find[*fsrtl.ShareOptions](c.a.Contexts); c.share == nil {
		c.share = &noShare
	}
	if w, ok := api.Find[api.Oplock](c.a.Contexts); ok {
		c.wants = &w
		if w.Lease {
			c.key = &fsrtl.LeaseKey{Client: w.Client, Key: w.Key}
		}
	}
	return nt.StatusSuccess
}

// noShare is for opens that come through none.
var noShare fsrtl.ShareOptions

// checkOptions refuses what MS-FSA 2.1.5.1 calls invalid.
func checkOptions(a *api.CreateArgs) nt.Status {
	directory := a.Options&nt.FileDirectoryFile != 0
	switch {
	case a.Disposition > nt.FileOverwriteIf, directory && a.Options&nt.FileNonDirectoryFile != 0:
		return nt.StatusInvalidParameter
	case a.DesiredAccess == 0:
		return nt.StatusAccessDenied
	case directory && (a.Disposition == nt.FileSupersede || a.Disposition == nt.FileOverwrite || a.Disposition == nt.FileOverwriteIf):
		return nt.StatusInvalidParameter
	case a.ShareAccess&^7 != 0, a.AllocationSize < 0, a.FileAttributes&^knownAttributes != 0, a.Options&0xFF000000 != 0:
		return nt.StatusInvalidParameter
	case a.Options&nt.FileReserveOpfilter != 0:
		return nt.StatusNotSupported
	case a.FileAttributes&nt.FileAttributeEncrypted != 0 && a.Disposition != nt.FileOpen:
		return nt.StatusAccessDenied
	case a.Options&nt.FileDeleteOnClose != 0 && nt.GenericMappingFile.Map(a.DesiredAccess)&(nt.Delete|nt.MaximumAllowed) == 0:
		return nt.StatusInvalidParameter
	case a.Options&nt.FileOpenByFileId != 0:
		return nt.StatusNotSupported
	}
	return nt.StatusSuccess
}

// overwrites says whether the disposition takes the content of what exists.
func overwrites(disposition uint32) bool {
	return disposition == nt.FileSupersede || disposition == nt.FileOverwrite || disposition == nt.FileOverwriteIf
}

// try looks the name up and opens or makes what it names.
func (c *creating) try(again bool, notify func()) (*fsrtl.OplockWait, nt.Status) {
	makes := c.a.Disposition != nt.FileOpen && c.a.Disposition != nt.FileOverwrite
	for range maxLooks {
		c.info, c.dos = nil, nil
		if makes {
			c.unlock = c.v.locks.lock(strings.Join(c.parts, "/"))
		}
		var p *place
		var status nt.Status
		if c.exact() {
			p, status = c.v.lookupExact(c.parts, c.bare())
		} else {
			p, status = c.v.lookupBelow(c.parts, makes, links{c.share, c.bare()})
		}
		if status != nt.StatusSuccess {
			c.unlocked()
			return nil, status
		}
		var wait *fsrtl.OplockWait
		if p.info != nil {
			c.unlocked()
		}
		if status = c.meets(p.path); status != nt.StatusSuccess {
			c.unlocked()
			p.close()
			return nil, status
		}
		if p.info == nil {
			status = c.make(p)
			c.unlocked()
		} else {
			wait, status = c.open(p, again, notify)
		}
		if status == nt.StatusSuccess && c.f.deleteOnClose && !c.f.named() && p.name != "" {
			c.f.dir, p.dir = p.dir, nil // the name is going to be taken away there
		}
		p.close()
		switch {
		case p.info == nil && status == nt.StatusObjectNameCollision && c.a.Disposition != nt.FileCreate:
			continue // somebody else was faster: open that
		case p.info != nil && status == statusGone:
			if c.a.Disposition == nt.FileOpen || c.a.Disposition == nt.FileOverwrite {
				return nil, nt.StatusObjectNameNotFound
			}
			continue // it went meanwhile
		}
		return wait, status
	}
	return nil, nt.StatusSharingViolation // somebody makes and deletes it all the time
}

// unlocked lets the name go, if it is locked.
func (c *creating) unlocked() {
	if c.unlock != nil {
		c.unlock()
		c.unlock = nil
	}
}

// foreignLeaseRetry is how long an open waits before it tries again whether a local program still caches the file.
const foreignLeaseRetry = 100 * time.Millisecond

// statusGone says inside a create that what was found is not there any more.
const statusGone = nt.StatusFileInvalid

// grant is the access that is asked for, before the descriptor has its say.
func grant(a *api.CreateArgs) nt.AccessMask {
	m := nt.GenericMappingFile.Map(a.DesiredAccess &^ nt.MaximumAllowed)
	if a.DesiredAccess&nt.MaximumAllowed != 0 {
		m |= nt.FileAllAccess
	}
	return m &^ nt.AccessSystemSecurity
}

// make creates what does not exist.
func (c *creating) make(p *place) nt.Status {
	a := c.a
	if a.Disposition == nt.FileOpen || a.Disposition == nt.FileOverwrite {
		return nt.StatusObjectNameNotFound
	}
	if c.frozen != notFrozen {
		return nt.StatusMediaWriteProtected
	}
	if a.FileAttributes&nt.FileAttributeReadonly != 0 && a.Options&nt.FileDeleteOnClose != 0 {
		return nt.StatusCannotDelete
	}
	if c.v.isDying(p.dir) {
		return nt.StatusDeletePending
	}
	c.untunnel(p)
	f := &file{v: c.v, by: c.by, isDir: a.Options&nt.FileDirectoryFile != 0}
	var status nt.Status
	if f.h, f.granted, status = c.fresh(p, f.isDir); status != nt.StatusSuccess {
		return status
	}
	c.v.names.amend(p.dir, p.name, "")
	c.unlocked()
	if a.AllocationSize > 0 && !f.isDir {
		if err := c.allocate(f); err != nil {
			f.h.Close()
			_ = unlinkAt(p.dir, p.name, false)
			return nt.StatusOf(err)
		}
	}
	_, status = c.enter(f, p, false, func() {})
	if status != nt.StatusSuccess && (c.stream.name != "" || status != nt.StatusPending && status != nt.StatusSharingViolation && status != nt.StatusDeletePending) {
		_ = unlinkAt(p.dir, p.name, f.isDir)
	}
	if status == nt.StatusPending { // nobody can hold what was not there, but a faster open of the same name
		status = nt.StatusSharingViolation
	}
	if status != nt.StatusSuccess {
		return status
	}
	stored, err := f.createdWith(a.FileAttributes, false)
	if err == nil {
		err = setEAs(f.h, c.eas)
	}
	if err != nil {
		f.abandon()
		_ = unlinkAt(p.dir, p.name, f.isDir)
		return nt.StatusOf(err)
	}
	if !f.isDir && c.stream.name == "" {
		f.node.allocated(a.AllocationSize)
	}
	if c.info = nil; !stored {
		c.dos = new(dosAttributes)
		f.node.dos.CompareAndSwap(dosUnknown, dosNone)
	}
	a.Result.Action = nt.FileCreated
	if f.isDir {
		c.v.local.made(f.h, p.path)
	}
	c.v.report(nameFilter(f.isDir), nt.FileActionAdded, p.path)
	status = c.finish(f, false)
	c.v.contendParent(p.path, f.parent)
	return status
}

// open opens what exists.
func (c *creating) open(p *place, again bool, notify func()) (*fsrtl.OplockWait, nt.Status) {
	a := c.a
	if p.info.Mode()&os.ModeSymlink != 0 {
		return c.openLink(p, again, notify)
	}
	named, dir := c.stream.name != "", p.info.IsDir()
	f := &file{v: c.v, by: c.by, granted: grant(a), isDir: dir && !named}
	overwrite := overwrites(a.Disposition)
	if p.via { // what is deleted or renamed is the link: see bare
		f.granted &^= nt.Delete
	}
	switch {
	case p.via && a.Options&nt.FileDeleteOnClose != 0:
		return nil, nt.StatusAccessDenied
	case f.isDir && c.stream.typed && a.Options&nt.FileDirectoryFile != 0:
		return nil, nt.StatusNotADirectory
	case f.isDir && c.stream.typed:
		return nil, nt.StatusFileIsADirectory
	case a.Disposition == nt.FileCreate && !named:
		if n := c.v.peek(detailsOf(p.info).id); n != nil { // MS-FSA 2.1.5.1.2: what is about to go says so
			defer n.release()
			if n.deletePending(p.path) {
				return nil, nt.StatusDeletePending
			}
		}
		return nil, nt.StatusObjectNameCollision
	case f.isDir && a.Options&nt.FileNonDirectoryFile != 0:
		return nil, nt.StatusFileIsADirectory
	case !dir && a.Options&nt.FileDirectoryFile != 0:
		return nil, nt.StatusNotADirectory
	case !dir && !p.info.Mode().IsRegular():
		return nil, nt.StatusAccessDenied // devices, sockets and fifos are not files here
	case overwrite && f.isDir:
		return nil, nt.StatusInvalidParameter
	}
	readonly := attributes(p.info)&nt.FileAttributeReadonly != 0
	const writes = nt.FileWriteData | nt.FileAppendData
	if readonly && !dir {
		if overwrite || f.granted&writes != 0 && a.DesiredAccess&nt.MaximumAllowed == 0 {
			return nil, nt.StatusAccessDenied
		}
		if a.Options&nt.FileDeleteOnClose != 0 && c.posix == nil {
			return nil, nt.StatusCannotDelete
		}
		f.granted &^= writes | nt.FileDeleteChild
	}
	flags := os.O_RDONLY
	if dir {
		flags |= oDirectory
	} else if named {
		// Streams are in attributes, or in files of their own.
	} else if overwrite || f.granted&writes != 0 && c.frozen == notFrozen {
		flags = os.O_RDWR
	}
	name := p.name
	if name == "" {
		name = "."
	}
	var err error
	defer c.v.leases.away(c.v, p.dir, name)()
	f.h, err = openAt(p.dir, name, flags, 0)
	if err != nil && flags == os.O_RDWR && a.DesiredAccess&nt.MaximumAllowed != 0 && !overwrite {
		f.granted &^= writes
		f.h, err = openAt(p.dir, name, os.O_RDONLY, 0)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) { // a link is there by now
		return nil, statusGone
	}
	if errors.Is(err, syscall.EAGAIN) { // a local program caches it, and the kernel has told it; if it does nothing the kernel does (fcntl(2), F_SETLEASE)
		n := c.v.hold(detailsOf(p.info).id, dir)
		defer n.release()
		return n.opens.Later(foreignLeaseRetry, notify), nt.StatusPending
	}
	if err != nil {
		return nil, nt.StatusOf(err)
	}
	granted, status := c.authorize(f.h, p, replaceAccess(a.Disposition))
	if status != nt.StatusSuccess {
		f.h.Close()
		return nil, status
	}
	f.granted = granted &^ (grant(a) &^ f.granted) // less what the attributes or the disk withhold
	var before dosAttributes
	if overwrite && !named {
		before = readDOS(f.h)
		if before.of(p.info)&(nt.FileAttributeHidden|nt.FileAttributeSystem)&^a.FileAttributes != 0 { // MS-FSA 2.1.5.1.2.1
			f.h.Close()
			return nil, nt.StatusAccessDenied
		}
	}
	if wait, status := c.enter(f, p, again, notify); status != nt.StatusSuccess {
		return wait, status
	}
	a.Result.Action = nt.FileOpened
	switch {
	case c.made:
		c.info = nil // a stream is in the file's attributes
		a.Result.Action = nt.FileCreated
		c.v.report(nt.FileNotifyChangeStreamName, nt.FileActionAddedStream, p.path+":"+c.stream.name)
	case overwrite:
		c.info = nil // it changes
		a.Result.Action = nt.FileOverwritten
		if a.Disposition == nt.FileSupersede {
			a.Result.Action = nt.FileSuperseded
		}
		if err = f.truncate(0); err == nil && !named {
			if err = f.dropStreams(); err == nil {
				var stored bool
				if stored, err = f.createdWith(a.FileAttributes, before.stored); !stored {
					c.dos = &before
				}
			}
			if err == nil {
				err = replaceEAs(f.h, c.eas)
			}
			if err == nil && a.AllocationSize > 0 {
				err = c.allocate(f)
			}
		}
		if err != nil {
			f.abandon()
			return nil, nt.StatusOf(err)
		}
		c.v.report(nt.FileNotifyChangeAttributes|nt.FileNotifyChangeSize|nt.FileNotifyChangeLastWrite, nt.FileActionModified, p.path)
	}
	return nil, c.finish(f, overwrite)
}

// enter makes the open one of its file's: its name may not be about to go, its share mode has to fit, and those in its way have to
// give up what they cache. On failure the file is closed.
func (c *creating) enter(f *file, p *place, again bool, notify func()) (*fsrtl.OplockWait, nt.Status) {
	info := c.info
	if info == nil {
		var err error
		if info, err = fstat(f.h); err != nil {
			f.h.Close()
			return nil, nt.StatusOf(err)
		}
		c.info = info
	}
	f.node = c.v.hold(detailsOf(info).id, info.IsDir())
	f.stream, f.path = &f.node.stream, p.path
	f.versions, f.frozen = c.versions, c.frozen
	fail := func(status nt.Status) nt.Status {
		f.node.releaseStream(f.stream)
		f.node.release()
		f.h.Close()
		return status
	}
	if f.node.deletePending(p.path) {
		return nil, fail(nt.StatusDeletePending)
	}
	access := f.granted
	if status := c.enterStream(f, access); status != nt.StatusSuccess {
		return nil, fail(status)
	}
	if overwrites(c.a.Disposition) && p.info != nil && !c.made {
		access |= nt.FileWriteData // whatever was asked for
	}
	open, wait, status := f.stream.opens.Enter(fsrtl.Opening{Access: access, Share: c.a.ShareAccess, Overwrites: overwrites(c.a.Disposition), Key: c.key, Again: again}, notify)
	if status != nt.StatusSuccess {
		return wait, fail(status)
	}
	f.open = open
	if f.link = f.node.link(p.path); f.link == nil {
		f.stream.opens.Remove(open)
		return nil, fail(nt.StatusDeletePending)
	}
	if f.posix = c.posix != nil; f.posix {
		f.enterPOSIX()
	}
	if f.named() {
		f.node.mu.Lock()
		f.stream.handles++
		f.node.mu.Unlock()
	}
	f.share = c.share
	f.deleteOnClose = c.a.Options&nt.FileDeleteOnClose != 0
	f.owner = c.v.owners.Add(1)
	f.mode.Store(c.a.Options & reportedMode)
	return nil, nt.StatusSuccess
}

// finish grants what the open asks for besides, and answers its contexts.
func (c *creating) finish(f *file, overwritten bool) nt.Status {
	a := c.a
	kernel := (c.v.kernelOplocks || c.share.KernelOplocks) && !f.isDir && !f.named() && !f.symlink
	cacheable, writable := true, true
	if kernel {
		f.kernel = true
		wants := fsrtl.LeaseState(0)
		if c.wants != nil {
			wants = fsrtl.LeaseState(c.wants.State)
		}
		cacheable, writable = c.v.leases.enter(f, wants)
		defer c.v.leases.follow(f.node)
	}
	if c.wants != nil {
		req := fsrtl.OplockRequest{State: fsrtl.LeaseState(c.wants.State), Lease: c.wants.Lease, Version: c.wants.Version, Epoch: c.wants.Epoch}
		if c.key != nil {
			req.Key = *c.key
		}
		if !cacheable || f.symlink || f.isDir && c.wants.Version < 2 { // only leases of version 2 are for directories (MS-SMB2 3.3.5.9.8)
			req.State = 0
		}
		g := f.stream.opens.Grant(f.open, req, fsrtl.GrantArgs{Directory: f.isDir, Locked: f.stream.locks.Any(), Overwritten: overwritten, ReadOnly: !writable})
		got := *c.wants
		got.State, got.Epoch, got.Breaking = uint8(g.State), g.Epoch, g.Breaking
		if g.Version != 0 {
			got.Version = g.Version
		}
		if c.wants.Lease && c.wants.ParentKey != (nt.GUID{}) {
			f.parent = &fsrtl.LeaseKey{Client: c.wants.Client, Key: c.wants.ParentKey}
		}
		if f.isDir && g.State != 0 {
			f.leased = true
			c.v.lease(f.node, 1)
			if c.v.kernelOplocks || c.share.KernelOplocks {
				const lists = nt.FileNotifyChangeFileName | nt.FileNotifyChangeDirName | nt.FileNotifyChangeAttributes | nt.FileNotifyChangeSize | nt.FileNotifyChangeLastWrite
				f.listens = c.v.local.open(f.h, f.node.pathOf(f.link), lists, false) // what it caches is what a listing shows
			}
		}
		a.Result.Contexts = append(a.Result.Contexts, got)
	}
	if _, ok := api.Find[api.MaximalAccess](a.Contexts); ok {
		a.Result.Contexts = append(a.Result.Contexts, api.MaximalAccess{Access: c.maximal})
	}
	if _, ok := api.Find[api.DiskID](a.Contexts); ok {
		a.Result.Contexts = append(a.Result.Contexts, api.DiskID{FileID: f.node.id.ino, VolumeID: f.node.id.dev})
	}
	c.answerPOSIX(f)
	c.answerInfo(f)
	c.f = f
	return nt.StatusSuccess
}

// contendParent breaks the leases on the directory that a path is in.
func (v *volume) contendParent(path string, parent *fsrtl.LeaseKey) {
	dir, _ := splitPath(path)
	v.mu.Lock()
	var found []*node
	for n := range v.leased {
		n.mu.Lock()
		for _, l := range n.links {
			if l.path == dir {
				n.refs++
				found = append(found, n)
				break
			}
		}
		n.mu.Unlock()
	}
	v.mu.Unlock()
	for _, n := range found {
		n.opens.ContendDirectory(parent)
		n.release()
	}
}

// lease counts the opens that have a lease on a directory.
func (v *volume) lease(n *node, by int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.leased[n] += by; v.leased[n] == 0 {
		delete(v.leased, n)
	}
}

// answerInfo tells how the file is, to who asks for it with the open. What could not be found out is left to a query.
func (c *creating) answerInfo(f *file) {
	answer, ok := api.Find[*api.NetworkOpen](c.a.Contexts)
	if !ok {
		return
	}
	info, dos := c.info, c.dos
	if info == nil {
		var err error
		if info, err = fstat(f.h); err != nil {
			return
		}
	}
	if dos == nil {
		d := readDOS(f.h)
		dos = &d
	}
	if i, err := f.describeAs(info, *dos); err == nil {
		answer.Give(&i)
	}
}
