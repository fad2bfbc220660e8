package srv

import "sync"

const tableShards = 64

// table maps identifiers to objects of the whole server. It is sharded: no lock of it is held by more than one in 64 identifiers.
type table[T any] struct {
	shards [tableShards]struct {
		mu sync.RWMutex
		m  map[uint64]T // guarded by mu
	}
}

func (t *table[T]) init() {
	for i := range t.shards {
		t.shards[i].m = make(map[uint64]T)
	}
}

func (t *table[T]) get(id uint64) (T, bool) {
	s := &t.shards[id%tableShards]
	s.mu.RLock()
	v, ok := s.m[id]
	s.mu.RUnlock()
	return v, ok
}

// add puts v in unless the identifier is taken.
func (t *table[T]) add(id uint64, v T) bool {
	s := &t.shards[id%tableShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.m[id]; taken {
		return false
	}
	s.m[id] = v
	return true
}

func (t *table[T]) put(id uint64, v T) {
	s := &t.shards[id%tableShards]
	s.mu.Lock()
	s.m[id] = v
	s.mu.Unlock()
}

func (t *table[T]) remove(id uint64) {
	s := &t.shards[id%tableShards]
	s.mu.Lock()
	delete(s.m, id)
	s.mu.Unlock()
}

// all is a snapshot in no order.
func (t *table[T]) all() []T {
	var out []T
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.RLock()
		for _, v := range s.m {
			out = append(out, v)
		}
		s.mu.RUnlock()
	}
	return out
}
