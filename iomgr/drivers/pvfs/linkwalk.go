package pvfs

import (
	"os"
	"slices"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// A symbolic link is followed where it is known which share an open comes through, and as long as the way stays below that share's directory; an absolute
// target is none that does. The kernel is never asked to follow one: names are walked one component after the other from a descriptor of the
// share's directory, none of them a link when it is opened, and `..` goes back along the names by which the walk came. So whatever is swapped for a
// link meanwhile, the walk does not leave the share; and what is opened is known by the path that it has without links.

// maxLinks is how many a name may lead through, as for Linux.
const maxLinks = 40

// links says how a name is looked up.
type links struct {
	share *fsrtl.ShareOptions
	bare  bool // a link that is the last component is the thing itself
}

// root gives the components of the share's directory, and whether links are followed to where a name leads.
func (l links) root(parts []string) ([]string, bool) {
	if l.share == nil || l.share == &noShare {
		return nil, false
	}
	root := componentsOf(l.share.Root)
	return root, len(parts) > len(root) && slices.EqualFunc(root, parts[:len(root)], nt.EqualFold)
}

// bare says whether an open that meets a link is of the link itself: who asks for that, and who deletes or renames and wants nothing else.
func (c *creating) bare() bool {
	const data = nt.FileReadData | nt.FileWriteData | nt.FileAppendData | nt.FileExecute
	a := c.a
	if a.Options&nt.FileOpenReparsePoint != 0 {
		return true
	}
	access := nt.GenericMappingFile.Map(a.DesiredAccess &^ nt.MaximumAllowed)
	return access&nt.Delete != 0 && access&data == 0 && a.DesiredAccess&nt.MaximumAllowed == 0
}

// lookupBelow is lookup with links.
func (v *volume) lookupBelow(parts []string, makes bool, l links) (*place, nt.Status) {
	p, status := v.lookupBare(parts, makes, l.bare)
	if status == nt.StatusStoppedOnSymlink {
		if root, ok := l.root(parts); ok {
			return v.chase(parts, len(root), l.bare)
		}
	}
	return p, status
}

// chase walks through links below the share, whose directory the first components are. What is not there is not found by its name or by its path, and so is what a link leads to outside, as Samba has it: a link
// that leads nowhere is not there.
func (v *volume) chase(parts []string, root int, bare bool) (*place, nt.Status) {
	p, status := v.walk(parts[:root])
	if status != nt.StatusSuccess {
		return nil, status
	}
	fail := func(status nt.Status) (*place, nt.Status) {
		p.close()
		return nil, status
	}
	rest, named := parts[root:], len(parts)-root // named: how many at the end of rest are the opener's own
	depth, met := 0, 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		missing := nt.StatusObjectPathNotFound
		inLink := len(rest) >= named
		if named = min(named, len(rest)); named == 0 {
			missing = nt.StatusObjectNameNotFound
		}
		if part == ".." {
			if depth == 0 {
				return fail(missing)
			}
			depth--
			up, _ := splitPath(p.path)
			dir, err := v.openPath(up)
			if err != nil {
				return fail(missing)
			}
			p.close()
			p.dir, p.path = dir, up
			continue
		}
		name, info, err := v.find(p.dir, part)
		isLink := info != nil && info.Mode()&os.ModeSymlink != 0
		switch {
		case err != nil:
			return fail(nt.StatusOf(err))
		case len(rest) == 0 && !(isLink && (inLink || !bare)) && !(info == nil && inLink):
			p.name, p.info, p.path, p.via = name, info, join(p.path, name), inLink
			return p, nt.StatusSuccess
		case info == nil:
			return fail(missing)
		case isLink:
			if met++; met > maxLinks {
				return fail(missing)
			}
			target, ok := linkParts(p.dir, name)
			if !ok {
				return fail(missing)
			}
			rest = slices.Concat(target, rest)
			continue
		case !info.IsDir():
			return fail(missing)
		}
		next, err := openAt(p.dir, name, os.O_RDONLY|oDirectory, 0)
		if err != nil {
			return fail(missing)
		}
		p.close()
		p.dir, p.path = next, join(p.path, name)
		depth++
	}
	// The way ends with `..`, or with no component at all: at the directory itself.
	dir, name, err := v.parent(p.path)
	if err != nil {
		return fail(nt.StatusObjectNameNotFound)
	}
	p.close()
	p.dir, p.name, p.via = dir, name, true
	if p.info, err = statAt(dir, name); err != nil || !p.info.IsDir() {
		return fail(nt.StatusObjectNameNotFound)
	}
	return p, nt.StatusSuccess
}

