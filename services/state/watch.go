package state

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
)

// hub hands the events of one store to its watches.
type hub struct {
	mu      sync.Mutex
	closed  bool                // guarded by mu
	watches map[*watch]struct{} // guarded by mu
}

type watch struct {
	hub    *hub
	prefix string

	mu      sync.Mutex
	pending map[string]Event // guarded by mu: the last change of each key
	closed  bool             // guarded by mu
	wake    chan struct{}    // holds one token when there is something for Next
}

func (h *hub) watch(prefix string) (Watcher, error) {
	if len(prefix) > MaxKey {
		return nil, ErrInvalid
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	w := &watch{hub: h, prefix: prefix, wake: make(chan struct{}, 1)}
	if h.watches == nil {
		h.watches = make(map[*watch]struct{})
	}
	h.watches[w] = struct{}{}
	return w, nil
}

// publish is called in order of revision, after the commit.
func (h *hub) publish(events []Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watches {
		w.add(events)
	}
}

func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	watches := h.watches
	h.watches = nil
	h.mu.Unlock()
	for w := range watches {
		w.end()
	}
}

func (w *watch) add(events []Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := false
	for _, e := range events {
		if !w.closed && strings.HasPrefix(e.Key, w.prefix) {
			if w.pending == nil {
				w.pending = make(map[string]Event)
			}
			e.Value = slices.Clone(e.Value)
			w.pending[e.Key] = e
			found = true
		}
	}
	if found {
		w.signal()
	}
}

func (w *watch) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watch) Next(ctx context.Context) ([]Event, error) {
	for {
		w.mu.Lock()
		pending, closed := w.pending, w.closed
		w.pending = nil
		if closed {
			w.signal() // for another that waits
		}
		w.mu.Unlock()
		if closed {
			return nil, ErrClosed
		}
		if len(pending) > 0 {
			events := make([]Event, 0, len(pending))
			for _, e := range pending {
				events = append(events, e)
			}
			slices.SortFunc(events, func(a, b Event) int {
				return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Key, b.Key))
			})
			return events, nil
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (w *watch) Close() {
	w.hub.mu.Lock()
	delete(w.hub.watches, w)
	w.hub.mu.Unlock()
	w.end()
}

func (w *watch) end() {
	w.mu.Lock()
	w.closed, w.pending = true, nil
	w.mu.Unlock()
	w.signal()
}
