package krb5

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
)

// acceptor is the server's half (RFC 4121, MS-KILE 3.4).
type acceptor struct {
	m    *mechanism
	peer auth.Peer
	step acceptStep

	pending     *session // in DCE style, until the third token
	ticketKey   EncryptionKey
	sequence    uint32
	established *session
}

type acceptStep uint8

const (
	acceptAPReq acceptStep = iota
	acceptAPRep
	acceptEnded
)

func (a *acceptor) Context() auth.Context {
	if a.established == nil {
		return nil
	}
	return a.established
}

// refusal is why a logon ends, in the words of both worlds.
type refusal struct {
	code   errorCode
	reason string
	status nt.Status // the code's own if zero
}

func (r *refusal) Error() string { return r.reason }

func (r *refusal) Unwrap() error {
	if r.status != 0 {
		return r.status
	}
	return r.code.status()
}

func refusef(code errorCode, format string, args ...any) *refusal {
	return &refusal{code: code, reason: fmt.Sprintf(format, args...)}
}

func (a *acceptor) Accept(ctx context.Context, token []byte) ([]byte, error) {
	step := a.step
	a.step = acceptEnded // unless what follows says otherwise
	switch step {
	case acceptAPReq:
		return a.first(ctx, token)
	case acceptAPRep:
		return nil, a.third(token)
	default:
		return nil, refuse("token after the end", nt.StatusInvalidParameter)
	}
}

// logon is what is known of a request while it is checked.
type logon struct {
	req      apReq
	key      ServiceKey // that decrypted the ticket
	ticket   ticketPart
	auth     authenticator
	flags    Flags
	bindings [16]byte
}

func (a *acceptor) first(ctx context.Context, token []byte) ([]byte, error) {
	id, msg, err := parseToken(token)
	if err == nil && id != 0 && id != tokenAPReq {
		err = errDER
	}
	var l logon
	if err == nil {
		l.req, err = parseAPReq(msg)
	}
	if err != nil {
		a.m.cfg.Log.Warn("kerberos logon refused", "address", a.peer.Address, "reason", err.Error())
		return nil, refuse(err.Error(), nt.StatusInvalidParameter)
	}
	reply, err := a.accept(ctx, &l)
	var r *refusal
	if !errors.As(err, &r) {
		return reply, err // accepted, or the Authority has said it
	}
	a.m.cfg.Log.Warn("kerberos logon refused", "address", a.peer.Address, "client", l.client(), "service",
		l.req.ticket.sname.String()+"@"+l.req.ticket.realm, "error", r.code.String(), "reason", r.reason)
	e := krbError{code: r.code, stime: a.m.cfg.Now(), realm: l.req.ticket.realm, sname: l.req.ticket.sname}
	return appendFrame(tokenError, e.marshal()), fmt.Errorf("krb5: %w: %s", r.Unwrap(), r.reason)
}

// client is the client's name once the ticket has told it.
func (l *logon) client() string {
	if l.ticket.crealm == "" {
		return ""
	}
	return l.ticket.cname.String() + "@" + l.ticket.crealm
}

func (a *acceptor) accept(ctx context.Context, l *logon) ([]byte, error) {
	now := a.m.cfg.Now()
	if err := a.openTicket(l, now); err != nil {
		return nil, err
	}
	if err := a.openAuthenticator(l, now); err != nil {
		return nil, err
	}
	if err := a.checkFlags(l); err != nil {
		return nil, err
	}
	token, err := a.authorize(ctx, l)
	if err != nil {
		return nil, err
	}
	key, acceptorSubkey, err := a.settleKey(l)
	if err != nil {
		return nil, err
	}
	ours := l.auth.seq // without a reply there is nothing else to go by
	var reply []byte
	if l.flags&(FlagMutual|FlagDCEStyle) != 0 {
		ours = randomSequence()
		rep := apRepPart{time: l.auth.time, seq: ours, hasSeq: true}
		if acceptorSubkey {
			rep.subkey = &key
		}
		reply = rep.marshal(l.ticket.key)
	}
	dce := l.flags&FlagDCEStyle != 0
	s := newSession(key, false, acceptorSubkey, dce, ours, l.auth.seq)
	s.token, s.expires, s.client = token, l.ticket.endTime, l.client()
	if dce {
		a.pending, a.ticketKey, a.sequence = s, l.ticket.key, ours
		a.step = acceptAPRep
		return reply, nt.StatusMoreProcessingRequired
	}
	a.established = s
	if reply != nil {
		reply = appendFrame(tokenAPRep, reply)
	}
	return reply, nil
}

