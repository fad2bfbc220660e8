package nt

import (
	"strings"
	"testing"
)

func TestSDDL(t *testing.T) {
	for _, c := range []struct {
		in   string
		want string // what SDDL writes; empty where it is in
		sd   *SecurityDescriptor
	}{
		{"", "", &SecurityDescriptor{}},
		{"O:BAG:SY", "", &SecurityDescriptor{Owner: SIDBuiltinAdministrators, Group: SIDLocalSystem}},
		{"G:SYO:BA", "O:BAG:SY", &SecurityDescriptor{Owner: SIDBuiltinAdministrators, Group: SIDLocalSystem}},
		{"o:bag:sy", "O:BAG:SY", &SecurityDescriptor{Owner: SIDBuiltinAdministrators, Group: SIDLocalSystem}},
		{"O:S-1-5-21-1-2-3-1001G:S-1-5-32-545D:", "O:S-1-5-21-1-2-3-1001G:BUD:",
			&SecurityDescriptor{Owner: testUser, Group: SIDBuiltinUsers, Control: ControlDACLPresent, DACL: &ACL{Revision: 2}}},
		{"O:S-1-0x0000123456789abcD:", "O:S-1-0x123456789abcD:", nil},
		{"O:S-1-5-18D:", "O:SYD:", nil},
		{"O:S-1-0xabcdef012345D:", "O:S-1-0xabcdef012345D:", nil},
		{"O:DAG:DU", "O:S-1-5-21-1-2-3-512G:S-1-5-21-1-2-3-513",
			&SecurityDescriptor{Owner: testDomain.Child(512), Group: testDomain.Child(513)}},
		{"D:NO_ACCESS_CONTROL", "", &SecurityDescriptor{Control: ControlDACLPresent}},
		{"D:PNO_ACCESS_CONTROLS:NO_ACCESS_CONTROL", "",
			&SecurityDescriptor{Control: ControlDACLPresent | ControlDACLProtected | ControlSACLPresent}},
		{"D:", "", &SecurityDescriptor{Control: ControlDACLPresent, DACL: &ACL{Revision: 2}}},
		{"D:S:", "", &SecurityDescriptor{Control: ControlDACLPresent | ControlSACLPresent, DACL: &ACL{Revision: 2}, SACL: &ACL{Revision: 2}}},
		{"D:PARAI", "", &SecurityDescriptor{
			Control: ControlDACLPresent | ControlDACLProtected | ControlDACLAutoInheritReq | ControlDACLAutoInherited, DACL: &ACL{Revision: 2}}},
		{"D:AIARP", "D:PARAI", nil},
		{"S:PARAI", "", &SecurityDescriptor{
			Control: ControlSACLPresent | ControlSACLProtected | ControlSACLAutoInheritReq | ControlSACLAutoInherited, SACL: &ACL{Revision: 2}}},
		{"D:(A;OICI;FA;;;BA)(D;OICINPIOID;GRGW;;;AN)", "D:(A;OICI;FA;;;BA)(D;OICINPIOID;GRGW;;;AN)",
			&SecurityDescriptor{Control: ControlDACLPresent, DACL: &ACL{Revision: 2, ACEs: []ACE{
				{Type: AccessAllowedACEType, Flags: 3, Mask: FileAllAccess, SID: SIDBuiltinAdministrators},
				{Type: AccessDeniedACEType, Flags: 0x1F, Mask: GenericRead | GenericWrite, SID: SIDAnonymous}}}}},
		{"D:(A;;0x1301bf;;;WD)", "", &SecurityDescriptor{Control: ControlDACLPresent, DACL: &ACL{Revision: 2, ACEs: []ACE{
			{Mask: ShareAccessChange, SID: SIDWorld}}}}},
		{"D:(A;;0x1200a9;;;WD)", "", &SecurityDescriptor{Control: ControlDACLPresent, DACL: &ACL{Revision: 2, ACEs: []ACE{
			{Mask: ShareAccessRead, SID: SIDWorld}}}}},
		{"D:(A;;1179817;;;WD)", "D:(A;;0x1200a9;;;WD)", nil},
		{"D:(A;;;;;WD)(A;;0x0;;;WD)", "D:(A;;;;;WD)(A;;;;;WD)", nil},
		{"D:(A;;FRFW;;;WD)", "D:(A;;0x12019f;;;WD)", nil},
		{"D:(A;;FR;;;WD)(A;;FW;;;WD)(A;;FX;;;WD)(A;;KA;;;WD)(A;;KR;;;WD)(A;;KW;;;WD)", "", nil},
		{"D:(A;;KX;;;WD)", "D:(A;;KR;;;WD)", nil},
		{"D:(A;;WOWDRCSDCRLODTWPRPSWLCDCCC;;;AU)", "D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;AU)",
			&SecurityDescriptor{Control: ControlDACLPresent, DACL: &ACL{Revision: 2, ACEs: []ACE{
				{Mask: 0x000F01FF, SID: SIDAuthenticatedUsers}}}}},
		{"D:(OA;CI;RP;bf967aba-0de6-11d0-a285-00aa003049e2;bf967a86-0de6-11d0-a285-00aa003049e2;PS)(OD;;CR;;bf967a86-0de6-11d0-a285-00aa003049e2;WD)(OA;;CC;;;WD)", "",
			&SecurityDescriptor{Control: ControlDACLPresent, DACL: &ACL{Revision: 4, ACEs: []ACE{
				{Type: 5, Flags: 2, Mask: 0x10, SID: SIDSelf, ObjectFlags: 3, ObjectType: testType, InheritedObject: testType2},
				{Type: 6, Mask: 0x100, SID: SIDWorld, ObjectFlags: 2, InheritedObject: testType2},
				{Type: 5, Mask: 1, SID: SIDWorld}}}}},
		{"S:(AU;SAFA;FA;;;WD)(AL;SA;GA;;;WD)(OU;FA;CR;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)(ML;;NWNRNX;;;HI)(ML;OICI;NW;;;LW)(ML;;0x8;;;ME)(SP;;;;;S-1-17-1)", "", nil},
		{"D:(A;CRIO;GA;;;CO)", "D:(A;IOCR;GA;;;CO)", nil},
	} {
		sd, err := ParseSDDL(c.in, testDomain)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if c.sd != nil && !sd.Equal(c.sd) {
			t.Errorf("%s is %+v, want %+v", c.in, sd, c.sd)
		}
		want := c.want
		if want == "" {
			want = c.in
		}
		if got := sd.SDDL(); got != want {
			t.Errorf("%s comes back as %s, want %s", c.in, got, want)
		}
		if back, err := ParseSecurityDescriptor(sd.Append(nil)); err != nil || !back.Equal(sd) {
			t.Errorf("%s in bytes comes back as %+v, %v", c.in, back, err)
		}
		for i := range c.in {
			// A prefix is another descriptor or an error; never a panic, and what it is survives.
			if cut, err := ParseSDDL(c.in[:i], testDomain); err == nil {
				if again, err := ParseSDDL(cut.SDDL(), testDomain); err != nil || !again.Equal(cut) {
					t.Errorf("%s is taken and comes back as %+v, %v", c.in[:i], again, err)
				}
			}
		}
	}
}

