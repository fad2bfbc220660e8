package pvfs

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"lwio/iomgr/nt"
)

// localChanges tells those who watch directories what local programs change there.
//
// While anybody watches, there is one fanotify queue and one goroutine that reads it; with the last watch both go. A directory that is watched has a
// mark; below one that is watched with its tree every directory has, up to a limit. The first of a tree get theirs before the request that watches
// pends, the others as soon as the goroutine comes to it; whoever watches a tree that is not covered whole is told once to look for himself
// (StatusNotifyEnumDir), as everybody is when the queue overflows.
//
// What this process changes is not told: the driver reports that itself. Directories are known by the paths under which they were found: once a
// local program has renamed one above them that nobody watches, their subdirectories are not joined any more.
type localChanges struct {
	v     *volume
	limit int // of marks

	mu     sync.Mutex
	fan    *os.File // guarded by mu, as all that follows; nil while nobody watches
	fd     int
	off    bool // the system has none, or refuses
	ended  bool
	opens  int // watches
	root   localDir
	byKey  map[string]*localDir // those with a mark
	queue  []*localDir          // whose subdirectories are to be joined
	seeded map[string]struct{}  // entries of new directories that were reported before their events came
	missed []string             // directories about which those who watch are to be told that they miss something
}

// localDir is a directory with a mark, or one above such. Guarded by localChanges.mu.
type localDir struct {
	parent   *localDir
	name     string
	children map[string]*localDir
	key      string // "" without a mark
	opens    int32  // watches of it
	trees    int32  // of these with its tree
	want     uint64 // what they want to know
	marked   uint64 // the mark's mask
	queued   bool
}

// localWatch is one open's part in it.
type localWatch struct {
	l    *localChanges
	dir  *localDir
	fan  *os.File
	tree bool
}

const (
	defaultLocalMarks = 8192
	joinedAtOnce      = 128 // directories of a tree that get a mark before its watch pends

	fanNames = unix.FAN_CREATE | unix.FAN_DELETE | unix.FAN_RENAME
)

// fanMask is what there is to know for whom a filter is set.
func fanMask(filter uint32, tree bool) uint64 {
	m := uint64(unix.FAN_ONDIR | unix.FAN_EVENT_ON_CHILD)
	if tree || filter&(nt.FileNotifyChangeFileName|nt.FileNotifyChangeDirName) != 0 {
		m |= fanNames
	}
	if filter&modifyFilter != 0 {
		m |= unix.FAN_MODIFY
	}
	if filter&attribFilter != 0 {
		m |= unix.FAN_ATTRIB
	}
	return m
}

// start makes the queue if there is none. The caller holds mu.
func (l *localChanges) start() bool {
	if l.fan != nil || l.off || l.ended {
		return l.fan != nil
	}
	fd, err := newFan()
	if err != nil {
		if !errors.Is(err, unix.EMFILE) && !errors.Is(err, unix.ENFILE) && !errors.Is(err, unix.ENOMEM) {
			l.off = true
		}
		return false
	}
	if l.limit == 0 {
		l.limit = defaultLocalMarks
	}
	l.fan, l.fd = os.NewFile(uintptr(fd), "fanotify"), fd
	l.byKey = make(map[string]*localDir)
	l.root = localDir{}
	go l.run(l.fan)
	return true
}

// stop lets the queue go. The caller holds mu.
func (l *localChanges) stop() {
	l.fan.Close() // the goroutine ends
	l.fan, l.byKey, l.queue, l.seeded, l.opens = nil, nil, nil, nil, 0
	l.root = localDir{}
}

// end stops everything with the driver.
func (l *localChanges) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	if l.fan != nil {
		l.stop()
	}
}

