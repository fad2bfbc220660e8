package pvfs

import (
	"hash/maphash"
	"sync"

	"lwio/iomgr/nt"
)

// nameLocks make one step of a look at a name and what is done about it: POSIX compares no names without regard to case, replaces what a
// rename finds, and unlinks whatever has the name by now. A lock stands for some of the names, by their paths in upper case. It is held
// from the look until the name is there or gone and the cache of names knows; no request is completed and nothing is reported under it. The
// other locks of the volume come after it.
type nameLocks struct {
	once sync.Once
	seed maphash.Seed
	all  [64]sync.Mutex
}

func (l *nameLocks) index(path string) int {
	l.once.Do(func() { l.seed = maphash.MakeSeed() })
	return int(maphash.String(l.seed, nt.Upcase(path)) % uint64(len(l.all)))
}

// lock locks a name by its path below the root.
func (l *nameLocks) lock(path string) (unlock func()) {
	m := &l.all[l.index(path)]
	m.Lock()
	return m.Unlock
}

// lockBoth locks two names.
func (l *nameLocks) lockBoth(a, b string) (unlock func()) {
	i, j := l.index(a), l.index(b)
	if i == j {
		l.all[i].Lock()
		return l.all[i].Unlock
	}
	i, j = min(i, j), max(i, j)
	l.all[i].Lock()
	l.all[j].Lock()
	return func() {
		l.all[j].Unlock()
		l.all[i].Unlock()
	}
}
