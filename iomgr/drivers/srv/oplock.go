package srv

import (
	"sync"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// levels are the oplocks of MS-SMB2 2.2.13 as what they let a client cache.
var levels = map[uint8]uint8{
	smb2.OplockLevelII:        api.CacheRead,
	smb2.OplockLevelExclusive: api.CacheRead | api.CacheWrite,
	smb2.OplockLevelBatch:     api.CacheRead | api.CacheWrite | api.CacheHandle,
}

// levelOf is the oplock that a state is.
func levelOf(state uint8) uint8 {
	switch {
	case state&api.CacheRead == 0:
		return smb2.OplockLevelNone
	case state&api.CacheWrite == 0:
		return smb2.OplockLevelII
	case state&api.CacheHandle == 0:
		return smb2.OplockLevelExclusive
	}
	return smb2.OplockLevelBatch
}

// leaseID names a lease: its key means something for one client.
type leaseID struct {
	client nt.GUID
	key    smb2.LeaseKey
}

// lease is what the server has to know of a lease besides the file system: which file it is for, and by which opens (3.3.1.12).
type lease struct {
	id    leaseID
	file  string  // upper-cased device path
	opens []*open // guarded by leases.mu, as what follows

	// What the client holds, as far as it was told and has answered.
	version  uint8
	epoch    uint16
	state    uint8
	breaking bool
	breakTo  uint8
}

// leaseState is a lease as it is at a moment.
type leaseState struct {
	key      smb2.LeaseKey
	version  uint8
	epoch    uint16
	state    uint8
	breaking bool
}

func (s *leaseState) granted() api.Oplock {
	return api.Oplock{State: s.state, Lease: true, Version: s.version, Epoch: s.epoch, Breaking: s.breaking}
}

// state gives the lease of an open; false if it has none.
func (l *leases) state(o *open) (leaseState, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	le := o.lease
	if le == nil {
		return leaseState{}, false
	}
	return leaseState{le.id.key, le.version, le.epoch, le.state, le.breaking}, true
}

// broken takes note of a break and gives the opens of the lease; nil if the open has none.
func (l *leases) broken(o *open, b *api.OplockBreak) []*open {
	l.mu.Lock()
	defer l.mu.Unlock()
	le := o.lease
	if le == nil {
		return nil
	}
	if le.epoch = b.Epoch; b.AckRequired {
		le.breaking, le.breakTo = true, b.To
	} else {
		le.state, le.breaking = b.To, false
	}
	return append([]*open(nil), le.opens...)
}

// losingHandle reports that a client was told to close what it keeps open of a file in its cache only.
func (l *leases) losingHandle(file string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, le := range l.m {
		if le.file == file && le.breaking && le.state&api.CacheHandle != 0 && le.breakTo&api.CacheHandle == 0 {
			return true
		}
	}
	return false
}

// answered takes note of what the client keeps, before the file system is told: that may break the rest at once. It gives what there was.
func (l *leases) answered(o *open, state uint8, breaking bool) (uint8, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	le := o.lease
	if le == nil {
		return 0, false
	}
	was, wasBreaking := le.state, le.breaking
	le.state, le.breaking = state, breaking
	return was, wasBreaking
}

// leases are all leases of the server, of all clients (3.3.1.13).
type leases struct {
	mu sync.Mutex
	m  map[leaseID]*lease // guarded by mu
}

// check says whether a lease may be asked for on a file: its key is not another file's (3.3.5.9.8).
func (l *leases) check(id leaseID, file string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	le := l.m[id]
	return le == nil || le.file == file
}

// add puts an open among those of a lease; false if the key is another file's meanwhile.
func (l *leases) add(id leaseID, file string, o *open, got *api.Oplock) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	le := l.m[id]
	if le == nil {
		le = &lease{id: id, file: file}
		if l.m == nil {
			l.m = map[leaseID]*lease{}
		}
		l.m[id] = le
	}
	if le.file != file {
		return false
	}
	le.opens = append(le.opens, o)
	le.version, le.epoch, le.state, le.breaking = got.Version, got.Epoch, got.State, got.Breaking
	o.lease = le
	return true
}

func (l *leases) remove(o *open) {
	l.mu.Lock()
	defer l.mu.Unlock()
	le := o.lease
	if le == nil {
		return
	}
	o.lease = nil
	for i, x := range le.opens {
		if x == o {
			le.opens = append(le.opens[:i], le.opens[i+1:]...)
			break
		}
	}
	if len(le.opens) == 0 && l.m[le.id] == le {
		delete(l.m, le.id)
	}
}

// renamed says that the file of an open has another name.
func (l *leases) renamed(o *open, file string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.lease != nil {
		o.lease.file = file
	}
}

