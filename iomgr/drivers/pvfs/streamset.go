package pvfs

import (
	"errors"
	"os"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// disposeStream marks a named stream for deletion, or takes the mark back.
func (f *file) disposeStream(r *api.Request, remove, readonlyToo bool) {
	if remove {
		info, err := fstat(f.h)
		if err != nil {
			r.Fail(err)
			return
		}
		if !readonlyToo && readDOS(f.h).of(info)&nt.FileAttributeReadonly != 0 {
			r.Complete(nt.StatusCannotDelete, 0)
			return
		}
	}
	f.node.mu.Lock()
	f.stream.deleting = remove
	f.node.mu.Unlock()
	r.Complete(nt.StatusSuccess, 0)
}

// stream gives the new name of a stream: one whose last component begins with a colon.
func (n *newName) stream() (string, bool) {
	last := n.name[strings.LastIndexByte(n.name, '\\')+1:]
	return last, strings.HasPrefix(last, ":")
}

// notStream says why a stream does not take the name of a file.
func (f *file) notStream(name string) nt.Status {
	component, _, _ := strings.Cut(name, ":")
	if to, _, status := f.target(component); status == nt.StatusSuccess {
		busy := f.v.deletersOf(to.dir)
		to.close()
		if busy {
			return nt.StatusSharingViolation
		}
	}
	return nt.StatusInvalidParameter
}

// renameStream gives a named stream another name (MS-FSA 2.1.5.15.11). The unnamed one is not renamed, and nothing becomes it.
func (f *file) renameStream(n newName, name string) nt.Status {
	_, ref, status := splitStream(name)
	switch {
	case status != nt.StatusSuccess:
		return status
	case !f.named(), ref.name == "":
		return nt.StatusInvalidParameter
	}
	old := f.stream.data.name
	e, stored, err := findStream(f.h, ref.name)
	switch {
	case err == nil && e.key != f.stream.data.key:
		if !n.replace {
			return nt.StatusObjectNameCollision
		}
		f.node.mu.Lock()
		open := f.node.streams[nt.Upcase(e.name)] != nil
		f.node.mu.Unlock()
		if open {
			return nt.StatusInvalidParameter
		}
		d := &streamData{key: e.key, id: stored.id}
		if err := d.remove(f); err != nil {
			return nt.StatusOf(err)
		}
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nt.StatusOf(err)
	}
	if err := f.stream.data.rename(f, ref.name); err != nil {
		return nt.StatusOf(err)
	}
	f.node.mu.Lock()
	f.node.forgetStream(f.stream)
	f.node.streams[nt.Upcase(ref.name)] = f.stream
	f.node.mu.Unlock()
	path := f.node.pathOf(f.link)
	f.v.report(nt.FileNotifyChangeStreamName, nt.FileActionRemovedStream, path+":"+old)
	f.v.report(nt.FileNotifyChangeStreamName, nt.FileActionAddedStream, path+":"+ref.name)
	return nt.StatusSuccess
}
