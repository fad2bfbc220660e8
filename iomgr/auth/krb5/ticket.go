package krb5

import "time"

// encrypted is an EncryptedData (RFC 4120 5.2.9).
type encrypted struct {
	etype   EncType
	kvno    uint32
	hasKVNO bool
	cipher  []byte
}

func (r derReader) encrypted() (e encrypted) {
	in := r.open(tagSequence)
	e.etype = EncType(in.field(0).int32())
	if in.has(1) {
		e.kvno, e.hasKVNO = in.field(1).uint32(), true
	}
	e.cipher = in.field(2).octets()
	return e
}

func (e *encrypted) der() []byte {
	var kvno []byte
	if e.hasKVNO {
		kvno = derField(1, derInt(int64(e.kvno)))
	}
	return tlv(tagSequence, derField(0, derInt(int64(e.etype))), kvno, derField(2, derOctets(e.cipher)))
}

// seal encrypts plain into an EncryptedData.
func (k EncryptionKey) seal(usage uint32, plain []byte) *encrypted {
	return &encrypted{etype: k.Type, cipher: k.encrypt(usage, plain)}
}

// encryptionKey reads an EncryptionKey. What a key of that type cannot be is bad; types that are not known have to be looked for.
func (r derReader) encryptionKey() (k EncryptionKey) {
	in := r.open(tagSequence)
	k.Type = EncType(in.field(0).int32())
	k.Value = in.field(1).octets()
	if p := k.Type.params(); p != nil && len(k.Value) != p.key {
		*r.bad = true
	}
	return k
}

func (k EncryptionKey) der() []byte {
	return tlv(tagSequence, derField(0, derInt(int64(k.Type))), derField(1, derOctets(k.Value)))
}

const (
	tagTicket        = 0x61
	tagAuthenticator = 0x62
	tagEncTicketPart = 0x63

	protocolVersion = 5
)

// ticket is what everybody sees of a ticket (RFC 4120 5.3).
type ticket struct {
	realm string
	sname principal
	enc   encrypted
}

func (r derReader) ticket() (t ticket) {
	in := r.open(tagTicket)
	in = in.open(tagSequence)
	if in.field(0).integer() != protocolVersion {
		*r.bad = true
	}
	t.realm = in.field(1).str()
	t.sname = in.field(2).principal()
	t.enc = in.field(3).encrypted()
	return t
}

// Ticket flags; bit 0 is the highest (RFC 4120 5.3).
const (
	flagForwardable = 1 << (31 - 1)
	flagRenewable   = 1 << (31 - 8)
	flagInvalid     = 1 << (31 - 7)
)

// ticketPart is EncTicketPart. Addresses are read over, as Windows does.
type ticketPart struct {
	flags     uint32
	key       EncryptionKey
	crealm    string
	cname     principal
	authTime  time.Time
	startTime time.Time // authTime if absent
	endTime   time.Time
	renewTill time.Time
	authData  []authData
}

func parseTicketPart(b []byte) (t ticketPart, err error) {
	r := parseDER(b, tagEncTicketPart)
	r = r.open(tagSequence)
	t.flags = r.field(0).flags()
	t.key = r.field(1).encryptionKey()
	t.crealm = r.field(2).str()
	t.cname = r.field(3).principal()
	r.field(4) // transited
	t.authTime = r.field(5).time()
	t.startTime = t.authTime
	if r.has(6) {
		t.startTime = r.field(6).time()
	}
	t.endTime = r.field(7).time()
	if r.has(8) {
		t.renewTill = r.field(8).time()
	}
	if r.has(9) {
		r.field(9)
	}
	if r.has(10) {
		t.authData = r.field(10).authData()
	}
	return t, r.err()
}

// Types of authorization data (RFC 4120 7.5.4, RFC 4537, MS-KILE 2.2).
const (
	adIfRelevant       = 1
	adWin2KPAC         = 128
	adEtypeNegotiation = 129
)

// authData is one element of AuthorizationData (RFC 4120 5.2.6).
type authData struct {
	kind int32
	data []byte
}

// maxAuthData bounds a list; KDCs put in one or two.
const maxAuthData = 64

func (r derReader) authData() (list []authData) {
	in := r.open(tagSequence)
	for in.more() {
		if len(list) == maxAuthData {
			*r.bad = true
			return nil
		}
		e := in.open(tagSequence)
		list = append(list, authData{e.field(0).int32(), e.field(1).octets()})
	}
	return list
}

func derAuthData(list ...authData) []byte {
	var b []byte
	for _, a := range list {
		b = append(b, tlv(tagSequence, derField(0, derInt(int64(a.kind))), derField(1, derOctets(a.data)))...)
	}
	return tlv(tagSequence, b)
}

// find is the first element of the kind that stands in an AD-IF-RELEVANT of the list.
func findAuthData(list []authData, kind int32) ([]byte, error) {
	for _, a := range list {
		if a.kind != adIfRelevant {
			continue
		}
		r := derReader{b: a.data, bad: new(bool)}
		inner := r.authData()
		if r.err() != nil {
			return nil, errDER
		}
		for _, in := range inner {
			if in.kind == kind {
				return in.data, nil
			}
		}
	}
	return nil, nil
}
