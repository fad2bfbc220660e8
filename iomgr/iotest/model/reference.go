package model

import (
	"strings"

	"lwio/iomgr/nt"
)

// Reference is what a volume of Windows holds, and who has it open.
type Reference struct {
	root  *file
	opens map[handle]*open

	// Ended are the locks that no longer wait, by the last operation.
	Ended []Ended
}

// handle names an open: the client and its slot.
type handle struct{ client, slot int }

// Ended is a wait that is over.
type Ended struct {
	Client, Slot int
	Statuses     []nt.Status // one of them
}

// file is a file or directory. One that has been unlinked has no parent.
type file struct {
	name     string
	dir      bool
	parent   *file
	children []*file
	attrs    uint32
	streams  []*stream // the unnamed one first
	opens    []*open
	deleting bool // Link.IsDeleted
}

// stream is the unnamed data of a file, the entries of a directory, or a named stream.
type stream struct {
	name     string
	data     []byte
	opens    []*open
	locks    []lock
	waiting  []lock // in order
	deleting bool
}

// lock is a byte range and who holds it.
type lock struct {
	by             *open
	offset, length uint64
	exclusive      bool
}

type open struct {
	h             handle
	file          *file
	stream        *stream
	access        nt.AccessMask
	took          nt.AccessMask // what an overwrite or supersede needs besides, of which servers differ whether it counts afterwards
	share         uint32
	deleteOnClose bool
}

// NewReference makes an empty volume.
func NewReference() *Reference {
	return &Reference{root: newFile("", true), opens: make(map[handle]*open)}
}

func newFile(name string, dir bool) *file {
	return &file{name: name, dir: dir, streams: []*stream{{}}}
}

// Verdict is what the rules say about an operation.
type Verdict struct {
	Must    []nt.Status // it fails, with one of them
	May     []nt.Status // it may fail with one of these
	Pending bool        // it waits
}

func fails(s ...nt.Status) Verdict { return Verdict{Must: s} }

// Allows says whether a status is one that the rules allow.
func (v Verdict) Allows(s nt.Status) bool {
	if s == nt.StatusSuccess {
		return len(v.Must) == 0
	}
	for _, m := range append(v.Must[:len(v.Must):len(v.Must)], v.May...) {
		if m == s {
			return true
		}
	}
	return false
}

