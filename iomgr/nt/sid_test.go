package nt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"testing"
)

func TestSID(t *testing.T) {
	for _, c := range []struct {
		text string
		hex  string
	}{
		{"S-1-1-0", "010100000000000100000000"},
		{"S-1-5-18", "010100000000000512000000"},
		{"S-1-5-32-544", "01020000000000052000000020020000"},
		{"S-1-5-21-397955417-626881126-188441444-512", "010500000000000515000000" + "59 51 b8 17 66 72 5d 25 64 63 3b 0b 00 02 00 00"},
		{"S-1-5", "0100000000000005"},
		{"S-1-0x123456789abc-7", "0101123456789abc07000000"},
		{"S-1-4294967295-1", "01010000ffffffff01000000"},
		{"S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-4294967295", "010f000000000005" + "01000000020000000300000004000000050000000600000007000000080000000900000" + "00a0000000b0000000c0000000d0000000e000000ffffffff"},
	} {
		want := unhex(t, c.hex)
		sid, err := ParseSID(c.text)
		if err != nil {
			t.Errorf("ParseSID(%s): %v", c.text, err)
			continue
		}
		if got := sid.Append(nil); !bytes.Equal(got, want) {
			t.Errorf("%s is %x, want %x", c.text, got, want)
		}
		if got := sid.String(); got != c.text {
			t.Errorf("%s shows as %s", c.text, got)
		}
		got, n, err := DecodeSID(append(bytes.Clone(want), 0xEE))
		if err != nil || n != len(want) || got != sid || n != sid.Size() {
			t.Errorf("DecodeSID(%x) = %s, %d, %v", want, got, n, err)
		}
		for i := range want {
			if _, _, err := DecodeSID(want[:i]); StatusOf(err) != StatusInvalidSid {
				t.Errorf("%s cut at %d: %v", c.text, i, err)
			}
		}
	}
	for _, text := range []string{"", "S", "S-", "S-1", "S-1-", "S-2-5", "S-1-5-", "S-1--5", "S-1-5-+1", "S-1-5-1_0", "S-1-5-4294967296",
		"S-1-0x1000000000000", "S-1-281474976710656", "S-1-5-x", "1-5-18", " S-1-5", "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16", "S-1-0x"} {
		if sid, err := ParseSID(text); StatusOf(err) != StatusInvalidSid {
			t.Errorf("ParseSID(%q) = %s, %v", text, sid, err)
		}
	}
	if _, _, err := DecodeSID(unhex(t, "0210000000000005"+"00000000")); err == nil {
		t.Error("revision 2 was taken")
	}
	if _, _, err := DecodeSID(append([]byte{1, 16, 0, 0, 0, 0, 0, 5}, make([]byte, 64)...)); err == nil {
		t.Error("16 subauthorities were taken")
	}
	if _, err := SIDFromParts([6]byte{}, make([]uint32, 16)); err == nil {
		t.Error("16 subauthorities were composed")
	}
	for name, f := range map[string]func(){
		"16 subauthorities":       func() { NewSID(5, make([]uint32, 16)...) },
		"an authority of 49 bits": func() { NewSID(1 << 48) },
		"no SID":                  func() { MustSID("S-1") },
		"no GUID":                 func() { MustGUID("1") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was taken", name)
				}
			}()
			f()
		}()
	}
	if s, err := ParseSID("s-1-5-18"); err != nil || s != SIDLocalSystem {
		t.Errorf("a small s: %v, %v", s, err)
	}
}

