package nt

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var (
	testDomain = MustSID("S-1-5-21-1-2-3")
	testUser   = testDomain.Child(1001)
	testGroup  = testDomain.Child(1101)
	testType   = MustGUID("bf967aba-0de6-11d0-a285-00aa003049e2")
	testType2  = MustGUID("bf967a86-0de6-11d0-a285-00aa003049e2")
)

// One ACE of each type there is, and one of a type to come.
func everyACE() []ACE {
	var out []ACE
	for typ := uint8(0); typ <= SystemScopedPolicyIDACEType; typ++ {
		e := ACE{Type: typ, Flags: ContainerInheritACE | InheritedACE, Mask: 0x001200A9, SID: SIDBuiltinUsers}
		switch {
		case e.IsObject():
			e.ObjectFlags, e.ObjectType, e.InheritedObject = 3, testType, testType2
		case !e.hasSID():
			e = ACE{Type: typ, ApplicationData: []byte{1, 2, 3, 4, 5, 6, 7, 8}}
		}
		if e.IsCallback() || typ == SystemResourceAttributeACEType {
			e.ApplicationData = []byte("artx")
		}
		out = append(out, e)
	}
	return append(out,
		ACE{Type: 0xEE, Flags: 0xFF, ApplicationData: []byte{9, 9, 9, 9}},
		ACE{Type: AccessAllowedObjectACEType, Mask: 1, SID: SIDWorld},
		ACE{Type: AccessAllowedObjectACEType, Mask: 1, SID: SIDWorld, ObjectFlags: 1, ObjectType: testType},
		ACE{Type: AccessDeniedObjectACEType, Mask: 1, SID: SIDWorld, ObjectFlags: 2, InheritedObject: testType})
}

