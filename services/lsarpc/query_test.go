package lsarpc_test

import (
	"errors"
	"reflect"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/lsarpc"
)

// query asks by both operations and expects the same of them.
func query(t *testing.T, c *gen.Client, h rpc.ContextHandle, class gen.POLICY_INFORMATION_CLASS) (*gen.LSAPR_POLICY_INFORMATION, nt.Status) {
	t.Helper()
	one, err := c.LsarQueryInformationPolicy(t.Context(), &gen.LsarQueryInformationPolicyRequest{PolicyHandle: h, InformationClass: class})
	if err != nil {
		t.Fatalf("class %d: %v", class, err)
	}
	two, err := c.LsarQueryInformationPolicy2(t.Context(), &gen.LsarQueryInformationPolicy2Request{PolicyHandle: h, InformationClass: class})
	if err != nil {
		t.Fatalf("class %d: %v", class, err)
	}
	if !reflect.DeepEqual(one.PolicyInformation, two.PolicyInformation) || one.Return != two.Return {
		t.Errorf("class %d: %+v and %+v", class, one, two)
	}
	return one.PolicyInformation, status(one.Return)
}

// str is a string as the service sends those that have room for a terminator.
func str(s string) dtyp.RPC_UNICODE_STRING {
	x := dtyp.NewRPC_UNICODE_STRING(s)
	x.MaximumLength += 2
	return x
}

func TestQueryInformation(t *testing.T) {
	domainSID := nt.MustSID("S-1-5-21-4-5-6")
	guid := nt.MustGUID("00112233-4455-6677-8899-aabbccddeeff")
	alone := newAuthority()
	member := newAuthority()
	member.host.Domain, member.host.DNSDomain, member.host.DNSForest = "EXAMPLE", "corp.example.org", "example.org"
	member.known = append(member.known, auth.Identity{SID: domainSID, Type: auth.SIDTypeDomain, Name: "EXAMPLE", Domain: "EXAMPLE", DomainSID: domainSID})
	lost := newAuthority()
	lost.host.Domain, lost.host.DNSDomain = "ELSEWHERE", "elsewhere.example.org"

	account := &gen.LSAPR_POLICY_ACCOUNT_DOM_INFO{DomainName: str("GRÖSSE"), DomainSid: dtyp.NewRPC_SID(machine)}
	workgroup := &gen.LSAPR_POLICY_DNS_DOMAIN_INFO{Name: str("共有")}
	domain := &gen.LSAPR_POLICY_DNS_DOMAIN_INFO{Name: str("EXAMPLE"), DnsDomainName: str("corp.example.org"), DnsForestName: str("example.org"), DomainGuid: guid, Sid: dtyp.NewRPC_SID(domainSID)}
	for _, tt := range []struct {
		name  string
		a     *authority
		class gen.POLICY_INFORMATION_CLASS
		want  *gen.LSAPR_POLICY_INFORMATION
	}{
		{"alone", alone, 3, &gen.LSAPR_POLICY_INFORMATION{PolicyPrimaryDomainInfo: &gen.LSAPR_POLICY_PRIMARY_DOM_INFO{Name: str("共有")}}},
		{"alone", alone, 5, &gen.LSAPR_POLICY_INFORMATION{PolicyAccountDomainInfo: account}},
		{"alone", alone, 12, &gen.LSAPR_POLICY_INFORMATION{PolicyDnsDomainInfo: workgroup}},
		{"alone", alone, 13, &gen.LSAPR_POLICY_INFORMATION{PolicyDnsDomainInfoInt: workgroup}},
		{"alone", alone, 14, &gen.LSAPR_POLICY_INFORMATION{PolicyLocalAccountDomainInfo: account}},
		{"alone", alone, 6, &gen.LSAPR_POLICY_INFORMATION{PolicyServerRoleInfo: &gen.POLICY_LSA_SERVER_ROLE_INFO{LsaServerRole: gen.PolicyServerRolePrimary}}},
		{"alone", alone, 7, &gen.LSAPR_POLICY_INFORMATION{PolicyReplicaSourceInfo: &gen.LSAPR_POLICY_REPLICA_SRCE_INFO{}}},
		{"alone", alone, 4, &gen.LSAPR_POLICY_INFORMATION{PolicyPdAccountInfo: &gen.LSAPR_POLICY_PD_ACCOUNT_INFO{}}},
		{"alone", alone, 1, &gen.LSAPR_POLICY_INFORMATION{PolicyAuditLogInfo: &gen.POLICY_AUDIT_LOG_INFO{}}},
		{"alone", alone, 2, &gen.LSAPR_POLICY_INFORMATION{PolicyAuditEventsInfo: &gen.LSAPR_POLICY_AUDIT_EVENTS_INFO{EventAuditingOptions: make([]uint32, 9), MaximumAuditEventCount: 9}}},
		{"member", member, 3, &gen.LSAPR_POLICY_INFORMATION{PolicyPrimaryDomainInfo: &gen.LSAPR_POLICY_PRIMARY_DOM_INFO{Name: str("EXAMPLE"), Sid: dtyp.NewRPC_SID(domainSID)}}},
		{"member", member, 5, &gen.LSAPR_POLICY_INFORMATION{PolicyAccountDomainInfo: account}},
		{"member", member, 12, &gen.LSAPR_POLICY_INFORMATION{PolicyDnsDomainInfo: domain}},
		{"member", member, 13, &gen.LSAPR_POLICY_INFORMATION{PolicyDnsDomainInfoInt: domain}},
		{"member whose domain is away", lost, 3, &gen.LSAPR_POLICY_INFORMATION{PolicyPrimaryDomainInfo: &gen.LSAPR_POLICY_PRIMARY_DOM_INFO{Name: str("ELSEWHERE")}}},
	} {
		s := serve(t, lsarpc.Config{Authority: tt.a, Workgroup: "共有", DomainGUID: guid})
		c := gen.NewClient(dial(t, s, admin, rpc.TransportNamedPipe))
		got, st := query(t, c, open(t, c, nt.PolicyAllAccess), tt.class)
		if st != nt.StatusSuccess || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s, class %d: %v, %+v, want %+v", tt.name, tt.class, st, got, tt.want)
		}
	}
}