// of gives the lease of an open, and any open for which the lease is held.
func (l *leases) find(id leaseID) *open {
	l.mu.Lock()
	defer l.mu.Unlock()
	if le := l.m[id]; le != nil {
		return le.opens[0]
	}
	return nil
}

// wantsOplock adds to a create what the client asks for (3.3.5.9, 3.3.5.9.8, 3.3.5.9.11).
func (c *command) wantsOplock(k *creating, level uint8) nt.Status {
	if c.tree.share.pipe {
		return nt.StatusSuccess
	}
	allowed := uint8(api.CacheRead | api.CacheWrite | api.CacheHandle)
	if c.tree.share.info.Load().Flags&ShareFlagLevelII != 0 {
		allowed &^= api.CacheWrite
	}
	if level != smb2.OplockLevelLease {
		state := levels[level] & allowed
		if allowed&api.CacheWrite == 0 {
			state &= api.CacheRead
		}
		if state != 0 {
			k.args.Contexts = append(k.args.Contexts, api.Oplock{State: state})
		}
		return nt.StatusSuccess
	}
	l := k.leaseContext
	if l == nil || c.conn.serverCaps&smb2.GlobalCapLeasing == 0 || l.Version == 2 && c.conn.dialect < smb2.Dialect300 {
		k.leaseContext = nil
		return nt.StatusSuccess
	}
	if l.LeaseState&^(smb2.LeaseReadCaching|smb2.LeaseHandleCaching|smb2.LeaseWriteCaching) != 0 {
		return nt.StatusInvalidParameter
	}
	k.leaseID = leaseID{c.conn.clientGUID, l.LeaseKey}
	if !c.conn.srv.leases.check(k.leaseID, nt.Upcase(k.args.Name)) {
		return nt.StatusInvalidParameter
	}
	want := api.Oplock{State: uint8(l.LeaseState) & allowed, Lease: true, Client: c.conn.clientGUID, Key: nt.GUID(l.LeaseKey), Version: uint8(l.Version), Epoch: l.Epoch}
	if l.LeaseFlags&smb2.LeaseFlagParentKeySet != 0 {
		want.ParentKey = nt.GUID(l.ParentKey)
	}
	k.args.Contexts = append(k.args.Contexts, want)
	return nt.StatusSuccess
}

// gotOplock takes note of what a create was granted.
func (c *command) gotOplock(k *creating) nt.Status {
	got, ok := api.Find[api.Oplock](k.args.Result.Contexts)
	if !ok {
		k.leaseContext = nil
		return nt.StatusSuccess
	}
	o := k.open
	if got.Lease {
		if !c.conn.srv.leases.add(k.leaseID, nt.Upcase(k.args.Name), o, &got) {
			return nt.StatusInvalidParameter
		}
		k.level = smb2.OplockLevelLease
	} else {
		k.level = levelOf(got.State)
		o.level.Store(uint32(k.level))
		if got.State == 0 {
			return nt.StatusSuccess
		}
	}
	k.granted = got
	(&breakWait{o: o}).submit()
	return nt.StatusSuccess
}

// leaseResponse is the RqLs of the answer (2.2.14.2.10, 2.2.14.2.11).
func (k *creating) leaseResponse() []byte {
	l := *k.leaseContext
	l.LeaseState, l.LeaseFlags, l.LeaseDuration = uint32(k.granted.State), l.LeaseFlags&smb2.LeaseFlagParentKeySet, 0
	if k.granted.Breaking {
		l.LeaseFlags |= smb2.LeaseFlagBreakInProgress
	}
	l.Version = int(k.granted.Version)
	if l.Version != 2 {
		l.LeaseFlags &^= smb2.LeaseFlagParentKeySet
	}
	l.Epoch = k.granted.Epoch
	return l.Append(nil)
}

// breakWait is the control that waits for the breaks of an open's oplock or lease, as long as the open lives.
type breakWait struct {
	o   *open
	req request
	out [api.OplockBreakLen]byte
}

func (w *breakWait) submit() {
	w.req = request{Op: api.OpFsControl, Handle: w.o.handle, Code: nt.FsctlOplockBreakNotify, Out: w.out[:], Owner: w, Done: breakDone}
	w.o.srv.api.Submit(&w.req)
}

