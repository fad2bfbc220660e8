package state

import "slices"

// RegistryWatch waits for one change of a key.
type RegistryWatch struct {
	registry *Registry
	key      *RegistryKey
	subtree  bool
	filter   uint32
	changed  chan struct{}
}

// Watch tells of the first change from now on: of the key or, with subtree, of any under it too. The key's end is a change of every kind.
func (r *Registry) Watch(k *RegistryKey, subtree bool, filter uint32) (*RegistryWatch, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k.deleted {
		return nil, ErrRegistryDeleted
	}
	w := &RegistryWatch{registry: r, key: k, subtree: subtree, filter: filter, changed: make(chan struct{})}
	k.watches = append(k.watches, w)
	return w, nil
}

// Changed is closed when it has come.
func (w *RegistryWatch) Changed() <-chan struct{} { return w.changed }

// Close ends the wait.
func (w *RegistryWatch) Close() {
	w.registry.mu.Lock()
	defer w.registry.mu.Unlock()
	w.key.watches = slices.DeleteFunc(w.key.watches, func(x *RegistryWatch) bool { return x == w })
}

// tell wakes who waits for a change of k. The caller holds mu.
func (k *RegistryKey) tell(change uint32) {
	for p := k; p != nil; p = p.parent {
		p.watches = slices.DeleteFunc(p.watches, func(w *RegistryWatch) bool {
			if w.filter&change == 0 || p != k && !w.subtree {
				return false
			}
			close(w.changed)
			return true
		})
	}
}
