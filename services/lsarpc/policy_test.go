package lsarpc_test

import (
	"reflect"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/lsarpc"
)

func setInfo(t *testing.T, c *gen.Client, h rpc.ContextHandle, class gen.POLICY_INFORMATION_CLASS, info gen.LSAPR_POLICY_INFORMATION) nt.Status {
	t.Helper()
	one, err := c.LsarSetInformationPolicy(t.Context(), &gen.LsarSetInformationPolicyRequest{PolicyHandle: h, InformationClass: class, PolicyInformation: info})
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.LsarSetInformationPolicy2(t.Context(), &gen.LsarSetInformationPolicy2Request{PolicyHandle: h, InformationClass: class, PolicyInformation: info})
	if err != nil {
		t.Fatal(err)
	}
	if one.Return != two.Return {
		t.Errorf("class %d: %v and %v", class, status(one.Return), status(two.Return))
	}
	return status(two.Return)
}

// infos are arms that every class can be set with.
func infos(host, workgroup string) map[gen.POLICY_INFORMATION_CLASS]gen.LSAPR_POLICY_INFORMATION {
	name := dtyp.NewRPC_UNICODE_STRING
	own := &gen.LSAPR_POLICY_ACCOUNT_DOM_INFO{DomainName: name(host), DomainSid: dtyp.NewRPC_SID(machine)}
	dns := &gen.LSAPR_POLICY_DNS_DOMAIN_INFO{Name: name(workgroup)}
	return map[gen.POLICY_INFORMATION_CLASS]gen.LSAPR_POLICY_INFORMATION{
		1:  {PolicyAuditLogInfo: &gen.POLICY_AUDIT_LOG_INFO{}},
		2:  {PolicyAuditEventsInfo: &gen.LSAPR_POLICY_AUDIT_EVENTS_INFO{AuditingMode: 1, EventAuditingOptions: []uint32{1, 2, 3, 4, 0}, MaximumAuditEventCount: 5}},
		3:  {PolicyPrimaryDomainInfo: &gen.LSAPR_POLICY_PRIMARY_DOM_INFO{Name: name(workgroup)}},
		4:  {PolicyPdAccountInfo: &gen.LSAPR_POLICY_PD_ACCOUNT_INFO{}},
		5:  {PolicyAccountDomainInfo: own},
		6:  {PolicyServerRoleInfo: &gen.POLICY_LSA_SERVER_ROLE_INFO{LsaServerRole: gen.PolicyServerRoleBackup}},
		7:  {PolicyReplicaSourceInfo: &gen.LSAPR_POLICY_REPLICA_SRCE_INFO{ReplicaSource: name("größe"), ReplicaAccountName: name("acct")}},
		9:  {PolicyModificationInfo: &gen.POLICY_MODIFICATION_INFO{}},
		10: {PolicyAuditFullSetInfo: &gen.POLICY_AUDIT_FULL_SET_INFO{}},
		11: {PolicyAuditFullQueryInfo: &gen.POLICY_AUDIT_FULL_QUERY_INFO{}},
		12: {PolicyDnsDomainInfo: dns},
		13: {PolicyDnsDomainInfoInt: dns},
		14: {PolicyLocalAccountDomainInfo: own},
		15: {PolicyMachineAccountInfo: &gen.LSAPR_POLICY_MACHINE_ACCT_INFO{}},
	}
}

