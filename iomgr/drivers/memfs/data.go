package memfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Content is kept in pages; one that is not there is zeros.
const pageSize = 64 << 10

type page [pageSize]byte

// maxSize bounds a file's end, so that no sum of an offset and a length wraps.
const maxSize = 1 << 44

// Read reads at an offset (MS-FSA 2.1.5.3).
func (f *file) Read(r *api.Request) {
	if f.node.dir {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	if r.Offset < 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if status := f.node.locks.CheckRead(f.owner, 0, uint64(r.Offset), uint64(len(r.Out))); status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	f.v.mu.Lock()
	n := f.node
	count := int(max(0, min(int64(len(r.Out)), n.size-r.Offset)))
	for done := 0; done < count; {
		at := r.Offset + int64(done)
		out := r.Out[done:count]
		out = out[:min(len(out), int(pageSize-at%pageSize))]
		if p := n.pages[at/pageSize]; p != nil {
			copy(out, p[at%pageSize:])
		} else {
			clear(out)
		}
		done += len(out)
	}
	n.accessed = nt.NowTime()
	f.v.mu.Unlock()
	if count == 0 && len(r.Out) > 0 {
		r.Complete(nt.StatusEndOfFile, 0)
		return
	}
	r.Complete(nt.StatusSuccess, count)
}

// Write writes at an offset; -1 is the end of the file, as every offset is for an open that may only append (MS-FSA 2.1.5.4).
func (f *file) Write(r *api.Request) {
	n := f.node
	if n.dir {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	at := r.Offset
	if at == -1 || f.granted&nt.FileWriteData == 0 {
		f.v.mu.Lock()
		at = n.size
		f.v.mu.Unlock()
	}
	if at < 0 || at > maxSize-int64(len(r.In)) {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if status := n.locks.CheckWrite(f.owner, 0, uint64(at), uint64(len(r.In))); status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	n.opens.ContendReads(f.open)
	f.v.mu.Lock()
	done := f.v.write(n, r.In, at)
	dir, name := n.where()
	f.v.mu.Unlock()
	if done < len(r.In) && done == 0 {
		r.Complete(nt.StatusDiskFull, 0)
		return
	}
	f.v.report(nt.FileNotifyChangeSize|nt.FileNotifyChangeLastWrite, nt.FileActionModified, dir, name)
	r.Complete(nt.StatusSuccess, done)
}

// where is the directory that the node is in, and its name there. The caller holds v.mu.
func (n *node) where() (dir, name string) {
	if n.parent == nil {
		return "", n.name
	}
	return n.parent.path(), n.name
}

// write copies until the volume is full. The caller holds v.mu.
func (v *volume) write(n *node, b []byte, at int64) (done int) {
	for done < len(b) {
		i, off := (at+int64(done))/pageSize, (at+int64(done))%pageSize
		p := n.pages[i]
		if p == nil {
			if v.used+pageSize > v.capacity {
				break
			}
			p = new(page)
			n.pages[i] = p
			v.used += pageSize
		}
		done += copy(p[off:], b[done:])
	}
	if done > 0 {
		n.size = max(n.size, at+int64(done))
		n.written = nt.NowTime()
		n.changed = n.written
		n.attrs |= nt.FileAttributeArchive
	}
	return done
}

// truncate sets the end of a file. The caller holds v.mu.
func (v *volume) truncate(n *node, size int64) {
	if n.dir {
		return
	}
	if size < n.size {
		for i := range n.pages {
			if i*pageSize >= size {
				delete(n.pages, i)
				v.used -= pageSize
			}
		}
		if p := n.pages[size/pageSize]; p != nil {
			clear(p[size%pageSize:])
		}
	}
	if n.size != size {
		n.attrs |= nt.FileAttributeArchive
	}
	n.size = size
	n.written = nt.NowTime()
	n.changed = n.written
}

// Flush has nothing to do.
func (f *file) Flush(r *api.Request) { r.Complete(nt.StatusSuccess, 0) }
