package nt

import (
	"slices"
	"testing"
)

// What Windows gives a new object, in SDDL. The creator is S-1-5-21-1-2-3-1001, its primary group …-1101.
func TestCreateSecurityDescriptor(t *testing.T) {
	tok := &Token{User: testUser, PrimaryGroup: testGroup, Groups: []Group{{SIDWorld, SEGroupDefault}}}
	const (
		u    = "S-1-5-21-1-2-3-1001"
		g    = "S-1-5-21-1-2-3-1101"
		who  = "O:" + u + "G:" + g
		auto = DACLAutoInherit | SACLAutoInherit
		none = "-" // no descriptor given
	)
	for _, c := range []struct {
		what            string
		parent, creator string
		dir             bool
		flags           AutoInheritFlags
		want            string
	}{
		{"nothing anywhere: the token's default", none, none, false, auto, who + "D:(A;;FA;;;" + u + ")(A;;FA;;;SY)"},
		{"a parent that passes nothing on", "D:(A;;FA;;;BA)", none, true, auto, who + "D:(A;;FA;;;" + u + ")(A;;FA;;;SY)"},
		{"a parent that passes on to directories only", "D:(A;CI;FA;;;BA)", none, false, auto, who + "D:(A;;FA;;;" + u + ")(A;;FA;;;SY)"},

		{"OICI to a directory", "D:(A;OICI;FA;;;BA)", none, true, auto, who + "D:AI(A;OICIID;FA;;;BA)"},
		{"OICI to a file", "D:(A;OICI;FA;;;BA)", none, false, auto, who + "D:AI(A;ID;FA;;;BA)"},
		{"CI to a directory", "D:(A;CI;FA;;;BA)", none, true, auto, who + "D:AI(A;CIID;FA;;;BA)"},
		{"OI to a directory goes on to its files", "D:(A;OI;FA;;;BA)", none, true, auto, who + "D:AI(A;OIIOID;FA;;;BA)"},
		{"OI to a file", "D:(A;OI;FA;;;BA)", none, false, auto, who + "D:AI(A;ID;FA;;;BA)"},
		{"inherit-only comes into force", "D:(A;OICIIO;FA;;;BA)", none, true, auto, who + "D:AI(A;OICIID;FA;;;BA)"},
		{"inherit-only to a file", "D:(A;OIIO;FA;;;BA)", none, false, auto, who + "D:AI(A;ID;FA;;;BA)"},
		{"no-propagate ends here", "D:(A;OICINP;FA;;;BA)", none, true, auto, who + "D:AI(A;ID;FA;;;BA)"},
		{"no-propagate to a file", "D:(A;OINP;FA;;;BA)", none, false, auto, who + "D:AI(A;ID;FA;;;BA)"},
		{"no-propagate OI is not for a directory", "D:(A;OINP;FA;;;BA)(A;CI;FR;;;BU)", none, true, auto, who + "D:AI(A;CIID;FR;;;BU)"},
		{"inherited ACEs pass on", "D:(A;OICIID;FA;;;BA)", none, true, auto, who + "D:AI(A;OICIID;FA;;;BA)"},
		{"order is kept", "D:(D;OICI;FW;;;AN)(A;OICI;FA;;;BA)(A;;FR;;;WD)(A;CI;FR;;;BU)", none, true, auto,
			who + "D:AI(D;OICIID;FW;;;AN)(A;OICIID;FA;;;BA)(A;CIID;FR;;;BU)"},

		{"CREATOR OWNER to a directory", "D:(A;OICIIO;FA;;;CO)", none, true, auto, who + "D:AI(A;ID;FA;;;" + u + ")(A;OICIIOID;FA;;;CO)"},
		{"CREATOR OWNER to a file", "D:(A;OICIIO;GA;;;CO)", none, false, auto, who + "D:AI(A;ID;FA;;;" + u + ")"},
		{"CREATOR GROUP to a directory", "D:(A;CIIO;FR;;;CG)", none, true, auto, who + "D:AI(A;ID;FR;;;" + g + ")(A;CIIOID;FR;;;CG)"},
		{"CREATOR OWNER for files below", "D:(A;OIIO;FA;;;CO)", none, true, auto, who + "D:AI(A;OIIOID;FA;;;CO)"},
		{"CREATOR OWNER, no-propagate", "D:(A;CINPIO;FA;;;CO)", none, true, auto, who + "D:AI(A;ID;FA;;;" + u + ")"},
		{"generic rights become specific here", "D:(A;OICI;GA;;;BA)", none, true, auto, who + "D:AI(A;ID;FA;;;BA)(A;OICIIOID;GA;;;BA)"},
		{"generic rights in a file", "D:(A;OICI;GRGX;;;BU)", none, false, auto, who + "D:AI(A;ID;0x1200a9;;;BU)"},
		{"without auto-inheritance nothing says so", "D:(A;OICI;FA;;;BA)", none, true, 0, who + "D:(A;OICIID;FA;;;BA)"},

		{"the creator's list, merged", "D:(A;OICI;FA;;;BA)", "D:(A;;FR;;;WD)", true, auto, who + "D:AI(A;;FR;;;WD)(A;OICIID;FA;;;BA)"},
		{"the creator's list, not merged", "D:(A;OICI;FA;;;BA)", "D:(A;;FR;;;WD)", true, 0, who + "D:(A;;FR;;;WD)"},
		{"protected", "D:(A;OICI;FA;;;BA)", "D:P(A;;FR;;;WD)", true, auto, who + "D:P(A;;FR;;;WD)"},
		{"inherited ACEs of the creator are computed anew", "D:(A;OICI;FA;;;BA)", "D:(A;;FR;;;WD)(A;ID;FA;;;BG)", true, auto,
			who + "D:AI(A;;FR;;;WD)(A;OICIID;FA;;;BA)"},
		{"in a protected list they stay, as explicit ones", "D:(A;OICI;FA;;;BA)", "D:P(A;ID;FR;;;WD)", true, auto, who + "D:P(A;;FR;;;WD)"},
		{"the creator's CREATOR OWNER", none, "D:(A;OICI;GA;;;CO)", true, auto, who + "D:AI(A;;FA;;;" + u + ")(A;OICIIO;GA;;;CO)"},
		{"the creator's list on a file", none, "D:(A;OICI;FA;;;BA)(A;OIIO;FR;;;WD)", false, auto, who + "D:AI(A;;FA;;;BA)"},
		{"an empty list stays empty", none, "D:P", false, auto, who + "D:P"},
		{"an empty list is merged into", "D:(A;OICI;FA;;;BA)", "D:", false, auto, who + "D:AI(A;ID;FA;;;BA)"},
		{"a NULL list stays NULL", "D:(A;OICI;FA;;;BA)", "D:NO_ACCESS_CONTROL", false, auto, who + "D:NO_ACCESS_CONTROL"},
		{"a default gives way to what is inherited", "D:(A;OICI;FA;;;BA)", "D:(A;;FR;;;WD)", false, auto | DefaultDescriptorForObject, who + "D:AI(A;ID;FA;;;BA)"},
		{"a default holds where nothing is", "D:(A;;FA;;;BA)", "D:(A;;GR;;;WD)", false, auto | DefaultDescriptorForObject, who + "D:(A;;FR;;;WD)"},

		{"a protected default gives way too, and protects nothing", "D:(A;OICI;FA;;;BA)", "D:P(A;;FR;;;WD)", false, auto | DefaultDescriptorForObject, who + "D:AI(A;ID;FA;;;BA)"},
		{"a protected default that holds", "D:(A;;FA;;;BA)", "D:P(A;;GR;;;WD)", false, auto | DefaultDescriptorForObject, who + "D:P(A;;FR;;;WD)"},

		{"owner and group from the parent", "O:BAG:SYD:(A;OICI;FA;;;BA)", none, false, auto | DefaultOwnerFromParent | DefaultGroupFromParent, "O:BAG:SYD:AI(A;ID;FA;;;BA)"},
		{"CREATOR OWNER is then the parent's", "O:BAG:SYD:(A;OICI;FA;;;CO)", none, false, auto | DefaultOwnerFromParent, "O:BAG:" + g + "D:AI(A;ID;FA;;;BA)"},
		{"the creator names itself and a group", none, "O:" + u + "G:BUD:P", false, auto, "O:" + u + "G:BUD:P"},
		{"anybody as owner, unchecked", none, "O:BAD:P", false, auto | AvoidOwnerCheck, "O:BAG:" + g + "D:P"},

		{"audit passes on", "D:(A;OICI;FA;;;BA)S:(AU;OICISAFA;FA;;;WD)", none, true, auto, who + "D:AI(A;OICIID;FA;;;BA)S:AI(AU;OICIIDSAFA;FA;;;WD)"},
		{"a label passes on", "D:(A;OICI;FA;;;BA)S:(ML;OICI;NW;;;HI)", none, false, auto, who + "D:AI(A;ID;FA;;;BA)S:AI(ML;ID;NW;;;HI)"},
		{"a label of the creator needs no privilege", none, "D:PS:(ML;;NW;;;ME)", false, auto, who + "D:PS:AI(ML;;NW;;;ME)"},
		{"an unchecked SACL", none, "D:PS:P(AU;SA;GA;;;WD)", false, auto | AvoidPrivilegeCheck, who + "D:PS:P(AU;SA;FA;;;WD)"},

		{"an object ACE for no class of ours goes on only", "D:(OA;CI;CR;;bf967aba-0de6-11d0-a285-00aa003049e2;WD)(A;CI;FA;;;BA)", none, true, auto,
			who + "D:AI(OA;CIIOID;CR;;bf967aba-0de6-11d0-a285-00aa003049e2;WD)(A;CIID;FA;;;BA)"},
		{"and to no file", "D:(OA;OI;CR;;bf967aba-0de6-11d0-a285-00aa003049e2;WD)(A;OI;FA;;;BA)", none, false, auto, who + "D:AI(A;ID;FA;;;BA)"},
	} {
		parse := func(s string) *SecurityDescriptor {
			if s == none {
				return nil
			}
			sd, err := ParseSDDL(s, SID{})
			if err != nil {
				t.Fatalf("%s: %v", c.what, err)
			}
			return sd
		}
		parent, creator := parse(c.parent), parse(c.creator)
		before := parent.Clone()
		sd, err := CreateSecurityDescriptor(parent, creator, c.dir, nil, c.flags, tok, GenericMappingFile)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if got := sd.SDDL(); got != c.want {
			t.Errorf("%s:\n %s under %s becomes\n %s, want\n %s", c.what, c.creator, c.parent, got, c.want)
		}
		if !parent.Equal(before) {
			t.Errorf("%s: the parent was changed", c.what)
		}
	}
}

