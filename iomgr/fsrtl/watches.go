package fsrtl

import (
	"strings"
	"sync"
	"sync/atomic"

	"lwio/iomgr/nt"
)

// Watches are the change notifications of one volume (MS-FSA 2.1.5.11, 2.1.4.1). The zero value has none.
//
// Directories are named as they are on the volume, from its root, with `\` between the components and none at the ends; the root is "". The driver
// reports each change once, to the directory that holds the entry; those who watch that directory, and those who watch the tree above it,
// hear of it.
type Watches struct {
	count atomic.Int64 // of watches, for drivers that need not say what nobody hears

	mu   sync.Mutex
	root watchNode // guarded by mu, and all below it
}

// watchNode is a directory that is watched, or lies above one that is.
type watchNode struct {
	parent   *watchNode
	name     string
	children map[string]*watchNode
	watches  []*Watch
}

// Watch is what one open of a directory hears.
type Watch struct {
	ws *Watches

	// Guarded by ws.mu.
	node    *watchNode // nil once the watch has ended
	status  nt.Status  // why it ended
	filter  uint32
	tree    bool
	size    int // of the first request's buffer: what is kept between requests; 0 before it
	kept    []byte
	lastAt  int // where in kept the last record begins
	missed  bool
	pending []*NotifyWait
}

// NotifyWait is a request that waits for a change.
type NotifyWait struct {
	w    *Watch
	max  int
	done func(nt.Status, []byte) // nil once called; guarded by ws.mu
}

// Change is one change of an entry. Two that belong together, the names of a rename, are reported together.
type Change struct {
	Filter uint32 // FILE_NOTIFY_CHANGE_*: those who watch for any of the bits hear of it
	Action uint32 // FILE_ACTION_*
	Dir    string // the directory that holds the entry
	Name   string // the entry
	Unless uint32 // FILE_NOTIFY_CHANGE_*: those who watch for any of these bits hear nothing of it, since they heard of it otherwise
}

// maxNotifyBuffer bounds what is kept of a watch between requests (MS-SMB2 3.3.5.19 bounds a request the same way).
const maxNotifyBuffer = 64 << 10

// Any reports whether anybody watches anything.
func (ws *Watches) Any() bool { return ws.count.Load() > 0 }

// Open begins a watch on a directory. It hears nothing before its first Next.
func (ws *Watches) Open(dir string) *Watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	n := ws.make(dir)
	w := &Watch{ws: ws, node: n}
	n.watches = append(n.watches, w)
	ws.count.Add(1)
	return w
}

// make gives the node of a directory. The caller holds mu.
func (ws *Watches) make(dir string) *watchNode {
	n := &ws.root
	for part := range components(dir) {
		child := n.children[part]
		if child == nil {
			child = &watchNode{name: strings.Clone(part)}
			n.adopt(child)
		}
		n = child
	}
	return n
}

func (n *watchNode) adopt(child *watchNode) {
	if n.children == nil {
		n.children = map[string]*watchNode{}
	}
	child.parent = n
	n.children[child.name] = child
}

