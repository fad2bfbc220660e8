package rdr

import (
	"context"
	"strings"
	"sync"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// What is written to a file under a lease with write caching, by an open that outlives its connection, is done as soon as it is kept here: nobody else
// can see the file. It goes to the server when there is enough of it or after a while, and in any case before anything else is asked of the file, before
// the lease is given back, and before the CLOSE. What the server then refuses, the next write, flush or query of AttrWriteError of that open is told.

// extent is a run of bytes on its way.
type extent struct {
	f    *file
	at   int64
	data []byte
	sent int // of the reader alone, once it is flying
}

func (e *extent) end() int64 { return e.at + int64(len(e.data)) }

func (e *extent) overlaps(at, end int64) bool { return e.at < end && at < e.end() }

// behind is what of a file is not on the server yet; guarded by lease.mu.
type behind struct {
	extents []*extent // not sent
	flying  []*extent
	bytes   int // of both
	waiting []waiter
	timer   *time.Timer
	never   bool // nothing more is kept
}

// waiter is who waits until all is on the server: a request, or a function of the driver's own.
type waiter struct {
	f  *file
	r  *api.Request
	do func()
}

const (
	maxExtent = 1 << 20   // what is full goes at once
	maxBehind = 256 << 10 // a longer write goes by itself
	maxRuns   = 64        // extents of one file
)

// dirty reports whether something is not on the server; lease.mu is held.
func (b *behind) dirty() bool { return len(b.extents)+len(b.flying) > 0 }

// writeBehind takes a write that need not go at once. False if it is not for that.
func (f *file) writeBehind(r *api.Request) bool {
	l, d, n := f.lease, f.d, len(r.In)
	if l == nil || l.cache == nil || d.cfg.NoWriteBehind || f.durable == nil || f.direct || f.through || n == 0 || n > maxBehind || r.Offset < 0 || r.Offset > 1<<62 ||
		r.Flags&api.FlagWriteThrough != 0 || r.File().Granted()&nt.FileWriteData == 0 {
		return false
	}
	const rw = smb2.LeaseReadCaching | smb2.LeaseWriteCaching
	end := r.Offset + int64(n)
	l.changing(r.Offset, n)
	l.mu.Lock()
	b := &l.behind
	into, ok := b.place(f, r.Offset, end)
	if !ok || l.state&rw != rw || len(l.locks) > 0 || b.never || l.ended || f.late != nt.StatusSuccess || len(b.waiting) > 0 || b.bytes+n > d.cfg.Limits.DirtyBytesPerFile || len(b.extents)+len(b.flying) >= maxRuns {
		l.mu.Unlock()
		l.changed(nt.StatusSuccess)
		return false
	}
	fresh := into == nil
	if fresh {
		into = &extent{f: f, at: r.Offset}
	}
	grow := max(0, int(end-into.end()))
	if d.dirty.Add(int64(grow)) > int64(d.cfg.Limits.DirtyBytes) {
		d.dirty.Add(-int64(grow))
		l.mu.Unlock()
		l.changed(nt.StatusSuccess)
		return false
	}
	if fresh {
		b.extents = append(b.extents, into)
	}
	from := int(r.Offset - into.at)
	into.data = append(into.data, r.In[n-grow:]...)
	copy(into.data[from:], r.In)
	b.bytes += grow
	var full []*extent
	switch {
	case len(into.data) >= maxExtent:
		full = b.launch(func(e *extent) bool { return e == into })
	case b.timer == nil:
		b.timer = time.AfterFunc(d.cfg.WriteDelay, l.flushLater)
	}
	l.mu.Unlock()
	if !fresh { // the extent counts as one change
		l.changed(nt.StatusSuccess)
	}
	for _, e := range full {
		e.send()
	}
	r.Complete(nt.StatusSuccess, n)
	return true
}

// place finds the extent that a write continues or changes, nil for none. False if it overlaps what it cannot be joined with.
func (b *behind) place(f *file, at, end int64) (into *extent, ok bool) {
	for _, e := range b.extents {
		if into == nil && e.f == f && at >= e.at && at <= e.end() && end-e.at <= maxExtent {
			into = e
		} else if e.overlaps(at, end) {
			return nil, false
		}
	}
	for _, e := range b.flying {
		if e.overlaps(at, end) {
			return nil, false
		}
	}
	return into, true
}

// launch takes extents out that are to be sent; lease.mu is held.
func (b *behind) launch(pick func(*extent) bool) (out []*extent) {
	rest := b.extents[:0]
	for _, e := range b.extents {
		if pick(e) {
			out = append(out, e)
			b.flying = append(b.flying, e)
		} else {
			rest = append(rest, e)
		}
	}
	clear(b.extents[len(rest):])
	b.extents = rest
	return out
}

// flushLater sends what has waited long enough.
func (l *lease) flushLater() {
	l.mu.Lock()
	l.behind.timer = nil
	out := l.behind.launch(func(*extent) bool { return true })
	l.mu.Unlock()
	for _, e := range out {
		e.send()
	}
}

// send writes an extent, or what is left of it.
func (e *extent) send() {
	f := e.f
	at := f.at.Load()
	c := at.tree.sess.conn
	rest := e.data[e.sent:]
	rest = rest[:c.fit(len(rest), c.maxWrite)]
	x := newExchange(&opWrite, c, at.tree.sess, at.tree)
	x.file, x.fid, x.sequence, x.replay = f, at.fid, at.sequence, at.sequence > 0
	x.in, x.offset, x.charge = rest, uint64(e.at)+uint64(e.sent), c.chargeFor(len(rest))
	if len(rest) > creditSize {
		x.bulk = len(rest)
	}
	x.owner, x.done = e, extentSent
	c.start(x)
}

func extentSent(x *exchange, st nt.Status, n int) {
	e := x.owner.(*extent)
	switch {
	case st == nt.StatusConnectionDisconnected && e.f.whenBack(x.tree, func(back bool) {
		if back {
			e.send()
		} else {
			e.arrived(nt.StatusConnectionDisconnected)
		}
	}):
	case st == nt.StatusSuccess && n > 0 && e.sent+n < len(e.data):
		e.sent += n
		e.send()
	case st == nt.StatusSuccess && n == 0:
		e.arrived(nt.StatusInvalidNetworkResponse)
	default:
		e.arrived(st)
	}
}

// arrived ends an extent. With the last one, those who wait go on.
func (e *extent) arrived(st nt.Status) {
	f, l := e.f, e.f.lease
	l.changed(nt.StatusSuccess)
	l.mu.Lock()
	b := &l.behind
	for i, o := range b.flying {
		if o == e {
			b.flying = append(b.flying[:i:i], b.flying[i+1:]...)
			break
		}
	}
	b.bytes -= len(e.data)
	f.d.dirty.Add(-int64(len(e.data)))
	if st != nt.StatusSuccess && f.late == nt.StatusSuccess {
		f.late = st
	}
	out := b.next()
	list := b.ready()
	l.mu.Unlock()
	if st != nt.StatusSuccess {
		f.d.log.Warn("what was written could not be brought to the server", "server", f.to.server(), "share", f.to.share, "name", f.name(), "status", st)
	}
	for _, o := range out {
		o.send()
	}
	for _, w := range list {
		w.run()
	}
}

// next sends what came while others wait; ready gives those if there is nothing left. lease.mu is held.
func (b *behind) next() []*extent {
	if len(b.waiting) == 0 {
		return nil
	}
	return b.launch(func(*extent) bool { return true })
}

func (b *behind) ready() []waiter {
	if b.dirty() {
		return nil
	}
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	list := b.waiting
	b.waiting = nil
	return list
}

func (w *waiter) run() {
	if w.r != nil {
		w.f.dispatch(w.r)
		return
	}
	w.do()
}

// whenClean has do called when all that was written is on the server, or refused; false if there is nothing that is not.
func (l *lease) whenClean(do func()) bool {
	l.mu.Lock()
	return l.await(waiter{do: do})
}

// await needs mu, which it lets go.
func (l *lease) await(w waiter) bool {
	b := &l.behind
	if !b.dirty() {
		l.mu.Unlock()
		return false
	}
	b.waiting = append(b.waiting, w)
	out := b.next()
	l.mu.Unlock()
	for _, e := range out {
		e.send()
	}
	return true
}

// settles has a request wait until what was written before is on the server. False if there is nothing to wait for.
func (f *file) settles(r *api.Request) bool {
	l, d := f.lease, f.d
	if d.dirty.Load() == 0 || f.share || f.pipe() {
		return false
	}
	name := f.leaseName()
	if l == nil { // another open may have written
		d.mu.Lock()
		l = d.leases[name]
		d.mu.Unlock()
	}
	if (r.Op == api.OpSetInformation || r.Op == api.OpQueryInformation) && (l == nil || !l.dirty()) {
		l = d.dirtyStream(name)
	}
	if l == nil {
		return false
	}
	l.mu.Lock()
	if !l.behind.dirty() {
		l.mu.Unlock()
		return false
	}
	if r.Pended() && r.Cancelled() || !r.Pended() && !r.Pend(func(r *api.Request) { f.cancelWaiting(l, r) }) {
		l.mu.Unlock()
		r.Complete(nt.StatusCancelled, 0)
		return true
	}
	return l.await(waiter{f: f, r: r})
}

func (l *lease) dirty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.behind.dirty()
}

