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
)

// Config configures the driver; the zero value works.
type Config struct {
	// Root is the directory that `\pvfs` stands for. Default "/".
	Root string
	// IDs says which SID is which Unix id. Default posixacl.Unix.
	IDs IdMap
	// LocalWatches is how many directories at most are listened to for what local programs change in them (Linux). Default 8192.
	LocalWatches int
	// KernelOplocks has local programs break oplocks and leases, those on directories too, on every share (Linux; the files have to be the process's own, or
	// it needs CAP_LEASE). It costs
	// system calls at each open and close, so that it is off by default; a share can ask for it by fsrtl.ShareOptions.
	KernelOplocks bool

	quotas diskQuotas // nil for the kernel's
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
			if v.quotas = cfg.quotas; v.quotas == nil {
				v.quotas = kernelQuotas{}
			}
			if v.top, err = os.Open(root); err != nil {
				return err
			}
			v.local.v, v.local.limit = v, cfg.LocalWatches
			v.kernelOplocks = cfg.KernelOplocks
			reg.Unload = func() {
				v.local.end()
				v.leases.end()
				v.top.Close()
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
	top  *os.File // the root, open
	ids  IdMap

	names  nameCache
	locks  nameLocks
	tunnel tunnel
	posts  posts
	waits  waits

	snapshots snapshotLists
	quotas    diskQuotas

	callers     callers
	descriptors descriptors
	making      making
	setting     sync.Mutex // held while a file's descriptor is replaced; no other is taken under it but that of descriptors

	owners  atomic.Uint64 // names opens to the lock tables
	dying   atomic.Int64  // directories that are about to be deleted
	watches fsrtl.Watches
	local   localChanges

	kernelOplocks bool
	leases        kernelLeases

	mu     sync.Mutex
	nodes  map[fileID]*node // guarded by mu: what is open
	leased map[*node]int    // guarded by mu: directories with leases, and how many opens have them
}

// fileID is what POSIX knows a file by.
type fileID struct{ dev, ino uint64 }
