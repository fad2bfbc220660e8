package pvfs

import (
	"os"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/pvfs/posixacl"
	"lwio/iomgr/nt"
)

// posixPermissions are the bits of a mode that come over the network: none that would lend a file's identity to who runs it.
const posixPermissions = 0o1777

// splitPOSIX is split for an open with POSIX semantics: only what no file can be called is no name. What stands for a backslash becomes one.
func splitPOSIX(path string) ([]string, nt.Status) {
	path = strings.TrimSuffix(strings.TrimPrefix(path, `\`), `\`)
	if path == "" {
		return nil, nt.StatusSuccess
	}
	parts := strings.Split(path, `\`)
	for i, p := range parts {
		if !validPOSIXName(p) {
			return nil, nt.StatusObjectNameInvalid
		}
		parts[i] = strings.ReplaceAll(p, "/", `\`)
	}
	return parts, nt.StatusSuccess
}

// validPOSIXName: the folder of streams is nobody's.
func validPOSIXName(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= 255 && strings.IndexByte(name, 0) < 0 &&
		!(len(name) == len(streamFolder) && nt.EqualFold(name, streamFolder))
}

// lookupExact is lookup of the very name. No link is followed; bare says that one that is the last component is the thing itself.
func (v *volume) lookupExact(parts []string, bare bool) (*place, nt.Status) {
	if len(parts) == 0 {
		return v.lookup(nil, false)
	}
	p := &place{path: strings.Join(parts, "/")}
	var err error
	if p.dir, p.name, err = v.parent(p.path); err != nil {
		return nil, v.whyNoDirectory(parts[:len(parts)-1], err)
	}
	info, err := statAt(p.dir, p.name)
	switch {
	case os.IsNotExist(err):
		return p, nt.StatusSuccess
	case err != nil:
		p.close()
		return nil, nt.StatusOf(err)
	case info.Mode()&os.ModeSymlink != 0 && !bare:
		p.close()
		return nil, nt.StatusStoppedOnSymlink
	}
	p.info = info
	return p, nt.StatusSuccess
}

// whyNoDirectory says why a directory could not be opened: the first component that is none.
func (v *volume) whyNoDirectory(parts []string, err error) nt.Status {
	for i := range parts {
		dir, name, e := v.parent(strings.Join(parts[:i+1], "/"))
		if e != nil {
			break
		}
		info, e := statAt(dir, name)
		dir.Close()
		switch {
		case e == nil && info.Mode()&os.ModeSymlink != 0:
			return nt.StatusStoppedOnSymlink
		case os.IsNotExist(e), e == nil && !info.IsDir():
			return nt.StatusObjectPathNotFound
		}
	}
	return nt.StatusOf(err)
}

// exact says that the name of the create is to be found as it is, in no other case.
func (c *creating) exact() bool { return c.posix != nil || c.a.CaseSensitive }

// split checks the name of the create.
func (c *creating) split(path string) (status nt.Status) {
	if x, ok := api.Find[api.POSIX](c.a.Contexts); ok {
		c.posix = &x
		c.parts, status = splitPOSIX(path)
		return status
	}
	c.parts, c.stream, status = splitOpen(path)
	return status
}

// mode is that of a file that is made; nil where only the descriptor says who may use it.
func (c *creating) mode() *uint32 {
	if c.posix == nil {
		return nil
	}
	m := c.posix.Mode & posixPermissions
	return &m
}

// ofMode makes the descriptor of what is made one that says what its mode says.
func (c *creating) ofMode(sd *nt.SecurityDescriptor, isDir bool) *nt.SecurityDescriptor {
	if m := c.mode(); m != nil {
		return posixacl.DescribeMode(sd.Owner, sd.Group, *m, isDir)
	}
	return sd
}

// setMode sets a mode, of which sd says the same. A list would say more, and goes.
func setMode(h *os.File, sd *nt.SecurityDescriptor, mode uint32) error {
	x, err := posixOf(h)
	if err != nil {
		return err
	}
	if x.access != nil {
		if err := dropXattr(h, posixacl.AccessName); err != nil {
			return err
		}
		x.access = nil
	}
	if x.mode&0o200 == 0 { // see chmodKeeping
		if err := fchmod(h, x.mode|0o200); err != nil {
			return err
		}
	}
	x.mode = mode
	if err := storeSecurity(h, sd, x); err != nil && !noXattr(err) {
		return err
	}
	return fchmod(h, mode)
}

// describePOSIX is what a FileInfo has of POSIX.
func describePOSIX(info os.FileInfo) *api.POSIXInfo {
	d, who := detailsOf(info), ownership(info)
	return &api.POSIXInfo{Device: uint32(d.id.dev), Inode: d.id.ino, Links: d.links, Mode: who.mode&0o7777 | fileType(info)<<api.POSIXTypeShift,
		Owner: nt.NewSID(22, 1, who.uid), Group: nt.NewSID(22, 2, who.gid)}
}

// unknownPOSIX is said of `..`, which may be outside the share.
func unknownPOSIX() *api.POSIXInfo {
	return &api.POSIXInfo{Mode: 1 << api.POSIXTypeShift, Owner: nt.SIDNull, Group: nt.SIDNull}
}

// answerPOSIX adds what the create context asks for.
func (c *creating) answerPOSIX(f *file) {
	if c.posix == nil {
		return
	}
	if info, err := fstat(f.h); err == nil {
		i := describePOSIX(info)
		f.completePOSIX(i)
		c.a.Result.Contexts = append(c.a.Result.Contexts, *i)
	}
}

// queryPOSIX answers FilePosixInformation to an open with POSIX semantics.
func (f *file) queryPOSIX(r *api.Request, i *api.FileInfo) {
	if !f.posix {
		r.Complete(nt.StatusInvalidLevel, 0)
		return
	}
	info, err := fstat(f.h)
	if err != nil {
		r.Fail(err)
		return
	}
	i.POSIX = describePOSIX(info)
	f.completePOSIX(i.POSIX)
	i.Answer(r)
}

// Kinds of the NFS reparse point, by which clients make files that only they know (MS-FSCC 2.1.2.6), and the tags of the Linux subsystem for them, with
// the types of file that they stand for.
var (
	nfsTypes = map[uint64]uint32{0x014B4E4C: 2, 0x00524843: 3, 0x004B4C42: 4, 0x4F464946: 5, 0x4B434F53: 6}
	tagTypes = map[uint32]uint32{nt.IoReparseTagSymlink: 2, 0xA000001D: 2, 0x80000025: 3, 0x80000026: 4, 0x80000024: 5, 0x80000023: 6}
)

// reparsePOSIX adds the reparse tag of a file, and makes of it what the tag says that it is. data gives the data of it.
func reparsePOSIX(i *api.POSIXInfo, tag uint32, data func() []byte) {
	if tag == 0 {
		return
	}
	kind, ok := tagTypes[tag]
	if tag == nt.IoReparseTagNfs {
		if b := data(); len(b) >= 8 {
			kind, ok = nfsTypes[le.Uint64(b)]
		}
	}
	if i.ReparseTag = tag; ok {
		i.Mode = i.Mode&0o7777 | kind<<api.POSIXTypeShift
	}
}

// owned tells whose a file is where that is no user of Unix, whom the disk knows: an account by its own SID.
func (v *volume) owned(i *api.POSIXInfo, sd *nt.SecurityDescriptor) {
	if _, ok := v.ids.UID(sd.Owner); !ok && !sd.Owner.IsZero() {
		i.Owner = sd.Owner
	}
	if _, ok := v.ids.GID(sd.Group); !ok && !sd.Group.IsZero() {
		i.Group = sd.Group
	}
}

// completePOSIX adds to what the disk says of an open file what its attributes say.
func (f *file) completePOSIX(i *api.POSIXInfo) {
	f.reparsed(i)
	if f.symlink {
		return
	}
	if s, err := f.v.security(f.h); err == nil && s.stored {
		f.v.owned(i, s.SecurityDescriptor)
	}
}

// completePOSIXAt is that of a name in a directory.
func (v *volume) completePOSIXAt(i *api.POSIXInfo, tag uint32, dir *os.File, name string, info os.FileInfo) {
	reparsePOSIX(i, tag, func() []byte { return reparseDataAt(dir, name) })
	var b [sdHeader + 1024]byte
	n, err := getXattrAt(dir, name, sdName, b[:])
	stored := b[:max(n, 0)]
	if tooSmall(err) {
		stored = make([]byte, maxXattr)
		n, err = getXattrAt(dir, name, sdName, stored)
		stored = stored[:max(n, 0)]
	}
	if err != nil || len(stored) <= sdHeader || stored[0] != sdVersion {
		return
	}
	x := ownership(info)
	var acl [1024]byte
	if n, err := getXattrAt(dir, name, posixacl.AccessName, acl[:]); err == nil {
		x.access = acl[:n]
	}
	if [stampLen]byte(stored[4:]) != x.stamp() {
		return
	}
	if sd := v.descriptors.parse(stored[sdHeader:]); sd != nil {
		v.owned(i, sd)
	}
}

// reparsed is reparsePOSIX for an open file.
func (f *file) reparsed(i *api.POSIXInfo) {
	tag := uint32(nt.IoReparseTagSymlink)
	if !f.symlink {
		tag = f.reparseTag()
	}
	reparsePOSIX(i, tag, func() []byte {
		if d, err := f.reparse(); err == nil && d != nil {
			return d.data
		}
		return nil
	})
}

// reparseDataAt reads the data of a name in a directory.
func reparseDataAt(dir *os.File, name string) []byte {
	b := make([]byte, maxReparse)
	n, err := getXattrAt(dir, name, reparseName, b)
	if err != nil {
		return nil
	}
	if d, status := parseReparse(b[:n]); status == nt.StatusSuccess {
		return d.data
	}
	return nil
}

// linkEntry describes a symbolic link as it is: to POSIX it is a thing of its own.
func (f *file) linkEntry(l *listing, layout entryLayout, name string, info os.FileInfo) *api.FileInfo {
	if f.by.hides { // who may see it, what it leads to would have to say
		return nil
	}
	l.index++
	if !layout.details {
		return &api.FileInfo{Name: name}
	}
	e := describe(info, dosAttributes{}, name)
	e.Attributes, e.ReparseTag = nt.FileAttributeReparsePoint, nt.IoReparseTagSymlink
	if layout.posix {
		e.POSIX = describePOSIX(info)
		e.POSIX.ReparseTag = e.ReparseTag
	}
	return &e
}

// enterPOSIX counts an open with POSIX semantics among those of its link.
func (f *file) enterPOSIX() {
	f.node.mu.Lock()
	f.link.posix++
	f.node.mu.Unlock()
}

// last says that a link that is to be deleted goes now: with the last handle, or when the others are of opens for which a name is nothing that
// a file needs. The node's mu is held.
func (l *link) last() bool { return l.handles == l.posix }

// overReadonly says that the open may delete the file though it is read-only: who may change that may do this.
func (f *file) overReadonly() bool {
	return f.posix && (f.granted|f.v.may(&f.by, f.h))&nt.FileWriteAttributes != 0
}

// targetExact is target for an open with POSIX semantics.
func (f *file) targetExact(name string) (*place, string, nt.Status) {
	if name[0] != '\\' {
		dir, _ := splitPath(f.node.pathOf(f.link))
		if dir != "" {
			dir = `\` + swapSeparators(dir)
		}
		name = dir + `\` + name
	}
	parts, status := splitPOSIX(name)
	if status != nt.StatusSuccess {
		return nil, "", status
	}
	if len(parts) == 0 {
		return nil, "", nt.StatusObjectNameCollision
	}
	to, status := f.v.lookupExact(parts, true)
	if status == nt.StatusSuccess && f.v.holdsVersions(f.versions, to.path) {
		to.close()
		return nil, "", nt.StatusMediaWriteProtected
	}
	return to, parts[len(parts)-1], status
}

// swapSeparators makes a path of the disk one of an open with POSIX semantics.
func swapSeparators(path string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '/':
			return '\\'
		case '\\':
			return '/'
		}
		return r
	}, path)
}

// onlyPOSIX says whether all who have a name open have it with POSIX semantics.
func (n *node) onlyPOSIX(path string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		if l.path == path && l.handles > l.posix {
			return false
		}
	}
	return true
}

// replaceableDirectory says whether a directory may go for another one: an empty one that nobody needs.
func (v *volume) replaceableDirectory(to *place, n newName) nt.Status {
	if !n.exact || !n.directory {
		return nt.StatusAccessDenied
	}
	h, err := openAt(to.dir, to.name, os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return nt.StatusOf(err)
	}
	defer h.Close()
	if !emptyOf(h) {
		return nt.StatusDirectoryNotEmpty
	}
	if node := v.peek(detailsOf(to.info).id); node != nil {
		defer node.release()
		if !node.onlyPOSIX(to.path) {
			return nt.StatusAccessDenied
		}
	}
	removeFolder(h)
	return nt.StatusSuccess
}

// asPOSIX completes a new name for an open with POSIX semantics.
func (f *file) asPOSIX(n *newName) {
	if f.posix {
		n.exact, n.directory, n.readonlyToo = true, f.isDir, true
	}
}

// listable says whether a listing shows a name.
func (f *file) listable(name string) bool {
	if f.posix {
		return validPOSIXName(name)
	}
	return validName(name)
}

// matches compares a name with the pattern of a listing.
func (f *file) matches(l *listing, name string) bool {
	switch {
	case l.pattern == "*":
		return true
	case f.posix:
		return nt.MatchName(l.pattern, name)
	}
	return nt.MatchName(l.pattern, nt.Upcase(name))
}

// pattern makes the pattern of a listing, and the one name that it is if it has no wildcard. To POSIX only the star and the question mark are
// none of a name.
func (f *file) pattern(s string) (pattern, exact string) {
	if !f.posix {
		if !nt.HasWildcards(s) {
			exact = s
		}
		return nt.Upcase(s), exact
	}
	if !strings.ContainsAny(s, "*?") {
		exact = s
	}
	return s, exact
}

// findIn looks for the one name of a listing.
func (f *file) findIn(dir *os.File, name string) (string, os.FileInfo, error) {
	if !f.posix {
		return f.v.find(dir, name)
	}
	info, err := statAt(dir, name)
	if os.IsNotExist(err) {
		return name, nil, nil
	}
	return name, info, err
}

// chmodACE recognises a list of one ACE whose SID carries a mode, by which Linux changes that (S-1-5-88-3-mode).
func (f *file) chmodACE(in *nt.SecurityDescriptor, info nt.SecurityInformation) (mode uint32, ok bool) {
	if !f.posix || info&nt.DACLSecurityInformation == 0 || in.DACL == nil || len(in.DACL.ACEs) != 1 {
		return 0, false
	}
	sid := in.DACL.ACEs[0].SID
	if sid.Authority() != 5 || sid.SubAuthorityCount() != 3 || sid.SubAuthority(0) != 88 || sid.SubAuthority(1) != 3 {
		return 0, false
	}
	return sid.SubAuthority(2) & posixPermissions, true
}

// chmod changes the mode, and with it what the descriptor says. A file whose descriptor is derived from the mode needs no other.
func (f *file) chmod(mode uint32) error {
	f.v.setting.Lock()
	defer f.v.setting.Unlock()
	s, err := f.v.security(f.h)
	if err != nil {
		return err
	}
	if !s.stored {
		return fchmod(f.h, mode)
	}
	return setMode(f.h, posixacl.DescribeMode(s.Owner, s.Group, mode, s.posix.dir), mode)
}
