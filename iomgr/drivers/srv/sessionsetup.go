package srv

import (
	"errors"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// authCallTimeout bounds one step of an authentication, which may ask an authority far away.
const authCallTimeout = 30 * time.Second

// sessionSetup is SESSION_SETUP (3.3.5.5).
func (c *command) sessionSetup() nt.Status {
	conn, s := c.conn, c.conn.srv
	req, err := smb2.ParseSessionSetupRequest(c.body)
	if err != nil || c.compound != nil {
		return nt.StatusInvalidParameter
	}
	if s.cfg.Encryption == EncryptionRequired && conn.cipher == smb2.CipherNone {
		return nt.StatusAccessDenied
	}
	var ch *channel
	switch {
	case c.sessionID == 0:
		if req.Flags&smb2.SessionSetupFlagBinding != 0 {
			return nt.StatusInvalidParameter
		}
		if ch = s.newSession(conn); ch == nil {
			return nt.StatusInsufficientResources
		}
		c.sessionID = ch.sess.id
	case req.Flags&smb2.SessionSetupFlagBinding != 0:
		var st nt.Status
		if ch, st = c.bind(); st != nt.StatusSuccess {
			return st
		}
	default:
		if ch = c.ch; ch == nil {
			return nt.StatusUserSessionDeleted
		}
	}
	c.ch = ch
	if !ch.enqueue(step{c, req}) {
		return nt.StatusInsufficientResources
	}
	return nt.StatusPending
}

// newSession makes a session whose authentication has begun.
func (s *server) newSession(c *conn) *channel {
	now := time.Now()
	sess := &session{srv: s, created: now, dialect: c.dialect, cipher: c.cipher, signAlg: c.signAlg}
	sess.lastUse.Store(now.UnixNano())
	ch := &channel{conn: c, sess: sess, hash: c.preauth}
	sess.channels = []*channel{ch}
	for sess.id = s.ids.short(); !s.sessions.add(sess.id, sess); {
		sess.id = s.ids.short()
	}
	if !c.addChannel(ch) {
		s.sessions.remove(sess.id)
		return nil
	}
	return ch
}

// bind begins or continues to bind this connection to a session of another (3.3.5.5.2).
func (c *command) bind() (*channel, nt.Status) {
	conn := c.conn
	if ch := c.ch; ch != nil {
		if !ch.binding.Load() {
			return nil, nt.StatusRequestNotAccepted
		}
		if !c.sign {
			return nil, nt.StatusInvalidParameter
		}
		return ch, nt.StatusSuccess
	}
	s, ok := conn.srv.sessions.get(c.sessionID)
	if !ok || s.gone.Load() {
		return nil, nt.StatusUserSessionDeleted
	}
	if s.token.Load() == nil {
		return nil, nt.StatusRequestNotAccepted // it is being set up itself
	}
	wrong := false
	if s.signer != nil && c.hdr.IsSigned() {
		if wrong = s.signer.Verify(c.raw) != nil; !wrong { // so is the answer signed, whatever it says
			c.ch, c.sign = &channel{conn: conn, sess: s}, true
			c.ch.binding.Store(true)
		}
	}
	switch {
	case s.signAlg != conn.signAlg && s.signAlg == smb2.SigningAESGMAC: // the statuses that Windows gives
		return nil, nt.StatusRequestOutOfSequence
	case s.signAlg != conn.signAlg && conn.signAlg == smb2.SigningAESGMAC:
		return nil, nt.StatusNotSupported
	case conn.dialect < smb2.Dialect300:
		return nil, nt.StatusRequestNotAccepted
	case wrong:
		return nil, nt.StatusAccessDenied
	case s.anonymous.Load() || s.signer == nil:
		return nil, nt.StatusNotSupported
	case !c.sign, s.dialect != conn.dialect, s.cipher != conn.cipher:
		return nil, nt.StatusInvalidParameter
	}
	if exp := s.expires.Load(); exp != 0 && time.Now().UnixNano() > exp {
		return nil, nt.StatusNetworkSessionExpired
	}
	ch := &channel{conn: conn, sess: s, hash: conn.preauth}
	ch.binding.Store(true)
	if !conn.addChannel(ch) {
		return nil, nt.StatusInsufficientResources
	}
	if st := s.addChannel(ch); st != nt.StatusSuccess {
		conn.removeChannel(ch)
		return nil, st
	}
	return ch, nt.StatusSuccess
}

// authenticateSession gives the client's token to the mechanism. It is a step of the channel.
func (c *command) authenticateSession(ch *channel, req *smb2.SessionSetupRequest) nt.Status {
	conn, s := c.conn, c.conn.srv
	if ch.valid.Load() && c.sealed == nil && ch.sess.signingRequired && !c.sign {
		return nt.StatusAccessDenied // reauthentication is of the session already
	}
	if ch.acceptor == nil {
		ch.acceptor = s.cfg.Auth.NewAcceptor(auth.Peer{Address: conn.remote})
		ch.hash = conn.preauth
	}
	if conn.dialect == smb2.Dialect311 {
		ch.hash.Update(c.raw)
	}
	ctx, cancel := conn.stepContext()
	token, err := ch.acceptor.Accept(ctx, req.SecurityBuffer)
	cancel()
	if errors.Is(err, nt.StatusMoreProcessingRequired) {
		if conn.dialect == smb2.Dialect311 {
			c.hash = &ch.hash
		}
		c.reply((&smb2.SessionSetupResponse{SecurityBuffer: token}).Append(c.begin(len(token) + 8)))
		c.keep = true
		return nt.StatusMoreProcessingRequired
	}
	var actx auth.Context
	if err == nil {
		if actx = ch.acceptor.Context(); actx == nil || actx.Token() == nil {
			err = nt.StatusLogonFailure
		}
	}
	ch.acceptor = nil
	if err != nil {
		return c.refuseSession(ch, err)
	}
	var st nt.Status
	switch {
	case ch.binding.Load():
		st = ch.bound(actx)
	case ch.valid.Load():
		st = ch.reauthenticated(actx)
	default:
		st = ch.establish(actx, req)
	}
	if st != nt.StatusSuccess {
		return c.refuseSession(ch, st)
	}
	sess := ch.sess
	if req.PreviousSessionID != 0 && req.PreviousSessionID != sess.id {
		s.replace(req.PreviousSessionID, sess)
	}
	res := smb2.SessionSetupResponse{SecurityBuffer: token}
	if sess.anonymous.Load() && sess.signer == nil {
		res.SessionFlags |= smb2.SessionFlagNull
	}
	if sess.encrypt {
		res.SessionFlags |= smb2.SessionFlagEncryptData
	}
	c.sign = ch.signer != nil
	return c.reply(res.Append(c.begin(len(token) + 8)))
}

// refuseSession ends an exchange that failed. A session that was being set up or authenticated anew goes with it; one that
// was only to be bound lives on.
func (c *command) refuseSession(ch *channel, err error) nt.Status {
	st := nt.StatusOf(err)
	if st.IsSuccess() {
		st = nt.StatusLogonFailure
	}
	srv := c.conn.srv
	srv.counts.sessionsFailed.Add(1)
	switch st {
	case nt.StatusLogonFailure, nt.StatusWrongPassword:
		srv.counts.passwordErrors.Add(1)
	}
	srv.log.Info("session refused", "client", c.conn.remote, "err", err) // whoever refused the logon has said which
	if ch.binding.Load() {
		c.conn.removeChannel(ch)
		ch.sess.removeChannel(ch)
		c.sign = c.sign && ch.sess.signer != nil
		return st
	}
	ch.sess.close(false)
	return st
}

// establish makes a new session valid (3.3.5.5.3).
func (ch *channel) establish(actx auth.Context, req *smb2.SessionSetupRequest) nt.Status {
	sess, conn := ch.sess, ch.conn
	cfg := &sess.srv.cfg
	token := actx.Token()
	sess.mechanism = actx.Mechanism()
	sess.clientName = clientName(actx, conn)
	sess.setExpiry(actx)
	full := actx.SessionKey()
	if !token.Anonymous && len(full) == 0 {
		return nt.StatusLogonFailure // a user without a key could neither sign nor be bound to the exchange
	}
	if token.Anonymous {
		if cfg.Encryption == EncryptionRequired {
			return nt.StatusAccessDenied
		}
		sess.anonymous.Store(true)
		sess.appKey = make([]byte, 16)
	} else {
		keys := smb2.DeriveKeys(conn.dialect, conn.cipher, full, &ch.hash)
		signer, err := smb2.NewSigner(conn.signAlg, keys.Signing[:])
		if err != nil {
			return nt.StatusInternalError
		}
		sess.signer, ch.signer = signer, signer
		sess.appKey = append([]byte(nil), keys.Application[:]...)
		sess.signingRequired = cfg.Signing == SigningRequired || uint16(req.SecurityMode)&smb2.NegotiateSigningRequired != 0
		if conn.cipher != smb2.CipherNone && conn.dialect >= smb2.Dialect300 {
			if sess.sealer, err = smb2.NewSealer(conn.cipher, keys.ServerToClient, sess.id); err == nil {
				sess.opener, err = smb2.NewOpener(conn.cipher, keys.ClientToServer)
			}
			if err != nil {
				return nt.StatusInternalError
			}
			sess.encrypt = cfg.Encryption == EncryptionRequired
		}
	}
	if sess.srv.full() && !token.IsAdmin() {
		return nt.StatusRequestNotAccepted
	}
	if !sess.publish(token) {
		return nt.StatusUserSessionDeleted
	}
	ch.makeValid()
	sess.srv.counts.sessions.Add(1)
	sess.srv.log.Info("session", "client", conn.remote, "user", token.QualifiedName(), "mechanism", sess.mechanism, "dialect", conn.dialect)
	return nt.StatusSuccess
}

// publish makes the session known as a user's, unless it has ended meanwhile.
func (s *session) publish(token *nt.Token) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone.Load() {
		return false
	}
	s.token.Store(token)
	s.srv.live.Add(1)
	return true
}

