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
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// The errors it answers with (RFC 4120 7.5.9).
const (
	clientUnknown   int32 = 6
	serviceUnknown  int32 = 7
	etypeNoSupport  int32 = 14
	clientRevoked   int32 = 18
	preauthFailed   int32 = 24
	preauthRequired int32 = 25
	badIntegrity    int32 = 31
	ticketExpired   int32 = 32
	notYetValid     int32 = 33
	notUs           int32 = 35
	badMatch        int32 = 36
	clockSkew       int32 = 37
	modified        int32 = 41
	inappropriate   int32 = 50
	responseTooBig  int32 = 52
	genericError    int32 = 60
	wrongRealm      int32 = 68
)

// skew is how far clocks may differ (MS-KILE 3.3.5.1).
const skew = 5 * time.Minute

// refusal is an error to answer with.
type refusal struct {
	code int32
	text string
	data []byte
}

func refuse(code int32, text string) *refusal { return &refusal{code: code, text: text} }

// kdcReq is KDC-REQ with its body as it was sent, which a checksum covers (RFC 4120 5.4.1).
type kdcReq struct {
	PVNO    int                  `asn1:"explicit,tag:1"`
	MsgType int                  `asn1:"explicit,tag:2"`
	PAData  types.PADataSequence `asn1:"explicit,optional,tag:3"`
	Body    asn1.RawValue        `asn1:"explicit,tag:4"`
}

// handle answers a request; nil is no answer.
func (k *KDC) handle(b []byte) []byte {
	k.mu.Lock()
	fail, silent := k.fail, k.silent
	if len(b) > 0 && b[0] == 0x60|asnAppTag.ASREQ {
		k.as++
	} else if len(b) > 0 && b[0] == 0x60|asnAppTag.TGSREQ {
		k.tgs++
	}
	k.mu.Unlock()
	if silent {
		return nil
	}
	if fail != 0 {
		return k.error(fail, "as the test has it", nil)
	}
	var req kdcReq
	var body messages.KDCReqBody
	tag := "application,explicit,tag:10"
	if len(b) > 0 && b[0] == 0x60|asnAppTag.TGSREQ {
		tag = "application,explicit,tag:12"
	}
	rest, err := asn1.UnmarshalWithParams(b, &req, tag)
	if err != nil || len(rest) > 0 || body.Unmarshal(req.Body.Bytes) != nil {
		return k.error(genericError, "malformed request", nil)
	}
	var answer []byte
	var no *refusal
	switch {
	case !strings.EqualFold(body.Realm, k.cfg.Realm):
		no = refuse(wrongRealm, "this is the KDC of "+k.cfg.Realm)
	case req.MsgType == msgtype.KRB_AS_REQ && tag == "application,explicit,tag:10":
		answer, no = k.authenticate(&req, &body)
	case req.MsgType == msgtype.KRB_TGS_REQ && tag == "application,explicit,tag:12":
		answer, no = k.grant(&req, &body)
	default:
		no = refuse(genericError, "message type")
	}
	if no != nil {
		return k.error(no.code, no.text, no.data, body)
	}
	return answer
}

func (k *KDC) error(code int32, text string, data []byte, body ...messages.KDCReqBody) []byte {
	e := messages.NewKRBError(types.PrincipalName{NameType: 2, NameString: []string{"krbtgt", k.cfg.Realm}}, k.cfg.Realm, code, text)
	e.STime = k.now()
	e.Susec = 0
	e.EData = data
	for _, b := range body {
		if len(b.SName.NameString) > 0 {
			e.SName = b.SName
		}
		if len(b.CName.NameString) > 0 {
			e.CRealm, e.CName = k.cfg.Realm, b.CName
		}
	}
	out, err := e.Marshal()
	if err != nil {
		k.t.Errorf("krb5test: KRB-ERROR: %v", err)
		return nil
	}
	return out
}

func marshal(v any) []byte {
	b, err := asn1.Marshal(v)
	if err != nil {
		panic("krb5test: " + err.Error()) // of our own values
	}
	return b
}

// etypeInfo tells the client how its keys are made (RFC 4120 5.2.7.5).
func etypeInfo(p *principal, etype int32) types.PAData {
	info := types.ETypeInfo2Entry{EType: etype, Salt: p.salt}
	if etype == RC4 {
		info.Salt = ""
	}
	return types.PAData{PADataType: patype.PA_ETYPE_INFO2, PADataValue: marshal(types.ETypeInfo2{info})}
}

