package model

import "lwio/iomgr/nt"

func (op Op) lock(o *open) lock {
	return lock{by: o, offset: uint64(op.Offset), length: uint64(op.Length), exclusive: op.On}
}

// judgeLock follows MS-FSA 2.1.5.8 and 2.1.5.9.
func (o *open) judgeLock(op Op) Verdict {
	l := op.lock(o)
	directory := o.file.dir && o.stream.name == ""
	switch {
	case o.access&(nt.FileReadData|nt.FileWriteData) == 0 && op.Verb == Lock: // MS-SMB2 3.3.5.14
		if directory {
			return fails(nt.StatusAccessDenied, nt.StatusInvalidParameter)
		}
		return fails(nt.StatusAccessDenied)
	case directory:
		return fails(nt.StatusInvalidParameter)
	case op.Verb == Unlock:
		for _, h := range o.stream.locks {
			if h.by == o && h.offset == l.offset && h.length == l.length {
				return Verdict{}
			}
		}
		return fails(nt.StatusRangeNotLocked)
	case !o.stream.refuses(l):
		return Verdict{}
	case op.Wait:
		return Verdict{Pending: true}
	}
	return fails(nt.StatusLockNotGranted)
}

// overlaps follows MS-FSA 2.1.4.10. A range of no bytes lies between two.
func (l lock) overlaps(h lock) bool {
	switch {
	case l.length == 0 && h.length == 0:
		return false
	case l.length == 0:
		return l.offset > h.offset && l.offset < h.offset+h.length
	case h.length == 0:
		return h.offset > l.offset && h.offset < l.offset+l.length
	}
	return l.offset < h.offset+h.length && h.offset < l.offset+l.length
}

// refuses says whether a lock conflicts with those that are held.
func (s *stream) refuses(l lock) bool {
	for _, h := range s.locks {
		if h.overlaps(l) && (l.exclusive || h.exclusive && h.by != l.by) {
			return true
		}
	}
	return false
}

// locked says the same of a read, or of a write, which is exclusive and minds no exclusive lock of its own.
func (s *stream) locked(l lock) bool {
	if l.length == 0 {
		return false
	}
	for _, h := range s.locks {
		if h.overlaps(l) && (h.exclusive && h.by != l.by || l.exclusive && !h.exclusive) {
			return true
		}
	}
	return false
}

// wait puts a lock behind those that wait.
func (m *Reference) wait(op Op) {
	o := m.opens[handle{op.Client, op.Slot}]
	o.stream.waiting = append(o.stream.waiting, op.lock(o))
}

// unlock lets one range go, of several an exclusive one.
func (m *Reference) unlock(op Op, o *open) {
	found := -1
	for i, h := range o.stream.locks {
		if h.by == o && h.offset == uint64(op.Offset) && h.length == uint64(op.Length) && (found < 0 || h.exclusive && !o.stream.locks[found].exclusive) {
			found = i
		}
	}
	o.stream.locks = append(o.stream.locks[:found:found], o.stream.locks[found+1:]...)
	m.grant(o.stream)
}

// grant gives those who wait what they wait for, in order, each as soon as nothing is in its way.
func (m *Reference) grant(s *stream) {
	var waiting []lock
	for _, w := range s.waiting {
		if s.refuses(w) {
			waiting = append(waiting, w)
			continue
		}
		s.locks = append(s.locks, w)
		m.Ended = append(m.Ended, Ended{w.by.h.client, w.by.h.slot, []nt.Status{nt.StatusSuccess}})
	}
	s.waiting = waiting
}

// cancel ends the waits of an open.
func (m *Reference) cancel(o *open) {
	var waiting []lock
	for _, w := range o.stream.waiting {
		if w.by != o {
			waiting = append(waiting, w)
			continue
		}
		m.Ended = append(m.Ended, Ended{o.h.client, o.h.slot, []nt.Status{nt.StatusCancelled}})
	}
	o.stream.waiting = waiting
}
