package pvfs

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lwio/iomgr/nt"
)

// What the two kinds of modification are to those who watch.
const (
	modifyFilter = nt.FileNotifyChangeSize | nt.FileNotifyChangeLastWrite | nt.FileNotifyChangeAttributes
	attribFilter = nt.FileNotifyChangeAttributes | nt.FileNotifyChangeLastWrite | nt.FileNotifyChangeLastAccess | nt.FileNotifyChangeSecurity | nt.FileNotifyChangeEa
)

var (
	longAgo = time.Unix(1, 0)
	ownPID  = int32(os.Getpid())
)

// pathParts are the components of a path as the disk has it.
func pathParts(path string) func(func(string) bool) {
	if path == "" {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(path, "/")
}

// run reads the queue until it is closed.
func (l *localChanges) run(fan *os.File) {
	conn, err := fan.SyscallConn()
	if err != nil {
		return
	}
	b := make([]byte, 16<<10)
	for {
		_ = fan.SetReadDeadline(time.Time{})
		more := l.joinSome(fan)
		n, empty := 0, false
		var failed error
		err := conn.Read(func(fd uintptr) bool {
			for {
				n, failed = unix.Read(int(fd), b)
				if failed != unix.EINTR {
					break
				}
			}
			if failed == unix.EAGAIN {
				empty = true
				return more
			}
			return true
		})
		if empty {
			l.settled(fan)
		}
		switch {
		case err != nil && !os.IsTimeout(err):
			return // closed
		case err != nil, failed == unix.EAGAIN:
			continue
		case failed != nil, n <= 0:
			return
		}
		l.handle(fan, b[:n])
	}
}

// joinSome goes on with the trees, and reports whether there is more to do.
func (l *localChanges) joinSome(fan *os.File) bool {
	defer l.tellMissed()
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := 0; l.fan == fan && n < 16 && len(l.queue) > 0; n++ {
		l.join()
	}
	return l.fan == fan && len(l.queue) > 0
}

// settled is called when every event has been seen.
func (l *localChanges) settled(fan *os.File) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fan == fan {
		l.seeded = nil
	}
}

// localEvent is an event whose directories have been found.
type localEvent struct {
	fanEvent
	path, newPath string // of the entry; "" if it is in no directory that is watched
}

// handle tells of what happened.
//
// The kernel makes one event of several of a program's that concern one name, so that what comes of them, and in which order, is to be seen from
// whether the name is there.
func (l *localChanges) handle(fan *os.File, b []byte) {
	var list []localEvent
	for {
		e, rest, ok := nextFanEvent(b)
		if !ok {
			break
		}
		b = rest
		if e.overflow {
			l.tellAll(list)
			list = list[:0]
			l.overflowed(fan)
		} else if t, ok := l.locate(fan, e); ok {
			list = append(list, t)
		}
	}
	l.tellAll(list)
}

// tellAll reports events in the order in which they came.
func (l *localChanges) tellAll(list []localEvent) {
	for i := range list {
		t := &list[i]
		if t.mask&unix.FAN_RENAME == 0 {
			l.tell(t)
			continue
		}
		l.tellRename(t)
		if created(list[:i], t.path) && !created(list[i+1:], t.path) { // once more by now, in an event that was one with the first
			if info := l.v.statPath(t.path); info != nil {
				l.seed(t.path)
				l.v.report(nameFilter(info.IsDir()), nt.FileActionAdded, t.path)
			}
		}
	}
}

// created reports whether an event says that a name was made.
func created(list []localEvent, path string) bool {
	for i := range list {
		if list[i].path == path && path != "" && list[i].mask&unix.FAN_CREATE != 0 {
			return true
		}
	}
	return false
}

// seed has the next event that says a name was made be none: it has been told.
func (l *localChanges) seed(path string) {
	l.mu.Lock()
	l.remember(path)
	l.mu.Unlock()
}

// remember is seed. The caller holds mu.
func (l *localChanges) remember(path string) {
	if l.seeded == nil {
		l.seeded = make(map[string]struct{})
	}
	l.seeded[path] = struct{}{}
}

// overflowed tells everybody to look for himself, and looks for directories that were made meanwhile.
func (l *localChanges) overflowed(fan *os.File) {
	l.mu.Lock()
	if l.fan == fan {
		for _, d := range l.byKey {
			if d.trees > 0 {
				l.enqueue(d)
			}
		}
	}
	l.mu.Unlock()
	l.v.watches.MissedAll()
}

