package idl_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/test/testdata"

	"lwio/gen/dtyp"
	"lwio/gen/pac"
	"lwio/rpc/ndr"
)

type serialized interface {
	MarshalNDR(*ndr.Encoder)
	UnmarshalNDR(*ndr.Decoder)
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimSpace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sambaPAC(t testing.TB, user string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/pac/samba-" + user + ".hex")
	if err != nil {
		t.Fatal(err)
	}
	return unhex(t, string(b))
}

// again decodes b into x, encodes it, and reports whether the octets are the same.
func again(t *testing.T, name string, b []byte, x serialized) {
	t.Helper()
	if err := ndr.ParseTypeSerialization(b, x); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	out, err := ndr.AppendTypeSerialization(nil, x)
	if err != nil || !bytes.Equal(out, b) {
		t.Errorf("%s: %v\n%s\nwant\n%s", name, err, hex.Dump(out), hex.Dump(b))
	}
	for i := range b {
		if i < len(b)-8 && ndr.ParseTypeSerialization(b[:i], reflect.New(reflect.TypeOf(x).Elem()).Interface().(serialized)) == nil {
			t.Errorf("%s: the first %d of %d octets are a value", name, i, len(b))
		}
	}
}

// TestPACGolden decodes the logon information of tickets that Samba's KDC and Windows made and encodes it again.
func TestPACGolden(t *testing.T) {
	for name, b := range map[string][]byte{
		"samba alice": sambaPAC(t, "alice"), "samba carol": sambaPAC(t, "carol"), "samba administrator": sambaPAC(t, "administrator"),
		"windows":   unhex(t, testdata.MarshaledPAC_Kerb_Validation_Info_MS),
		"windows 2": unhex(t, testdata.MarshaledPAC_Kerb_Validation_Info),
	} {
		again(t, name, b, new(pac.KERB_VALIDATION_INFO))
	}

	var alice pac.KERB_VALIDATION_INFO
	if err := ndr.ParseTypeSerialization(sambaPAC(t, "alice"), &alice); err != nil {
		t.Fatal(err)
	}
	domain, _ := alice.LogonDomainId.SID()
	if alice.EffectiveName.String() != "alice" || alice.UserId != 1103 || alice.PrimaryGroupId != 513 || alice.LogonDomainName.String() != "LAB" ||
		alice.LogonServer.String() != "DC1" || domain.String() != "S-1-5-21-1004336348-1177238915-682003330" {
		t.Errorf("%+v", alice)
	}
	if want := []pac.GROUP_MEMBERSHIP{{RelativeId: 513, Attributes: 7}, {RelativeId: 1108, Attributes: 7}, {RelativeId: 1111, Attributes: 7}}; !reflect.DeepEqual(alice.GroupIds, want) {
		t.Errorf("groups %v", alice.GroupIds)
	}
	if extra, err := alice.ExtraSids[0].Sid.SID(); len(alice.ExtraSids) != 1 || err != nil || extra.String() != "S-1-18-1" ||
		alice.UserFlags&pac.LOGON_EXTRA_SIDS == 0 {
		t.Errorf("extra SIDs %v, %v, flags %#x", alice.ExtraSids, err, alice.UserFlags)
	}

	var lzhu pac.KERB_VALIDATION_INFO
	if err := ndr.ParseTypeSerialization(unhex(t, testdata.MarshaledPAC_Kerb_Validation_Info_MS), &lzhu); err != nil {
		t.Fatal(err)
	}
	if lzhu.FullName.String() != "Liqiang(Larry) Zhu" || lzhu.LogonCount != 4180 || len(lzhu.GroupIds) != 26 || len(lzhu.ExtraSids) != 13 ||
		lzhu.ResourceGroupDomainSid != nil {
		t.Errorf("%+v", lzhu)
	}

	// Windows numbers the referents of these in another order, so the octets differ and the value does not.
	var trust, copied pac.KERB_VALIDATION_INFO
	b := unhex(t, testdata.MarshaledPAC_Kerb_Validation_Info_Trust)
	if err := ndr.ParseTypeSerialization(b, &trust); err != nil {
		t.Fatal(err)
	}
	out, err := ndr.AppendTypeSerialization(nil, &trust)
	if err != nil || len(out) != len(b) || ndr.ParseTypeSerialization(out, &copied) != nil || !reflect.DeepEqual(trust, copied) {
		t.Errorf("%v\n%+v\n%+v", err, trust, copied)
	}
	resource, err := trust.ResourceGroupDomainSid.SID()
	if want := []pac.GROUP_MEMBERSHIP{{RelativeId: 1107, Attributes: 0x20000007}, {RelativeId: 1108, Attributes: 0x20000007}}; err != nil ||
		!reflect.DeepEqual(trust.ResourceGroupIds, want) || resource.String() != "S-1-5-21-3062750306-1230139592-1973306805" {
		t.Errorf("resource groups %v of %v", trust.ResourceGroupIds, resource)
	}
}

// TestClaims decodes claims as Windows sends them: a set within the metadata, each serialized on its own.
func TestClaims(t *testing.T) {
	claims := func(name, b string) pac.CLAIMS_SET {
		var m pac.CLAIMS_SET_METADATA
		again(t, name, unhex(t, b), &m)
		if m.UsCompressionFormat != pac.COMPRESSION_FORMAT_NONE || int(m.UlUncompressedClaimsSetSize) != len(m.ClaimsSet) {
			t.Errorf("%s: %+v", name, m)
		}
		var s pac.CLAIMS_SET
		again(t, name+" set", m.ClaimsSet, &s)
		if len(s.ClaimsArrays) != 1 || s.ClaimsArrays[0].UsClaimsSourceType != pac.CLAIMS_SOURCE_TYPE_AD {
			t.Fatalf("%s: %+v", name, s)
		}
		return s
	}
	entries := claims("strings", testdata.MarshaledPAC_ClientClaimsInfoMultiStr).ClaimsArrays[0].ClaimEntries
	if len(entries) != 1 || *entries[0].Id != "ad://ext/otherIpPhone:88d5de9f6b4af985" || entries[0].Type != pac.CLAIM_TYPE_STRING {
		t.Fatalf("%+v", entries)
	}
	if text := entries[0].Values.StringValues.Values; len(text) != 4 || *text[3].Value != "str4" {
		t.Errorf("%#v", entries[0].Values)
	}
}

func TestPACRoundTrip(t *testing.T) {
	text := "v"
	for _, x := range []serialized{
		&pac.S4U_DELEGATION_INFO{S4U2proxyTarget: dtyp.NewRPC_UNICODE_STRING("cifs/files"), TransitedListSize: 2,
			S4UTransitedServices: []dtyp.RPC_UNICODE_STRING{dtyp.NewRPC_UNICODE_STRING("http/a"), dtyp.NewRPC_UNICODE_STRING("http/b")}},
		&pac.PAC_DEVICE_INFO{UserId: 1105, PrimaryGroupId: 515, DomainGroupCount: 1,
			DomainGroup: []pac.DOMAIN_GROUP_MEMBERSHIP{{GroupCount: 1, GroupIds: []pac.GROUP_MEMBERSHIP{{RelativeId: 9, Attributes: 7}}}}},
		&pac.PAC_CREDENTIAL_DATA{CredentialCount: 1, Credentials: []pac.SECPKG_SUPPLEMENTAL_CRED{
			{PackageName: dtyp.NewRPC_UNICODE_STRING("NTLM"), CredentialSize: 3, Credentials: []byte{1, 2, 3}}}},
		&pac.NTLM_SUPPLEMENTAL_CREDENTIAL{Flags: 2, NtPassword: [16]byte{1, 2}},
		&pac.CLAIM_STRING{Value: &text},
	} {
		b, err := ndr.AppendTypeSerialization(nil, x)
		if err != nil {
			t.Errorf("%T: %v", x, err)
			continue
		}
		y := reflect.New(reflect.TypeOf(x).Elem()).Interface().(serialized)
		if again(t, reflect.TypeOf(x).String(), b, y); !reflect.DeepEqual(x, y) {
			t.Errorf("%+v\nbecame %+v", x, y)
		}
	}
}

func TestPACHostile(t *testing.T) {
	good := sambaPAC(t, "alice")
	for name, tt := range map[string]struct {
		edit func(b []byte)
		want error
	}{
		"version 2":    {func(b []byte) { b[0] = 2 }, ndr.ErrRepresentation},
		"group count":  {func(b []byte) { b[16+4+48+48+4+8] = 4 }, ndr.ErrCount},
		"NULL":         {func(b []byte) { clear(b[16:20]) }, ndr.ErrNullReference},
		"lying length": {func(b []byte) { b[9] = 0xFF }, ndr.ErrTruncated},
	} {
		b := bytes.Clone(good)
		tt.edit(b)
		if err := ndr.ParseTypeSerialization(b, new(pac.KERB_VALIDATION_INFO)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// FuzzPAC decodes anything as logon information and as claims; what it takes, it takes again.
func FuzzPAC(f *testing.F) {
	for _, u := range []string{"alice", "administrator"} {
		f.Add(sambaPAC(f, u))
	}
	f.Add(unhex(f, testdata.MarshaledPAC_ClientClaimsInfoMultiStr))
	f.Add(unhex(f, testdata.MarshaledPAC_ClientClaimsInfoMultiUint)[16:])
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, x := range []serialized{new(pac.KERB_VALIDATION_INFO), new(pac.CLAIMS_SET_METADATA), new(pac.CLAIMS_SET), new(pac.PAC_DEVICE_INFO)} {
			if ndr.ParseTypeSerialization(b, x) != nil {
				continue
			}
			out, err := ndr.AppendTypeSerialization(nil, x)
			if err != nil {
				t.Fatalf("%T: %v", x, err)
			}
			y := reflect.New(reflect.TypeOf(x).Elem()).Interface().(serialized)
			if err := ndr.ParseTypeSerialization(out, y); err != nil || !reflect.DeepEqual(x, y) {
				t.Fatalf("%v\n%+v\n%+v", err, x, y)
			}
		}
	})
}
