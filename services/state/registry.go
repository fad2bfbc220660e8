package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"lwio/iomgr/nt"
)

// Limits of a registry. Those of names are Windows'.
const (
	MaxRegistryName      = 255   // UTF-16 code units of a key's name
	MaxRegistryValueName = 16383 // and of a value's
	MaxRegistryDepth     = 512   // keys above one another
	MaxRegistryData      = 960 << 10
	MaxRegistryKeys      = 1 << 16
	MaxRegistryValues    = 1 << 14 // of a key
	MaxRegistryBytes     = 64 << 20
)

// What a RegistryWatch hears of (MS-RRP, REG_NOTIFY_CHANGE_*).
const (
	RegistryChangeName     uint32 = 0x1 // keys under it made or deleted
	RegistryChangeClass    uint32 = 0x2
	RegistryChangeValue    uint32 = 0x4
	RegistryChangeSecurity uint32 = 0x8
)

// Errors of a registry, besides ErrNotFound and ErrInvalid.
var (
	ErrRegistryDeleted  = errors.New("state: the key was deleted")
	ErrRegistryChildren = errors.New("state: the key has keys under it")
	ErrRegistryVolatile = errors.New("state: what is under a volatile key is volatile")
	ErrRegistryFull     = errors.New("state: the registry, or the key, is full")
	ErrRegistryLive     = errors.New("state: the value is told by the system and not kept")
)

// Registry is a tree of keys with values, as Windows has it. All of it is in memory; what is not volatile is in the store before a change is
// acknowledged. Keys that the program seeds are written to the store when something under them is.
//
// It checks no access: services do, by the descriptors that it keeps. It is safe for use by several goroutines.
type Registry struct {
	store Store
	root  *RegistryKey

	change sync.Mutex // one change at a time; held over the store's commit
	next   uint64     // guarded by change: the number of the next key

	mu    sync.RWMutex // the tree; nothing is called while it is held. Who changes it holds change too.
	keys  int          // guarded by mu
	bytes int          // guarded by mu
}

// RegistryKey is a key. Its fields are guarded by Registry.mu, but for parent, name and volatile, which do not change.
type RegistryKey struct {
	parent   *RegistryKey
	name     string
	volatile bool
	id       uint64

	deleted  bool
	saved    bool
	class    string
	changed  nt.Time
	security *nt.SecurityDescriptor
	children map[string]*RegistryKey // by name in upper case
	order    []*RegistryKey          // by that name
	values   []*registryValue        // in the order in which they were made
	nextID   uint32
	live     func() []RegistryValue
	watches  []*RegistryWatch
}

// RegistryValue is a value of a key. The default value has no name.
type RegistryValue struct {
	Name string
	Type uint32
	Data []byte
}

type registryValue struct {
	RegistryValue
	id uint32 // in the store; 0 while it is not there
}

// RegistryInfo is what a key is and has.
type RegistryInfo struct {
	Name     string
	Class    string
	Changed  nt.Time
	Volatile bool
	Security *nt.SecurityDescriptor // not to be changed

	Keys     int
	MaxKey   int // bytes of the longest name in UTF-16
	MaxClass int
	Values   int
	MaxName  int
	MaxData  int
}