// makeValid counts the channel among the established ones of its connection.
func (ch *channel) makeValid() {
	ch.valid.Store(true)
	if !ch.counted.Swap(true) && ch.conn.established.Add(1) == 1 {
		ch.conn.armDeadline()
	}
	if ch.sess.gone.Load() && ch.counted.Swap(false) { // it ended meanwhile
		ch.conn.established.Add(-1)
	}
}

// reauthenticated puts another token in the place of the session's. The keys stay.
func (ch *channel) reauthenticated(actx auth.Context) nt.Status {
	sess := ch.sess
	token := actx.Token()
	sess.token.Store(token)
	sess.anonymous.Store(token.Anonymous)
	sess.setExpiry(actx)
	return nt.StatusSuccess
}

// bound makes a channel valid: it has a signing key of its own (3.3.5.5.3).
func (ch *channel) bound(actx auth.Context) nt.Status {
	sess := ch.sess
	token, have := actx.Token(), sess.token.Load()
	if token.Anonymous || have == nil || token.User != have.User {
		return nt.StatusAccessDenied
	}
	keys := smb2.DeriveKeys(ch.conn.dialect, ch.conn.cipher, actx.SessionKey(), &ch.hash)
	signer, err := smb2.NewSigner(ch.conn.signAlg, keys.Signing[:])
	if err != nil {
		return nt.StatusInternalError
	}
	ch.signer = signer
	ch.makeValid()
	ch.binding.Store(false)
	return nt.StatusSuccess
}

// replace ends the session that a client says this one is in the place of, if it was the same user's.
func (s *server) replace(id uint64, by *session) {
	old, ok := s.sessions.get(id)
	if !ok {
		return
	}
	was, is := old.token.Load(), by.token.Load()
	if was == nil || is.Anonymous || was.User != is.User {
		return
	}
	old.close(true)
}

func (s *session) setExpiry(actx auth.Context) {
	s.expires.Store(0)
	if e, ok := actx.(interface{ Expires() time.Time }); ok {
		if t := e.Expires(); !t.IsZero() {
			s.expires.Store(t.UnixNano())
		}
	}
}

// clientName is the computer's name as the mechanism learned it, else its address.
func clientName(actx auth.Context, c *conn) string {
	if w, ok := actx.(interface{ Workstation() string }); ok {
		if name := w.Workstation(); name != "" && nt.UTF16Len(name) <= 64 {
			return name
		}
	}
	return c.clientIP
}
