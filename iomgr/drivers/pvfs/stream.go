package pvfs

import (
	"errors"
	"io"
	"os"
	"sync"

	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// stream is what of a node can be opened: its unnamed stream, which is the file or directory itself, or a named one.
type stream struct {
	opens fsrtl.Opens
	locks fsrtl.Locks

	data *streamData // nil for the unnamed one

	appending sync.Mutex // held from the look for the end to the write behind it

	refs     int  // guarded by node.mu, as all that follows
	handles  int  // opens that have not been cleaned up
	deleting bool // takes no more opens and goes with the last handle
	gone     bool
}

// streamData is the content of a named stream that is open.
type streamData struct {
	mu     sync.RWMutex
	key    string // guarded by mu: the extended attribute, as all that follows
	name   string
	long   string // the name as it is kept in the value, if it is too long for a key
	inline []byte
	id     string // of the sidecar
	file   *os.File
	gone   bool // it has been deleted: nothing is stored any more
}

// named reports whether the open is of a named stream.
func (f *file) named() bool { return f.stream.data != nil }

// holdStream gives the stream of a name that is open, with a reference; or makes it with what load finds.
func (n *node) holdStream(name string, load func() (*streamData, error)) (*stream, error) {
	key := nt.Upcase(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.streams[key]; s != nil && !s.gone {
		s.refs++
		return s, nil
	}
	data, err := load()
	if err != nil {
		return nil, err
	}
	s := &stream{data: data, refs: 1}
	if n.streams == nil {
		n.streams = make(map[string]*stream)
	}
	n.streams[key] = s
	return s, nil
}

func (n *node) releaseStream(s *stream) {
	if s.data == nil {
		return
	}
	n.mu.Lock()
	s.refs--
	last := s.refs == 0
	if last {
		n.forgetStream(s)
	}
	n.mu.Unlock()
	if last && s.data.file != nil {
		s.data.file.Close()
	}
}

// forgetStream takes a stream out of those that can be opened. The caller holds mu.
func (n *node) forgetStream(s *stream) {
	for key, x := range n.streams {
		if x == s {
			delete(n.streams, key)
		}
	}
}

// streamsRefuse reports whether a named stream that is open forbids the deletion of the file (MS-FSA 2.1.5.1.2.2).
func (n *node) streamsRefuse() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.streams {
		if modes := s.opens.Modes(); modes.Check(nt.Delete, nt.FileShareRead|nt.FileShareWrite|nt.FileShareDelete) != nt.StatusSuccess {
			return true
		}
	}
	return false
}

// streamsOpen reports whether a named stream is open.
func (n *node) streamsOpen() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.streams {
		if s.handles > 0 {
			return true
		}
	}
	return false
}

// loadStream finds a stream of a file, or makes an empty one.
func (f *file) loadStream(name string, make bool) (data *streamData, made bool, err error) {
	e, s, err := findStream(f.h, name)
	switch {
	case err == nil:
	case errors.Is(err, os.ErrNotExist) && make:
		key, long := streamKey(name)
		s = storedStream{name: long}
		if err := createXattr(f.h, key, s.append(nil)); err != nil {
			if noRoom(err) {
				return nil, false, nt.StatusDiskFull
			}
			return nil, false, err
		}
		return &streamData{key: key, name: name, long: long}, true, nil
	default:
		return nil, false, err
	}
	d := &streamData{key: e.key, name: e.name, long: s.name, inline: s.content, id: s.id}
	if s.id != "" {
		dir, err := f.directory()
		if err != nil {
			return nil, false, err
		}
		defer dir.Close()
		if d.file, err = openSidecar(dir, s.id); err != nil {
			return nil, false, err
		}
		if !belongs(d.file, f.node.id.ino) {
			if err := d.adopt(f, dir); err != nil {
				d.file.Close()
				return nil, false, err
			}
		}
	}
	return d, false, nil
}

// directory opens the one that the file is in.
func (f *file) directory() (*os.File, error) {
	path := f.path
	if f.link != nil {
		path = f.node.pathOf(f.link)
	}
	dir, _, err := f.v.parent(path)
	return dir, err
}

func (d *streamData) size() (end, allocated int64, err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.file == nil {
		n := int64(len(d.inline))
		return n, (n + 7) &^ 7, nil
	}
	info, err := fstat(d.file)
	if err != nil {
		return 0, 0, err
	}
	return info.Size(), detailsOf(info).blocks * 512, nil
}

func (d *streamData) readAt(b []byte, offset int64) (int, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.file != nil {
		return d.file.ReadAt(b, offset)
	}
	if offset >= int64(len(d.inline)) {
		return 0, io.EOF
	}
	return copy(b, d.inline[offset:]), nil
}

func (d *streamData) writeAt(f *file, b []byte, offset int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	end := offset + int64(len(b))
	if d.file == nil && end <= maxInline {
		content := make([]byte, max(end, int64(len(d.inline))))
		copy(content, d.inline)
		copy(content[offset:], b)
		if err := d.keep(f, content); err == nil || !noRoom(err) {
			return len(b), err
		}
	}
	if err := d.spill(f); err != nil {
		return 0, err
	}
	return d.file.WriteAt(b, offset)
}

func (d *streamData) truncate(f *file, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil && size <= maxInline {
		content := make([]byte, size)
		copy(content, d.inline)
		if err := d.keep(f, content); err == nil || !noRoom(err) {
			return err
		}
	}
	if err := d.spill(f); err != nil {
		return err
	}
	return d.file.Truncate(size)
}