// dirtyStream finds a stream of a file to which something was written that is not on the server: a write that came late would set the attributes and times
// of all of them.
func (d *redirector) dirtyStream(name leaseName) *lease {
	file := fileOf(name)
	var list []*lease
	d.mu.Lock()
	for n, l := range d.leases {
		if fileOf(n) == file {
			list = append(list, l)
		}
	}
	d.mu.Unlock()
	for _, l := range list {
		if l.dirty() {
			return l
		}
	}
	return nil
}

// fileOf is the name without that of a stream.
func fileOf(n leaseName) leaseName {
	n.name, _, _ = strings.Cut(n.name, ":")
	return n
}

// cancelWaiting ends a request that has waited, or waits, for what was written before.
func (f *file) cancelWaiting(l *lease, r *api.Request) {
	l.mu.Lock()
	for i, w := range l.behind.waiting {
		if w.r == r {
			l.behind.waiting = append(l.behind.waiting[:i:i], l.behind.waiting[i+1:]...)
			l.mu.Unlock()
			r.Complete(nt.StatusCancelled, 0)
			return
		}
	}
	l.mu.Unlock()
	f.cancelRequest(r)
}

// readBehind answers a read that lies in what was written.
func (f *file) readBehind(r *api.Request) bool {
	l := f.lease
	if l == nil || f.d.dirty.Load() == 0 || len(r.Out) == 0 || r.Offset < 0 {
		return false
	}
	l.mu.Lock()
	for _, list := range [][]*extent{l.behind.extents, l.behind.flying} {
		for _, e := range list {
			if r.Offset >= e.at && r.Offset <= e.end()-int64(len(r.Out)) {
				n := copy(r.Out, e.data[r.Offset-e.at:])
				l.mu.Unlock()
				r.Complete(nt.StatusSuccess, n)
				return true
			}
		}
	}
	l.mu.Unlock()
	return false
}

