package srv

import (
	"math/bits"
	"slices"
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// createID names a create among all (Open.CreateGuid and Open.ClientGuid): by it a client that has lost its connection can ask again.
type createID struct{ client, create nt.GUID }

// creations are the creates that a replay may be of: of opens, and under way.
type creations struct {
	mu sync.Mutex
	m  map[createID]*open // guarded by mu; nil while the create is under way
}

// begin takes note of a create, unless there is one of that id: then it gives its open, nil if it is under way.
func (t *creations) begin(id createID) (o *open, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o, known = t.m[id]; known {
		return o, true
	}
	if t.m == nil {
		t.m = map[createID]*open{}
	}
	t.m[id] = nil
	return nil, false
}

// end says what came of it: nil for nothing.
func (t *creations) end(id createID, o *open) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o == nil || o.closed.Load() {
		delete(t.m, id)
		return
	}
	t.m[id] = o
	o.creation = &id
	o.fresh.Store(true)
}

func (t *creations) remove(o *open) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.creation != nil && t.m[*o.creation] == o {
		delete(t.m, *o.creation)
	}
	o.creation = nil
}

// used says that the client has the answer to its create, since it uses the open: there is nothing more to replay
// (Open.IsReplayEligible).
func (o *open) used() {
	if o.fresh.Load() && o.fresh.Swap(false) {
		o.srv.creations.remove(o)
	}
}

// underWay is the status of the replay of a create that waits: STATUS_ACCESS_DENIED, which Windows gives and its clients know. A create that waits
// for others to close the file is not found there; it has the status of the specification.
func (c *command) underWay(k *creating) nt.Status {
	if c.conn.srv.leases.losingHandle(nt.Upcase(k.args.Name)) {
		return nt.StatusFileNotAvailable
	}
	return nt.StatusAccessDenied
}

// begin takes note of a create with a CreateGuid; a replay of one that there was is answered from it (3.3.5.9.10). StatusSuccess goes on.
func (c *command) beginCreate(k *creating, req *smb2.CreateRequest) (nt.Status, bool) {
	d := k.durable.requestV2
	if d == nil {
		return nt.StatusSuccess, false
	}
	id := createID{c.conn.clientGUID, d.CreateGUID}
	o, known := c.conn.srv.creations.begin(id)
	replay := c.hdr.Flags&smb2.FlagReplayOperation != 0
	switch {
	case !known:
		k.creation = &id
		return nt.StatusSuccess, false
	case !replay:
		return nt.StatusDuplicateObjectid, true
	case o == nil:
		return c.underWay(k), true
	}
	return c.replayed(k, o, req), true
}

// replayed answers a create again.
func (c *command) replayed(k *creating, o *open, req *smb2.CreateRequest) nt.Status {
	if o.owner.User != c.sess.token.Load().User {
		return nt.StatusAccessDenied
	}
	k.replay = true
	t := o.tree.Load()
	if t == nil { // the client has lost the connection, and the answer with it
		if o.share != c.tree.share || o.durable.Load() == nil {
			return nt.StatusObjectNameNotFound
		}
		k.leaseContext = nil // it is read again
		return c.resume(k, o, req)
	}
	if t != c.tree {
		return nt.StatusDuplicateObjectid
	}
	k.level = req.RequestedOplockLevel
	if l := k.leaseContext; l != nil {
		st, leased := o.srv.leases.state(o)
		if !leased || st.key != l.LeaseKey {
			return nt.StatusAccessDenied
		}
		k.granted = st.granted()
	} else if k.level == smb2.OplockLevelLease {
		k.level = smb2.OplockLevelNone
	}
	k.open, c.open, c.extra = o, o, k
	k.args.Result.Action = o.action
	return c.submit(&request{Op: api.OpQueryInformation, Handle: o.handle, Code: uint32(nt.FileNetworkOpenInformation), Out: k.info[:]},
		(*command).createdInfo)
}

// channelSequence is the ChannelSequence of a request, which stands where a response has its status.
func (c *command) channelSequence() uint16 {
	if c.conn.dialect < smb2.Dialect300 {
		return 0
	}
	return uint16(c.hdr.Status)
}

// modifies reports a request that is not to be done when the client has sent it again meanwhile (3.3.5.2.10).
func (c *command) modifies() bool {
	switch c.hdr.Command {
	case smb2.Write, smb2.SetInfo, smb2.Ioctl:
		return true
	}
	return false
}

// tally is Open.ChannelSequence and how many requests of that sequence, and of those before it, are under way: 16, 24 and 24 bits. There are fewer than 2^24, since each has
// a credit of one of the session's channels.
type tally uint64

const (
	nowShift  = 16
	pastShift = 40
)

func (t tally) sequence() uint16 { return uint16(t) }
func (t tally) now() uint64      { return uint64(t) >> nowShift & (1<<24 - 1) }
func (t tally) past() uint64     { return uint64(t) >> pastShift }

