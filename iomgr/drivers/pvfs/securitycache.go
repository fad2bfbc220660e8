package pvfs

import (
	"sync"

	"lwio/iomgr/drivers/pvfs/posixacl"
	"lwio/iomgr/nt"
)

// descriptors remembers what comes of what: most files of a share have one descriptor of a few. What is remembered is shared and never changed, so
// that a pointer to it stands for it.
type descriptors struct {
	mu        sync.Mutex
	parsed    remembered[string, *nt.SecurityDescriptor]     // guarded by mu: by their bytes
	derived   remembered[string, *nt.SecurityDescriptor]     // guarded by mu: by owner, mode and lists
	children  remembered[childOf, *nt.SecurityDescriptor]    // guarded by mu
	projected remembered[projectedFrom, posixacl.Projection] // guarded by mu
}

// childOf is all that the descriptor of a new file depends on, where its maker gives none.
type childOf struct {
	parent       *nt.SecurityDescriptor
	owner, group nt.SID
	dir          bool
}

// projectedFrom is all that a projection of a new file depends on.
type projectedFrom struct {
	sd        *nt.SecurityDescriptor
	mode, gid uint32
	dir       bool
}

// remembered is a map that forgets everything when it is full.
type remembered[K comparable, V any] struct{ m map[K]V }

// maxDescriptors bounds each map, and maxRemembered the bytes of what is a key.
const (
	maxDescriptors = 256
	maxRemembered  = 2048
)

func (r *remembered[K, V]) get(mu *sync.Mutex, key K) (v V) {
	mu.Lock()
	defer mu.Unlock()
	return r.m[key]
}

func (r *remembered[K, V]) put(mu *sync.Mutex, key K, v V) {
	mu.Lock()
	defer mu.Unlock()
	if r.m == nil || len(r.m) >= maxDescriptors {
		r.m = make(map[K]V)
	}
	r.m[key] = v
}

// parse gives nil for bytes that are no descriptor.
func (d *descriptors) parse(b []byte) *nt.SecurityDescriptor {
	d.mu.Lock()
	sd := d.parsed.m[string(b)]
	d.mu.Unlock()
	if sd != nil {
		return sd
	}
	sd, err := nt.ParseSecurityDescriptor(b)
	if err != nil {
		return nil
	}
	if len(b) <= maxRemembered {
		d.parsed.put(&d.mu, string(b), sd)
	}
	return sd
}

// projection is posixacl.Project for a new file.
func (v *volume) projection(sd *nt.SecurityDescriptor, now *posixacl.Source) posixacl.Projection {
	key := projectedFrom{sd, now.Mode, now.GID, now.Dir}
	if p := v.descriptors.projected.get(&v.descriptors.mu, key); p.Mode != 0 {
		return p
	}
	p := posixacl.Project(sd, now, v.ids)
	v.descriptors.projected.put(&v.descriptors.mu, key, p)
	return p
}
