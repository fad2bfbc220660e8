package state

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// memory is a Store that forgets. It keeps keys sorted in a slice: tests are small.
type memory struct {
	hub hub

	mu       sync.Mutex
	closed   bool              // guarded by mu
	keys     []string          // guarded by mu, sorted
	entries  map[string]*Entry // guarded by mu
	revision Revision          // guarded by mu
}

// NewMemory makes a Store that is kept in memory only: for tests, and for daemons that are to forget.
func NewMemory() Store { return &memory{entries: make(map[string]*Entry)} }

func (m *memory) Get(ctx context.Context, key string) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	if !validKey(key) {
		return Entry{}, ErrInvalid
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Entry{}, ErrClosed
	}
	e := m.entries[key]
	if e == nil {
		return Entry{}, ErrNotFound
	}
	return e.clone(), nil
}

func (e *Entry) clone() Entry {
	return Entry{Key: e.Key, Value: append(make([]byte, 0, len(e.Value)), e.Value...), Revision: e.Revision}
}

func (m *memory) Range(ctx context.Context, prefix, from string, limit int) ([]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(prefix) > MaxKey || len(from) > MaxKey+1 {
		return nil, ErrInvalid
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	limit = rangeLimit(limit)
	i, _ := slices.BinarySearch(m.keys, max(prefix, from))
	var out []Entry
	for ; i < len(m.keys) && len(out) < limit && strings.HasPrefix(m.keys[i], prefix); i++ {
		out = append(out, m.entries[m.keys[i]].clone())
	}
	return out, nil
}

func (m *memory) Put(ctx context.Context, key string, value []byte) (Revision, error) {
	return m.Txn(ctx, nil, []Op{{Key: key, Value: value}})
}

func (m *memory) Delete(ctx context.Context, key string) error {
	_, err := m.Txn(ctx, nil, []Op{{Key: key, Delete: true}})
	return err
}

func (m *memory) Txn(ctx context.Context, conditions []Condition, ops []Op) (Revision, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if !validTxn(conditions, ops) {
		return 0, ErrInvalid
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, ErrClosed
	}
	for _, c := range conditions {
		var at Revision
		if e := m.entries[c.Key]; e != nil {
			at = e.Revision
		}
		if at != c.Revision {
			return 0, ErrConflict
		}
	}
	next := m.revision + 1
	var events []Event
	for _, op := range ops {
		i, found := slices.BinarySearch(m.keys, op.Key)
		switch {
		case op.Delete && !found:
			continue
		case op.Delete:
			m.keys = slices.Delete(m.keys, i, i+1)
			delete(m.entries, op.Key)
			events = append(events, Event{Entry: Entry{Key: op.Key, Revision: next}, Deleted: true})
			continue
		case !found:
			m.keys = slices.Insert(m.keys, i, op.Key)
		}
		e := (&Entry{op.Key, op.Value, next}).clone()
		m.entries[op.Key] = &e
		events = append(events, Event{Entry: e})
	}
	if len(events) > 0 {
		m.revision = next
		m.hub.publish(events)
	}
	return m.revision, nil
}

func (m *memory) Watch(prefix string) (Watcher, error) { return m.hub.watch(prefix) }

func (m *memory) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.hub.close()
	return nil
}
