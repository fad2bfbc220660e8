package pvfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// FsControl answers the file system controls.
func (f *file) FsControl(r *api.Request) {
	switch r.Code {
	case nt.FsctlOplockBreakNotify:
		f.awaitBreak(r)
	case nt.FsctlOplockBreakAcknowledge:
		if len(r.In) < 1 {
			r.Complete(nt.StatusInvalidParameter, 0)
			return
		}
		r.Complete(f.stream.opens.Acknowledge(f.open, fsrtl.LeaseState(r.In[0])), 0)
	default:
		f.control(r)
	}
}

// awaitBreak pends until what the open or its lease caches has to be given up.
func (f *file) awaitBreak(r *api.Request) {
	if len(r.Out) < api.OplockBreakLen {
		r.Complete(nt.StatusBufferTooSmall, 0)
		return
	}
	p := &fsrtl.Pended{Request: r}
	f.mu.Lock()
	if f.cleaned || f.breaks != nil {
		f.mu.Unlock()
		r.Complete(nt.StatusInvalidOplockProtocol, 0)
		return
	}
	f.breaks = p
	f.mu.Unlock()
	end := func(status nt.Status, data []byte) {
		f.mu.Lock()
		if f.breaks == p {
			f.breaks = nil
		}
		f.mu.Unlock()
		p.Complete(status, data)
	}
	if !f.stream.opens.Receive(f.open, func(b fsrtl.Break) {
		end(nt.StatusSuccess, api.OplockBreak{From: uint8(b.From), To: uint8(b.To), AckRequired: b.AckRequired, Epoch: b.Epoch}.Append(nil))
	}) {
		end(nt.StatusInvalidOplockProtocol, nil)
	}
	p.Pend(func() {
		if f.stream.opens.Unreceive(f.open) {
			end(nt.StatusCancelled, nil)
		}
	})
}
