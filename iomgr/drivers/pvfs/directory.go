package pvfs

import (
	"os"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// listing is where a directory's enumeration stands.
type listing struct {
	d       *os.File
	pattern string // upper case
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
	w, ok := api.NewDirWriter(r)
	if !ok {
		r.Complete(nt.StatusInvalidInfoClass, 0)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listing == nil || r.Dir.Restart {
		pattern := r.Dir.Pattern
		if pattern == "" {
			pattern = "*"
			if f.listing != nil {
				pattern = f.listing.pattern
			}
		}
		d, err := openAt(f.h, ".", os.O_RDONLY|oDirectory, 0)
		if err != nil {
			r.Fail(err)
			return
		}
		f.closeListing()
		f.listing = &listing{d: d, pattern: nt.Upcase(pattern)}
	}
	l := f.listing
	for {
		e := l.next()
		if e == nil {
			break
		}
		if !w.Add(e, l.index) {
			l.held = e
			w.Complete(nt.StatusBufferOverflow)
			return
		}
		l.found = true
		if r.Dir.Single {
			break
		}
	}
	if l.found {
		w.Complete(nt.StatusNoMoreFiles)
		return
	}
	l.found = true
	w.Complete(nt.StatusNoSuchFile)
}

func (f *file) closeListing() {
	if f.listing != nil {
		f.listing.d.Close()
	}
}

// next gives the next entry that matches, nil at the end.
func (l *listing) next() *api.FileInfo {
	if e := l.held; e != nil {
		l.held = nil
		return e
	}
	for l.dots < 2 {
		name := [2]string{".", ".."}[l.dots]
		l.dots++
		if nt.MatchName(l.pattern, name) {
			if info, err := fstat(l.d); err == nil {
				e := describe(info, dosAttributes{}, name)
				l.index++
				return &e
			}
		}
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
		if !validName(name) || !nt.MatchName(l.pattern, nt.Upcase(name)) {
			continue
		}
		info, err := statAt(l.d, name)
		if err != nil || info.Mode()&os.ModeSymlink != 0 {
			continue // gone meanwhile, or not to be opened
		}
		e := describe(info, dosAttributes{}, name)
		l.index++
		return &e
	}
}