func TestSDDLAliases(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range sidAliases {
		if seen[a.name] || len(a.name) != 2 {
			t.Errorf("alias %s stands twice", a.name)
		}
		seen[a.name] = true
		sd, err := ParseSDDL("O:"+a.name, testDomain)
		if err != nil {
			t.Errorf("%s: %v", a.name, err)
			continue
		}
		if a.rid == 0 {
			if got := sd.SDDL(); sd.Owner != a.sid || got != "O:"+a.name {
				t.Errorf("%s is %s and shows as %s", a.name, sd.Owner, got)
			}
			continue
		}
		if sd.Owner != testDomain.Child(a.rid) {
			t.Errorf("%s is %s", a.name, sd.Owner)
		}
		if _, err := ParseSDDL("O:"+a.name, SID{}); err == nil || !strings.Contains(err.Error(), a.name+" is an account of a domain") {
			t.Errorf("%s without a domain: %v", a.name, err)
		}
	}
	// The values of MS-DTYP 2.5.1.1, by hand.
	for alias, want := range map[string]string{
		"WD": "S-1-1-0", "BA": "S-1-5-32-544", "SY": "S-1-5-18", "AU": "S-1-5-11", "CO": "S-1-3-0", "CG": "S-1-3-1",
		"OW": "S-1-3-4", "RU": "S-1-5-32-554", "RD": "S-1-5-32-555", "WR": "S-1-5-33", "RC": "S-1-5-12", "ED": "S-1-5-9",
		"LW": "S-1-16-4096", "SI": "S-1-16-16384", "UD": "S-1-5-84-0-0-0-0-0", "AC": "S-1-15-2-1", "AS": "S-1-18-1",
		"LA": "S-1-5-21-1-2-3-500", "DC": "S-1-5-21-1-2-3-515", "DD": "S-1-5-21-1-2-3-516", "EA": "S-1-5-21-1-2-3-519",
	} {
		if sd, err := ParseSDDL("O:"+alias, testDomain); err != nil || sd.Owner.String() != want {
			t.Errorf("%s is %v, want %s", alias, sd, want)
		}
	}
}

