package rdr

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"lwio/iomgr/api"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// sessionKey says whose session it is: that of who knows a credential's secret, or of a caller whom the default serves.
type sessionKey struct {
	cred   api.CredentialID
	caller string
}

// session is a session on a connection (MS-SMB2 3.2.1.3).
type session struct {
	conn *conn
	key  sessionKey
	cred *api.Credential

	// Set by establish before ready is closed.
	id      uint64
	signer  *smb2.Signer // nil for a null session
	sealer  *smb2.Sealer
	opener  *smb2.Opener
	sign    bool
	encrypt bool
	appKey  []byte

	// guarded by redirector.mu
	ready chan struct{} // closed when up or err is set
	up    bool
	err   error
	trees map[string]*tree
	idle  time.Time // since when there is no tree

	channels []*session  // guarded by redirector.mu: the others, if this is the first
	main     *session    // guarded by redirector.mu: the first, if this is another
	asked    atomic.Bool // the server was asked for its addresses
	binding  bool        // until bind has ended

	// guarded by conn.mu
	expired bool // it is being authenticated again
	parked  line // exchanges that wait for that
}

// maxLegs bounds an authentication: Kerberos takes two messages, NTLM in SPNEGO up to four.
const maxLegs = 8

// establish sets the session up (3.2.4.2.3, 3.2.5.3).
func (s *session) establish() error {
	c := s.conn
	init, flags, hash, last, err := s.authenticate()
	if err != nil {
		return err
	}
	cfg := &c.d.cfg
	switch {
	case flags&smb2.SessionFlagGuest != 0:
		return breach(nt.StatusLogonFailure, "server made %v a guest", s.cred)
	case flags&smb2.SessionFlagNull != 0 && !s.anonymous():
		return breach(nt.StatusLogonFailure, "server made %v anonymous", s.cred)
	case s.anonymous() && cfg.Encryption == EncryptionRequired:
		return breach(nt.StatusAccessDenied, "a null session cannot be encrypted")
	}
	if s.anonymous() {
		s.appKey = make([]byte, 16)
	} else if err := s.derive(init.Context(), hash, last); err != nil {
		return err
	}
	if s.encrypt = cfg.Encryption == EncryptionRequired || flags&smb2.SessionFlagEncryptData != 0; s.encrypt && s.sealer == nil {
		return breach(nt.StatusAccessDenied, "server encrypts without a cipher")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return nt.StatusConnectionDisconnected
	}
	if c.byID[s.id] != nil {
		return breach(nt.StatusInvalidNetworkResponse, "session id %#x comes twice", s.id)
	}
	c.byID[s.id] = s
	c.d.log.Debug("session", "server", c.key, "as", s.cred, "encrypted", s.encrypt)
	return nil
}

func (s *session) anonymous() bool { return s.cred != nil && s.cred.Anonymous }

// derive makes the keys and checks the signature of the last answer with them.
func (s *session) derive(actx auth.Context, hash *smb2.PreauthHash, last *call) error {
	c := s.conn
	if actx == nil || len(actx.SessionKey()) == 0 {
		return breach(nt.StatusNoUserSessionKey, "authentication without a session key")
	}
	keys := smb2.DeriveKeys(c.dialect, c.cipher, actx.SessionKey(), hash)
	signer, err := smb2.NewSigner(c.signAlg, keys.Signing[:])
	if err != nil {
		return err
	}
	// 3.2.5.3.3: in 3.x the last answer is signed. Older servers sign it where signing is on.
	if last.header.IsSigned() {
		if err := signer.Verify(last.raw); err != nil {
			return breach(nt.StatusInvalidNetworkResponse, "last answer to SESSION_SETUP: %w", err)
		}
	} else if c.dialect >= smb2.Dialect300 {
		return breach(nt.StatusInvalidNetworkResponse, "last answer to SESSION_SETUP: %w", errUnsigned)
	}
	if c.cipher != smb2.CipherNone {
		if s.sealer, err = smb2.NewSealer(c.cipher, keys.ClientToServer, s.id); err == nil {
			s.opener, err = smb2.NewOpener(c.cipher, keys.ServerToClient)
		}
		if err != nil {
			return err
		}
	}
	s.appKey = bytes.Clone(keys.Application[:])
	s.signer, s.sign = signer, c.d.cfg.Signing == SigningRequired || c.serverSigns
	return nil
}

