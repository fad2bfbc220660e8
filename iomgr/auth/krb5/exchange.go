package krb5

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"lwio/iomgr/nt"
)

const (
	tagASReq   = 0x6A
	tagASRep   = 0x6B
	tagTGSReq  = 0x6C
	tagTGSRep  = 0x6D
	tagEncAS   = 0x79
	tagEncTGS  = 0x7A
	messageAS  = 10 // a reply's is one more
	messageTGS = 12

	// KDC options (RFC 4120 5.4.1, RFC 6806).
	optionForwardable  = 1 << (31 - 1)
	optionRenewable    = 1 << (31 - 8)
	optionCanonicalize = 1 << (31 - 15)
	optionRenewableOK  = 1 << (31 - 27)
	optionRenew        = 1 << (31 - 30)

	// Types of pre-authentication data (RFC 4120 7.5.2).
	paTGSReq       = 1
	paEncTimestamp = 2
	paSalt         = 3
	paEtypeInfo    = 11
	paEtypeInfo2   = 19

	maxHops = 8 // of referrals
)

// ticketLifetime and renewLifetime are what is asked for; KDCs give less.
const (
	ticketLifetime = 10 * time.Hour
	renewLifetime  = 7 * 24 * time.Hour
)

// kdcRequest is a KDC-REQ-BODY (RFC 4120 5.4.1).
type kdcRequest struct {
	options uint32
	cname   *principal
	realm   string
	sname   principal
	till    time.Time
	rtime   time.Time
	nonce   uint32
	etypes  []EncType
}

func newNonce() uint32 {
	var b [4]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint32(b[:]) & 0x7FFFFFFF
}

func (q *kdcRequest) der() []byte {
	var cname, rtime, etypes []byte
	if q.cname != nil {
		cname = derField(1, q.cname.der())
	}
	if !q.rtime.IsZero() {
		rtime = derField(6, derTime(q.rtime))
	}
	for _, t := range q.etypes {
		etypes = append(etypes, derInt(int64(t))...)
	}
	return tlv(tagSequence, derField(0, derFlags(q.options)), cname, derField(2, derString(q.realm)), derField(3, q.sname.der()),
		derField(5, derTime(q.till)), rtime, derField(7, derInt(int64(q.nonce))), derField(8, tlv(tagSequence, etypes)))
}

// paData is a PA-DATA.
type paData struct {
	kind  int32
	value []byte
}

func (r derReader) paData() (list []paData) {
	in := r.open(tagSequence)
	for in.more() {
		if len(list) == maxAuthData {
			*r.bad = true
			return nil
		}
		e := in.open(tagSequence)
		list = append(list, paData{e.field(1).int32(), e.field(2).octets()})
	}
	return list
}

// marshalKDCReq makes a KDC-REQ.
func marshalKDCReq(tag byte, message int64, pa []paData, body []byte) []byte {
	var padata []byte
	for _, p := range pa {
		padata = append(padata, tlv(tagSequence, derField(1, derInt(int64(p.kind))), derField(2, derOctets(p.value)))...)
	}
	if padata != nil {
		padata = derField(3, tlv(tagSequence, padata))
	}
	return tlv(tag, tlv(tagSequence, derField(1, derInt(protocolVersion)), derField(2, derInt(message)), padata, derField(4, body)))
}

// kdcReply is a KDC-REP.
type kdcReply struct {
	padata []paData
	crealm string
	cname  principal
	ticket []byte
	enc    encrypted
}

func parseKDCRep(b []byte, tag byte, message int64) (p kdcReply, err error) {
	r := parseDER(b, tag)
	r = r.open(tagSequence)
	if r.field(0).integer() != protocolVersion || r.field(1).integer() != message {
		*r.bad = true
	}
	if r.has(2) {
		p.padata = r.field(2).paData()
	}
	p.crealm = r.field(3).str()
	p.cname = r.field(4).principal()
	t := r.field(5)
	p.ticket = append([]byte(nil), t.b...)
	t.ticket() // it has to be one
	p.enc = r.field(6).encrypted()
	return p, r.err()
}

