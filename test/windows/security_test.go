package windows

import (
	"fmt"
	"slices"
	"testing"

	"lwio/gen/dssetup"
	"lwio/gen/dtyp"
	"lwio/gen/lsarpc"
	"lwio/gen/samr"
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// TestSecurityTab is what the Security tab asks, as a plain user: Windows 11 begins with LsarOpenPolicy3 (130), those before it with LsarOpenPolicy2 (44); then
// names for the SIDs of the list (57) and SIDs for the names that are typed (58, 68).
func TestSecurityTab(t *testing.T) {
	x := start(t).as(user)
	c := lsarpc.NewClient(x.bind("lsarpc", lsarpc.LsarpcInterface, rpc.AuthLevelNone))
	name := `\\127.0.0.1`
	opened, err := c.LsarOpenPolicy3(t.Context(), &lsarpc.LsarOpenPolicy3Request{SystemName: &name, ObjectAttributes: attributes, DesiredAccess: uint32(nt.PolicyLookupNames), InVersion: 1,
		InRevisionInfo: lsarpc.LSAPR_REVISION_INFO{V1: &lsarpc.LSAPR_REVISION_INFO_V1{Revision: 1, SupportedFeatures: 1}}})
	if err != nil || opened.Return != 0 || opened.OutVersion != 1 || opened.OutRevisionInfo.V1 == nil || opened.OutRevisionInfo.V1.Revision != 1 {
		t.Fatalf("%+v %v", opened, err)
	}
	older, err := c.LsarOpenPolicy2(t.Context(), &lsarpc.LsarOpenPolicy2Request{SystemName: &name, ObjectAttributes: attributes, DesiredAccess: uint32(nt.PolicyViewLocalInformation | nt.PolicyLookupNames)})
	if err != nil || older.Return != 0 {
		t.Fatalf("%+v %v", older, err)
	}
	info, err := c.LsarQueryInformationPolicy2(t.Context(), &lsarpc.LsarQueryInformationPolicy2Request{PolicyHandle: older.PolicyHandle, InformationClass: lsarpc.PolicyAccountDomainInformation})
	if err != nil || info.Return != 0 {
		t.Fatalf("%+v %v", info, err)
	}
	host := info.PolicyInformation.PolicyAccountDomainInfo.DomainName.String()
	machine, err := info.PolicyInformation.PolicyAccountDomainInfo.DomainSid.SID()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []rpc.ContextHandle{opened.PolicyHandle, older.PolicyHandle} {
		in := &lsarpc.LsarLookupSids2Request{PolicyHandle: h, LookupLevel: lsarpc.LsapLookupWksta, ClientRevision: 2}
		for _, sid := range []nt.SID{machine.Child(1000), nt.SIDBuiltinAdministrators, nt.SIDWorld, nt.SIDLocalSystem, machine.Child(9999), nt.MustSID("S-1-5-21-1-2-3-1000"), nt.SIDBuiltinUsers} {
			in.SidEnumBuffer.SidInfo = append(in.SidEnumBuffer.SidInfo, lsarpc.LSAPR_SID_INFORMATION{Sid: dtyp.NewRPC_SID(sid)})
		}
		out, err := c.LsarLookupSids2(t.Context(), in)
		if err != nil || nt.Status(uint32(out.Return)) != nt.StatusSomeNotMapped || out.MappedCount != 5 {
			t.Fatalf("%+v %v", out, err)
		}
		var rows []string
		for _, n := range out.TranslatedNames.Names {
			domain := "-"
			if n.DomainIndex >= 0 {
				domain = out.ReferencedDomains.Domains[n.DomainIndex].Name.String()
			}
			rows = append(rows, fmt.Sprintf("%d %s %s %d", n.Use, domain, n.Name, n.Flags))
		}
		want := []string{"1 " + host + " " + admin + " 0", "4 BUILTIN Administrators 0", "5  Everyone 0", "5 NT AUTHORITY SYSTEM 0", "8 " + host + " 0000270f 0", "8 - S-1-5-21-1-2-3-1000 0", "4 BUILTIN Users 0"}
		if !slices.Equal(rows, want) {
			t.Errorf("%q\nwant %q", rows, want)
		}
		if n := len(out.ReferencedDomains.Domains); n != 4 { // the machine, BUILTIN, NT AUTHORITY and the one without a name, each once
			t.Errorf("%d domains: %+v", n, out.ReferencedDomains.Domains)
		}
		names := []dtyp.RPC_UNICODE_STRING{dtyp.NewRPC_UNICODE_STRING(host + `\` + user), dtyp.NewRPC_UNICODE_STRING("Users"), dtyp.NewRPC_UNICODE_STRING("nobody")}
		three, err := c.LsarLookupNames3(t.Context(), &lsarpc.LsarLookupNames3Request{PolicyHandle: h, Count: 3, Names: names, LookupLevel: lsarpc.LsapLookupWksta, ClientRevision: 2})
		if err != nil || nt.Status(uint32(three.Return)) != nt.StatusSomeNotMapped || three.MappedCount != 2 || len(three.TranslatedSids.Sids) != 3 {
			t.Fatalf("%+v %v", three, err)
		}
		for i, want := range []nt.SID{machine.Child(1001), nt.SIDBuiltinUsers, {}} {
			s := three.TranslatedSids.Sids[i]
			if got, err := s.Sid.SID(); err != nil || got != want || (s.DomainIndex == -1) != want.IsZero() {
				t.Errorf("name %d: %+v %v, want %s", i, s, err, want)
			}
		}
		two, err := c.LsarLookupNames2(t.Context(), &lsarpc.LsarLookupNames2Request{PolicyHandle: h, Count: 1, Names: names[:1], LookupLevel: lsarpc.LsapLookupWksta, ClientRevision: 2})
		if err != nil || two.Return != 0 || two.TranslatedSids.Sids[0].RelativeId != 1001 || two.TranslatedSids.Sids[0].Use != lsarpc.SidTypeUser {
			t.Errorf("%+v %v", two, err)
		}
		if closed, err := c.LsarClose(t.Context(), &lsarpc.LsarCloseRequest{ObjectHandle: h}); err != nil || closed.Return != 0 || !closed.ObjectHandle.IsZero() {
			t.Errorf("%+v %v", closed, err)
		}
	}
}

// TestObjectPicker is what the object picker asks of the authority: the names of the machine and of its domain (46/5, 46/12), and its role (dssetup 0/1 on
// the same pipe).
func TestObjectPicker(t *testing.T) {
	x := start(t).as(user)
	c := lsarpc.NewClient(x.bind("lsarpc", lsarpc.LsarpcInterface, rpc.AuthLevelNone))
	opened, err := c.LsarOpenPolicy2(t.Context(), &lsarpc.LsarOpenPolicy2Request{ObjectAttributes: attributes, DesiredAccess: uint32(nt.PolicyViewLocalInformation)})
	if err != nil || opened.Return != 0 {
		t.Fatalf("%+v %v", opened, err)
	}
	for class, check := range map[lsarpc.POLICY_INFORMATION_CLASS]func(*lsarpc.LSAPR_POLICY_INFORMATION) bool{
		lsarpc.PolicyAccountDomainInformation: func(i *lsarpc.LSAPR_POLICY_INFORMATION) bool {
			return i.PolicyAccountDomainInfo.DomainName.Length > 0 && i.PolicyAccountDomainInfo.DomainSid.SubAuthorityCount == 4
		},
		lsarpc.PolicyDnsDomainInformation: func(i *lsarpc.LSAPR_POLICY_INFORMATION) bool {
			return i.PolicyDnsDomainInfo.Name.String() == "WORKGROUP" && i.PolicyDnsDomainInfo.Sid == nil && i.PolicyDnsDomainInfo.DomainGuid.IsZero()
		},
	} {
		info, err := c.LsarQueryInformationPolicy2(t.Context(), &lsarpc.LsarQueryInformationPolicy2Request{PolicyHandle: opened.PolicyHandle, InformationClass: class})
		if err != nil || info.Return != 0 || !check(info.PolicyInformation) {
			t.Errorf("class %d: %+v %v", class, info, err)
		}
	}
	for _, pipe := range []string{"lsarpc", "lsass"} {
		role, err := dssetup.NewClient(x.bind(pipe, dssetup.DssetupInterface, rpc.AuthLevelNone)).DsRolerGetPrimaryDomainInformation(t.Context(),
			&dssetup.DsRolerGetPrimaryDomainInformationRequest{InfoLevel: dssetup.DsRolePrimaryDomainInfoBasic})
		if err != nil || role.Return != 0 || role.DomainInfo.DomainInfoBasic.MachineRole != dssetup.DsRoleRoleStandaloneServer || *role.DomainInfo.DomainInfoBasic.DomainNameFlat != "WORKGROUP" ||
			role.DomainInfo.DomainInfoBasic.DomainNameDns != nil {
			t.Errorf("%s: %+v %v", pipe, role, err)
		}
	}
}

// TestSecurityTabFile is the tab of a file: its descriptor is read, an entry for a local user added, and what was written is what is read then.
func TestSecurityTabFile(t *testing.T) {
	x := start(t).as(admin)
	h, err := x.m.CreateFile(x.ctx(), &api.CreateArgs{Name: x.path(`data\file.txt`), DesiredAccess: nt.ReadControl | nt.WriteDAC | nt.FileReadAttributes, Disposition: nt.FileOpenIf, ShareAccess: 7, Contexts: []any{x.cred}})
	if err != nil {
		t.Fatal(err)
	}
	defer x.m.Close(h)
	const info = nt.OwnerSecurityInformation | nt.GroupSecurityInformation | nt.DACLSecurityInformation
	read := func() *nt.SecurityDescriptor {
		t.Helper()
		b := make([]byte, 4096)
		n, err := x.m.QuerySecurityObject(x.ctx(), h, info, b)
		if err != nil {
			t.Fatal(err)
		}
		d, err := nt.ParseSecurityDescriptor(b[:n])
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before := read()
	if before.Owner.IsZero() || before.Group.IsZero() || before.DACL == nil {
		t.Fatalf("%+v", before)
	}
	added := x.machine.Child(userRID)
	d, err := nt.ParseSDDL("D:P(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1200a9;;;"+added.String()+")", x.machine)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.m.SetSecurityObject(x.ctx(), h, nt.DACLSecurityInformation, d.Append(nil)); err != nil {
		t.Fatal(err)
	}
	after := read()
	if after.Owner != before.Owner || after.Group != before.Group || len(after.DACL.ACEs) != 3 || after.DACL.ACEs[2].SID != added || after.DACL.ACEs[2].Mask != 0x1200a9 {
		t.Errorf("%+v", after)
	}
}

// TestObjectPickerFind is the picker's search for a local user and a local group, by name and by list: samr 64, 6, 5, 7, then 13, 15 and 48.
func TestObjectPickerFind(t *testing.T) {
	x := start(t).as(admin)
	sam := samr.NewClient(x.bind("samr", samr.SamrInterface, rpc.AuthLevelNone))
	h := x.sam(sam)
	x.play([]step{
		{"samr 13", func() (any, error) {
			return sam.SamrEnumerateUsersInDomain(x.ctx(), &samr.SamrEnumerateUsersInDomainRequest{DomainHandle: h.account, UserAccountControl: samr.USER_NORMAL_ACCOUNT, PreferedMaximumLength: whole})
		}, &samr.SamrEnumerateUsersInDomainResponse{CountReturned: 4, Buffer: &samr.SAMPR_ENUMERATION_BUFFER{EntriesRead: 4, Buffer: []samr.SAMPR_RID_ENUMERATION{
			{RelativeId: 500, Name: unicode("Administrator")}, {RelativeId: 501, Name: unicode("Guest")}, {RelativeId: adminRID, Name: unicode(admin)}, {RelativeId: userRID, Name: unicode(user)}}}}},
		{"samr 15, of the machine", func() (any, error) {
			return sam.SamrEnumerateAliasesInDomain(x.ctx(), &samr.SamrEnumerateAliasesInDomainRequest{DomainHandle: h.account, PreferedMaximumLength: whole})
		}, &samr.SamrEnumerateAliasesInDomainResponse{Buffer: &samr.SAMPR_ENUMERATION_BUFFER{}}},
		{"samr 48/3", func() (any, error) {
			out, err := sam.SamrQueryDisplayInformation2(x.ctx(), &samr.SamrQueryDisplayInformation2Request{DomainHandle: h.account, DisplayInformationClass: samr.DomainDisplayGroup, EntryCount: 100, PreferredMaximumLength: whole})
			if out.TotalReturned == 0 || out.TotalReturned != out.TotalAvailable { // octets, of a size that the server decides (MS-SAMR 3.1.5.3.1)
				t.Errorf("%d of %d octets", out.TotalReturned, out.TotalAvailable)
			}
			out.TotalReturned, out.TotalAvailable = 0, 0
			return out, err
		}, &samr.SamrQueryDisplayInformation2Response{Buffer: samr.SAMPR_DISPLAY_INFO_BUFFER{GroupInformation: &samr.SAMPR_DOMAIN_DISPLAY_GROUP_BUFFER{
			EntriesRead: 1, Buffer: []samr.SAMPR_DOMAIN_DISPLAY_GROUP{{Index: 1, Rid: 513, Attributes: 7, AccountName: unicode("None"), AdminComment: unicode("All users of this computer")}}}}}},
	})
}
