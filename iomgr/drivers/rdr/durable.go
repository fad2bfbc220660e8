package rdr

import (
	"crypto/rand"
	"fmt"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// durable is what an open has to be had back after its connection is lost (MS-SMB2 3.2.1.6: Open.Durable, Open.IsPersistent).
type durable struct {
	v2         bool
	granted    bool
	persistent bool
	guid       nt.GUID // CreateGuid, of version 2
	timeout    time.Duration
	key        sessionKey
	cred       *api.Credential

	// As the create asked: a server compares them (3.2.4.4).
	access        nt.AccessMask
	share         uint32
	attributes    uint32
	options       uint32
	impersonation api.Impersonation

	// guarded by file.mu
	lost    bool              // it is being opened again
	dead    bool              // and cannot be
	closing bool              // its CLOSE waits for what comes of that
	until   time.Time         // when that is given up
	wait    time.Duration     // until the next try
	thens   []func(back bool) // who waits too, of the driver's own
	waiting []*api.Request    // what comes meanwhile, and what was lost
	losses  int               // since first
	first   time.Time
	buckets []bucket
}

// Waits between tries to have a handle back, and how often it may be lost in a minute: a request that ends the connection each time it is sent
// is not sent for ever.
const (
	firstTry      = 20 * time.Millisecond
	lastTry       = 2 * time.Second
	lossesAMinute = 16
	maxWaiting    = 4096
)

// wish decides whether a lease is asked for, and that the open outlive its connection; redirector.mu is held. Directories that are listed get a lease of
// their own kind and nothing else; what is opened to look at it gets neither.
func (o *opening) wish() {
	const data = nt.FileReadData | nt.FileWriteData | nt.FileAppendData | nt.FileExecute | nt.MaximumAllowed
	if o.f != nil || o.bare || o.lease != nil {
		return
	}
	a, c := o.r.Create, o.tree.sess.conn
	if a.Options&nt.FileDirectoryFile != 0 && c.dirLeases && !o.tree.pipe && nt.GenericMappingFile.Map(a.DesiredAccess)&nt.FileListDirectory != 0 && a.Disposition == nt.FileOpen {
		if l := o.d.leases[o.leaseName()]; l == nil || l.dir != nil {
			o.lease = o.d.leaseFor(o, true)
		}
		return
	}
	if !c.leases || o.tree.pipe || o.to.name == "" || nt.GenericMappingFile.Map(a.DesiredAccess)&data == 0 ||
		a.Options&(nt.FileDirectoryFile|nt.FileDeleteOnClose|nt.FileOpenByFileId) != 0 {
		return
	}
	if t, ok := api.Find[*api.Then](a.Contexts); ok && t != nil && t.Close && !o.unchained && !o.d.hasLease(o) {
		return // it is over at once
	}
	if l := o.d.leases[o.leaseName()]; l != nil && l.dir != nil {
		return
	}
	o.lease = o.d.leaseFor(o, false)
	switch a.Disposition {
	case nt.FileSupersede, nt.FileOverwrite, nt.FileOverwriteIf:
		o.empties = true
	}
	o.durable = &durable{v2: c.dialect >= smb2.Dialect300, persistent: o.tree.lasting, timeout: o.d.cfg.DurableTime, key: o.whose, cred: o.cred,
		access: a.DesiredAccess, share: a.ShareAccess, attributes: a.FileAttributes, options: a.Options, impersonation: a.Impersonation}
	if o.durable.v2 {
		rand.Read(o.durable.guid[:]) // never fails
	}
}

// wishes writes what wish has decided (3.2.4.3.4, 3.2.4.3.5, 3.2.4.3.8).
func (o *opening) wishes(req *smb2.CreateRequest) {
	d := o.durable
	if o.lease != nil {
		o.lease.ask(req, o.tree.sess.conn.dialect >= smb2.Dialect300)
	}
	if d == nil {
		return
	}
	if !d.v2 {
		req.Contexts = req.Contexts.Append(smb2.ContextDurableHandleRequest, (&smb2.DurableHandleRequest{}).Append(nil))
		return
	}
	q := smb2.DurableHandleRequestV2{Timeout: uint32(d.timeout / time.Millisecond), CreateGUID: d.guid}
	if d.persistent {
		q.Flags = smb2.DurableHandleFlagPersistent
	}
	req.Contexts = req.Contexts.Append(smb2.ContextDurableHandleRequestV2, q.Append(nil))
}

// ask asks for the lease.
func (l *lease) ask(req *smb2.CreateRequest, v2 bool) {
	q := smb2.Lease{Version: 1, LeaseKey: l.key, LeaseState: smb2.LeaseReadCaching | smb2.LeaseHandleCaching | smb2.LeaseWriteCaching}
	if v2 {
		q.Version = 2
	}
	if l.dir != nil {
		q.LeaseState = smb2.LeaseReadCaching | smb2.LeaseHandleCaching
	}
	req.RequestedOplockLevel = smb2.OplockLevelLease
	req.Contexts = req.Contexts.Append(smb2.ContextRequestLease, q.Append(nil))
}

// granted reads the server's answers to these (3.2.5.7.2 to .5).
func (o *opening) granted(res *smb2.CreateResponse, c *smb2.CreateContext) error {
	l, d := o.lease, o.durable
	if l == nil {
		return nil
	}
	switch string(c.Name) {
	case smb2.ContextRequestLease:
		q, err := smb2.ParseLease(c.Data)
		if err != nil {
			return err
		}
		if q.LeaseKey != l.key || res.OplockLevel != smb2.OplockLevelLease {
			return fmt.Errorf("create response: lease %x at level %d", q.LeaseKey, res.OplockLevel)
		}
		l.set(q.Version, q.LeaseState, q.LeaseFlags, q.Epoch)
	case smb2.ContextDurableHandleRequest:
		if d == nil {
			return nil
		}
		if _, err := smb2.ParseDurableHandleResponse(c.Data); err != nil {
			return err
		}
		d.granted = d.granted || !d.v2
	case smb2.ContextDurableHandleRequestV2:
		if d == nil {
			return nil
		}
		q, err := smb2.ParseDurableHandleResponseV2(c.Data)
		if err != nil {
			return err
		}
		if d.granted, d.persistent = d.v2, d.persistent && q.Flags&smb2.DurableHandleFlagPersistent != 0; q.Timeout > 0 {
			d.timeout = min(d.timeout, time.Duration(q.Timeout)*time.Millisecond)
		}
	}
	return nil
}

// leave has an open find its way anew.
func (o *opening) leave() {
	o.d.mu.Lock()
	t := o.tree
	o.tree, o.sent = nil, false
	o.d.mu.Unlock()
	o.d.release(t)
}

// retry has a CREATE whose answer was lost sent again: by its CreateGuid the server knows whether it has done it (3.2.5.1.8). False if it cannot
// know.
func (o *opening) retry(x *exchange) bool {
	if o.f != nil || o.durable == nil || !o.durable.v2 || o.replays > 0 {
		return false
	}
	o.replays++
	o.leave()
	return true
}

// withoutLease has a CREATE sent again that the server refuses with a lease: one name may be of two files where case counts, or of another
// file than before.
func (o *opening) withoutLease() bool {
	if o.f != nil || o.lease == nil {
		return false
	}
	o.d.dropLease(o.lease)
	o.lease, o.durable, o.bare, o.empties, o.replays = nil, nil, true, false, 0
	o.leave()
	return true
}

// repeatable reports whether a request may be done twice by an open that nobody else could come between (a lease that somebody else breaks
// while the connection is away ends the open).
func repeatable(r *api.Request) bool {
	switch r.Op {
	case api.OpRead, api.OpFlush, api.OpLock, api.OpUnlock, api.OpQueryInformation, api.OpQueryVolume, api.OpQuerySecurity, api.OpQueryEA, api.OpSetSecurity:
		return true
	case api.OpWrite:
		return r.Offset >= 0
	case api.OpSetInformation:
		switch nt.FileInfoClass(r.Code) {
		case nt.FileBasicInformation, nt.FileEndOfFileInformation, nt.FileAllocationInformation, nt.FileDispositionInformation:
			return true
		}
	}
	return false
}

// modifies reports a request that a server is told of when it may come twice (3.2.4.1.3).
func modifies(op *operation) bool { return op == &opWrite || op == &opSetInfo }

// again takes a request whose connection was lost, at a tree: it is done once the file is open again. False if that is not to be.
func (f *file) again(r *api.Request, lostAt *tree, sent bool) bool {
	if (!sent || repeatable(r)) && f.elsewhere(lostAt) {
		f.dispatch(r)
		return true
	}
	d := f.durable
	if d == nil || sent && !repeatable(r) {
		return false
	}
	f.mu.Lock()
	switch {
	case d.dead, f.closed.Load(), len(d.waiting) >= maxWaiting:
		f.mu.Unlock()
		return false
	case r.Pended() && r.Cancelled(), !r.Pended() && !r.Pend(f.cancelRequest):
		f.mu.Unlock()
		r.Complete(nt.StatusCancelled, 0)
		return true
	case !d.lost && f.tree() != lostAt: // it is back already
		f.mu.Unlock()
		f.dispatch(r)
		return true
	}
	first := !d.lost
	if first && !f.lose() {
		f.mu.Unlock()
		return false
	}
	d.waiting = append(d.waiting, r)
	f.mu.Unlock()
	if first {
		f.reopen()
	}
	return true
}

// whenBack has do called when the file that was lost at a tree is open again, or is lost for good. False if it is.
func (f *file) whenBack(lostAt *tree, do func(back bool)) bool {
	if f.elsewhere(lostAt) {
		do(true)
		return true
	}
	d := f.durable
	if d == nil {
		return false
	}
	f.mu.Lock()
	switch {
	case d.dead, f.closed.Load():
		f.mu.Unlock()
		return false
	case !d.lost && f.tree() != lostAt:
		f.mu.Unlock()
		do(true)
		return true
	}
	first := !d.lost
	if first && !f.lose() {
		f.mu.Unlock()
		return false
	}
	d.thens = append(d.thens, do)
	f.mu.Unlock()
	if first {
		f.reopen()
	}
	return true
}

// lose begins the time in which the file is opened again; mu is held. False if it was lost too often.
func (f *file) lose() bool {
	d, now := f.durable, time.Now()
	if now.Sub(d.first) > time.Minute {
		d.first, d.losses = now, 0
	}
	if d.losses++; d.losses > lossesAMinute {
		d.dead = true
		return false
	}
	d.lost, d.wait = true, firstTry
	d.until = now.Add(d.timeout)
	return true
}

// reopen opens the file again (3.2.4.4).
func (f *file) reopen() {
	d := f.durable
	to := f.to
	to.name = f.name()
	(&opening{d: f.d, to: to, lease: f.lease, durable: d, whose: d.key, cred: d.cred, f: f}).start()
}

// opReopen is the CREATE by which that is done.
var opReopen = operation{
	cmd:  smb2.Create,
	size: func(x *exchange) int { return 512 + 2*len(x.owner.(*opening).to.name) },
	encode: func(x *exchange, b []byte) []byte {
		o := x.owner.(*opening)
		d, id := o.durable, o.f.at.Load().fid
		req := smb2.CreateRequest{ImpersonationLevel: uint32(d.impersonation), DesiredAccess: d.access, FileAttributes: d.attributes,
			ShareAccess: d.share, CreateDisposition: nt.FileOpen, Name: nt.AppendUTF16(nil, o.tree.wireName(o.to.name)),
			CreateOptions: d.options &^ (nt.FileSynchronousIoAlert | nt.FileSynchronousIoNonalert)}
		o.lease.ask(&req, d.v2)
		if !d.v2 {
			q := smb2.DurableHandleReconnect{FileID: smb2.FileID{Persistent: id.Persistent}}
			req.Contexts = req.Contexts.Append(smb2.ContextDurableHandleReconnect, q.Append(nil))
			return req.Append(b)
		}
		q := smb2.DurableHandleReconnectV2{FileID: smb2.FileID{Persistent: id.Persistent}, CreateGUID: d.guid}
		if d.persistent {
			q.Flags = smb2.DurableHandleFlagPersistent
		}
		req.Contexts = req.Contexts.Append(smb2.ContextDurableHandleReconnectV2, q.Append(nil))
		return req.Append(b)
	},
	decode: func(x *exchange, _ nt.Status, body []byte) (nt.Status, int, error) {
		o := x.owner.(*opening)
		res, err := smb2.ParseCreateResponse(body)
		if err != nil {
			return 0, 0, err
		}
		if res.FileID == smb2.RelatedFileID {
			return 0, 0, fmt.Errorf("create response: file id %v", res.FileID)
		}
		for chain := res.Contexts; len(chain) > 0; {
			var c smb2.CreateContext
			if c, chain, err = chain.Next(); err != nil {
				return 0, 0, err
			}
			if string(c.Name) == smb2.ContextRequestLease {
				if err := o.granted(&res, &c); err != nil {
					return 0, 0, err
				}
			}
		}
		o.back = &place{tree: o.tree, fid: res.FileID, sequence: o.f.at.Load().sequence + 1}
		return nt.StatusSuccess, 0, nil
	},
	failed: createFailed,
}

// notYet is how long after the loss a file that the server does not know may be one of which it has not seen that its connection has gone
// (3.3.5.9.7, 3.3.5.9.12).
const notYet = time.Second

// comesBack are the statuses after which another try may go well.
func comesBack(st nt.Status) bool {
	switch st {
	case nt.StatusConnectionDisconnected, nt.StatusConnectionReset, nt.StatusConnectionAborted, nt.StatusConnectionRefused, nt.StatusConnectionInvalid,
		nt.StatusNetworkNameDeleted, nt.StatusUserSessionDeleted, nt.StatusNetworkSessionExpired, nt.StatusNetworkUnreachable, nt.StatusHostUnreachable,
		nt.StatusIoTimeout, nt.StatusUnexpectedNetworkError, nt.StatusFileNotAvailable, nt.StatusInvalidNetworkResponse:
		return true
	}
	return false
}

// reopened goes on with what waits: the file is open again, or is tried again, or is lost for good.
func (f *file) reopened(o *opening, st nt.Status) {
	d, back := f.durable, st == nt.StatusSuccess
	f.mu.Lock()
	old := f.at.Load()
	switch {
	case back:
		f.at.Store(o.back)
	case comesBack(st) && time.Now().Before(d.until), st == nt.StatusObjectNameNotFound && time.Now().Before(d.until.Add(notYet-d.timeout)):
		wait := d.wait
		d.wait = min(2*wait, lastTry)
		f.mu.Unlock()
		time.AfterFunc(wait, f.reopen)
		return
	default:
		d.dead = true
	}
	closing := d.closing
	d.lost, d.closing = false, false
	list, thens := d.waiting, d.thens
	d.waiting, d.thens = nil, nil
	f.mu.Unlock()
	f.d.log.Debug("reopen", "server", f.to.server(), "name", o.to.name, "status", st, "waiting", len(list))
	if back {
		f.d.back.Add(1)
		f.d.release(old.tree)
	} else {
		f.d.gone.Add(1)
	}
	for _, do := range thens {
		do(back)
	}
	for _, r := range list {
		if back {
			f.dispatch(r)
		} else {
			r.Complete(nt.StatusConnectionDisconnected, 0)
		}
	}
	switch {
	case !closing:
	case back:
		f.sendClose()
	default:
		f.gone(old.tree)
	}
}

// dispatch begins with a request again.
func (f *file) dispatch(r *api.Request) {
	if r.Cancelled() {
		r.Complete(nt.StatusCancelled, 0)
		return
	}
	switch r.Op {
	case api.OpRead:
		f.Read(r)
	case api.OpWrite:
		f.Write(r)
	case api.OpFlush:
		f.Flush(r)
	case api.OpLock, api.OpUnlock:
		f.lock(r)
	case api.OpFsControl:
		f.FsControl(r)
	case api.OpQueryInformation:
		f.QueryInformation(r)
	case api.OpSetInformation:
		f.SetInformation(r)
	case api.OpQueryVolume:
		f.QueryVolume(r)
	case api.OpSetVolume:
		f.SetVolume(r)
	case api.OpQuerySecurity:
		f.QuerySecurity(r)
	case api.OpSetSecurity:
		f.SetSecurity(r)
	case api.OpQueryEA:
		f.QueryEA(r)
	case api.OpSetEA:
		f.SetEA(r)
	case api.OpQueryDirectory:
		f.QueryDirectory(r)
	case api.OpQueryQuota:
		f.QueryQuota(r)
	case api.OpSetQuota:
		f.SetQuota(r)
	case api.OpNotifyChange:
		f.NotifyChange(r)
	default:
		r.Complete(nt.StatusConnectionDisconnected, 0)
	}
}

// cancel ends a request early that waits for the file, or for the server.
func (f *file) cancel(r *api.Request) {
	d := f.durable
	f.mu.Lock()
	for i, w := range d.waiting {
		if w == r {
			d.waiting = append(d.waiting[:i:i], d.waiting[i+1:]...)
			f.mu.Unlock()
			r.Complete(nt.StatusCancelled, 0)
			return
		}
	}
	f.mu.Unlock()
	f.cancelAll(r)
}

// closeLost closes a file that is being opened again, as soon as it is: else the server would keep it for nobody. False if it is not.
func (f *file) closeLost() bool {
	d := f.durable
	f.mu.Lock()
	if !d.lost {
		f.mu.Unlock()
		return false
	}
	f.closed.Store(true)
	d.closing = true
	list := d.waiting
	d.waiting = nil
	f.mu.Unlock()
	for _, r := range list {
		r.Complete(nt.StatusCancelled, 0)
	}
	return true
}

// closeAgain has a file closed whose CLOSE was lost. False if there is nothing to be closed any more.
func (f *file) closeAgain(lostAt *tree) bool {
	d := f.durable
	f.mu.Lock()
	switch {
	case d.dead:
		f.mu.Unlock()
		return false
	case d.lost:
		d.closing = true
		f.mu.Unlock()
		return true
	case f.tree() != lostAt:
		f.mu.Unlock()
		f.sendClose()
		return true
	case !f.lose():
		f.mu.Unlock()
		return false
	}
	d.closing = true
	f.mu.Unlock()
	f.reopen()
	return true
}

// previousKey is whose session was lost.
type previousKey struct {
	server string
	key    sessionKey
}

// maxPrevious bounds the sessions that are remembered.
const maxPrevious = 4096

// disconnected notes what a connection that is lost leaves behind: the sessions, which the next ones replace (3.2.4.2.3: PreviousSessionId), and
// leases that nobody will tell of when they break. mu is held.
func (d *redirector) disconnected(c *conn, promoted bool) {
	for key, s := range c.sessions {
		if s.up && s.signer != nil && (!promoted || d.conns[c.key].sessions[key] == nil) && len(d.previous) < maxPrevious {
			d.previous[previousKey{c.key, key}] = s.id
		}
	}
	if d.conns[c.key] != c && !promoted {
		return
	}
	for _, l := range d.leased {
		if l.server == c.key {
			l.lost()
		}
	}
}

// recall gives the session that a new one replaces; restore puts it back where that failed.
func (d *redirector) recall(s *session) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := previousKey{s.conn.key, s.key}
	id := d.previous[key]
	delete(d.previous, key)
	return id
}

func (d *redirector) restore(s *session, id uint64) {
	if id == 0 {
		return
	}
	d.mu.Lock()
	d.previous[previousKey{s.conn.key, s.key}] = id
	d.mu.Unlock()
}

// lost ends what is kept under a lease: whoever breaks it now is not heard.
func (l *lease) lost() {
	l.mu.Lock()
	l.state, l.known = 0, false
	out := l.drop(0, lastBlock)
	l.mu.Unlock()
	if len(out) > 0 {
		l.cache.remove(out)
	}
}

// renamed notes the new name of a file.
func renamed(x *exchange, st nt.Status, n int) {
	f, r := x.file, x.r
	if st == nt.StatusConnectionDisconnected && f.again(r, x.tree, x.onWire) {
		return
	}
	if st == nt.StatusSuccess {
		l := f.lease
		f.d.mu.Lock()
		f.d.unnameLease(l)
		f.d.mu.Unlock()
		l.mu.Lock()
		l.path = nt.DecodeUTF16(x.in[20 : 20+int(le.Uint32(x.in[16:]))])
		l.mu.Unlock()
	}
	r.Complete(st, n)
}
