package fsrtl

// GrantArgs is what a grant depends on besides the oplocks themselves.
type GrantArgs struct {
	Directory   bool // there is nothing to write back
	Locked      bool // byte ranges are locked: nobody may read ahead
	Overwritten bool // by the open itself: locks there were are of no matter
	ReadOnly    bool // no write caching, for whatever reason
	Max         LeaseState
}

// Grant gives an open what it asks for, or as much of it as may be. An open with the key of a lease that there is joins it, and raises it
// if it asks for more and nothing is in the way of all of it.
func (o *Opens) Grant(op *Open, req OplockRequest, a GrantArgs) OplockGrant {
	o.mu.Lock()
	defer o.mu.Unlock()
	var mine *holder
	var handles, oplocks, others, written bool
	for _, h := range o.holders {
		if h.lease && req.Lease && h.key == req.Key {
			mine = h
			continue
		}
		handles = handles || h.state&LeaseHandle != 0
		oplocks = oplocks || !h.lease
		written = written || h.state&LeaseWrite != 0
		others = true // even one that holds nothing any more
	}
	for _, x := range o.opens {
		if x != op && !(x.holder != nil && x.holder == mine) && !OplockStatOpen(x.access) {
			others = true
		}
	}
	granted := req.State
	if a.Max != 0 {
		granted &= a.Max
	}
	if a.Directory || a.ReadOnly {
		granted &^= LeaseWrite
	}
	if req.Lease && (granted&LeaseRead == 0) {
		granted = 0
	}
	if a.Locked && !a.Overwritten {
		granted &^= LeaseRead | LeaseHandle
	}
	if others {
		granted &^= LeaseWrite
	}
	if granted&LeaseRead == 0 || written { // a stat open breaks nobody, and may not read what another has not written back
		granted = 0
	}
	if req.Lease {
		if oplocks {
			granted &^= LeaseHandle
		}
	} else {
		if handles {
			granted = 0
		}
		if granted&LeaseWrite == 0 {
			granted &= LeaseRead // there is no oplock of read and handle
		}
	}
	if mine != nil {
		asked := req.State
		if a.Directory {
			asked &^= LeaseWrite // which a directory does not know, and a client that asks for it means the rest
		}
		return o.join(mine, op, asked, granted)
	}
	if !req.Lease && granted == 0 {
		return OplockGrant{}
	}
	h := &holder{key: req.Key, lease: req.Lease, version: req.Version, state: granted, opens: []*Open{op}}
	if req.Lease && req.Version > 1 {
		h.epoch = req.Epoch + 1
	}
	op.holder = h
	o.holders = append(o.holders, h)
	return h.grant()
}

// join makes an open one of a lease's.
func (o *Opens) join(h *holder, op *Open, asked, granted LeaseState) OplockGrant {
	op.holder = h
	h.opens = append(h.opens, op)
	if h.state&asked == h.state && granted == asked && granted != h.state && !h.breaking {
		h.state = granted
		h.epoch++
	}
	return h.grant()
}

func (h *holder) grant() OplockGrant {
	g := OplockGrant{State: h.state, Version: h.version, Breaking: h.breaking}
	if h.version > 1 {
		g.Epoch = h.epoch
	}
	return g
}

// State is what the open, or its lease, holds.
func (o *Opens) State(op *Open) LeaseState {
	o.mu.Lock()
	defer o.mu.Unlock()
	if op.holder == nil {
		return 0
	}
	return op.holder.state
}

// Restore gives an open what it held before: a durable open that comes back. What a lease that there is holds, counts.
func (o *Opens) Restore(op *Open, req OplockRequest) OplockGrant {
	o.mu.Lock()
	defer o.mu.Unlock()
	if req.Lease {
		for _, h := range o.holders {
			if h.lease && h.key == req.Key {
				op.holder = h
				h.opens = append(h.opens, op)
				return h.grant()
			}
		}
	}
	h := &holder{key: req.Key, lease: req.Lease, version: req.Version, epoch: req.Epoch, state: req.State, opens: []*Open{op}}
	op.holder = h
	o.holders = append(o.holders, h)
	return h.grant()
}
