package rdr

import (
	"strings"
	"sync/atomic"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// dirCache is what is known of a directory under its lease: listings as the server gave them, and single names, also such as are not there.
// A change by another client breaks the lease; one of our own drops it before it is sent, and nothing is kept until the file that it goes by is closed.
// All of it is guarded by the mu of the lease.
type dirCache struct {
	total *atomic.Int64 // of all directories
	limit int64
	bytes int64
	lists map[listKey]*listing
	names map[string]known
}

// listKey says which listing one is.
type listKey struct {
	class   uint32
	pattern string
}

// listing is a whole enumeration.
type listing struct {
	entries [][]byte
	bytes   int64
	first   nt.Status // of the first answer where there is no entry
}

// known is what there is under a name.
type known struct {
	info      api.FileInfo
	absent    bool
	ambiguous bool // names that differ in case alone
}

// Rough costs in memory.
const (
	entryCost = 64
	nameCost  = 320
)

// maxListing is the longest listing that is kept, and maxNames the names.
const (
	maxListing = 2 << 20
	maxNames   = 16384
)

func (k *dirCache) clear() {
	if k.bytes > 0 {
		k.total.Add(-k.bytes)
	}
	k.bytes, k.lists, k.names = 0, nil, nil
}

// pay counts what is taken in; false if there is no room.
func (k *dirCache) pay(n int64) bool {
	if k.total.Add(n) > k.limit {
		k.total.Add(-n)
		return false
	}
	k.bytes += n
	return true
}

// mayKnow reports whether what was heard of a directory holds; lease.mu is held.
func (l *lease) mayKnow() bool {
	return l.dir != nil && l.state&smb2.LeaseReadCaching != 0 && l.writing == 0 && !l.ended
}

// learn notes what there is under a name, heard while the lease counted gen.
func (l *lease) learn(base string, gen uint64, n known) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mayKnow() || l.gen != gen || len(l.dir.names) >= maxNames || strings.ContainsAny(base, `:"<>*?`) {
		return
	}
	key := nt.Upcase(base)
	if old, ok := l.dir.names[key]; ok && old.ambiguous {
		return
	} else if !ok && !l.dir.pay(nameCost+int64(len(key))) {
		return
	}
	if l.dir.names == nil {
		l.dir.names = make(map[string]known)
	}
	l.dir.names[key] = n
}

// recall says what is known of a name.
func (l *lease) recall(base string) (known, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mayKnow() {
		return known{}, false
	}
	n, ok := l.dir.names[nt.Upcase(base)]
	return n, ok && !n.ambiguous
}

// scan is the enumeration of an open of a directory; guarded by lease.mu.
type scan struct {
	begun   bool
	key     listKey
	serving *listing // from which it is answered; nil if the server is asked
	next    int
	getting *listing // what comes is collected; nil if it will not be kept
	gen     uint64
}

// listKept answers an enumeration from what is kept, or begins to collect one. False if the server is to be asked; collect says whether its answer is
// for collected.
func (f *file) listKept(r *api.Request) (answered, collect bool) {
	l, d := f.lease, r.Dir
	l.mu.Lock()
	s := &f.scan
	if d.Restart || !s.begun {
		pattern := f.search(d.Pattern)
		*s = scan{begun: true, key: listKey{r.Code, pattern}}
		if l.mayKnow() {
			if s.serving = l.dir.lists[s.key]; s.serving == nil && nt.UTF16Len(pattern) < 256 {
				s.getting, s.gen = &listing{}, l.gen
			}
		}
	}
	if d.ByIndex || r.Code != s.key.class {
		s.serving, s.getting = nil, nil
	}
	if d.Single || s.serving == nil {
		if d.Single && s.serving == nil {
			s.getting = nil
		}
		collect = s.getting != nil
		if s.serving == nil {
			l.mu.Unlock()
			return false, collect
		}
	}
	n, st := s.fill(r.Out, d.Single)
	l.mu.Unlock()
	f.d.known.Add(1)
	r.Complete(st, n)
	return true, false
}

// fill copies entries, as many as fit.
func (s *scan) fill(out []byte, single bool) (int, nt.Status) {
	list := s.serving
	if s.next >= len(list.entries) {
		if len(list.entries) == 0 && s.next == 0 {
			s.next++
			return 0, list.first
		}
		return 0, nt.StatusNoMoreFiles
	}
	n, last := 0, -1
	for s.next < len(list.entries) {
		at := (n + 7) &^ 7
		e := list.entries[s.next]
		if at+len(e) > len(out) {
			break
		}
		clear(out[n:at])
		if last >= 0 {
			le.PutUint32(out[last:], uint32(at-last))
		}
		n, last = at+copy(out[at:], e), at
		s.next++
		if single {
			break
		}
	}
	if n == 0 {
		return 0, nt.StatusBufferOverflow
	}
	return n, nt.StatusSuccess
}

// collected takes an answer of an enumeration, and with its end keeps the whole.
func collected(x *exchange, st nt.Status, n int) {
	f, r := x.file, x.r
	l := f.lease
	l.mu.Lock()
	s := &f.scan
	if g := s.getting; g != nil {
		switch {
		case st == nt.StatusSuccess:
			if !g.split(r.Out[:n]) || g.bytes > maxListing {
				s.getting = nil
			}
		case st == nt.StatusNoMoreFiles || st == nt.StatusNoSuchFile && len(g.entries) == 0:
			g.first = st
			s.getting = nil
			if l.mayKnow() && l.gen == s.gen && l.dir.lists[s.key] == nil && l.dir.pay(g.bytes) {
				if l.dir.lists == nil {
					l.dir.lists = make(map[listKey]*listing)
				}
				l.dir.lists[s.key] = g
				l.dir.namesOf(s.key, g)
			}
		default:
			s.getting = nil
		}
	}
	l.mu.Unlock()
	r.Complete(st, n)
}

// split takes the entries of an answer apart; false if it contradicts itself.
func (g *listing) split(b []byte) bool {
	for len(b) >= 4 {
		next := int(le.Uint32(b))
		end := len(b)
		if next != 0 {
			if next < 4 || next > len(b)-4 {
				return false
			}
			end = next
		}
		e := append([]byte(nil), b[:end]...)
		clear(e[:4])
		g.entries = append(g.entries, e)
		g.bytes += int64(len(e)) + entryCost
		if next == 0 {
			return true
		}
		b = b[next:]
	}
	return false
}

// namesOf takes the attributes out of a listing of everything.
func (k *dirCache) namesOf(key listKey, g *listing) {
	if key.pattern != "*" || len(g.entries) > maxNames {
		return
	}
	names := make(map[string]known, len(g.entries))
	cost := int64(0)
	for _, e := range g.entries {
		r, ok := api.NewDirReader(nt.FileInfoClass(key.class), e)
		if !ok {
			return
		}
		i, more, err := r.Next()
		if err != nil || !more {
			return
		}
		if i.Name == "." || i.Name == ".." || i.Attributes&nt.FileAttributeReparsePoint != 0 || i.LastWriteTime == 0 {
			continue // the last: a class that has names alone
		}
		up := nt.Upcase(i.Name)
		_, twice := names[up]
		i.Directory = i.Attributes&nt.FileAttributeDirectory != 0
		names[up] = known{info: i, ambiguous: twice}
		cost += nameCost + int64(len(up))
	}
	if !k.pay(cost) {
		return
	}
	for up, n := range k.names {
		if _, ok := names[up]; !ok && n.absent {
			names[up] = n
		}
	}
	k.names = names
}
