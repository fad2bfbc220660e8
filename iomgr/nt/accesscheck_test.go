package nt

import "testing"

// The rules of MS-DTYP 2.5.3.2, one row each. U is the user S-1-5-21-1-2-3-1001, G a group it is in, X one for denying only.
func TestAccessCheck(t *testing.T) {
	user := &Token{User: testUser, Groups: []Group{
		{SIDWorld, SEGroupDefault}, {SIDAuthenticatedUsers, SEGroupDefault}, {testGroup, SEGroupDefault},
		{SIDBuiltinBackupOperators, SEGroupUseForDenyOnly}, {SIDBuiltinGuests, 0}}}
	with := func(p Privileges) *Token {
		tok := *user
		tok.Privileges = p
		return &tok
	}
	const (
		u = "S-1-5-21-1-2-3-1001"
		g = "S-1-5-21-1-2-3-1101"
	)
	for _, c := range []struct {
		rule    string
		sddl    string
		tok     *Token
		desired AccessMask
		granted AccessMask
		status  Status
	}{
		{"no DACL grants what is asked", "O:BA", user, FileReadData | WriteDAC, FileReadData | WriteDAC, StatusSuccess},
		{"no DACL grants everything as maximum", "O:BA", user, MaximumAllowed, FileAllAccess, StatusSuccess},
		{"a NULL DACL grants everything", "O:BAD:NO_ACCESS_CONTROL", user, GenericAll, FileAllAccess, StatusSuccess},
		{"a NULL DACL does not grant the SACL", "O:BAD:NO_ACCESS_CONTROL", user, AccessSystemSecurity, 0, StatusPrivilegeNotHeld},
		{"an empty DACL grants nothing", "O:BAD:", user, FileReadData, 0, StatusAccessDenied},
		{"an empty DACL, maximum", "O:BAD:", user, MaximumAllowed, 0, StatusAccessDenied},
		{"an empty DACL grants the owner what is implied", "O:" + u + "D:", user, ReadControl | WriteDAC, ReadControl | WriteDAC, StatusSuccess},
		{"and no more", "O:" + u + "D:", user, ReadControl | WriteOwner, 0, StatusAccessDenied},
		{"maximum of the owner", "O:" + u + "D:", user, MaximumAllowed, ReadControl | WriteDAC, StatusSuccess},
		{"a group may own", "O:" + g + "D:", user, WriteDAC, WriteDAC, StatusSuccess},
		{"a deny-only group does not own", "O:BOD:", user, ReadControl, 0, StatusAccessDenied},

		{"allowed to the user", "O:BAD:(A;;FR;;;" + u + ")", user, FileReadData, FileReadData, StatusSuccess},
		{"generic rights are mapped", "O:BAD:(A;;GR;;;" + u + ")", user, GenericRead, FileGenericRead, StatusSuccess},
		{"generic rights in the ACE only", "O:BAD:(A;;GR;;;" + u + ")", user, FileReadEA | Synchronize, FileReadEA | Synchronize, StatusSuccess},
		{"all or nothing", "O:BAD:(A;;FR;;;" + u + ")", user, FileReadData | FileWriteData, 0, StatusAccessDenied},
		{"several ACEs add up", "O:BAD:(A;;FR;;;" + u + ")(A;;FW;;;" + g + ")", user, FileReadData | FileWriteData, FileReadData | FileWriteData, StatusSuccess},
		{"of others, nothing", "O:BAD:(A;;FA;;;BA)(A;;FA;;;S-1-5-21-1-2-3-1002)", user, FileReadData, 0, StatusAccessDenied},
		{"a disabled group allows nothing", "O:BAD:(A;;FA;;;BG)", user, FileReadData, 0, StatusAccessDenied},
		{"a deny-only group allows nothing", "O:BAD:(A;;FA;;;BO)", user, FileReadData, 0, StatusAccessDenied},
		{"and denies", "O:BAD:(D;;FR;;;BO)(A;;FA;;;WD)", user, FileReadData, 0, StatusAccessDenied},
		{"a disabled group denies nothing", "O:BAD:(D;;FR;;;BG)(A;;FA;;;WD)", user, FileReadData, FileReadData, StatusSuccess},

		{"deny first", "O:BAD:(D;;0x2;;;" + g + ")(A;;FA;;;" + u + ")", user, FileWriteData, 0, StatusAccessDenied},
		{"deny of what is not asked", "O:BAD:(D;;0x2;;;" + g + ")(A;;FA;;;" + u + ")", user, FileReadData, FileReadData, StatusSuccess},
		{"order counts: allowed before denied", "O:BAD:(A;;FA;;;" + u + ")(D;;0x2;;;" + g + ")", user, FileWriteData, FileWriteData, StatusSuccess},
		{"maximum with a deny first", "O:BAD:(D;;0x2;;;" + g + ")(A;;FA;;;" + u + ")", user, MaximumAllowed, FileAllAccess &^ FileWriteData, StatusSuccess},
		{"maximum with a deny last", "O:BAD:(A;;FA;;;" + u + ")(D;;0x2;;;" + g + ")", user, MaximumAllowed, FileAllAccess, StatusSuccess},
		{"maximum and more: granted", "O:BAD:(A;;FR;;;" + u + ")", user, MaximumAllowed | FileReadData, FileGenericRead, StatusSuccess},
		{"maximum and more: refused", "O:BAD:(A;;FR;;;" + u + ")", user, MaximumAllowed | FileWriteData, 0, StatusAccessDenied},
		{"a deny does not take the owner's own", "O:" + u + "D:(D;;GA;;;" + u + ")", user, ReadControl | WriteDAC, ReadControl | WriteDAC, StatusSuccess},
		{"inherit-only is not for this object", "O:BAD:(A;OICIIO;FA;;;" + u + ")", user, FileReadData, 0, StatusAccessDenied},
		{"nor is an inherit-only deny", "O:BAD:(D;OIIO;FA;;;" + u + ")(A;;FA;;;" + u + ")", user, FileReadData, FileReadData, StatusSuccess},

		{"OWNER RIGHTS takes the implied rights", "O:" + u + "D:(A;;FR;;;OW)", user, WriteDAC, 0, StatusAccessDenied},
		{"and gives its own", "O:" + u + "D:(A;;FR;;;OW)", user, FileReadData, FileReadData, StatusSuccess},
		{"only to the owner", "O:BAD:(A;;FR;;;OW)", user, FileReadData, 0, StatusAccessDenied},
		{"OWNER RIGHTS denies the owner", "O:" + u + "D:(D;;WD;;;OW)(A;;FA;;;WD)", user, WriteDAC, 0, StatusAccessDenied},
		{"inherit-only OWNER RIGHTS is no matter", "O:" + u + "D:(A;OIIO;FR;;;OW)", user, WriteDAC, WriteDAC, StatusSuccess},
		{"maximum with OWNER RIGHTS", "O:" + u + "D:(A;;FR;;;OW)", user, MaximumAllowed, FileGenericRead, StatusSuccess},

		{"SACL without the privilege", "O:BAD:(A;;FA;;;WD)", user, AccessSystemSecurity | FileReadData, 0, StatusPrivilegeNotHeld},
		{"SACL with it", "O:BAD:", with(SeSecurityPrivilege), AccessSystemSecurity, AccessSystemSecurity, StatusSuccess},
		{"an ACE cannot give the SACL", "O:BAD:(A;;0x1000000;;;WD)", user, MaximumAllowed, 0, StatusAccessDenied},
		{"maximum does not ask for the SACL", "O:BAD:(A;;FR;;;WD)", with(SeSecurityPrivilege), MaximumAllowed, FileGenericRead, StatusSuccess},
		{"maximum and the SACL", "O:BAD:(A;;FR;;;WD)", with(SeSecurityPrivilege), MaximumAllowed | AccessSystemSecurity, FileGenericRead | AccessSystemSecurity, StatusSuccess},
		{"take ownership", "O:BAD:", with(SeTakeOwnershipPrivilege), WriteOwner, WriteOwner, StatusSuccess},
		{"take ownership only", "O:BAD:", with(SeTakeOwnershipPrivilege), WriteOwner | WriteDAC, 0, StatusAccessDenied},
		{"take ownership despite a deny", "O:BAD:(D;;GA;;;WD)", with(SeTakeOwnershipPrivilege), WriteOwner, WriteOwner, StatusSuccess},
		{"maximum with take ownership", "O:BAD:", with(SeTakeOwnershipPrivilege), MaximumAllowed, WriteOwner, StatusSuccess},
		{"no other privilege counts", "O:BAD:", with(AllPrivileges &^ (SeSecurityPrivilege | SeTakeOwnershipPrivilege)), FileReadData, 0, StatusAccessDenied},

		{"an object ACE without type is an ACE", "O:BAD:(OA;;FR;;;WD)", user, FileReadData, FileReadData, StatusSuccess},
		{"with a type it allows nothing here", "O:BAD:(OA;;FR;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)", user, FileReadData, 0, StatusAccessDenied},
		{"but denies", "O:BAD:(OD;;FR;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)(A;;FA;;;WD)", user, FileReadData, 0, StatusAccessDenied},
		{"an audit ACE in a DACL is no matter", "O:BAD:(AU;SA;FA;;;WD)(A;;FR;;;WD)", user, MaximumAllowed, FileGenericRead, StatusSuccess},
		{"a label is not enforced", "O:BAD:(A;;FA;;;WD)S:(ML;;NWNR;;;SI)", user, FileWriteData, FileWriteData, StatusSuccess},

		{"nothing asked", "O:BAD:", user, 0, 0, StatusSuccess},
		{"a bit that is no right", "O:BAD:(A;;0xffffffff;;;WD)", user, 0x00200000, 0, StatusAccessDenied},
		{"SYSTEM is an administrator", "O:BAD:(A;;FA;;;BA)", SystemToken(), GenericAll, FileAllAccess, StatusSuccess},
		{"the null session is not everyone", "O:BAD:(A;;FA;;;WD)(A;;FA;;;AU)", AnonymousToken(), FileReadData, 0, StatusAccessDenied},
		{"it is itself", "O:BAD:(A;;FR;;;AN)", AnonymousToken(), FileReadData, FileReadData, StatusSuccess},
	} {
		sd, err := ParseSDDL(c.sddl, SID{})
		if err != nil {
			t.Fatal(err)
		}
		granted, status := AccessCheck(sd, c.tok, c.desired, GenericMappingFile)
		if granted != c.granted || status != c.status {
			t.Errorf("%s: %s, 0x%08X: 0x%08X %s, want 0x%08X %s", c.rule, c.sddl, uint32(c.desired), uint32(granted), status, uint32(c.granted), c.status)
		}
	}
}

