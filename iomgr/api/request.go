package api

import (
	"strconv"
	"sync/atomic"

	"lwio/iomgr/nt"
)

// Handle names an open file. Only the API that gave it understands it.
type Handle interface {
	// HandleString shows the handle in logs and traces.
	HandleString() string
}

// Request is one operation on its way through the manager and a driver. The submitter fills the upper half and does
// not touch it, nor the buffers, until it has completed. A Request is used once, unless it is Reusable.
type Request struct {
	Op Op
	// Waited is the submitter's to set: the goroutine that submits the request does nothing then but call Attend and wait for Done.
	Waited bool
	// Lent is the submitter's to set too: the goroutine that submits the request may be used for whatever follows from it, for as long as that takes. When Submit has
	// returned it asks Borrowed what for. Its own work others can take over meanwhile.
	Lent bool
	// Place may be set by a submitter too, to a number that differs between requests that different processors make, mostly: by it they are counted apart.
	Place uint8
	// Unsteady is the submitter's to set: In is memory that another process can write meanwhile. Who must find the same there twice copies it.
	Unsteady bool

	Handle Handle // the target; nil for creates
	Source Handle // where from, only in process: of a control that is about two files, the other one; of a write, an Inflow

	Create *CreateArgs // OpCreate, OpCreateNamedPipe
	Dir    *DirArgs    // OpQueryDirectory
	Lock   *LockArgs   // OpLock, OpUnlock

	Code   uint32 // control code, information class, SECURITY_INFORMATION, or notify filter
	Flags  uint32 // FlagWatchTree, FlagWriteThrough
	In     []byte // data to write, input of a control, information to set
	Out    []byte // where to read to; its length is the limit
	Offset int64  // of reads and writes
	Room   int    // OpNotifyChange with no Out: how much may come; the driver makes Out when something does

	// Activity says for which request of a client of the network this is, if it is for one. Traces join by it.
	Activity Activity

	// Done is called once when the request has completed, on whatever goroutine completes it, possibly before Submit returns. It must not
	// block. May be nil.
	Done func(*Request)
	// Owner is the submitter's own; nobody else looks at it.
	Owner any

	lead func(*Request)

	// From here on is what a request that is submitted again changes: it has a cache line of its own.

	// Status and N are the result, valid once completed: N counts the bytes of Out that hold data, or of In that were taken.
	Status nt.Status
	state  uint32 // changed by atomic operations alone, from Submit on
	N      int

	file   *File
	by     *Request // until Done has returned: the Lent request that completes this one
	work   func()   // what the goroutine of a Lent request is borrowed for
	cancel func(*Request)

	next, prev *Request // in file.pending, guarded by file.mu
}

// Activity names a request of a client of the network: the SMB server's connection, counted from 1, the session on it, and the request's message id. The zero value
// names none.
type Activity struct {
	Connection, Session, Message uint64
}

// IsZero reports whether it names no request.
func (a Activity) IsZero() bool { return a.Connection == 0 }

// String is the name by which traces join, "connection/message"; empty for none.
func (a Activity) String() string {
	if a.IsZero() {
		return ""
	}
	return strconv.FormatUint(a.Connection, 10) + "/" + strconv.FormatUint(a.Message, 10)
}

// Flags of a request.
const (
	// FlagWatchTree asks NotifyChangeDirectoryFile for the whole tree.
	FlagWatchTree = 1 << iota
	// FlagWriteThrough has a write complete when its data are durable.
	FlagWriteThrough
)

const (
	stateCancelled = 1 << iota // cancel was asked for
	statePending               // the driver has pended it
	stateCompleted
	statePinned // somebody is about to cancel it
	stateListed // it is, or was, in file.pending
)

// File is the file object that the request is for: in a create, the one being made.
func (r *Request) File() *File { return r.file }

// Pend tells that the request will be completed later. cancel is called, at most once and without locks held, when the request is to end early;
// it must complete the request with StatusCancelled if the request is still the driver's, and do nothing if the driver has
// completed it or is about to. Pend returns false if the request was cancelled already: then the driver completes it
// with StatusCancelled itself. A driver calls Pend under the lock that its cancel function takes, before it queues the request.
func (r *Request) Pend(cancel func(*Request)) bool {
	r.cancel = cancel
	f := r.file
	if f == nil { // an implementation of API whose files are elsewhere
		return r.markPending(0)
	}
	f.mu.Lock()
	if !r.markPending(stateListed) {
		f.mu.Unlock()
		return false
	}
	r.prev, r.next = nil, f.pending
	if f.pending != nil {
		f.pending.prev = r
	}
	f.pending = r
	f.mu.Unlock()
	f.countPended(r)
	return true
}

// PendKept is Pend for a file that keeps a list of such requests itself, which is a Keeper.
func (r *Request) PendKept(cancel func(*Request)) bool {
	r.cancel = cancel
	if !r.markPending(0) {
		return false
	}
	if r.file != nil {
		r.file.countPended(r)
	}
	return true
}

func (r *Request) markPending(how uint32) bool {
	for {
		s := atomic.LoadUint32(&r.state)
		if s&stateCancelled != 0 {
			return false
		}
		if atomic.CompareAndSwapUint32(&r.state, s, s|statePending|how) {
			return true
		}
	}
}

