package pvfs

import (
	"errors"
	"os"
	"strings"

	"lwio/iomgr/nt"
)

// splitOpen checks the name of an open and gives its components, and the stream that the last one names.
func splitOpen(path string) (parts []string, ref streamRef, status nt.Status) {
	path = strings.TrimSuffix(path, `\`)
	at := strings.LastIndexByte(path, '\\') + 1
	if strings.IndexByte(path[at:], ':') < 0 {
		parts, status = split(path)
		return parts, ref, status
	}
	file, ref, status := splitStream(path[at:])
	if status != nt.StatusSuccess {
		return nil, ref, status
	}
	parts, status = split(path[:at] + file)
	return parts, ref, status
}

// enterStream finds or makes the stream that an open names, and has the open of the file itself mind its streams: one that is open and not
// shared for deletion keeps the file (MS-FSA 2.1.5.1.2.2).
func (c *creating) enterStream(f *file, access nt.AccessMask) nt.Status {
	n, a := f.node, c.a
	if c.stream.name == "" {
		if (access&nt.Delete != 0 || overwrites(a.Disposition)) && n.streamsRefuse() {
			return nt.StatusSharingViolation
		}
		return nt.StatusSuccess
	}
	makes := a.Disposition != nt.FileOpen && a.Disposition != nt.FileOverwrite && c.frozen == notFrozen
	c.made = false
	s, err := n.holdStream(c.stream.name, func() (data *streamData, err error) {
		data, c.made, err = f.loadStream(c.stream.name, makes)
		return data, err
	})
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nt.StatusObjectNameNotFound
	case noXattr(err):
		return nt.StatusObjectNameInvalid // as file systems without streams say
	case err != nil:
		return nt.StatusOf(err)
	}
	f.stream = s
	n.mu.Lock()
	deleting := s.deleting
	n.mu.Unlock()
	switch {
	case deleting:
		return nt.StatusDeletePending
	case !c.made && a.Disposition == nt.FileCreate:
		return nt.StatusObjectNameCollision
	}
	return nt.StatusSuccess
}

// allocate makes the room that an open asks for. Beside a stream in an attribute there is none to make.
func (c *creating) allocate(f *file) error {
	if c.stream.name != "" {
		return nil
	}
	if err := allocate(f.h, c.a.AllocationSize); err != nil || f.node == nil {
		return err
	}
	f.node.allocated(c.a.AllocationSize)
	return nil
}

// untunnel has a file that is made under a short name get the long one that it had.
func (c *creating) untunnel(p *place) {
	if strings.IndexByte(p.name, '~') < 0 {
		return
	}
	info, err := p.where()
	if err != nil {
		return
	}
	long := c.v.tunnel.take(detailsOf(info).id, p.name)
	if long == "" {
		return
	}
	if _, there, err := c.v.find(p.dir, long); err != nil || there != nil {
		return
	}
	dir, _ := splitPath(p.path)
	p.name, p.path = long, join(dir, long)
}
