package rdr

import (
	"sync/atomic"
	"time"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// tree is a connection to a share (MS-SMB2 3.2.1.4).
type tree struct {
	sess  *session
	share string // as first spelled

	ways      atomic.Pointer[[]*tree] // of all channels, this one first; nil if there is only this
	turn      atomic.Uint32
	successor atomic.Pointer[tree] // by which files go when the connection is lost

	// Set by connect before up is.
	id       uint32
	pipe     bool
	dfs      bool // it lies in a DFS namespace: names go with server and share
	encrypt  bool
	lasting  bool // the share is continuously available: handles on it may be persistent
	compress bool // the share asks for it

	// guarded by redirector.mu
	up      bool
	gone    bool       // it is in no table any more
	waiting []*opening // opens that wait for it
	users   int        // files, and opens under way
	idle    time.Time  // since when there are none
}

// connect is TREE_CONNECT (3.2.4.2.4, 3.2.5.5).
func (t *tree) connect() error {
	s := t.sess
	c := s.conn
	req := smb2.TreeConnectRequest{Path: nt.AppendUTF16(nil, `\\`+c.host+`\`+t.share)}
	k, err := c.call(&opTreeConnect, s, nil, req.Append(nil), c.dialect == smb2.Dialect311) // signed even if nothing else is (3.2.4.1.1)
	if err != nil {
		return err
	}
	if k.status != nt.StatusSuccess {
		if !k.status.IsError() {
			return breach(nt.StatusInvalidNetworkResponse, "TREE_CONNECT answered with %v", k.status)
		}
		switch k.status {
		case nt.StatusUserSessionDeleted, nt.StatusNetworkSessionExpired:
			c.d.forgetSession(s) // the next open makes a new one
		}
		return k.status
	}
	res, err := smb2.ParseTreeConnectResponse(k.body)
	if err != nil {
		err = breach(nt.StatusInvalidNetworkResponse, "%w", err)
		c.cut(err)
		return err
	}
	t.id = k.header.TreeID
	t.pipe = res.ShareType == smb2.ShareTypePipe
	t.dfs = res.Capabilities&smb2.ShareCapDFS != 0 && c.response.Capabilities&smb2.GlobalCapDFS != 0 && !c.d.cfg.NoReferrals && !t.pipe
	t.encrypt = res.ShareFlags&smb2.ShareFlagEncryptData != 0 && c.dialect >= smb2.Dialect300
	t.lasting = res.Capabilities&smb2.ShareCapContinuousAvailability != 0 && c.response.Capabilities&smb2.GlobalCapPersistentHandles != 0
	t.compress = res.ShareFlags&smb2.ShareFlagCompressData != 0
	if t.encrypt && s.sealer == nil {
		t.disconnect()
		return breach(nt.StatusAccessDenied, "the share demands encryption, which is off")
	}
	if err := c.validate(t); err != nil {
		c.cut(err)
		return err
	}
	return nil
}

// disconnect is TREE_DISCONNECT (3.2.4.22).
func (t *tree) disconnect() {
	_, _ = t.sess.conn.call(&opTreeDisconnect, t.sess, t, (&smb2.TreeDisconnectRequest{}).Append(nil), false)
}

// logoff is LOGOFF (3.2.4.23), which ends the session's trees as well.
func (s *session) logoff() {
	_, _ = s.conn.call(&opLogoff, s, nil, (&smb2.LogoffRequest{}).Append(nil), false)
	s.unlearn()
}

// unlearn makes the session's id that of none: the server may give it away again.
func (s *session) unlearn() {
	c := s.conn
	c.mu.Lock()
	if c.byID[s.id] == s {
		delete(c.byID, s.id)
	}
	c.mu.Unlock()
}
