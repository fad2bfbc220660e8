package pvfs

import (
	"encoding/xml"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Previous versions are directories of a directory that is named by who opens (api.Snapshots). Their names tell the time, which is all that is
// known of them. Nothing of a version can be changed through this driver, whichever way it was reached.

const (
	maxSnapshots     = 1024          // that are told of, the newest: as many as fit into an answer of 64 KiB
	maxSnapshotNames = 1 << 16       // that are looked at
	snapshotsKept    = time.Second   // how long a list is taken for what there is
	maxSnapshotLists = 256           // of directories, that are remembered
	maxSnapperInfo   = 64 << 10      // bytes of an info.xml
	snapperContent   = "snapshot"    // where snapper has the version itself
	snapperTime      = time.DateTime // of its <date>, in UTC
)

// frozen says whether, and by which way, an open is one of a previous version.
type frozen uint8

const (
	notFrozen    frozen = iota
	frozenByPath        // through the directory that holds the versions
	frozenByTime        // by TimeWarp: its name is that of the file of now
)

// snapshot is one version.
type snapshot struct {
	time  nt.Time
	parts []string // its directory, below that of the list
}

// snapshotList is what there was when it was read.
type snapshotList struct {
	dir   string     // that has them, as the disk has it, below the volume's root; empty if it is not there
	found []snapshot // newest first
	read  time.Time
}

func (l *snapshotList) at(t nt.Time) (snapshot, bool) {
	t = t.Seconds()
	for _, s := range l.found {
		if s.time.Seconds() == t {
			return s, true
		}
	}
	return snapshot{}, false
}

// snapshotLists remembers lists for a moment.
type snapshotLists struct {
	mu    sync.Mutex
	lists map[api.Snapshots]*snapshotList // guarded by mu
}

// componentsOf gives those of a directory that a context names.
func componentsOf(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '\\' || r == '/' })
}

// snapshotsOf lists the versions.
func (v *volume) snapshotsOf(s *api.Snapshots) (*snapshotList, nt.Status) {
	c := &v.snapshots
	now := time.Now()
	c.mu.Lock()
	l := c.lists[*s]
	c.mu.Unlock()
	if l != nil && now.Sub(l.read) < snapshotsKept {
		return l, nt.StatusSuccess
	}
	l, status := v.readSnapshots(s)
	if status != nt.StatusSuccess {
		return nil, status
	}
	l.read = now
	c.mu.Lock()
	if c.lists == nil || len(c.lists) >= maxSnapshotLists {
		c.lists = make(map[api.Snapshots]*snapshotList)
	}
	c.lists[*s] = l
	c.mu.Unlock()
	return l, nt.StatusSuccess
}

func (v *volume) readSnapshots(s *api.Snapshots) (*snapshotList, nt.Status) {
	l := &snapshotList{}
	p, status := v.walk(append(componentsOf(s.Root), componentsOf(s.Dir)...))
	switch status {
	case nt.StatusSuccess:
	case nt.StatusObjectNameNotFound, nt.StatusObjectPathNotFound:
		return l, nt.StatusSuccess
	default:
		return nil, status
	}
	defer p.close()
	l.dir = p.path
	for seen := 0; seen < maxSnapshotNames; {
		batch, err := p.dir.Readdirnames(1024)
		for _, name := range batch {
			if found, ok := readSnapshot(s, p.dir, name); ok {
				l.found = append(l.found, found)
			}
		}
		if seen += len(batch); err == io.EOF {
			break
		}
		if err != nil {
			return nil, nt.StatusOf(err)
		}
	}
	slices.SortFunc(l.found, func(a, b snapshot) int {
		if a.time != b.time {
			return int(min(max(int64(b.time)-int64(a.time), -1), 1))
		}
		return strings.Compare(a.parts[0], b.parts[0])
	})
	l.found = slices.CompactFunc(l.found, func(a, b snapshot) bool { return a.time.Seconds() == b.time.Seconds() }) // clients could not tell them apart
	l.found = slices.Clip(l.found[:min(len(l.found), maxSnapshots)])
	return l, nt.StatusSuccess
}

// readSnapshot says which version a name is, if it is one's.
func readSnapshot(s *api.Snapshots, dir *os.File, name string) (snapshot, bool) {
	if s.Format != api.SnapperFormat {
		t, ok := s.TimeOf(name)
		return snapshot{t, []string{name}}, ok
	}
	if _, err := strconv.ParseUint(name, 10, 64); err != nil {
		return snapshot{}, false
	}
	t, ok := snapperTimeOf(dir, name)
	return snapshot{t, []string{name, snapperContent}}, ok
}