// Pended reports whether the request was ever pended; srv sends interim responses for those.
func (r *Request) Pended() bool { return atomic.LoadUint32(&r.state)&statePending != 0 }

// Completed reports whether the result is there.
func (r *Request) Completed() bool { return atomic.LoadUint32(&r.state)&stateCompleted != 0 }

// Cancelled reports whether somebody asked for the request to end. A driver that works long in one request looks at it.
func (r *Request) Cancelled() bool { return atomic.LoadUint32(&r.state)&stateCancelled != 0 }

// Lead has the goroutine that waits for the request work for the driver meanwhile: where the answer comes from elsewhere, who wants it takes it in, and no
// goroutine has to wake another. A driver calls it before Submit returns, on the goroutine that submits, for a request that is Waited. work
// goes on until the request has completed, or for a few milliseconds.
func (r *Request) Lead(work func(*Request)) { r.lead = work }

// Attend works for the driver if it asked for that. It is for who has submitted a request that is Waited.
func (r *Request) Attend() {
	if r.lead != nil {
		r.lead(r)
	}
}

// BroughtBy tells, before the driver completes the request, that another one has what it waited for: a write completes a read. It is called on the goroutine
// that submits the other.
func (r *Request) BroughtBy(by *Request) {
	if by.Lent {
		r.by = by
		if r.Place != by.Place { // it is submitted again by the same processor
			r.Place = by.Place
		}
	}
}

// Borrow has work run on the goroutine that brought what the request waited for, once that has returned from Submit and holds no lock; so a message is processed
// where it came from, and no goroutine has to wake another. It is for Done. False says that nobody lends his.
func (r *Request) Borrow(work func()) bool {
	by := r.by
	r.by = nil
	if by == nil || by.work != nil {
		return false
	}
	by.work = work
	return true
}

// Borrowed gives what the goroutine that has submitted a request that is Lent is wanted for; nil is nothing. The request may have completed or not, and it does
// not matter whether it does before that is done.
func (r *Request) Borrowed() (work func()) {
	work, r.work = r.work, nil
	return work
}

// Reusable reports whether the request, which has completed, can become another one: nobody who was about to cancel it knows it any more, besides whom its
// submitter told of it.
func (r *Request) Reusable() bool {
	return atomic.LoadUint32(&r.state)&(statePinned|stateCancelled) == 0
}

// Again makes a request that has completed and is Reusable one that may be submitted once more: what the submitter has filled in stays.
func (r *Request) Again() {
	r.Status, r.N, r.state = 0, 0, 0
	r.file, r.lead, r.by, r.work, r.cancel = nil, nil, nil, nil, nil
}

// Cancel asks for the request to end early. It still completes, through Done, with StatusCancelled or with what it had reached.
func (r *Request) Cancel() {
	for {
		s := atomic.LoadUint32(&r.state)
		if s&(stateCancelled|stateCompleted) != 0 {
			return
		}
		if atomic.CompareAndSwapUint32(&r.state, s, s|stateCancelled) {
			if s&statePending != 0 {
				r.cancel(r)
			}
			return
		}
	}
}

// Complete ends the request with a status and a count of bytes. It is called once, by the driver, with no lock held.
func (r *Request) Complete(status nt.Status, n int) {
	r.Status, r.N = status, n
	var s uint32
	for {
		s = atomic.LoadUint32(&r.state)
		if s&stateCompleted != 0 {
			panic("api: " + r.Op.String() + " request completed twice")
		}
		if atomic.CompareAndSwapUint32(&r.state, s, s|stateCompleted) {
			break
		}
	}
	if r.file != nil {
		r.file.finish(r, s&stateListed != 0)
	}
	if r.Done != nil {
		r.Done(r) // which may let r be used for something else
	}
}

// Reply completes with data that is wanted whole: where Out has no room the status is StatusBufferTooSmall and the count what is needed.
func (r *Request) Reply(data []byte) {
	if len(r.Out) < len(data) {
		r.Complete(nt.StatusBufferTooSmall, len(data))
		return
	}
	r.Complete(nt.StatusSuccess, copy(r.Out, data))
}

// ReplyPart completes with data of which a part is of use: less than the first bytes of it are refused with StatusInfoLengthMismatch, more come
// with StatusBufferOverflow unless they are all.
func (r *Request) ReplyPart(data []byte, first int) {
	n := copy(r.Out, data)
	switch {
	case n == len(data):
		r.Complete(nt.StatusSuccess, n)
	case n < first:
		r.Complete(nt.StatusInfoLengthMismatch, 0)
	default:
		r.Complete(nt.StatusBufferOverflow, n)
	}
}

// Limit is how many bytes of output the request takes.
func (r *Request) Limit() int {
	if r.Out == nil {
		return r.Room
	}
	return len(r.Out)
}

// Give makes data the output, as far as they fit, and tells how far that is.
func (r *Request) Give(data []byte) int {
	if r.Out == nil {
		r.Out = data[:min(len(data), r.Room)]
		return len(r.Out)
	}
	return copy(r.Out, data)
}

// Fail is Complete for an error, mapped by nt.StatusOf.
func (r *Request) Fail(err error) { r.Complete(nt.StatusOf(err), 0) }
