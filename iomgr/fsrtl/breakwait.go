package fsrtl

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// BreakWait is, for one handle, the controls by which the holder of an oplock or a lease hears that it breaks, and says what it keeps. The
// zero value is ready.
type BreakWait struct {
	mu     sync.Mutex
	waits  *Pended // guarded by mu
	closed bool    // guarded by mu
}

// Control answers the request if its code is one of the two, and reports whether it was.
func (w *BreakWait) Control(opens *Opens, open *Open, r *api.Request) bool {
	switch r.Code {
	case nt.FsctlOplockBreakNotify:
		w.await(opens, open, r)
	case nt.FsctlOplockBreakAcknowledge:
		if len(r.In) < 1 {
			r.Complete(nt.StatusInvalidParameter, 0)
			return true
		}
		r.Complete(opens.Acknowledge(open, LeaseState(r.In[0])), 0)
	default:
		return false
	}
	return true
}

// await pends until what the open or its lease caches has to be given up.
func (w *BreakWait) await(opens *Opens, open *Open, r *api.Request) {
	if len(r.Out) < api.OplockBreakLen {
		r.Complete(nt.StatusBufferTooSmall, 0)
		return
	}
	p := &Pended{Request: r}
	w.mu.Lock()
	if w.closed || w.waits != nil {
		w.mu.Unlock()
		r.Complete(nt.StatusInvalidOplockProtocol, 0)
		return
	}
	w.waits = p
	w.mu.Unlock()
	end := func(status nt.Status, data []byte) {
		w.mu.Lock()
		if w.waits == p {
			w.waits = nil
		}
		w.mu.Unlock()
		p.Complete(status, data)
	}
	if !opens.Receive(open, func(b Break) {
		end(nt.StatusSuccess, api.OplockBreak{From: uint8(b.From), To: uint8(b.To), AckRequired: b.AckRequired, Epoch: b.Epoch}.Append(nil))
	}) {
		end(nt.StatusInvalidOplockProtocol, nil)
	}
	p.Pend(func() {
		if opens.Unreceive(open) {
			end(nt.StatusCancelled, nil)
		}
	})
}

// Close ends the control that waits, and refuses later ones.
func (w *BreakWait) Close(opens *Opens, open *Open) {
	w.mu.Lock()
	p := w.waits
	w.waits, w.closed = nil, true
	w.mu.Unlock()
	if p != nil && opens.Unreceive(open) {
		p.Complete(nt.StatusCancelled, nil)
	}
}
