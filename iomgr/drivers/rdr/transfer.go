package rdr

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// partsUnderWay is how many parts of one long read or write are under way at a time: enough to keep a link busy, few enough to let others in.
const partsUnderWay = 4

// transfer is a read or write in parts. What is read counts up to the first part that came short; the same holds for what is written.
type transfer struct {
	f     *file
	at    *place // where all parts go
	op    *operation
	r     *api.Request
	size  int
	part  int
	limit int // parts under way

	mu      sync.Mutex
	issued  int       // guarded by mu: bytes that parts have been made for
	running int       // guarded by mu: parts under way
	end     int       // guarded by mu: where the data ends
	status  nt.Status // guarded by mu: why it ends there
	lostAt  *tree     // guarded by mu: where the connection was lost
	ended   bool      // guarded by mu
}

// transfer starts a read or write of size bytes of a disk file.
func (f *file) transfer(op *operation, r *api.Request, size, most int) {
	at := f.at.Load()
	c := at.tree.sess.conn
	part := c.fit(size, most)
	if part >= size {
		x := f.exchangeAt(at, op, r)
		x.offset, x.charge = uint64(r.Offset), c.chargeFor(size)
		if size > creditSize {
			x.bulk = size
			x.by(at.tree.way(size))
			at.tree.sess.widen(at.tree)
		}
		if op == &opWrite && f.lease != nil {
			x.done = wrote
		}
		x.conn.start(x)
		return
	}
	at.tree.sess.widen(at.tree)
	t := &transfer{f: f, at: at, op: op, r: r, size: size, part: part, limit: partsUnderWay, end: size}
	if r.Offset < 0 {
		t.limit = 1 // where a part goes depends on the one before
	}
	t.mu.Lock()
	t.issue()
	t.settleOrPump()
}

// issue puts parts in line; mu is held.
func (t *transfer) issue() {
	c := t.at.tree.sess.conn
	for t.running < t.limit && t.issued < t.end {
		if t.r.Cancelled() {
			t.stop(t.issued, nt.StatusCancelled)
			return
		}
		n := min(t.part, t.size-t.issued)
		x := t.f.exchangeAt(t.at, t.op, t.r)
		if t.issued > 0 {
			x.pend = nil
		}
		if x.in != nil {
			x.in = x.in[t.issued : t.issued+n]
		}
		if x.out != nil {
			x.out = x.out[t.issued : t.issued+n]
		}
		x.offset = uint64(t.r.Offset)
		if t.r.Offset >= 0 {
			x.offset += uint64(t.issued)
		}
		x.charge, x.bulk = c.chargeFor(n), n
		x.done, x.owner = partDone, part{t, t.issued, n}
		x.by(t.at.tree.way(n))
		if st := x.conn.enqueue(x); st != nt.StatusSuccess {
			t.lostAt = x.tree
			x.recycle()
			t.stop(t.issued, st)
			return
		}
		t.issued += n
		t.running++
	}
}

// part is where an exchange belongs in a transfer.
type part struct {
	t     *transfer
	at, n int
}

// stop notes that the data ends at a place; mu is held.
func (t *transfer) stop(at int, st nt.Status) {
	if at < t.end {
		t.end, t.status = at, st
	}
}

func partDone(x *exchange, st nt.Status, n int) {
	p := x.owner.(part)
	t := p.t
	t.mu.Lock()
	t.running--
	if n < p.n || st != nt.StatusSuccess {
		t.stop(p.at+n, st)
	}
	t.issue()
	if st == nt.StatusConnectionDisconnected {
		t.lostAt = x.tree
	}
	t.settleOrPump()
}

// settleOrPump sends what was put in line, with no lock held: what cannot be sent is completed there; mu is held and let go.
func (t *transfer) settleOrPump() {
	more := t.running > 0
	t.settle()
	if more {
		t.at.tree.pumpAll()
	}
}

// settle completes the request once the last part is there; mu is held and let go.
func (t *transfer) settle() {
	if t.ended || t.running > 0 {
		t.mu.Unlock()
		return
	}
	t.ended = true
	n, st, lostAt := t.end, t.status, t.lostAt
	t.mu.Unlock()
	if lostAt == nil {
		lostAt = t.at.tree
	}
	if st == nt.StatusEndOfFile && n > 0 {
		st = nt.StatusSuccess
	}
	if t.op == &opWrite && t.f.lease != nil {
		t.f.lease.changed(st)
	}
	if st == nt.StatusConnectionDisconnected && t.f.again(t.r, lostAt, true) {
		return
	}
	t.r.Complete(st, n)
}
