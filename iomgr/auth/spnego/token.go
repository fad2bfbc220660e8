package spnego

import (
	"bytes"
	"strconv"
	"strings"
)

// OID is an object identifier as the content of its DER encoding.
type OID string

// The mechanisms that Windows knows (MS-SPNG 1.9, RFC 4178, RFC 4121).
const (
	OIDSPNEGO     OID = "\x2b\x06\x01\x05\x05\x02"                 // 1.3.6.1.5.5.2
	OIDKerberos   OID = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"     // 1.2.840.113554.1.2.2
	OIDMSKerberos OID = "\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"     // 1.2.840.48018.1.2.2: Kerberos by a mistyped name
	OIDNTLM       OID = "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a" // 1.3.6.1.4.1.311.2.2.10
	OIDNegoEx     OID = "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e" // 1.3.6.1.4.1.311.2.2.30
)

// String is the dotted form.
func (o OID) String() string {
	var s []string
	var v uint64
	for _, c := range []byte(o) {
		v = v<<7 | uint64(c&0x7F)
		if c&0x80 != 0 {
			continue
		}
		if s == nil {
			first := min(v/40, 2)
			s = append(s, strconv.FormatUint(first, 10))
			v -= 40 * first
		}
		s, v = append(s, strconv.FormatUint(v, 10)), 0
	}
	return strings.Join(s, ".")
}

// same reports whether both name one mechanism: Kerberos has two names.
func (o OID) same(p OID) bool {
	if o == OIDMSKerberos {
		o = OIDKerberos
	}
	if p == OIDMSKerberos {
		p = OIDKerberos
	}
	return o == p
}

// NegState is negState of a NegTokenResp (RFC 4178 4.2.2).
type NegState uint8

// The states, and the absence of one.
const (
	AcceptCompleted  NegState = 0
	AcceptIncomplete NegState = 1
	Reject           NegState = 2
	RequestMIC       NegState = 3
	NoState          NegState = 0xFF
)

// NegTokenInit is the first token of an initiator (RFC 4178 4.2.1), and with HintName that of an acceptor
// (NegTokenInit2, MS-SPNG 2.2.1). Absent byte strings are nil.
type NegTokenInit struct {
	MechTypes   []OID
	MechList    []byte // the encoded mechTypes as they came: what mechListMIC covers
	MechToken   []byte
	HintName    string
	MechListMIC []byte
}

// maxMechs bounds a list of mechanisms.
const maxMechs = 32

// ParseNegTokenInit parses a NegTokenInit or NegTokenInit2 in its GSS-API frame (RFC 2743 3.1). Byte strings alias b.
func ParseNegTokenInit(b []byte) (NegTokenInit, error) {
	var t NegTokenInit
	if len(b) > maxToken {
		return t, ErrToken
	}
	oid, body, err := parseFrame(b)
	if err != nil || oid != OIDSPNEGO {
		return t, ErrToken
	}
	if body, err = only(body, tagContext0); err != nil {
		return t, err
	}
	if body, err = only(body, tagSequence); err != nil {
		return t, err
	}
	if t.MechList, body, err = expect(body, tagContext0); err != nil {
		return t, err
	}
	if t.MechTypes, err = parseMechTypes(t.MechList); err != nil {
		return t, err
	}
	last := byte(tagContext0)
	for len(body) > 0 {
		var tag byte
		var v []byte
		if tag, v, body, err = element(body); err != nil {
			return t, err
		}
		if tag <= last {
			return t, ErrToken // members come once and in order
		}
		last = tag
		if err = t.member(tag, v); err != nil {
			return t, err
		}
	}
	if len(t.MechListMIC) == 0 {
		t.MechListMIC = nil
	}
	return t, nil
}

func (t *NegTokenInit) member(tag byte, v []byte) (err error) {
	switch tag {
	case tagContext0 + 1: // reqFlags, which are not to be used (RFC 4178 4.2.1)
		_, err = only(v, tagBitString)
	case tagContext0 + 2:
		t.MechToken, err = only(v, tagOctetString)
	case tagContext0 + 3:
		// mechListMIC, or in NegTokenInit2 the hints, which pushed it behind.
		inner, body, rest, e := element(v)
		switch {
		case e != nil || len(rest) != 0:
			err = ErrToken
		case inner == tagOctetString:
			t.MechListMIC = body
		case inner == tagSequence:
			err = t.hints(body)
		default:
			err = ErrToken
		}
	case tagContext0 + 4:
		t.MechListMIC, err = only(v, tagOctetString)
	default:
		err = ErrToken
	}
	return err
}

