package rdr

import (
	"fmt"
	"math"
	"slices"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// opening is a create under way.
type opening struct {
	d    *redirector
	r    *api.Request
	to   target
	tree *tree
	sent bool // guarded by redirector.mu: it waits for its tree no more

	lease     *lease        // what is asked for; nil for none
	durable   *durable      // of what the open becomes; nil if its end is that of the connection
	bare      bool          // neither is asked for: the server has refused it with them
	empties   bool          // the open may empty a file of which something is kept
	replays   int           // how often the CREATE was lost on its way and sent again
	changes   []leaseName   // directories in which it may change something
	named     leaseName     // made by leaseName
	others    []alternative // where else it may go
	via       *alternative  // where it goes by a referral
	hops      int           // referrals that were asked for
	asked     bool          // the server was asked whether the share is elsewhere
	over      bool          // it goes nowhere else
	looked    bool          // the three that follow are set
	inDir     *lease        // of the directory, for what the answer tells; nil if that is not kept
	dirGen    uint64
	base      string
	saw       *api.FileInfo // what the answer says of the file
	unchained bool          // nothing goes with the CREATE: that has failed once
	whose     sessionKey
	cred      *api.Credential

	f    *file  // which is opened again; nil for a create
	back *place // where it is now
}

// Create opens what a name leads to.
func (d *redirector) Create(r *api.Request) {
	a := r.Create
	if r.File().Path() == "" {
		d.openControl(r)
		return
	}
	to, st := parsePath(r.File().Path())
	if st != nt.StatusSuccess {
		r.Complete(st, 0)
		return
	}
	cred, key, st := d.whose(a, &to)
	if st != nt.StatusSuccess {
		r.Complete(st, 0)
		return
	}
	o := &opening{d: d, r: r, to: to, cred: cred, whose: key}
	if !d.cfg.NoReferrals {
		o.follow()
	}
	if o.answerKnown() {
		return
	}
	if d.dirty.Load() > 0 { // the server is not to tell of the file what is over
		d.mu.Lock()
		l := d.leases[o.leaseName()]
		d.mu.Unlock()
		if l != nil && (!r.Pend(o.cancel) || l.whenClean(o.start)) {
			if !r.Pended() {
				r.Complete(nt.StatusCancelled, 0)
			}
			return
		}
		if o.renames() {
			if !r.Pended() && !r.Pend(o.cancel) {
				r.Complete(nt.StatusCancelled, 0)
				return
			}
			if d.cleanTree(o.leaseName(), o.start) {
				return
			}
		}
	}
	o.start()
}

// renames reports whether what is to be done with the file gives it another name.
func (o *opening) renames() bool {
	t, ok := api.Find[*api.Then](o.r.Create.Contexts)
	return ok && t != nil && slices.ContainsFunc(t.Requests, isRename)
}

// start finds a way to the server for an open, and sends it there.
func (o *opening) start() {
	d := o.d
	d.mu.Lock()
	st := d.admit(o, o.cred, o.whose)
	t := o.tree
	d.mu.Unlock()
	switch {
	case st != nt.StatusPending:
		o.end(st)
	case t != nil:
		t.sess.conn.pump()
	}
}

// admit finds the tree of an open and starts the open or has it wait; mu is held. StatusPending says that somebody else completes it.
func (d *redirector) admit(o *opening, cred *api.Credential, key sessionKey) nt.Status {
	switch {
	case d.stopping:
		return nt.StatusDeviceNotReady
	case d.opens >= d.cfg.Limits.Opens:
		return nt.StatusTooManyOpenedFiles
	case o.r != nil && o.r.Pended() && o.r.Cancelled():
		return nt.StatusCancelled
	case o.r != nil && !o.r.Pended() && !o.r.Pend(o.cancel):
		return nt.StatusCancelled
	}
	t, st := d.treeFor(&o.to, cred, key)
	if st != nt.StatusSuccess {
		return st
	}
	o.tree = t
	t.users++
	d.opens++
	if !t.up {
		t.waiting = append(t.waiting, o)
		return nt.StatusPending
	}
	return o.begin()
}

// cancel ends an open early.
func (o *opening) cancel(r *api.Request) {
	d := o.d
	d.mu.Lock()
	t := o.tree
	if t == nil {
		d.mu.Unlock()
		return // admit is about to find out
	}
	if o.sent {
		d.mu.Unlock()
		t.sess.conn.cancel(r)
		return
	}
	for i, w := range t.waiting {
		if w == o {
			t.waiting = append(t.waiting[:i:i], t.waiting[i+1:]...)
			d.mu.Unlock()
			o.end(nt.StatusCancelled)
			return
		}
	}
	d.mu.Unlock()
}

// end completes an open that has failed, or that needs nothing of the server.
func (o *opening) end(st nt.Status) {
	d := o.d
	if !o.over && o.redirected(st) {
		return
	}
	if o.f == nil {
		o.learned(st)
	}
	if st != nt.StatusSuccess {
		if o.changes != nil {
			d.mu.Lock()
			d.changed(o.changes)
			d.mu.Unlock()
		}
		if o.lease != nil && o.f == nil {
			d.dropLease(o.lease)
		}
		if o.tree != nil {
			d.release(o.tree)
		}
	}
	if o.f != nil {
		o.f.reopened(o, st)
		return
	}
	o.r.Complete(st, 0)
}

// begin puts the CREATE in line; redirector.mu is held.
func (o *opening) begin() nt.Status {
	o.sent = true
	t := o.tree
	if t.pipe && o.to.name == "" {
		return o.openShare()
	}
	o.look()
	o.wish()
	x := newExchange(&opCreate, t.sess.conn, t.sess, t)
	x.r, x.owner, x.done, x.replay = o.r, o, opened, o.replays > 0
	if o.f != nil {
		x.op, x.sequence = &opReopen, o.f.at.Load().sequence+1
	}
	var list []*exchange
	if o.f == nil {
		if x.chain, list = o.chained(); x.chain != nil {
			x.then, x.replayed = list[0], true
		}
	}
	if o.empties {
		o.lease.changing(0, -1)
	}
	if st := t.sess.conn.enqueue(x); st != nt.StatusSuccess {
		for _, y := range list {
			y.recycle()
		}
		if x.recycle(); o.empties {
			o.lease.changed(nt.StatusSuccess)
		}
		return st
	}
	return nt.StatusPending
}

// openShare opens the share of the pipes itself. There is nothing to open on the server: its controls go without a file.
func (o *opening) openShare() nt.Status {
	a := o.r.Create
	if a.Disposition != nt.FileOpen && a.Disposition != nt.FileOpenIf {
		return nt.StatusObjectNameCollision
	}
	f := &file{d: o.d, to: o.to, share: true}
	f.at.Store(&place{tree: o.tree, fid: smb2.RelatedFileID})
	f.cancelRequest = f.cancelAll
	o.r.File().SetImpl(f, granted(a, nt.FileGenericRead|nt.FileGenericWrite))
	a.Result.Action = nt.FileOpened
	return nt.StatusSuccess
}

// granted is the access that the server has given: all that was asked for, or what it said to be the most.
func granted(a *api.CreateArgs, most nt.AccessMask) nt.AccessMask {
	m := nt.GenericMappingFile.Map(a.DesiredAccess &^ nt.MaximumAllowed)
	if a.DesiredAccess&nt.MaximumAllowed != 0 {
		m |= most
	}
	return m
}

// opened completes a create.
func opened(x *exchange, st nt.Status, _ int) {
	o := x.owner.(*opening)
	if o.empties {
		o.lease.changed(st)
	}
	if k := x.chain; k != nil {
		k.status = st
		k.ended()
		return
	}
	if st == nt.StatusConnectionDisconnected && o.retry(x) {
		o.start()
		return
	}
	o.endOpen(st)
}

// endOpen completes an open, or has it tried without what may be why it failed.
func (o *opening) endOpen(st nt.Status) {
	if st == nt.StatusInvalidParameter && (o.withoutChain() || o.withoutLease()) || st == nt.StatusNetworkSessionExpired && o.withoutChain() {
		o.start()
		return
	}
	o.end(st)
}

// withoutChain has a CREATE sent again that went with others, alone: its session is authenticated again, or the server knows no related requests.
func (o *opening) withoutChain() bool {
	if o.f != nil || o.unchained {
		return false
	}
	if _, ok := api.Find[*api.Then](o.r.Create.Contexts); !ok {
		return false
	}
	o.unchained = true
	o.leave()
	return true
}

// opCreate is CREATE (MS-SMB2 3.2.4.3, 3.2.5.7).
var opCreate operation

func init() { // its late answer is closed by an exchange of its own
	opCreate = operation{cmd: smb2.Create, size: createSize, encode: encodeCreate, decode: decodeCreate, failed: createFailed, late: closeLate}
}

func createSize(x *exchange) int {
	o := x.owner.(*opening)
	n := 512 + 2*len(o.to.name) + 2*len(o.to.host) + 2*len(o.to.share) + len(o.r.Create.EA)
	if sd := o.r.Create.SecurityDescriptor; sd != nil {
		n += sd.Size()
	}
	return n
}

func encodeCreate(x *exchange, b []byte) []byte {
	o := x.owner.(*opening)
	a := o.r.Create
	req := smb2.CreateRequest{ImpersonationLevel: uint32(a.Impersonation), DesiredAccess: a.DesiredAccess, FileAttributes: a.FileAttributes,
		ShareAccess: a.ShareAccess, CreateDisposition: a.Disposition, Name: nt.AppendUTF16(nil, o.tree.wireName(o.to.name)),
		// Whether calls wait is a matter of this side (3.2.4.3).
		CreateOptions: a.Options &^ (nt.FileSynchronousIoAlert | nt.FileSynchronousIoNonalert)}
	if len(a.EA) > 0 {
		req.Contexts = req.Contexts.Append(smb2.ContextEABuffer, a.EA)
	}
	if a.SecurityDescriptor != nil {
		req.Contexts = req.Contexts.Append(smb2.ContextSecurityDescriptor, a.SecurityDescriptor.Append(nil))
	}
	if a.AllocationSize > 0 {
		size := smb2.AllocationSizeContext{AllocationSize: uint64(a.AllocationSize)}
		req.Contexts = req.Contexts.Append(smb2.ContextAllocationSize, size.Append(nil))
	}
	if _, ok := api.Find[api.MaximalAccess](a.Contexts); ok || a.DesiredAccess&nt.MaximumAllowed != 0 {
		req.Contexts = req.Contexts.Append(smb2.ContextQueryMaximalAccess, nil)
	}
	if _, ok := api.Find[api.DiskID](a.Contexts); ok {
		req.Contexts = req.Contexts.Append(smb2.ContextQueryOnDiskID, nil)
	}
	o.wishes(&req)
	return req.Append(b)
}

func decodeCreate(x *exchange, _ nt.Status, body []byte) (nt.Status, int, error) {
	o := x.owner.(*opening)
	a := o.r.Create
	res, err := smb2.ParseCreateResponse(body)
	if err != nil {
		return 0, 0, err
	}
	if res.FileID == smb2.RelatedFileID || res.CreateAction > nt.FileOverwritten || res.AllocationSize > math.MaxInt64 || res.EndOfFile > math.MaxInt64 {
		return 0, 0, fmt.Errorf("create response: file id %v, action %d", res.FileID, res.CreateAction)
	}
	most := nt.FileAllAccess | nt.AccessSystemSecurity // the server refuses what is too much
	var contexts []any
	for chain := res.Contexts; len(chain) > 0; {
		var c smb2.CreateContext
		if c, chain, err = chain.Next(); err != nil {
			return 0, 0, err
		}
		switch string(c.Name) {
		case smb2.ContextRequestLease, smb2.ContextDurableHandleRequest, smb2.ContextDurableHandleRequestV2:
			if err := o.granted(&res, &c); err != nil {
				return 0, 0, err
			}
		case smb2.ContextQueryMaximalAccess:
			m, err := smb2.ParseQueryMaximalAccessResponse(c.Data)
			if err != nil {
				return 0, 0, err
			}
			if m.QueryStatus == nt.StatusSuccess {
				most = m.MaximalAccess
			}
			if _, ok := api.Find[api.MaximalAccess](a.Contexts); ok {
				contexts = append(contexts, api.MaximalAccess{Status: m.QueryStatus, Access: m.MaximalAccess})
			}
		case smb2.ContextQueryOnDiskID:
			id, err := smb2.ParseQueryOnDiskIDResponse(c.Data)
			if err != nil {
				return 0, 0, err
			}
			if _, ok := api.Find[api.DiskID](a.Contexts); ok {
				contexts = append(contexts, api.DiskID{FileID: id.DiskFileID, VolumeID: id.VolumeID})
			}
		}
	}
	info := api.FileInfo{CreationTime: res.CreationTime, LastAccessTime: res.LastAccessTime, LastWriteTime: res.LastWriteTime,
		ChangeTime: res.ChangeTime, Attributes: res.FileAttributes, AllocationSize: int64(res.AllocationSize), EndOfFile: int64(res.EndOfFile),
		Directory: res.FileAttributes&nt.FileAttributeDirectory != 0}
	if _, ok := api.Find[api.OpenInformation](a.Contexts); ok {
		contexts = append(contexts, info)
	}
	if o.inDir != nil {
		o.saw = &info
	}
	f := &file{d: o.d, to: o.to, lease: o.lease, denies: a.ShareAccess&nt.FileShareWrite == 0,
		direct: a.Options&nt.FileNoIntermediateBuffering != 0, through: a.Options&nt.FileWriteThrough != 0, changes: o.changes}
	f.keepable = a.ShareAccess == shareAll && !changesParent(a)
	f.at.Store(&place{tree: o.tree, fid: res.FileID})
	if f.cancelRequest = f.cancelAll; o.durable != nil && o.durable.granted {
		f.durable, f.cancelRequest = o.durable, f.cancel
		o.d.mu.Lock()
		o.d.durables++
		o.d.mu.Unlock()
	}
	if k := x.chain; k != nil {
		k.opened, k.fid = true, res.FileID
	}
	o.r.File().SetImpl(f, granted(a, most))
	a.Result.Action, a.Result.Contexts = res.CreateAction, contexts
	return nt.StatusSuccess, 0, nil
}

// createFailed passes the status on; what comes with it is of no use here.
func createFailed(_ *exchange, st nt.Status, _ []byte) (nt.Status, int) {
	if st.IsSuccess() {
		st = nt.StatusInvalidNetworkResponse
	}
	return st, 0
}

// closeLate closes a file that was opened after nobody waited for it any more.
func closeLate(x *exchange, st nt.Status, body []byte) {
	if st != nt.StatusSuccess {
		return
	}
	res, err := smb2.ParseCreateResponse(body)
	switch k := x.chain; {
	case err != nil:
	case k != nil && k.then.Close: // which is on its way
		k.opened, k.fid = true, res.FileID
	default:
		x.conn.closeID(x.sess, x.tree, res.FileID)
	}
}
