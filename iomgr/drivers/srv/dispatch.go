package srv

import (
	"errors"
	"fmt"
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

var (
	errCompound  = errors.New("too many requests in one message")
	errMessageID = errors.New("message id was not granted or is used")
	errNegotiate = errors.New("first message is no NEGOTIATE")
)

// entry says how a command is started.
type entry struct {
	handle  func(*command) nt.Status
	session bool // needs an established session
	tree    bool // needs a tree connection
	expired bool // goes on when the session has expired
}

// commands is indexed by Command; filled by init so that handlers may refer to it.
var commands [smb2.CommandCount]entry

func init() {
	commands = [smb2.CommandCount]entry{
		smb2.Negotiate:      {handle: (*command).negotiate},
		smb2.SessionSetup:   {handle: (*command).sessionSetup},
		smb2.Logoff:         {handle: (*command).logoff, session: true, expired: true},
		smb2.TreeConnect:    {handle: (*command).treeConnect, session: true},
		smb2.TreeDisconnect: {handle: (*command).treeDisconnect, session: true, tree: true},
		smb2.Create:         {handle: (*command).create, session: true, tree: true},
		smb2.Close:          {handle: (*command).close, session: true, tree: true, expired: true},
		smb2.Flush:          {handle: (*command).flush, session: true, tree: true},
		smb2.Read:           {handle: (*command).read, session: true, tree: true},
		smb2.Write:          {handle: (*command).write, session: true, tree: true},
		smb2.Lock:           {handle: (*command).lock, session: true, tree: true, expired: true},
		smb2.Ioctl:          {handle: (*command).ioctl, session: true, tree: true},
		smb2.Cancel:         {handle: (*command).cancel},
		smb2.Echo:           {handle: (*command).echo},
		smb2.QueryDirectory: {handle: (*command).queryDirectory, session: true, tree: true},
		smb2.ChangeNotify:   {handle: (*command).changeNotify, session: true, tree: true},
		smb2.QueryInfo:      {handle: (*command).queryInfo, session: true, tree: true},
		smb2.SetInfo:        {handle: (*command).setInfo, session: true, tree: true},
		smb2.OplockBreak:    {handle: (*command).oplockBreak, session: true, tree: true},
	}
}

// start checks a request (3.3.5.2) and runs its handler.
func (c *command) start() nt.Status {
	conn := c.conn
	h := &c.hdr
	if h.IsResponse() {
		conn.cut(fmt.Errorf("%v response from a client", h.Command))
		return nt.StatusInvalidParameter
	}
	if h.Command != smb2.Cancel { // which has the id of what it cancels (3.3.5.2.3)
		n := uint64(1)
		if conn.multiCredit && h.CreditCharge > 1 {
			n = uint64(h.CreditCharge)
		}
		conn.mu.Lock()
		ok := conn.window.take(h.MessageID, n)
		conn.mu.Unlock()
		if !ok {
			conn.cut(errMessageID)
			return nt.StatusInvalidParameter
		}
	}
	if h.Command >= smb2.CommandCount {
		return nt.StatusInvalidParameter
	}
	if conn.dialect == 0 && h.Command != smb2.Negotiate {
		conn.cut(errNegotiate)
		return nt.StatusInvalidParameter
	}
	if c.sealed != nil && !h.IsRelated() && h.SessionID != c.sealed.sess.id {
		conn.cut(errors.New("encrypted message is for another session"))
		return nt.StatusInvalidParameter
	}
	e := &commands[h.Command]
	if h.IsRelated() && h.Command != smb2.Cancel {
		if p := c.compound; p == nil || p.count == 1 || p.refused { // 3.3.5.2.7.2
			return nt.StatusInvalidParameter
		}
	}
	if h.IsAsync() && h.Command != smb2.Cancel {
		c.treeID = 0
	}
	if st := c.authenticate(e); st != nt.StatusSuccess {
		if h.Command == smb2.Cancel {
			return nt.StatusSuccess // never answered
		}
		return st
	}
	if e.tree {
		if c.tree = c.sess.tree(c.treeID); c.tree == nil {
			return nt.StatusNetworkNameDeleted
		}
		if c.tree.encrypt && c.sealed == nil { // 3.3.5.2.11
			return nt.StatusAccessDenied
		}
	}
	return e.handle(c)
}

// lastUseGrain is how exact the time of a session's last use is, in nanoseconds: seconds are told of it.
const lastUseGrain = int64(10 * time.Millisecond)

// authenticate finds the session of a request and checks that the request is signed or sealed as the session demands (3.3.5.2.4, 3.3.5.2.9).
func (c *command) authenticate(e *entry) nt.Status {
	conn := c.conn
	if c.sessionID == 0 {
		if e.session {
			return nt.StatusUserSessionDeleted
		}
		return nt.StatusSuccess
	}
	ch := c.sealed
	if ch == nil {
		ch = conn.channel(c.sessionID)
	}
	if ch == nil || ch.sess.gone.Load() {
		if e.session || c.hdr.IsSigned() && c.hdr.Command != smb2.SessionSetup {
			return nt.StatusUserSessionDeleted
		}
		return nt.StatusSuccess // SESSION_SETUP may want to bind; ECHO and CANCEL need none
	}
	s := ch.sess
	c.ch = ch
	if c.sealed == nil && c.hdr.IsSigned() {
		signer := ch.requestSigner()
		switch {
		case signer != nil:
			if signer.Verify(c.raw) != nil {
				c.ch = nil
				return nt.StatusAccessDenied
			}
			c.sign = true
		case e.session && !s.anonymous.Load():
			c.ch = nil
			return nt.StatusAccessDenied
		}
	}
	if !e.session {
		return nt.StatusSuccess
	}
	if !ch.valid.Load() {
		c.ch = nil
		return nt.StatusAccessDenied
	}
	if c.sealed == nil && (s.signingRequired && !c.sign || s.encrypt && s.sealer != nil) {
		return nt.StatusAccessDenied
	}
	now := conn.lastUse.Load() // when its message came
	if c.compound != nil {     // of which a part may have waited
		now = time.Now().UnixNano()
	}
	if !e.expired && s.expired(now) {
		return nt.StatusNetworkSessionExpired
	}
	if now-s.lastUse.Load() >= lastUseGrain {
		s.lastUse.Store(now)
	}
	c.sess = s
	return nt.StatusSuccess
}

// charged checks the credits of a request against what it carries and asks for (3.3.5.2.5).
func (c *command) charged(send, response int) bool {
	if !c.conn.multiCredit {
		return true
	}
	need := (max(send, response, 1)-1)/65536 + 1
	return need <= max(int(c.hdr.CreditCharge), 1)
}

// file finds the open of an id: it must belong to the session and the tree of the request (3.3.5.10 and its like).
func (c *command) file(id smb2.FileID) (*open, nt.Status) {
	if id == smb2.RelatedFileID && c.hdr.IsRelated() && c.compound != nil {
		id = c.inherited
		if id == smb2.RelatedFileID {
			return nil, c.compound.fileError
		}
	}
	o := c.tree.recent.Load()
	if o == nil || o.id != id || o.closed.Load() {
		o, _ = c.conn.srv.opens.get(id.Persistent)
		if o == nil || o.id != id {
			return nil, nt.StatusFileClosed
		}
		if o.share.pipe {
			c.tree.recent.Store(o)
		}
	}
	if o.tree.Load() != c.tree {
		return nil, nt.StatusFileClosed
	}
	if !c.count(o) {
		return nil, nt.StatusFileNotAvailable
	}
	o.used()
	c.open = o
	return o, nt.StatusSuccess
}