func TestSIDRelations(t *testing.T) {
	domain := MustSID("S-1-5-21-1-2-3")
	account := domain.Child(1001)
	if account.String() != "S-1-5-21-1-2-3-1001" || account.RID() != 1001 || account.Domain() != domain {
		t.Errorf("the account is %s, its RID %d, its domain %s", account, account.RID(), account.Domain())
	}
	if !account.IsChildOf(domain) || domain.IsChildOf(account) || account.IsChildOf(account) || SIDLocalSystem.IsChildOf(domain) || account.IsChildOf(SID{}) {
		t.Error("IsChildOf")
	}
	if MustSID("S-1-5-21-1-2-4-1001").IsChildOf(domain) || MustSID("S-1-6-21-1-2-3-1001").IsChildOf(domain) {
		t.Error("a stranger is a child")
	}
	if account.Authority() != 5 || account.SubAuthorityCount() != 5 || account.SubAuthority(4) != 1001 || account.SubAuthority(0) != 21 {
		t.Error("parts of the account")
	}
	full := NewSID(5, make([]uint32, 15)...)
	if !full.Child(1).IsZero() || !(SID{}).Child(1).IsZero() {
		t.Error("a child beyond 15 subauthorities, or of nothing")
	}
	var none SID
	if !none.IsZero() || none.String() != "" || none.RID() != 0 || !none.Domain().IsZero() || none.Authority() != 0 || none.Append(nil) != nil {
		t.Error("no SID is something")
	}
	m := map[SID]int{MustSID("S-1-5-18"): 1}
	if m[SIDLocalSystem] != 1 {
		t.Error("a SID is no map key")
	}
	b, err := json.Marshal(struct{ A, B SID }{account, none})
	if err != nil || string(b) != `{"A":"S-1-5-21-1-2-3-1001","B":""}` {
		t.Errorf("JSON %s, %v", b, err)
	}
	var back struct{ A, B SID }
	if err := json.Unmarshal(b, &back); err != nil || back.A != account || !back.B.IsZero() {
		t.Errorf("from JSON %v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"A":"S-1"}`), &back); err == nil {
		t.Error("JSON with a broken SID was taken")
	}
}

func TestWellKnown(t *testing.T) {
	for sid, want := range map[string]string{
		"S-1-1-0": `\Everyone`, "S-1-3-0": `\CREATOR OWNER`, "S-1-3-4": `\OWNER RIGHTS`, "S-1-5-2": `NT AUTHORITY\NETWORK`,
		"S-1-5-7": `NT AUTHORITY\ANONYMOUS LOGON`, "S-1-5-11": `NT AUTHORITY\Authenticated Users`,
		"S-1-5-18": `NT AUTHORITY\SYSTEM`, "S-1-5-32-544": `BUILTIN\Administrators`, "S-1-5-32-545": `BUILTIN\Users`,
		"S-1-5-32-551": `BUILTIN\Backup Operators`, "S-1-16-12288": `Mandatory Label\High Mandatory Level`,
	} {
		w, ok := LookupWellKnownSID(MustSID(sid))
		if !ok || w.String() != want {
			t.Errorf("%s is %s, want %s", sid, w, want)
		}
	}
	sids, names := map[SID]bool{}, map[string]bool{}
	for _, w := range WellKnownNames() {
		if sids[w.SID] || names[Upcase(w.String())] {
			t.Errorf("%s %s stands twice", w.SID, w)
		}
		sids[w.SID], names[Upcase(w.String())] = true, true
		for _, name := range []string{w.String(), Upcase(w.String()), w.Name} {
			got, ok := LookupWellKnownName(name)
			if !ok || got != w {
				t.Errorf("%s finds %s %s, want %s", name, got.SID, got, w.SID)
			}
		}
	}
	for _, name := range []string{"", `\`, `BUILTIN\`, `BUILTIN\Everyone`, `NT AUTHORITY\Administrators`, "nobody"} {
		if w, ok := LookupWellKnownName(name); ok {
			t.Errorf("%q finds %s", name, w)
		}
	}
	if w, ok := LookupWellKnownSID(testUser); ok {
		t.Errorf("a user is %s", w)
	}
	if w, ok := LookupWellKnownName("builtin"); !ok || w.SID != SIDBuiltin || w.Use != SIDTypeDomain {
		t.Errorf("builtin finds %v", w)
	}
	if w, ok := LookupWellKnownName("NT Authority"); !ok || w.SID != SIDNTAuthority {
		t.Errorf("NT Authority finds %v", w)
	}
}

func TestPrivileges(t *testing.T) {
	for _, c := range []struct {
		p    Privileges
		luid LUID
		name string
	}{
		{SeCreateTokenPrivilege, 2, "SeCreateTokenPrivilege"}, {SeMachineAccountPrivilege, 6, "SeMachineAccountPrivilege"},
		{SeSecurityPrivilege, 8, "SeSecurityPrivilege"}, {SeTakeOwnershipPrivilege, 9, "SeTakeOwnershipPrivilege"},
		{SeBackupPrivilege, 17, "SeBackupPrivilege"}, {SeRestorePrivilege, 18, "SeRestorePrivilege"},
		{SeChangeNotifyPrivilege, 23, "SeChangeNotifyPrivilege"}, {SeRemoteShutdownPrivilege, 24, "SeRemoteShutdownPrivilege"},
		{SeManageVolumePrivilege, 28, "SeManageVolumePrivilege"}, {SeImpersonatePrivilege, 29, "SeImpersonatePrivilege"},
		{SeRelabelPrivilege, 32, "SeRelabelPrivilege"}, {SeCreateSymbolicLinkPrivilege, 35, "SeCreateSymbolicLinkPrivilege"},
	} {
		got, ok := LookupPrivilege(c.luid)
		if !ok || got.Name != c.name || got.Privilege() != c.p || PrivilegeOf(c.luid) != c.p {
			t.Errorf("LUID %d is %v, want %s", c.luid, got, c.name)
		}
		if got, ok := LookupPrivilegeName(Upcase(c.name)); !ok || got.LUID != c.luid {
			t.Errorf("%s finds LUID %d", c.name, got.LUID)
		}
	}
	for _, id := range []LUID{0, 1, 36, 64, 1 << 40} {
		if p, ok := LookupPrivilege(id); ok || PrivilegeOf(id) != 0 {
			t.Errorf("LUID %d is %v", id, p)
		}
	}
	if p, ok := LookupPrivilegeName("SeNoPrivilege"); ok {
		t.Errorf("SeNoPrivilege is %v", p)
	}
	var all Privileges
	var n int
	for id := range AllPrivileges.All() {
		all |= PrivilegeOf(id)
		n++
	}
	if all != AllPrivileges || n != len(PrivilegeNames()) {
		t.Errorf("AllPrivileges has %d of %d", n, len(PrivilegeNames()))
	}
	for range AllPrivileges.All() {
		break
	}
	if !AllPrivileges.Has(SeTcbPrivilege|SeDebugPrivilege) || SeTcbPrivilege.Has(SeTcbPrivilege|SeDebugPrivilege) {
		t.Error("Has")
	}
}

func FuzzDecodeSID(f *testing.F) {
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		sid, n, err := DecodeSID(b)
		if err != nil {
			return
		}
		if got := sid.Append(nil); !bytes.Equal(got, b[:n]) {
			t.Fatalf("%x comes back as %x", b[:n], got)
		}
		if back, err := ParseSID(sid.String()); err != nil || back != sid {
			t.Fatalf("%s comes back as %s, %v", sid, back, err)
		}
		if n := sid.SubAuthorityCount(); n > 0 && n < 15 && !sid.Child(7).IsChildOf(sid) {
			t.Fatalf("the child of %s is none", sid)
		}
	})
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzParseSID(f *testing.F) {
	f.Add("S-1-5-21-397955417-626881126-188441444-512")
	f.Add("S-1-0x123456789abc-7")
	f.Fuzz(func(t *testing.T, s string) {
		sid, err := ParseSID(s)
		if err != nil {
			return
		}
		if back, err := ParseSID(sid.String()); err != nil || back != sid {
			t.Fatalf("%q is %s and comes back as %s, %v", s, sid, back, err)
		}
		if back, n, err := DecodeSID(sid.Append(nil)); err != nil || back != sid || n != sid.Size() {
			t.Fatalf("%q in bytes comes back as %s, %v", s, back, err)
		}
	})
}