// hints reads NegHints. hintAddress is not used (MS-SPNG 2.2.1).
func (t *NegTokenInit) hints(b []byte) error {
	for len(b) > 0 {
		tag, v, rest, err := element(b)
		if err != nil {
			return err
		}
		if tag == tagContext0 {
			name, err := only(v, tagGeneralString)
			if err != nil {
				return err
			}
			t.HintName = string(name)
		}
		b = rest
	}
	return nil
}

// parseFrame splits the GSS-API frame of an initial token into its mechanism and what that says.
func parseFrame(b []byte) (OID, []byte, error) {
	body, err := only(b, tagApplication0)
	if err != nil {
		return "", nil, err
	}
	oid, rest, err := expect(body, tagOID)
	return OID(oid), rest, err
}

func parseMechTypes(list []byte) ([]OID, error) {
	b, err := only(list, tagSequence)
	if err != nil {
		return nil, err
	}
	var out []OID
	for len(b) > 0 {
		var oid []byte
		if oid, b, err = expect(b, tagOID); err != nil {
			return nil, err
		}
		if len(oid) == 0 || len(out) == maxMechs {
			return nil, ErrToken
		}
		out = append(out, OID(oid))
	}
	if len(out) == 0 {
		return nil, ErrToken
	}
	return out, nil
}

func appendMechTypes(list []OID) []byte {
	var b []byte
	for _, o := range list {
		b = append(b, tlv(tagOID, []byte(o))...)
	}
	return tlv(tagSequence, b)
}

// Append appends the token in its GSS-API frame. MechTypes are encoded; MechList is not looked at.
func (t *NegTokenInit) Append(b []byte) []byte {
	parts := [][]byte{tlv(tagContext0, appendMechTypes(t.MechTypes)), optional(2, tagOctetString, t.MechToken)}
	if t.HintName != "" {
		parts = append(parts, optional(3, tagSequence, tlv(tagContext0, tlv(tagGeneralString, []byte(t.HintName)))),
			optional(4, tagOctetString, t.MechListMIC))
	} else {
		parts = append(parts, optional(3, tagOctetString, t.MechListMIC))
	}
	body := tlv(tagContext0, tlv(tagSequence, parts...))
	return append(b, tlv(tagApplication0, tlv(tagOID, []byte(OIDSPNEGO)), body)...)
}

// NegTokenResp is every later token of both sides (RFC 4178 4.2.2). Absent byte strings are nil.
type NegTokenResp struct {
	NegState      NegState
	SupportedMech OID
	ResponseToken []byte
	MechListMIC   []byte
}

// ParseNegTokenResp parses a NegTokenResp. Byte strings alias b.
func ParseNegTokenResp(b []byte) (NegTokenResp, error) {
	t := NegTokenResp{NegState: NoState}
	if len(b) > maxToken {
		return t, ErrToken
	}
	body, err := only(b, tagContext0+1)
	if err != nil {
		return t, err
	}
	if body, err = only(body, tagSequence); err != nil {
		return t, err
	}
	last := byte(0)
	for len(body) > 0 {
		var tag byte
		var v []byte
		if tag, v, body, err = element(body); err != nil {
			return t, err
		}
		if tag <= last {
			return t, ErrToken
		}
		last = tag
		if err = t.member(tag, v); err != nil {
			return t, err
		}
	}
	// Windows 2000 repeats the token in the place of the MIC; others send an empty one.
	if len(t.MechListMIC) == 0 || bytes.Equal(t.MechListMIC, t.ResponseToken) {
		t.MechListMIC = nil
	}
	return t, nil
}

func (t *NegTokenResp) member(tag byte, v []byte) (err error) {
	switch tag {
	case tagContext0:
		v, err = only(v, tagEnumerated)
		if err != nil || len(v) != 1 || NegState(v[0]) > RequestMIC {
			return ErrToken
		}
		t.NegState = NegState(v[0])
	case tagContext0 + 1:
		v, err = only(v, tagOID)
		if err != nil || len(v) == 0 {
			return ErrToken
		}
		t.SupportedMech = OID(v)
	case tagContext0 + 2:
		t.ResponseToken, err = only(v, tagOctetString)
	case tagContext0 + 3:
		t.MechListMIC, err = only(v, tagOctetString)
	default:
		err = ErrToken
	}
	return err
}

// Append appends the token.
func (t *NegTokenResp) Append(b []byte) []byte {
	var state, mech []byte
	if t.NegState != NoState {
		state = []byte{byte(t.NegState)}
	}
	if t.SupportedMech != "" {
		mech = []byte(t.SupportedMech)
	}
	return append(b, tlv(tagContext0+1, tlv(tagSequence,
		optional(0, tagEnumerated, state), optional(1, tagOID, mech),
		optional(2, tagOctetString, t.ResponseToken), optional(3, tagOctetString, t.MechListMIC)))...)
}
