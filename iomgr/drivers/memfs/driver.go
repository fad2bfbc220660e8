package memfs

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"lwio/iomgr/api"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// Config configures the driver; the zero value works.
type Config struct {
	// Name is the device's. Default "memfs".
	Name string
	// Capacity is how many bytes all files may hold. Default 256 MiB.
	Capacity int64
}

// DriverEntry gives the entry that Manager.Load takes. The driver creates one device, an empty volume.
func DriverEntry(cfg Config) api.DriverEntry {
	if cfg.Name == "" {
		cfg.Name = "memfs"
	}
	if cfg.Capacity == 0 {
		cfg.Capacity = 256 << 20
	}
	return func(reg *api.Registration) error {
		reg.Name = cfg.Name
		reg.Start = func(_ context.Context, host api.Host) error {
			v := &volume{capacity: cfg.Capacity, quotas: newQuotas(), log: host.Log()}
			v.root = v.newNode(true, rootSecurity)
			_, err := host.CreateDevice(cfg.Name, v)
			return err
		}
		return nil
	}
}

// rootSecurity lets everybody do everything, here and below.
var rootSecurity = &nt.SecurityDescriptor{
	Control: nt.ControlDACLPresent, Owner: nt.SIDBuiltinAdministrators, Group: nt.SIDLocalSystem,
	DACL: &nt.ACL{Revision: nt.ACLRevision, ACEs: []nt.ACE{{Type: nt.AccessAllowedACEType, Flags: nt.ObjectInheritACE | nt.ContainerInheritACE,
		Mask: nt.FileAllAccess, SID: nt.SIDWorld}}},
}

// volume is the device.
type volume struct {
	api.DefaultDevice
	capacity int64
	root     *node
	ids      atomic.Uint64 // of nodes, and of opens to the lock tables
	watches  fsrtl.Watches

	log *slog.Logger

	mu     sync.Mutex
	used   int64  // guarded by mu: bytes of pages
	quotas quotas // guarded by mu
}

// node is a file or directory. All but the machines, the id and dir is guarded by volume.mu.
type node struct {
	id  uint64
	dir bool

	opens fsrtl.Opens
	locks fsrtl.Locks

	name     string
	parent   *node            // nil for the root, and for what is gone
	children map[string]*node // by upper case
	pages    map[int64]*page
	size     int64
	attrs    uint32
	sd       *nt.SecurityDescriptor // replaced, never changed
	handles  int
	deleting bool // goes with its last handle, and takes no new one

	created, accessed, written, changed nt.Time
}

func (v *volume) newNode(dir bool, sd *nt.SecurityDescriptor) *node {
	now := nt.NowTime()
	n := &node{id: v.ids.Add(1), dir: dir, sd: sd, created: now, accessed: now, written: now, changed: now}
	if dir {
		n.children = make(map[string]*node)
	} else {
		n.attrs, n.pages = nt.FileAttributeArchive, make(map[int64]*page)
	}
	return n
}

// path is the name below the root, without a leading backslash. The caller holds v.mu.
func (n *node) path() string {
	if n.parent == nil {
		return ""
	}
	if p := n.parent.path(); p != "" {
		return p + `\` + n.name
	}
	return n.name
}

// place is where a name leads: its directory, its last component, and what has that name, nil for nothing. The root has neither of the
// first two.
type place struct {
	dir  *node
	name string
	node *node
}

// lookup walks to a name. The caller holds v.mu.
func (v *volume) lookup(path string) (place, nt.Status) {
	path = strings.TrimSuffix(strings.TrimPrefix(path, `\`), `\`)
	p := place{node: v.root}
	if path == "" {
		return p, nt.StatusSuccess
	}
	for part := range strings.SplitSeq(path, `\`) {
		if !validName(part) {
			return p, nt.StatusObjectNameInvalid
		}
		if p.node == nil || !p.node.dir {
			return p, nt.StatusObjectPathNotFound
		}
		p.dir, p.name = p.node, part
		p.node = p.dir.children[nt.Upcase(part)]
	}
	return p, nt.StatusSuccess
}

// validName follows MS-FSCC 2.1.5.2. A colon would name a stream.
func validName(name string) bool {
	return name != "" && name != "." && name != ".." && nt.UTF16Len(name) <= 255 &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || strings.ContainsRune(`"*/:<>?|`, r) })
}

// link and unlink change the tree. The caller holds v.mu.
func (n *node) link(dir *node, name string) {
	n.parent, n.name = dir, name
	dir.children[nt.Upcase(name)] = n
	dir.written = nt.NowTime()
}

func (v *volume) unlink(n *node) {
	delete(n.parent.children, nt.Upcase(n.name))
	n.parent.written = nt.NowTime()
	n.parent = nil
	if n.handles == 0 {
		v.truncate(n, 0)
	}
}

// changes are reported when no lock is held.
func (v *volume) report(filter, action uint32, dir, name string) {
	v.watches.Report(fsrtl.Change{Filter: filter, Action: action, Dir: dir, Name: name})
}

// nameFilter is what those watch for who want to know of new and lost entries.
func nameFilter(dir bool) uint32 {
	if dir {
		return nt.FileNotifyChangeDirName
	}
	return nt.FileNotifyChangeFileName
}