func TestAccessCheckConditional(t *testing.T) {
	user := &Token{User: testUser}
	allow := ACE{Type: AccessAllowedCallbackACEType, Mask: FileAllAccess, SID: testUser, ApplicationData: []byte("artx")}
	deny := allow
	deny.Type = AccessDeniedCallbackACEType
	plain := ACE{Mask: FileAllAccess, SID: testUser}
	for _, c := range []struct {
		aces   []ACE
		status Status
	}{
		{[]ACE{allow}, StatusAccessDenied},
		{[]ACE{allow, plain}, StatusSuccess},
		{[]ACE{deny, plain}, StatusAccessDenied},
	} {
		if _, status := AccessCheck(&SecurityDescriptor{DACL: &ACL{ACEs: c.aces}}, user, FileReadData, GenericMappingFile); status != c.status {
			t.Errorf("%+v: %s, want %s", c.aces, status, c.status)
		}
	}
	if _, status := AccessCheck(nil, user, FileReadData, GenericMappingFile); status != StatusAccessDenied {
		t.Errorf("no descriptor: %s", status)
	}
	if _, status := AccessCheck(&SecurityDescriptor{}, nil, FileReadData, GenericMappingFile); status != StatusAccessDenied {
		t.Errorf("no token: %s", status)
	}
	// A token without a user is not the owner of what has none, nor in a group without a SID.
	nobody := &Token{Groups: []Group{{SID{}, SEGroupDefault}}}
	if _, status := AccessCheck(&SecurityDescriptor{DACL: &ACL{ACEs: []ACE{{Mask: FileAllAccess}}}}, nobody, ReadControl, GenericMappingFile); status != StatusAccessDenied {
		t.Errorf("nobody: %s", status)
	}
}