// randomSequence stays in the half that nobody takes for negative.
func randomSequence() uint32 {
	var b [4]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint32(b[:]) & 0x3FFFFFFF
}

// openTicket decrypts the ticket with whichever of the keys fits: a ticket for another name of the account is as good.
func (a *acceptor) openTicket(l *logon, now time.Time) error {
	t := &l.req.ticket
	if l.req.options&apUseSessionKey != 0 {
		return refusef(apNoKey, "user-to-user authentication")
	}
	if !t.enc.etype.allowed(a.m.cfg.AllowRC4 || a.m.cfg.AllowRC4Tickets) {
		return refusef(kdcNoSupport, "ticket is encrypted with %v, which is not allowed", t.enc.etype)
	}
	keys, err := a.m.cfg.Keys.Keys()
	if err != nil {
		a.m.cfg.Log.Error("kerberos keys", "err", err)
		if len(keys) == 0 {
			return &refusal{code: apNoKey, reason: "no keys: " + err.Error()}
		}
	}
	if !slices.ContainsFunc(keys, func(k ServiceKey) bool { return strings.EqualFold(k.Realm, t.realm) }) {
		return refusef(apNotUs, "ticket is of realm %q, of which there is no key", t.realm)
	}
	plain, err := l.tryKeys(keys)
	if err != nil {
		return err
	}
	if l.ticket, err = parseTicketPart(plain); err != nil {
		return refusef(apModified, "inside of the ticket: %v", err)
	}
	p := &l.ticket
	switch {
	case p.flags&flagInvalid != 0:
		return refusef(apNotYetValid, "ticket is postdated and not validated")
	case p.startTime.Sub(now) > a.m.cfg.MaxSkew:
		return refusef(apNotYetValid, "ticket is not valid before %v; the clock here says %v", p.startTime, now.UTC())
	case now.Sub(p.endTime) > a.m.cfg.MaxSkew:
		return refusef(apExpired, "ticket expired at %v; the clock here says %v", p.endTime, now.UTC())
	case !p.key.Type.allowed(a.m.cfg.AllowRC4):
		return refusef(kdcNoSupport, "session key is for %v, which is not allowed", p.key.Type)
	}
	return nil
}

// maxKeysTried bounds the work that one ticket causes.
const maxKeysTried = 64

// tryKeys decrypts the ticket. Keys of its version number come first.
func (l *logon) tryKeys(keys []ServiceKey) ([]byte, error) {
	enc := &l.req.ticket.enc
	var tried []string // key values
	for _, sameVersion := range []bool{true, false} {
		for _, k := range keys {
			if k.Type != enc.etype || !k.valid() || (enc.hasKVNO && k.KVNO == enc.kvno) != sameVersion {
				continue
			}
			v := string(k.Value)
			if slices.Contains(tried, v) || len(tried) == maxKeysTried {
				continue
			}
			tried = append(tried, v)
			if plain, err := k.decrypt(usageTicket, enc.cipher); err == nil {
				l.key = k
				return plain, nil
			}
		}
	}
	if tried == nil {
		return nil, refusef(apNoKey, "ticket is encrypted with %v, of which there is no key", enc.etype)
	}
	return nil, refusef(apModified, "none of %d keys of type %v decrypts the ticket (version %d); the keytab is out of date or another account has the name",
		len(tried), enc.etype, enc.kvno)
}

// openAuthenticator checks that the client has the session key, and that it had it just now.
func (a *acceptor) openAuthenticator(l *logon, now time.Time) error {
	enc := &l.req.authenticator
	if enc.etype != l.ticket.key.Type {
		return refusef(apIntegrity, "authenticator is encrypted with %v instead of %v", enc.etype, l.ticket.key.Type)
	}
	plain, err := l.ticket.key.decrypt(usageAPReqAuthenticator, enc.cipher)
	if err != nil {
		return refusef(apIntegrity, "authenticator: %v", err)
	}
	if l.auth, err = parseAuthenticator(plain); err != nil {
		return refusef(apIntegrity, "authenticator: %v", err)
	}
	if !l.auth.cname.equal(l.ticket.cname) || l.auth.crealm != l.ticket.crealm {
		return refusef(apBadMatch, "authenticator of %s@%s", l.auth.cname, l.auth.crealm)
	}
	if d := now.Sub(l.auth.time); d.Abs() > a.m.cfg.MaxSkew {
		return refusef(apSkew, "the client's clock is %v away from this one", d.Round(time.Second).Abs())
	}
	if a.m.replay.replayed(enc.cipher, now) {
		return refusef(apRepeat, "replayed")
	}
	return nil
}

