package fsrtl

import (
	"time"

	"lwio/iomgr/nt"
)

// sends are breaks to be told once the lock is let go.
type sends []func()

func (s sends) send() {
	for _, f := range s {
		f()
	}
}

// breakTo breaks a holder to a lesser state. One that is breaking already is told when it has acknowledged what it was told before. The
// caller holds mu.
func (o *Opens) breakTo(h *holder, to LeaseState, out *sends) {
	to &= h.state
	switch {
	case h.breaking:
		h.required &= to
	case h.state == to:
	case h.state == LeaseRead: // nothing to write back, nothing to wait for
		h.state = 0
		h.epoch++
		o.tell(h, Break{From: LeaseRead}, out)
	default:
		h.breaking, h.requested, h.required = true, to, to
		h.epoch++
		o.tell(h, Break{From: h.state, To: to, AckRequired: true}, out)
		o.start(h)
	}
}

// tell gives a break to who receives for the holder, or keeps it.
func (o *Opens) tell(h *holder, b Break, out *sends) {
	b.Lease, b.Key = h.lease, h.key
	if h.version > 1 {
		b.Epoch = h.epoch
	}
	if len(h.kept) == 0 {
		for _, op := range h.opens {
			if recv := op.recv; recv != nil {
				op.recv = nil
				*out = append(*out, func() { recv(b) })
				return
			}
		}
	}
	h.kept = append(h.kept, b)
}

// Receive has recv called with the next break of the open's oplock or lease, once. An open without one receives none. It reports whether the
// open holds anything that could break.
func (o *Opens) Receive(op *Open, recv func(Break)) bool {
	o.mu.Lock()
	h := op.holder
	if h == nil {
		o.mu.Unlock()
		return false
	}
	if len(h.kept) == 0 {
		op.recv = recv
		o.mu.Unlock()
		return true
	}
	b := h.kept[0]
	h.kept = h.kept[1:]
	o.mu.Unlock()
	recv(b)
	return true
}

// Unreceive takes back what Receive was given; it reports whether recv is never called.
func (o *Opens) Unreceive(op *Open) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := op.recv != nil
	op.recv = nil
	return was
}

// start begins the time that a holder has. The caller holds mu.
func (o *Opens) start(h *holder) {
	h.stop()
	timeout := o.Timeout
	if timeout == 0 {
		timeout = DefaultBreakTimeout
	}
	n := h.breaks
	h.timer = time.AfterFunc(timeout, func() { o.expire(h, n) })
}

func (h *holder) stop() {
	h.breaks++
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
}

// expire takes everything from a holder that did not answer.
func (o *Opens) expire(h *holder, n uint64) {
	o.mu.Lock()
	if !h.breaking || h.breaks != n {
		o.mu.Unlock()
		return
	}
	h.state = 0
	h.end()
	again := o.wake()
	o.mu.Unlock()
	retry(again)
}

func (h *holder) end() {
	h.breaking, h.requested, h.required = false, 0, 0
	h.stop()
}

// Acknowledge is the holder's answer to a break: what it keeps. It may keep less than it was told, never more.
//
// StatusUnsuccessful if nothing breaks, StatusRequestNotAccepted for more than it was told; StatusOplockBreakInProgress says that it
// has to give up more yet, about which another break tells it. For an oplock the first two are StatusInvalidOplockProtocol.
func (o *Opens) Acknowledge(op *Open, keeps LeaseState) nt.Status {
	o.mu.Lock()
	h := op.holder
	if h == nil {
		o.mu.Unlock()
		return nt.StatusInvalidOplockProtocol
	}
	status := h.acknowledge(keeps)
	var out sends
	var again []*OplockWait
	switch status {
	case nt.StatusSuccess:
		h.end()
		again = o.wake()
	case nt.StatusOplockBreakInProgress:
		o.more(h, &out)
		again = o.wake()
	}
	o.mu.Unlock()
	out.send()
	retry(again)
	return status
}

// acknowledge takes the answer, if it is one.
func (h *holder) acknowledge(keeps LeaseState) nt.Status {
	switch {
	case !h.breaking && h.lease:
		return nt.StatusUnsuccessful
	case keeps&h.requested != keeps && h.lease:
		return nt.StatusRequestNotAccepted
	case !h.breaking:
		return nt.StatusInvalidOplockProtocol
	case keeps&h.requested != keeps:
		h.state = 0 // MS-SMB2 3.3.5.22.1: the oplock is lost
		h.end()
		return nt.StatusInvalidOplockProtocol
	}
	if keeps&LeaseRead == 0 {
		keeps = 0 // there is no state without it
	}
	h.state = keeps
	if keeps&^h.required != 0 {
		return nt.StatusOplockBreakInProgress
	}
	return nt.StatusSuccess
}

// more goes on to break a holder that has given up what it was told and has to give up more. It goes in steps: what is read is kept until
// the rest is gone.
func (o *Opens) more(h *holder, out *sends) {
	from, to := h.state, h.required
	if from&(LeaseWrite|LeaseHandle) != 0 {
		to = (to | LeaseRead) & from
		h.requested = to
		o.tell(h, Break{From: from, To: to, AckRequired: true}, out)
		o.start(h)
		return
	}
	h.state = 0
	h.end()
	o.tell(h, Break{From: from, To: to}, out)
}
