package memfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// duplicateExtents copies a range of another file into this (MS-FSA 2.1.5.10.4, 2.1.5.10.5). A file system would have both share it; here it is the example
// of a control that is about two files. Byte-range locks are in nobody's way, as on ReFS.
func (f *file) duplicateExtents(r *api.Request) {
	d, status := api.ParseDuplicateExtents(r.Code, r.In, pageSize)
	if status != nt.StatusSuccess {
		r.Complete(status, 0)
		return
	}
	held, ok := r.SourceFile()
	if !ok {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	defer held.Unref()
	from, ok := held.Impl().(*file)
	switch {
	case !ok, from.node.dir, f.node.dir:
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	case f.granted&nt.FileWriteData == 0, from.granted&(nt.FileReadData|nt.FileExecute) == 0:
		r.Complete(nt.StatusAccessDenied, 0)
		return
	case from.node == f.node && d.Overlaps():
		r.Complete(nt.StatusNotSupported, 0)
		return
	}
	f.node.opens.ContendReads(f.open)
	f.v.mu.Lock()
	n, zeros, status := d.Clip(from.node.size, f.node.size, pageSize)
	if status == nt.StatusSuccess {
		status = f.v.duplicate(from.node, f.node, &d, n, zeros)
	}
	dir, name := f.node.where()
	f.v.mu.Unlock()
	if status == nt.StatusSuccess {
		f.v.report(nt.FileNotifyChangeLastWrite, nt.FileActionModified, dir, name)
	}
	r.Complete(status, 0)
}

// duplicate copies page by page; the ranges are aligned. The caller holds v.mu.
func (v *volume) duplicate(from, to *node, d *api.DuplicateExtents, n, zeros int64) nt.Status {
	var empty page
	for done := int64(0); done < n+zeros; done += pageSize {
		p := from.pages[(d.SourceOffset+done)/pageSize]
		if p == nil {
			p = &empty
		}
		part := *p // what is behind the source's end is zeros
		if v.write(to, part[:min(pageSize, n+zeros-done)], d.TargetOffset+done) == 0 {
			return nt.StatusDiskFull
		}
	}
	return nt.StatusSuccess
}
