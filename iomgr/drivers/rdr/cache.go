package rdr

import (
	"sync"
	"sync/atomic"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// What has been read of a file is kept in blocks under its lease.
const (
	blockSize = 64 << 10
	maxWindow = 8 * blockSize // what one read that finds nothing fetches at most; longer reads are not kept
)

// block is a part of a file.
type block struct {
	l    *lease
	at   int64  // index
	data []byte // less than blockSize only where the file ends
	used atomic.Bool

	gone       bool // guarded by lease.mu
	next, prev *block
}

// cache bounds the blocks of all leases. Who puts one in throws those out that nobody has read since the last time around.
type cache struct {
	limit, perFile int

	hits, misses atomic.Int64

	mu    sync.Mutex
	bytes int
	ring  *block // the next to be looked at; what comes is put behind it
}

// put takes a block in, and gives those that are out.
func (c *cache) put(b *block) []*block {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ring == nil {
		c.ring, b.next, b.prev = b, b, b
	} else {
		b.next, b.prev = c.ring, c.ring.prev
		b.prev.next, b.next.prev = b, b
	}
	c.bytes += len(b.data)
	var out []*block
	for c.bytes > c.limit && c.ring != nil {
		v := c.ring
		if v.used.Swap(false) {
			c.ring = v.next
			continue
		}
		c.unlink(v)
		out = append(out, v)
	}
	return out
}

// unlink needs mu.
func (c *cache) unlink(b *block) {
	if b.next == nil {
		return
	}
	if c.ring == b {
		c.ring = b.next
	}
	if c.ring == b {
		c.ring = nil
	}
	b.prev.next, b.next.prev = b.next, b.prev
	b.next, b.prev = nil, nil
	c.bytes -= len(b.data)
}

func (c *cache) remove(list []*block) {
	if len(list) == 0 {
		return
	}
	c.mu.Lock()
	for _, b := range list {
		c.unlink(b)
	}
	c.mu.Unlock()
}

// drop throws away what is kept of the blocks from to last; lease.mu is held. The caller hands the blocks to cache.remove.
func (l *lease) drop(from, last int64) (out []*block) {
	l.gen++
	if last == lastBlock {
		l.size = -1
		if l.dir != nil {
			l.dir.clear()
		}
	}
	if last-from >= int64(len(l.blocks)) {
		for at, b := range l.blocks {
			if at >= from && at <= last {
				out = append(out, b)
			}
		}
	} else {
		for at := from; at <= last; at++ {
			if b := l.blocks[at]; b != nil {
				out = append(out, b)
			}
		}
	}
	for _, b := range out {
		l.forget(b)
	}
	return out
}

// forget needs mu.
func (l *lease) forget(b *block) {
	if b.gone {
		return
	}
	b.gone = true
	delete(l.blocks, b.at)
	l.kept -= len(b.data)
}

const lastBlock = 1<<63 - 1

// changing is called before something is sent that changes the file, of n bytes at an offset, or all of it where n is negative: what is kept of
// that is thrown away, and nothing is kept until changed.
func (l *lease) changing(offset int64, n int) {
	l.mu.Lock()
	var out []*block
	switch {
	case n < 0 || offset < 0:
		out = l.drop(0, lastBlock)
	case n > 0:
		out = l.drop(offset/blockSize, (offset+int64(n)-1)/blockSize)
	}
	if l.size >= 0 { // the file may end elsewhere now
		if b := l.blocks[l.size/blockSize]; b != nil && len(b.data) < blockSize {
			l.forget(b)
			out = append(out, b)
		}
		l.size = -1
	}
	l.gen++
	l.writing++
	l.mu.Unlock()
	l.cache.remove(out)
}

// changed is called with the answer. Where there is none because it was cancelled the change may come at any time: nothing is kept any more.
func (l *lease) changed(st nt.Status) {
	if st == nt.StatusCancelled || st == nt.StatusIoTimeout {
		return
	}
	l.mu.Lock()
	l.gen++
	l.writing--
	l.mu.Unlock()
}

// mayKeep reports whether what is read is that of the server as long as the lease says so; mu is held. Under a lease with write caching nobody
// else has the file open, and who opens it waits for this client. Without, the server does not wait when somebody writes: the file must not be
// shared with writers.
func (l *lease) mayKeep(f *file) bool {
	return l.state&smb2.LeaseReadCaching != 0 && (l.state&smb2.LeaseWriteCaching != 0 || f.denies || l.sharedReads)
}

// keeps reports whether reads of the file may be answered from here.
func (f *file) keeps() bool { return f.lease != nil && f.lease.cache != nil && !f.direct }

// lookUp answers a read by what is there.
func (l *lease) lookUp(f *file, offset int64, out []byte) (int, nt.Status, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mayKeep(f) {
		return 0, 0, false
	}
	n := 0
	for n < len(out) {
		at := offset + int64(n)
		b := l.blocks[at/blockSize]
		if l.size >= 0 && at >= l.size {
			break
		}
		if b == nil {
			return 0, 0, false
		}
		b.used.Store(true)
		n += copy(out[n:], b.data[at%blockSize:])
	}
	f.next = offset + int64(n)
	if n == 0 {
		return 0, nt.StatusEndOfFile, true
	}
	return n, nt.StatusSuccess, true
}

// fetch is a read of whole blocks on behalf of a shorter one.
type fetch struct {
	start int64
	buf   []byte
	gen   uint64
}

// readKept answers a read from the cache, or fetches the blocks around it, and more of them for who reads on where the last read ended. False if
// it is not for the cache.
func (f *file) readKept(r *api.Request) bool {
	l := f.lease
	n := len(r.Out)
	if n == 0 || n > maxWindow-blockSize || r.Offset > 1<<62 {
		return false
	}
	if got, st, ok := l.lookUp(f, r.Offset, r.Out); ok {
		l.cache.hits.Add(1)
		r.Complete(st, got)
		return true
	}
	start := r.Offset &^ (blockSize - 1)
	end := (r.Offset + int64(n) + blockSize - 1) &^ (blockSize - 1)
	l.mu.Lock()
	if !l.mayKeep(f) || l.writing > 0 {
		l.mu.Unlock()
		return false
	}
	if f.next == r.Offset && f.next > 0 {
		end = start + maxWindow
	}
	f.next = r.Offset + int64(n)
	k := &fetch{start: start, gen: l.gen}
	l.mu.Unlock()
	at := f.at.Load()
	c := at.tree.sess.conn
	size := c.fit(int(end-start), c.maxRead)
	if int64(size) < r.Offset+int64(n)-start {
		return false
	}
	l.cache.misses.Add(1)
	k.buf = make([]byte, size&^(blockSize-1))
	if int64(len(k.buf)) < r.Offset+int64(n)-start {
		k.buf = make([]byte, size)
	}
	x := f.exchangeAt(at, &opRead, r)
	x.out, x.offset, x.charge = k.buf, uint64(start), c.chargeFor(len(k.buf))
	if x.bulk = 0; len(k.buf) > creditSize {
		x.bulk = len(k.buf)
	}
	x.done, x.owner = fetched, k
	c.start(x)
	return true
}

// fetched keeps what came, unless the file may have changed meanwhile, and answers the read.
func fetched(x *exchange, st nt.Status, n int) {
	f, r, k := x.file, x.r, x.owner.(*fetch)
	switch {
	case st == nt.StatusConnectionDisconnected && f.again(r, x.tree, x.onWire):
		return
	case st == nt.StatusFileLockConflict: // which may be of what was not asked for
		f.transfer(&opRead, r, len(r.Out), f.conn().maxRead)
		return
	case st == nt.StatusEndOfFile:
		f.lease.ends(f, k, k.start)
		r.Complete(st, 0)
		return
	case st != nt.StatusSuccess:
		r.Complete(st, 0)
		return
	}
	f.lease.keep(f, k, n)
	if skip := r.Offset - k.start; skip < int64(n) {
		r.Complete(nt.StatusSuccess, copy(r.Out, k.buf[skip:n]))
		return
	}
	r.Complete(nt.StatusEndOfFile, 0)
}

// ends notes where the file ends: where less came than was asked for, or where a block begins of which there is nothing and the one before is whole.
func (l *lease) ends(f *file, k *fetch, at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gen != k.gen || l.writing > 0 || !l.mayKeep(f) || at == k.start && at > 0 && l.blocks[at/blockSize-1] == nil {
		return
	}
	l.size = at
}

// keep puts blocks into the cache. The end is noted first: no block is short without.
func (l *lease) keep(f *file, k *fetch, n int) {
	c := l.cache
	if n < len(k.buf) {
		l.ends(f, k, k.start+int64(n))
	}
	for from := 0; from < n; from += blockSize {
		to := min(from+blockSize, n)
		if to-from < blockSize && n == len(k.buf) {
			return // no more was asked for
		}
		b := &block{l: l, at: (k.start + int64(from)) / blockSize, data: append(make([]byte, 0, to-from), k.buf[from:to]...)}
		l.mu.Lock()
		if l.gen != k.gen || l.writing > 0 || !l.mayKeep(f) || l.blocks[b.at] != nil || l.kept+len(b.data) > c.perFile || l.ended {
			if l.kept+len(b.data) > c.perFile && l.gen == k.gen { // the next will have room
				size := l.size
				out := l.drop(0, lastBlock)
				k.gen, l.size = l.gen, size
				l.mu.Unlock()
				c.remove(out)
				continue
			}
			l.mu.Unlock()
			continue
		}
		if l.blocks == nil {
			l.blocks = make(map[int64]*block)
		}
		l.blocks[b.at] = b
		l.kept += len(b.data)
		l.mu.Unlock()
		for _, v := range c.put(b) {
			v.l.mu.Lock()
			v.l.forget(v)
			v.l.mu.Unlock()
		}
		l.mu.Lock()
		gone := b.gone // meanwhile, before it was in the ring
		l.mu.Unlock()
		if gone {
			c.remove([]*block{b})
		}
	}
}

// wrote completes what changes a file.
func wrote(x *exchange, st nt.Status, n int) {
	f, r := x.file, x.r
	f.lease.changed(st)
	if st == nt.StatusConnectionDisconnected && f.again(r, x.tree, x.onWire) {
		return
	}
	r.Complete(st, n)
}

// sendChange is send for what changes the data of the file in a way that is not looked into.
func (f *file) sendChange(x *exchange) {
	if f.lease != nil {
		f.lease.changing(0, -1)
		x.done = wrote
	}
	x.conn.start(x)
}
