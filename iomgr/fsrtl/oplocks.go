package fsrtl

import (
	"sync"
	"time"

	"lwio/iomgr/nt"
)

// LeaseState is what a client may cache: the bits of MS-SMB2 2.2.13.2.8. The oplocks of old are states too: level II is Read, exclusive
// Read|Write, batch all three.
type LeaseState uint8

// The bits of a LeaseState.
const (
	LeaseRead   LeaseState = 1
	LeaseHandle LeaseState = 2
	LeaseWrite  LeaseState = 4
)

// String is the bits' letters in the order R, W, H; "-" for none.
func (s LeaseState) String() string {
	out := ""
	for _, b := range []struct {
		bit  LeaseState
		name string
	}{{LeaseRead, "R"}, {LeaseWrite, "W"}, {LeaseHandle, "H"}} {
		if s&b.bit != 0 {
			out += b.name
		}
	}
	if out == "" {
		return "-"
	}
	return out
}

// LeaseKey names a lease: the key that a client chose, and the client.
type LeaseKey struct{ Client, Key nt.GUID }

// OplockRequest is what an open asks for.
type OplockRequest struct {
	State   LeaseState
	Lease   bool // a lease, else an oplock
	Key     LeaseKey
	Version uint8  // of the lease, 1 or 2
	Epoch   uint16 // of a lease of version 2, as the client has it
}

// OplockGrant is what it gets.
type OplockGrant struct {
	State    LeaseState
	Epoch    uint16
	Version  uint8 // of the lease that there is
	Breaking bool  // the lease is breaking to a lesser state (SMB2_LEASE_FLAG_BREAK_IN_PROGRESS)
}

// Break tells a holder that it has to give something up.
type Break struct {
	From, To    LeaseState
	AckRequired bool
	Lease       bool
	Key         LeaseKey
	Epoch       uint16 // of a lease of version 2
}

// DefaultBreakTimeout is how long a holder has to acknowledge (MS-SMB2 3.3.2.5).
const DefaultBreakTimeout = 35 * time.Second

// Oplocks are the oplocks and leases of one stream or directory (MS-FSA 2.1.4.12, 2.1.5.18, with the answers that Windows gives where the two
// differ). The zero value has none.
//
// An open goes through it in three steps: Contend, which sends the breaks that it causes and says whether it has to wait for them; Add once it
// is let in; Grant, for what it asks for itself. What breaks is told by Receive, which a driver ties to a request that it pends: a break that
// nobody receives yet is kept.
type Oplocks struct {
	// Timeout is how long a holder may take to acknowledge a break; it has lost then what it should give up. Zero means DefaultBreakTimeout.
	// It is set before first use.
	Timeout time.Duration

	mu      sync.Mutex
	opens   []*OplockOpen // guarded by mu
	holders []*holder     // guarded by mu
	waits   []*OplockWait // guarded by mu
}

// OplockOpen is one open's part in it. The fields are set by Add.
type OplockOpen struct {
	access nt.AccessMask
	holder *holder     // nil without an oplock or lease; guarded by Oplocks.mu
	recv   func(Break) // guarded by Oplocks.mu
}

// holder is a lease, or the oplock of one open. Guarded by Oplocks.mu.
type holder struct {
	key                 LeaseKey
	lease               bool
	version             uint8
	epoch               uint16
	state               LeaseState
	breaking            bool
	requested, required LeaseState // while breaking: what the holder was told, and what has to come of it
	opens               []*OplockOpen
	kept                []Break // that nobody has received
	timer               *time.Timer
	breaks              uint64 // counts, so that a timer that was late hits nothing newer
}

// OplockWait is somebody who waits for breaks to end.
type OplockWait struct {
	o     *Oplocks
	again func() // nil once called; guarded by o.mu
}

// What an open may do without minding anybody's cache.
const (
	oplockStat = nt.Synchronize | nt.FileReadAttributes | nt.FileWriteAttributes
	leaseStat  = oplockStat | nt.ReadControl
)

// OplockStatOpen reports whether an open with this access breaks no oplock.
func OplockStatOpen(access nt.AccessMask) bool { return access&^oplockStat == 0 }

// Opening is an open that is about to be let in.
type Opening struct {
	Access           nt.AccessMask
	Overwrites       bool // supersede, overwrite, overwrite-if
	SharingViolation bool // its share mode does not fit as things are
	Key              *LeaseKey
	Again            bool // it has waited before
}

