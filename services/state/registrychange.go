package state

import (
	"context"
	"errors"
	"slices"
	"strings"

	"lwio/iomgr/nt"
)

// NewRegistryKey says how a key is made.
type NewRegistryKey struct {
	Class    string
	Volatile bool                   // it is gone when the program ends
	Security *nt.SecurityDescriptor // required
}

// Create makes a key of a single name under another, or finds the one that is there.
func (r *Registry) Create(ctx context.Context, parent *RegistryKey, name string, n NewRegistryKey) (key *RegistryKey, made bool, err error) {
	names, err := SplitRegistryPath(name)
	if err != nil || len(names) != 1 || nt.UTF16Len(n.Class) > MaxRegistryName || n.Security == nil {
		return nil, false, ErrInvalid
	}
	r.change.Lock()
	defer r.change.Unlock()
	size := keySize(names[0], n.Class, n.Security)
	switch {
	case parent.deleted:
		return nil, false, ErrRegistryDeleted
	case parent.children[nt.Upcase(names[0])] != nil:
		return parent.children[nt.Upcase(names[0])], false, nil
	case parent.volatile && !n.Volatile:
		return nil, false, ErrRegistryVolatile
	case r.keys >= MaxRegistryKeys || r.bytes+size > MaxRegistryBytes || parent.depth() >= MaxRegistryDepth-1:
		return nil, false, ErrRegistryFull
	}
	k := &RegistryKey{parent: parent, name: names[0], class: n.Class, volatile: n.Volatile, id: r.next, changed: nt.NowTime(), security: n.Security}
	r.next++
	var chain []*RegistryKey
	if !n.Volatile {
		if chain, err = r.save(ctx, k, k.changed, nil); err != nil {
			return nil, false, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	settle(chain)
	parent.attach(k)
	parent.changed = k.changed
	r.keys++
	r.bytes += size
	parent.tell(RegistryChangeName)
	return k, true, nil
}

// DeleteKey removes a key that has none under it. Handles to it find it deleted.
func (r *Registry) DeleteKey(ctx context.Context, k *RegistryKey) error {
	r.change.Lock()
	defer r.change.Unlock()
	switch {
	case k.deleted:
		return ErrRegistryDeleted
	case len(k.order) > 0:
		return ErrRegistryChildren
	case k.parent == nil:
		return ErrInvalid
	}
	if k.saved {
		// The record of the key goes first: values without a key are nothing, and are cleaned up when the store is loaded.
		ops := []Op{{Key: registryKeyKey(k.id), Delete: true}}
		for _, v := range k.values {
			if v.id != 0 {
				ops = append(ops, Op{Key: registryValueKey(k.id, v.id), Delete: true})
			}
		}
		for part := range slices.Chunk(ops, MaxOps) {
			if _, err := r.store.Txn(ctx, nil, part); err != nil {
				if part[0].Key == ops[0].Key {
					return err
				}
				break
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k.deleted = true
	r.keys--
	r.bytes -= keySize(k.name, k.class, k.security)
	for _, v := range k.values {
		r.bytes -= valueSize(v.Name, v.Data)
	}
	k.values = nil
	k.parent.detach(k)
	k.parent.changed = nt.NowTime()
	k.tell(^uint32(0))
	k.parent.tell(RegistryChangeName)
	return nil
}

// SetValue writes a value.
func (r *Registry) SetValue(ctx context.Context, k *RegistryKey, v RegistryValue) error {
	if nt.UTF16Len(v.Name) > MaxRegistryValueName || len(v.Data) > MaxRegistryData || strings.ContainsRune(v.Name, 0) {
		return ErrInvalid
	}
	if r.isLive(k, v.Name) {
		return ErrRegistryLive
	}
	v.Data = slices.Clone(v.Data)
	r.change.Lock()
	defer r.change.Unlock()
	if k.deleted {
		return ErrRegistryDeleted
	}
	i := k.valueIndex(v.Name)
	grown := valueSize(v.Name, v.Data)
	x := &registryValue{RegistryValue: v}
	if i >= 0 {
		x.id = k.values[i].id
		x.Name = k.values[i].Name
		grown -= valueSize(x.Name, k.values[i].Data)
	} else if len(k.values) >= MaxRegistryValues {
		return ErrRegistryFull
	}
	if grown > 0 && r.bytes+grown > MaxRegistryBytes {
		return ErrRegistryFull
	}
	now := nt.NowTime()
	var chain []*RegistryKey
	if !k.volatile {
		if x.id == 0 {
			k.nextID++
			x.id = k.nextID
		}
		var err error
		if chain, err = r.save(ctx, k, now, []Op{{Key: registryValueKey(k.id, x.id), Value: x.record()}}); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	settle(chain)
	if i >= 0 {
		k.values[i] = x
	} else {
		k.values = append(k.values, x)
	}
	r.bytes += grown
	k.changed = now
	k.tell(RegistryChangeValue)
	return nil
}

// DeleteValue removes a value.
func (r *Registry) DeleteValue(ctx context.Context, k *RegistryKey, name string) error {
	if r.isLive(k, name) {
		return ErrRegistryLive
	}
	r.change.Lock()
	defer r.change.Unlock()
	if k.deleted {
		return ErrRegistryDeleted
	}
	i := k.valueIndex(name)
	if i < 0 {
		return ErrNotFound
	}
	v, now := k.values[i], nt.NowTime()
	var chain []*RegistryKey
	if v.id != 0 {
		var err error
		if chain, err = r.save(ctx, k, now, []Op{{Key: registryValueKey(k.id, v.id), Delete: true}}); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	settle(chain)
	k.values = slices.Delete(k.values, i, i+1)
	r.bytes -= valueSize(v.Name, v.Data)
	k.changed = now
	k.tell(RegistryChangeValue)
	return nil
}

// SetSecurity changes a key's descriptor: change makes the new one of that which it has, without altering it.
func (r *Registry) SetSecurity(ctx context.Context, k *RegistryKey, change func(*nt.SecurityDescriptor) (*nt.SecurityDescriptor, error)) error {
	r.change.Lock()
	defer r.change.Unlock()
	if k.deleted {
		return ErrRegistryDeleted
	}
	sd, err := change(k.security)
	if err != nil {
		return err
	}
	grown := sd.Size() - k.security.Size()
	if grown > 0 && r.bytes+grown > MaxRegistryBytes {
		return ErrRegistryFull
	}
	var chain []*RegistryKey
	if !k.volatile && k.parent != nil {
		next := *k
		next.security = sd
		if chain, err = r.save(ctx, k.parent, k.parent.changed, []Op{{Key: registryKeyKey(k.id), Value: next.record(k.changed)}}); err != nil {
			return err
		}
		chain = append(chain, k)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	settle(chain)
	k.security = sd
	r.bytes += grown
	k.tell(RegistryChangeSecurity)
	return nil
}

// Seed makes sure of a key that the system has, and of its values, without writing them to the store before something else is. Keys above it are made
// as well. security is that of the key if it is made; nil is that of the key above.
func (r *Registry) Seed(path string, security *nt.SecurityDescriptor, values ...RegistryValue) (*RegistryKey, error) {
	names, err := SplitRegistryPath(path)
	if err != nil {
		return nil, err
	}
	r.change.Lock()
	defer r.change.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.root
	for i, n := range names {
		c := k.children[nt.Upcase(n)]
		if c == nil {
			c = &RegistryKey{parent: k, name: n, id: r.next, changed: nt.NowTime(), security: k.security}
			if i == len(names)-1 && security != nil {
				c.security = security
			}
			r.next++
			r.keys++
			r.bytes += keySize(n, "", c.security)
			k.attach(c)
		}
		k = c
	}
	for _, v := range values {
		if k.valueIndex(v.Name) < 0 {
			k.values = append(k.values, &registryValue{RegistryValue: v})
			r.bytes += valueSize(v.Name, v.Data)
		}
	}
	return k, nil
}

func (r *Registry) isLive(k *RegistryKey, name string) bool {
	return slices.ContainsFunc(r.liveOf(k), func(v RegistryValue) bool { return nt.EqualFold(v.Name, name) })
}

// Flush returns when what was changed is on the disk, which it is when the call that changed it returns.
func (r *Registry) Flush(ctx context.Context) error {
	r.change.Lock()
	defer r.change.Unlock()
	return ctx.Err()
}

// save writes a key, with the time of a change, those above it that were not, and what else belongs to the change. It gives the keys that are saved
// once that counts.
func (r *Registry) save(ctx context.Context, k *RegistryKey, changed nt.Time, ops []Op) ([]*RegistryKey, error) {
	var chain []*RegistryKey
	for p := k; p != nil && p.parent != nil; p = p.parent {
		if p != k && p.saved {
			break
		}
		t := p.changed
		if p == k {
			t = changed
		}
		ops = append(ops, Op{Key: registryKeyKey(p.id), Value: p.record(t)})
		chain = append(chain, p)
	}
	if len(ops) > MaxOps {
		return nil, ErrRegistryFull
	}
	if _, err := r.store.Txn(ctx, nil, ops); err != nil {
		if errors.Is(err, ErrInvalid) {
			return nil, ErrRegistryFull
		}
		return nil, err
	}
	return chain, nil
}

func settle(chain []*RegistryKey) {
	for _, k := range chain {
		k.saved = true
	}
}

func keySize(name, class string, sd *nt.SecurityDescriptor) int {
	return 256 + len(name) + len(class) + sd.Size()
}

func valueSize(name string, data []byte) int { return 96 + len(name) + len(data) }
