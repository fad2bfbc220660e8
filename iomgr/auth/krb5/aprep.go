package krb5

import "time"

const (
	tagAPRep        = 0x6F
	tagEncAPRepPart = 0x7B
	messageAPRep    = 15
)

// apRepPart is EncAPRepPart (RFC 4120 5.5.2).
type apRepPart struct {
	time   time.Time // to the microsecond
	subkey *EncryptionKey
	seq    uint32
	hasSeq bool
}

// parseAPRep decrypts a KRB_AP_REP with the session key of the ticket.
func parseAPRep(b []byte, key EncryptionKey) (p apRepPart, err error) {
	r := parseDER(b, tagAPRep)
	r = r.open(tagSequence)
	if r.field(0).integer() != protocolVersion || r.field(1).integer() != messageAPRep {
		*r.bad = true
	}
	enc := r.field(2).encrypted()
	if err := r.err(); err != nil {
		return p, err
	}
	if enc.etype != key.Type {
		return p, errIntegrity
	}
	plain, err := key.decrypt(usageAPRep, enc.cipher)
	if err != nil {
		return p, err
	}
	r = parseDER(plain, tagEncAPRepPart)
	r = r.open(tagSequence)
	p.time = r.field(0).time()
	p.time = p.time.Add(time.Duration(r.field(1).micros()) * time.Microsecond)
	if r.has(2) {
		k := r.field(2).encryptionKey()
		p.subkey = &k
	}
	if r.has(3) {
		p.seq, p.hasSeq = r.field(3).uint32(), true
	}
	return p, r.err()
}

func (p *apRepPart) marshal(key EncryptionKey) []byte {
	var subkey, seq []byte
	if p.subkey != nil {
		subkey = derField(2, p.subkey.der())
	}
	if p.hasSeq {
		seq = derField(3, derInt(int64(p.seq)))
	}
	plain := tlv(tagEncAPRepPart, tlv(tagSequence,
		derField(0, derTime(p.time)), derField(1, derInt(int64(p.time.Nanosecond()/1000))), subkey, seq))
	return tlv(tagAPRep, tlv(tagSequence,
		derField(0, derInt(protocolVersion)), derField(1, derInt(messageAPRep)), derField(2, key.seal(usageAPRep, plain).der())))
}