// count counts a request of an open by the sequence of the channels that the client had when it sent it (3.3.5.2.10). False if it is one
// that must not be done any more, or not yet.
func (c *command) count(o *open) bool {
	if c.conn.dialect < smb2.Dialect300 {
		return true
	}
	seq, replay := c.channelSequence(), c.hdr.Flags&smb2.FlagReplayOperation != 0
	for {
		old := o.tally.Load()
		n := tally(old)
		newer := seq - n.sequence()
		if newer > 0x7fff || replay && n.past() > 0 {
			return !c.modifies()
		}
		if newer > 0 {
			n = tally(seq) | tally(n.past()+n.now())<<pastShift
		}
		if o.tally.CompareAndSwap(old, uint64(n+1<<nowShift)) {
			c.counted = o
			return true
		}
	}
}

// settle takes back what count counted.
func (c *command) settle() {
	o, seq := c.counted, c.channelSequence()
	for {
		old := o.tally.Load()
		n := tally(old)
		switch {
		case seq == n.sequence() && n.now() > 0:
			n -= 1 << nowShift
		case n.past() > 0:
			n -= 1 << pastShift
		}
		if o.tally.CompareAndSwap(old, uint64(n)) {
			return
		}
	}
}

// maxLockSequences is how many LockSequenceIndex an open has (3.3.1.10).
const maxLockSequences = 64

// lockValid marks an entry of open.lockSeq as valid; the number is in the low bits.
const lockValid = 0x80

// replayable reports whether the lock sequences of a request are looked at (3.3.5.14).
func (c *command) replayable(o *open) bool {
	if c.conn.dialect >= smb2.Dialect300 && c.conn.serverCaps&smb2.GlobalCapMultiChannel != 0 {
		return true
	}
	return c.conn.dialect >= smb2.Dialect210 && o.durable.Load() != nil
}

// lockDone reports whether a LOCK of that sequence was the last that succeeded under its index. Else the index is forgotten, until lockKept.
func (o *open) lockDone(index uint32, number uint8) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lockSeq == nil {
		return false
	}
	if o.lockSeq[index-1] == lockValid|number {
		return true
	}
	o.lockSeq[index-1] = 0
	return false
}

func (o *open) lockKept(index uint32, number uint8) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lockSeq == nil {
		o.lockSeq = new([maxLockSequences]uint8)
	}
	o.lockSeq[index-1] = lockValid | number
}

// appInstance is an application, of which another host takes over the files when one fails: its opens give way to those of its new place
// (3.3.5.9.13, 3.3.5.9.16).
type appInstance struct {
	id        nt.GUID
	versioned bool
	high, low uint64
}

// older reports that a version is not above the one that there is.
func (a *appInstance) older(v *smb2.AppInstanceVersion) bool {
	if v == nil || !a.versioned {
		return false
	}
	_, lo := bits.Sub64(v.VersionLow, a.low, 0)
	_, less := bits.Sub64(v.VersionHigh, a.high, lo)
	return less != 0 || v.VersionHigh == a.high && v.VersionLow == a.low
}

// instances are the opens of applications.
type instances struct {
	mu sync.Mutex
	m  map[nt.GUID][]*open // guarded by mu
}

// others are the opens of an application on a file, by other clients.
func (t *instances) others(id nt.GUID, c *command, name string) (out []*open) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.m[id] {
		if o.client != c.conn.clientGUID && o.share == c.tree.share && nt.EqualFold(*o.name.Load(), name) {
			out = append(out, o)
		}
	}
	return out
}

func (t *instances) add(o *open, a *appInstance) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = map[nt.GUID][]*open{}
	}
	o.instance = a
	t.m[a.id] = append(t.m[a.id], o)
}

func (t *instances) remove(o *open) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := o.instance
	if a == nil {
		return
	}
	o.instance = nil
	list := slices.DeleteFunc(t.m[a.id], func(x *open) bool { return x == o })
	if len(list) == 0 {
		delete(t.m, a.id)
		return
	}
	t.m[a.id] = list
}

// takeOver closes what the same application has open through other clients.
func (c *command) takeOver(k *creating) nt.Status {
	d := &k.durable
	if d.instance == nil || d.requestV2 == nil {
		return nt.StatusSuccess
	}
	t := &c.conn.srv.instances
	list := t.others(d.instance.AppInstanceID, c, k.name)
	for _, o := range list {
		t.mu.Lock()
		older := o.instance != nil && o.instance.older(d.version)
		t.mu.Unlock()
		if older {
			return nt.StatusFileForcedClosed
		}
	}
	for _, o := range list {
		o.close()
	}
	return nt.StatusSuccess
}

// joinInstance makes an open one of its application's.
func (c *command) joinInstance(k *creating) {
	d := &k.durable
	if d.instance == nil || d.requestV2 == nil {
		return
	}
	a := &appInstance{id: d.instance.AppInstanceID}
	if v := d.version; v != nil {
		a.versioned, a.high, a.low = true, v.VersionHigh, v.VersionLow
	}
	c.conn.srv.instances.add(k.open, a)
}
