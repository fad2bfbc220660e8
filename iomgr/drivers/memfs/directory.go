package memfs

import (
	"slices"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// listing is where a directory's enumeration stands: the names that it had when it began.
type listing struct {
	pattern string // upper case
	names   []string
	next    int
	found   bool
}

// QueryDirectory lists a directory (MS-FSA 2.1.5.6.3).
func (f *file) QueryDirectory(r *api.Request) {
	if !f.node.dir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	w, ok := api.NewDirWriter(r)
	if !ok {
		r.Complete(nt.StatusInvalidInfoClass, 0)
		return
	}
	f.mu.Lock()
	status := f.list(r.Dir, w)
	f.mu.Unlock()
	w.Complete(status)
}

// list adds the entries that fit. The status is why there is none. The caller holds f.mu.
func (f *file) list(a *api.DirArgs, w *api.DirWriter) nt.Status {
	f.v.mu.Lock()
	defer f.v.mu.Unlock()
	if f.listing == nil || a.Restart {
		f.begin(a.Pattern)
	}
	l := f.listing
	for ; l.next < len(l.names); l.next++ {
		name := l.names[l.next]
		n := f.node
		if name != "." && name != ".." {
			if n = f.node.children[nt.Upcase(name)]; n == nil {
				continue // gone meanwhile
			}
		}
		i := n.describe(name)
		if !w.Add(&i, uint32(l.next+1)) {
			return nt.StatusBufferOverflow
		}
		if l.found = true; a.Single {
			l.next++
			break
		}
	}
	if l.found {
		return nt.StatusNoMoreFiles
	}
	l.found = true
	return nt.StatusNoSuchFile
}

// begin takes the names that match. Without a pattern that of the last listing stays.
func (f *file) begin(pattern string) {
	l := &listing{pattern: nt.Upcase(pattern)}
	if pattern == "" {
		if l.pattern = "*"; f.listing != nil {
			l.pattern = f.listing.pattern
		}
	}
	for _, name := range []string{".", ".."} {
		if nt.MatchName(l.pattern, name) {
			l.names = append(l.names, name)
		}
	}
	dots := len(l.names)
	for key, n := range f.node.children {
		if nt.MatchName(l.pattern, key) {
			l.names = append(l.names, n.name)
		}
	}
	slices.SortFunc(l.names[dots:], func(a, b string) int { return strings.Compare(nt.Upcase(a), nt.Upcase(b)) })
	f.listing = l
}