func TestACLRoundTrip(t *testing.T) {
	acl := &ACL{Revision: ACLRevisionDS, ACEs: everyACE()}
	b := acl.Append(nil)
	input := bytes.Clone(b)
	kept, err := ParseACL(input)
	clear(input)
	if err != nil || !kept.Equal(acl) {
		t.Fatalf("once its input is overwritten it is %+v, %v", kept, err)
	}
	if len(b) != acl.Size() || acl.Valid() != nil {
		t.Fatalf("%d bytes, Size %d, Valid %v", len(b), acl.Size(), acl.Valid())
	}
	got, err := ParseACL(append(bytes.Clone(b), 0xEE))
	if err != nil || !got.Equal(acl) {
		t.Fatalf("comes back as %+v, %v", got, err)
	}
	for i := range b {
		if _, err := ParseACL(b[:i]); StatusOf(err) != StatusInvalidAcl {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	// The size field says the same as the bytes: each ACE's content cut short inside the list is refused too.
	for i := range acl.ACEs {
		one := (&ACL{Revision: 4, ACEs: acl.ACEs[i : i+1]}).Append(nil)
		for n := aclHeader; n < len(one); n += 4 {
			cut := bytes.Clone(one[:n])
			cut[2] = byte(n)
			if n >= aclHeader+4 {
				cut[aclHeader+2] = byte(n - aclHeader)
			}
			a, err := ParseACL(cut)
			e := &acl.ACEs[i]
			if err == nil && (e.hasSID() && len(a.ACEs[0].ApplicationData) >= len(e.ApplicationData) && len(e.ApplicationData) > 0 || e.hasSID() && len(e.ApplicationData) == 0) {
				t.Errorf("ACE type %d cut to %d bytes is taken as %+v", e.Type, n, a.ACEs[0])
			}
		}
	}
}

func TestACLGolden(t *testing.T) {
	// D:(A;OICI;0x1200a9;;;BU)(D;;GA;;;AN) as Windows writes it.
	want := unhex(t, "0200 3400 0200 0000"+
		"0003 1800 a9001200 01020000 00000005 20000000 21020000"+
		"0100 1400 00000010 01010000 00000005 07000000")
	got, err := ParseACL(want)
	if err != nil {
		t.Fatal(err)
	}
	acl := &ACL{Revision: 2, ACEs: []ACE{
		{Type: AccessAllowedACEType, Flags: ObjectInheritACE | ContainerInheritACE, Mask: 0x1200A9, SID: SIDBuiltinUsers},
		{Type: AccessDeniedACEType, Mask: GenericAll, SID: SIDAnonymous}}}
	if !got.Equal(acl) {
		t.Errorf("parsed as %+v", got)
	}
	if b := acl.Append(nil); !bytes.Equal(b, want) {
		t.Errorf("appended as %x", b)
	}
	// Slack behind the last ACE, inside the list, is legal and dropped.
	slack := append(bytes.Clone(want), 0, 0, 0, 0)
	slack[2] += 4
	if got, err := ParseACL(slack); err != nil || !got.Equal(acl) {
		t.Errorf("with slack: %+v, %v", got, err)
	}
}

func TestACLRefused(t *testing.T) {
	good := (&ACL{Revision: 2, ACEs: []ACE{{Mask: 1, SID: SIDWorld}}}).Append(nil)
	for _, c := range []struct {
		why    string
		at     int
		value  byte
		status Status
	}{
		{"revision 1", 0, 1, StatusUnknownRevision},
		{"revision 5", 0, 5, StatusUnknownRevision},
		{"size below its header", 2, 7, StatusInvalidAcl},
		{"size above the bytes", 2, byte(len(good) + 1), StatusInvalidAcl},
		{"more ACEs than room", 4, 4, StatusInvalidAcl},
		{"one ACE too many", 4, 2, StatusInvalidAcl},
		{"65281 ACEs", 5, 0xFF, StatusInvalidAcl},
		{"ACE size 0", aclHeader + 2, 0, StatusInvalidAcl},
		{"ACE size above the list", aclHeader + 2, 24, StatusInvalidAcl},
		{"ACE size no multiple of 4", aclHeader + 2, 18, StatusInvalidAcl},
		{"ACE smaller than its SID", aclHeader + 2, 16, StatusInvalidSid},
		{"SID of revision 2", aclHeader + 8, 2, StatusInvalidSid},
		{"SID of 3 subauthorities", aclHeader + 9, 3, StatusInvalidSid},
		{"object ACE without its flags", aclHeader, AccessAllowedObjectACEType, StatusInvalidAcl},
	} {
		b := bytes.Clone(good)
		b[c.at] = c.value
		if a, err := ParseACL(b); StatusOf(err) != c.status {
			t.Errorf("%s: %+v, %v, want %s", c.why, a, err, c.status)
		}
	}
	if got := (&ACL{ACEs: []ACE{{Type: AccessDeniedObjectACEType, SID: SIDWorld}}}).Append(nil); got[0] != ACLRevisionDS {
		t.Errorf("revision %d is filled in", got[0])
	}
	if got := (&ACE{Type: 0xEE, ApplicationData: []byte{1, 2, 3, 4, 5}}).Append(nil); !bytes.Equal(got, []byte{0xEE, 0, 12, 0, 1, 2, 3, 4, 5, 0, 0, 0}) {
		t.Errorf("not padded: %x", got)
	}
	for _, c := range []struct {
		why string
		acl ACL
	}{
		{"too large", ACL{ACEs: slices.Repeat([]ACE{{SID: SIDWorld}}, 4000)}},
		{"no SID", ACL{ACEs: []ACE{{}}}},
		{"object ACE in revision 2", ACL{Revision: 2, ACEs: []ACE{{Type: AccessAllowedObjectACEType, SID: SIDWorld}}}},
		{"revision 9", ACL{Revision: 9}},
	} {
		if c.acl.Valid() == nil {
			t.Errorf("%s is valid", c.why)
		}
	}
}

// The count field alone makes nobody take memory.
func TestACLCountIsBounded(t *testing.T) {
	b := []byte{2, 0, 16, 0, 0xFF, 0xFF, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, err := ParseACL(b); StatusOf(err) != StatusInvalidAcl {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("100 lists of 16 bytes took %d bytes", n)
	}
}

func TestCanonicalOrder(t *testing.T) {
	list := func(sddl string) *ACL {
		sd, err := ParseSDDL("D:"+sddl, SID{})
		if err != nil {
			t.Fatal(err)
		}
		return sd.DACL
	}
	const object = ";bf967aba-0de6-11d0-a285-00aa003049e2;"
	for _, c := range []struct {
		in        string
		canonical bool
		want      string
	}{
		{"", true, ""},
		{"(D;;FA;;;AN)(A;;FA;;;BA)(A;ID;FA;;;SY)(D;ID;FA;;;BG)", true, "(D;;FA;;;AN)(A;;FA;;;BA)(A;ID;FA;;;SY)(D;ID;FA;;;BG)"},
		{"(A;;FA;;;BA)(D;;FA;;;AN)", false, "(D;;FA;;;AN)(A;;FA;;;BA)"},
		{"(A;ID;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;BU)(D;;FA;;;AN)", false, "(D;;FA;;;AN)(A;;FA;;;BA)(A;;FR;;;BU)(A;ID;FA;;;SY)"},
		{"(OA;;CR" + object + ";WD)(A;;CC;;;BA)(OD;;CR" + object + ";BG)(D;;CC;;;AN)", false,
			"(D;;CC;;;AN)(OD;;CR" + object + ";BG)(A;;CC;;;BA)(OA;;CR" + object + ";WD)"},
	} {
		a := list(c.in)
		if got := a.IsCanonical(); got != c.canonical {
			t.Errorf("%s: IsCanonical %v", c.in, got)
		}
		a.Canonicalize()
		if got := (&SecurityDescriptor{DACL: a}).SDDL(); got != "D:"+c.want || !a.IsCanonical() {
			t.Errorf("%s becomes %s, want %s", c.in, got, c.want)
		}
	}
}

func TestSecurityDescriptorGolden(t *testing.T) {
	// O:BAG:SYD:P(A;;FA;;;SY) with the parts in the order Windows writes them.
	want := unhex(t, "0100 0490 30000000 40000000 00000000 14000000"+
		"0200 1c00 0100 0000 0000 1400 ff011f00 01010000 00000005 12000000"+
		"01020000 00000005 20000000 20020000"+"01010000 00000005 12000000")
	sd := &SecurityDescriptor{Control: ControlDACLProtected, Owner: SIDBuiltinAdministrators, Group: SIDLocalSystem,
		DACL: &ACL{Revision: 2, ACEs: []ACE{{Mask: FileAllAccess, SID: SIDLocalSystem}}}}
	if got := sd.Append(nil); !bytes.Equal(got, want) || sd.Size() != len(want) {
		t.Errorf("appended as\n%x, want\n%x", got, want)
	}
	got, err := ParseSecurityDescriptor(want)
	if err != nil || !got.Equal(sd) {
		t.Errorf("parsed as %+v, %v", got, err)
	}
	for i := range want {
		if _, err := ParseSecurityDescriptor(want[:i]); err == nil {
			t.Errorf("cut at %d it is taken", i)
		}
	}
	// The same parts elsewhere, at an odd place and with a prefix in the buffer.
	prefix := []byte("prefix")
	if b := sd.Append(prefix); !bytes.Equal(b[len(prefix):], want) {
		t.Errorf("behind a prefix: %x", b)
	}
}

func TestSecurityDescriptorRoundTrip(t *testing.T) {
	full := &SecurityDescriptor{
		Control: ControlRMValid | ControlDACLAutoInherited | ControlSACLPresent | ControlDACLPresent, RMCtl: 7,
		Owner: testUser, Group: testGroup,
		SACL: &ACL{Revision: ACLRevisionDS, ACEs: everyACE()}, DACL: &ACL{Revision: ACLRevision}}
	for _, sd := range []*SecurityDescriptor{
		full, {}, {Control: ControlDACLPresent}, {Control: ControlSACLPresent}, {Owner: SIDWorld}, {Group: SIDWorld},
		{DACL: &ACL{Revision: 2}}, {SACL: &ACL{Revision: 2}},
	} {
		b := sd.Append(nil)
		got, err := ParseSecurityDescriptor(b)
		if err != nil || !got.Equal(sd) || len(b) != sd.Size() {
			t.Errorf("%+v comes back as %+v, %v", sd, got, err)
		}
		if c := sd.Clone(); !c.Equal(sd) || c == sd {
			t.Errorf("the clone of %+v is %+v", sd, c)
		}
	}
	b := full.Append(nil)
	for i := range b {
		if _, err := ParseSecurityDescriptor(b[:i]); err == nil {
			t.Errorf("cut at %d of %d it is taken", i, len(b))
		}
	}
	c := full.Clone()
	c.SACL.ACEs[9].ApplicationData[0] ^= 1
	c.DACL.ACEs = append(c.DACL.ACEs, ACE{})
	if full.Equal(c) || len(full.DACL.ACEs) != 0 || full.SACL.ACEs[9].ApplicationData[0] != 'a' {
		t.Error("the clone shares memory")
	}
	if (*SecurityDescriptor)(nil).Clone() != nil || full.Equal(nil) {
		t.Error("nil")
	}
}

func TestSecurityDescriptorRefused(t *testing.T) {
	good := (&SecurityDescriptor{Owner: SIDWorld, Group: SIDWorld, SACL: &ACL{Revision: 2}, DACL: &ACL{Revision: 2}}).Append(nil)
	for _, at := range []int{4, 8, 12, 16} {
		for _, off := range []uint32{1, 19, uint32(len(good)), uint32(len(good)) - 1, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFEC} {
			b := bytes.Clone(good)
			b[at], b[at+1], b[at+2], b[at+3] = byte(off), byte(off>>8), byte(off>>16), byte(off>>24)
			if sd, err := ParseSecurityDescriptor(b); err == nil {
				t.Errorf("offset 0x%x at %d is taken as %+v", off, at, sd)
			}
		}
	}
	b := bytes.Clone(good)
	b[3] &^= 0x80
	if _, err := ParseSecurityDescriptor(b); StatusOf(err) != StatusBadDescriptorFormat {
		t.Errorf("an absolute descriptor: %v", err)
	}
	b = bytes.Clone(good)
	b[0] = 2
	if _, err := ParseSecurityDescriptor(b); StatusOf(err) != StatusUnknownRevision {
		t.Errorf("revision 2: %v", err)
	}
	// A list whose present flag is not set is not there, whatever its offset.
	b = bytes.Clone(good)
	b[2], b[16], b[17] = 0, 0xFF, 0xFF
	if sd, err := ParseSecurityDescriptor(b); err != nil || sd.DACL != nil || sd.SACL != nil || sd.Owner != SIDWorld {
		t.Errorf("without present flags: %+v, %v", sd, err)
	}
	// An offset into the header is refused even where the bytes there would be a SID.
	b = make([]byte, 20)
	b[0], b[3], b[4], b[12] = 1, 0x80, 12, 1
	if sd, err := ParseSecurityDescriptor(b); StatusOf(err) != StatusInvalidSecurityDescr {
		t.Errorf("an owner in the header: %+v, %v", sd, err)
	}
	// All parts may be one.
	b = bytes.Clone(good)
	copy(b[8:12], b[4:8])
	if sd, err := ParseSecurityDescriptor(b); err != nil || sd.Group != SIDWorld {
		t.Errorf("owner and group in one place: %+v, %v", sd, err)
	}
	if err := (&SecurityDescriptor{DACL: &ACL{ACEs: []ACE{{}}}}).Valid(); StatusOf(err) != StatusInvalidAcl {
		t.Errorf("Valid: %v", err)
	}
}

func TestSelect(t *testing.T) {
	sd, err := ParseSDDL("O:BAG:SYD:PAI(A;;FA;;;SY)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;HI)", SID{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		info SecurityInformation
		want string
	}{
		{0, ""},
		{OwnerSecurityInformation, "O:BA"},
		{GroupSecurityInformation, "G:SY"},
		{DACLSecurityInformation, "D:PAI(A;;FA;;;SY)"},
		{SACLSecurityInformation, "S:AI(AU;SA;FA;;;WD)"},
		{LabelSecurityInformation, "S:AI(ML;;NW;;;HI)"},
		{OwnerSecurityInformation | GroupSecurityInformation | DACLSecurityInformation, "O:BAG:SYD:PAI(A;;FA;;;SY)"},
		{BackupSecurityInformation, sd.SDDL()},
		{AttributeSecurityInformation | ScopeSecurityInformation, "S:AI"},
	} {
		if got := sd.Select(c.info).SDDL(); got != c.want {
			t.Errorf("Select(0x%x) = %s, want %s", c.info, got, c.want)
		}
	}
}

func FuzzParseSecurityDescriptor(f *testing.F) {
	f.Add((&SecurityDescriptor{Control: ControlDACLProtected, Owner: SIDBuiltinAdministrators, Group: SIDLocalSystem,
		DACL: &ACL{Revision: 4, ACEs: everyACE()}, SACL: &ACL{Revision: 2}}).Append(nil))
	f.Add((&SecurityDescriptor{Owner: SIDWorld, DACL: &ACL{Revision: 2, ACEs: []ACE{{Mask: 1, SID: SIDWorld}}}}).Append(nil))
	tok := &Token{User: SIDWorld}
	f.Fuzz(func(t *testing.T, b []byte) {
		sd, err := ParseSecurityDescriptor(b)
		if err != nil {
			if s := StatusOf(err); s == StatusUnsuccessful {
				t.Fatalf("an error without a status: %v", err)
			}
			return
		}
		// Parts may overlap, so the copy can be larger than what came; never larger than what the parts can be.
		out := sd.Append(nil)
		if len(out) != sd.Size() || len(out) > descriptorHeader+4*len(b) || sd.Size() > MaxSecurityDescriptorSize+8 {
			t.Fatalf("%d bytes become %d, Size %d", len(b), len(out), sd.Size())
		}
		back, err := ParseSecurityDescriptor(out)
		if err != nil || !back.Equal(sd) {
			t.Fatalf("%+v comes back as %+v, %v", sd, back, err)
		}
		AccessCheck(sd, tok, MaximumAllowed, GenericMappingFile)
		if text := sd.SDDL(); strings.Contains(text, "\n") {
			t.Fatalf("SDDL of more than one line: %q", text)
		}
		child, err := CreateSecurityDescriptor(sd, nil, true, nil, DACLAutoInherit|SACLAutoInherit, tok, GenericMappingFile)
		if err == nil && child.Valid() != nil {
			t.Fatalf("the child of %s is not valid", sd.SDDL())
		}
	})
}
