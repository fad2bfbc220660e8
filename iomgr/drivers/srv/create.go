package srv

import (
	"encoding/binary"
	"errors"
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

var (
	le              = binary.LittleEndian
	errUnsignedTree = errors.New("TREE_CONNECT of 3.1.1 is neither signed nor encrypted")
)

// creating is what a CREATE keeps over its steps.
type creating struct {
	args     api.CreateArgs
	request  request
	name     string
	maxAc    bool
	posix    bool             // the client asks for the semantics of POSIX
	apple    *smb2.AppleQuery // nil if it is not asked for
	diskID   bool
	at       nt.Time // of the previous version that is asked for
	warped   bool    // one is
	open     *open
	durable  durableContexts
	creation *createID // nil for none
	replay   bool
	opened   api.NetworkOpen
	info     [networkOpenSize]byte

	leaseContext *smb2.Lease // nil if none was asked for, or none is answered
	leaseID      leaseID
	level        uint8 // the oplock that was granted
	granted      api.Oplock
}

const networkOpenSize = api.NetworkOpenSize

// create is CREATE (3.3.5.9).
func (c *command) create() nt.Status {
	req, err := smb2.ParseCreateRequest(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	sess, t := c.sess, c.tree
	if int(sess.opens.Load()) >= sess.srv.cfg.Limits.OpensPerSession {
		return nt.StatusInsufficientResources
	}
	k := &creating{name: req.FileName()}
	if st := k.durable.parse(req.Contexts, c.conn.dialect); st != nt.StatusSuccess {
		return st
	}
	if k.durable.reconnects {
		return c.reconnect(k, &req)
	}
	switch {
	case req.ImpersonationLevel > smb2.ImpersonationDelegate:
		return nt.StatusBadImpersonationLevel
	case req.CreateDisposition > nt.FileOverwriteIf, req.DesiredAccess == 0 && !t.share.pipe:
		if req.DesiredAccess == 0 {
			return nt.StatusAccessDenied
		}
		return nt.StatusInvalidParameter
	case req.ShareAccess&^(nt.FileShareRead|nt.FileShareWrite|nt.FileShareDelete) != 0:
		return nt.StatusInvalidParameter
	case req.CreateOptions&(nt.FileOpenByFileId|nt.FileCreateTreeConnection) != 0:
		return nt.StatusNotSupported
	}
	a := &k.args
	snapshots := t.snapshotsOf()
	if st := k.parsePOSIX(c, req.Contexts); st != nt.StatusSuccess {
		return st
	}
	if t.share.pipe {
		if strings.HasPrefix(k.name, `\`) {
			return nt.StatusObjectNameNotFound
		}
	} else {
		name, st := k.path()
		if st != nt.StatusSuccess {
			return st
		}
		k.name = name
		if snapshots != nil && !k.posix {
			k.takeToken(snapshots)
		}
	}
	a.Name = t.device
	if k.name != "" || t.share.pipe {
		a.Name += `\` + k.name
	} else if strings.Count(a.Name, `\`) == 1 {
		a.Name += `\`
	}
	a.Token = sess.token.Load()
	a.DesiredAccess, a.ShareAccess, a.Disposition = req.DesiredAccess, req.ShareAccess, req.CreateDisposition
	// Synchronous handles are the client's business (3.3.5.9): over SMB nothing is.
	a.Options = req.CreateOptions &^ (nt.FileSynchronousIoAlert | nt.FileSynchronousIoNonalert)
	a.FileAttributes = req.FileAttributes
	k.withoutDOS()
	a.Impersonation = api.Impersonation(req.ImpersonationLevel)
	a.Contexts = append(a.Contexts, sess.peer(c.conn))
	if !t.share.pipe {
		a.Contexts = append(a.Contexts, &t.options, &k.opened)
	}
	if st := k.parseContexts(req.Contexts); st != nt.StatusSuccess {
		return st
	}
	if st := t.limit(a); st != nt.StatusSuccess {
		return st
	}
	if st := c.versions(k, &req, snapshots); st != nt.StatusSuccess {
		return st
	}
	if st := c.wantsOplock(k, req.RequestedOplockLevel); st != nt.StatusSuccess {
		return st
	}
	if k.durable.request || k.durable.requestV2 != nil {
		if _, ok := api.Find[api.DiskID](a.Contexts); !ok {
			a.Contexts = append(a.Contexts, api.DiskID{})
		}
	}
	if st, done := c.beginCreate(k, &req); done {
		return st
	}
	if st := c.takeOver(k); st != nt.StatusSuccess {
		c.endCreate(k, nil)
		return st
	}
	c.extra = k
	k.request = request{Op: api.OpCreate, Create: a}
	return c.submit(&k.request, (*command).created)
}

// peer says to the file system from where the open comes.
func (s *session) peer(c *conn) *api.Peer {
	return &api.Peer{Address: c.remote, ClientName: s.clientName, SessionKey: s.appKey}
}

// cleanPath refuses names that could mean something outside the share, and takes `..` with what is before it out. What else a name may hold
// is the file system's business.
func cleanPath(name string) (string, nt.Status) {
	if name == "" {
		return "", nt.StatusSuccess
	}
	name = strings.ReplaceAll(name, "/", `\`) // which Samba takes for one, and so do its clients
	if name[0] == '\\' {
		return "", nt.StatusInvalidParameter // Windows: a name has no leading separator
	}
	if strings.IndexByte(name, 0) >= 0 {
		return "", nt.StatusObjectNameInvalid
	}
	up := false
	for part := range strings.SplitSeq(name, `\`) {
		switch part {
		case "..":
			up = true
		case ".":
			return "", nt.StatusObjectNameInvalid
		}
	}
	if !up {
		return name, nt.StatusSuccess
	}
	var parts []string
	for part := range strings.SplitSeq(name, `\`) {
		if part != ".." {
			parts = append(parts, part)
			continue
		}
		if len(parts) == 0 {
			return "", nt.StatusObjectPathSyntaxBad
		}
		parts = parts[:len(parts)-1]
	}
	return strings.Join(parts, `\`), nt.StatusSuccess
}

// endCreate says what came of a create that a replay could be of.
func (c *command) endCreate(k *creating, o *open) {
	if k.creation != nil {
		c.conn.srv.creations.end(*k.creation, o)
	}
}

// parseContexts takes over the contexts that the file system knows. Leases are asked for, not demanded: without an answer the client goes on
// without (3.3.5.9.8).
func (k *creating) parseContexts(chain smb2.CreateContexts) nt.Status {
	a := &k.args
	for len(chain) > 0 {
		one, rest, err := chain.Next()
		if err != nil {
			return nt.StatusInvalidParameter
		}
		chain = rest
		switch string(one.Name) {
		case smb2.ContextQueryMaximalAccess:
			if _, err := smb2.ParseQueryMaximalAccessRequest(one.Data); err != nil {
				return nt.StatusInvalidParameter
			}
			k.maxAc = true
			a.Contexts = append(a.Contexts, api.MaximalAccess{})
		case smb2.ContextQueryOnDiskID:
			k.diskID = true
			a.Contexts = append(a.Contexts, api.DiskID{})
		case smb2.ContextRequestLease:
			l, err := smb2.ParseLease(one.Data)
			if err != nil {
				return nt.StatusInvalidParameter
			}
			k.leaseContext = &l
		case smb2.ContextEABuffer:
			if _, err := smb2.ParseEAList(one.Data); err != nil {
				return nt.StatusInvalidParameter
			}
			a.EA = one.Data
		case smb2.ContextSecurityDescriptor:
			sd, err := nt.ParseSecurityDescriptor(one.Data)
			if err != nil {
				return nt.StatusInvalidParameter
			}
			a.SecurityDescriptor = sd
		case smb2.ContextAllocationSize:
			s, err := smb2.ParseAllocationSizeContext(one.Data)
			if err != nil {
				return nt.StatusInvalidParameter
			}
			a.AllocationSize = int64(min(s.AllocationSize, 1<<62))
		case smb2.ContextAppleExtensions:
			if q, err := smb2.ParseAppleQuery(one.Data); err == nil && q.Command == smb2.AppleServerQuery {
				k.apple = &q
			}
		case smb2.ContextTimewarpToken:
			w, err := smb2.ParseTimewarpToken(one.Data)
			if err != nil {
				return nt.StatusInvalidParameter
			}
			k.at, k.warped = w.Timestamp, true
		}
	}
	return nt.StatusSuccess
}

// limit applies what the share grants to an open (3.3.5.9).
func (t *tree) limit(a *api.CreateArgs) nt.Status {
	want := nt.GenericMappingFile.Map(a.DesiredAccess &^ (nt.MaximumAllowed | nt.Synchronize))
	if t.share.pipe {
		return nt.StatusSuccess
	}
	flags := t.share.info.Load().Flags
	if flags&ShareFlagReads != 0 {
		a.ShareAccess |= nt.FileShareRead
	}
	if flags&ShareFlagDeletes != 0 {
		a.ShareAccess |= nt.FileShareDelete
	}
	if flags&ShareFlagABE != 0 {
		a.Contexts = append(a.Contexts, api.ShareFlags{AccessBasedEnumeration: true})
	}
	if want&^(t.access|nt.AccessSystemSecurity) != 0 {
		return nt.StatusAccessDenied
	}
	if a.Options&nt.FileDeleteOnClose != 0 && t.access&nt.Delete == 0 {
		return nt.StatusAccessDenied
	}
	if t.access&nt.FileWriteData == 0 {
		switch a.Disposition {
		case nt.FileOpen:
		case nt.FileOpenIf:
			a.Disposition = nt.FileOpen
		default:
			return nt.StatusAccessDenied
		}
	}
	return nt.StatusSuccess
}

// created makes the open of a create that succeeded.
func (c *command) created(r *request) nt.Status {
	k := c.extra.(*creating)
	if !r.Status.IsSuccess() || k.args.Result.Handle == nil {
		st := c.cancelled(r.Status)
		if st.IsSuccess() {
			st = nt.StatusInternalError
		}
		if st == nt.StatusAccessDenied {
			c.conn.srv.counts.permissionErrors.Add(1)
		}
		c.endCreate(k, nil)
		return st
	}
	o := &open{owner: k.args.Token, client: c.conn.clientGUID, handle: k.args.Result.Handle, action: k.args.Result.Action}
	o.tally.Store(uint64(c.channelSequence()))
	name := k.name // by itself: an open lasts longer than what its create kept
	o.name.Store(&name)
	o.posix = k.isPOSIX()
	o.granted = nt.FileAllAccess | nt.AccessSystemSecurity
	if f, ok := o.handle.(*api.File); ok {
		o.granted = f.Granted()
	}
	if !c.tree.share.pipe {
		o.granted &= c.tree.access | nt.AccessSystemSecurity | nt.Synchronize
	}
	if st := o.register(c.tree); st != nt.StatusSuccess {
		c.endCreate(k, nil)
		_ = c.conn.srv.api.Close(o.handle)
		return st
	}
	k.open, c.open = o, o
	if st := c.gotOplock(k); st != nt.StatusSuccess {
		c.endCreate(k, nil)
		o.close()
		return st
	}
	c.joinInstance(k)
	if c.tree.share.pipe {
		c.conn.srv.counts.pipeOpens.Add(1)
		c.endCreate(k, o)
		le.PutUint64(k.info[32:], 4096)
		le.PutUint32(k.info[48:], nt.FileAttributeNormal)
		return c.createReply(k)
	}
	c.conn.srv.counts.fileOpens.Add(1)
	if k.opened.Given {
		k.info = k.opened.Info
		return c.described(k)
	}
	return c.submit(&request{Op: api.OpQueryInformation, Handle: o.handle, Code: uint32(nt.FileNetworkOpenInformation), Out: k.info[:]},
		(*command).createdInfo)
}

func (c *command) createdInfo(r *request) nt.Status {
	k := c.extra.(*creating)
	if !r.Status.IsSuccess() {
		c.endCreate(k, nil)
		if !k.replay {
			k.open.close()
		}
		return c.cancelled(r.Status)
	}
	return c.described(k)
}

// described answers a create whose file's information is there.
func (c *command) described(k *creating) nt.Status {
	if !k.replay && !k.durable.reconnects {
		c.makeDurable(k)
		if v := k.open.durable.Load(); v != nil && v.persistent {
			return c.makePersistent(k, (*command).createdSaved)
		}
		c.endCreate(k, k.open)
	}
	return c.createReply(k)
}

func (c *command) createdSaved(*request) nt.Status {
	k := c.extra.(*creating)
	if v := *k.open.durable.Load(); k.open.persistence.Load() == nil { // there is no promise to be made
		v.persistent = false
		k.open.durable.Store(&v)
	}
	c.endCreate(k, k.open)
	return c.createReply(k)
}

func (c *command) createReply(k *creating) nt.Status {
	res := smb2.CreateResponse{OplockLevel: k.level, CreateAction: k.args.Result.Action, FileID: k.open.id}
	res.CreationTime, res.LastAccessTime = nt.Time(le.Uint64(k.info[0:])), nt.Time(le.Uint64(k.info[8:]))
	res.LastWriteTime, res.ChangeTime = nt.Time(le.Uint64(k.info[16:])), nt.Time(le.Uint64(k.info[24:]))
	res.AllocationSize, res.EndOfFile = le.Uint64(k.info[32:]), le.Uint64(k.info[40:])
	res.FileAttributes = le.Uint32(k.info[48:])
	if k.maxAc {
		m, ok := api.Find[api.MaximalAccess](k.args.Result.Contexts)
		if !ok {
			m = api.MaximalAccess{Access: k.open.granted}
		}
		if !c.tree.share.pipe {
			m.Access &= c.tree.access | nt.AccessSystemSecurity | nt.Synchronize
		}
		data := smb2.QueryMaximalAccessResponse{QueryStatus: m.Status, MaximalAccess: m.Access}
		res.Contexts = res.Contexts.Append(smb2.ContextQueryMaximalAccess, data.Append(nil))
	}
	if k.diskID {
		d, ok := api.Find[api.DiskID](k.args.Result.Contexts)
		if v := k.open.durable.Load(); !ok && v != nil {
			d, ok = v.disk, true
		}
		if ok {
			data := smb2.QueryOnDiskIDResponse{DiskFileID: d.FileID, VolumeID: d.VolumeID}
			res.Contexts = res.Contexts.Append(smb2.ContextQueryOnDiskID, data.Append(nil))
		}
	}
	res.Contexts = k.durableReply(res.Contexts)
	res.Contexts = k.posixReply(res.Contexts)
	if k.apple != nil && !c.tree.share.pipe {
		res.Contexts = res.Contexts.Append(smb2.ContextAppleExtensions, k.appleReply())
	}
	if k.leaseContext != nil && k.level == smb2.OplockLevelLease {
		res.Contexts = res.Contexts.Append(smb2.ContextRequestLease, k.leaseResponse())
	}
	return c.reply(res.Append(c.begin(96 + len(res.Contexts))))
}

// appleModel makes the Finder show a server.
const appleModel = "Xserve"

// appleReply tells a macOS client that this is a server on Unix whose FLUSH reaches the disk, and no more: its Finder information goes by
// streams, as on any other server.
func (k *creating) appleReply() []byte {
	r := smb2.AppleReply{Command: smb2.AppleServerQuery, Given: k.apple.Wanted & (smb2.AppleServerCapabilities | smb2.AppleVolumeCapabilities | smb2.AppleModelInfo),
		ServerCapabilities: smb2.AppleUnixBased, VolumeCapabilities: smb2.AppleFullSync, Model: appleModel}
	return r.Append(nil)
}