// authenticate is the AS exchange.
func (k *KDC) authenticate(req *kdcReq, body *messages.KDCReqBody) ([]byte, *refusal) {
	if len(body.CName.NameString) == 0 || len(body.SName.NameString) == 0 {
		return nil, refuse(genericError, "no names")
	}
	client := k.find(body.CName)
	if client == nil || client.user == nil {
		return nil, refuse(clientUnknown, "client not found")
	}
	if client.user.Disabled {
		return nil, refuse(clientRevoked, "account is disabled")
	}
	service := k.find(body.SName)
	if service == nil {
		return nil, refuse(serviceUnknown, "server not found")
	}
	etype, ok := client.best(body.EType)
	if !ok {
		return nil, refuse(etypeNoSupport, "no encryption type in common")
	}
	info := etypeInfo(client, etype)
	stamp := -1
	for i, pa := range req.PAData {
		if pa.PADataType == patype.PA_ENC_TIMESTAMP {
			stamp = i
		}
	}
	if stamp < 0 && !client.user.NoPreauth {
		methods := types.MethodData{info, {PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: []byte{}}}
		return nil, &refusal{preauthRequired, "pre-authentication is required", marshal(methods)}
	}
	if stamp >= 0 {
		if no := k.checkTimestamp(client, req.PAData[stamp].PADataValue); no != nil {
			if no.code == preauthFailed {
				no.data = marshal(types.MethodData{info})
			}
			return nil, no
		}
	}
	cname := body.CName
	if types.IsFlagSet(&body.KDCOptions, flags.Canonicalize) {
		cname = types.PrincipalName{NameType: 1, NameString: []string{client.name}}
	}
	key, err := client.key(etype)
	if err != nil {
		return nil, refuse(etypeNoSupport, err.Error())
	}
	spec := ticketSpec{client: client, cname: cname, service: service, sname: body.SName, etypes: body.EType, initial: true, pac: wantsPAC(req.PAData), till: body.Till,
		options: body.KDCOptions}
	tkt, part, no := k.issue(&spec)
	if no != nil {
		return nil, no
	}
	part.Nonce = body.Nonce
	rep := messages.ASRep{KDCRepFields: messages.KDCRepFields{PVNO: 5, MsgType: msgtype.KRB_AS_REP, PAData: types.PADataSequence{info},
		CRealm: k.cfg.Realm, CName: cname, Ticket: tkt}}
	plain := asn1tools.AddASNAppTag(marshal(*part), asnAppTag.EncASRepPart)
	if rep.EncPart, err = crypto.GetEncryptedData(plain, key, keyusage.AS_REP_ENCPART, client.kvno); err != nil {
		return nil, refuse(genericError, err.Error())
	}
	out, err := rep.Marshal()
	if err != nil {
		return nil, refuse(genericError, err.Error())
	}
	return out, nil
}

// checkTimestamp verifies PA-ENC-TIMESTAMP (RFC 4120 5.2.7.2).
func (k *KDC) checkTimestamp(client *principal, value []byte) *refusal {
	var ed types.EncryptedData
	if ed.Unmarshal(value) != nil {
		return refuse(preauthFailed, "malformed timestamp")
	}
	key, err := client.key(ed.EType)
	if err != nil {
		return refuse(preauthFailed, err.Error())
	}
	plain, err := decrypt(ed, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP)
	if err != nil {
		return refuse(preauthFailed, "wrong password")
	}
	var ts types.PAEncTSEnc
	if ts.Unmarshal(plain) != nil {
		return refuse(preauthFailed, "malformed timestamp")
	}
	if d := ts.PATimestamp.Sub(k.now()).Abs(); d > skew {
		return refuse(clockSkew, "clocks differ by "+d.String())
	}
	return nil
}

// wantsPAC reads PA-PAC-REQUEST (MS-KILE 2.2.3); without it a PAC is wanted.
func wantsPAC(data types.PADataSequence) bool {
	for _, pa := range data {
		var r struct {
			IncludePAC bool `asn1:"explicit,tag:0"`
		}
		if pa.PADataType == 128 {
			if _, err := asn1.Unmarshal(pa.PADataValue, &r); err == nil {
				return r.IncludePAC
			}
		}
	}
	return true
}

