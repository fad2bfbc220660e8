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
	r.Reply(d.fs.cfg.Security.Select(nt.SecurityInformation(r.Code)).Append(nil))
}

// QueryInformation answers the few classes that the root has.
func (d *root) QueryInformation(r *api.Request) {
	info := api.FileInfo{Attributes: nt.FileAttributeDirectory, Links: 1, Directory: true, FileID: 1, Name: `\\`}
	if !info.Answer(r) {
		r.Complete(nt.StatusInvalidParameter, 0)
	}
}

// QueryDirectory lists the pipes. As on Windows the instances stand in EndOfFile, their limit in AllocationSize.
func (d *root) QueryDirectory(r *api.Request) {
	w, ok := api.NewDirWriter(r)
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
	for len(d.names) > 0 {
		if p, instances := d.fs.find(d.names[0]); p != nil { // else it went meanwhile
			e := api.FileInfo{Name: p.name, EndOfFile: int64(instances), AllocationSize: int64(p.maxInstances), Attributes: nt.FileAttributeNormal, FileID: p.index()}
			if !w.Add(&e, 0) {
				w.Complete(nt.StatusBufferOverflow)
				return
			}
			d.found = true
		}
		d.names = d.names[1:]
		if r.Dir.Single && !w.Empty() {
			break
		}
	}
	if d.found {
		w.Complete(nt.StatusNoMoreFiles)
		return
	}
	d.found = true // only the first query says that nothing matches (MS-FSA 2.1.5.6.3)
	w.Complete(nt.StatusNoSuchFile)
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