// open begins to listen for what local programs do in a directory; nil where the system does not tell.
func (l *localChanges) open(h *os.File, path string, filter uint32, tree bool) *localWatch {
	defer l.tellMissed()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.start() {
		return nil
	}
	d := l.at(path)
	d.want |= fanMask(filter, tree)
	if !l.mark(d, h) {
		l.prune(d)
		if l.opens == 0 { // not on this file system
			l.stop()
		}
		return nil
	}
	l.opens++
	d.opens++
	if tree {
		d.trees++
		l.enqueue(d)
		for n := 0; n < joinedAtOnce && len(l.queue) > 0; n++ {
			l.join()
		}
		if len(l.queue) > 0 {
			l.wake()
		}
	}
	return &localWatch{l, d, l.fan, tree}
}

// close ends it.
func (w *localWatch) close() {
	if w == nil {
		return
	}
	l := w.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fan != w.fan || l.fan == nil {
		return // it has ended as a whole
	}
	d := w.dir
	d.opens--
	if w.tree {
		d.trees--
	}
	if l.opens--; l.opens == 0 {
		l.stop()
		return
	}
	if d.opens == 0 {
		d.want = 0
	}
	if w.tree && d.trees == 0 || d.opens == 0 {
		l.release(d)
	}
}

// tellMissed tells those who watch of what they miss, with no lock held.
func (l *localChanges) tellMissed() {
	l.mu.Lock()
	dirs := l.missed
	l.missed = nil
	l.mu.Unlock()
	for _, dir := range dirs {
		l.v.watches.Missed(ntPath(dir))
	}
}

// wake has the goroutine look at the queue of directories. The caller holds mu.
func (l *localChanges) wake() { _ = l.fan.SetReadDeadline(longAgo) }

// at gives the node of a directory. The caller holds mu, as of all that follows.
func (l *localChanges) at(path string) *localDir {
	d := &l.root
	for part := range pathParts(path) {
		d = d.child(part)
	}
	return d
}

func (d *localDir) child(name string) *localDir {
	c := d.children[name]
	if c == nil {
		c = &localDir{}
		d.adopt(name, c)
	}
	return c
}

func (d *localDir) adopt(name string, c *localDir) {
	if d.children == nil {
		d.children = make(map[string]*localDir)
	}
	c.parent, c.name = d, name
	d.children[name] = c
}

// find is at, of a directory that there is a node for.
func (l *localChanges) find(path string) *localDir {
	d := &l.root
	for part := range pathParts(path) {
		if d = d.children[part]; d == nil {
			return nil
		}
	}
	return d
}

// path is the directory's, below the volume's root.
func (d *localDir) path() string {
	if d.parent == nil {
		return ""
	}
	return join(d.parent.path(), d.name)
}

// inherited is what those want to know who watch a tree that the directory is in; 0 if nobody does.
func (d *localDir) inherited() (mask uint64) {
	for ; d != nil; d = d.parent {
		if d.trees > 0 {
			mask |= d.want
		}
	}
	return mask
}

// mark gives a directory the mark that it needs.
func (l *localChanges) mark(d *localDir, h *os.File) bool {
	mask := d.inherited()
	if d.opens > 0 || mask == 0 {
		mask |= d.want
	}
	if d.key != "" && d.marked|mask == d.marked {
		return true
	}
	key, err := fanKeyOf(h)
	if err != nil {
		return false
	}
	if d.key == "" && len(l.byKey) >= l.limit {
		return false
	}
	if fanMark(l.fd, h, mask) != nil {
		return false
	}
	if other := l.byKey[key]; other != nil && other != d { // it was somewhere else before
		other.key = ""
		l.prune(other)
	}
	if d.key != "" && d.key != key {
		delete(l.byKey, d.key)
	}
	d.key, d.marked = key, mask
	l.byKey[key] = d
	return true
}

// enqueue has the subdirectories joined.
func (l *localChanges) enqueue(d *localDir) {
	if !d.queued {
		d.queued = true
		l.queue = append(l.queue, d)
	}
}

