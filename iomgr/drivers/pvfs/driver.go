package pvfs

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"lwio/iomgr/api"
	"lwio/iomgr/drivers/pvfs/posixacl"
	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
)

// Config configures the driver; the zero value works.
type Config struct {
	// Root is the directory that `\pvfs` stands for. Default "/".
	Root string
	// IDs says which SID is which Unix id. Default posixacl.Unix.
	IDs IdMap
}

// DriverEntry gives the entry that Manager.Load takes. The driver creates the device `\pvfs`.
func DriverEntry(cfg Config) api.DriverEntry {
	return func(reg *api.Registration) error {
		root := cfg.Root
		if root == "" {
			root = "/"
		}
		reg.Name = "pvfs"
		reg.Start = func(_ context.Context, host api.Host) error {
			root, err := filepath.EvalSymlinks(root)
			if err != nil {
				return err
			}
			v := &volume{root: root, ids: cfg.IDs, nodes: make(map[fileID]*node), leased: make(map[*node]int)}
			if v.ids == nil {
				v.ids = posixacl.Unix{}
			}
			_, err = host.CreateDevice("pvfs", v)
			return err
		}
		return nil
	}
}

// Name makes the manager's name of an absolute POSIX path.
func Name(path string) string {
	if path == "/" {
		return `\pvfs\`
	}
	return `\pvfs` + strings.ReplaceAll(filepath.Clean(path), "/", `\`)
}

// volume is the device.
type volume struct {
	api.DefaultDevice
	root string
	ids  IdMap

	descriptors descriptors
	setting     sync.Mutex // held while a file's descriptor is replaced; no other is taken under it but that of descriptors

	owners  atomic.Uint64 // names opens to the lock tables
	watches fsrtl.Watches

	mu     sync.Mutex
	nodes  map[fileID]*node // guarded by mu: what is open
	leased map[*node]int    // guarded by mu: directories with leases, and how many opens have them
}

// fileID is what POSIX knows a file by.
type fileID struct{ dev, ino uint64 }

// split checks a name and gives its components.
func split(path string) ([]string, nt.Status) {
	path = strings.TrimPrefix(path, `\`)
	path = strings.TrimSuffix(path, `\`)
	if path == "" {
		return nil, nt.StatusSuccess
	}
	parts := strings.Split(path, `\`)
	for _, p := range parts {
		if !validName(p) {
			return nil, nt.StatusObjectNameInvalid
		}
	}
	return parts, nt.StatusSuccess
}

// validName follows MS-FSCC 2.1.5.2; a colon would name a stream.
func validName(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > 255 || len(name) == len(streamFolder) && nt.EqualFold(name, streamFolder) {
		return false
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < 0x20 || strings.IndexByte(`"*/:<>?\|`, c) >= 0 {
			return false
		}
	}
	return true
}

// place is where a name leads: its directory, open, and the name of the last component as the directory has it.
type place struct {
	dir  *os.File // to be closed
	name string   // empty for the root itself
	path string   // below the volume's root, as the disk has it; empty for the root
	info os.FileInfo
}

func (p *place) close() {
	if p.dir != nil {
		p.dir.Close()
	}
}

// lookup walks to a name. info is nil where the last component does not exist.
func (v *volume) lookup(parts []string) (*place, nt.Status) {
	dir, err := os.Open(v.root)
	if err != nil {
		return nil, nt.StatusOf(err)
	}
	p := &place{dir: dir}
	if len(parts) == 0 {
		if p.info, err = fstat(dir); err != nil {
			p.close()
			return nil, nt.StatusOf(err)
		}
		return p, nt.StatusSuccess
	}
	for i, part := range parts {
		name, info, err := find(p.dir, part)
		if err != nil {
			p.close()
			return nil, nt.StatusOf(err)
		}
		last := i == len(parts)-1
		switch {
		case info == nil && !last:
			p.close()
			return nil, nt.StatusObjectPathNotFound
		case info != nil && info.Mode()&os.ModeSymlink != 0:
			p.close()
			return nil, nt.StatusStoppedOnSymlink
		case info != nil && !last && !info.IsDir():
			p.close()
			return nil, nt.StatusObjectPathNotFound
		}
		if last {
			p.name, p.info = name, info
			p.path = join(p.path, name)
			break
		}
		next, err := openAt(p.dir, name, os.O_RDONLY|oDirectory, 0)
		p.close()
		if err != nil {
			return nil, nt.StatusOf(err)
		}
		p.dir, p.path = next, join(p.path, name)
	}
	return p, nt.StatusSuccess
}

// join puts a name behind a directory's path.
func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// parent opens the directory that has the last component of a path as the disk has it.
func (v *volume) parent(path string) (*os.File, string, error) {
	dir, name := splitPath(path)
	f, err := os.Open(v.root)
	if err != nil || dir == "" {
		return f, name, err
	}
	for part := range strings.SplitSeq(dir, "/") {
		next, err := openAt(f, part, os.O_RDONLY|oDirectory, 0)
		f.Close()
		if err != nil {
			return nil, "", err
		}
		f = next
	}
	return f, name, nil
}

// find looks for a name in a directory: the exact one, else one that differs in case alone. info is nil if there is none.
func find(dir *os.File, name string) (string, os.FileInfo, error) {
	info, err := statAt(dir, name)
	if err == nil {
		return name, info, nil
	}
	if !os.IsNotExist(err) {
		return "", nil, err
	}
	list, err := openAt(dir, ".", os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return "", nil, err
	}
	defer list.Close()
	short := strings.IndexByte(name, '~') > 0 && isShortName(nt.Upcase(name))
	for {
		names, err := list.Readdirnames(256)
		for _, n := range names {
			if nt.EqualFold(n, name) || short && nt.EqualFold(shortName(n), name) {
				if info, err := statAt(dir, n); err == nil {
					return n, info, nil
				}
			}
		}
		if err != nil || len(names) == 0 {
			return name, nil, nil
		}
	}
}