func TestCreateSecurityDescriptorObjectType(t *testing.T) {
	parent, err := ParseSDDL("D:(OA;CI;CR;;bf967aba-0de6-11d0-a285-00aa003049e2;WD)", SID{})
	if err != nil {
		t.Fatal(err)
	}
	sd, err := CreateSecurityDescriptor(parent, nil, true, []GUID{testType2, testType}, DACLAutoInherit, SystemToken(), GenericMappingFile)
	if err != nil || !slices.EqualFunc(sd.DACL.ACEs, []ACE{{Type: AccessAllowedObjectACEType, Flags: ContainerInheritACE | InheritedACE,
		Mask: ADSRightDSControlAccess, SID: SIDWorld, ObjectFlags: 2, InheritedObject: testType}}, ACE.Equal) {
		t.Errorf("%v, %v", sd.SDDL(), err)
	}
}

func TestCreateSecurityDescriptorRefused(t *testing.T) {
	user := &Token{User: testUser}
	big := &ACL{Revision: 2, ACEs: slices.Repeat([]ACE{{Flags: ObjectInheritACE | ContainerInheritACE, Mask: GenericAll, SID: SIDCreatorOwner}}, 2500)}
	for _, c := range []struct {
		what            string
		parent, creator *SecurityDescriptor
		tok             *Token
		want            Status
	}{
		{"another's owner", nil, &SecurityDescriptor{Owner: SIDBuiltinAdministrators}, user, StatusInvalidOwner},
		{"a SACL", nil, &SecurityDescriptor{SACL: &ACL{ACEs: []ACE{{Type: SystemAuditACEType, SID: SIDWorld}}}}, user, StatusPrivilegeNotHeld},
		{"a list that grows too large", &SecurityDescriptor{DACL: big}, nil, user, StatusInvalidAcl},
		{"a restorer may name any owner", nil, &SecurityDescriptor{Owner: SIDBuiltinUsers}, &Token{User: testUser, Privileges: SeRestorePrivilege}, StatusSuccess},
		{"a group with the owner attribute", nil, &SecurityDescriptor{Owner: SIDBuiltinAdministrators}, SystemToken(), StatusSuccess},
		{"who may audit", nil, &SecurityDescriptor{SACL: &ACL{ACEs: []ACE{{Type: SystemAuditACEType, SID: SIDWorld}}}},
			&Token{User: testUser, Privileges: SeSecurityPrivilege}, StatusSuccess},
	} {
		sd, err := CreateSecurityDescriptor(c.parent, c.creator, true, nil, DACLAutoInherit, c.tok, GenericMappingFile)
		if StatusOf(err) != c.want || (sd == nil) != (err != nil) {
			t.Errorf("%s: %v, want %s", c.what, err, c.want)
		}
	}
	// The child is its own: nothing it has is the parent's memory.
	conditional := &SecurityDescriptor{DACL: &ACL{Revision: 2, ACEs: []ACE{
		{Type: AccessAllowedCallbackACEType, Flags: ObjectInheritACE, Mask: 1, SID: SIDWorld, ApplicationData: []byte("artx")}}}}
	child, err := CreateSecurityDescriptor(conditional, nil, false, nil, 0, user, GenericMappingFile)
	if err != nil || string(child.DACL.ACEs[0].ApplicationData) != "artx" {
		t.Fatalf("a condition: %+v, %v", child, err)
	}
	if child.DACL.ACEs[0].ApplicationData[0] = 'x'; conditional.DACL.ACEs[0].ApplicationData[0] != 'a' {
		t.Error("the child shares memory with the parent")
	}
	// The primary group is optional; an ACE for CREATOR GROUP then holds for nobody.
	parent := &SecurityDescriptor{DACL: &ACL{Revision: 2, ACEs: []ACE{
		{Flags: ObjectInheritACE, Mask: FileAllAccess, SID: SIDCreatorGroup}, {Flags: ObjectInheritACE, Mask: FileAllAccess, SID: SIDWorld}}}}
	sd, err := CreateSecurityDescriptor(parent, nil, false, nil, 0, user, GenericMappingFile)
	if err != nil || sd.SDDL() != "O:S-1-5-21-1-2-3-1001D:(A;ID;FA;;;WD)" {
		t.Errorf("without a primary group: %v, %v", sd.SDDL(), err)
	}
}
