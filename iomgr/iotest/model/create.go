package model

import (
	"strings"

	"lwio/iomgr/nt"
)

// judgeCreate follows MS-FSA 2.1.5.1.
func (m *Reference) judgeCreate(op Op) Verdict {
	directory, plain := op.Options&nt.FileDirectoryFile != 0, op.Options&nt.FileNonDirectoryFile != 0
	deletes := op.Options&nt.FileDeleteOnClose != 0
	switch { // phase 1
	case directory && plain, directory && replaces(op.Disposition), deletes && op.Access&nt.Delete == 0:
		return fails(nt.StatusInvalidParameter)
	case op.Access == 0:
		return fails(nt.StatusAccessDenied)
	}
	path, streamName, _ := strings.Cut(op.Name, ":")
	dir, _, f, status := m.lookup(path)
	if status != nt.StatusSuccess {
		return fails(status)
	}
	if f == nil {
		var why []nt.Status
		if op.Disposition == nt.FileOpen || op.Disposition == nt.FileOverwrite {
			return fails(nt.StatusObjectNameNotFound)
		}
		if dir.deleting {
			why = append(why, nt.StatusDeletePending)
		}
		if op.Attributes&nt.FileAttributeReadonly != 0 && deletes { // 2.1.5.1.1
			why = append(why, nt.StatusCannotDelete)
		}
		return fails(why...)
	}
	if streamName != "" {
		return f.judgeStream(op, streamName)
	}
	return f.judgeOpen(op)
}

// judgeOpen is the open of a file or directory that exists (2.1.5.1.2).
func (f *file) judgeOpen(op Op) (v Verdict) {
	refuse := func(is bool, s nt.Status) {
		if is {
			v.Must = append(v.Must, s)
		}
	}
	readonly := f.attrs&nt.FileAttributeReadonly != 0
	refuse(f.deleting, nt.StatusDeletePending)
	refuse(op.Disposition == nt.FileCreate && !f.deleting, nt.StatusObjectNameCollision)
	refuse(f.dir && op.Options&nt.FileNonDirectoryFile != 0, nt.StatusFileIsADirectory)
	refuse(!f.dir && op.Options&nt.FileDirectoryFile != 0, nt.StatusNotADirectory)
	refuse(f.dir && replaces(op.Disposition), nt.StatusInvalidParameter)
	if !f.dir {
		lost := f.attrs & (nt.FileAttributeHidden | nt.FileAttributeSystem) &^ op.Attributes
		refuse(replaces(op.Disposition) && lost != 0, nt.StatusAccessDenied)
		refuse(readonly && (op.Access&writes != 0 || replaces(op.Disposition)), nt.StatusAccessDenied) // 2.1.5.1.2.1
		refuse(readonly && op.Options&nt.FileDeleteOnClose != 0, nt.StatusCannotDelete)
	}
	v.sharing(f.streams[0], op.Access, takes(op.Disposition), op.Share)
	if op.Access&nt.Delete != 0 || replaces(op.Disposition) { // a stream that is open and not shared for deletion keeps the file
		for _, s := range f.streams[1:] {
			refuse(!s.shares(nt.Delete, nt.FileShareRead|nt.FileShareWrite|nt.FileShareDelete, false), nt.StatusSharingViolation)
		}
	}
	return v
}

// judgeStream is the open of a named stream of a file that exists.
func (f *file) judgeStream(op Op, name string) (v Verdict) {
	refuse := func(is bool, s nt.Status) {
		if is {
			v.Must = append(v.Must, s)
		}
	}
	readonly := f.attrs&nt.FileAttributeReadonly != 0 && !f.dir
	refuse(f.deleting, nt.StatusDeletePending)
	refuse(op.Options&nt.FileDirectoryFile != 0, nt.StatusNotADirectory)
	refuse(readonly && (op.Access&writes != 0 || replaces(op.Disposition)), nt.StatusAccessDenied)
	refuse(readonly && op.Options&nt.FileDeleteOnClose != 0, nt.StatusCannotDelete)
	s := f.stream(name)
	if s == nil {
		refuse(op.Disposition == nt.FileOpen || op.Disposition == nt.FileOverwrite, nt.StatusObjectNameNotFound)
		if readonly {
			v.May = append(v.May, nt.StatusAccessDenied)
		}
		return v
	}
	refuse(s.deleting, nt.StatusDeletePending)
	refuse(op.Disposition == nt.FileCreate && !s.deleting, nt.StatusObjectNameCollision)
	v.sharing(s, op.Access, takes(op.Disposition), op.Share)
	return v
}

