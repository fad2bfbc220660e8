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

// Opens are the opens of one stream or directory: their share modes, oplocks and leases (MS-FSA 2.1.4.12, 2.1.5.1.2.2, 2.1.5.18, with the answers that
// Windows gives where they differ). The zero value has none.
//
// An open goes through it in two steps: Enter, which breaks what is in its way and lets it in, refuses it or has it wait; Grant, for what it
// asks for itself. What breaks is told by Receive, which a driver ties to a request that it pends: a break that nobody receives yet is kept.
type Opens struct {
	// Timeout is how long a holder may take to acknowledge a break; it has lost everything then. Zero means DefaultBreakTimeout.
	// It is set before first use.
	Timeout time.Duration

	mu      sync.Mutex
	modes   Share         // guarded by mu
	opens   []*Open       // guarded by mu
	holders []*holder     // guarded by mu
	waits   []*OplockWait // guarded by mu
}

// Open is one open's part in it.
type Open struct {
	access nt.AccessMask // set once, as share is
	share  uint32
	holder *holder     // nil without an oplock or lease; guarded by Opens.mu
	recv   func(Break) // guarded by Opens.mu
}

// holder is a lease, or the oplock of one open. Guarded by Opens.mu.
type holder struct {
	key                 LeaseKey
	lease               bool
	version             uint8
	epoch               uint16
	state               LeaseState
	breaking            bool
	requested, required LeaseState // while breaking: what the holder was told, and what has to come of it
	opens               []*Open
	kept                []Break // that nobody has received
	timer               *time.Timer
	breaks              uint64 // counts, so that a timer that was late hits nothing newer
}

// OplockWait is somebody who waits for a break to end.
type OplockWait struct {
	o     *Opens
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
	Access     nt.AccessMask
	Share      uint32 // FILE_SHARE_*
	Overwrites bool   // supersede, overwrite, overwrite-if
	Key        *LeaseKey
	Again      bool // it has waited before
}

// Enter breaks what stands in the way of an open and lets it in. The status is StatusSharingViolation if the share modes do not fit, or
// StatusPending if it has to wait before it is judged again: for a holder that has data to write back, or, where the share modes do not fit, for
// one that may close a handle which it only caches. again is called then, once, when that may have changed.
func (o *Opens) Enter(in Opening, again func()) (*Open, *OplockWait, nt.Status) {
	var out sends
	o.mu.Lock()
	status := o.modes.Check(in.Access, in.Share)
	if o.contend(&in, status != nt.StatusSuccess, &out) {
		w := &OplockWait{o, again}
		o.waits = append(o.waits, w)
		o.mu.Unlock()
		out.send()
		return nil, w, nt.StatusPending
	}
	var op *Open
	if status == nt.StatusSuccess {
		op = &Open{access: in.Access, share: in.Share}
		o.opens = append(o.opens, op)
		o.modes.Add(in.Access, in.Share)
	}
	o.mu.Unlock()
	out.send()
	return op, nil, status
}

// contend breaks what is in the way of an open, and says whether there is something to wait for. The caller holds mu.
func (o *Opens) contend(in *Opening, violation bool, out *sends) (wait bool) {
	if OplockStatOpen(in.Access) {
		return false
	}
	mask := LeaseWrite
	if violation {
		mask = LeaseHandle
	}
	overwrite := in.Overwrites && !violation
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
		o.breakTo(h, to, out)
	}
	return wait
}

// ContendHandles breaks what lets others keep the file open in their caches, for an open that renames or deletes it. If there is something to
// wait for, again is called once when that may have changed.
func (o *Opens) ContendHandles(by *Open, again func()) (*OplockWait, bool) {
	var out sends
	var w *OplockWait
	o.mu.Lock()
	for _, h := range o.holders {
		if by != nil && h == by.holder || h.state&LeaseHandle == 0 {
			continue
		}
		if w == nil {
			w = &OplockWait{o, again}
			o.waits = append(o.waits, w)
		}
		to := h.state &^ LeaseHandle
		if !h.lease {
			to &= LeaseRead
		}
		o.breakTo(h, to, &out)
	}
	o.mu.Unlock()
	out.send()
	return w, w != nil
}

// ContendReads takes what others have read from them, for an open that changes the data: a write, a new end of file, a lock. The lease of
// the open itself stays; an oplock of level II does not, be it the open's own. Nobody has to wait.
func (o *Opens) ContendReads(by *Open) {
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
func (o *Opens) ContendDirectory(parent *LeaseKey) {
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
func (o *Opens) Any(bits LeaseState) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range o.holders {
		if h.state&bits != 0 {
			return true
		}
	}
	return false
}

// Remove lets an open go; a lease goes with its last one. Those who wait look again.
func (o *Opens) Remove(op *Open) {
	o.mu.Lock()
	o.opens = without(o.opens, op)
	o.modes.Remove(op.access, op.share)
	op.recv = nil
	if h := op.holder; h != nil {
		op.holder = nil
		if h.opens = without(h.opens, op); len(h.opens) == 0 {
			o.drop(h)
		}
	}
	again := o.wake() // a share mode may fit now
	o.mu.Unlock()
	retry(again)
}

func (o *Opens) drop(h *holder) {
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
func (o *Opens) wake() []*OplockWait {
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

// Modes gives the share modes as they are.
func (o *Opens) Modes() Share {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.modes
}

// Rejoin lets an open in without a check: a durable open that comes back.
func (o *Opens) Rejoin(access nt.AccessMask, share uint32) *Open {
	op := &Open{access: access, share: share}
	o.mu.Lock()
	o.opens = append(o.opens, op)
	o.modes.Add(access, share)
	o.mu.Unlock()
	return op
}
