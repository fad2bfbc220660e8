package epmapper

import (
	"bytes"
	"errors"
	"slices"
	"sync"

	"lwio/iomgr/nt"
)

// Entry is one endpoint of one interface.
type Entry struct {
	Object     nt.GUID // zero for any
	Annotation string  // at most 63 octets
	Tower      Tower
}

func (e *Entry) same(o *Entry) bool {
	return e.Object == o.Object && bytes.Equal(e.Tower.Append(nil), o.Tower.Append(nil))
}

// replaces reports whether e stands for the same interface and object on the same transport as o: what an ept_insert with replace takes away.
func (e *Entry) replaces(o *Entry) bool {
	a, ok1 := e.Tower.Interface()
	b, ok2 := o.Tower.Interface()
	return ok1 && ok2 && a == b && e.Object == o.Object && e.Tower.transport() == o.Tower.transport()
}

// Registry is the endpoint map of a host. The zero value is empty and ready.
type Registry struct {
	mu      sync.RWMutex
	entries []*Entry // guarded by mu; an Entry does not change
}

// Add adds entries until remove is called. One that is there already is there twice.
func (r *Registry) Add(entries ...Entry) (remove func()) {
	mine := make([]*Entry, len(entries))
	for i := range entries {
		e := entries[i]
		mine[i] = &e
	}
	r.mu.Lock()
	r.entries = append(r.entries, mine...)
	r.mu.Unlock()
	return func() { r.remove(mine) }
}

// remove takes these very entries away.
func (r *Registry) remove(mine []*Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = slices.DeleteFunc(r.entries, func(e *Entry) bool { return slices.Contains(mine, e) })
}

// Entries lists the map.
func (r *Registry) Entries() []Entry {
	return r.match(func(*Entry) bool { return true })
}

func (r *Registry) match(f func(*Entry) bool) []Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []Entry
	for _, e := range r.entries {
		if f(e) {
			out = append(out, *e)
		}
	}
	return out
}

// ErrNotRegistered says that an endpoint mapper knows no endpoint of the interface.
var ErrNotRegistered = errors.New("epmapper: not registered")