// parseKDCRepPart reads EncKDCRepPart into a credential and gives the nonce. Old KDCs use the tag of one reply for the other's.
func parseKDCRepPart(b []byte, c *credential) (nonce uint32, err error) {
	tag := byte(tagEncAS)
	if len(b) > 0 && b[0] == tagEncTGS {
		tag = tagEncTGS
	}
	r := parseDER(b, tag)
	r = r.open(tagSequence)
	c.key = r.field(0).encryptionKey()
	c.key.Value = append([]byte(nil), c.key.Value...)
	r.field(1) // last-req
	nonce = r.field(2).uint32()
	if r.has(3) {
		r.field(3) // key-expiration
	}
	c.flags = r.field(4).flags()
	c.authTime = r.field(5).time()
	c.start = c.authTime
	if r.has(6) {
		c.start = r.field(6).time()
	}
	c.end = r.field(7).time()
	if r.has(8) {
		c.renewTill = r.field(8).time()
	}
	c.srealm = r.field(9).str()
	c.server = r.field(10).principal()
	return nonce, r.err()
}

// hint is what a KDC says of a key: which type, and how a password becomes one.
type hint struct {
	etype   EncType
	salt    string
	hasSalt bool
	params  []byte
}

// parseHints reads ETYPE-INFO2, ETYPE-INFO or PW-SALT out of pre-authentication data, the best of them (RFC 4120 5.2.7.5).
func parseHints(list []paData) (hints []hint) {
	best := int32(0)
	for _, pa := range list {
		if pa.kind != paEtypeInfo2 && pa.kind != paEtypeInfo || pa.kind < best {
			continue
		}
		r := derReader{b: pa.value, bad: new(bool)}
		in := r.open(tagSequence)
		var found []hint
		for in.more() && len(found) < maxAuthData {
			e := in.open(tagSequence)
			h := hint{etype: EncType(e.field(0).int32())}
			if e.has(1) {
				h.hasSalt = true
				if f := e.field(1); pa.kind == paEtypeInfo2 {
					h.salt = f.str()
				} else {
					h.salt = string(f.octets())
				}
			}
			if pa.kind == paEtypeInfo2 && e.has(2) {
				h.params = e.field(2).octets()
			}
			found = append(found, h)
		}
		if r.err() == nil {
			hints, best = found, pa.kind
		}
	}
	for _, pa := range list {
		if best == 0 && pa.kind == paSalt {
			hints = append(hints, hint{salt: string(pa.value), hasSalt: true})
		}
	}
	return hints
}

// kdcFailed says what a KDC refused, with its Status.
func kdcFailed(what string, err error) error {
	var e *krbError
	if errors.As(err, &e) {
		s := e.status()
		if e.code == kdcPreauthFailed {
			s = nt.StatusLogonFailure
		}
		return fmt.Errorf("krb5: %s: %w: %w", what, s, err)
	}
	var s nt.Status
	if !errors.As(err, &s) {
		return fmt.Errorf("krb5: %s: %w: %w", what, nt.StatusLogonFailure, err)
	}
	return fmt.Errorf("krb5: %s: %w", what, err)
}

// login gets a TGT with the client's secret (RFC 4120 3.1).
func (c *Client) login(ctx context.Context) (*credential, error) {
	what := "logon of " + c.client.String() + "@" + c.realm
	realm := c.realm
	var key *EncryptionKey
	for range maxHops {
		now := c.now()
		q := kdcRequest{
			options: optionForwardable | optionRenewable | optionCanonicalize | optionRenewableOK,
			cname:   &c.client, realm: realm, sname: krbtgt(realm), nonce: newNonce(), etypes: c.etypes,
			till: now.Add(ticketLifetime), rtime: now.Add(renewLifetime),
		}
		var pa []paData
		if key != nil {
			stamp := tlv(tagSequence, derField(0, derTime(now)), derField(1, derInt(int64(now.Nanosecond()/1000))))
			pa = append(pa, paData{paEncTimestamp, key.seal(usageASReqTimestamp, stamp).der()})
		}
		b, err := c.send(ctx, realm, marshalKDCReq(tagASReq, messageAS, pa, q.der()))
		var e *krbError
		switch {
		case errors.As(err, &e) && e.code == kdcWrongRealm && e.crealm != "" && e.crealm != realm:
			realm, key = e.crealm, nil
			continue
		case errors.As(err, &e) && (e.code == kdcPreauthNeeded || e.code == kdcPreauthFailed) && key == nil:
			r := derReader{b: e.edata, bad: new(bool)}
			if key, err = c.secret(parseHints(r.paData()), realm); err != nil {
				return nil, fmt.Errorf("krb5: %s: %w: %w", what, nt.StatusLogonFailure, err)
			}
			continue
		case err != nil:
			return nil, kdcFailed(what, err)
		}
		cred, err := c.asReply(b, &q, key)
		if err != nil {
			return nil, fmt.Errorf("krb5: %s: %w: %w", what, nt.StatusLogonFailure, err)
		}
		return cred, nil
	}
	return nil, fmt.Errorf("krb5: %s: the KDC never ends: %w", what, nt.StatusLogonFailure)
}

