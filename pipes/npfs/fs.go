package npfs

import (
	"context"
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
)

// Config configures the driver; the zero value works.
type Config struct {
	// Security decides who may create pipes (FILE_ADD_FILE) and list them. Default: administrators and LocalSystem everything,
	// everyone else listing.
	Security *nt.SecurityDescriptor
	// MaxQuota bounds the quotas that a server may ask for, in bytes. Default 1 MiB.
	MaxQuota int
	// MaxPipes bounds the number of names. Default 16384.
	MaxPipes int
	// MaxInstances bounds the instances of one pipe whatever the server asks for. Default 65536.
	MaxInstances int
}

// DefaultSecurity is the descriptor of the root where the configuration has none.
const DefaultSecurity = "O:BAG:SYD:(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGX;;;WD)(A;;GRGX;;;AN)"

// DefaultPipeSecurity is that of a pipe created without one, as Windows gives it: full control to LocalSystem, administrators and the
// owner, reading to everyone.
const DefaultPipeSecurity = "D:(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;OW)(A;;GR;;;WD)(A;;GR;;;AN)"

// DriverEntry gives the entry that Manager.Load takes. The driver creates the device `\npfs`.
func DriverEntry(cfg Config) api.DriverEntry {
	return func(reg *api.Registration) error {
		fs := &fs{cfg: cfg, pipes: make(map[string]*pipe)}
		if fs.cfg.MaxQuota <= 0 {
			fs.cfg.MaxQuota = 1 << 20
		}
		if fs.cfg.MaxPipes <= 0 {
			fs.cfg.MaxPipes = 16384
		}
		if fs.cfg.MaxInstances <= 0 {
			fs.cfg.MaxInstances = 65536
		}
		if fs.cfg.Security == nil {
			sd, err := nt.ParseSDDL(DefaultSecurity, nt.SID{})
			if err != nil {
				return err
			}
			fs.cfg.Security = sd
		}
		var err error
		if fs.pipeDefault, err = nt.ParseSDDL(DefaultPipeSecurity, nt.SID{}); err != nil {
			return err
		}
		reg.Name = "npfs"
		reg.Start = func(_ context.Context, host api.Host) error {
			_, err := host.CreateDevice("npfs", fs)
			return err
		}
		return nil
	}
}

// fs is the device.
type fs struct {
	cfg         Config
	pipeDefault *nt.SecurityDescriptor

	mu    sync.RWMutex
	pipes map[string]*pipe // guarded by mu, by upper-case name
}

// pipe is a name: what all instances of it share.
type pipe struct {
	fs   *fs
	name string // as the first instance spelled it, without the leading backslash
	key  string

	typ            uint32 // nt.FilePipeByteStreamType or nt.FilePipeMessageType
	rejectRemote   bool
	replaced       bool   // nt.FilePipeReplaced
	config         uint32 // nt.FilePipeInbound, Outbound or FullDuplex
	maxInstances   uint32
	defaultTimeout int64

	mu        sync.Mutex
	gone      bool                   // guarded by mu: the last instance went
	sd        *nt.SecurityDescriptor // guarded by mu, replaced as a whole
	instances int                    // guarded by mu
	listening list                   // guarded by mu
	waiters   []*waiter              // guarded by mu
}

// list is a queue of instances, oldest first.
type list struct{ head, tail *instance }

func (l *list) push(in *instance) {
	in.prev, in.next, in.queued = l.tail, nil, true
	if l.tail != nil {
		l.tail.next = in
	} else {
		l.head = in
	}
	l.tail = in
}

func (l *list) remove(in *instance) {
	if !in.queued {
		return
	}
	if in.prev != nil {
		in.prev.next = in.next
	} else {
		l.head = in.next
	}
	if in.next != nil {
		in.next.prev = in.prev
	} else {
		l.tail = in.prev
	}
	in.prev, in.next, in.queued = nil, nil, false
}

// completions are requests to complete once no lock is held.
type completions struct {
	n    int
	few  [2]completion
	many []completion
	open *waiter // a create to try again
}

type completion struct {
	r      *api.Request
	by     *api.Request // the write that a read was completed by; nil where that is not of interest
	status nt.Status
	n      int
}

func (c *completions) add(r *api.Request, status nt.Status, n int) { c.addBy(r, nil, status, n) }

func (c *completions) addBy(r, by *api.Request, status nt.Status, n int) {
	if c.n < len(c.few) {
		c.few[c.n] = completion{r, by, status, n}
		c.n++
		return
	}
	c.many = append(c.many, completion{r, by, status, n})
}

func (d *completion) run() {
	if d.by != nil {
		d.r.BroughtBy(d.by)
	}
	d.r.Complete(d.status, d.n)
}

func (c *completions) run() {
	for i := range c.n {
		c.few[i].run()
	}
	for i := range c.many {
		c.many[i].run()
	}
	if w := c.open; w != nil {
		c.open = nil
		w.p.fs.openPipe(w.r, w.p, w)
	}
}
