package krb5test

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/types"
)

func counted16(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func counted32[T string | []byte](b []byte, s T) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// Keytab is a keytab file, format 2, with all keys of the account under each of its names: the account's first, as a join writes it.
func (k *KDC) Keytab(account string) []byte {
	k.t.Helper()
	p := k.find(types.NewPrincipalName(1, account))
	if p == nil {
		k.t.Fatalf("krb5test: no account %s", account)
	}
	b := []byte{5, 2}
	for _, name := range append([]string{p.name}, p.spns...) {
		parts := strings.Split(name, "/")
		for _, etype := range p.etypes {
			key, err := p.key(etype)
			if err != nil {
				k.t.Fatal(err)
			}
			e := binary.BigEndian.AppendUint16(nil, uint16(len(parts)))
			e = counted16(e, k.cfg.Realm)
			for _, part := range parts {
				e = counted16(e, part)
			}
			e = binary.BigEndian.AppendUint32(e, 1) // KRB_NT_PRINCIPAL
			e = binary.BigEndian.AppendUint32(e, uint32(k.now().Unix()))
			e = append(e, byte(p.kvno))
			e = binary.BigEndian.AppendUint16(e, uint16(etype))
			e = counted16(e, string(key.KeyValue))
			e = binary.BigEndian.AppendUint32(e, uint32(p.kvno))
			b = counted32(b, e)
		}
	}
	return b
}

// CCache is a credential cache file, version 4, of the user, with a ticket-granting ticket and tickets for the services.
func (k *KDC) CCache(user string, services ...string) []byte {
	k.t.Helper()
	b := []byte{5, 4}
	b = binary.BigEndian.AppendUint16(b, 12) // one header field: the KDC's time offset, none
	b = append(b, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0)
	client := cachePrincipal(k.cfg.Realm, 1, []string{user})
	b = append(b, client...)
	authTime := k.now().Add(-k.forged().Age)
	for _, service := range append([]string{k.krbtgt.name}, services...) {
		tkt, part := k.ticket(user, service, authTime)
		key := part.Key
		b = append(b, client...)
		b = append(b, cachePrincipal(k.cfg.Realm, 2, strings.Split(service, "/"))...)
		b = binary.BigEndian.AppendUint16(b, uint16(key.KeyType))
		b = counted32(b, key.KeyValue)
		for _, t := range []time.Time{part.AuthTime, part.StartTime, part.EndTime, part.RenewTill} {
			v := uint32(0)
			if !t.IsZero() {
				v = uint32(t.Unix())
			}
			b = binary.BigEndian.AppendUint32(b, v)
		}
		b = append(b, 0) // is_skey
		b = append(b, part.Flags.Bytes[:4]...)
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // no addresses, no authorization data
		raw, err := tkt.Marshal()
		if err != nil {
			k.t.Fatal(err)
		}
		b = counted32(b, raw)
		b = binary.BigEndian.AppendUint32(b, 0) // no second ticket
	}
	return b
}

func cachePrincipal(realm string, typ uint32, parts []string) []byte {
	b := binary.BigEndian.AppendUint32(nil, typ)
	b = binary.BigEndian.AppendUint32(b, uint32(len(parts)))
	b = counted32(b, realm)
	for _, p := range parts {
		b = counted32(b, p)
	}
	return b
}
