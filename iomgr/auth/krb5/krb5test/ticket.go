package krb5test

import (
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Authorization data (RFC 4120 5.2.6, MS-KILE 2.2.2).
const (
	adIfRelevant int32 = 1
	adWin2KPAC   int32 = 128
)

// ticketSpec is a ticket to make.
type ticketSpec struct {
	client, service *principal
	cname, sname    types.PrincipalName
	etypes          []int32 // the client's
	options         asn1.BitString
	authTime        time.Time // zero is now
	till            time.Time // as asked for; zero is as long as can be
	notAfter        time.Time // the end of the ticket that bought it
	initial, pac    bool
}

// issue makes a ticket and what the client is told of it.
func (k *KDC) issue(s *ticketSpec) (messages.Ticket, *messages.EncKDCRepPart, *refusal) {
	f := k.forged()
	start := k.now().Add(-f.Age)
	end := start.Add(k.cfg.Lifetime)
	if !s.till.IsZero() && s.till.Before(end) && s.till.After(start) {
		end = s.till.UTC().Truncate(time.Second)
	}
	if !s.notAfter.IsZero() && s.notAfter.Before(end) && f.Age == 0 {
		end = s.notAfter
	}
	authTime := s.authTime
	if authTime.IsZero() || f.Age != 0 {
		authTime = start
	}
	sessionType := f.SessionEType
	if sessionType == 0 {
		i := slices.IndexFunc(s.service.etypes, func(e int32) bool { return slices.Contains(s.etypes, e) })
		if i < 0 {
			return messages.Ticket{}, nil, refuse(etypeNoSupport, "no encryption type in common with "+s.service.name)
		}
		sessionType = s.service.etypes[i]
	}
	session, err := newKey(sessionType)
	if err != nil {
		return messages.Ticket{}, nil, refuse(etypeNoSupport, err.Error())
	}
	ticketType := s.service.etypes[0]
	if f.EType != 0 && s.service != k.krbtgt {
		ticketType = f.EType
	}
	key, err := s.service.key(ticketType)
	if err != nil {
		return messages.Ticket{}, nil, refuse(etypeNoSupport, err.Error())
	}
	part := messages.EncTicketPart{Flags: types.NewKrbFlags(), Key: session, CRealm: k.cfg.Realm, CName: s.cname, AuthTime: authTime, StartTime: start,
		EndTime: end, Transited: messages.TransitedEncoding{Contents: []byte{}}}
	types.SetFlag(&part.Flags, flags.PreAuthent)
	for _, o := range []int{flags.Forwardable, flags.Proxiable} {
		if types.IsFlagSet(&s.options, o) {
			types.SetFlag(&part.Flags, o)
		}
	}
	if types.IsFlagSet(&s.options, flags.Renewable) {
		types.SetFlag(&part.Flags, flags.Renewable)
		part.RenewTill = end.Add(7 * 24 * time.Hour)
	}
	if s.initial {
		types.SetFlag(&part.Flags, flags.Initial)
	}
	types.SetFlags(&part.Flags, f.Flags)
	if f.ClientRealm != "" {
		part.CRealm = f.ClientRealm
	}
	if s.pac && !f.NoPAC {
		b, err := k.makePAC(&f, s, key, authTime)
		if err != nil {
			return messages.Ticket{}, nil, refuse(genericError, err.Error())
		}
		inner := marshal(types.AuthorizationData{{ADType: adWin2KPAC, ADData: b}})
		part.AuthorizationData = types.AuthorizationData{{ADType: adIfRelevant, ADData: inner}}
	}
	tkt := messages.Ticket{TktVNO: 5, Realm: k.cfg.Realm, SName: s.sname}
	if f.ServiceRealm != "" && s.service != k.krbtgt {
		tkt.Realm = f.ServiceRealm
	}
	plain := asn1tools.AddASNAppTag(marshal(part), asnAppTag.EncTicketPart)
	if tkt.EncPart, err = crypto.GetEncryptedData(plain, key, keyusage.KDC_REP_TICKET, s.service.kvno); err != nil {
		return messages.Ticket{}, nil, refuse(genericError, err.Error())
	}
	return tkt, &messages.EncKDCRepPart{Key: session, LastReqs: []messages.LastReq{{LRType: 0, LRValue: authTime}}, Flags: part.Flags, AuthTime: authTime,
		StartTime: start, EndTime: end, RenewTill: part.RenewTill, SRealm: k.cfg.Realm, SName: s.sname}, nil
}

// Ticket makes a ticket of the user for the service without an exchange, by what Forge says, and its session key, which is of the service's
// best encryption type.
func (k *KDC) Ticket(user, service string) (messages.Ticket, types.EncryptionKey) {
	k.t.Helper()
	tkt, part := k.ticket(user, service, time.Time{})
	return tkt, part.Key
}

func (k *KDC) ticket(user, service string, authTime time.Time) (messages.Ticket, *messages.EncKDCRepPart) {
	k.t.Helper()
	cname := types.PrincipalName{NameType: 1, NameString: []string{user}}
	sname := types.PrincipalName{NameType: 2, NameString: strings.Split(service, "/")}
	spec := ticketSpec{client: k.find(cname), service: k.find(sname), cname: cname, sname: sname, etypes: k.cfg.ETypes, pac: true, authTime: authTime,
		options: types.NewKrbFlags()}
	if spec.client == nil || spec.client.user == nil || spec.service == nil {
		k.t.Fatalf("krb5test: no account %s or %s", user, service)
	}
	spec.initial = spec.service == k.krbtgt
	tkt, part, no := k.issue(&spec)
	if no != nil {
		k.t.Fatalf("krb5test: ticket of %s for %s: %s", user, service, no.text)
	}
	return tkt, part
}
