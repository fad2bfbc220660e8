package srv

import (
	"strings"
	"sync/atomic"
	"time"

	"lwio/iomgr/fsrtl"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// tree is a tree connection (MS-SMB2 3.3.1.9).
type tree struct {
	id       uint32
	sess     *session
	share    *share
	device   string // the share's directory in the namespace, without a backslash at its end
	access   nt.AccessMask
	encrypt  bool
	compress bool               // reads are answered compressed (MS-SMB2 3.3.5.12)
	options  fsrtl.ShareOptions // for the file system; set once
	created  time.Time
	opens    atomic.Int32
	gone     atomic.Bool
	recent   atomic.Pointer[open] // of pipes: the one that was asked for last, which is mostly asked for again; it may be closed
}

// readOnlyShare is what a share that is read-only lets pass.
const readOnlyShare = nt.FileGenericRead | nt.FileGenericExecute | nt.Synchronize | nt.AccessSystemSecurity

// directory is the share's directory on its volume: the device's name taken off.
func (t *tree) directory() string { return directoryOf(t.device) }

func directoryOf(device string) string {
	_, dir, ok := strings.Cut(strings.Trim(device, `\`), `\`)
	if !ok {
		return ""
	}
	return `\` + dir
}

// treeConnect is TREE_CONNECT (3.3.5.7).
func (c *command) treeConnect() nt.Status {
	conn, s, sess := c.conn, c.conn.srv, c.sess
	req, err := smb2.ParseTreeConnectRequest(c.body, conn.dialect == smb2.Dialect311)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	if conn.dialect == smb2.Dialect311 && !sess.anonymous.Load() && !c.sign && c.sealed == nil {
		conn.cut(errUnsignedTree)
		return nt.StatusAccessDenied
	}
	name, ok := shareOf(req.PathName())
	if !ok {
		return nt.StatusBadNetworkName
	}
	sh := s.shares.find(name)
	if sh == nil {
		return nt.StatusBadNetworkName
	}
	info := sh.info.Load()
	token := sess.token.Load()
	access, st := nt.AccessCheck(s.shares.security(info), token, nt.MaximumAllowed, nt.GenericMappingShare)
	if st != nt.StatusSuccess || access&shareAccessUseful == 0 {
		s.counts.permissionErrors.Add(1)
		return nt.StatusAccessDenied
	}
	if info.ReadOnly {
		access &= readOnlyShare
	}
	t := &tree{sess: sess, share: sh, access: access, created: time.Now()}
	if info.Flags&ShareFlagEncrypt != 0 {
		if c.sealed == nil && (conn.dialect < smb2.Dialect300 || sess.sealer == nil) {
			return nt.StatusAccessDenied
		}
		t.encrypt = true
	}
	t.compress = info.Flags&ShareFlagCompress != 0 && conn.compression.Enabled()
	if sh.pipe {
		t.device = `\` + s.cfg.PipeDevice
	} else if t.device, err = s.devicePath(info.Path); err != nil {
		return nt.StatusBadNetworkName
	}
	t.device = strings.TrimRight(t.device, `\`)
	t.options.Root = t.directory()
	if st := t.join(info); st != nt.StatusSuccess {
		return st
	}
	c.treeID, c.tree = t.id, t
	res := smb2.TreeConnectResponse{ShareType: smb2.ShareTypeDisk, MaximalAccess: access}
	if sh.pipe {
		res.ShareType, res.ShareFlags = smb2.ShareTypePipe, smb2.ShareFlagNoCaching
	} else {
		res.ShareFlags = info.Flags & shareFlagsServed &^ (ShareFlagEncrypt | ShareFlagCompress | ShareFlagContinuous)
		if sh.continuous(s) && conn.serverCaps&smb2.GlobalCapPersistentHandles != 0 {
			res.Capabilities |= smb2.ShareCapContinuousAvailability
		}
		if t.compress {
			res.ShareFlags |= smb2.ShareFlagCompressData
		}
		if t.encrypt && conn.dialect >= smb2.Dialect300 {
			res.ShareFlags |= smb2.ShareFlagEncryptData
		}
	}
	return c.reply(res.Append(c.begin(16)))
}

// join puts the tree into its session and its share.
func (t *tree) join(info *shareInfo) nt.Status {
	sh, sess := t.share, t.sess
	if n := sh.uses.Add(1); info.MaxUses != UnlimitedUses && uint32(n) > info.MaxUses {
		sh.uses.Add(-1)
		return nt.StatusRequestNotAccepted
	}
	sess.mu.Lock()
	st := nt.StatusSuccess
	switch {
	case sess.gone.Load():
		st = nt.StatusUserSessionDeleted
	case len(sess.trees) >= sess.srv.cfg.Limits.TreesPerSession:
		st = nt.StatusInsufficientResources
	default:
		if sess.trees == nil {
			sess.trees = make(map[uint32]*tree)
		}
		for t.id == 0 || t.id == smb2.RelatedTreeID || sess.trees[t.id] != nil {
			sess.nextTree++
			t.id = sess.nextTree
		}
		sess.trees[t.id] = t
	}
	sess.mu.Unlock()
	if st != nt.StatusSuccess {
		sh.uses.Add(-1)
		return st
	}
	sh.mu.Lock()
	gone := sh.gone.Load()
	if !gone {
		sh.trees[t] = struct{}{}
	}
	sh.mu.Unlock()
	if gone { // deleted meanwhile
		t.disconnect()
		return nt.StatusBadNetworkName
	}
	return nt.StatusSuccess
}

// shareOf takes the share's name out of \\server\share.
func shareOf(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, `\\`)
	if !ok {
		return "", false
	}
	server, name, ok := strings.Cut(rest, `\`)
	if !ok || server == "" || name == "" || strings.Contains(name, `\`) || nt.UTF16Len(name) > maxShareName {
		return "", false
	}
	return name, true
}

// treeDisconnect is TREE_DISCONNECT (3.3.5.8).
func (c *command) treeDisconnect() nt.Status {
	if _, err := smb2.ParseTreeDisconnectRequest(c.body); err != nil {
		return nt.StatusInvalidParameter
	}
	c.tree.disconnect()
	return c.reply((&smb2.TreeDisconnectResponse{}).Append(c.begin(8)))
}

// disconnect ends the tree: its files are closed.
func (t *tree) disconnect() {
	s := t.sess
	s.mu.Lock()
	if s.trees[t.id] == t {
		delete(s.trees, t.id)
	}
	t.gone.Store(true)
	s.recent.CompareAndSwap(t, nil)
	var opens []*open
	for o := s.files; o != nil; o = o.next {
		if o.tree.Load() == t {
			opens = append(opens, o)
		}
	}
	s.mu.Unlock()
	for i := len(opens) - 1; i >= 0; i-- {
		opens[i].close()
	}
	t.release()
}

// release takes the tree off its share.
func (t *tree) release() {
	t.gone.Store(true)
	sh := t.share
	sh.mu.Lock()
	_, here := sh.trees[t]
	delete(sh.trees, t)
	sh.mu.Unlock()
	if here {
		sh.uses.Add(-1)
	}
}
