package pvfs

import (
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// node is a file or directory that is open: what all its opens share.
type node struct {
	v    *volume
	id   fileID
	dir  bool
	refs int // guarded by v.mu

	stream // the unnamed one

	mu       sync.Mutex
	streams  map[string]*stream // guarded by mu: the named ones that are open, by their names in upper case
	write    writeTime          // guarded by mu
	asked    int64              // guarded by mu: the allocation that was asked for
	links    []*link            // guarded by mu: the names by which it is open
	deleting int                // guarded by mu: how many of the links are to be deleted

	archived atomic.Bool   // FILE_ATTRIBUTE_ARCHIVE is set, unless a local program takes it away
	dos      atomic.Uint32 // whether dosAttributes are stored, unless a local program does so
}

// What is known of stored attributes: nothing of a file that was found, none of one that was made without until somebody stores some.
const (
	dosUnknown = iota
	dosNone
	dosStored
)

// link is one name of a node, as POSIX has it below the volume's root, "" for the root itself.
type link struct {
	path     string // guarded by node.mu
	refs     int    // guarded by node.mu: opens
	handles  int    // guarded by node.mu: opens that have not been cleaned up
	posix    int    // guarded by node.mu: how many of them have the semantics of POSIX
	deleting bool   // guarded by node.mu: takes no more opens and goes with its last handle
	gone     bool   // guarded by node.mu: unlinked
}

// hold gives the node of a file, with a reference.
func (v *volume) hold(id fileID, dir bool) *node {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.nodes[id]
	if n == nil {
		n = &node{v: v, id: id, dir: dir}
		v.nodes[id] = n
	}
	n.refs++
	return n
}

// peek gives the node of a file if it is open, with a reference.
func (v *volume) peek(id fileID) *node {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.nodes[id]
	if n != nil {
		n.refs++
	}
	return n
}

func (n *node) release() {
	n.v.mu.Lock()
	defer n.v.mu.Unlock()
	if n.refs--; n.refs == 0 {
		delete(n.v.nodes, n.id)
	}
}

// allocated remembers what room was asked for.
func (n *node) allocated(size int64) {
	n.mu.Lock()
	n.asked = size
	n.mu.Unlock()
}

// link takes a name of the node for an open; nil if it is about to be deleted. Where the same name is open by another case of it, or was
// renamed, it is one link all the same: paths are as the directory has them.
func (n *node) link(path string) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		if l.path == path && !l.gone {
			if l.deleting {
				return nil
			}
			l.refs++
			l.handles++
			return l
		}
	}
	l := &link{path: path, refs: 1, handles: 1}
	n.links = append(n.links, l)
	return l
}

func (n *node) unlink(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.refs--; l.refs > 0 {
		return
	}
	n.mark(l, false)
	for i, x := range n.links {
		if x == l {
			n.links = append(n.links[:i], n.links[i+1:]...)
			return
		}
	}
}

// deletePending reports whether the name is about to go.
func (n *node) deletePending(path string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		if l.path == path && l.deleting && !l.gone {
			return true
		}
	}
	return false
}

// setDeleting marks the name, or takes the mark back.
func (n *node) setDeleting(l *link, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mark(l, on)
}

// mark is setDeleting. The caller holds mu.
func (n *node) mark(l *link, on bool) {
	if l.deleting == on {
		return
	}
	by := 1
	if l.deleting = on; !on {
		by = -1
	}
	n.deleting += by
	if n.dir {
		n.v.dying.Add(int64(by))
	}
}

// isDying reports whether a directory is about to be deleted, and so takes nothing new.
func (v *volume) isDying(dir *os.File) bool {
	if v.dying.Load() == 0 {
		return false
	}
	info, err := fstat(dir)
	if err != nil {
		return false
	}
	n := v.peek(detailsOf(info).id)
	if n == nil {
		return false
	}
	defer n.release()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.deleting > 0
}

// opensOf counts the node's opens.
func (n *node) opensOf() (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		count += l.refs
	}
	return count
}

// pathOf is the link's path as it is now.
func (n *node) pathOf(l *link) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return l.path
}

// split parts a path into the directory and the last component.
func splitPath(path string) (dir, name string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

// ntPath is a path below the volume's root as the Nt API spells it, without a leading backslash. A backslash in a name, which POSIX allows, is
// shown as clients on Unix map it.
func ntPath(path string) string {
	if strings.IndexByte(path, '\\') >= 0 {
		path = strings.ReplaceAll(path, `\`, "\uF05C")
	}
	return strings.ReplaceAll(path, "/", `\`)
}

// below reports whether a path is that of a directory or of something in it.
func below(path, dir string) bool {
	return dir == "" || strings.HasPrefix(path, dir) && (len(path) == len(dir) || path[len(dir)] == '/')
}

// openBelow reports whether anything in a directory is open (MS-FSA 2.1.5.15.11: such a directory is not renamed).
func (v *volume) openBelow(dir string) bool {
	v.mu.Lock()
	nodes := make([]*node, 0, len(v.nodes))
	for _, n := range v.nodes {
		nodes = append(nodes, n)
	}
	v.mu.Unlock()
	for _, n := range nodes {
		n.mu.Lock()
		for _, l := range n.links {
			if l.handles > 0 && !l.gone && len(l.path) > len(dir) && below(l.path, dir) {
				n.mu.Unlock()
				return true
			}
		}
		n.mu.Unlock()
	}
	return false
}

// report tells those who watch of a change of an entry.
func (v *volume) report(filter, action uint32, path string) {
	if !v.watches.Any() {
		return
	}
	dir, name := splitPath(path)
	v.watches.Report(fsrtl.Change{Filter: filter, Action: action, Dir: ntPath(dir), Name: name})
}

// nameFilter is what those watch for who want to know of new and lost entries.
func nameFilter(dir bool) uint32 {
	if dir {
		return nt.FileNotifyChangeDirName
	}
	return nt.FileNotifyChangeFileName
}
