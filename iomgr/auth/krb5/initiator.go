package krb5

import (
	"context"
	"errors"
	"fmt"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// InitiatorConfig is one logon.
type InitiatorConfig struct {
	Service string // service principal name, "cifs/server.example"

	// DCEStyle exchanges three bare tokens, as RPC does (MS-KILE 3.2.5.2).
	DCEStyle bool
	// Flags are asked for; zero means FlagMutual, FlagReplay, FlagSequence, FlagConf and FlagInteg. FlagDelegate is left out: no credentials are
	// forwarded.
	Flags           Flags
	ChannelBindings []byte // RFC 5929 value, if the transport has one
}

// initiator is the client's half (RFC 4121, MS-KILE 3.2).
type initiator struct {
	c   *Client
	cfg InitiatorConfig

	step        initStep
	sname       principal
	cred        *credential
	auth        authenticator
	established *session
}

type initStep uint8

const (
	initAPReq initStep = iota
	initAPRep
	initEnded
)

// NewInitiator makes the client's side of one logon. The ticket is got by the first Init, which fails if there is none to be had, so that SPNEGO
// can leave Kerberos out.
func (c *Client) NewInitiator(cfg InitiatorConfig) auth.Initiator {
	if cfg.Flags == 0 {
		cfg.Flags = flagsOfClient
	}
	cfg.Flags &^= FlagDelegate
	if cfg.DCEStyle {
		cfg.Flags |= FlagDCEStyle | FlagMutual
	}
	cfg.DCEStyle = cfg.Flags&FlagDCEStyle != 0
	return &initiator{c: c, cfg: cfg}
}

func (i *initiator) Context() auth.Context {
	if i.established == nil {
		return nil
	}
	return i.established
}

func (i *initiator) mutual() bool { return i.cfg.Flags&(FlagMutual|FlagDCEStyle) != 0 }

func (i *initiator) Init(ctx context.Context, token []byte) (reply []byte, done bool, err error) {
	step := i.step
	i.step = initEnded // unless what follows says otherwise
	switch step {
	case initAPReq:
		if len(token) != 0 {
			return nil, false, refuse("token before the first of ours", nt.StatusInvalidParameter)
		}
		return i.first(ctx)
	case initAPRep:
		return i.second(token)
	default:
		return nil, false, refuse("token after the end", nt.StatusInvalidParameter)
	}
}

func (i *initiator) first(ctx context.Context) ([]byte, bool, error) {
	var err error
	if i.sname, _, err = parsePrincipal(i.cfg.Service); err != nil {
		return nil, false, refuse(err.Error(), nt.StatusInvalidParameter)
	}
	i.sname.kind = nameService
	if i.cred, err = i.c.service(ctx, i.sname); err != nil {
		return nil, false, err
	}
	subkey := newKey(i.cred.key.Type)
	i.auth = authenticator{
		crealm: i.cred.crealm, cname: i.cred.client, time: i.c.now(), subkey: &subkey, seq: randomSequence(), hasSeq: true,
		cksum: gssChecksum(i.cfg.Flags, i.cfg.ChannelBindings),
	}
	var options uint32
	if i.mutual() {
		options = apMutualRequired
	}
	msg := marshalAPReq(options, i.cred.ticket, i.cred.key.seal(usageAPReqAuthenticator, i.auth.der()))
	if i.cfg.DCEStyle {
		i.step = initAPRep
		return msg, false, nil
	}
	msg = appendFrame(tokenAPReq, msg)
	if i.mutual() {
		i.step = initAPRep
		return msg, false, nil
	}
	i.establish(subkey, false, i.auth.seq)
	return msg, true, nil
}

func (i *initiator) establish(key EncryptionKey, acceptorSubkey bool, theirs uint32) {
	i.established = newSession(key, true, acceptorSubkey, i.cfg.DCEStyle, i.auth.seq, theirs)
	i.established.expires = i.cred.end
}

// second takes the AP-REP, or the error that stands in its place.
func (i *initiator) second(token []byte) ([]byte, bool, error) {
	id, msg, err := parseToken(token)
	if err != nil {
		return nil, false, refuse(err.Error(), nt.StatusInvalidParameter)
	}
	if id == tokenError || id == 0 && len(msg) > 0 && msg[0] == tagError {
		return nil, false, i.refused(msg)
	}
	if id != 0 && id != tokenAPRep {
		return nil, false, refuse(errDER.Error(), nt.StatusInvalidParameter)
	}
	p, err := parseAPRep(msg, i.cred.key)
	switch {
	case errors.Is(err, errDER):
		return nil, false, refuse(err.Error(), nt.StatusInvalidParameter)
	case err != nil:
		return nil, false, refuse("server's reply: "+err.Error(), nt.StatusLogonFailure)
	case p.time.UnixMicro() != i.auth.time.UnixMicro():
		return nil, false, refuse("server replies to another logon", nt.StatusLogonFailure)
	}
	key, acceptorSubkey := *i.auth.subkey, p.subkey != nil
	if acceptorSubkey {
		if key = *p.subkey; !key.Type.allowed(i.c.allowRC4) {
			return nil, false, refuse(fmt.Sprintf("server's subkey is for %v, which is not allowed", key.Type), nt.StatusNotSupported)
		}
	}
	var reply []byte
	if i.cfg.DCEStyle {
		// The server's own number goes back to it; messages count from the authenticator's (MS-KILE 3.4.5.1).
		third := apRepPart{time: p.time, seq: p.seq, hasSeq: true}
		reply = third.marshal(i.cred.key)
	}
	i.establish(key, acceptorSubkey, p.seq)
	return reply, true, nil
}

// refused makes an error of a KRB_ERROR. Anybody can have sent that: it ends the logon and proves nothing.
func (i *initiator) refused(msg []byte) error {
	e, err := parseError(msg)
	if err != nil {
		return refuse(err.Error(), nt.StatusInvalidParameter)
	}
	switch e.code {
	case apModified, apNoKey, apExpired, apIntegrity:
		i.c.forget(i.sname, i.cred)
	}
	return fmt.Errorf("krb5: refused by %s: %w: %w", i.sname, e.status(), &e)
}