// grant is the TGS exchange.
func (k *KDC) grant(req *kdcReq, body *messages.KDCReqBody) ([]byte, *refusal) {
	i := slices.IndexFunc(req.PAData, func(pa types.PAData) bool { return pa.PADataType == patype.PA_TGS_REQ })
	var ap messages.APReq
	if i < 0 || ap.Unmarshal(req.PAData[i].PADataValue) != nil || len(ap.Ticket.SName.NameString) == 0 || len(body.SName.NameString) == 0 {
		return nil, refuse(genericError, "no ticket-granting ticket")
	}
	if !strings.EqualFold(ap.Ticket.SName.PrincipalNameString(), k.krbtgt.name) {
		return nil, refuse(notUs, "the ticket is for "+ap.Ticket.SName.PrincipalNameString())
	}
	tgtKey, err := k.krbtgt.key(ap.Ticket.EncPart.EType)
	if err != nil {
		return nil, refuse(badIntegrity, err.Error())
	}
	plain, err := decrypt(ap.Ticket.EncPart, tgtKey, keyusage.KDC_REP_TICKET)
	tgt := &ap.Ticket.DecryptedEncPart
	if err != nil || tgt.Unmarshal(plain) != nil {
		return nil, refuse(badIntegrity, "ticket-granting ticket")
	}
	if plain, err = decrypt(ap.EncryptedAuthenticator, tgt.Key, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR); err != nil {
		return nil, refuse(badIntegrity, "authenticator")
	}
	var a types.Authenticator
	if a.Unmarshal(plain) != nil {
		return nil, refuse(badIntegrity, "malformed authenticator")
	}
	now := k.now()
	switch {
	case !a.CName.Equal(tgt.CName) || a.CRealm != tgt.CRealm && a.CRealm != k.cfg.Realm:
		return nil, refuse(badMatch, "authenticator of another client")
	case a.CTime.Sub(now).Abs() > skew:
		return nil, refuse(clockSkew, "clocks differ")
	case now.After(tgt.EndTime.Add(skew)):
		return nil, refuse(ticketExpired, "ticket-granting ticket expired")
	case tgt.StartTime.After(now.Add(skew)):
		return nil, refuse(notYetValid, "ticket-granting ticket is not yet valid")
	}
	sum, err := crypto.GetChksumEtype(a.Cksum.CksumType)
	if err != nil || sum.GetETypeID() != tgt.Key.KeyType {
		return nil, refuse(inappropriate, "checksum of the request")
	}
	if !sum.VerifyChecksum(tgt.Key.KeyValue, req.Body.Bytes, a.Cksum.Checksum, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR_CHKSUM) {
		return nil, refuse(modified, "the request was changed")
	}
	client := k.find(tgt.CName)
	if client == nil || client.user == nil {
		return nil, refuse(clientUnknown, "client not found")
	}
	service := k.find(body.SName)
	if service == nil {
		return nil, refuse(serviceUnknown, "server not found")
	}
	spec := ticketSpec{client: client, cname: tgt.CName, service: service, sname: body.SName, etypes: body.EType, authTime: tgt.AuthTime,
		pac: len(tgt.AuthorizationData) > 0, till: body.Till, options: body.KDCOptions, notAfter: tgt.EndTime}
	tkt, part, no := k.issue(&spec)
	if no != nil {
		return nil, no
	}
	part.Nonce = body.Nonce
	key, usage := tgt.Key, uint32(keyusage.TGS_REP_ENCPART_SESSION_KEY)
	if len(a.SubKey.KeyValue) > 0 {
		key, usage = a.SubKey, keyusage.TGS_REP_ENCPART_AUTHENTICATOR_SUB_KEY
	}
	rep := messages.TGSRep{KDCRepFields: messages.KDCRepFields{PVNO: 5, MsgType: msgtype.KRB_TGS_REP, CRealm: tgt.CRealm, CName: tgt.CName, Ticket: tkt}}
	out := asn1tools.AddASNAppTag(marshal(*part), asnAppTag.EncTGSRepPart)
	if rep.EncPart, err = crypto.GetEncryptedData(out, key, usage, 0); err != nil {
		return nil, refuse(genericError, err.Error())
	}
	if out, err = rep.Marshal(); err != nil {
		return nil, refuse(genericError, err.Error())
	}
	return out, nil
}