// locate finds the paths of an event, and has the tree of those that are watched follow it. ok is false for what is not to be told.
func (l *localChanges) locate(fan *os.File, e fanEvent) (t localEvent, ok bool) {
	t.fanEvent = e
	own := e.pid == ownPID
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fan != fan {
		return t, false
	}
	side := func(key, name string) (*localDir, string) {
		d := l.byKey[key]
		if d == nil || key == "" || !validName(name) {
			return nil, ""
		}
		return d, join(d.path(), name)
	}
	dir, path := side(e.dir, e.name)
	if e.mask&unix.FAN_RENAME != 0 {
		to, newPath := side(e.newDir, e.newName)
		if own || dir == nil && to == nil {
			return t, false // the driver has moved what it knows of it
		}
		if e.mask&unix.FAN_ONDIR != 0 {
			l.rename(dir, e.name, to, e.newName)
		}
		t.path, t.newPath = path, newPath
		return t, true
	}
	if dir == nil {
		return t, false
	}
	t.path = path
	if e.mask&unix.FAN_ONDIR != 0 && e.mask&(unix.FAN_DELETE|unix.FAN_MOVED_FROM) != 0 {
		if d := dir.children[e.name]; d != nil && l.v.statPath(path) == nil {
			l.drop(d)
		}
	}
	if own {
		return t, false
	}
	if _, told := l.seeded[path]; told && e.mask&(unix.FAN_CREATE|unix.FAN_DELETE) != 0 {
		delete(l.seeded, path)
		if e.mask&unix.FAN_DELETE == 0 {
			t.mask &^= unix.FAN_CREATE
		}
	}
	return t, true
}

// tell reports what happened to one name.
func (l *localChanges) tell(t *localEvent) {
	v, path := l.v, t.path
	isDir := t.mask&unix.FAN_ONDIR != 0
	added, removed := t.mask&(unix.FAN_CREATE|unix.FAN_MOVED_TO) != 0, t.mask&(unix.FAN_DELETE|unix.FAN_MOVED_FROM) != 0
	there := added && !removed
	if added && removed {
		there = v.statPath(path) != nil
	}
	if removed && there {
		v.report(nameFilter(isDir), nt.FileActionRemoved, path)
	}
	if added {
		v.report(nameFilter(isDir), nt.FileActionAdded, path)
		if isDir && there {
			l.grow(path, t.mask&unix.FAN_CREATE != 0)
		}
	}
	var filter uint32
	if t.mask&unix.FAN_MODIFY != 0 {
		filter |= modifyFilter
	}
	if t.mask&unix.FAN_ATTRIB != 0 {
		filter |= attribFilter
	}
	if filter != 0 {
		v.report(filter, nt.FileActionModified, path)
	}
	if removed && !there {
		v.report(nameFilter(isDir), nt.FileActionRemoved, path)
		if isDir {
			v.watches.EndDirectory(ntPath(path), nt.StatusDeletePending)
		}
	}
	v.contendParent(path, nil)
}

// tellRename reports a new name.
func (l *localChanges) tellRename(t *localEvent) {
	v, isDir := l.v, t.mask&unix.FAN_ONDIR != 0
	switch {
	case t.path == "":
		v.report(nameFilter(isDir), nt.FileActionAdded, t.newPath)
		v.contendParent(t.newPath, nil)
	case t.newPath == "":
		v.report(nameFilter(isDir), nt.FileActionRemoved, t.path)
		v.contendParent(t.path, nil)
	default:
		if isDir {
			v.watches.Rename(ntPath(t.path), ntPath(t.newPath))
		}
		v.reportRename(isDir, t.path, t.newPath, nil)
	}
}

// grow joins a directory that a local program has made, and tells of what is in it already; of one that was moved here only itself is new.
func (l *localChanges) grow(path string, isNew bool) {
	l.mu.Lock()
	if l.fan == nil {
		l.mu.Unlock()
		return
	}
	dir, name := splitPath(path)
	d := l.find(dir)
	if d == nil || d.inherited() == 0 {
		l.mu.Unlock()
		return
	}
	h, err := l.v.openBeneath(path)
	if err != nil {
		l.mu.Unlock()
		return
	}
	defer h.Close()
	c := d.child(name)
	if !l.mark(c, h) {
		l.prune(c)
		l.mu.Unlock()
		l.v.watches.Missed(ntPath(dir))
		return
	}
	if !isNew {
		l.enqueue(c)
		l.mu.Unlock()
		return
	}
	var found []string
	var dirs []bool
	for {
		list, err := h.ReadDir(256)
		for _, e := range list {
			if !validName(e.Name()) {
				continue
			}
			found, dirs = append(found, join(path, e.Name())), append(dirs, e.IsDir())
			l.remember(found[len(found)-1])
		}
		if err != nil || len(list) == 0 {
			break
		}
	}
	l.mu.Unlock()
	for i, path := range found {
		l.v.report(nameFilter(dirs[i]), nt.FileActionAdded, path)
		if dirs[i] {
			l.grow(path, true)
		}
	}
}

// statPath is stat of a path as the disk has it, nil if there is nothing.
func (v *volume) statPath(path string) os.FileInfo {
	dir, name, err := v.parent(path)
	if err != nil {
		return nil
	}
	defer dir.Close()
	info, err := statAt(dir, name)
	if err != nil {
		return nil
	}
	return info
}