// child finds an entry, whatever its case.
func (d *file) child(name string) *file {
	for _, c := range d.children {
		if nt.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}

func (f *file) stream(name string) *stream {
	for _, s := range f.streams {
		if nt.EqualFold(s.name, name) {
			return s
		}
	}
	return nil
}

// lookup walks to a name: its directory, its last component, and what is there, nil for nothing (MS-FSA 2.1.5.1, phase 6).
func (m *Reference) lookup(name string) (dir *file, last string, f *file, status nt.Status) {
	f = m.root
	for part := range strings.SplitSeq(name, `\`) {
		if f == nil || !f.dir {
			return nil, "", nil, nt.StatusObjectPathNotFound
		}
		dir, last = f, part
		f = f.child(part)
	}
	return dir, last, f, nt.StatusSuccess
}

// replaces says whether a disposition takes the content of what exists.
func replaces(disposition uint32) bool {
	return disposition == nt.FileSupersede || disposition == nt.FileOverwrite || disposition == nt.FileOverwriteIf
}

// Who reads, writes or deletes, to share modes (MS-FSA 2.1.5.1.2.2).
const (
	reads  = nt.FileReadData | nt.FileExecute
	writes = nt.FileWriteData | nt.FileAppendData
)

// shares says whether an open fits beside those that there are. wide counts what they took besides what they asked for.
func (s *stream) shares(access nt.AccessMask, share uint32, wide bool) bool {
	refuses := func(access nt.AccessMask, share uint32) bool {
		return access&reads != 0 && share&nt.FileShareRead == 0 || access&writes != 0 && share&nt.FileShareWrite == 0 ||
			access&nt.Delete != 0 && share&nt.FileShareDelete == 0
	}
	if access&(reads|writes|nt.Delete) == 0 {
		return true
	}
	for _, o := range s.opens {
		had := o.access
		if wide {
			had |= o.took
		}
		if had&(reads|writes|nt.Delete) != 0 && (refuses(access, o.share) || refuses(had, share)) {
			return false
		}
	}
	return true
}

// sharing adds to a verdict what share modes say of an open that takes more access than it asks for.
func (v *Verdict) sharing(s *stream, access, takes nt.AccessMask, share uint32) {
	switch {
	case !s.shares(access, share, false):
		v.Must = append(v.Must, nt.StatusSharingViolation)
	case !s.shares(access|takes, share, true):
		v.May = append(v.May, nt.StatusSharingViolation)
	}
}

// Judge says what has to come of an operation.
func (m *Reference) Judge(op Op) Verdict {
	if op.Verb == Create {
		return m.judgeCreate(op)
	}
	o := m.opens[handle{op.Client, op.Slot}]
	switch op.Verb {
	case Read, Write, Size, Allocate:
		return o.judgeData(op)
	case Rename:
		return m.judgeRename(op, o)
	case Delete:
		return o.judgeDelete(op)
	case Attributes:
		if o.access&nt.FileWriteAttributes == 0 {
			return fails(nt.StatusAccessDenied)
		}
		if op.Attributes&nt.FileAttributeDirectory != 0 && !o.file.dir {
			return fails(nt.StatusInvalidParameter)
		}
	case List:
		return o.judgeList()
	case Lock, Unlock:
		return o.judgeLock(op)
	case Flush:
		if o.access&writes == 0 { // MS-FSA 2.1.5.7 has no such check, MS-SMB2 servers do
			return Verdict{May: []nt.Status{nt.StatusAccessDenied}}
		}
	}
	return Verdict{}
}

// Apply does an operation that Judge allows to succeed, and gives what it answers.
func (m *Reference) Apply(op Op) string {
	m.Ended = nil
	h := handle{op.Client, op.Slot}
	o := m.opens[h]
	switch op.Verb {
	case Create:
		return m.create(op)
	case Close:
		m.close(o)
	case Read:
		return o.read(op)
	case Write:
		return o.write(op)
	case Size, Allocate:
		if end := int64(len(o.stream.data)); op.Length < end || op.Length > end && op.Verb == Size {
			o.stream.resize(op.Length)
			o.modified()
		}
	case Rename:
		m.rename(op, o)
	case Delete:
		o.setDeleting(op.On)
	case Attributes:
		if op.Attributes != 0 { // none leaves them as they are
			o.file.attrs = op.Attributes &^ (nt.FileAttributeNormal | nt.FileAttributeDirectory)
		}
	case Query:
		return o.query()
	case List:
		return o.list()
	case Lock:
		o.stream.locks = append(o.stream.locks, op.lock(o))
	case Unlock:
		m.unlock(op, o)
	case Cancel:
		m.cancel(o)
	}
	return ""
}

// Open reports whether a handle is open.
func (m *Reference) Open(client, slot int) bool { return m.opens[handle{client, slot}] != nil }

// Waits reports whether a lock of a handle waits.
func (m *Reference) Waits(client, slot int) bool {
	o := m.opens[handle{client, slot}]
	if o == nil {
		return false
	}
	for _, w := range o.stream.waiting {
		if w.by == o {
			return true
		}
	}
	return false
}

func without[T comparable](list []T, x T) []T {
	var out []T
	for _, y := range list {
		if y != x {
			out = append(out, y)
		}
	}
	return out
}

// Directory reports whether a handle is one of a directory.
func (m *Reference) Directory(client, slot int) bool {
	o := m.opens[handle{client, slot}]
	return o != nil && o.file.dir
}
