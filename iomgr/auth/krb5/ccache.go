package krb5

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

var errCCache = errors.New("malformed credential cache")

// credential is a ticket and the session key that came with it.
type credential struct {
	client    principal
	crealm    string
	server    principal
	srealm    string
	key       EncryptionKey
	authTime  time.Time
	start     time.Time
	end       time.Time
	renewTill time.Time
	flags     uint32
	ticket    []byte // DER, as it came
	kvno      uint32 // of the key that the KDC's answer was encrypted with, where it says
}

// ccache is a FILE credential cache of version 3 or 4.
type ccache struct {
	client principal
	realm  string
	creds  []*credential
}

// maxCredentials bounds a cache; a session of months has some hundreds.
const maxCredentials = 4096

// parseCCache leaves out configuration entries and tickets with a session key of a type that is not spoken.
func parseCCache(b []byte) (*ccache, error) {
	r := binReader{b: b}
	if r.u8() != 5 {
		return nil, errCCache
	}
	version := r.u8()
	switch version {
	case 3:
	case 4:
		r.counted16() // header fields: the clock's offset to the KDC
	default:
		return nil, errCCache
	}
	c := new(ccache)
	c.client, c.realm = r.ccachePrincipal()
	for !r.bad && len(r.b) > 0 {
		cred := r.ccacheCredential(version)
		if r.bad || len(c.creds) == maxCredentials {
			return nil, errCCache
		}
		if strings.HasPrefix(cred.srealm, "X-CACHECONF:") || !cred.key.valid() {
			continue
		}
		c.creds = append(c.creds, cred)
	}
	if r.bad || len(c.client.names) == 0 {
		return nil, errCCache
	}
	return c, nil
}

func (r *binReader) ccachePrincipal() (p principal, realm string) {
	p.kind = int32(r.u32())
	n := r.u32()
	realm = string(r.counted32())
	if n > maxComponents {
		r.bad = true
	}
	for i := uint32(0); i < n && !r.bad; i++ {
		p.names = append(p.names, string(r.counted32()))
	}
	return p, realm
}

func (r *binReader) unixTime() time.Time {
	if s := r.u32(); s != 0 {
		return time.Unix(int64(s), 0).UTC()
	}
	return time.Time{}
}

func (r *binReader) ccacheCredential(version uint8) *credential {
	c := new(credential)
	c.client, c.crealm = r.ccachePrincipal()
	c.server, c.srealm = r.ccachePrincipal()
	c.key.Type = EncType(int16(r.u16()))
	if version == 3 {
		r.u16() // the type again
	}
	c.key.Value = append([]byte(nil), r.counted32()...)
	c.authTime, c.start, c.end, c.renewTill = r.unixTime(), r.unixTime(), r.unixTime(), r.unixTime()
	if c.start.IsZero() {
		c.start = c.authTime
	}
	r.u8() // is_skey
	c.flags = r.u32()
	for range 2 { // addresses, authorization data
		for n := r.u32(); n > 0 && !r.bad; n-- {
			r.u16()
			r.counted32()
		}
	}
	c.ticket = append([]byte(nil), r.counted32()...)
	r.counted32() // second ticket
	return c
}

// appendCCache appends a cache of version 4.
func appendCCache(b []byte, c *ccache) []byte {
	be := binary.BigEndian
	counted := func(b []byte, s string) []byte { return append(be.AppendUint32(b, uint32(len(s))), s...) }
	name := func(b []byte, p principal, realm string) []byte {
		b = be.AppendUint32(b, uint32(p.kind))
		b = be.AppendUint32(b, uint32(len(p.names)))
		b = counted(b, realm)
		for _, n := range p.names {
			b = counted(b, n)
		}
		return b
	}
	at := func(b []byte, t time.Time) []byte {
		if t.IsZero() {
			return be.AppendUint32(b, 0)
		}
		return be.AppendUint32(b, uint32(t.Unix()))
	}
	b = append(b, 5, 4, 0, 0)
	b = name(b, c.client, c.realm)
	for _, e := range c.creds {
		b = name(b, e.client, e.crealm)
		b = name(b, e.server, e.srealm)
		b = be.AppendUint16(b, uint16(e.key.Type))
		b = counted(b, string(e.key.Value))
		b = at(at(at(at(b, e.authTime), e.start), e.end), e.renewTill)
		b = append(b, 0)
		b = be.AppendUint32(b, e.flags)
		b = append(b, make([]byte, 8)...)
		b = counted(b, string(e.ticket))
		b = counted(b, "")
	}
	return b
}