// checkFlags takes what the client wants out of the authenticator's checksum. Without one, and with an ordinary one, the AP options say it.
func (a *acceptor) checkFlags(l *logon) error {
	c := l.auth.cksum
	switch {
	case c != nil && c.kind == checksumGSS:
		var err error
		if l.flags, l.bindings, err = parseGSSChecksum(c.sum); err != nil {
			return refusef(apChecksum, "%v", err)
		}
	case c != nil && (c.kind != l.ticket.key.Type.params().checksum || !l.ticket.key.verifyChecksum(usageAPReqChecksum, nil, c.sum)):
		return refusef(apChecksum, "authenticator has a checksum of type %d that is not of nothing", c.kind)
	default:
		l.flags = FlagReplay | FlagSequence
		if l.req.options&apMutualRequired != 0 {
			l.flags |= FlagMutual
		}
	}
	if err := checkBindings(l.bindings, a.peer.ChannelBindings, a.m.cfg.RequireChannelBindings); err != nil {
		return &refusal{code: apBadMatch, reason: err.Error(), status: nt.StatusBadBindings}
	}
	return nil
}

// authorize turns the ticket's client into a token.
func (a *acceptor) authorize(ctx context.Context, l *logon) (*nt.Token, error) {
	p, err := readPAC(&l.ticket, l.key.EncryptionKey)
	switch {
	case err != nil:
		return nil, refusef(apModified, "%v", err)
	case p == nil && !a.m.cfg.AllowNoPAC:
		return nil, refusef(errGeneric, "ticket without a PAC")
	case p == nil:
		p = &auth.Principal{Account: l.ticket.cname.String(), LogonTime: nt.TimeOf(l.ticket.authTime)}
	}
	p.Name, p.Realm = l.ticket.cname.String(), l.ticket.crealm
	p.OwnRealm = strings.EqualFold(p.Realm, l.key.Realm)
	p.Expires = nt.TimeOf(l.ticket.endTime)
	p.Mechanism, p.Address = "Kerberos", a.peer.Address
	return a.m.cfg.Authority.Authorize(ctx, p)
}

// settleKey chooses the key of the context. With a reply an AES context gets a fresh subkey of ours (RFC 4121 section 2); an RC4
// one keeps the client's, which the reply repeats as Windows does. A client that asks for it is lifted from RC4 to AES (RFC 4537).
func (a *acceptor) settleKey(l *logon) (key EncryptionKey, ours bool, err error) {
	key = l.ticket.key
	if l.auth.subkey != nil {
		key = *l.auth.subkey
		if !key.Type.allowed(a.m.cfg.AllowRC4) {
			return key, false, refusef(kdcNoSupport, "subkey is for %v, which is not allowed", key.Type)
		}
	}
	if l.flags&(FlagMutual|FlagDCEStyle) == 0 {
		return key, false, nil
	}
	if key.Type != RC4HMAC {
		return newKey(key.Type), true, nil
	}
	if t := negotiatedType(l.auth.authData); t != 0 {
		return newKey(t), true, nil
	}
	return key, l.auth.subkey != nil, nil
}

// negotiatedType is the first AES type of the client's EtypeList, 0 if there is none.
func negotiatedType(list []authData) EncType {
	b, err := findAuthData(list, adEtypeNegotiation)
	if err != nil || b == nil {
		return 0
	}
	r := parseDER(b, tagSequence)
	for r.more() {
		one := derReader{b: r.b, bad: r.bad}
		_, _, whole := r.element()
		one.b = whole
		if t := EncType(one.int32()); !*r.bad && t != RC4HMAC && t.params() != nil {
			return t
		}
	}
	return 0
}

// third takes the client's AP-REP of DCE style: it proves that the client has read ours (MS-KILE 3.4.5.1).
func (a *acceptor) third(token []byte) error {
	_, msg, err := parseToken(token)
	if err != nil {
		return refuse(err.Error(), nt.StatusInvalidParameter)
	}
	p, err := parseAPRep(msg, a.ticketKey)
	if err == nil && (!p.hasSeq || p.seq != a.sequence) {
		err = errors.New("wrong sequence number in the third token")
	}
	if err != nil {
		a.m.cfg.Log.Warn("kerberos logon refused", "address", a.peer.Address, "client", a.pending.client, "reason", err.Error())
		return refuse(err.Error(), nt.StatusLogonFailure)
	}
	a.established, a.pending = a.pending, nil
	return nil
}
