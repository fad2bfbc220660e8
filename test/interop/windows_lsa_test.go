//go:build interop

package interop

import (
	"fmt"
	"net"
	"slices"
	"testing"

	"lwio/gen/dssetup"
	"lwio/gen/dtyp"
	"lwio/gen/lsarpc"
	"lwio/gen/wkssvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/client"
	"lwio/test/smbclient"
)

// windows is a client that calls as Windows' own do: over SMB, with the parameters that they send.
func windows(t *testing.T, d *daemon, who, pipe string, iface *rpc.Interface) *client.Binding {
	t.Helper()
	c, err := smbclient.Dial(net.JoinHostPort("127.0.0.1", d.port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Logon(t.Context(), who, password); err != nil {
		t.Fatal(err)
	}
	if err := c.Connect("IPC$"); err != nil {
		t.Fatal(err)
	}
	p, err := c.OpenPipe(pipe)
	if err != nil {
		t.Fatal(err)
	}
	assoc := client.NewConn(p, client.Config{})
	t.Cleanup(func() { assoc.Close() })
	b, err := assoc.Bind(t.Context(), iface, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// attributes are those of every open of a policy.
var attributes = lsarpc.LSAPR_OBJECT_ATTRIBUTES{Length: 24, SecurityQualityOfService: &lsarpc.SECURITY_QUALITY_OF_SERVICE{Length: 12,
	ImpersonationLevel: lsarpc.SecurityImpersonation, ContextTrackingMode: 1}}

// TestSecurityTab is what the Security tab asks, as a plain user: Windows 11 begins with LsarOpenPolicy3 (130), those before it with LsarOpenPolicy2 (44); then
// names for the SIDs of the list (57) and SIDs for the names that are typed (58, 68).
func TestSecurityTab(t *testing.T) {
	d := start(t)
	c := lsarpc.NewClient(windows(t, d, user, "lsarpc", lsarpc.LsarpcInterface))
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
			x := three.TranslatedSids.Sids[i]
			if got, err := x.Sid.SID(); err != nil || got != want || (x.DomainIndex == -1) != want.IsZero() {
				t.Errorf("name %d: %+v %v, want %s", i, x, err, want)
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
	d := start(t)
	c := lsarpc.NewClient(windows(t, d, user, "lsarpc", lsarpc.LsarpcInterface))
	opened, err := c.LsarOpenPolicy2(t.Context(), &lsarpc.LsarOpenPolicy2Request{ObjectAttributes: attributes, DesiredAccess: uint32(nt.PolicyViewLocalInformation)})
	if err != nil || opened.Return != 0 {
		t.Fatalf("%+v %v", opened, err)
	}
	for class, check := range map[lsarpc.POLICY_INFORMATION_CLASS]func(*lsarpc.LSAPR_POLICY_INFORMATION) bool{
		lsarpc.PolicyAccountDomainInformation: func(x *lsarpc.LSAPR_POLICY_INFORMATION) bool {
			return x.PolicyAccountDomainInfo.DomainName.Length > 0 && x.PolicyAccountDomainInfo.DomainSid.SubAuthorityCount == 4
		},
		lsarpc.PolicyDnsDomainInformation: func(x *lsarpc.LSAPR_POLICY_INFORMATION) bool {
			return x.PolicyDnsDomainInfo.Name.String() == "WORKGROUP" && x.PolicyDnsDomainInfo.Sid == nil && x.PolicyDnsDomainInfo.DomainGuid.IsZero()
		},
	} {
		info, err := c.LsarQueryInformationPolicy2(t.Context(), &lsarpc.LsarQueryInformationPolicy2Request{PolicyHandle: opened.PolicyHandle, InformationClass: class})
		if err != nil || info.Return != 0 || !check(info.PolicyInformation) {
			t.Errorf("class %d: %+v %v", class, info, err)
		}
	}
	for _, pipe := range []string{"lsarpc", "lsass"} {
		role, err := dssetup.NewClient(windows(t, d, user, pipe, dssetup.DssetupInterface)).DsRolerGetPrimaryDomainInformation(t.Context(),
			&dssetup.DsRolerGetPrimaryDomainInformationRequest{InfoLevel: dssetup.DsRolePrimaryDomainInfoBasic})
		if err != nil || role.Return != 0 || role.DomainInfo.DomainInfoBasic.MachineRole != dssetup.DsRoleRoleStandaloneServer || *role.DomainInfo.DomainInfoBasic.DomainNameFlat != "WORKGROUP" ||
			role.DomainInfo.DomainInfoBasic.DomainNameDns != nil {
			t.Errorf("%s: %+v %v", pipe, role, err)
		}
	}
}

// TestExplorerWkssvc is what Explorer and Shared Folders ask the workstation before anything else (wkssvc 0/100), as a plain user.
func TestExplorerWkssvc(t *testing.T) {
	d := start(t)
	name := `\\127.0.0.1`
	out, err := wkssvc.NewClient(windows(t, d, user, "wkssvc", wkssvc.WkssvcInterface)).NetrWkstaGetInfo(t.Context(), &wkssvc.NetrWkstaGetInfoRequest{ServerName: &name, Level: 100})
	if err != nil || out.Return != 0 {
		t.Fatalf("%+v %v", out, err)
	}
	x := out.WkstaInfo.WkstaInfo100
	if x.Wki100PlatformId != 500 || *x.Wki100Computername == "" || *x.Wki100Langroup != "WORKGROUP" || x.Wki100VerMajor != 10 || x.Wki100VerMinor != 0 {
		t.Errorf("%+v", x)
	}
}
