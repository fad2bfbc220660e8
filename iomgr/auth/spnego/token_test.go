package spnego

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOIDString(t *testing.T) {
	for oid, want := range map[OID]string{
		OIDSPNEGO: "1.3.6.1.5.5.2", OIDKerberos: "1.2.840.113554.1.2.2", OIDMSKerberos: "1.2.840.48018.1.2.2",
		OIDNTLM: "1.3.6.1.4.1.311.2.2.10", OIDNegoEx: "1.3.6.1.4.1.311.2.2.30",
	} {
		if oid.String() != want {
			t.Errorf("%x = %s, want %s", string(oid), oid, want)
		}
	}
}

// The hint is the one in MS-SPNG 4.3's form: what a Windows server with NTLM alone sends in its negotiate response.
const hintNTLM = "604806062b0601050502a03e303ca00e300c060a2b06010401823702020aa32a3028a0261b246e6f745f646566696e65645f696e5f5246433431373840706c656173655f69676e6f7265"

func TestHint(t *testing.T) {
	m := NewMechanism(Mech{OID: OIDNTLM, Name: "NTLM"})
	if want := unhex(t, hintNTLM); !bytes.Equal(m.Hint(), want) {
		t.Errorf("hint = %x", m.Hint())
	}
	got, err := ParseNegTokenInit(m.Hint())
	if err != nil || !reflect.DeepEqual(got.MechTypes, []OID{OIDNTLM}) || got.HintName != hintName || got.MechToken != nil {
		t.Errorf("hint parsed = %+v, %v", got, err)
	}
}

var (
	sampleInit = NegTokenInit{MechTypes: []OID{OIDMSKerberos, OIDKerberos, OIDNTLM}, MechToken: bytes.Repeat([]byte{7}, 300), MechListMIC: []byte("mic")}
	sampleHint = NegTokenInit{MechTypes: []OID{OIDNTLM}, HintName: hintName, MechListMIC: []byte("mic")}
	sampleResp = NegTokenResp{NegState: AcceptIncomplete, SupportedMech: OIDNTLM, ResponseToken: []byte("token"), MechListMIC: []byte("mic")}
)

func TestTokensRoundTrip(t *testing.T) {
	for _, want := range []NegTokenInit{sampleInit, sampleHint, {MechTypes: []OID{OIDNTLM}}} {
		got, err := ParseNegTokenInit(want.Append([]byte("x"))[1:])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.MechList, appendMechTypes(want.MechTypes)) {
			t.Errorf("mechList = %x", got.MechList)
		}
		got.MechList = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	for _, want := range []NegTokenResp{sampleResp, {NegState: NoState}, {NegState: AcceptCompleted}, {NegState: Reject}, {NegState: NoState, ResponseToken: []byte("t")}} {
		got, err := ParseNegTokenResp(want.Append([]byte("x"))[1:])
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestTokensTruncated(t *testing.T) {
	for n, b := range map[string][]byte{"init": sampleInit.Append(nil), "hint": sampleHint.Append(nil)} {
		for i := range b {
			if _, err := ParseNegTokenInit(bytes.Clone(b[:i])); err == nil {
				t.Errorf("%s cut at %d is taken", n, i)
			}
		}
	}
	b := sampleResp.Append(nil)
	for i := range b {
		if _, err := ParseNegTokenResp(bytes.Clone(b[:i])); err == nil {
			t.Errorf("response cut at %d is taken", i)
		}
	}
}

func TestElementRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"indefinite length": "3080040100 0000", "length of five bytes": "30850000000001 00", "length past the end": "308400ffffff00",
		"largest length": "3084ffffffff00", "long tag": "1f810100", "no length": "30", "no body": "3001", "cut length": "308201",
	} {
		b := unhex(t, string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)))
		if _, _, _, err := element(b); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	// BER allows what DER does not: lengths with leading zeros occur.
	if _, body, rest, err := element(unhex(t, "04830000020102ff")); err != nil || len(body) != 2 || len(rest) != 1 {
		t.Errorf("padded length: %x, %x, %v", body, rest, err)
	}
}

func TestTokensHostile(t *testing.T) {
	many := make([]OID, maxMechs+1)
	for i := range many {
		many[i] = OIDNTLM
	}
	inits := map[string][]byte{
		"no mechanism":        (&NegTokenInit{}).Append(nil),
		"too many mechanisms": (&NegTokenInit{MechTypes: many}).Append(nil),
		"empty OID":           (&NegTokenInit{MechTypes: []OID{""}}).Append(nil),
		"trailing byte":       append(sampleInit.Append(nil), 0),
		"too long":            (&NegTokenInit{MechTypes: []OID{OIDNTLM}, MechToken: make([]byte, maxToken)}).Append(nil),
		"another mechanism":   tlv(tagApplication0, tlv(tagOID, []byte(OIDKerberos))),
		"members twice": tlv(tagApplication0, tlv(tagOID, []byte(OIDSPNEGO)), tlv(tagContext0, tlv(tagSequence,
			tlv(tagContext0, appendMechTypes([]OID{OIDNTLM})), optional(2, tagOctetString, []byte("a")), optional(2, tagOctetString, []byte("b"))))),
		"unknown member": tlv(tagApplication0, tlv(tagOID, []byte(OIDSPNEGO)), tlv(tagContext0, tlv(tagSequence,
			tlv(tagContext0, appendMechTypes([]OID{OIDNTLM})), optional(9, tagOctetString, []byte("a"))))),
	}
	for name, b := range inits {
		if got, err := ParseNegTokenInit(b); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	resps := map[string][]byte{
		"unknown state":     tlv(0xA1, tlv(tagSequence, optional(0, tagEnumerated, []byte{4}))),
		"state of two":      tlv(0xA1, tlv(tagSequence, optional(0, tagEnumerated, []byte{0, 0}))),
		"members unordered": tlv(0xA1, tlv(tagSequence, optional(2, tagOctetString, []byte{1}), optional(0, tagEnumerated, []byte{1}))),
		"init":              sampleInit.Append(nil),
	}
	for name, b := range resps {
		if got, err := ParseNegTokenResp(b); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWindows2000MIC(t *testing.T) {
	r := NegTokenResp{NegState: AcceptIncomplete, ResponseToken: []byte("token"), MechListMIC: []byte("token")}
	if got, err := ParseNegTokenResp(r.Append(nil)); err != nil || got.MechListMIC != nil {
		t.Errorf("repeated token = %+v, %v", got, err)
	}
	r.MechListMIC = []byte{}
	if got, err := ParseNegTokenResp(r.Append(nil)); err != nil || got.MechListMIC != nil {
		t.Errorf("empty MIC = %+v, %v", got, err)
	}
}

func FuzzTokens(f *testing.F) {
	f.Add(sampleInit.Append(nil))
	f.Add(sampleHint.Append(nil))
	f.Add(sampleResp.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if init, err := ParseNegTokenInit(b); err == nil {
			again, err := ParseNegTokenInit(init.Append(nil))
			if err == nil && (!reflect.DeepEqual(again.MechTypes, init.MechTypes) || !bytes.Equal(again.MechToken, init.MechToken)) {
				t.Errorf("%+v became %+v", init, again)
			}
			if err != nil && len(b) < maxToken-64 {
				t.Errorf("%+v does not parse again: %v", init, err)
			}
		}
		if resp, err := ParseNegTokenResp(b); err == nil {
			if again, err := ParseNegTokenResp(resp.Append(nil)); err != nil && len(b) < maxToken-64 || err == nil && !reflect.DeepEqual(again, resp) {
				t.Errorf("%+v became %+v, %v", resp, again, err)
			}
		}
	})
}
