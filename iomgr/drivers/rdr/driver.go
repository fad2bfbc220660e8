package rdr

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/smb2"
)

// DriverEntry gives the entry that Manager.Load takes. Start creates the device `\rdr`; Stop logs off, closes every connection and waits
// for what is under way.
func DriverEntry(cfg Config) api.DriverEntry {
	return func(reg *api.Registration) error {
		if err := cfg.fill(); err != nil {
			return err
		}
		d := &redirector{cfg: cfg, conns: make(map[string]*conn), live: make(map[*conn]struct{}),
			leases: make(map[leaseName]*lease), leased: make(map[smb2.LeaseKey]*lease), previous: make(map[previousKey]uint64)}
		if !cfg.NoCache && !cfg.NoLeases && !cfg.NoDirectories {
			d.dirs = make(map[leaseName]*dirUse)
		}
		if !cfg.NoCache && !cfg.NoLeases {
			d.cache = &cache{limit: cfg.Limits.CacheBytes, perFile: cfg.Limits.CacheBytesPerFile}
		}
		reg.Name = "rdr"
		reg.Start = d.start
		reg.Stop = d.stop
		return nil
	}
}

// redirector is the driver, and its device.
type redirector struct {
	api.DefaultDevice
	cfg Config
	log *slog.Logger

	back, gone atomic.Int64 // durable files that were had back after their connection was lost, and that could not be

	referrals referrals
	cache     *cache       // nil where nothing is kept
	renamed   atomic.Bool  // something has been: what is open may have another name than it was opened by
	dirty     atomic.Int64 // bytes that were written and are not on the server
	dirBytes  atomic.Int64 // that is known of directories
	known     atomic.Int64 // creates and listings that were answered by that
	api       api.API

	ctx     context.Context // ended by stop
	cancel  context.CancelFunc
	running sync.WaitGroup // goroutines

	mu        sync.Mutex
	stopping  bool                     // guarded by mu
	conns     map[string]*conn         // guarded by mu: those that opens may use, by server and port
	live      map[*conn]struct{}       // guarded by mu: all that have not been cut
	leases    map[leaseName]*lease     // guarded by mu
	leased    map[smb2.LeaseKey]*lease // guarded by mu: the same, and those whose file was renamed
	previous  map[previousKey]uint64   // guarded by mu: sessions whose connection was lost
	durables  int                      // guarded by mu: files that are durable
	settled   chan struct{}            // guarded by mu: closed when there are none; nil if nobody waits for that
	opens     int                      // guarded by mu: files, and opens under way
	dirs      map[leaseName]*dirUse    // guarded by mu; nil where nothing is kept of directories
	kept      []kept                   // guarded by mu: the oldest first
	keptTimer *time.Timer              // guarded by mu
}

func (d *redirector) start(ctx context.Context, host api.Host) error {
	d.log = d.cfg.Log
	if d.log == nil {
		d.log = host.Log()
	}
	d.api = host.API()
	d.ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	_, err := host.CreateDevice("rdr", d)
	if err != nil {
		d.cancel()
	}
	return err
}

// settle waits until servers know that durable files are closed, which they would keep.
func (d *redirector) settle(ctx context.Context) {
	d.mu.Lock()
	if d.durables == 0 {
		d.mu.Unlock()
		return
	}
	settled := make(chan struct{})
	d.settled = settled
	d.mu.Unlock()
	select {
	case <-settled:
	case <-ctx.Done():
	}
}

var errStopping = errors.New("redirector stops")

// stop logs every session off, cuts the connections and waits for the goroutines.
func (d *redirector) stop(ctx context.Context) error {
	bound, done := context.WithTimeout(ctx, d.cfg.CancelTimeout)
	defer done()
	if d.dirty.Load() > 0 {
		long, done := context.WithTimeout(ctx, d.cfg.RequestTimeout)
		d.cleanAll(long)
		done()
	}
	d.settle(bound)
	d.mu.Lock()
	d.stopping = true
	if d.keptTimer != nil {
		d.keptTimer.Stop()
	}
	var conns []*conn
	var leaving sync.WaitGroup
	for c := range d.live {
		conns = append(conns, c)
		if c.reaper != nil {
			c.reaper.Stop()
		}
		for _, s := range c.sessions {
			if s.up {
				leaving.Go(s.logoff)
			}
		}
	}
	d.mu.Unlock()
	left := make(chan struct{})
	go func() { leaving.Wait(); close(left) }()
	select {
	case <-left:
	case <-bound.Done():
	}
	if d.cancel != nil {
		d.cancel()
	}
	for _, c := range conns {
		c.cut(errStopping)
	}
	<-left
	ended := make(chan struct{})
	go func() { d.running.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// spawn runs f on a goroutine that stop waits for; false if the driver stops. The caller holds mu, or is such a goroutine or its equal.
func (d *redirector) spawn(f func()) bool {
	if d.ctx.Err() != nil {
		return false
	}
	d.running.Add(1)
	go func() {
		defer d.running.Done()
		f()
	}()
	return true
}
