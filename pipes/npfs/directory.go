package npfs

import (
	"slices"
	"strings"
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// root is an open of the device (`\npfs`) or its directory (`\npfs\`): it lists the pipes and waits for them.
type root struct {
	api.DefaultFile
	fs *fs

	mu      sync.Mutex
	started bool     // guarded by mu
	pattern string   // guarded by mu
	names   []string // guarded by mu: what is still to list, sorted
	found   bool     // guarded by mu: something matched in this scan
}

func (fs *fs) openRoot(r *api.Request) {
	a := r.Create
	if a.Options&nt.FileNonDirectoryFile != 0 && r.File().Path() != "" {
		r.Complete(nt.StatusFileIsADirectory, 0)
		return
	}
	granted, status := nt.AccessCheck(fs.cfg.Security, a.Token, a.DesiredAccess, nt.GenericMappingFile)
	if status == nt.StatusSuccess {
		r.File().SetImpl(&root{fs: fs}, granted)
		a.Result.Action = nt.FileOpened
	}
	r.Complete(status, 0)
}

// FsControl on the root is FSCTL_PIPE_WAIT.
func (d *root) FsControl(r *api.Request) {
	if r.Code != nt.FsctlPipeWait {
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
		return
	}
	d.fs.wait(r)
}

// QueryVolume answers for the pipe file system.
func (d *root) QueryVolume(r *api.Request) { queryVolume(r) }

// QuerySecurity answers the root's descriptor, which the configuration fixes.
func (d *root) QuerySecurity(r *api.Request) {
	answer(r, d.fs.cfg.Security.Select(nt.SecurityInformation(r.Code)).Append(nil))
}

// QueryInformation answers the few classes that the root has.
func (d *root) QueryInformation(r *api.Request) {
	var b []byte
	switch nt.FileInfoClass(r.Code) {
	case nt.FileBasicInformation:
		b = append(b, make([]byte, 32)...)
		b = le.AppendUint32(b, nt.FileAttributeDirectory)
		b = le.AppendUint32(b, 0)
	case nt.FileStandardInformation:
		b = append(b, make([]byte, 16)...)
		b = le.AppendUint32(b, 1)
		b = append(b, 0, 1, 0, 0)
	case nt.FileInternalInformation:
		b = le.AppendUint64(b, 1)
	case nt.FileEaInformation:
		b = le.AppendUint32(b, 0)
	case nt.FileNameInformation:
		answerName(r, nil, `\`)
		return
	default:
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	if len(r.Out) < len(b) {
		r.Complete(nt.StatusInfoLengthMismatch, 0)
		return
	}
	r.Complete(nt.StatusSuccess, copy(r.Out, b))
}

// QueryDirectory lists the pipes. As on Windows the instances stand in EndOfFile, their limit in AllocationSize.
func (d *root) QueryDirectory(r *api.Request) {
	layout, ok := layouts[nt.FileInfoClass(r.Code)]
	if !ok {
		r.Complete(nt.StatusInvalidInfoClass, 0)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.started || r.Dir.Restart {
		if !d.started || r.Dir.Pattern != "" {
			d.pattern = r.Dir.Pattern
		}
		if d.pattern == "" {
			d.pattern = "*"
		}
		d.started, d.found = true, false
		d.names = d.fs.match(d.pattern)
	}
	n, last := 0, -1
	for len(d.names) > 0 {
		p, instances := d.fs.find(d.names[0])
		if p == nil { // it went meanwhile
			d.names = d.names[1:]
			continue
		}
		start := (n + 7) &^ 7
		size := layout.name + 2*nt.UTF16Len(p.name)
		if start+size > len(r.Out) {
			if last < 0 {
				status := nt.StatusBufferOverflow
				if len(r.Out) < layout.name {
					status = nt.StatusInfoLengthMismatch
				}
				r.Complete(status, 0)
				return
			}
			break
		}
		clear(r.Out[n : start+size])
		if last >= 0 {
			le.PutUint32(r.Out[last:], uint32(start-last))
		}
		layout.put(r.Out[start:start+size], p, instances)
		last, n = start, start+size
		d.names = d.names[1:]
		d.found = true
		if r.Dir.Single {
			break
		}
	}
	switch {
	case n > 0:
		r.Complete(nt.StatusSuccess, n)
	case d.found:
		r.Complete(nt.StatusNoMoreFiles, 0)
	default:
		d.found = true // only the first query says that nothing matches (MS-FSA 2.1.5.6.3)
		r.Complete(nt.StatusNoSuchFile, 0)
	}
}

func (fs *fs) match(pattern string) []string {
	up := nt.Upcase(pattern)
	fs.mu.RLock()
	var keys []string
	for key := range fs.pipes {
		if nt.MatchName(up, key) {
			keys = append(keys, key)
		}
	}
	fs.mu.RUnlock()
	slices.SortFunc(keys, strings.Compare)
	return keys
}

func (fs *fs) find(key string) (*pipe, int) {
	fs.mu.RLock()
	p := fs.pipes[key]
	fs.mu.RUnlock()
	if p == nil {
		return nil, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p, p.instances
}

// layout says where a directory information class has its fields (MS-FSCC 2.4).
type layout struct {
	name    int // offset of FileName
	length  int // offset of FileNameLength
	details bool
	id      int // offset of FileId, 0 for none
}

var layouts = map[nt.FileInfoClass]layout{
	nt.FileDirectoryInformation:       {name: 64, length: 60, details: true},
	nt.FileFullDirectoryInformation:   {name: 68, length: 60, details: true},
	nt.FileIdFullDirectoryInformation: {name: 80, length: 60, details: true, id: 72},
	nt.FileBothDirectoryInformation:   {name: 94, length: 60, details: true},
	nt.FileIdBothDirectoryInformation: {name: 104, length: 60, details: true, id: 96},
	nt.FileNamesInformation:           {name: 12, length: 8},
}

func (l layout) put(b []byte, p *pipe, instances int) {
	if l.details {
		le.PutUint64(b[40:], uint64(instances))
		le.PutUint64(b[48:], uint64(p.maxInstances))
		le.PutUint32(b[56:], nt.FileAttributeNormal)
	}
	if l.id != 0 {
		le.PutUint64(b[l.id:], p.index())
	}
	name := nt.AppendUTF16(b[:l.name:l.name], p.name)
	copy(b[l.name:], name[l.name:])
	le.PutUint32(b[l.length:], uint32(len(name)-l.name))
}