func (c *Client) asReply(b []byte, q *kdcRequest, key *EncryptionKey) (*credential, error) {
	p, err := parseKDCRep(b, tagASRep, messageAS+1)
	if err != nil {
		return nil, err
	}
	if key == nil || key.Type != p.enc.etype {
		hints := parseHints(p.padata)
		only := []hint{{etype: p.enc.etype}}
		for _, h := range hints {
			if h.etype == p.enc.etype || h.etype == 0 {
				h.etype = p.enc.etype
				only[0] = h
				break
			}
		}
		if key, err = c.secret(only, q.realm); err != nil {
			return nil, err
		}
	}
	plain, err := key.decrypt(usageASRep, p.enc.cipher)
	if err != nil {
		return nil, fmt.Errorf("the KDC's answer: %w", err)
	}
	cred, err := c.newCredential(&p, plain, q.nonce)
	if err != nil {
		return nil, err
	}
	if len(cred.server.names) != 2 || !strings.EqualFold(cred.server.names[0], "krbtgt") {
		return nil, fmt.Errorf("the KDC gave a ticket for %s", cred.server)
	}
	return cred, nil
}

func (c *Client) newCredential(p *kdcReply, plain []byte, nonce uint32) (*credential, error) {
	cred := &credential{client: p.cname, crealm: p.crealm, ticket: p.ticket, kvno: p.enc.kvno}
	got, err := parseKDCRepPart(plain, cred)
	switch {
	case err != nil:
		return nil, err
	case got != nonce:
		return nil, errors.New("the KDC answered another question")
	case !cred.key.Type.allowed(c.allowRC4):
		return nil, fmt.Errorf("session key is for %v, which is not allowed", cred.key.Type)
	}
	return cred, nil
}

// secret is the client's key for the first of the hints that there is one for.
func (c *Client) secret(hints []hint, realm string) (*EncryptionKey, error) {
	if len(hints) == 0 {
		hints = []hint{{}}
	}
	for _, h := range hints {
		if h.etype == 0 { // only the salt was told
			h.etype = c.etypes[0]
		}
		if !h.etype.allowed(c.allowRC4) {
			continue
		}
		if c.keytab != nil {
			if k := newestKey(c.keytab, c.client, h.etype); k != nil {
				return k, nil
			}
			continue
		}
		salt := h.salt
		if !h.hasSalt {
			salt = realm + strings.Join(c.client.names, "")
		}
		c.salt.Store(&salt)
		k, err := stringToKey(h.etype, c.password, salt, h.params)
		if err != nil {
			return nil, err
		}
		return &k, nil
	}
	return nil, errors.New("no key of a type that the KDC takes")
}

func newestKey(keys []ServiceKey, p principal, t EncType) *EncryptionKey {
	var best *ServiceKey
	for i, k := range keys {
		if k.Type == t && strings.EqualFold(k.Name, p.String()) && (best == nil || k.KVNO > best.KVNO) {
			best = &keys[i]
		}
	}
	if best == nil {
		return nil
	}
	return &best.EncryptionKey
}

// ticketFor asks the realm's KDC for a ticket (RFC 4120 3.3).
func (c *Client) ticketFor(ctx context.Context, tgt *credential, realm string, sname principal, options uint32) (*credential, error) {
	now := c.now()
	q := kdcRequest{
		options: options | optionForwardable&tgt.flags | optionCanonicalize, realm: realm, sname: sname,
		till: now.Add(ticketLifetime), nonce: newNonce(), etypes: c.etypes,
	}
	body := q.der()
	a := authenticator{crealm: tgt.crealm, cname: tgt.client, time: now,
		cksum: &checksum{tgt.key.Type.params().checksum, tgt.key.checksum(usageTGSReqChecksum, body)}}
	req := marshalAPReq(0, tgt.ticket, tgt.key.seal(usageTGSReqAuth, a.der()))
	b, err := c.send(ctx, realm, marshalKDCReq(tagTGSReq, messageTGS, []paData{{paTGSReq, req}}, body))
	if err != nil {
		return nil, err
	}
	p, err := parseKDCRep(b, tagTGSRep, messageTGS+1)
	if err != nil {
		return nil, err
	}
	plain, err := tgt.key.decrypt(usageTGSRep, p.enc.cipher)
	if err != nil {
		return nil, fmt.Errorf("the KDC's answer: %w", err)
	}
	return c.newCredential(&p, plain, q.nonce)
}
