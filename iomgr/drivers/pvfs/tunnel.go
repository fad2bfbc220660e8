package pvfs

import (
	"os"
	"sync"
	"time"

	"lwio/iomgr/nt"
)

// tunnel gives a file that is made under the short name of one which was deleted just before that one's long name: programs that save by
// deleting and making anew, and know 8.3 names only, keep the name so. Windows does the same, for 15 seconds.
type tunnel struct {
	mu   sync.Mutex
	gone map[tunnelKey]tunneled // guarded by mu
}

type tunnelKey struct {
	dir   fileID
	short string
}

type tunneled struct {
	long string
	at   time.Time
}

const (
	tunnelTime = 15 * time.Second
	maxTunnel  = 256
)

// put remembers a name that has gone.
func (t *tunnel) put(dir fileID, name string) {
	up := nt.Upcase(name)
	if isShortName(up) {
		return
	}
	at := now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.gone) >= maxTunnel {
		for k, e := range t.gone {
			if at.Sub(e.at) > tunnelTime {
				delete(t.gone, k)
			}
		}
		if len(t.gone) >= maxTunnel {
			clear(t.gone)
		}
	}
	if t.gone == nil {
		t.gone = make(map[tunnelKey]tunneled)
	}
	t.gone[tunnelKey{dir, shortName(name)}] = tunneled{name, at}
}

// tunneled remembers a name that has gone from a directory, of which at tells if it is not nil.
func (v *volume) tunneled(dir *os.File, at os.FileInfo, name string) {
	if at == nil {
		var err error
		if at, err = fstat(dir); err != nil {
			return
		}
	}
	v.tunnel.put(detailsOf(at).id, name)
}

// take gives the long name to make a file under; "" for the name as it is.
func (t *tunnel) take(dir fileID, name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := tunnelKey{dir, nt.Upcase(name)}
	e, ok := t.gone[k]
	if !ok {
		return ""
	}
	delete(t.gone, k)
	if now().Sub(e.at) > tunnelTime {
		return ""
	}
	return e.long
}
