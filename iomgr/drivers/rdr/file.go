package rdr

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// file is an open file on a server.
type file struct {
	d     *redirector
	tree  *tree
	fid   smb2.FileID
	to    target
	share bool // the share of the pipes itself, which is no file

	cancelRequest func(*api.Request) // conn.cancel, made once

	closed bool // guarded by conn.mu: CLOSE is on its way

	mu      sync.Mutex
	pattern string // guarded by mu: of the listing
}

func (f *file) conn() *conn { return f.tree.sess.conn }

// exchange makes one for a request to the file.
func (f *file) exchange(op *operation, r *api.Request) *exchange {
	x := newExchange(op, f.conn(), f.tree.sess, f.tree)
	x.file, x.fid, x.r, x.pend = f, f.fid, r, f.cancelRequest
	x.in, x.out = r.In, r.Out
	return x
}

// send starts a request that one message carries, in bytes of input and out of output.
func (f *file) send(op *operation, r *api.Request) {
	c := f.conn()
	if f.share {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	if len(r.In) > min(c.maxTransact, creditSize) && len(r.In) > c.fit(len(r.In), c.maxTransact) {
		r.Complete(nt.StatusInvalidBufferSize, 0)
		return
	}
	x := f.exchange(op, r)
	x.out = r.Out[:c.fit(len(r.Out), c.maxTransact)]
	x.charge = c.chargeFor(max(len(x.in), len(x.out)))
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
	c := f.conn()
	x := newExchange(&opClose, c, f.tree.sess, f.tree)
	x.file, x.fid, x.done = f, f.fid, closeDone
	var late []*exchange
	c.mu.Lock()
	f.closed = true
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
	for _, y := range late {
		y.complete(nt.StatusCancelled, 0)
	}
	if send {
		c.pump()
	} else {
		x.complete(nt.StatusSuccess, 0)
	}
}

func closeDone(x *exchange, _ nt.Status, _ int) { x.file.d.release(x.file.tree) }

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
func (f *file) Flush(r *api.Request) { f.send(&opFlush, r) }