// takes is the access that a disposition takes besides what is asked for.
func takes(disposition uint32) nt.AccessMask {
	switch disposition {
	case nt.FileSupersede:
		return nt.FileWriteData | nt.Delete
	case nt.FileOverwrite, nt.FileOverwriteIf:
		return nt.FileWriteData
	}
	return 0
}

// create does what judgeCreate allows.
func (m *Reference) create(op Op) string {
	path, streamName, _ := strings.Cut(op.Name, ":")
	dir, name, f, _ := m.lookup(path)
	action := "opened"
	const kept = nt.FileAttributeReadonly | nt.FileAttributeHidden | nt.FileAttributeSystem | nt.FileAttributeArchive
	fresh := f == nil
	if fresh {
		f = newFile(name, op.Options&nt.FileDirectoryFile != 0)
		f.parent = dir
		dir.children = append(dir.children, f)
		f.attrs = op.Attributes & kept
		if !f.dir {
			f.attrs |= nt.FileAttributeArchive
		}
		action = "created"
	}
	s := f.stream(streamName)
	took := nt.AccessMask(0)
	switch {
	case s == nil:
		s = &stream{name: streamName}
		f.streams = append(f.streams, s)
		action = "created"
	case fresh:
	case replaces(op.Disposition):
		took = takes(op.Disposition)
		s.data = nil
		action = "overwritten"
		if op.Disposition == nt.FileSupersede {
			action = "superseded"
		}
		if streamName == "" {
			f.attrs = op.Attributes&kept | nt.FileAttributeArchive
			for _, other := range f.streams[1:] { // 2.1.5.1.2: the named streams go
				if other.deleting = true; len(other.opens) == 0 {
					f.streams = without(f.streams, other)
				}
			}
		}
	}
	o := &open{h: handle{op.Client, op.Slot}, file: f, stream: s, access: op.Access, took: took, share: op.Share, deleteOnClose: op.Options&nt.FileDeleteOnClose != 0}
	f.opens = append(f.opens, o)
	s.opens = append(s.opens, o)
	m.opens[o.h] = o
	return action
}

// close follows MS-FSA 2.1.5.5.
func (m *Reference) close(o *open) {
	f, s := o.file, o.stream
	delete(m.opens, o.h)
	f.opens, s.opens = without(f.opens, o), without(s.opens, o)
	if o.deleteOnClose { // phase 1
		switch {
		case s.name != "":
			s.deleting = true
		case !f.dir || len(f.children) == 0:
			f.deleting = true
		}
	}
	var waiting []lock
	for _, w := range s.waiting {
		if w.by == o {
			m.Ended = append(m.Ended, Ended{o.h.client, o.h.slot, []nt.Status{nt.StatusRangeNotLocked, nt.StatusCancelled}})
		} else {
			waiting = append(waiting, w)
		}
	}
	s.waiting = waiting
	var held []lock
	for _, l := range s.locks {
		if l.by != o {
			held = append(held, l)
		}
	}
	s.locks = held
	m.grant(s)
	if s.deleting && s.name != "" && len(s.opens) == 0 { // phase 2
		f.streams = without(f.streams, s)
	}
	if f.deleting && len(f.opens) == 0 { // phase 3
		f.parent.children = without(f.parent.children, f)
		f.parent = nil
	}
}
