package rdr

import (
	"crypto/rand"
	"sync"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// leaseName is for what files there is one lease: all opens of a name by one session share it, so that they do not break each other's.
type leaseName struct {
	server string
	key    sessionKey
	share  string
	name   string
}

// lease is what the server lets this client keep of a file until it asks for it back (MS-SMB2 3.2.1.5: File.LeaseKey, File.LeaseState).
type lease struct {
	name   leaseName
	key    smb2.LeaseKey
	server string

	cache       *cache    // nil where nothing is kept
	dir         *dirCache // nil for a file; guarded by mu
	sharedReads bool      // Config.SharedReads

	users int // guarded by redirector.mu: files, and opens under way

	mu      sync.Mutex
	path    string           // guarded by mu: the name on the share
	state   uint32           // guarded by mu
	epoch   uint16           // guarded by mu: of version 2
	locks   []heldLock       // guarded by mu
	blocks  map[int64]*block // guarded by mu: what is kept of the file
	size    int64            // guarded by mu: where the file ends; negative if that is not known
	kept    int              // guarded by mu: bytes of them
	gen     uint64           // guarded by mu: counts when what was read before may not be kept any more
	behind  behind           // guarded by mu: what was written and is not on the server
	writing int              // guarded by mu: changes that are on their way
	ended   bool             // guarded by mu: the last open has ended
	known   bool             // guarded by mu: epoch is that of an answer or a break
}

// leaseName is the name of what is opened, made once.
func (o *opening) leaseName() leaseName {
	if o.named.server == "" {
		o.named = leaseName{o.to.server(), o.whose, nt.Upcase(o.to.share), nt.Upcase(o.to.name)}
	}
	if o.tree != nil { // of which there is one for all files
		o.named.server = o.tree.sess.conn.key
	}
	return o.named
}

// leaseName is the name by which a lease of an open file is found.
func (f *file) leaseName() leaseName {
	return leaseName{f.to.server(), f.tree().sess.key, nt.Upcase(f.to.share), nt.Upcase(f.name())}
}

// hasLease reports whether there is a lease of a name; redirector.mu is held.
func (d *redirector) hasLease(o *opening) bool { return d.leases[o.leaseName()] != nil }

// leaseFor finds or makes the lease of a name; redirector.mu is held.
func (d *redirector) leaseFor(o *opening, directory bool) *lease {
	name := o.leaseName()
	l := d.leases[name]
	if l == nil {
		l = &lease{name: name, server: name.server, path: o.to.name, size: -1, cache: d.cache, sharedReads: d.cfg.SharedReads}
		rand.Read(l.key[:]) // never fails
		if u := d.dirs[name]; directory {
			l.dir = &dirCache{total: &d.dirBytes, limit: int64(d.cfg.Limits.CacheBytes / 4)}
			if u != nil {
				l.writing = u.writers
			}
		}
		d.leases[name], d.leased[l.key] = l, l
	}
	l.users++
	return l
}

// dropLease is called when an open that had a share in a lease has ended.
func (d *redirector) dropLease(l *lease) {
	d.mu.Lock()
	l.users--
	last := l.users == 0
	if last {
		d.unnameLease(l)
		delete(d.leased, l.key)
	}
	d.mu.Unlock()
	if last && (l.cache != nil || l.dir != nil) {
		l.mu.Lock()
		l.ended = true
		out := l.drop(0, lastBlock)
		l.mu.Unlock()
		l.cache.remove(out)
	}
}

// unnameLease has the next open of the name make a lease of its own; redirector.mu is held.
func (d *redirector) unnameLease(l *lease) {
	if d.leases[l.name] == l {
		delete(d.leases, l.name)
	}
}

// set takes the state of an answer or a break, unless one that was decided later is known. While a break is in progress answers have the state from before
// it (2.2.14.2.10): what it has taken stays taken.
func (l *lease) set(version int, state, flags uint32, epoch uint16) {
	l.mu.Lock()
	if version == 2 && l.known && epoch-l.epoch > 0x7fff {
		l.mu.Unlock()
		return
	}
	if flags&smb2.LeaseFlagBreakInProgress != 0 {
		state &= l.state
	}
	var out []*block
	if l.state&^state&(smb2.LeaseReadCaching|smb2.LeaseWriteCaching) != 0 || l.dir != nil && state&smb2.LeaseReadCaching == 0 {
		out = l.drop(0, lastBlock)
	}
	l.state, l.epoch, l.known = state, epoch, version == 2
	l.mu.Unlock()
	if len(out) > 0 {
		l.cache.remove(out)
	}
}

// broken takes an OPLOCK_BREAK of the server (3.2.5.19). What is no lease of ours has been closed meanwhile, and nothing is owed for it.
func (c *conn) broken(m *smb2.Message, sealed *session) error {
	if !smb2.IsLeaseBreak(m.Body) {
		_, err := smb2.ParseOplockBreak(m.Body)
		return err // oplocks are not asked for
	}
	n, err := smb2.ParseLeaseBreakNotification(m.Body)
	if err != nil {
		return err
	}
	d := c.d
	d.mu.Lock()
	if s := c.channelOf.Load(); s != nil {
		c = s.conn
	}
	l := d.leased[n.LeaseKey]
	var by *tree
	if l != nil && l.server == c.key {
		for _, s := range c.sessions {
			if t := s.trees[l.name.share]; s.key == l.name.key && t != nil && t.up {
				by = t
			}
		}
	}
	d.mu.Unlock()
	if by == nil {
		return nil
	}
	version := 1
	if c.dialect >= smb2.Dialect300 {
		version = 2
	}
	l.set(version, n.NewLeaseState, 0, n.NewEpoch)
	if l.dir != nil && n.NewLeaseState&smb2.LeaseHandleCaching == 0 {
		defer d.unkeepLease(l)
	}
	if n.Flags&smb2.LeaseBreakAckRequired == 0 {
		return nil
	}
	x := newExchange(&opLeaseAck, c, by.sess, by)
	x.in = (&smb2.LeaseBreakAck{LeaseKey: n.LeaseKey, LeaseState: n.NewLeaseState}).Append(nil)
	x.done = func(*exchange, nt.Status, int) {}
	if n.NewLeaseState&smb2.LeaseWriteCaching == 0 && l.whenClean(func() { c.start(x) }) {
		return nil
	}
	c.start(x)
	return nil
}

// opLeaseAck is the acknowledgment of a break (2.2.24.2). A server that has given the lease up meanwhile refuses it, and that is all right.
var opLeaseAck = operation{
	cmd:    smb2.OplockBreak,
	size:   func(x *exchange) int { return len(x.in) },
	encode: func(x *exchange, b []byte) []byte { return append(b, x.in...) },
	decode: func(_ *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		_, err := smb2.ParseLeaseBreakAck(body)
		return st, 0, err
	},
}
