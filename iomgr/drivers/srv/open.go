package srv

import (
	"sync"
	"sync/atomic"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// open is a file, directory or pipe that a client has open (MS-SMB2 3.3.1.10). It is reached through a tree, and is parked while it has none: a
// durable open whose connection has gone.
type open struct {
	srv     *server
	id      smb2.FileID
	number  uint32 // the id that administrators see
	share   *share
	tree    atomic.Pointer[tree] // nil while it is parked
	owner   *nt.Token            // who opened it
	client  nt.GUID              // with which ClientGuid
	handle  api.Handle
	name    atomic.Pointer[string] // relative to the share
	granted nt.AccessMask
	action  uint32 // what the create did
	posix   bool   // the semantics are those of POSIX
	created time.Time
	locks   atomic.Int32
	slow    atomic.Int32  // of a pipe: how many of the next requests another goroutine than the reader deals with
	flows   atomic.Bool   // of a file: the last READ that could went from it as pages
	closed  atomic.Bool   // changed under mu
	tally   atomic.Uint64 // a tally

	lease    *lease        // nil for none; guarded by leases.mu
	level    atomic.Uint32 // the oplock that the client holds, where it is no lease
	breaking atomic.Bool   // the client was told to give up its oplock and has not answered
	breakTo  uint8         // what it may keep; set before breaking is

	durable     atomic.Pointer[durable]     // nil if it goes with its connection
	persistence atomic.Pointer[persistence] // nil if it goes with the server
	fresh       atomic.Bool                 // the client has not used it yet: a replay of its create may come
	creation    *createID                   // under which a replay finds it, nil for none; guarded by creations.mu
	instance    *appInstance                // nil for none; guarded by instances.mu

	mu      sync.Mutex
	parked  bool                     // guarded by mu
	timer   *time.Timer              // guarded by mu: ends the parking
	lockSeq *[maxLockSequences]uint8 // guarded by mu; nil until there is one

	next, prev *open // in session.files, guarded by session.mu
}

// openNumbers count for every server of the process: they are only ever compared.
var openNumbers atomic.Uint32

// register gives an open its id and puts it into the tables. It fails if its session or tree went while it was being made.
func (o *open) register(t *tree) nt.Status {
	o.srv, o.share = t.sess.srv, t.share
	o.id = smb2.FileID{Persistent: o.srv.ids.id(), Volatile: o.srv.ids.id()}
	o.created = time.Now()
	for o.number == 0 {
		o.number = openNumbers.Add(1)
	}
	o.tree.Store(t)
	o.srv.opens.put(o.id.Persistent, o)
	st := o.link(t)
	if st != nt.StatusSuccess {
		o.closed.Store(true)
		o.srv.opens.remove(o.id.Persistent)
	}
	return st
}

// link makes the open one of a session's.
func (o *open) link(t *tree) nt.Status {
	s := t.sess
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.gone.Load():
		return nt.StatusUserSessionDeleted
	case t.gone.Load():
		return nt.StatusNetworkNameDeleted
	}
	if o.next = s.files; o.next != nil {
		o.next.prev = o
	}
	s.files = o
	s.opens.Add(1)
	t.opens.Add(1)
	return nt.StatusSuccess
}

func (o *open) unlink(t *tree) {
	s := t.sess
	s.mu.Lock()
	if o.prev != nil {
		o.prev.next = o.next
	} else {
		s.files = o.next
	}
	if o.next != nil {
		o.next.prev = o.prev
	}
	o.next, o.prev = nil, nil
	s.mu.Unlock()
	s.opens.Add(-1)
	t.opens.Add(-1)
}

// unregister takes the open out of the tables; false if somebody else did.
func (o *open) unregister() bool {
	o.mu.Lock()
	if o.closed.Swap(true) {
		o.mu.Unlock()
		return false
	}
	if o.timer != nil {
		o.timer.Stop()
	}
	if o.parked {
		o.parked = false
		o.srv.parked.Add(-1)
	}
	t := o.tree.Load()
	o.mu.Unlock()
	o.unsave()
	o.srv.opens.remove(o.id.Persistent)
	o.srv.leases.remove(o)
	o.srv.creations.remove(o)
	o.srv.instances.remove(o)
	if t != nil {
		t.recent.CompareAndSwap(o, nil)
		o.unlink(t)
	}
	return true
}

// close lets the handle go. What waits on it ends.
func (o *open) close() {
	if o.unregister() {
		_ = o.srv.api.Close(o.handle)
	}
}
