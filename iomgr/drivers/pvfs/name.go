package pvfs

import (
	"errors"
	"os"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// setDisposition marks the name for deletion, or takes the mark back (MS-FSA 2.1.5.15.3).
func (f *file) setDisposition(r *api.Request) { f.dispose(r, r.In[0] != 0, f.overReadonly(), false) }

// setDispositionEx is setDisposition with flags (MS-FSCC 2.4.11).
func (f *file) setDispositionEx(r *api.Request) {
	flags := le.Uint32(r.In)
	const known = nt.FileDispositionDelete | nt.FileDispositionPosixSemantics | nt.FileDispositionForceImageSectionCheck | nt.FileDispositionOnClose |
		nt.FileDispositionIgnoreReadonlyAttribute
	if flags&^known != 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if flags&nt.FileDispositionOnClose != 0 {
		if !f.deletesOnClose() {
			r.Complete(nt.StatusNotSupported, 0) // MS-FSCC 2.4.11: only where the open was made so
			return
		}
		f.node.mu.Lock()
		f.deleteOnClose = flags&nt.FileDispositionDelete != 0
		f.node.mu.Unlock()
		r.Complete(nt.StatusSuccess, 0)
		return
	}
	f.dispose(r, flags&nt.FileDispositionDelete != 0, flags&nt.FileDispositionIgnoreReadonlyAttribute != 0 || f.overReadonly(), flags&nt.FileDispositionPosixSemantics != 0)
}

func (f *file) deletesOnClose() bool {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	return f.deleteOnClose
}

func (f *file) dispose(r *api.Request, remove, readonlyToo, posix bool) {
	if f.named() {
		f.disposeStream(r, remove, readonlyToo)
		return
	}
	if !remove {
		f.node.setDeleting(f.link, false)
		r.Complete(nt.StatusSuccess, 0)
		return
	}
	o := &fsrtl.Retried{Request: r, Done: func(s nt.Status) { r.Complete(s, 0) }}
	o.Try = func(_ bool, notify func()) (*fsrtl.OplockWait, nt.Status) {
		if status := f.deletable(readonlyToo); status != nt.StatusSuccess {
			return nil, status
		}
		if wait, waits := f.stream.opens.ContendHandles(f.open, notify); waits {
			return wait, nt.StatusPending
		}
		f.node.setDeleting(f.link, true)
		if posix {
			f.node.mu.Lock()
			path := f.link.path
			f.node.mu.Unlock()
			f.remove(f.link, path)
		}
		return nil, nt.StatusSuccess
	}
	o.Run()
}

// deletable says whether the file may be deleted as it is now.
func (f *file) deletable(readonlyToo bool) nt.Status {
	if f.node.pathOf(f.link) == "" {
		return nt.StatusCannotDelete
	}
	info, err := fstat(f.h)
	if err != nil {
		return nt.StatusOf(err)
	}
	if !readonlyToo && readDOS(f.h).of(info)&nt.FileAttributeReadonly != 0 {
		return nt.StatusCannotDelete
	}
	if !f.isDir {
		return nt.StatusSuccess
	}
	if !emptyOf(f.h) {
		return nt.StatusDirectoryNotEmpty
	}
	return nt.StatusSuccess
}

// emptyOf reports whether a directory has nothing but the files of streams.
func emptyOf(dir *os.File) bool {
	d, err := openAt(dir, ".", os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return false
	}
	defer d.Close()
	names, _ := d.Readdirnames(2)
	return len(names) == 0 || len(names) == 1 && names[0] == streamFolder
}

// newName is the parameter of a rename or of a new link (MS-FSCC 2.4.42.2, 2.4.27.2).
type newName struct {
	name               string
	replace            bool
	posix, readonlyToo bool
	exact, directory   bool // by an open with the semantics of POSIX, of a directory
}

func parseNewName(class nt.FileInfoClass, b []byte) (n newName, status nt.Status) {
	n.replace = b[0] != 0
	if class == nt.FileRenameInformationEx {
		flags := le.Uint32(b)
		n.replace = flags&nt.FileRenameReplaceIfExists != 0
		n.posix = flags&nt.FileRenamePosixSemantics != 0
		n.readonlyToo = flags&nt.FileRenameIgnoreReadonlyAttribute != 0
	}
	size := le.Uint32(b[16:])
	if size == 0 || size%2 != 0 || uint64(size) > uint64(len(b)-20) || le.Uint64(b[8:]) != 0 {
		return n, nt.StatusInvalidParameter
	}
	n.name = nt.DecodeUTF16(b[20 : 20+size])
	return n, nt.StatusSuccess
}

// target finds where a new name leads: below the volume's root if it begins with a backslash, else into the directory of the file.
func (f *file) target(name string) (*place, string, nt.Status) {
	if f.posix {
		return f.targetExact(name)
	}
	if name[0] != '\\' {
		if !validName(name) {
			return nil, "", nt.StatusObjectNameInvalid
		}
		dir, _ := splitPath(f.node.pathOf(f.link))
		if dir != "" {
			dir = `\` + ntPath(dir)
		}
		name = dir + `\` + name
	}
	parts, status := split(name)
	if status != nt.StatusSuccess {
		return nil, "", status
	}
	if len(parts) == 0 {
		return nil, "", nt.StatusObjectNameCollision
	}
	to, status := f.v.lookupBelow(parts, true, links{f.share, true})
	if status == nt.StatusSuccess && f.v.holdsVersions(f.versions, to.path) {
		to.close()
		return nil, "", nt.StatusMediaWriteProtected
	}
	return to, parts[len(parts)-1], status
}

// setName renames the file (MS-FSA 2.1.5.15.11).
func (f *file) setName(r *api.Request) {
	n, status := parseNewName(nt.FileInfoClass(r.Code), r.In)
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	o := &fsrtl.Retried{Request: r, Done: func(s nt.Status) { r.Complete(s, 0) }}
	f.asPOSIX(&n)
	o.Try = func(_ bool, notify func()) (*fsrtl.OplockWait, nt.Status) {
		return settled(func() (*fsrtl.OplockWait, nt.Status) { return f.rename(n, notify) })
	}
	o.Run()
}

// maxLooks is how often a name is looked at again because it is not any more what it was.
const maxLooks = 32

// settled does what looks at a name and then changes it, until nobody has changed it in between.
func settled(do func() (*fsrtl.OplockWait, nt.Status)) (*fsrtl.OplockWait, nt.Status) {
	for range maxLooks {
		if wait, status := do(); status != statusGone {
			return wait, status
		}
	}
	return nil, nt.StatusSharingViolation // somebody changes it all the time
}

func (f *file) rename(n newName, notify func()) (*fsrtl.OplockWait, nt.Status) {
	from := f.node.pathOf(f.link)
	if stream, ok := n.stream(); ok || f.named() {
		if !ok {
			return nil, f.notStream(n.name)
		}
		return nil, f.renameStream(n, stream)
	}
	if from == "" || f.node.streamsOpen() {
		return nil, nt.StatusAccessDenied
	}
	if f.isDir && f.v.openBelow(from) {
		return nil, nt.StatusAccessDenied
	}
	to, name, status := f.target(n.name)
	if status != nt.StatusSuccess {
		return nil, status
	}
	defer to.close()
	toDir, _ := splitPath(to.path)
	path := join(toDir, name)
	if f.isDir && below(path, from) && path != from {
		return nil, nt.StatusAccessDenied // into itself
	}
	self := to.info != nil && detailsOf(to.info).id == f.node.id && to.path == from
	if to.info != nil && !self {
		if f.isDir && n.replace && !(n.exact && to.info.IsDir()) {
			return nil, nt.StatusAccessDenied // POSIX puts a directory in the place of no file
		}
		if wait, status := f.v.replaceable(to, n, notify); status != nt.StatusSuccess {
			return wait, status
		}
	}
	if status := f.mayPut(to, to.info != nil && !self); status != nt.StatusSuccess {
		return nil, status
	}
	if f.v.isDying(to.dir) {
		return nil, nt.StatusDeletePending
	}
	if !f.posix && f.v.deletersOf(to.dir) {
		return nil, nt.StatusSharingViolation // MS-FSA 2.1.5.15.11: the directory is opened to add to it, and not shared for deletion
	}
	if wait, waits := f.stream.opens.ContendHandles(f.open, notify); waits {
		return wait, nt.StatusPending
	}
	if status := f.move(to, from, path, self); status != nt.StatusSuccess {
		return nil, status
	}
	if f.isDir {
		f.v.watches.Rename(ntPath(from), ntPath(path))
		f.v.local.moved(from, path)
	}
	f.renamed(from, path)
	return nil, nt.StatusSuccess
}

// move is the part of a rename that is done with both names locked. statusGone says that something is not as it was when it was looked at.
func (f *file) move(to *place, from, path string, self bool) nt.Status {
	defer f.v.locks.lockBoth(from, path)()
	if f.node.pathOf(f.link) != from {
		return statusGone
	}
	toDir, name := splitPath(path)
	dir, old, err := f.v.parent(from)
	if err != nil {
		return nt.StatusOf(err)
	}
	defer dir.Close()
	info, err := statAt(dir, old)
	switch {
	case err != nil:
		return nt.StatusOf(err)
	case detailsOf(info).id != f.node.id:
		return nt.StatusObjectNameNotFound // a local program took the name away
	}
	if status := f.asFound(to, name); status != nt.StatusSuccess {
		return status
	}
	fromDir, _ := splitPath(from)
	var streams, replaced []string
	if fromDir != toDir {
		if streams, err = sidecarsOf(f.h); err != nil {
			return nt.StatusOf(err)
		}
		if err := linkSidecars(dir, to.dir, streams); err != nil {
			return nt.StatusOf(err)
		}
	}
	if to.info != nil && !self && detailsOf(to.info).links == 1 {
		back := f.v.leases.away(f.v, to.dir, to.name)
		if h, err := openAt(to.dir, to.name, os.O_RDONLY, 0); err == nil {
			replaced, _ = sidecarsOf(h)
			h.Close()
		}
		back()
	}
	switch {
	case to.info == nil:
		if err = renameNewAt(dir, old, to.dir, name); errors.Is(err, os.ErrExist) {
			removeSidecars(to.dir, f.node.id.ino, streams...)
			return statusGone // a local program was faster
		}
	case self:
		err = renameAt(dir, old, to.dir, name)
	default: // in one step; the name's case follows
		if err = renameAt(dir, old, to.dir, to.name); err == nil && to.name != name {
			err = renameNewAt(to.dir, to.name, to.dir, name)
		}
	}
	if err != nil {
		removeSidecars(to.dir, f.node.id.ino, streams...)
		return nt.StatusOf(err)
	}
	f.v.names.amend(dir, "", old)
	f.v.names.amend(to.dir, name, "")
	if detailsOf(info).links == 1 || f.node.dir {
		removeSidecars(dir, f.node.id.ino, streams...)
	}
	if to.info != nil {
		removeSidecars(to.dir, detailsOf(to.info).id.ino, replaced...)
	}
	if to.info != nil && !self {
		f.v.forget(detailsOf(to.info).id, to.path)
	}
	f.node.mu.Lock()
	f.link.path = path
	f.node.mu.Unlock()
	return nt.StatusSuccess
}

// deletersOf reports whether a directory is open to somebody who may delete it.
func (v *volume) deletersOf(dir *os.File) bool {
	info, err := fstat(dir)
	if err != nil {
		return false
	}
	n := v.peek(detailsOf(info).id)
	if n == nil {
		return false
	}
	defer n.release()
	modes := n.opens.Modes()
	return modes.Deleters() > 0
}

// renamed tells of it: one event with both names where the directory stays the same, else a loss and a gain (MS-FSA 2.1.5.15.11).
func (f *file) renamed(from, to string) { f.v.reportRename(f.isDir, from, to, f.parent) }

// reportRename is renamed. parent is the key under which the client holds the directory, nil for none.
func (v *volume) reportRename(isDir bool, from, to string, parent *fsrtl.LeaseKey) {
	filter := nameFilter(isDir)
	fromDir, fromName := splitPath(from)
	toDir, toName := splitPath(to)
	if fromDir == toDir {
		v.watches.Report(
			fsrtl.Change{Filter: filter, Action: nt.FileActionRenamedOldName, Dir: ntPath(fromDir), Name: fromName},
			fsrtl.Change{Filter: filter, Action: nt.FileActionRenamedNewName, Dir: ntPath(toDir), Name: toName})
	} else {
		v.report(filter, nt.FileActionRemoved, from)
		v.report(filter, nt.FileActionAdded, to)
		v.contendParent(from, parent)
	}
	v.contendParent(to, parent)
	if !isDir { // who does not watch for names hears of a file that has changed, as on Windows
		v.watches.Report(fsrtl.Change{Filter: nt.FileNotifyChangeAttributes | nt.FileNotifyChangeCreation, Action: nt.FileActionModified, Dir: ntPath(toDir), Name: toName,
			Unless: filter})
	}
}

// replaceable says whether what has the new name may go.
func (v *volume) replaceable(to *place, n newName, notify func()) (*fsrtl.OplockWait, nt.Status) {
	if !n.replace {
		return nil, nt.StatusObjectNameCollision
	}
	if to.info.IsDir() {
		return nil, v.replaceableDirectory(to, n)
	}
	if readDOSAt(to.dir, to.name).of(to.info)&nt.FileAttributeReadonly != 0 && !n.readonlyToo {
		return nil, nt.StatusAccessDenied
	}
	node := v.peek(detailsOf(to.info).id)
	if node == nil {
		return nil, nt.StatusSuccess
	}
	defer node.release()
	if wait, waits := node.opens.ContendHandles(nil, notify); waits {
		return wait, nt.StatusPending
	}
	if n.posix {
		return nil, nt.StatusSuccess
	}
	node.mu.Lock()
	defer node.mu.Unlock()
	for _, l := range node.links {
		if l.path == to.path && l.handles > 0 && !(n.exact && l.last()) {
			return nil, nt.StatusAccessDenied
		}
	}
	return nil, nt.StatusSuccess
}

// forget says that a name is another file's now.
func (v *volume) forget(id fileID, path string) {
	n := v.peek(id)
	if n == nil {
		return
	}
	n.mu.Lock()
	for _, l := range n.links {
		if l.path == path {
			l.gone = true
		}
	}
	n.mu.Unlock()
	n.release()
}

// setLink gives the file another name (MS-FSA 2.1.5.15.6).
func (f *file) setLink(r *api.Request) {
	n, status := parseNewName(nt.FileInfoClass(r.Code), r.In)
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	o := &fsrtl.Retried{Request: r, Done: func(s nt.Status) { r.Complete(s, 0) }}
	f.asPOSIX(&n)
	o.Try = func(_ bool, notify func()) (*fsrtl.OplockWait, nt.Status) {
		return settled(func() (*fsrtl.OplockWait, nt.Status) { return f.addLink(n, notify) })
	}
	o.Run()
}

func (f *file) addLink(n newName, notify func()) (*fsrtl.OplockWait, nt.Status) {
	if f.node.dir || f.named() {
		return nil, nt.StatusFileIsADirectory
	}
	to, name, status := f.target(n.name)
	if status != nt.StatusSuccess {
		return nil, status
	}
	defer to.close()
	if to.info != nil {
		if wait, status := f.v.replaceable(to, n, notify); status != nt.StatusSuccess {
			return wait, status
		}
		if detailsOf(to.info).id == f.node.id {
			return nil, nt.StatusSuccess
		}
	}
	if status := f.mayPut(to, to.info != nil); status != nt.StatusSuccess {
		return nil, status
	}
	if f.v.isDying(to.dir) {
		return nil, nt.StatusDeletePending
	}
	toDir, _ := splitPath(to.path)
	path := join(toDir, name)
	if status := f.putLink(to, path); status != nt.StatusSuccess {
		return nil, status
	}
	f.v.report(nt.FileNotifyChangeFileName, nt.FileActionAdded, path)
	f.v.contendParent(path, f.parent)
	return nil, nt.StatusSuccess
}

// asFound says whether a name is what it was when it was looked at; statusGone if it is not.
func (f *file) asFound(to *place, name string) nt.Status {
	now, there, err := f.findIn(to.dir, name)
	switch {
	case err != nil:
		return nt.StatusOf(err)
	case (there == nil) != (to.info == nil), there != nil && (now != to.name || detailsOf(there).id != detailsOf(to.info).id):
		return statusGone
	}
	return nt.StatusSuccess
}

// putLink is the part of it that is done with the new name locked. statusGone says that what has that name is not what was looked at.
func (f *file) putLink(to *place, path string) nt.Status {
	from := f.node.pathOf(f.link)
	defer f.v.locks.lockBoth(from, path)()
	toDir, name := splitPath(path)
	if status := f.asFound(to, name); status != nt.StatusSuccess {
		return status
	}
	dir, old, err := f.v.parent(from)
	if err != nil {
		return nt.StatusOf(err)
	}
	defer dir.Close()
	switch info, err := statAt(dir, old); {
	case err != nil:
		return nt.StatusOf(err)
	case detailsOf(info).id != f.node.id:
		return nt.StatusObjectNameNotFound
	}
	if to.info != nil {
		if err := unlinkAt(to.dir, to.name, false); err != nil {
			return nt.StatusOf(err)
		}
		f.v.forget(detailsOf(to.info).id, to.path)
	}
	if fromDir, _ := splitPath(from); fromDir != toDir {
		streams, err := sidecarsOf(f.h)
		if err == nil {
			err = linkSidecars(dir, to.dir, streams)
		}
		if err != nil {
			return nt.StatusOf(err)
		}
	}
	if err := linkAt(dir, old, to.dir, name); err != nil {
		return nt.StatusOf(err)
	}
	f.v.names.amend(to.dir, name, "")
	return nt.StatusSuccess
}
