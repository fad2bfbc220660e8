package pvfs

import (
	"os"
	"slices"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// listing is where a directory's enumeration stands. It holds one batch of names, however many there are.
type listing struct {
	d       *os.File
	pattern string // upper case
	exact   string // the name, where the pattern is one
	names   []string
	dots    int // how many of `.` and `..` have been given
	index   uint32
	found   bool
	done    bool
	held    *api.FileInfo // an entry that did not fit
}

// QueryDirectory lists a directory (MS-FSA 2.1.5.6.3).
func (f *file) QueryDirectory(r *api.Request) {
	if !f.isDir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	layout, ok := entryLayouts[nt.FileInfoClass(r.Code)]
	if !ok {
		r.Complete(nt.StatusInvalidInfoClass, 0)
		return
	}
	if layout.posix && !f.posix {
		r.Complete(nt.StatusInvalidLevel, 0)
		return
	}
	if len(r.Out) < layout.name {
		r.Complete(nt.StatusInfoLengthMismatch, 0)
		return
	}
	f.mu.Lock()
	status, n := f.list(r, layout)
	f.mu.Unlock()
	r.Complete(status, n)
}

// list gives the entries that fit, from where the listing stands. The caller holds mu.
func (f *file) list(r *api.Request, layout entryLayout) (nt.Status, int) {
	restart := r.Dir.Restart
	if r.Dir.ByIndex && f.listing != nil && r.Dir.Index != f.listing.index {
		restart = true // what comes after that entry: listed again from the first
	}
	if f.listing == nil || restart {
		if status := f.begin(r.Dir); status != nt.StatusSuccess {
			return status, 0
		}
	}
	l := f.listing
	if r.Dir.ByIndex {
		for l.index < r.Dir.Index && f.next(l, layout) != nil {
		}
	}
	w := entryWriter{out: r.Out, l: layout, last: -1}
	for {
		e := f.next(l, layout)
		if e == nil {
			break
		}
		if !w.add(e, l.index) {
			l.held = e
			if w.last < 0 {
				return nt.StatusBufferOverflow, 0
			}
			break
		}
		l.found = true
		if r.Dir.Single {
			break
		}
	}
	switch {
	case w.last >= 0:
		return nt.StatusSuccess, w.n
	case l.found:
		return nt.StatusNoMoreFiles, 0
	}
	l.found = true
	return nt.StatusNoSuchFile, 0
}

// begin starts a listing from the first entry. Without a pattern that of the last one stays.
func (f *file) begin(a *api.DirArgs) nt.Status {
	l := &listing{}
	switch {
	case a.Pattern != "":
		l.pattern, l.exact = f.pattern(a.Pattern)
	case f.listing != nil:
		l.pattern, l.exact = f.listing.pattern, f.listing.exact
	default:
		l.pattern = "*"
	}
	var err error
	if l.d, err = openAt(f.h, ".", os.O_RDONLY|oDirectory, 0); err != nil {
		return nt.StatusOf(err)
	}
	f.closeListing()
	f.listing = l
	return nt.StatusSuccess
}

func (f *file) closeListing() {
	if f.listing != nil {
		f.listing.d.Close()
	}
}

// next gives the next entry that matches, nil at the end.
func (f *file) next(l *listing, layout entryLayout) *api.FileInfo {
	if e := l.held; e != nil {
		l.held = nil
		return e
	}
	for l.dots < 2 {
		name := [2]string{".", ".."}[l.dots]
		l.dots++
		if f.matches(l, name) {
			if e := f.entry(l, layout, name); e != nil {
				return e
			}
		}
	}
	if l.exact != "" && !l.done {
		l.done = true
		if !f.listable(l.exact) {
			return nil
		}
		name, info, err := f.findIn(l.d, l.exact)
		if err != nil || info == nil {
			return nil
		}
		return f.entry(l, layout, name)
	}
	for {
		if len(l.names) == 0 {
			if l.done {
				return nil
			}
			names, err := l.d.Readdirnames(256)
			if l.names = names; err != nil || len(names) == 0 {
				l.done = true
				continue
			}
		}
		name := l.names[0]
		l.names = l.names[1:]
		if !f.listable(name) || !f.matches(l, name) {
			continue
		}
		if e := f.entry(l, layout, name); e != nil {
			return e
		}
	}
}

// entry describes one entry with what its class tells; nil if it is gone, or none that can be opened.
func (f *file) entry(l *listing, layout entryLayout, name string) *api.FileInfo {
	var info os.FileInfo
	var err error
	dot := name == "." || name == ".."
	if dot {
		info, err = fstat(l.d)
	} else {
		info, err = statAt(l.d, name)
	}
	if err != nil {
		return nil
	}
	in, at, link := l.d, name, info.Mode()&os.ModeSymlink != 0
	if link && f.posix {
		return f.linkEntry(l, layout, name, info)
	}
	if link { // what it leads to is what there is to see
		p := f.behind(name)
		if p == nil {
			return nil
		}
		defer p.close()
		in, at, info = p.dir, p.name, p.info
	}
	if !f.v.visible(&f.by, in, at) {
		return nil
	}
	l.index++
	if !layout.details {
		return &api.FileInfo{Name: name}
	}
	var a dosAttributes
	var ea uint32
	switch {
	case dot:
	case layout.ea != 0: // most files have no extended attribute: one question for all
		a, ea = attributesAt(in, at)
	default:
		a = readDOSAt(in, at)
	}
	e := describe(info, a, name)
	e.EASize = ea
	switch {
	case link:
		e.Attributes |= nt.FileAttributeReparsePoint
		e.ReparseTag = nt.IoReparseTagSymlink
	case e.Attributes&nt.FileAttributeReparsePoint != 0:
		e.ReparseTag = reparseTagAt(l.d, name)
	}
	if n := f.v.peek(detailsOf(info).id); n != nil { // what shows of a file that is being written
		n.mu.Lock()
		e.LastWriteTime = n.write.of(e.LastWriteTime)
		n.mu.Unlock()
		n.release()
	}
	switch {
	case !layout.posix:
	case name == "..":
		e.POSIX = unknownPOSIX()
	default:
		e.POSIX = describePOSIX(info)
		f.v.completePOSIXAt(e.POSIX, e.ReparseTag, l.d, name, info)
	}
	return &e
}

// readDOSAt reads the attributes of a name in a directory.
func readDOSAt(dir *os.File, name string) dosAttributes {
	var b [dosLen2]byte
	n, err := getXattrAt(dir, name, dosName, b[:])
	if err != nil {
		return dosAttributes{}
	}
	return parseDOS(b[:n])
}

// attributesAt reads what the extended attributes of a name in a directory say: the attributes, and the size of those that clients see.
func attributesAt(dir *os.File, name string) (dosAttributes, uint32) {
	xattrs, err := listXattrAt(dir, name)
	if err != nil || len(xattrs) == 0 {
		return dosAttributes{}, 0
	}
	var a dosAttributes
	if slices.Contains(xattrs, dosName) {
		a = readDOSAt(dir, name)
	}
	return a, eaSizeOf(eaNamesOf(xattrs), func(attr string) (int, error) { return getXattrAt(dir, name, attr, nil) })
}
