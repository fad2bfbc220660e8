package state

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lwio/iomgr/nt"
)

const (
	registryVersion     = 1
	registryKeyPrefix   = "registry/key/"
	registryValuePrefix = "registry/value/"
)

func registryKeyKey(id uint64) string { return fmt.Sprintf("%s%016x", registryKeyPrefix, id) }

func registryValueKey(key uint64, id uint32) string {
	return fmt.Sprintf("%s%016x/%08x", registryValuePrefix, key, id)
}

// record is a key in the store, with the time of its last change.
func (k *RegistryKey) record(changed nt.Time) []byte {
	w := recordWriter{b: []byte{registryVersion}}
	w.u64(k.parent.id)
	w.string(k.name)
	w.string(k.class)
	w.time(changed)
	w.bytes(k.security.Append(nil))
	return w.b
}

func parseRegistryKey(b []byte) (k *RegistryKey, parent uint64, err error) {
	r, err := openRecord("key of the registry", b, registryVersion)
	if err != nil {
		return nil, 0, err
	}
	parent = r.u64()
	k = &RegistryKey{name: strings.Clone(r.string()), class: strings.Clone(r.string()), changed: r.time(), saved: true}
	sd, err := nt.ParseSecurityDescriptor(slices.Clone(r.bytes()))
	if names, bad := SplitRegistryPath(k.name); bad != nil || len(names) != 1 || err != nil {
		r.bad = true
	}
	k.security = sd
	return k, parent, r.err("key of the registry")
}

func (v *registryValue) record() []byte {
	w := recordWriter{b: []byte{registryVersion}}
	w.string(v.Name)
	w.u32(v.Type)
	w.bytes(v.Data)
	return w.b
}

func parseRegistryValue(b []byte) (*registryValue, error) {
	r, err := openRecord("value of the registry", b, registryVersion)
	if err != nil {
		return nil, err
	}
	v := &registryValue{RegistryValue: RegistryValue{Name: strings.Clone(r.string()), Type: r.u32(), Data: slices.Clone(r.bytes())}}
	return v, r.err("value of the registry")
}

// load reads the tree. Keys that hang in nothing and values without a key are what a delete left that did not come to its end, and are taken out.
func (r *Registry) load(ctx context.Context) error {
	type loaded struct {
		*RegistryKey
		up uint64
	}
	keys := map[uint64]loaded{}
	for e, err := range All(ctx, r.store, registryKeyPrefix) {
		if err != nil {
			return err
		}
		id, err := strconv.ParseUint(strings.TrimPrefix(e.Key, registryKeyPrefix), 16, 64)
		if err != nil || id == 0 {
			return fmt.Errorf("%w: key of the registry %q", ErrCorrupt, e.Key)
		}
		k, up, err := parseRegistryKey(e.Value)
		if err != nil {
			return err
		}
		k.id = id
		keys[id] = loaded{k, up}
		r.next = max(r.next, id+1)
	}
	ids := make([]uint64, 0, len(keys))
	for id := range keys {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		k := keys[id]
		if k.up == 0 {
			k.parent = r.root
		} else if up, ok := keys[k.up]; ok {
			k.parent = up.RegistryKey
		}
	}
	var stale []Op
	for _, id := range ids {
		k, steps := keys[id], 0
		p := k.RegistryKey
		for ; p != nil && p != r.root && steps <= MaxRegistryDepth; p = p.parent {
			steps++
		}
		if p != r.root || k.parent.children[nt.Upcase(k.name)] != nil {
			stale = append(stale, Op{Key: registryKeyKey(id), Delete: true})
			delete(keys, id)
			continue
		}
		k.parent.attach(k.RegistryKey)
		r.keys++
		r.bytes += keySize(k.name, k.class, k.security)
	}
	for e, err := range All(ctx, r.store, registryValuePrefix) {
		if err != nil {
			return err
		}
		owner, number, ok := strings.Cut(strings.TrimPrefix(e.Key, registryValuePrefix), "/")
		id, err1 := strconv.ParseUint(owner, 16, 64)
		n, err2 := strconv.ParseUint(number, 16, 32)
		if !ok || err1 != nil || err2 != nil || n == 0 {
			return fmt.Errorf("%w: value of the registry %q", ErrCorrupt, e.Key)
		}
		r.next = max(r.next, id+1)
		k, ok := keys[id]
		if !ok {
			stale = append(stale, Op{Key: e.Key, Delete: true})
			continue
		}
		v, err := parseRegistryValue(e.Value)
		if err != nil {
			return err
		}
		v.id = uint32(n)
		k.nextID = max(k.nextID, v.id)
		k.values = append(k.values, v)
		r.bytes += valueSize(v.Name, v.Data)
	}
	for part := range slices.Chunk(stale, MaxOps) {
		if _, err := r.store.Txn(ctx, nil, part); err != nil {
			return err
		}
	}
	return nil
}
