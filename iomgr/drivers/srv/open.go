package srv

import (
	"sync/atomic"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// open is a file, directory or pipe that a client has open (MS-SMB2 3.3.1.10).
type open struct {
	id      smb2.FileID
	number  uint32 // the id that administrators see
	sess    *session
	tree    *tree
	handle  api.Handle
	name    atomic.Pointer[string] // relative to the share
	granted nt.AccessMask
	created time.Time
	locks   atomic.Int32
	closed  atomic.Bool

	lease    *lease      // nil for none; guarded by leases.mu
	breaking atomic.Bool // the client was told to give up its oplock and has not answered
	breakTo  uint8       // what it may keep; set before breaking is

	next, prev *open // in session.files, guarded by session.mu
}

// openNumbers count for every server of the process: they are only ever compared.
var openNumbers atomic.Uint32

// register gives an open its id and puts it into the tables. False if its session or tree went while it was being made.
func (o *open) register() nt.Status {
	s := o.sess
	srv := s.srv
	o.id = smb2.FileID{Persistent: srv.ids.id(), Volatile: srv.ids.id()}
	o.created = time.Now()
	for o.number == 0 {
		o.number = openNumbers.Add(1)
	}
	s.mu.Lock()
	switch {
	case s.gone.Load():
		s.mu.Unlock()
		return nt.StatusUserSessionDeleted
	case o.tree.gone.Load():
		s.mu.Unlock()
		return nt.StatusNetworkNameDeleted
	}
	if o.next = s.files; o.next != nil {
		o.next.prev = o
	}
	s.files = o
	s.opens.Add(1)
	o.tree.opens.Add(1)
	srv.opens.put(o.id.Persistent, o)
	s.mu.Unlock()
	return nt.StatusSuccess
}

// unregister takes the open out of the tables; false if somebody else did.
func (o *open) unregister() bool {
	if o.closed.Swap(true) {
		return false
	}
	s := o.sess
	s.srv.opens.remove(o.id.Persistent)
	s.srv.leases.remove(o)
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
	o.tree.opens.Add(-1)
	return true
}

// close lets the handle go. What waits on it ends.
func (o *open) close() {
	if o.unregister() {
		_ = o.sess.srv.api.Close(o.handle)
	}
}