// authenticate exchanges SESSION_SETUP messages until the server is content. A session that has an id is authenticated anew.
func (s *session) authenticate() (init auth.Initiator, flags uint16, hash *smb2.PreauthHash, last *call, err error) {
	c := s.conn
	cfg := &c.d.cfg
	ctx, cancel := context.WithTimeout(c.d.ctx, cfg.RequestTimeout)
	defer cancel()
	if init, err = cfg.Initiator(ctx, s.cred, "cifs", c.host); err != nil {
		return nil, 0, nil, nil, fmt.Errorf("credential %v: %w", s.cred, err)
	}
	sum := c.preauth
	token := c.hint
	if len(token) == 0 {
		token = nil
	}
	again := s.id != 0
	var previous uint64
	if !again {
		previous = c.d.recall(s)
		defer func() {
			if err != nil {
				c.d.restore(s, previous)
			}
		}()
	}
	for range maxLegs {
		reply, done, err := init.Init(ctx, token)
		if err != nil {
			return nil, 0, nil, nil, fmt.Errorf("authenticate as %v: %w", s.cred, err)
		}
		req := smb2.SessionSetupRequest{SecurityMode: uint8(cfg.securityMode()), PreviousSessionID: previous, SecurityBuffer: reply}
		op := &opSetup
		if s.binding {
			op, req.Flags = &opBind, smb2.SessionSetupFlagBinding
		}
		k, err := c.call(op, s, nil, req.Append(nil), again)
		if err != nil {
			return nil, 0, nil, nil, err
		}
		sum.Update(k.sent)
		if !smb2.SessionSetupSucceeded(k.status) {
			if !k.status.IsError() {
				return nil, 0, nil, nil, breach(nt.StatusInvalidNetworkResponse, "SESSION_SETUP answered with %v", k.status)
			}
			return nil, 0, nil, nil, fmt.Errorf("authenticate as %v: %w", s.cred, k.status)
		}
		res, err := smb2.ParseSessionSetupResponse(k.body)
		if err != nil {
			return nil, 0, nil, nil, breach(nt.StatusInvalidNetworkResponse, "%w", err)
		}
		if s.id == 0 {
			if s.id = k.header.SessionID; s.id == 0 || s.id == smb2.RelatedSessionID {
				return nil, 0, nil, nil, breach(nt.StatusInvalidNetworkResponse, "session id %#x", s.id)
			}
		}
		if token = res.SecurityBuffer; k.status == nt.StatusMoreProcessingRequired {
			sum.Update(k.raw)
			continue
		}
		if !done || len(token) > 0 {
			if _, done, err = init.Init(ctx, token); err != nil {
				return nil, 0, nil, nil, fmt.Errorf("authenticate as %v: %w", s.cred, err)
			}
		}
		if !done {
			return nil, 0, nil, nil, breach(nt.StatusInvalidNetworkResponse, "server ends the authentication too early")
		}
		return init, res.SessionFlags, &sum, k, nil
	}
	return nil, 0, nil, nil, breach(nt.StatusInvalidNetworkResponse, "authentication does not end")
}

// reauthenticate parks an exchange that was refused because the session has expired (3.2.5.1.6), and authenticates the session again if nobody
// does. False if the exchange has had its second chance.
func (s *session) reauthenticate(x *exchange) bool {
	c := s.conn
	if x.givenUp() {
		return false
	}
	c.mu.Lock()
	if c.dead || x.replayed {
		c.mu.Unlock()
		return false
	}
	first := !s.expired
	if first && !c.d.spawn(s.renew) {
		c.mu.Unlock()
		return false
	}
	s.expired = true
	x.replayed = true
	x.async, x.signed, x.sealed, x.asyncID = false, false, false, 0
	if x.cancelled { // the server has heard of it already
		c.mu.Unlock()
		x.complete(nt.StatusCancelled, 0)
		return true
	}
	c.queue(x)
	c.mu.Unlock()
	return true
}

// renew authenticates the session again; its keys stay (3.2.5.3.2). What was parked is sent, or ends with the session.
func (s *session) renew() {
	c := s.conn
	_, flags, _, _, err := s.authenticate()
	if err == nil && flags&(smb2.SessionFlagGuest|smb2.SessionFlagNull) != 0 && !s.anonymous() {
		err = nt.StatusLogonFailure
	}
	if err != nil {
		c.d.log.Warn("session expired", "server", c.key, "as", s.cred, "err", err)
		c.d.forgetSession(s)
	}
	var ended []*exchange
	c.mu.Lock()
	s.expired = false
	delete(c.parked, s)
	s.parked.each(func(x *exchange) {
		s.parked.remove(x)
		if err != nil || c.dead {
			ended = append(ended, x)
			return
		}
		c.queue(x)
	})
	c.mu.Unlock()
	for _, x := range ended {
		x.complete(nt.StatusNetworkSessionExpired, 0)
	}
	c.pump()
}