func TestSDDLRefused(t *testing.T) {
	for in, want := range map[string]string{
		"X:BA":                    "want O:, G:, D: or S:",
		"O":                       "want O:, G:, D: or S:",
		"O:":                      "want a SID",
		"O:ZZ":                    "want a SID",
		"O:BAO:BA":                "second O:",
		"D:D:":                    "second D:",
		"O:S-1":                   "not a SID",
		"O:S-1-5-99999999999":     "not a SID",
		"D:X":                     "want P, AR, AI",
		"D:(":                     "not an ACE type",
		"D:(A":                    "want ;",
		"D:(Q;;;;;WD)":            `"Q" is not an ACE type`,
		"D:(A;XX;;;;WD)":          "want ACE flags",
		"D:(A;;XX;;;WD)":          "want rights",
		"D:(A;;0x1FFFFFFFF;;;WD)": "not a mask of 32 bits",
		"D:(A;;0x;;;WD)":          "not a mask of 32 bits",
		"D:(A;;GA;;;)":            "want a SID",
		"D:(A;;GA;;WD)":           "not a GUID",
		"D:(A;;GA;;;WD":           "want )",
		"D:(A;;GA;;;WD;)":         "want )",
		"D:(A;;GA;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)": "only an object ACE",
		"D:(OA;;GA;bf967aba;;WD)":                            "not a GUID",
		"S:(ML;;GA;;;HI)":                                    "want the policy of a label",
		`D:(XA;;FX;;;WD;(@User.Title=="PM"))`:                "XA needs a condition or an attribute, which is not supported",
		`S:(RA;;;;;WD;("Secrecy",TU,0,3))`:                   "RA needs a condition or an attribute, which is not supported",
		"D:(A;;GA;;;WD) ":                                    "want O:, G:, D: or S:",
		"D:" + strings.Repeat("(A;;GA;;;WD)", 4000):          "larger than",
	} {
		sd, err := ParseSDDL(in, testDomain)
		if err == nil || !strings.Contains(err.Error(), want) || StatusOf(err) != StatusInvalidSecurityDescr {
			t.Errorf("%.60s: %v, %v; want %s", in, sd, err, want)
		}
	}
	// What the language cannot say is shown, and not taken back as something else.
	for _, e := range everyACE() {
		sd := &SecurityDescriptor{DACL: &ACL{Revision: 4, ACEs: []ACE{e}}}
		text := sd.SDDL()
		if text != "D:"+e.SDDL() {
			t.Errorf("alone it is %s, in the list %s", e.SDDL(), text)
		}
		back, err := ParseSDDL(text, SID{})
		plain := e.hasSID() && len(e.ApplicationData) == 0
		if plain != (err == nil) || err == nil && !back.DACL.ACEs[0].Equal(e) {
			t.Errorf("ACE type %d is shown as %s and comes back as %+v, %v", e.Type, text, back, err)
		}
	}
}

func FuzzParseSDDL(f *testing.F) {
	f.Add("O:BAG:DUD:PAI(A;OICI;FA;;;BA)(OA;;CR;bf967aba-0de6-11d0-a285-00aa003049e2;;PS)S:(ML;;NW;;;HI)")
	f.Add("O:S-1-0x123456789abcD:NO_ACCESS_CONTROL")
	f.Fuzz(func(t *testing.T, s string) {
		sd, err := ParseSDDL(s, testDomain)
		if err != nil {
			return
		}
		text := sd.SDDL()
		back, err := ParseSDDL(text, SID{})
		if err != nil || !back.Equal(sd) {
			t.Fatalf("%q is written as %q and read as %+v, %v", s, text, back, err)
		}
		if got := back.SDDL(); got != text {
			t.Fatalf("%q is written as %q and then as %q", s, text, got)
		}
		if err := sd.Valid(); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if wire, err := ParseSecurityDescriptor(sd.Append(nil)); err != nil || !wire.Equal(sd) {
			t.Fatalf("%q in bytes comes back as %+v, %v", s, wire, err)
		}
	})
}