// linkParts gives the components of a link's target; not ok where it is absolute, or has names that clients could not know.
func linkParts(dir *os.File, name string) ([]string, bool) {
	target, err := readlinkAt(dir, name)
	if err != nil {
		return nil, false
	}
	return targetParts(target)
}

func targetParts(target string) (parts []string, ok bool) {
	if target == "" || target[0] == '/' {
		return nil, false
	}
	for part := range strings.SplitSeq(target, "/") {
		switch {
		case part == "" || part == ".":
		case part == ".." || validName(part):
			parts = append(parts, part)
		default:
			return nil, false
		}
	}
	return parts, true
}

// openPath opens a directory by the path that the disk has for it, following no link.
func (v *volume) openPath(path string) (*os.File, error) {
	dir, err := v.openBeneath(path)
	if err == nil || path == "" {
		return dir, err
	}
	up, name, err := v.parent(path)
	if err != nil {
		return nil, err
	}
	defer up.Close()
	return openAt(up, name, os.O_RDONLY|oDirectory, 0)
}

// behind gives what a link in a directory leads to, nil for nothing that clients may see. It is to be closed.
func (f *file) behind(name string) *place {
	parts := append(componentsOf(f.node.pathOf(f.link)), name)
	root, ok := links{share: f.share}.root(parts)
	if !ok {
		return nil
	}
	p, status := f.v.chase(parts, len(root), false)
	if status != nt.StatusSuccess {
		return nil
	}
	if p.info == nil || !p.info.IsDir() && !p.info.Mode().IsRegular() {
		p.close()
		return nil
	}
	return p
}

// openLink opens a symbolic link itself.
func (c *creating) openLink(p *place, again bool, notify func()) (*fsrtl.OplockWait, nt.Status) {
	a := c.a
	f := &file{v: c.v, by: c.by, granted: grant(a), symlink: true, share: c.share, versions: c.versions, frozen: c.frozen}
	if c.frozen != notFrozen {
		f.granted &^= changesFile
	}
	if c.exact() {
		// A link is no directory to POSIX, wherever it leads.
	} else if to, status := c.v.lookupBelow(c.parts, false, links{share: c.share}); status == nt.StatusSuccess {
		f.toDir = to.info != nil && to.info.IsDir()
		to.close()
	}
	switch {
	case c.stream.name != "":
		return nil, nt.StatusObjectNameNotFound
	case a.Disposition == nt.FileCreate:
		return nil, nt.StatusObjectNameCollision
	case overwrites(a.Disposition):
		return nil, nt.StatusAccessDenied
	case f.toDir && a.Options&nt.FileNonDirectoryFile != 0:
		return nil, nt.StatusFileIsADirectory
	case !f.toDir && a.Options&nt.FileDirectoryFile != 0:
		return nil, nt.StatusNotADirectory
	}
	var err error
	if f.h, err = openLinkAt(p.dir, p.name); err != nil {
		return nil, nt.StatusStoppedOnSymlink
	}
	granted, status := c.authorize(f.h, p, 0)
	if status != nt.StatusSuccess {
		f.h.Close()
		return nil, status
	}
	f.granted = granted &^ (grant(a) &^ f.granted)
	if wait, status := c.enter(f, p, again, notify); status != nt.StatusSuccess {
		return wait, status
	}
	a.Result.Action = nt.FileOpened
	return nil, c.finish(f, false)
}

// describeLink makes what is told of an open of a link fit it.
func (f *file) describeLink(i *api.FileInfo) {
	i.Attributes, i.ReparseTag = nt.FileAttributeReparsePoint, nt.IoReparseTagSymlink
	if !f.posix {
		i.EndOfFile, i.AllocationSize = 0, 0
	}
	if i.Directory = f.toDir; f.toDir {
		i.Attributes |= nt.FileAttributeDirectory
	}
}