// takeLate gives what became of earlier writes, once.
func (f *file) takeLate() nt.Status {
	if f.lease == nil {
		return nt.StatusSuccess
	}
	f.lease.mu.Lock()
	defer f.lease.mu.Unlock()
	st := f.late
	f.late = nt.StatusSuccess
	return st
}

// refused completes a request with the error of an earlier write.
func (f *file) refused(r *api.Request) bool {
	st := f.takeLate()
	if st != nt.StatusSuccess {
		r.Complete(st, 0)
	}
	return st != nt.StatusSuccess
}

// wroteBehind reports whether an open has written what is not on the server.
func (l *lease) wroteBehind(f *file) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, list := range [][]*extent{l.behind.extents, l.behind.flying} {
		for _, e := range list {
			if e.f == f {
				return true
			}
		}
	}
	return false
}

// cleanAll waits until all that was written is on the servers.
func (d *redirector) cleanAll(ctx context.Context) {
	var wg sync.WaitGroup
	d.mu.Lock()
	list := make([]*lease, 0, len(d.leased))
	for _, l := range d.leased {
		list = append(list, l)
	}
	d.mu.Unlock()
	for _, l := range list {
		wg.Add(1)
		if !l.whenClean(wg.Done) {
			wg.Done()
		}
	}
	clean := make(chan struct{})
	go func() { wg.Wait(); close(clean) }()
	select {
	case <-clean:
	case <-ctx.Done():
	}
}

// cleanBelow has do called when all that was written to files of a directory is on the server, and where something was renamed, of its share. False if there
// is nothing that is not.
func (d *redirector) cleanBelow(dir leaseName, do func()) bool {
	return d.cleanWhere(dir, func(n leaseName) bool { n, _ = n.parent(); return n == dir }, do)
}

// cleanTree does it for all that is below a name, however deep: what is open there cannot be moved, and what is closed is open for as long as it is written.
func (d *redirector) cleanTree(name leaseName, do func()) bool {
	below := name.name + `\`
	return d.cleanWhere(name, func(n leaseName) bool {
		return n.server == name.server && n.share == name.share && strings.HasPrefix(n.name, below)
	}, do)
}

func (d *redirector) cleanWhere(name leaseName, match func(leaseName) bool, do func()) bool {
	if d.dirty.Load() == 0 {
		return false
	}
	all := d.renamed.Load()
	var list []*lease
	d.mu.Lock()
	for n, l := range d.leases {
		if l.dir == nil && (match(n) || all && n.share == name.share && n.server == name.server) {
			list = append(list, l)
		}
	}
	d.mu.Unlock()
	for i, l := range list {
		if l.whenClean(func() {
			if i == len(list)-1 || !d.cleanWhere(name, match, do) {
				do()
			}
		}) {
			return true
		}
	}
	return false
}