func TestAccessCheckDoesNotAllocate(t *testing.T) {
	sd, err := ParseSDDL("O:BAG:SYD:(D;;FW;;;AN)(A;;FA;;;BA)(A;OICI;0x1200a9;;;BU)(A;;FA;;;S-1-5-21-1-2-3-1001)", SID{})
	if err != nil {
		t.Fatal(err)
	}
	tok := &Token{User: testUser, Groups: []Group{{SIDWorld, SEGroupDefault}, {SIDBuiltinUsers, SEGroupDefault}}}
	if n := testing.AllocsPerRun(100, func() {
		AccessCheck(sd, tok, MaximumAllowed, GenericMappingFile)
		AccessCheck(sd, tok, GenericWrite, GenericMappingFile)
		AccessCheck(sd, tok, AccessSystemSecurity, GenericMappingFile)
	}); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}

func TestBackupAccess(t *testing.T) {
	for _, c := range []struct {
		p    Privileges
		want AccessMask
	}{
		{0, 0},
		{SeSecurityPrivilege, 0},
		{SeBackupPrivilege, 0x011200A9},
		{SeRestorePrivilege, 0x011F0116},
		{SeBackupPrivilege | SeRestorePrivilege, 0x011F01BF},
	} {
		if got := BackupAccess(&Token{Privileges: c.p}); got != c.want {
			t.Errorf("0x%x: 0x%08X, want 0x%08X", c.p, uint32(got), uint32(c.want))
		}
	}
}