// join marks the subdirectories of the directory that is next.
func (l *localChanges) join() {
	d := l.queue[0]
	l.queue = l.queue[1:]
	d.queued = false
	if d.inherited() == 0 || d.parent == nil && d != &l.root {
		return // nobody watches it any more
	}
	h, err := l.v.openBeneath(d.path())
	if err != nil {
		return
	}
	defer h.Close()
	for {
		list, err := h.ReadDir(256)
		for _, e := range list {
			if e.IsDir() && validName(e.Name()) && !l.joinOne(d, h, e.Name()) {
				return
			}
		}
		if err != nil || len(list) == 0 {
			return
		}
	}
}

// joinOne marks one subdirectory; false if there is no room for more, which those who watch the tree are told.
func (l *localChanges) joinOne(d *localDir, h *os.File, name string) bool {
	sub, err := openAt(h, name, os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return true // it went, or may not be read
	}
	defer sub.Close()
	c := d.child(name)
	if l.mark(c, sub) {
		l.enqueue(c)
		return true
	}
	l.prune(c)
	l.missed = append(l.missed, d.path())
	return false
}

// release takes the marks away that nobody needs at and below a directory.
func (l *localChanges) release(d *localDir) {
	for _, c := range d.children {
		l.release(c)
	}
	if d.opens > 0 || d.inherited() != 0 {
		return
	}
	if d.key != "" {
		if h, err := l.v.openBeneath(d.path()); err == nil {
			if key, err := fanKeyOf(h); err == nil && key == d.key {
				fanUnmark(l.fd, h)
			}
			h.Close()
		}
		l.forget(d)
	}
	l.prune(d)
}

// forget takes a directory's mark for gone.
func (l *localChanges) forget(d *localDir) {
	if d.key != "" {
		delete(l.byKey, d.key)
		d.key, d.marked = "", 0
	}
}

// drop takes a directory out that has gone, with what was below it.
func (l *localChanges) drop(d *localDir) {
	for _, c := range d.children {
		l.drop(c)
	}
	if d.opens == 0 {
		l.forget(d)
	}
	l.prune(d)
}

// prune takes nodes out that stand for nothing.
func (l *localChanges) prune(d *localDir) {
	for d.parent != nil && d.key == "" && d.opens == 0 && len(d.children) == 0 {
		p := d.parent
		if p.children[d.name] == d {
			delete(p.children, d.name)
		}
		d.parent = nil
		d = p
	}
}

// made joins a directory that this driver has made, if it is in a tree that somebody watches.
func (l *localChanges) made(h *os.File, path string) {
	defer l.tellMissed()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fan == nil {
		return
	}
	dir, name := splitPath(path)
	if d := l.find(dir); d != nil && d.inherited() != 0 {
		c := d.child(name)
		if !l.mark(c, h) {
			l.prune(c)
			l.missed = append(l.missed, dir)
		}
	}
}

// moved follows a directory that this driver has renamed.
func (l *localChanges) moved(from, to string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fan == nil {
		return
	}
	fromDir, fromName := splitPath(from)
	toDir, toName := splitPath(to)
	l.rename(l.find(fromDir), fromName, l.find(toDir), toName)
}

// rename moves a directory from one place to another; nil stands for one that nobody watches.
func (l *localChanges) rename(from *localDir, name string, to *localDir, newName string) {
	var d *localDir
	if from != nil {
		d = from.children[name]
	}
	if to != nil {
		if gone := to.children[newName]; gone != nil && gone != d {
			l.drop(gone)
		}
	}
	if d == nil {
		if to != nil && to.inherited() != 0 {
			l.enqueue(to)
			l.wake()
		}
		return
	}
	if to == nil {
		l.drop(d) // where it is now nobody knows: the mark stays, and says nothing to anybody
		return
	}
	delete(from.children, name)
	d.parent = nil
	to.adopt(newName, d)
	l.prune(from)
	if d.inherited() == 0 {
		l.release(d)
	} else {
		l.enqueue(d)
		l.wake()
	}
}
