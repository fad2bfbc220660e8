package pvfs

import (
	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// NotifyChange waits for a change below a directory (MS-FSA 2.1.5.11).
func (f *file) NotifyChange(r *api.Request) {
	if !f.isDir {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if f.granted&nt.FileListDirectory == 0 {
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	f.mu.Lock()
	if f.cleaned {
		f.mu.Unlock()
		r.Complete(nt.StatusNotifyCleanup, 0)
		return
	}
	first := f.watch == nil
	path := f.node.pathOf(f.link)
	if first {
		f.watch = f.v.watches.Open(ntPath(path))
	}
	watch := f.watch
	f.mu.Unlock()
	if first {
		f.listen(path, r.Code, r.Flags&api.FlagWatchTree != 0)
	}
	p := &fsrtl.Pended{Request: r}
	wait, status, data := watch.Next(r.Code, r.Flags&api.FlagWatchTree != 0, r.Limit(), p.Complete)
	if status != nt.StatusPending {
		r.Complete(status, r.Give(data))
		return
	}
	p.Pend(wait.Cancel)
}

// listen has the watch hear of what local programs do.
func (f *file) listen(path string, filter uint32, tree bool) {
	local := f.v.local.open(f.h, path, filter, tree)
	f.mu.Lock()
	cleaned := f.cleaned
	if !cleaned {
		f.local = local
	}
	f.mu.Unlock()
	if cleaned {
		local.close()
	}
}
