package srv

import (
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// durable says how an open outlives its connection (3.3.1.10: IsDurable, IsResilient). It is never changed.
type durable struct {
	v2         bool
	persistent bool    // it outlives the server, if that can be kept
	guid       nt.GUID // CreateGuid of version 2
	timeout    time.Duration
	resilient  bool
	disk       api.DiskID
}

// durableContexts are those of a create that have to do with durable opens.
type durableContexts struct {
	request    bool // DHnQ
	requestV2  *smb2.DurableHandleRequestV2
	connect    *smb2.DurableHandleReconnect
	connectV2  *smb2.DurableHandleReconnectV2
	instance   *smb2.AppInstanceID
	version    *smb2.AppInstanceVersion
	reconnects bool
}

// parseDurable finds them, and refuses those that do not go together (3.3.5.9.6, 3.3.5.9.7, 3.3.5.9.10, 3.3.5.9.12). Dialects before 3.0 know
// nothing of version 2.
func (d *durableContexts) parse(chain smb2.CreateContexts, dialect smb2.Dialect) nt.Status {
	for len(chain) > 0 {
		one, rest, err := chain.Next()
		if err != nil {
			return nt.StatusInvalidParameter
		}
		chain = rest
		name := string(one.Name)
		switch name {
		case smb2.ContextDurableHandleRequest:
			_, err = smb2.ParseDurableHandleRequest(one.Data)
			d.request = true
		case smb2.ContextDurableHandleReconnect:
			var v smb2.DurableHandleReconnect
			v, err = smb2.ParseDurableHandleReconnect(one.Data)
			d.connect = &v
		}
		if dialect >= smb2.Dialect300 {
			switch name {
			case smb2.ContextDurableHandleRequestV2:
				var v smb2.DurableHandleRequestV2
				v, err = smb2.ParseDurableHandleRequestV2(one.Data)
				d.requestV2 = &v
			case smb2.ContextDurableHandleReconnectV2:
				var v smb2.DurableHandleReconnectV2
				v, err = smb2.ParseDurableHandleReconnectV2(one.Data)
				d.connectV2 = &v
			case smb2.ContextAppInstanceID:
				var v smb2.AppInstanceID
				v, err = smb2.ParseAppInstanceID(one.Data)
				d.instance = &v
			}
		}
		if dialect >= smb2.Dialect311 && name == smb2.ContextAppInstanceVersion {
			var v smb2.AppInstanceVersion
			v, err = smb2.ParseAppInstanceVersion(one.Data)
			d.version = &v
		}
		if err != nil {
			return nt.StatusInvalidParameter
		}
	}
	v1, v2 := d.request || d.connect != nil, d.requestV2 != nil || d.connectV2 != nil
	if v1 && v2 || d.requestV2 != nil && d.connectV2 != nil {
		return nt.StatusInvalidParameter
	}
	d.reconnects = d.connect != nil || d.connectV2 != nil
	return nt.StatusSuccess
}

// makeDurable makes an open durable if the client asked for it and holds what would tell it of others: a batch oplock, or a lease on the
// handle (3.3.5.9.6, 3.3.5.9.10).
func (c *command) makeDurable(k *creating) {
	o, d := k.open, &k.durable
	if !d.request && d.requestV2 == nil || c.tree.share.pipe || o.owner.Anonymous || le.Uint32(k.info[48:])&nt.FileAttributeDirectory != 0 {
		return
	}
	persistent := d.requestV2 != nil && d.requestV2.Flags&smb2.DurableHandleFlagPersistent != 0 && c.conn.serverCaps&smb2.GlobalCapPersistentHandles != 0 &&
		o.share.continuous(o.srv)
	if !persistent && k.level != smb2.OplockLevelBatch && !(k.level == smb2.OplockLevelLease && k.granted.State&api.CacheHandle != 0) {
		return
	}
	l := &o.srv.cfg.Limits
	v := &durable{timeout: l.DurableTimeout, persistent: persistent}
	v.disk, _ = api.Find[api.DiskID](k.args.Result.Contexts)
	if r := d.requestV2; r != nil {
		v.v2, v.guid = true, r.CreateGUID
		if r.Timeout != 0 {
			v.timeout = min(time.Duration(r.Timeout)*time.Millisecond, l.DurableTimeoutMax)
		}
	}
	o.durable.Store(v)
}

// preserved reports whether the open outlives its connection as it is now: nobody may have asked its client to give up what the open is
// durable by. Ranges that are locked need write caching besides: else others may have waited for them.
func (o *open) preserved() bool {
	d := o.durable.Load()
	switch {
	case d == nil:
		return false
	case d.resilient, d.persistent:
		return true
	}
	if st, leased := o.srv.leases.state(o); leased {
		return !st.breaking && st.state&api.CacheHandle != 0 && (o.locks.Load() == 0 || st.state&api.CacheWrite != 0)
	}
	return uint8(o.level.Load()) == smb2.OplockLevelBatch && !o.breaking.Load()
}

// park takes a durable open off its session; it stays open until its client comes back or its time is over (3.3.7.1). False if it is to be
// closed.
func (o *open) park() bool {
	s := o.srv
	if s.closing.Load() || !o.preserved() {
		return false
	}
	if s.parked.Add(1) > int64(s.cfg.Limits.DurableOpens) {
		s.parked.Add(-1)
		return false
	}
	o.mu.Lock()
	t := o.tree.Load()
	if o.closed.Load() || o.parked || t == nil {
		o.mu.Unlock()
		s.parked.Add(-1)
		return true // somebody else has it
	}
	o.parked = true
	o.tree.Store(nil)
	o.timer = time.AfterFunc(o.durable.Load().timeout, o.expire)
	o.mu.Unlock()
	o.unlink(t)
	if !o.preserved() || s.closing.Load() { // it broke meanwhile, or nobody will look any more
		o.expire()
	}
	return true
}

// expire closes the open if it is parked still.
func (o *open) expire() {
	o.mu.Lock()
	parked := o.parked
	o.mu.Unlock()
	if parked {
		o.close()
	}
}

// attach puts a parked open under a tree. False if it is not parked any more.
func (o *open) attach(t *tree) nt.Status {
	o.mu.Lock()
	if o.closed.Load() || !o.parked {
		o.mu.Unlock()
		return nt.StatusObjectNameNotFound
	}
	o.parked = false
	o.timer.Stop()
	o.timer = nil
	o.srv.parked.Add(-1)
	if st := o.link(t); st != nt.StatusSuccess {
		o.mu.Unlock()
		o.close()
		return st
	}
	o.tree.Store(t)
	o.tally.Store(0)
	o.mu.Unlock()
	return nt.StatusSuccess
}

// closeParked closes what is parked: of a share, or all.
func (s *server) closeParked(of *share) {
	for _, o := range s.opens.all() {
		if of == nil || o.share == of {
			o.expire()
		}
	}
}

// reconnect takes up a durable open (3.3.5.9.7, 3.3.5.9.12).
func (c *command) reconnect(k *creating, req *smb2.CreateRequest) nt.Status {
	d := &k.durable
	id := smb2.FileID{}
	if d.connect != nil {
		id = d.connect.FileID
	} else {
		id = d.connectV2.FileID
	}
	o, ok := c.conn.srv.opens.get(id.Persistent)
	if !ok || o.share != c.tree.share {
		return nt.StatusObjectNameNotFound
	}
	v := o.durable.Load()
	if v == nil || d.connectV2 != nil && v.guid != d.connectV2.CreateGUID { // that of version 1 is zero
		return nt.StatusObjectNameNotFound
	}
	if v.persistent && (d.connectV2 == nil || d.connectV2.Flags&smb2.DurableHandleFlagPersistent == 0) { // 3.3.5.9.12
		return nt.StatusObjectNameNotFound
	}
	return c.resume(k, o, req)
}

// resume puts a parked open under the tree of the request, if it is this client's to have.
func (c *command) resume(k *creating, o *open, req *smb2.CreateRequest) nt.Status {
	if st := k.parseContexts(req.Contexts); st != nt.StatusSuccess {
		return st
	}
	l := k.leaseContext
	if c.conn.serverCaps&smb2.GlobalCapLeasing == 0 {
		l = nil
	}
	st, leased := o.srv.leases.state(o)
	switch {
	case leased != (l != nil):
		return nt.StatusObjectNameNotFound
	case leased && (o.client != c.conn.clientGUID || st.key != l.LeaseKey || int(st.version) != l.Version):
		return nt.StatusObjectNameNotFound
	case leased && !nt.EqualFold(k.name, *o.name.Load()):
		return nt.StatusInvalidParameter
	case o.owner.User != c.sess.token.Load().User:
		return nt.StatusAccessDenied
	case o.granted&^(c.tree.access|nt.AccessSystemSecurity|nt.Synchronize) != 0:
		return nt.StatusAccessDenied // the share grants less than it did
	}
	if st := o.attach(c.tree); st != nt.StatusSuccess {
		return st
	}
	o.tally.Store(uint64(c.channelSequence()))
	k.open, c.open, c.extra = o, o, k
	if k.args.Result.Action = nt.FileOpened; k.replay {
		k.args.Result.Action = o.action
	}
	if leased {
		k.level, k.granted = smb2.OplockLevelLease, st.granted()
	} else {
		k.level = uint8(o.level.Load())
	}
	return c.submit(&request{Op: api.OpQueryInformation, Handle: o.handle, Code: uint32(nt.FileNetworkOpenInformation), Out: k.info[:]},
		(*command).createdInfo)
}

// durableReply adds the answers to DHnQ and DH2Q. A replay is answered by what it asks for, not by what there is, as Windows does it.
func (k *creating) durableReply(chain smb2.CreateContexts) smb2.CreateContexts {
	v := k.open.durable.Load()
	switch {
	case v == nil, k.durable.reconnects, v.resilient:
	case k.durable.request && !v.v2:
		chain = chain.Append(smb2.ContextDurableHandleRequest, (&smb2.DurableHandleResponse{}).Append(nil))
	case k.durable.requestV2 != nil && v.v2:
		if k.replay && !v.persistent && k.level != smb2.OplockLevelBatch && k.level != smb2.OplockLevelLease {
			break
		}
		r := smb2.DurableHandleResponseV2{Timeout: uint32(v.timeout / time.Millisecond)}
		if v.persistent {
			r.Flags = smb2.DurableHandleFlagPersistent
		}
		chain = chain.Append(smb2.ContextDurableHandleRequestV2, r.Append(nil))
	}
	return chain
}

// resiliency is FSCTL_LMR_REQUEST_RESILIENCY (3.3.5.15.9).
func (c *command) resiliency(req *smb2.IoctlRequest) nt.Status {
	if c.conn.dialect < smb2.Dialect210 {
		return nt.StatusInvalidDeviceRequest
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	r, err := smb2.ParseResiliencyRequest(req.Input)
	l := &o.srv.cfg.Limits
	if err != nil || time.Duration(r.Timeout)*time.Millisecond > l.DurableTimeoutMax || o.share.pipe {
		return nt.StatusInvalidParameter
	}
	v := &durable{resilient: true, timeout: l.DurableTimeout}
	if r.Timeout != 0 {
		v.timeout = time.Duration(r.Timeout) * time.Millisecond
	}
	if d := o.durable.Load(); d != nil {
		v.v2, v.guid, v.disk, v.persistent = d.v2, d.guid, d.disk, d.persistent
	}
	o.durable.Store(v)
	return c.ioctlReply(req, nil)
}
