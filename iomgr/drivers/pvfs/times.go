package pvfs

import (
	"os"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// writeDelay is for how long the first write of an open does not show in the time of writing.
const writeDelay = 2 * time.Second

// writeTime is how the time of writing of an open file differs from the disk's. Windows has it follow a first write after two seconds, later
// ones at the close; a flush, a new size and a set of basic information have it follow at once. A time that was set through a handle is not
// changed by what is written through that handle (MS-FSA 2.1.4.17).
type writeTime struct {
	held    bool    // shown is what it is
	shown   nt.Time // if held
	set     bool    // held because somebody set it, and to be set again at the close
	since   time.Time
	settled bool // the first write has shown
	later   bool // written after that
}

// now tells the time. Tests replace it.
var now = time.Now

// beforeWrite is called before data or size of the file change.
func (f *file) beforeWrite() {
	n := f.node
	n.mu.Lock()
	defer n.mu.Unlock()
	w := &n.write
	switch {
	case f.stickyWrite:
		if !w.held {
			if t, ok := f.diskWriteTime(); ok {
				*w = writeTime{held: true, shown: t, set: true}
			}
		}
	case !w.held:
		if t, ok := f.diskWriteTime(); ok {
			*w = writeTime{held: true, shown: t, since: now()}
		}
	case w.set:
		w.set, w.since, w.settled, w.later = false, now(), false, false
	case w.settled:
		w.later = true
	case now().Sub(w.since) >= writeDelay:
		if t, ok := f.diskWriteTime(); ok {
			w.shown, w.settled, w.later = t, true, true
		}
	}
}

// diskWriteTime is the time of writing as the disk has it, or as it was set where the disk cannot.
func (f *file) diskWriteTime() (nt.Time, bool) {
	info, err := fstat(f.h)
	if err != nil {
		return 0, false
	}
	at := nt.TimeOf(info.ModTime())
	if f.node.dos.Load() == dosNone {
		return at, true
	}
	return f.readDOS().writeTime(at), true
}

// of gives the time to show where the disk has mtime.
func (w *writeTime) of(mtime nt.Time) nt.Time {
	if !w.held || !w.set && !w.settled && now().Sub(w.since) >= writeDelay {
		return mtime
	}
	return w.shown
}

// showWrites lets what was written show in the time of writing.
func (f *file) showWrites() {
	n := f.node
	n.mu.Lock()
	if n.write.held && !n.write.set {
		n.write = writeTime{}
	}
	n.mu.Unlock()
}

// settle brings the time of writing to the disk when one who wrote has closed, or is about to.
func (f *file) settle() {
	n := f.node
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.write
	switch {
	case !w.held:
		return
	case w.set:
		_ = f.setDiskTimes(0, w.shown)
	case w.settled && w.later:
		_ = f.setDiskTimes(0, nt.TimeOf(now()))
	}
	n.write = writeTime{}
}

// setDiskTimes sets times on the disk; 0 leaves one. A time of writing that the disk cannot hold is kept beside.
func (f *file) setDiskTimes(access, write nt.Time) error {
	var a, m time.Time
	if access != 0 {
		a = access.Go()
	}
	if write != 0 {
		m = write.Go()
	}
	if err := setTimes(f.h, a, m); err != nil || write == 0 || f.symlink {
		return err
	}
	info, err := fstat(f.h)
	if err != nil {
		return err
	}
	d := f.readDOS()
	if shown := nt.TimeOf(info.ModTime()); shown != write || d.write != 0 {
		if d.write, d.writeShown = write, shown; shown == write {
			d.write, d.writeShown = 0, 0
		}
		return f.writeDOS(d, info)
	}
	return nil
}

// readDOS reads the file's attributes.
func (f *file) readDOS() dosAttributes { return readDOS(f.h) }

// writeDOS stores them. A file that had none stored has FILE_ATTRIBUTE_ARCHIVE.
func (f *file) writeDOS(d dosAttributes, info os.FileInfo) error {
	if !d.stored && !info.IsDir() && d.attrs == 0 {
		d.attrs = nt.FileAttributeArchive
	}
	return f.storeDOS(d, info)
}

// basicTime is a time of FileBasicInformation: 0 leaves it as it is, -1 stops it from changing by itself, -2 lets it (MS-FSCC 2.4.7).
type basicTime struct {
	set         nt.Time // 0 if it stays
	freeze, let bool
}

func parseBasicTime(b []byte) (t basicTime, ok bool) {
	switch v := int64(le.Uint64(b)); {
	case v < -2:
		return t, false
	case v == -2:
		t.let = true
	case v == -1:
		t.freeze = true
	default:
		t.set = nt.Time(v)
	}
	return t, true
}

// setBasic sets times and attributes (MS-FSA 2.1.5.15.2).
func (f *file) setBasic(r *api.Request) {
	var t [4]basicTime
	for i := range t {
		var ok bool
		if t[i], ok = parseBasicTime(r.In[8*i:]); !ok {
			r.Complete(nt.StatusInvalidParameter, 0)
			return
		}
	}
	attrs := le.Uint32(r.In[32:])
	if !f.node.dir && attrs&nt.FileAttributeDirectory != 0 || f.node.dir && attrs&nt.FileAttributeTemporary != 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if err := f.applyBasic(t[0], t[1], t[2], t[3], attrs); err != nil {
		r.Fail(err)
		return
	}
	filter := uint32(0)
	for _, c := range [...]struct {
		set    bool
		filter uint32
	}{{attrs != 0, nt.FileNotifyChangeAttributes}, {t[0].set != 0, nt.FileNotifyChangeCreation}, {t[1].set != 0, nt.FileNotifyChangeLastAccess},
		{t[2].set != 0, nt.FileNotifyChangeLastWrite}} {
		if c.set {
			filter |= c.filter
		}
	}
	if filter != 0 {
		path := f.node.pathOf(f.link)
		f.v.report(filter, nt.FileActionModified, path)
		f.v.contendParent(path, f.parent)
	}
	r.Complete(nt.StatusSuccess, 0)
}

func (f *file) applyBasic(created, access, write, change basicTime, attrs uint32) error {
	info, err := fstat(f.h)
	if err != nil {
		return err
	}
	before := f.readDOS()
	n := f.node
	n.mu.Lock()
	if write.set != 0 || !n.write.set {
		n.write = writeTime{} // whatever is set, what was written shows first
	}
	f.stickyWrite = f.stickyWrite && !write.let || write.freeze || write.set != 0
	switch {
	case change.set != 0:
		f.stickyChange = change.set
	case change.freeze:
		f.stickyChange = before.changeTime(nt.TimeOf(detailsOf(info).ctime))
	case change.let:
		f.stickyChange = 0
	}
	sticky := f.stickyChange
	n.mu.Unlock()
	if access.set != 0 || write.set != 0 {
		if err := f.setDiskTimes(access.set, write.set); err != nil {
			return err
		}
	}
	changes := attrs != 0 || created.set != 0 || access.set != 0 || write.set != 0 || change.set != 0
	if f.symlink || attrs == 0 && created.set == 0 && (sticky == 0 || !changes) { // a link has no place for more
		return nil
	}
	d := f.readDOS()
	if attrs != 0 {
		d.attrs, d.stored = attrs&storedAttributes&^keptAttributes|d.attrs&keptAttributes, true
	}
	if created.set != 0 {
		d.created = created.set
	}
	d.change, d.stamp = 0, 0
	if sticky != 0 {
		d.change, d.stamp = sticky, nt.TimeOf(now())
	}
	if attrs != 0 && !n.dir && attrs&nt.FileAttributeReadonly == 0 {
		if err := f.setReadonly(info, false); err != nil {
			return err
		}
	}
	err = f.writeDOS(d, info)
	n.archived.Store(false)
	if err != nil || attrs&nt.FileAttributeReadonly == 0 || n.dir {
		return err
	}
	return f.setReadonly(info, true)
}

// keepChange stores the time of change again that was set through a handle which changed the file later.
func (f *file) keepChange() {
	f.node.mu.Lock()
	sticky := f.stickyChange
	f.node.mu.Unlock()
	if sticky == 0 {
		return
	}
	info, err := fstat(f.h)
	if err != nil {
		return
	}
	d := f.readDOS()
	d.change, d.stamp = sticky, nt.TimeOf(now())
	_ = f.writeDOS(d, info)
}
