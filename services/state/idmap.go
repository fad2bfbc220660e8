package state

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"lwio/iomgr/nt"
)

// The slices of a range of Unix ids that domains have been given, in the order in which they were seen (idmap_autorid's algorithm): the nth slice begins at the first id and n
// times the size. A slice is never given to another domain.
const (
	idSlicePrefix  = "idmap/"
	idSliceVersion = 1

	// MaxIDSlices bounds the slices of a range.
	MaxIDSlices = 4096
)

// ErrIDsFull says that the range of Unix ids has no slice left.
var ErrIDsFull = errors.New("state: no Unix ids are left for another domain")

// IDSlice is a slice: the ids of the RIDs from FirstRID on of a domain.
type IDSlice struct {
	Domain   nt.SID
	FirstRID uint32
}

// IDMap is the table of slices. It is safe for use by several goroutines.
type IDMap struct {
	store Store
	size  uint32
	limit int

	mu     sync.Mutex
	slices []IDSlice // guarded by mu; nth is the nth
}

// NewIDMap reads the table. Slices are of size RIDs each, and there are at most limit.
func NewIDMap(ctx context.Context, store Store, size uint32, limit int) (*IDMap, error) {
	m := &IDMap{store: store, size: size, limit: min(limit, MaxIDSlices)}
	for e, err := range All(ctx, store, idSlicePrefix) {
		if err != nil {
			return nil, err
		}
		if e.Key != idSliceKey(len(m.slices)) {
			return nil, fmt.Errorf("%w: Unix ids: %q is not the next", ErrCorrupt, e.Key)
		}
		r, err := openRecord("Unix ids", e.Value, idSliceVersion)
		if err != nil {
			return nil, err
		}
		s, had := IDSlice{r.sid(), r.u32()}, r.u32()
		if err := r.err("Unix ids"); err != nil {
			return nil, err
		}
		if had != size {
			return nil, fmt.Errorf("state: Unix ids were given out in slices of %d, not of %d: files that belong to them would change their owners", had, size)
		}
		m.slices = append(m.slices, s)
	}
	return m, nil
}

func idSliceKey(n int) string { return fmt.Sprintf("%s%08x", idSlicePrefix, n) }

// Slices gives all that there are. It is not to be changed.
func (m *IDMap) Slices() []IDSlice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.slices[:len(m.slices):len(m.slices)]
}

// Ensure gives the slices of these SIDs to their domains, where they have not got them, and says whether there is a new one. SIDs that are of no domain have none.
func (m *IDMap) Ensure(ctx context.Context, sids ...nt.SID) (added bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, sid := range sids {
		if !strings.HasPrefix(sid.String(), "S-1-5-21-") || sid.SubAuthorityCount() != 5 {
			continue
		}
		want := IDSlice{sid.Domain(), sid.RID() / m.size * m.size}
		if m.has(want) {
			continue
		}
		if len(m.slices) >= m.limit {
			return added, ErrIDsFull
		}
		w := recordWriter{b: []byte{idSliceVersion}}
		w.sid(want.Domain)
		w.u32(want.FirstRID)
		w.u32(m.size)
		if _, err := CompareAndSwap(ctx, m.store, idSliceKey(len(m.slices)), 0, w.b); err != nil {
			return added, err
		}
		m.slices, added = append(m.slices, want), true
	}
	return added, nil
}

func (m *IDMap) has(want IDSlice) bool {
	for _, s := range m.slices {
		if s == want {
			return true
		}
	}
	return false
}
