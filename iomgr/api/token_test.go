package api

import (
	"bytes"
	"reflect"
	"testing"

	"lwio/iomgr/nt"
)

func tokens() []*nt.Token {
	user := nt.MustSID("S-1-5-21-1-2-3-1000")
	return []*nt.Token{
		nt.AnonymousToken(), nt.SystemToken(),
		{User: user, Owner: nt.SIDBuiltinAdministrators, PrimaryGroup: nt.MustSID("S-1-5-21-1-2-3-513"), Privileges: 1 << 8, LogonID: 77,
			Groups:  []nt.Group{{SID: nt.SIDWorld, Attributes: 7}, {SID: nt.SIDBuiltinUsers, Attributes: nt.SEGroupUseForDenyOnly}},
			Account: "jürgen", Domain: "HOST", HasUnixID: true, UID: 1000, GID: 100,
			DefaultDACL: &nt.ACL{Revision: 2, ACEs: []nt.ACE{{Type: nt.AccessAllowedACEType, Mask: nt.GenericAll, SID: user}}}},
	}
}

func TestTokenRoundTrip(t *testing.T) {
	for _, want := range tokens() {
		b := AppendToken(nil, want)
		got, err := ParseToken(b)
		if err != nil {
			t.Fatalf("%s: %v", want.QualifiedName(), err)
		}
		if len(got.Groups) == 0 && len(want.Groups) == 0 {
			got.Groups = want.Groups
		}
		if !bytes.Equal(AppendToken(nil, got), b) || got.User != want.User || got.Account != want.Account || !reflect.DeepEqual(got.Groups, want.Groups) ||
			got.Anonymous != want.Anonymous || got.UID != want.UID || got.HasUnixID != want.HasUnixID || got.Privileges != want.Privileges {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
		for i := range b {
			if _, err := ParseToken(b[:i]); err == nil {
				t.Errorf("%s: accepted when cut to %d of %d bytes", want.QualifiedName(), i, len(b))
			}
		}
		if _, err := ParseToken(append(b, 0)); err == nil {
			t.Error("accepted with a byte too many")
		}
	}
	if _, err := ParseToken([]byte{9}); err == nil {
		t.Error("another version is accepted")
	}
}

func FuzzParseToken(f *testing.F) {
	for _, tok := range tokens() {
		f.Add(AppendToken(nil, tok))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tok, err := ParseToken(b)
		if err != nil {
			return
		}
		if _, err := ParseToken(AppendToken(nil, tok)); err != nil {
			t.Errorf("what was parsed does not parse again: %v", err)
		}
	})
}
