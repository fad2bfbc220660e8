package ipc

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// What a handle is for, as far as it is known: only a file can be read in pieces. A message of a pipe is read by one request.
const (
	unknown = iota
	asked
	disk
	other
)

// deviceDisk is FILE_DEVICE_DISK (MS-FSCC 2.5.10).
const deviceDisk = 7

// ahead is how many pieces of a read are under way at once: while one is copied out of the region the server reads the next.
const ahead = 3

// inPieces reports whether a read is to be done in pieces. It asks the server what the handle is for when that is of interest for the first time.
func (c *Client) inPieces(r *api.Request) bool {
	h, ok := r.Handle.(*handle)
	if !ok || r.Op != api.OpRead || len(r.Out) <= slotSize || r.Offset < 0 || c.shared == nil {
		return false
	}
	if _, ok := c.inBuffer(r); ok {
		return false
	}
	if h.kind.CompareAndSwap(unknown, asked) {
		c.Submit(&api.Request{Op: api.OpQueryVolume, Handle: h, Code: uint32(nt.FileFsDeviceInformation), Out: make([]byte, 8), Done: func(q *api.Request) {
			if q.Status == nt.StatusSuccess && q.N >= 4 && le.Uint32(q.Out) == deviceDisk {
				h.kind.Store(disk)
			} else {
				h.kind.Store(other)
			}
		}})
	}
	return h.kind.Load() == disk
}

// pieces is a read of a file in pieces.
type pieces struct {
	c *Client
	r *api.Request

	mu        sync.Mutex
	next      int                 // guarded by mu: where the next piece begins
	subs      [ahead]*api.Request // guarded by mu: those under way
	under     int                 // guarded by mu: how many
	end       int                 // guarded by mu: where what was read ends
	status    nt.Status           // guarded by mu: of the piece that ended it
	cancelled bool                // guarded by mu
}

func (c *Client) readPieces(r *api.Request) {
	p := &pieces{c: c, r: r, end: len(r.Out)}
	if !r.Pend(p.cancel) {
		r.Complete(nt.StatusCancelled, 0)
		return
	}
	p.mu.Lock()
	var list [ahead]*api.Request
	n := 0
	for ; n < ahead; n++ {
		if list[n] = p.piece(); list[n] == nil {
			break
		}
	}
	p.mu.Unlock()
	for _, sub := range list[:n] {
		c.Submit(sub)
	}
}

// piece makes the next piece; nil if there is none to read. mu is held.
func (p *pieces) piece() *api.Request {
	if p.next >= p.end || p.cancelled {
		return nil
	}
	r := p.r
	n := min(slotSize, len(r.Out)-p.next)
	sub := &api.Request{Op: r.Op, Handle: r.Handle, Offset: r.Offset + int64(p.next), Flags: r.Flags, Activity: r.Activity,
		Out: r.Out[p.next : p.next+n : p.next+n], Done: p.done}
	p.next += n
	for i := range p.subs {
		if p.subs[i] == nil {
			p.subs[i] = sub
			break
		}
	}
	p.under++
	return sub
}

// done takes a piece that was read, or was not.
func (p *pieces) done(sub *api.Request) {
	p.mu.Lock()
	for i := range p.subs {
		if p.subs[i] == sub {
			p.subs[i] = nil
		}
	}
	p.under--
	at := int(sub.Offset - p.r.Offset)
	if end := at + sub.N; sub.Status.IsError() || sub.N < len(sub.Out) {
		if sub.Status.IsError() {
			end = at
		}
		if end < p.end {
			p.end, p.status = end, sub.Status
		}
	}
	next := p.piece()
	last := p.under == 0
	p.mu.Unlock()
	switch {
	case next != nil:
		p.c.Submit(next)
	case last:
		p.finish()
	}
}

// finish completes the read as one request would have been: what stands before the end of the file is what was read, and another error is one of the whole.
func (p *pieces) finish() {
	if p.next < p.end && !p.status.IsError() { // the rest was not asked for any more
		p.status = nt.StatusCancelled
	}
	switch st := p.status; {
	case st == nt.StatusEndOfFile && p.end > 0, !st.IsError():
		p.r.Complete(nt.StatusSuccess, p.end)
	default:
		p.r.Complete(st, 0)
	}
}

// cancel ends the pieces that are under way.
func (p *pieces) cancel(*api.Request) {
	p.mu.Lock()
	p.cancelled = true
	subs := p.subs
	p.mu.Unlock()
	for _, sub := range subs {
		if sub != nil {
			sub.Cancel()
		}
	}
}