// TestSetPolicy sets every class to what it is or may be, as three callers, and to what it may not be.
func TestSetPolicy(t *testing.T) {
	const none, invalid, no = nt.StatusSuccess, nt.StatusInvalidParameter, nt.StatusNotImplemented
	want := map[gen.POLICY_INFORMATION_CLASS]nt.Status{1: no, 2: none, 3: none, 4: invalid, 5: none, 6: none, 7: none, 9: invalid, 10: invalid, 11: invalid, 12: none, 13: none, 14: none, 15: invalid}
	other := map[gen.POLICY_INFORMATION_CLASS]nt.Status{3: no, 5: no, 12: no, 13: no, 14: no}
	policy := newPolicy(t)
	s := serve(t, lsarpc.Config{Authority: newAuthority(), Policy: policy})
	c := gen.NewClient(dial(t, s, admin, rpc.TransportNamedPipe))
	h := open(t, c, nt.MaximumAllowed)
	low := gen.NewClient(dial(t, s, user, rpc.TransportNamedPipe))
	l := open(t, low, nt.MaximumAllowed)
	for class, info := range infos("GRÖSSE", "WORKGROUP") {
		if got := setInfo(t, c, h, class, info); got != want[class] {
			t.Errorf("class %d: %v, want %v", class, got, want[class])
		}
		denied := nt.StatusAccessDenied
		if want[class] == invalid {
			denied = invalid
		}
		if got := setInfo(t, low, l, class, info); got != denied {
			t.Errorf("class %d by a user: %v, want %v", class, got, denied)
		}
	}
	for class, info := range infos("OTHER", "OTHER") {
		if w, ok := other[class]; ok {
			if got := setInfo(t, c, h, class, info); got != w {
				t.Errorf("class %d to something else: %v", class, got)
			}
		}
	}
	for class, info := range map[gen.POLICY_INFORMATION_CLASS]gen.LSAPR_POLICY_INFORMATION{
		2: {PolicyAuditEventsInfo: &gen.LSAPR_POLICY_AUDIT_EVENTS_INFO{EventAuditingOptions: make([]uint32, 10), MaximumAuditEventCount: 10}},
		6: {PolicyServerRoleInfo: &gen.POLICY_LSA_SERVER_ROLE_INFO{LsaServerRole: 4}},
	} {
		if got := setInfo(t, c, h, class, info); got != invalid {
			t.Errorf("class %d to nonsense: %v", class, got)
		}
	}
	if info, st := query(t, c, h, 2); st != 0 || info.PolicyAuditEventsInfo.AuditingMode != 1 || !reflect.DeepEqual(info.PolicyAuditEventsInfo.EventAuditingOptions, []uint32{1, 2, 3, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("%+v %v", info, st)
	}
	if info, st := query(t, c, h, 6); st != 0 || info.PolicyServerRoleInfo.LsaServerRole != gen.PolicyServerRoleBackup {
		t.Errorf("%+v %v", info, st)
	}
	if info, st := query(t, c, h, 7); st != 0 || info.PolicyReplicaSourceInfo.ReplicaSource.String() != "größe" || info.PolicyReplicaSourceInfo.ReplicaAccountName.String() != "acct" {
		t.Errorf("%+v %v", info, st)
	}
}

func TestDomainPolicy(t *testing.T) {
	c, h, _ := administer(t)
	query := func(class gen.POLICY_DOMAIN_INFORMATION_CLASS) (*gen.LSAPR_POLICY_DOMAIN_INFORMATION, nt.Status) {
		t.Helper()
		out, err := c.LsarQueryDomainInformationPolicy(t.Context(), &gen.LsarQueryDomainInformationPolicyRequest{PolicyHandle: h, InformationClass: class})
		if err != nil {
			t.Fatal(err)
		}
		return out.PolicyDomainInformation, status(out.Return)
	}
	put := func(class gen.POLICY_DOMAIN_INFORMATION_CLASS, info *gen.LSAPR_POLICY_DOMAIN_INFORMATION) nt.Status {
		t.Helper()
		out, err := c.LsarSetDomainInformationPolicy(t.Context(), &gen.LsarSetDomainInformationPolicyRequest{PolicyHandle: h, InformationClass: class, PolicyDomainInformation: info})
		if err != nil {
			t.Fatal(err)
		}
		return status(out.Return)
	}
	for class, want := range map[gen.POLICY_DOMAIN_INFORMATION_CLASS]nt.Status{0: nt.StatusInvalidParameter, 1: 0, 2: nt.StatusObjectNameNotFound, 3: 0, 4: nt.StatusInvalidParameter} {
		if info, got := query(class); got != want || (info != nil) != (want == 0) {
			t.Errorf("class %d: %+v %v", class, info, got)
		}
	}
	if info, _ := query(3); info.PolicyDomainKerbTicketInfo.MaxTicketAge.QuadPart != 360_000_000_000 || info.PolicyDomainKerbTicketInfo.MaxClockSkew.QuadPart != 3_000_000_000 {
		t.Errorf("%+v", info.PolicyDomainKerbTicketInfo)
	}
	blob := []byte{1, 2, 3}
	for _, tt := range []struct {
		class gen.POLICY_DOMAIN_INFORMATION_CLASS
		info  *gen.LSAPR_POLICY_DOMAIN_INFORMATION
		want  nt.Status
	}{
		{2, &gen.LSAPR_POLICY_DOMAIN_INFORMATION{PolicyDomainEfsInfo: &gen.LSAPR_POLICY_DOMAIN_EFS_INFO{InfoLength: 3, EfsBlob: blob}}, 0},
		{1, &gen.LSAPR_POLICY_DOMAIN_INFORMATION{PolicyDomainQualityOfServiceInfo: &gen.POLICY_DOMAIN_QUALITY_OF_SERVICE_INFO{QualityOfService: 5}}, 0},
		{3, &gen.LSAPR_POLICY_DOMAIN_INFORMATION{PolicyDomainKerbTicketInfo: &gen.POLICY_DOMAIN_KERBEROS_TICKET_INFO{MaxTicketAge: dtyp.LARGE_INTEGER{QuadPart: 7}}}, 0},
		{1, nil, nt.StatusInvalidParameter}, {3, nil, nt.StatusInvalidParameter},
	} {
		if got := put(tt.class, tt.info); got != tt.want {
			t.Errorf("class %d: %v, want %v", tt.class, got, tt.want)
		}
	}
	if info, st := query(2); st != 0 || !reflect.DeepEqual(info.PolicyDomainEfsInfo.EfsBlob, blob) {
		t.Errorf("%+v %v", info, st)
	}
	if info, _ := query(3); info.PolicyDomainKerbTicketInfo.MaxTicketAge.QuadPart != 7 {
		t.Errorf("%+v", info.PolicyDomainKerbTicketInfo)
	}
	if got := put(2, nil); got != 0 {
		t.Errorf("%v", got)
	}
	if _, st := query(2); st != nt.StatusObjectNameNotFound {
		t.Errorf("taken away: %v", st)
	}
}

// TestSecurityObjects: the descriptors of the three kinds of object can be read and replaced, and decide from then on.
func TestSecurityObjects(t *testing.T) {
	privileged := *admin
	privileged.Privileges = nt.SeSecurityPrivilege
	policy := newPolicy(t)
	s := serve(t, lsarpc.Config{Authority: newAuthority(), Policy: policy})
	c := gen.NewClient(dial(t, s, &privileged, rpc.TransportNamedPipe))
	h := open(t, c, nt.MaximumAllowed|nt.AccessSystemSecurity)
	account, err := c.LsarCreateAccount(t.Context(), &gen.LsarCreateAccountRequest{PolicyHandle: h, AccountSid: sidArg(machine.Child(7)), DesiredAccess: uint32(nt.MaximumAllowed | nt.AccessSystemSecurity)})
	if err != nil || account.Return != 0 {
		t.Fatalf("%+v %v", account, err)
	}
	secret, err := c.LsarCreateSecret(t.Context(), &gen.LsarCreateSecretRequest{PolicyHandle: h, SecretName: secretName("x"), DesiredAccess: uint32(nt.MaximumAllowed | nt.AccessSystemSecurity)})
	if err != nil || secret.Return != 0 {
		t.Fatalf("%+v %v", secret, err)
	}
	get := func(h rpc.ContextHandle, info nt.SecurityInformation) (string, nt.Status) {
		t.Helper()
		out, err := c.LsarQuerySecurityObject(t.Context(), &gen.LsarQuerySecurityObjectRequest{ObjectHandle: h, SecurityInformation: uint32(info)})
		if err != nil {
			t.Fatal(err)
		}
		if out.SecurityDescriptor == nil {
			return "", status(out.Return)
		}
		sd, err := nt.ParseSecurityDescriptor(out.SecurityDescriptor.SecurityDescriptor)
		if err != nil {
			t.Fatal(err)
		}
		return sd.SDDL(), status(out.Return)
	}
	put := func(h rpc.ContextHandle, info nt.SecurityInformation, b []byte) nt.Status {
		t.Helper()
		out, err := c.LsarSetSecurityObject(t.Context(), &gen.LsarSetSecurityObjectRequest{ObjectHandle: h, SecurityInformation: uint32(info), SecurityDescriptor: gen.LSAPR_SR_SECURITY_DESCRIPTOR{Length: uint32(len(b)), SecurityDescriptor: b}})
		if err != nil {
			t.Fatal(err)
		}
		return status(out.Return)
	}
	sddl := func(text string) []byte {
		t.Helper()
		sd, err := nt.ParseSDDL(text, nt.SID{})
		if err != nil {
			t.Fatal(err)
		}
		return sd.Append(nil)
	}
	for name, h := range map[string]rpc.ContextHandle{"policy": h, "account": account.AccountHandle, "secret": secret.SecretHandle} {
		if got, st := get(h, 0); st != 0 || got != "" {
			t.Errorf("%s, nothing: %q %v", name, got, st)
		}
		if got, st := get(h, nt.OwnerSecurityInformation|nt.GroupSecurityInformation); st != 0 || got != "O:BAG:SY" {
			t.Errorf("%s: %q %v", name, got, st)
		}
		for _, tt := range []struct {
			what string
			info nt.SecurityInformation
			b    []byte
			want nt.Status
		}{
			{"nothing", 0, sddl("D:"), nt.StatusInvalidParameter},
			{"no descriptor", nt.DACLSecurityInformation, []byte{1, 2, 3}, nt.StatusInvalidSecurityDescr},
			{"somebody else's", nt.OwnerSecurityInformation, sddl("O:SY"), nt.StatusInvalidOwner},
			{"its own", nt.OwnerSecurityInformation, sddl("O:" + machine.Child(500).String()), 0},
			{"DACL", nt.DACLSecurityInformation, sddl("D:(A;;GA;;;BU)"), 0},
			{"SACL", nt.SACLSecurityInformation, sddl("S:(AU;SA;GA;;;WD)"), 0},
		} {
			if got := put(h, tt.info, tt.b); got != tt.want {
				t.Errorf("%s, %s: %v, want %v", name, tt.what, got, tt.want)
			}
		}
		if got, st := get(h, 0xF); st != 0 || got != "O:"+machine.Child(500).String()+"G:SYD:(A;;GA;;;BU)S:(AU;SA;GA;;;WD)" {
			t.Errorf("%s: %q %v", name, got, st)
		}
	}
	// An administrator who is not the owner has lost all three; who is in Users has them.
	other := &nt.Token{User: machine.Child(600), Groups: admin.Groups}
	lost := gen.NewClient(dial(t, s, other, rpc.TransportNamedPipe))
	if out, err := lost.LsarOpenPolicy2(t.Context(), &gen.LsarOpenPolicy2Request{DesiredAccess: uint32(nt.PolicyViewLocalInformation)}); err != nil || status(out.Return) != nt.StatusAccessDenied {
		t.Errorf("%+v %v", out, err)
	}
	member := &nt.Token{User: machine.Child(601), Groups: []nt.Group{{SID: nt.SIDBuiltinUsers, Attributes: nt.SEGroupDefault}}}
	found := gen.NewClient(dial(t, s, member, rpc.TransportNamedPipe))
	h2 := open(t, found, nt.PolicyCreateAccount)
	if out, err := found.LsarOpenAccount(t.Context(), &gen.LsarOpenAccountRequest{PolicyHandle: h2, AccountSid: sidArg(machine.Child(7)), DesiredAccess: uint32(nt.AccountAllAccess)}); err != nil || out.Return != 0 {
		t.Errorf("%+v %v", out, err)
	}
	if out, err := found.LsarOpenSecret(t.Context(), &gen.LsarOpenSecretRequest{PolicyHandle: h2, SecretName: secretName("x"), DesiredAccess: uint32(nt.SecretAllAccess)}); err != nil || out.Return != 0 {
		t.Errorf("%+v %v", out, err)
	}
	// What a handle was granted is not more because the descriptor is.
	narrow, err := c.LsarOpenPolicy2(t.Context(), &gen.LsarOpenPolicy2Request{DesiredAccess: uint32(nt.ReadControl)})
	if err != nil || narrow.Return != 0 {
		t.Fatalf("%+v %v", narrow, err)
	}
	if _, st := get(narrow.PolicyHandle, nt.SACLSecurityInformation); st != nt.StatusAccessDenied {
		t.Errorf("SACL by READ_CONTROL: %v", st)
	}
	if st := put(narrow.PolicyHandle, nt.DACLSecurityInformation, sddl("D:(A;;GA;;;BU)")); st != nt.StatusAccessDenied {
		t.Errorf("DACL by READ_CONTROL: %v", st)
	}
	if p := policy.Policy(); p.Security.Owner != machine.Child(500) {
		t.Errorf("%s", p.Security.SDDL())
	}
}
