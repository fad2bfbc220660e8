package fsrtl

import "time"

// ContendForeign breaks what stands in the way of an open by somebody who is none of these opens: a local program, of which the operating system tells. One
// that reads wants what others have written back; one that writes takes what they read, too. If there is something to wait for, again is called
// once when that may have changed.
func (o *Opens) ContendForeign(writes bool, again func()) (*OplockWait, bool) {
	var out sends
	var w *OplockWait
	o.mu.Lock()
	mask := LeaseWrite
	if writes {
		mask = LeaseRead | LeaseHandle | LeaseWrite
	}
	waits := false
	for _, h := range o.holders {
		if h.state&mask != 0 {
			to := h.state &^ mask
			if !h.lease {
				to &= LeaseRead
			}
			o.breakTo(h, to, &out)
		}
		waits = waits || h.breaking
	}
	if waits {
		w = &OplockWait{o, again}
		o.waits = append(o.waits, w)
	}
	o.mu.Unlock()
	out.send()
	return w, waits
}

// Later has again called once after a while, for an open in whose way is something that tells nobody when it goes.
func (o *Opens) Later(after time.Duration, again func()) *OplockWait {
	w := &OplockWait{o, again}
	o.mu.Lock()
	o.waits = append(o.waits, w)
	o.mu.Unlock()
	time.AfterFunc(after, func() {
		o.mu.Lock()
		o.waits = without(o.waits, w)
		o.mu.Unlock()
		retry([]*OplockWait{w})
	})
	return w
}
