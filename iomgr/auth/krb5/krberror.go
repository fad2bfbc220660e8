package krb5

import (
	"encoding/binary"
	"fmt"
	"time"

	"lwio/iomgr/nt"
)

const (
	tagError     = 0x7E
	messageError = 30
)

// errorCode is the code of a KRB_ERROR (RFC 4120 7.5.9).
type errorCode int32

const (
	kdcClientUnknown  errorCode = 6
	kdcServiceUnknown errorCode = 7
	kdcNotUnique      errorCode = 8
	kdcPolicy         errorCode = 12
	kdcNoSupport      errorCode = 14 // of the encryption type
	kdcRevoked        errorCode = 18
	kdcKeyExpired     errorCode = 23
	kdcPreauthFailed  errorCode = 24
	kdcPreauthNeeded  errorCode = 25
	apIntegrity       errorCode = 31
	apExpired         errorCode = 32
	apNotYetValid     errorCode = 33
	apRepeat          errorCode = 34
	apNotUs           errorCode = 35
	apBadMatch        errorCode = 36
	apSkew            errorCode = 37
	apMessageType     errorCode = 40
	apModified        errorCode = 41
	apNoKey           errorCode = 45
	apChecksum        errorCode = 50
	errTooBig         errorCode = 52
	errGeneric        errorCode = 60
	kdcWrongRealm     errorCode = 68
)

var errorNames = map[errorCode]string{
	kdcClientUnknown: "KDC_ERR_C_PRINCIPAL_UNKNOWN", kdcServiceUnknown: "KDC_ERR_S_PRINCIPAL_UNKNOWN", kdcNotUnique: "KDC_ERR_PRINCIPAL_NOT_UNIQUE",
	kdcPolicy: "KDC_ERR_POLICY", kdcNoSupport: "KDC_ERR_ETYPE_NOSUPP", kdcRevoked: "KDC_ERR_CLIENT_REVOKED",
	kdcKeyExpired: "KDC_ERR_KEY_EXPIRED", kdcPreauthFailed: "KDC_ERR_PREAUTH_FAILED", kdcPreauthNeeded: "KDC_ERR_PREAUTH_REQUIRED",
	apIntegrity: "KRB_AP_ERR_BAD_INTEGRITY", apExpired: "KRB_AP_ERR_TKT_EXPIRED", apNotYetValid: "KRB_AP_ERR_TKT_NYV",
	apRepeat: "KRB_AP_ERR_REPEAT", apNotUs: "KRB_AP_ERR_NOT_US", apBadMatch: "KRB_AP_ERR_BADMATCH", apSkew: "KRB_AP_ERR_SKEW",
	apMessageType: "KRB_AP_ERR_MSG_TYPE", apModified: "KRB_AP_ERR_MODIFIED", apNoKey: "KRB_AP_ERR_NOKEY",
	apChecksum: "KRB_AP_ERR_INAPP_CKSUM", errTooBig: "KRB_ERR_RESPONSE_TOO_BIG", errGeneric: "KRB_ERR_GENERIC", kdcWrongRealm: "KDC_ERR_WRONG_REALM",
}

func (c errorCode) String() string {
	if s := errorNames[c]; s != "" {
		return s
	}
	return fmt.Sprintf("Kerberos error %d", int32(c))
}

// status is what the error is in the other world (MS-KILE 3.3.5, MS-ERREF). The KDC's own Status, if it sends one, says more.
func (c errorCode) status() nt.Status {
	switch c {
	case kdcClientUnknown:
		return nt.StatusNoSuchUser
	case kdcServiceUnknown, kdcNotUnique:
		return nt.StatusObjectNameNotFound
	case kdcPolicy:
		return nt.StatusAccountRestriction
	case kdcNoSupport:
		return nt.StatusKdcUnknownEtype
	case kdcRevoked:
		return nt.StatusAccountDisabled
	case kdcKeyExpired:
		return nt.StatusPasswordExpired
	case apSkew, apNotYetValid:
		return nt.StatusTimeDifferenceAtDc
	}
	return nt.StatusLogonFailure
}

// krbError is KRB_ERROR (RFC 4120 5.9.1).
type krbError struct {
	code   errorCode
	stime  time.Time
	crealm string
	realm  string
	sname  principal
	text   string
	edata  []byte
}

func parseError(b []byte) (e krbError, err error) {
	r := parseDER(b, tagError)
	r = r.open(tagSequence)
	if r.field(0).integer() != protocolVersion || r.field(1).integer() != messageError {
		*r.bad = true
	}
	for _, n := range []byte{2, 3} { // ctime, cusec
		if r.has(n) {
			r.field(n)
		}
	}
	e.stime = r.field(4).time()
	e.stime = e.stime.Add(time.Duration(r.field(5).micros()) * time.Microsecond)
	e.code = errorCode(r.field(6).int32())
	if r.has(7) {
		e.crealm = r.field(7).str()
	}
	if r.has(8) {
		r.field(8) // cname
	}
	e.realm = r.field(9).str()
	e.sname = r.field(10).principal()
	if r.has(11) {
		e.text = r.field(11).str()
	}
	if r.has(12) {
		e.edata = r.field(12).octets()
	}
	return e, r.err()
}

func (e *krbError) marshal() []byte {
	var crealm, text, edata []byte
	if e.crealm != "" {
		crealm = derField(7, derString(e.crealm))
	}
	if e.text != "" {
		text = derField(11, derString(e.text))
	}
	if e.edata != nil {
		edata = derField(12, derOctets(e.edata))
	}
	return tlv(tagError, tlv(tagSequence,
		derField(0, derInt(protocolVersion)), derField(1, derInt(messageError)),
		derField(4, derTime(e.stime)), derField(5, derInt(int64(e.stime.Nanosecond()/1000))),
		derField(6, derInt(int64(e.code))), crealm, derField(9, derString(e.realm)), derField(10, e.sname.der()), text, edata))
}

const errorDataExtended = 3 // KERB_ERR_TYPE_EXTENDED (MS-KILE 2.2.1)

// status is the Status that a Windows KDC sends beside the code (KERB-EXT-ERROR, MS-KILE 2.2.2), or the code's own.
func (e *krbError) status() nt.Status {
	r := derReader{b: e.edata, bad: new(bool)}
	if len(e.edata) > 0 {
		in := r.open(tagSequence)
		kind := in.field(1).int32()
		if in.has(2) {
			v := in.field(2).octets()
			if r.err() == nil && kind == errorDataExtended && len(v) >= 12 {
				if s := nt.Status(binary.LittleEndian.Uint32(v)); s.IsError() {
					return s
				}
			}
		}
	}
	return e.code.status()
}

func (e *krbError) Error() string {
	s := e.code.String()
	if e.text != "" {
		s += fmt.Sprintf(" (%q)", e.text)
	}
	return s
}
