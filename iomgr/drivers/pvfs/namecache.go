package pvfs

import (
	"hash/maphash"
	"os"
	"strings"
	"sync"
	"time"

	"lwio/iomgr/nt"
)

// nameCache knows which names directories have without regard to case, so that a name that is not there need not be looked for in the whole
// directory. What it says is checked: an answer is good as long as the directory is the one that was read, by its times of writing and change,
// and a name that it gives has to be there.
//
// What this driver itself adds to a directory or takes out is taken over, so that a directory in use stays known. Since that hides what
// a local program does at the very same moment, such knowledge is believed for a second, as is that of a directory which changed just before it
// was read (the clock of a file system may tick as rarely as every 10 ms).
type nameCache struct {
	seed maphash.Seed
	once sync.Once

	mu    sync.Mutex
	dirs  map[fileID]*dirNames // guarded by mu
	total int                  // guarded by mu: names in all of them
}

// dirNames are those of one directory. Guarded by nameCache.mu.
type dirNames struct {
	names  map[uint64]string // by the hash of the name in upper case; "" in a large directory
	stamp  dirStamp
	read   time.Time
	expiry time.Duration // 0 if the stamp alone decides
	seen   time.Time     // when the stamp was last found right
	twins  bool          // two names differ in case alone
}

// dirStamp tells one state of a directory from another.
type dirStamp struct{ written, changed time.Time }

const (
	maxCachedNames  = 1 << 20
	maxCachedDirs   = 1024
	largeDirectory  = 1 << 14
	settledAfter    = 20 * time.Millisecond
	unsettledExpiry = time.Second
	amendWithin     = 100 * time.Millisecond
)

func stampOf(info os.FileInfo) dirStamp { return dirStamp{info.ModTime(), detailsOf(info).ctime} }

func (c *nameCache) hash(upper string) uint64 {
	c.once.Do(func() { c.seed = maphash.MakeSeed() })
	return maphash.String(c.seed, upper)
}

// find gives the name in a directory that differs from name in case alone, or whose short name it is; "" if there is none.
func (c *nameCache) find(dir *os.File, name string) (string, error) {
	info, err := fstat(dir)
	if err != nil {
		return "", err
	}
	upper := nt.Upcase(name)
	short := strings.IndexByte(upper, '~') > 0 && isShortName(upper)
	if !short {
		if actual, known := c.known(info, upper); known {
			return actual, nil
		}
	}
	return c.read(dir, info, upper, short)
}

// misses reports whether the directory of a place is known to have no such name, in any case.
func (c *nameCache) misses(p *place, name string) bool {
	c.mu.Lock()
	none := len(c.dirs) == 0
	c.mu.Unlock()
	if none || strings.IndexByte(name, '~') >= 0 {
		return false
	}
	info, err := p.where()
	if err != nil {
		return false
	}
	actual, known := c.known(info, nt.Upcase(name))
	return known && actual == ""
}

// known answers from what is known of a directory that is as it was.
func (c *nameCache) known(info os.FileInfo, upper string) (actual string, known bool) {
	at := now()
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.dirs[detailsOf(info).id]
	if d == nil {
		return "", false
	}
	if d.stamp != stampOf(info) || d.expiry != 0 && at.Sub(d.read) > d.expiry {
		c.drop(detailsOf(info).id)
		return "", false
	}
	d.seen = at
	actual, there := d.names[c.hash(upper)]
	switch {
	case !there:
		return "", true
	case actual == "" || nt.Upcase(actual) != upper:
		return "", false // it has to be looked for
	}
	return actual, true
}

// drop forgets a directory. The caller holds mu.
func (c *nameCache) drop(id fileID) {
	if d := c.dirs[id]; d != nil {
		c.total -= len(d.names)
		delete(c.dirs, id)
	}
}

// read looks for the name in the whole directory, and keeps what it read.
func (c *nameCache) read(dir *os.File, info os.FileInfo, upper string, short bool) (found string, err error) {
	list, err := openAt(dir, ".", os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return "", err
	}
	defer list.Close()
	begun := now()
	d := &dirNames{names: make(map[uint64]string), stamp: stampOf(info), read: begun, seen: begun}
	byShort := ""
	for {
		names, err := list.Readdirnames(256)
		for _, n := range names {
			if !validName(n) {
				continue // not to be reached by a short name either
			}
			up := nt.Upcase(n)
			switch {
			case up == upper:
				found = n
			case short && byShort == "" && shortName(n) == upper:
				byShort = n
			}
			if d == nil {
				continue
			}
			h := c.hash(up)
			if _, there := d.names[h]; there {
				d.twins = true
			}
			switch {
			case len(d.names) >= maxCachedNames:
				d = nil
			case len(d.names) > largeDirectory:
				d.names[h] = ""
			default:
				d.names[h] = strings.Clone(n)
			}
		}
		if err != nil || len(names) == 0 {
			break
		}
	}
	if d != nil {
		c.keep(detailsOf(info).id, d)
	}
	if found == "" {
		found = byShort
	}
	return found, nil
}

// keep remembers what was read of a directory; what is known of others makes room.
func (c *nameCache) keep(id fileID, d *dirNames) {
	end := now()
	if d.read.Sub(d.stamp.changed) < settledAfter {
		d.expiry = max(unsettledExpiry, 20*end.Sub(d.read))
	}
	if len(d.names) > largeDirectory {
		for h := range d.names {
			d.names[h] = ""
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(id)
	for other := range c.dirs {
		if len(c.dirs) < maxCachedDirs && c.total+len(d.names) <= maxCachedNames {
			break
		}
		c.drop(other)
	}
	if c.dirs == nil {
		c.dirs = make(map[fileID]*dirNames)
	}
	c.dirs[id] = d
	c.total += len(d.names)
}

// amend tells that this driver has added a name to a directory or removed one, either may be "". What is known of a directory is believed
// for a second after it was read then. It gives how the directory is, if it looked.
func (c *nameCache) amend(dir *os.File, added, removed string) os.FileInfo {
	c.mu.Lock()
	none := len(c.dirs) == 0
	c.mu.Unlock()
	if none {
		return nil
	}
	info, err := fstat(dir)
	if err != nil {
		return nil
	}
	id, at := detailsOf(info).id, now()
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.dirs[id]
	if d == nil {
		return info
	}
	if d.twins && removed != "" || at.Sub(d.seen) > amendWithin {
		c.drop(id) // who knows what else has changed
		return info
	}
	if removed != "" {
		h := c.hash(nt.Upcase(removed))
		if _, there := d.names[h]; there {
			delete(d.names, h)
			c.total--
		}
	}
	if added != "" {
		h := c.hash(nt.Upcase(added))
		if _, there := d.names[h]; !there {
			c.total++
		}
		if len(d.names) > largeDirectory {
			added = ""
		}
		d.names[h] = strings.Clone(added)
	}
	d.stamp, d.seen = stampOf(info), at
	if d.expiry == 0 {
		d.expiry = unsettledExpiry
	}
	return info
}