// snapperTimeOf reads when snapper made a version.
func snapperTimeOf(dir *os.File, name string) (nt.Time, bool) {
	d, err := openAt(dir, name, os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return 0, false
	}
	defer d.Close()
	f, err := openAt(d, "info.xml", os.O_RDONLY, 0)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	var info struct {
		Date string `xml:"date"`
	}
	if err := xml.NewDecoder(io.LimitReader(f, maxSnapperInfo)).Decode(&info); err != nil {
		return 0, false
	}
	t, err := time.Parse(snapperTime, strings.TrimSpace(info.Date))
	at := nt.TimeOf(t)
	return at, err == nil && at != 0
}

// warp has the open look into the version of the time that it asks for (MS-SMB2 3.3.5.9.4). The name of the file is put behind the version's.
func (c *creating) warp() nt.Status {
	w, asked := api.Find[api.TimeWarp](c.a.Contexts)
	c.versions, _ = api.Find[*api.Snapshots](c.a.Contexts)
	if !asked {
		return nt.StatusSuccess
	}
	if c.versions == nil {
		return nt.StatusObjectNameNotFound
	}
	l, status := c.v.snapshotsOf(c.versions)
	if status != nt.StatusSuccess {
		return status
	}
	s, ok := l.at(w.Time)
	root := componentsOf(c.versions.Root)
	if !ok || len(c.parts) < len(root) || !slices.EqualFunc(root, c.parts[:len(root)], nt.EqualFold) {
		return nt.StatusObjectNameNotFound
	}
	c.parts = slices.Concat(componentsOf(l.dir), s.parts, c.parts[len(root):])
	return c.freeze(frozenByTime)
}

// freeze makes the open one that changes nothing. It may ask for the right to, and is granted it, as on Windows: what uses it is refused.
func (c *creating) freeze(how frozen) nt.Status {
	c.frozen = how
	if d := c.a.Disposition; d != nt.FileOpen && d != nt.FileOpenIf || c.a.Options&nt.FileDeleteOnClose != 0 {
		return nt.StatusMediaWriteProtected
	}
	return nt.StatusSuccess
}

// meets freezes an open that has come to a version by its path.
func (c *creating) meets(path string) nt.Status {
	if c.versions == nil || c.frozen != notFrozen || !c.v.holdsVersions(c.versions, path) {
		return nt.StatusSuccess
	}
	return c.freeze(frozenByPath)
}

// holdsVersions reports whether a path as the disk has it is that of the directory of the versions, or in it.
func (v *volume) holdsVersions(s *api.Snapshots, path string) bool {
	if s == nil {
		return false
	}
	l, status := v.snapshotsOf(s)
	return status == nt.StatusSuccess && l.dir != "" && below(path, l.dir)
}

// shown is the name of what is open, as its opener named it: of a version that of the file of now.
func (f *file) shown(path string) string {
	if f.frozen != frozenByTime {
		return path
	}
	root := len(componentsOf(f.versions.Root))
	holder := append(componentsOf(f.versions.Root), componentsOf(f.versions.Dir)...)
	skip := len(holder) + 1
	if f.versions.Format == api.SnapperFormat {
		skip++
	}
	parts := componentsOf(path)
	if len(parts) < skip || !slices.EqualFunc(holder, parts[:len(holder)], nt.EqualFold) {
		return path // a link has led out of the version
	}
	return strings.Join(slices.Concat(parts[:root], parts[skip:]), "/")
}

// enumerateSnapshots is FSCTL_SRV_ENUMERATE_SNAPSHOTS: it lists the versions of what the opener named (MS-SMB2 3.3.5.15.1). Where nothing was
// named there are none.
func (f *file) enumerateSnapshots(r *api.Request) {
	var times []nt.Time
	if f.versions != nil {
		l, status := f.v.snapshotsOf(f.versions)
		if status != nt.StatusSuccess {
			r.Complete(status, 0)
			return
		}
		for _, s := range l.found {
			times = append(times, s.time)
		}
	}
	if len(r.Out) < 16 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	a := api.NewSnapshotArray(times, len(r.Out))
	r.Reply(a.Append(nil))
}
