package model

import (
	"fmt"
	"slices"
	"strings"

	"lwio/iomgr/nt"
)

// judgeRename follows MS-FSA 2.1.5.15.11. The open is that of a file or directory, not of a named stream.
func (m *Reference) judgeRename(op Op, o *open) (v Verdict) {
	refuse := func(is bool, s ...nt.Status) {
		if is {
			v.Must = append(v.Must, s...)
		}
	}
	f := o.file
	if o.access&nt.Delete == 0 {
		return fails(nt.StatusAccessDenied)
	}
	dir, _, target, status := m.lookup(op.Name)
	if status != nt.StatusSuccess {
		refuse(true, status)
		refuse(f.openBelow(), nt.StatusAccessDenied)
		refuse(f.streamsOpen(), nt.StatusAccessDenied)
		return v
	}
	if f.deleting { // of which the specification says nothing
		v.May = append(v.May, nt.StatusDeletePending, nt.StatusAccessDenied)
	}
	refuse(f.openBelow(), nt.StatusAccessDenied)
	refuse(f.streamsOpen(), nt.StatusAccessDenied)
	refuse(dir.deleting, nt.StatusDeletePending)
	refuse(dir.openToDelete(), nt.StatusSharingViolation)
	for d := dir; d != nil; d = d.parent {
		refuse(d == f, nt.StatusAccessDenied, nt.StatusInvalidParameter)
	}
	if target == nil || target == f {
		return v
	}
	refuse(!op.On, nt.StatusObjectNameCollision)
	if op.On {
		if f.dir && !target.dir { // which the specification allows and not every file system can
			v.May = append(v.May, nt.StatusAccessDenied)
		}
		refuse(target.dir, nt.StatusAccessDenied)
		refuse(target.attrs&nt.FileAttributeReadonly != 0, nt.StatusAccessDenied)
		refuse(len(target.opens) > 0, nt.StatusAccessDenied)
	}
	return v
}

// openBelow reports whether anything in a directory is open.
func (f *file) openBelow() bool {
	for _, c := range f.children {
		if len(c.opens) > 0 || c.openBelow() {
			return true
		}
	}
	return false
}

func (f *file) streamsOpen() bool {
	for _, s := range f.streams[1:] {
		if len(s.opens) > 0 {
			return true
		}
	}
	return false
}

// openToDelete reports whether somebody who may delete has it open: a rename opens the directory that it puts a name in, and does not share
// that for deletion.
func (f *file) openToDelete() bool {
	for _, o := range f.streams[0].opens {
		if o.access&nt.Delete != 0 {
			return true
		}
	}
	return false
}

func (m *Reference) rename(op Op, o *open) {
	dir, name, target, _ := m.lookup(op.Name)
	f := o.file
	if target != nil && target != f {
		dir.children = without(dir.children, target)
		target.parent = nil
	}
	f.parent.children = without(f.parent.children, f)
	f.parent, f.name = dir, name
	dir.children = append(dir.children, f)
}

// judgeDelete follows MS-FSA 2.1.5.15.3.
func (o *open) judgeDelete(op Op) (v Verdict) {
	if o.access&nt.Delete == 0 {
		return fails(nt.StatusAccessDenied)
	}
	if !op.On {
		return v
	}
	if o.file.attrs&nt.FileAttributeReadonly != 0 {
		v.Must = append(v.Must, nt.StatusCannotDelete)
	}
	if o.stream.name == "" && len(o.file.children) > 0 {
		v.Must = append(v.Must, nt.StatusDirectoryNotEmpty)
	}
	return v
}

func (o *open) setDeleting(on bool) {
	if o.stream.name != "" {
		o.stream.deleting = on
	} else {
		o.file.deleting = on
	}
}

func (o *open) judgeList() Verdict {
	switch {
	case !o.file.dir || o.stream.name != "":
		if o.access&nt.FileReadData == 0 {
			return fails(nt.StatusInvalidParameter, nt.StatusAccessDenied)
		}
		return fails(nt.StatusInvalidParameter)
	case o.access&nt.FileReadData == 0:
		return fails(nt.StatusAccessDenied)
	}
	return Verdict{}
}

// shown are the attributes that are compared.
func (f *file) shown() string {
	attrs := f.attrs
	if f.dir {
		attrs |= nt.FileAttributeDirectory
	}
	if attrs == 0 {
		attrs = nt.FileAttributeNormal
	}
	return letters(attrs, attributeLetters, "")
}

func (o *open) query() string {
	f, s := o.file, o.stream
	deleting := f.deleting
	if s.name != "" {
		deleting = s.deleting
	}
	return fmt.Sprintf("size=%d deleting=%t directory=%t attributes=%s", len(s.data), deleting, f.dir && s.name == "", f.shown())
}

func (o *open) list() string {
	var out []string
	for _, c := range o.file.children {
		out = append(out, fmt.Sprintf("%s size=%d attributes=%s", c.name, len(c.streams[0].data), c.shown()))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