// Contend breaks what stands in the way of an open, and says whether it has to wait before it is judged again: for a holder that has data to write
// back, or, where the share modes do not fit, for one that may close a handle which it only caches.
func (o *Oplocks) Contend(in Opening) (wait bool) {
	if OplockStatOpen(in.Access) {
		return false
	}
	mask := LeaseWrite
	if in.SharingViolation {
		mask = LeaseHandle
	}
	overwrite := in.Overwrites && !in.SharingViolation
	var out sends
	o.mu.Lock()
	for _, h := range o.holders {
		if h.lease && (in.Key != nil && h.key == *in.Key || in.Access&^leaseStat == 0) {
			continue
		}
		to := h.state &^ mask
		if overwrite {
			to &^= LeaseHandle | LeaseRead
		}
		if h.state&^to == 0 {
			wait = wait || h.breaking
			continue
		}
		if overwrite {
			to = 0
		}
		if !h.lease {
			to &= LeaseRead
		}
		wait = wait || h.state&mask != 0 || h.breaking && in.Again
		o.breakTo(h, to, &out)
	}
	o.mu.Unlock()
	out.send()
	return wait
}

// ContendHandles breaks what lets others keep the file's name or the file itself open in their caches, for an open that renames or deletes; it says whether there
// is something to wait for.
func (o *Oplocks) ContendHandles(by *OplockOpen) (wait bool) {
	var out sends
	o.mu.Lock()
	for _, h := range o.holders {
		if by != nil && h == by.holder || h.state&LeaseHandle == 0 {
			continue
		}
		wait = true
		to := h.state &^ LeaseHandle
		if !h.lease {
			to &= LeaseRead
		}
		o.breakTo(h, to, &out)
	}
	o.mu.Unlock()
	out.send()
	return wait
}

// ContendReads takes what others have read from them, for an open that changes the data: a write, a new end of file, a lock. The lease of
// the open itself stays; an oplock of level II does not, be it the open's own. Nobody has to wait.
func (o *Oplocks) ContendReads(by *OplockOpen) {
	var out sends
	o.mu.Lock()
	for _, h := range o.holders {
		own := by != nil && h == by.holder
		if h.state&LeaseRead == 0 || own && (h.lease || h.state&LeaseWrite != 0) {
			continue
		}
		o.breakTo(h, 0, &out)
	}
	o.mu.Unlock()
	out.send()
}

// ContendDirectory takes what others know of a directory's entries from them, for an open below it that changed one. parent is the key
// under which that open's own client holds the directory, nil for none.
func (o *Oplocks) ContendDirectory(parent *LeaseKey) {
	var out sends
	o.mu.Lock()
	for _, h := range o.holders {
		if h.state&LeaseRead == 0 || h.lease && parent != nil && h.key == *parent {
			continue
		}
		o.breakTo(h, 0, &out)
	}
	o.mu.Unlock()
	out.send()
}

// Any reports whether there is a holder with one of the bits.
func (o *Oplocks) Any(bits LeaseState) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range o.holders {
		if h.state&bits != 0 {
			return true
		}
	}
	return false
}

// Add lets an open in.
func (o *Oplocks) Add(access nt.AccessMask) *OplockOpen {
	op := &OplockOpen{access: access}
	o.mu.Lock()
	o.opens = append(o.opens, op)
	o.mu.Unlock()
	return op
}

// Remove lets an open go; a lease goes with its last one. Those who wait look again.
func (o *Oplocks) Remove(op *OplockOpen) {
	o.mu.Lock()
	o.opens = without(o.opens, op)
	op.recv = nil
	var again []*OplockWait
	if h := op.holder; h != nil {
		op.holder = nil
		if h.opens = without(h.opens, op); len(h.opens) == 0 {
			o.drop(h)
		}
		again = o.wake()
	}
	o.mu.Unlock()
	retry(again)
}

func (o *Oplocks) drop(h *holder) {
	h.stop()
	o.holders = without(o.holders, h)
}

func without[T comparable](list []T, x T) []T {
	for i := range list {
		if list[i] == x {
			copy(list[i:], list[i+1:])
			var zero T
			list[len(list)-1] = zero
			return list[:len(list)-1]
		}
	}
	return list
}

// Wait calls again once, when something that an open may wait for has changed.
func (o *Oplocks) Wait(again func()) *OplockWait {
	w := &OplockWait{o, again}
	o.mu.Lock()
	o.waits = append(o.waits, w)
	o.mu.Unlock()
	return w
}

// Cancel ends the wait; it reports whether again is never called.
func (w *OplockWait) Cancel() bool {
	w.o.mu.Lock()
	defer w.o.mu.Unlock()
	if w.again == nil {
		return false
	}
	w.again = nil
	w.o.waits = without(w.o.waits, w)
	return true
}

// wake takes out all who wait. The caller holds mu, and calls retry without it.
func (o *Oplocks) wake() []*OplockWait {
	out := o.waits
	o.waits = nil
	return out
}

func retry(ws []*OplockWait) {
	for _, w := range ws {
		w.o.mu.Lock()
		again := w.again
		w.again = nil
		w.o.mu.Unlock()
		if again != nil {
			again()
		}
	}
}