// NewRegistry loads the registry of a store.
func NewRegistry(ctx context.Context, store Store) (*Registry, error) {
	r := &Registry{store: store, root: &RegistryKey{name: "REGISTRY", volatile: false, saved: true, security: registrySecurity, changed: nt.NowTime()}, next: 1}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

var registrySecurity = func() *nt.SecurityDescriptor {
	sd, err := nt.ParseSDDL("O:BAG:SYD:P(A;CI;KA;;;BA)(A;CI;KA;;;SY)(A;CI;KR;;;WD)", nt.SID{})
	if err != nil {
		panic(err) // a constant
	}
	return sd
}()

// Root is the key above all.
func (r *Registry) Root() *RegistryKey { return r.root }

// SplitRegistryPath cuts a path of keys. A backslash at its end does not matter; the empty path has no names.
func SplitRegistryPath(path string) ([]string, error) {
	path = strings.TrimSuffix(path, `\`)
	if path == "" {
		return nil, nil
	}
	names := strings.Split(path, `\`)
	if len(names) > MaxRegistryDepth {
		return nil, fmt.Errorf("%w: a path of %d keys", ErrInvalid, len(names))
	}
	for _, n := range names {
		if n == "" || nt.UTF16Len(n) > MaxRegistryName || strings.ContainsRune(n, 0) {
			return nil, fmt.Errorf("%w: key %q", ErrInvalid, n)
		}
	}
	return names, nil
}

// Open finds a key from another, which an empty path gives itself.
func (r *Registry) Open(from *RegistryKey, path string) (*RegistryKey, error) {
	names, err := SplitRegistryPath(path)
	if err != nil {
		return nil, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	k := from
	if k.deleted {
		return nil, ErrRegistryDeleted
	}
	for _, n := range names {
		if k = k.children[nt.Upcase(n)]; k == nil {
			return nil, ErrNotFound
		}
	}
	return k, nil
}

// Path is the name of a key from the root on: \REGISTRY\MACHINE\SOFTWARE.
func (r *Registry) Path(k *RegistryKey) string {
	n := 0
	for p := k; p != nil; p = p.parent {
		n += len(p.name) + 1
	}
	b := make([]byte, n)
	for p := k; p != nil; p = p.parent {
		n -= len(p.name)
		copy(b[n:], p.name)
		n--
		b[n] = '\\'
	}
	return string(b)
}

// Info tells of a key.
func (r *Registry) Info(k *RegistryKey) (RegistryInfo, error) {
	live := r.liveOf(k)
	r.mu.RLock()
	defer r.mu.RUnlock()
	if k.deleted {
		return RegistryInfo{}, ErrRegistryDeleted
	}
	i := RegistryInfo{Name: k.name, Class: k.class, Changed: k.changed, Volatile: k.volatile, Security: k.security, Keys: len(k.order)}
	for _, c := range k.order {
		i.MaxKey = max(i.MaxKey, 2*nt.UTF16Len(c.name))
		i.MaxClass = max(i.MaxClass, 2*nt.UTF16Len(c.class))
	}
	for _, v := range k.merged(live) {
		i.Values++
		i.MaxName = max(i.MaxName, 2*nt.UTF16Len(v.Name))
		i.MaxData = max(i.MaxData, len(v.Data))
	}
	return i, nil
}

// Child is the key of an index among those under a key, by name, or ErrNotFound.
func (r *Registry) Child(k *RegistryKey, index int) (*RegistryKey, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	switch {
	case k.deleted:
		return nil, ErrRegistryDeleted
	case index < 0 || index >= len(k.order):
		return nil, ErrNotFound
	}
	return k.order[index], nil
}

// Value gives a value by its name. Its data are not to be changed.
func (r *Registry) Value(k *RegistryKey, name string) (RegistryValue, error) {
	for _, v := range r.liveOf(k) {
		if nt.EqualFold(v.Name, name) {
			return v, nil
		}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if k.deleted {
		return RegistryValue{}, ErrRegistryDeleted
	}
	if i := k.valueIndex(name); i >= 0 {
		return k.values[i].RegistryValue, nil
	}
	return RegistryValue{}, ErrNotFound
}

// Values lists the values of a key. Their data are not to be changed.
func (r *Registry) Values(k *RegistryKey) ([]RegistryValue, error) {
	live := r.liveOf(k)
	r.mu.RLock()
	defer r.mu.RUnlock()
	if k.deleted {
		return nil, ErrRegistryDeleted
	}
	return k.merged(live), nil
}

// Security is a key's descriptor, which is not to be changed.
func (r *Registry) Security(k *RegistryKey) (*nt.SecurityDescriptor, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if k.deleted {
		return nil, ErrRegistryDeleted
	}
	return k.security, nil
}

// Live has a key tell values besides those that it keeps: f is asked each time, with no lock held.
func (r *Registry) Live(k *RegistryKey, f func() []RegistryValue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k.live = f
}

func (r *Registry) liveOf(k *RegistryKey) []RegistryValue {
	r.mu.RLock()
	f := k.live
	r.mu.RUnlock()
	if f == nil {
		return nil
	}
	return f()
}

func (k *RegistryKey) valueIndex(name string) int {
	return slices.IndexFunc(k.values, func(v *registryValue) bool { return nt.EqualFold(v.Name, name) })
}

// merged are the live values and, behind them, those that are kept under other names.
func (k *RegistryKey) merged(live []RegistryValue) []RegistryValue {
	out := make([]RegistryValue, 0, len(live)+len(k.values))
	out = append(out, live...)
	for _, v := range k.values {
		if !slices.ContainsFunc(live, func(l RegistryValue) bool { return nt.EqualFold(l.Name, v.Name) }) {
			out = append(out, v.RegistryValue)
		}
	}
	return out
}

// attach hangs a key in. The caller holds mu, or is alone.
func (k *RegistryKey) attach(c *RegistryKey) {
	name := nt.Upcase(c.name)
	if k.children == nil {
		k.children = make(map[string]*RegistryKey)
	}
	k.children[name] = c
	i, _ := slices.BinarySearchFunc(k.order, name, func(x *RegistryKey, name string) int { return strings.Compare(nt.Upcase(x.name), name) })
	k.order = slices.Insert(k.order, i, c)
}

func (k *RegistryKey) detach(c *RegistryKey) {
	delete(k.children, nt.Upcase(c.name))
	if i := slices.Index(k.order, c); i >= 0 {
		k.order = slices.Delete(k.order, i, i+1)
	}
}

func (k *RegistryKey) depth() int {
	n := 0
	for p := k.parent; p != nil; p = p.parent {
		n++
	}
	return n
}
