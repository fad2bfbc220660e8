package epmapper

import (
	"slices"

	"lwio/rpc"
)

// Bounds of what ept_insert adds.
const (
	maxInserted    = 4096 // by all together
	maxInsertedOne = 512  // by one association
)

// inserted are the entries of one association group. They go when it does: a server that has died is not in the map.
type inserted struct{ entries []*Entry }

// owned finds the entries of the caller's association group.
func (s *Service) owned(h *rpc.HandleTable) *inserted {
	return s.groups[h]
}

// insert adds entries for the caller; false says that there are too many.
func (s *Service) insert(call *rpc.Call, list []Entry, replace bool) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.owned(call.Handles)
	if g == nil {
		g = &inserted{}
		// The handle is given to nobody. It is there to be run down with the group.
		handles := call.Handles
		if _, err := handles.Open(call, g, func() { s.rundown(handles) }); err != nil {
			return false, err
		}
		s.groups[handles] = g
	}
	if s.count+len(list) > maxInserted || len(g.entries)+len(list) > maxInsertedOne {
		return false, nil
	}
	r := s.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range list {
		e := &list[i]
		if replace {
			s.drop(func(o *Entry) bool { return e.replaces(o) })
		} else {
			s.drop(e.same) // again is no second time
		}
		r.entries = append(r.entries, e)
		g.entries = append(g.entries, e)
		s.count++
	}
	return true, nil
}

// drop takes what was inserted, by whomever, and matches, out of the map. The entries of this process's own servers stay. The caller holds both locks.
func (s *Service) drop(f func(*Entry) bool) (n int) {
	for _, g := range s.groups {
		g.entries = slices.DeleteFunc(g.entries, func(e *Entry) bool {
			if !f(e) {
				return false
			}
			n++
			s.registry.entries = slices.DeleteFunc(s.registry.entries, func(x *Entry) bool { return x == e })
			return true
		})
	}
	s.count -= n
	return n
}

// delete takes entries that were inserted away; false says that one of them was not there.
func (s *Service) delete(list []Entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	all := true
	for i := range list {
		if s.drop(list[i].same) == 0 {
			all = false
		}
	}
	return all
}

// rundown takes away what a group inserted.
func (s *Service) rundown(h *rpc.HandleTable) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[h]; g != nil {
		s.registry.remove(g.entries)
		s.count -= len(g.entries)
		delete(s.groups, h)
	}
}