// breakDone sends the notification (3.3.4.6, 3.3.4.7), over any connection that the lease's opens are reached by.
func breakDone(r *request) {
	w := r.Owner.(*breakWait)
	b, ok := api.ParseOplockBreak(w.out[:r.N])
	if !r.Status.IsSuccess() || !ok {
		return // the open has gone, or holds nothing
	}
	o := w.o
	opens := o.srv.leases.broken(o, &b)
	defer o.saveLater()
	if opens == nil {
		opens = []*open{o}
		if b.AckRequired {
			o.breakTo = b.To
			o.breaking.Store(true)
		} else {
			o.level.Store(uint32(levelOf(b.To)))
		}
	}
	if !(&breakNotice{opens: opens, b: b}).tell() {
		go unheard(opens, &b) // it may wait for locks that are held here
	}
	(&breakWait{o: o}).submit()
}

// unheard is for a break about which nobody can be told. Opens that wait for their client go, since their client could not know what
// happened to the file; resilient ones wait on, for as long as a break may last. Else the client has given up everything.
func unheard(opens []*open, b *api.OplockBreak) {
	waits := false
	for _, o := range opens {
		if d := o.durable.Load(); d != nil && (d.resilient || d.persistent) {
			waits = true
			continue
		}
		o.expire()
	}
	if !b.AckRequired || waits {
		return
	}
	for _, o := range opens {
		if !o.closed.Load() {
			o.acknowledge(0)
			return
		}
	}
}

// acknowledge tells the file system what the client keeps.
func (o *open) acknowledge(state uint8) nt.Status {
	_, err := o.srv.api.FsControlFile(o.srv.ctx, o.handle, nt.FsctlOplockBreakAcknowledge, []byte{state}, nil)
	return nt.StatusOf(err)
}

// notifyBreak sends an OPLOCK_BREAK that nobody asked for: with no session, unsigned, and encrypted where everything is.
func (c *conn) notifyBreak(o *open, t *tree, b *api.OplockBreak) {
	out := newBuffer(c, outOverhead+64)
	h := smb2.Header{Command: smb2.OplockBreak, Flags: smb2.FlagServerToRedir, MessageID: ^uint64(0)}
	msg := h.Append(out.b[outStart:outStart])
	o.srv.leases.mu.Lock()
	l := o.lease
	o.srv.leases.mu.Unlock()
	if l != nil {
		n := smb2.LeaseBreakNotification{NewEpoch: b.Epoch, LeaseKey: l.id.key, CurrentLeaseState: uint32(b.From), NewLeaseState: uint32(b.To)}
		if b.AckRequired {
			n.Flags = smb2.LeaseBreakAckRequired
		}
		msg = n.Append(msg)
	} else {
		n := smb2.OplockBreakMessage{OplockLevel: levelOf(b.To), FileID: o.id}
		msg = n.Append(msg)
	}
	var seal *smb2.Sealer
	if t.sess.encrypt || t.encrypt {
		seal = t.sess.sealer
	}
	c.send.transmit(out, outStart+len(msg), seal)
}

// oplockBreak is the acknowledgment of an oplock or lease break (3.3.5.22).
func (c *command) oplockBreak() nt.Status {
	if smb2.IsLeaseBreak(c.body) {
		return c.leaseBreakAck()
	}
	req, err := smb2.ParseOplockBreak(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	if !o.breaking.Swap(false) {
		if req.OplockLevel == smb2.OplockLevelLease {
			return nt.StatusInvalidParameter
		}
		return nt.StatusInvalidOplockProtocol
	}
	if req.OplockLevel != smb2.OplockLevelNone && req.OplockLevel != smb2.OplockLevelII {
		o.level.Store(uint32(smb2.OplockLevelNone))
		o.acknowledge(0) // it is lost (3.3.5.22.1)
		return nt.StatusInvalidParameter
	}
	state := levels[req.OplockLevel] & o.breakTo
	o.level.Store(uint32(levelOf(state)))
	if st := o.acknowledge(state); st.IsError() {
		return st
	}
	o.saveLater()
	req.OplockLevel = levelOf(state)
	return c.reply(req.Append(c.begin(24)))
}

func (c *command) leaseBreakAck() nt.Status {
	req, err := smb2.ParseLeaseBreakAck(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	o := c.conn.srv.leases.find(leaseID{c.conn.clientGUID, req.LeaseKey})
	if o == nil {
		return nt.StatusObjectNameNotFound
	}
	if req.LeaseState > 7 {
		return nt.StatusInvalidParameter
	}
	l := &c.conn.srv.leases
	state, breaking := l.answered(o, uint8(req.LeaseState), false)
	st := o.acknowledge(uint8(req.LeaseState))
	if st.IsError() {
		l.answered(o, state, breaking)
		return st
	}
	o.saveLater()
	res := smb2.LeaseBreakAck{LeaseKey: req.LeaseKey, LeaseState: req.LeaseState}
	return c.reply(res.Append(c.begin(36)))
}