func TestToken(t *testing.T) {
	tok := &Token{User: testUser, Account: "ann", Domain: "CORP", Groups: []Group{
		{testGroup, SEGroupDefault}, {SIDBuiltinAdministrators, SEGroupDefault | SEGroupOwner},
		{SIDBuiltinGuests, SEGroupUseForDenyOnly}, {SIDBuiltinGuests, SEGroupDefault}}}
	if !tok.IsAdmin() || tok.IsSystem() || !tok.HasSID(testUser) || tok.HasSID(SIDWorld) || tok.HasSID(SID{}) || tok.HasSIDForDeny(SID{}) {
		t.Error("who the token is")
	}
	if !tok.HasSID(SIDBuiltinGuests) || !tok.HasSIDForDeny(SIDBuiltinGuests) {
		t.Error("a group that stands twice counts by either")
	}
	if !tok.CanOwn(testUser) || !tok.CanOwn(SIDBuiltinAdministrators) || tok.CanOwn(testGroup) || tok.CanOwn(SID{}) {
		t.Error("what the token can own")
	}
	if tok.OwnerSID() != testUser || (&Token{User: testUser, Owner: SIDBuiltinAdministrators}).OwnerSID() != SIDBuiltinAdministrators {
		t.Error("the owner of new objects")
	}
	for want, tok := range map[string]*Token{`CORP\ann`: tok, "ann": {Account: "ann"}, "S-1-5-18": {User: SIDLocalSystem},
		`NT AUTHORITY\SYSTEM`: SystemToken(), `NT AUTHORITY\ANONYMOUS LOGON`: AnonymousToken()} {
		if got := tok.QualifiedName(); got != want {
			t.Errorf("QualifiedName %s, want %s", got, want)
		}
	}
	if deny := (&Token{User: testUser, Groups: []Group{{SIDBuiltinAdministrators, SEGroupUseForDenyOnly}}}); deny.IsAdmin() {
		t.Error("a deny-only administrator is one")
	}
	if s := SystemToken(); !s.IsAdmin() || !s.IsSystem() || !s.HasPrivilege(SeTcbPrivilege|SeSecurityPrivilege) || s.Anonymous {
		t.Error("SYSTEM")
	}
	if a := AnonymousToken(); a.IsAdmin() || !a.Anonymous || a.HasSID(SIDWorld) || a.HasSID(SIDAuthenticatedUsers) || a.Privileges != 0 {
		t.Error("the null session")
	}
}