func components(dir string) func(yield func(string) bool) {
	if dir == "" {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(dir, `\`)
}

// Next asks for the changes since the last one was told, as FILE_NOTIFY_INFORMATION records of at most size bytes. The first call sets what
// is watched for; later ones have no say in it (MS-FSA 2.1.5.11.1).
//
// The status is StatusPending if nothing has changed; done is then called once. StatusNotifyEnumDir without records says that more changed
// than fits.
func (w *Watch) Next(filter uint32, tree bool, size int, done func(nt.Status, []byte)) (*NotifyWait, nt.Status, []byte) {
	w.ws.mu.Lock()
	defer w.ws.mu.Unlock()
	if w.node == nil {
		return nil, w.status, nil
	}
	if w.size == 0 {
		w.filter, w.tree, w.size = filter, tree, max(min(size, maxNotifyBuffer), 1)
	}
	if len(w.pending) == 0 {
		if status, data, ok := w.take(size); ok {
			return nil, status, data
		}
	}
	wait := &NotifyWait{w, size, done}
	w.pending = append(w.pending, wait)
	return wait, nt.StatusPending, nil
}

// take gives what is kept, if there is anything to tell. The caller holds mu.
func (w *Watch) take(size int) (nt.Status, []byte, bool) {
	switch {
	case w.missed, len(w.kept) > size:
		w.missed, w.kept = false, nil
		return nt.StatusNotifyEnumDir, nil, true
	case len(w.kept) > 0:
		out := w.kept
		w.kept = nil
		return nt.StatusSuccess, out, true
	}
	return 0, nil, false
}

// Cancel ends the wait with StatusCancelled, if it has not ended.
func (n *NotifyWait) Cancel() {
	ws := n.w.ws
	ws.mu.Lock()
	done := n.done
	n.done = nil
	if done != nil {
		n.w.pending = without(n.w.pending, n)
	}
	ws.mu.Unlock()
	if done != nil {
		done(nt.StatusCancelled, nil)
	}
}

// told is an answer to give once the lock is let go.
type told struct {
	done   func(nt.Status, []byte)
	status nt.Status
	data   []byte
}

func tellAll(ts []told) {
	for _, t := range ts {
		t.done(t.status, t.data)
	}
}

// Close ends the watch; what waits is answered with StatusNotifyCleanup.
func (w *Watch) Close() { w.End(nt.StatusNotifyCleanup) }

// End ends the watch with a status, which what waits and all later calls are answered with: StatusDeletePending when the directory goes.
func (w *Watch) End(status nt.Status) {
	w.ws.mu.Lock()
	out := w.end(status)
	w.ws.mu.Unlock()
	tellAll(out)
}

func (w *Watch) end(status nt.Status) []told {
	n := w.node
	if n == nil {
		return nil
	}
	w.node, w.status, w.kept = nil, status, nil
	w.ws.count.Add(-1)
	n.watches = without(n.watches, w)
	n.prune()
	var out []told
	for _, wait := range w.pending {
		out = append(out, told{wait.done, status, nil})
		wait.done = nil
	}
	w.pending = nil
	return out
}

// prune takes a directory out that nothing is watched at or below.
func (n *watchNode) prune() {
	for n.parent != nil && len(n.watches) == 0 && len(n.children) == 0 {
		delete(n.parent.children, n.name)
		n = n.parent
	}
}

// EndDirectory ends the watches on a directory that goes, and on what is below it.
func (ws *Watches) EndDirectory(dir string, status nt.Status) {
	ws.mu.Lock()
	var out []told
	if n := ws.find(dir); n != nil {
		out = n.end(status, nil)
	}
	ws.mu.Unlock()
	tellAll(out)
}

func (n *watchNode) end(status nt.Status, out []told) []told {
	for _, child := range n.children {
		out = child.end(status, out)
	}
	for len(n.watches) > 0 {
		out = append(out, n.watches[0].end(status)...)
	}
	return out
}

func (ws *Watches) find(dir string) *watchNode {
	n := &ws.root
	for part := range components(dir) {
		if n = n.children[part]; n == nil {
			return nil
		}
	}
	return n
}

// Rename moves the watches at and below a directory that got another name. A directory that had the name is gone: its watches end with
// StatusDeletePending.
func (ws *Watches) Rename(from, to string) {
	if from == to {
		return
	}
	ws.mu.Lock()
	var out []told
	if old := ws.find(to); old != nil {
		out = old.end(nt.StatusDeletePending, nil)
	}
	if n := ws.find(from); n != nil && n.parent != nil {
		delete(n.parent.children, n.name)
		n.parent.prune()
		dir, name := "", to
		if i := strings.LastIndexByte(to, '\\'); i >= 0 {
			dir, name = to[:i], to[i+1:]
		}
		n.name = strings.Clone(name)
		ws.make(dir).adopt(n)
	}
	ws.mu.Unlock()
	tellAll(out)
}
