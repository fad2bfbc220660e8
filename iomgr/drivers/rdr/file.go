package rdr

import (
	"sync"
	"sync/atomic"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// place is where a file is open: a durable one moves when its connection is lost.
type place struct {
	tree     *tree
	fid      smb2.FileID
	sequence uint16 // how often it has moved: ChannelSequence
}

// file is an open file on a server.
type file struct {
	d       *redirector
	at      atomic.Pointer[place]
	share   bool // the share of the pipes itself, which is no file
	to      target
	durable *durable // nil for one that ends with its connection
	lease   *lease   // nil for none
	denies  bool     // nobody else writes while it is open
	direct  bool     // nothing of it is kept here
	next    int64    // guarded by lease.mu: where the last read ended

	over    bool      // it was closed together with the open
	through bool      // every write is on the disk before it is done
	late    nt.Status // guarded by lease.mu: what became of writes that were done already

	changes  []leaseName // guarded by redirector.mu: directories in which it may change something
	keepable bool        // a directory that may stay open for its lease
	scan     scan        // guarded by lease.mu: of a directory with a lease

	cancelRequest func(*api.Request) // conn.cancel, made once

	closed atomic.Bool // CLOSE is on its way; set under conn.mu

	mu      sync.Mutex
	pattern string // guarded by mu: of the listing
}

func (f *file) tree() *tree { return f.at.Load().tree }
func (f *file) conn() *conn { return f.tree().sess.conn }
func (f *file) pipe() bool  { return f.tree().pipe }

// name is that of the file on its share: a rename through an open that shares its lease changes it.
func (f *file) name() string {
	if f.lease == nil {
		return f.to.name
	}
	f.lease.mu.Lock()
	defer f.lease.mu.Unlock()
	return f.lease.path
}

// exchange makes one for a request to the file.
func (f *file) exchange(op *operation, r *api.Request) *exchange {
	return f.exchangeAt(f.at.Load(), op, r)
}

// exchangeAt makes one for where the file is, or was.
func (f *file) exchangeAt(at *place, op *operation, r *api.Request) *exchange {
	x := newExchange(op, at.tree.sess.conn, at.tree.sess, at.tree)
	x.file, x.fid, x.r, x.sequence = f, at.fid, r, at.sequence
	if !r.Pended() {
		x.pend = f.cancelRequest
	} else {
		x.replay = at.sequence > 0 && modifies(op)
	}
	x.in, x.out = r.In, r.Out
	return x
}

// send starts a request that one message carries, in bytes of input and out of output.
func (f *file) send(op *operation, r *api.Request) {
	if f.settles(r) {
		return
	}
	at := f.at.Load()
	c := at.tree.sess.conn
	if f.share {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	if len(r.In) > min(c.maxTransact, creditSize) && len(r.In) > c.fit(len(r.In), c.maxTransact) {
		r.Complete(nt.StatusInvalidBufferSize, 0)
		return
	}
	x := f.exchangeAt(at, op, r)
	x.out = r.Out[:c.fit(len(r.Out), c.maxTransact)]
	x.charge = c.chargeFor(max(len(x.in), len(x.out)))
	x.waited = r.Waited
	c.start(x)
}

// opClose is CLOSE (MS-SMB2 3.2.4.5); the attributes are not asked for.
var opClose = operation{
	cmd:  smb2.Close,
	size: func(*exchange) int { return 24 },
	encode: func(x *exchange, b []byte) []byte {
		return (&smb2.CloseRequest{FileID: x.fid}).Append(b)
	},
	decode: func(_ *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		_, err := smb2.ParseCloseResponse(body)
		return st, 0, err
	},
}

// Cleanup sends the CLOSE behind everything that was submitted before. What waits for others to be answered ends here: it would come too late.
func (f *file) Cleanup() {
	if f.lease != nil {
		f.lease.leave(f)
		if f.lease.wroteBehind(f) && f.lease.whenClean(f.cleanup) {
			return
		}
	}
	f.cleanup()
}

func (f *file) cleanup() {
	if st := f.takeLate(); st != nt.StatusSuccess {
		f.d.log.Error("a file was closed, and what was written to it is lost", "server", f.to.server(), "share", f.to.share, "name", f.name(), "status", st)
	}
	if f.over {
		f.gone(f.tree())
		return
	}
	if f.lease != nil && f.lease.dir != nil && f.d.keep(f) {
		return
	}
	if f.durable != nil && f.closeLost() {
		return
	}
	f.sendClose()
}

// sendClose closes the file where it is.
func (f *file) sendClose() {
	c := f.conn()
	f.queueClose()()
	c.pump()
}

// queueClose puts the CLOSE in line, and gives what is to be done when no lock is held.
func (f *file) queueClose() func() {
	at := f.at.Load()
	c := at.tree.sess.conn
	x := newExchange(&opClose, c, at.tree.sess, at.tree)
	x.file, x.fid, x.done, x.sequence = f, at.fid, closeDone, at.sequence
	var late []*exchange
	c.mu.Lock()
	f.closed.Store(true)
	send := !f.share && !c.dead
	if send {
		c.bulky.each(func(y *exchange) {
			if y.file == f {
				c.drop(y)
				late = append(late, y)
			}
		})
		c.queue(x)
	}
	c.mu.Unlock()
	return func() {
		for _, y := range late {
			y.complete(nt.StatusCancelled, 0)
		}
		switch {
		case send:
		case f.share:
			x.complete(nt.StatusSuccess, 0)
		default:
			x.complete(nt.StatusConnectionDisconnected, 0)
		}
	}
}

func closeDone(x *exchange, st nt.Status, _ int) {
	f := x.file
	if st == nt.StatusConnectionDisconnected && f.move() {
		f.sendClose()
		return
	}
	if st == nt.StatusConnectionDisconnected && f.durable != nil && f.closeAgain(x.tree) {
		return
	}
	f.gone(x.tree)
}

// gone lets go of what a file that is closed had.
func (f *file) gone(t *tree) {
	d := f.d
	if f.changes != nil {
		d.mu.Lock()
		d.changed(f.changes)
		f.changes = nil
		d.mu.Unlock()
	}
	if f.lease != nil {
		d.dropLease(f.lease)
	}
	if f.durable != nil {
		d.mu.Lock()
		if d.durables--; d.durables == 0 && d.settled != nil {
			close(d.settled)
			d.settled = nil
		}
		d.mu.Unlock()
	}
	d.release(t)
}

// Close has nothing left to do.
func (f *file) Close() {}

// opFlush is FLUSH (MS-SMB2 3.2.4.8).
var opFlush = operation{
	cmd:  smb2.Flush,
	size: func(*exchange) int { return 24 },
	encode: func(x *exchange, b []byte) []byte {
		return (&smb2.FlushRequest{FileID: x.fid}).Append(b)
	},
	decode: func(_ *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		_, err := smb2.ParseFlushResponse(body)
		return st, 0, err
	},
}

// Flush makes what was written durable.
func (f *file) Flush(r *api.Request) {
	if f.settles(r) || f.refused(r) {
		return
	}
	f.send(&opFlush, r)
}