// keep stores the content in the extended attribute. The caller holds mu.
func (d *streamData) keep(f *file, content []byte) error {
	if !d.gone {
		s := storedStream{name: d.long, content: content}
		if err := setXattr(f.h, d.key, s.append(make([]byte, 0, 4+len(d.long)+len(content)))); err != nil {
			return err
		}
	}
	d.inline = content
	return nil
}

// spill gives the stream a file of its own. The caller holds mu.
func (d *streamData) spill(f *file) (err error) {
	if d.file != nil {
		return nil
	}
	dir, err := f.directory()
	if err != nil {
		return err
	}
	defer dir.Close()
	h, id, err := newSidecar(dir, f.node.id.ino)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			h.Close()
			removeSidecars(dir, f.node.id.ino, id)
		}
	}()
	if _, err = h.WriteAt(d.inline, 0); err != nil {
		return err
	}
	if d.gone {
		removeSidecars(dir, f.node.id.ino, id)
	} else {
		if err = h.Sync(); err != nil {
			return err
		}
		if err = syncFolder(dir); err != nil {
			return err
		}
		s := storedStream{name: d.long, id: id}
		if err = setXattr(f.h, d.key, s.append(nil)); err != nil {
			if noRoom(err) {
				err = nt.StatusDiskFull
			}
			return err
		}
	}
	d.file, d.id, d.inline = h, id, nil
	return nil
}

// adopt gives the stream a copy of a file that is another one's.
func (d *streamData) adopt(f *file, dir *os.File) error {
	h, id, err := newSidecar(dir, f.node.id.ino)
	if err != nil {
		return err
	}
	if _, err = io.Copy(h, d.file); err == nil {
		if err = h.Sync(); err == nil {
			err = syncFolder(dir)
		}
	}
	if err == nil {
		s := storedStream{name: d.long, id: id}
		err = setXattr(f.h, d.key, s.append(nil))
	}
	if err != nil {
		h.Close()
		removeSidecars(dir, f.node.id.ino, id)
		return err
	}
	d.file.Close()
	d.file, d.id = h, id
	return nil
}

func (d *streamData) sync(f *file) error {
	d.mu.RLock()
	file := d.file
	d.mu.RUnlock()
	if file != nil {
		if err := file.Sync(); err != nil {
			return err
		}
	}
	return f.h.Sync()
}

// remove deletes the stream from its file.
func (d *streamData) remove(f *file) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return nil
	}
	if err := removeXattr(f.h, d.key); err != nil && !isNoAttr(err) {
		return err
	}
	d.gone = true
	if d.id != "" {
		if dir, err := f.directory(); err == nil {
			removeSidecars(dir, f.node.id.ino, d.id)
			dir.Close()
		}
	}
	return nil
}

// rename gives the stream another name on its file.
func (d *streamData) rename(f *file, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	key, long := streamKey(name)
	s := storedStream{name: long, content: d.inline, id: d.id}
	if key != d.key {
		if err := setXattr(f.h, key, s.append(nil)); err != nil {
			if noRoom(err) {
				return nt.StatusDiskFull
			}
			return err
		}
		if err := removeXattr(f.h, d.key); err != nil && !isNoAttr(err) {
			return err
		}
	}
	d.key, d.name, d.long = key, name, long
	return nil
}

// dropStreams deletes the named streams of a file that is overwritten. Those that are open go with their last handle.
func (f *file) dropStreams() error {
	list, err := listStreams(f.h)
	if err != nil || len(list) == 0 {
		return err
	}
	n := f.node
	for _, e := range list {
		n.mu.Lock()
		s := n.streams[nt.Upcase(e.name)]
		if s != nil {
			s.deleting = true
		}
		n.mu.Unlock()
		if s != nil {
			continue
		}
		stored, err := readStoredStream(f.h, e.key)
		if err != nil {
			continue
		}
		d := &streamData{key: e.key, id: stored.id}
		if err := d.remove(f); err != nil {
			return err
		}
	}
	return nil
}

// appendStreams lists a file's streams (MS-FSCC 2.4.49), the unnamed one first.
func (f *file) appendStreams(b []byte, end, allocated int64) ([]byte, error) {
	last := -1
	add := func(name string, end, allocated int64) {
		for len(b)%8 != 0 {
			b = append(b, 0)
		}
		if last >= 0 {
			le.PutUint32(b[last:], uint32(len(b)-last))
		}
		last = len(b)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint32(b, uint32(2*nt.UTF16Len(name)))
		b = le.AppendUint64(b, uint64(end))
		b = le.AppendUint64(b, uint64(allocated))
		b = nt.AppendUTF16(b, name)
	}
	if !f.node.dir {
		add("::$DATA", end, allocated)
	}
	list, err := listStreams(f.h)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		s, err := readStoredStream(f.h, e.key)
		if err != nil {
			continue // it went meanwhile
		}
		end := int64(len(s.content))
		allocated := (end + 7) &^ 7
		if s.id != "" {
			dir, err := f.directory()
			if err != nil {
				return nil, err
			}
			if h, err := openSidecar(dir, s.id); err == nil {
				if info, err := fstat(h); err == nil {
					end, allocated = info.Size(), detailsOf(info).blocks*512
				}
				h.Close()
			}
			dir.Close()
		}
		add(":"+e.name+":$DATA", end, allocated)
	}
	return b, nil
}