// What a handle was granted decides, whoever asks.
func TestQueryAccess(t *testing.T) {
	const local, audit, private, invalid = nt.PolicyViewLocalInformation, nt.PolicyViewAuditInformation, nt.PolicyGetPrivateInformation, nt.AccessMask(0)
	need := map[gen.POLICY_INFORMATION_CLASS]nt.AccessMask{0: invalid, 1: audit, 2: audit, 3: local, 4: private, 5: local, 6: local, 7: local, 8: invalid,
		9: invalid, 10: invalid, 11: invalid, 12: local, 13: local, 14: local, 15: invalid, 16: invalid, 0xFFFF: invalid}
	for _, tt := range []struct {
		who    string
		token  *nt.Token
		access nt.AccessMask
	}{
		{"administrator", admin, nt.MaximumAllowed},
		{"administrator", admin, nt.PolicyViewAuditInformation},
		{"administrator", admin, nt.PolicyLookupNames},
		{"user", user, nt.MaximumAllowed},
		{"user", user, nt.PolicyViewLocalInformation},
		{"user", user, 0},
	} {
		granted := tt.access
		if granted == nt.MaximumAllowed {
			granted = map[string]nt.AccessMask{"administrator": nt.PolicyAllAccess, "user": 0x20801}[tt.who]
		}
		c := connect(t, newAuthority(), tt.token)
		h := open(t, c, tt.access)
		for class, n := range need {
			want := nt.StatusSuccess
			switch {
			case n == invalid:
				want = nt.StatusInvalidParameter
			case granted&n == 0:
				want = nt.StatusAccessDenied
			}
			info, got := query(t, c, h, class)
			if got != want || (info != nil) != (want == nt.StatusSuccess) {
				t.Errorf("%s with %#x, class %d: %v, want %v", tt.who, granted, class, got, want)
			}
		}
	}
}

func TestQueryAuthorityAway(t *testing.T) {
	a := newAuthority()
	a.host.Domain = "EXAMPLE"
	c := connect(t, a, admin)
	h := open(t, c, nt.MaximumAllowed)
	a.err = nt.StatusNoLogonServers
	for class, want := range map[gen.POLICY_INFORMATION_CLASS]nt.Status{3: nt.StatusNoLogonServers, 12: nt.StatusNoLogonServers, 5: nt.StatusSuccess} {
		if _, got := query(t, c, h, class); got != want {
			t.Errorf("class %d: %v, want %v", class, got, want)
		}
	}
}

func TestGetUserName(t *testing.T) {
	a := newAuthority()
	domain := func() **dtyp.RPC_UNICODE_STRING { return new(*dtyp.RPC_UNICODE_STRING) }
	filled := dtyp.NewRPC_UNICODE_STRING("somebody else")
	full := &filled
	for _, tt := range []struct {
		name         string
		token        *nt.Token
		user, domain string
		want         nt.Status
	}{
		{"administrator", admin, "Administrator", "GRÖSSE", 0},
		{"user", user, "Jürgen", "GRÖSSE", 0},
		{"null session", anonymous, "ANONYMOUS LOGON", "NT AUTHORITY", 0},
		{"a token without names", &nt.Token{User: machine.Child(1001)}, "共有$", "GRÖSSE", 0},
		{"a token that nobody knows", &nt.Token{User: machine.Child(9999)}, "", "", nt.StatusNoneMapped},
	} {
		c := connect(t, a, tt.token)
		for _, in := range []*gen.LsarGetUserNameRequest{{}, {DomainName: domain()}, {UserName: full, DomainName: &full}} {
			out, err := c.LsarGetUserName(t.Context(), in)
			if err != nil || status(out.Return) != tt.want || (out.DomainName == nil) != (in.DomainName == nil) {
				t.Errorf("%s: %+v, %v, want %v", tt.name, out, err, tt.want)
				continue
			}
			if tt.want != 0 {
				if out.UserName != nil || out.DomainName != nil && *out.DomainName != nil {
					t.Errorf("%s: names in spite of %v", tt.name, tt.want)
				}
				continue
			}
			if out.UserName.String() != tt.user || in.DomainName != nil && (*out.DomainName).String() != tt.domain {
				t.Errorf("%s: %s in %+v", tt.name, out.UserName, out.DomainName)
			}
		}
	}
	c := gen.NewClient(dial(t, serve(t, lsarpc.Config{Authority: a}), admin, rpc.TransportTCP))
	if _, err := c.LsarGetUserName(t.Context(), &gen.LsarGetUserNameRequest{}); !errors.Is(err, rpc.FaultAccessDenied) {
		t.Errorf("over TCP: %v", err)
	}
}
