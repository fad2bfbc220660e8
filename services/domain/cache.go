package domain

import (
	"context"
	"sync"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/services/state"
)

// Times of the cache.
const (
	knownFor    = 10 * time.Minute
	unknownFor  = time.Minute
	defaultKeep = 7 * 24 * time.Hour
	maxCached   = 8192 // by default, of names and of SIDs each
)

// cache remembers lookups. What is older than knownFor is asked for again, and used where nobody can be asked, until it is older than keep. Full, it forgets any. The zero value is
// ready, and keeps nothing that is old.
type cache struct {
	limit int           // of each; zero means maxCached
	keep  time.Duration // for how long it serves without a controller

	mu    sync.Mutex
	names map[string]cached // guarded by mu, by name in upper case
	sids  map[nt.SID]cached // guarded by mu
	dirty bool              // there is something that has not been stored; guarded by mu
}

type cached struct {
	id auth.Identity
	at time.Time
}

// fresh reports whether it need not be asked for again.
func (e cached) fresh(now time.Time) bool {
	age := knownFor
	if e.id.Type == auth.SIDTypeUnknown {
		age = unknownFor
	}
	return now.Before(e.at.Add(age))
}

func (c *cache) name(name string, now time.Time) (auth.Identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.names[nt.Upcase(name)]
	return e.id, ok && e.fresh(now)
}

// oldName is what was known of a name, where nobody can be asked.
func (c *cache) oldName(name string, now time.Time) (auth.Identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.names[nt.Upcase(name)]
	return e.id, ok && c.serves(e, now)
}

func (c *cache) serves(e cached, now time.Time) bool {
	return e.id.Type != auth.SIDTypeUnknown && now.Before(e.at.Add(c.keep))
}

func (c *cache) putName(name string, id auth.Identity, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	put(c, &c.names, nt.Upcase(name), cached{id, now})
}

func (c *cache) sid(sid nt.SID, now time.Time) (auth.Identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.sids[sid]
	return e.id, ok && e.fresh(now)
}

// oldSID is oldName of a SID.
func (c *cache) oldSID(sid nt.SID, now time.Time) (auth.Identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.sids[sid]
	return e.id, ok && c.serves(e, now)
}

func (c *cache) putSID(sid nt.SID, id auth.Identity, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	put(c, &c.sids, sid, cached{id, now})
}

// put adds an entry. c.mu is held.
func put[K comparable](c *cache, m *map[K]cached, key K, e cached) {
	limit := c.limit
	if limit == 0 {
		limit = maxCached
	}
	if *m == nil {
		*m = make(map[K]cached)
	}
	if _, have := (*m)[key]; !have && len(*m) >= limit {
		for any := range *m {
			delete(*m, any)
			break
		}
	}
	(*m)[key] = e
	c.dirty = c.dirty || e.id.Type != auth.SIDTypeUnknown
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names, c.sids, c.dirty = nil, nil, false
}

// changed gives what is worth keeping, if there is something new.
func (c *cache) changed() (out []state.KnownName, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dirty || c.keep <= 0 {
		return nil, false
	}
	c.dirty = false
	for name, e := range c.names {
		if e.id.Type != auth.SIDTypeUnknown {
			out = append(out, state.KnownName{Asked: name, Identity: e.id, At: nt.TimeOf(e.at)})
		}
	}
	for _, e := range c.sids {
		if e.id.Type != auth.SIDTypeUnknown {
			out = append(out, state.KnownName{Identity: e.id, At: nt.TimeOf(e.at)})
		}
	}
	return out, true
}

// load takes what was kept.
func (c *cache) load(names []state.KnownName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range names {
		e := cached{n.Identity, n.At.Go()}
		if n.Asked != "" {
			put(c, &c.names, n.Asked, e)
		} else {
			put(c, &c.sids, n.SID, e)
		}
	}
	c.dirty = false
}

// keepNames stores what is new in the cache.
func (m *Member) keepNames(ctx context.Context) {
	names, ok := m.cache.changed()
	if !ok || m.Account() == nil {
		return
	}
	if err := m.cfg.Table.SaveNames(ctx, names); err != nil {
		m.cfg.Log.Warn("names are not kept for times without a controller", "err", err)
	}
}
