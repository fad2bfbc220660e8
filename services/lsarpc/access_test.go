package lsarpc_test

import (
	"errors"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/lsarpc"
	"lwio/services/state"
)

// operation is a call with a policy handle, on things that exist.
type operation struct {
	name        string
	call        func(*testing.T, *gen.Client, rpc.ContextHandle) (int32, error)
	admin, user nt.Status // what they get by a handle with all that they may have
}

var (
	knownSID    = machine.Child(1000)
	knownSecret = "known"
)

func operations() []operation {
	const ok, denied = nt.StatusSuccess, nt.StatusAccessDenied
	name := dtyp.NewRPC_UNICODE_STRING
	backup := name("SeBackupPrivilege")
	return []operation{
		{"2 privileges", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarEnumeratePrivileges(t.Context(), &gen.LsarEnumeratePrivilegesRequest{PolicyHandle: h})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, ok},
		{"3 descriptor", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarQuerySecurityObject(t.Context(), &gen.LsarQuerySecurityObjectRequest{ObjectHandle: h, SecurityInformation: 7})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, ok},
		{"3 SACL", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarQuerySecurityObject(t.Context(), &gen.LsarQuerySecurityObjectRequest{ObjectHandle: h, SecurityInformation: 8})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, denied, denied},
		{"10 create account", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarCreateAccount(t.Context(), &gen.LsarCreateAccountRequest{PolicyHandle: h, AccountSid: sidArg(machine.Child(1)), DesiredAccess: uint32(nt.MaximumAllowed)})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"11 accounts", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarEnumerateAccounts(t.Context(), &gen.LsarEnumerateAccountsRequest{PolicyHandle: h})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, ok},
		{"12 create trust", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarCreateTrustedDomain(t.Context(), &gen.LsarCreateTrustedDomainRequest{PolicyHandle: h})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusDirectoryServiceRequired, denied},
		{"13 trusts", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarEnumerateTrustedDomains(t.Context(), &gen.LsarEnumerateTrustedDomainsRequest{PolicyHandle: h})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusNoMoreEntries, nt.StatusNoMoreEntries},
		{"16 create secret", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarCreateSecret(t.Context(), &gen.LsarCreateSecretRequest{PolicyHandle: h, SecretName: name("new")})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"17 open account to view", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarOpenAccount(t.Context(), &gen.LsarOpenAccountRequest{PolicyHandle: h, AccountSid: sidArg(knownSID), DesiredAccess: uint32(nt.AccountView)})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"17 open account for nothing", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarOpenAccount(t.Context(), &gen.LsarOpenAccountRequest{PolicyHandle: h, AccountSid: sidArg(knownSID), DesiredAccess: uint32(nt.MaximumAllowed)})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, ok},
		{"18 with a policy handle", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarEnumeratePrivilegesAccount(t.Context(), &gen.LsarEnumeratePrivilegesAccountRequest{AccountHandle: h})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusInvalidHandle, nt.StatusInvalidHandle},
		{"24 with a policy handle", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarSetSystemAccessAccount(t.Context(), &gen.LsarSetSystemAccessAccountRequest{AccountHandle: h})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusInvalidHandle, nt.StatusInvalidHandle},
		{"25 open trust", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarOpenTrustedDomain(t.Context(), &gen.LsarOpenTrustedDomainRequest{PolicyHandle: h, TrustedDomainSid: sidArg(machine)})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusNoSuchDomain, nt.StatusNoSuchDomain},
		{"26 with a policy handle", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarQueryInfoTrustedDomain(t.Context(), &gen.LsarQueryInfoTrustedDomainRequest{TrustedDomainHandle: h, InformationClass: 1})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusInvalidHandle, nt.StatusInvalidHandle},
		{"28 open secret", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarOpenSecret(t.Context(), &gen.LsarOpenSecretRequest{PolicyHandle: h, SecretName: name(knownSecret), DesiredAccess: uint32(nt.SecretQueryValue)})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"29 with a policy handle", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarSetSecret(t.Context(), &gen.LsarSetSecretRequest{SecretHandle: h})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusInvalidHandle, nt.StatusInvalidHandle},
		{"31 privilege", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarLookupPrivilegeValue(t.Context(), &gen.LsarLookupPrivilegeValueRequest{PolicyHandle: h, Name: backup})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, ok},
		{"34 the policy", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarDeleteObject(t.Context(), &gen.LsarDeleteObjectRequest{ObjectHandle: h})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusInvalidParameter, nt.StatusInvalidParameter},
		{"35 who has a right", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarEnumerateAccountsWithUserRight(t.Context(), &gen.LsarEnumerateAccountsWithUserRightRequest{PolicyHandle: h, UserRight: &backup})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"36 rights", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarEnumerateAccountRights(t.Context(), &gen.LsarEnumerateAccountRightsRequest{PolicyHandle: h, AccountSid: sidArg(knownSID)})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"37 add rights", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarAddAccountRights(t.Context(), &gen.LsarAddAccountRightsRequest{PolicyHandle: h, AccountSid: sidArg(knownSID), UserRights: rightSet("SeDebugPrivilege")})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"37 add rights to nobody yet", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarAddAccountRights(t.Context(), &gen.LsarAddAccountRightsRequest{PolicyHandle: h, AccountSid: sidArg(machine.Child(2)), UserRights: rightSet("SeDebugPrivilege")})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"38 remove rights", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarRemoveAccountRights(t.Context(), &gen.LsarRemoveAccountRightsRequest{PolicyHandle: h, AccountSid: sidArg(knownSID), AllRights: 1})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"39 trust 6", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarQueryTrustedDomainInfo(t.Context(), &gen.LsarQueryTrustedDomainInfoRequest{PolicyHandle: h, TrustedDomainSid: sidArg(machine), InformationClass: 6})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusNoSuchDomain, nt.StatusNoSuchDomain},
		{"39 trust 99", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarQueryTrustedDomainInfo(t.Context(), &gen.LsarQueryTrustedDomainInfoRequest{PolicyHandle: h, TrustedDomainSid: sidArg(machine), InformationClass: 99})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusInvalidParameter, nt.StatusInvalidParameter},
		{"41 delete trust", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarDeleteTrustedDomain(t.Context(), &gen.LsarDeleteTrustedDomainRequest{PolicyHandle: h, TrustedDomainSid: sidArg(machine)})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusNoSuchDomain, denied},
		{"42 store", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarStorePrivateData(t.Context(), &gen.LsarStorePrivateDataRequest{PolicyHandle: h, KeyName: name(knownSecret)})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"43 retrieve", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarRetrievePrivateData(t.Context(), &gen.LsarRetrievePrivateDataRequest{PolicyHandle: h, KeyName: name(knownSecret)})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"48 trust by name", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarQueryTrustedDomainInfoByName(t.Context(), &gen.LsarQueryTrustedDomainInfoByNameRequest{PolicyHandle: h, TrustedDomainName: name("x"), InformationClass: 6})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusObjectNameNotFound, nt.StatusObjectNameNotFound},
		{"50 trusts", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarEnumerateTrustedDomainsEx(t.Context(), &gen.LsarEnumerateTrustedDomainsExRequest{PolicyHandle: h})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusNoMoreEntries, nt.StatusNoMoreEntries},
		{"53 domain 3", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarQueryDomainInformationPolicy(t.Context(), &gen.LsarQueryDomainInformationPolicyRequest{PolicyHandle: h, InformationClass: 3})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, ok},
		{"54 domain 2", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarSetDomainInformationPolicy(t.Context(), &gen.LsarSetDomainInformationPolicyRequest{PolicyHandle: h, InformationClass: 2})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, denied},
		{"55 open trust by name", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarOpenTrustedDomainByName(t.Context(), &gen.LsarOpenTrustedDomainByNameRequest{PolicyHandle: h, TrustedDomainName: name("x")})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusObjectNameNotFound, nt.StatusObjectNameNotFound},
		{"73 forest", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarQueryForestTrustInformation(t.Context(), &gen.LsarQueryForestTrustInformationRequest{PolicyHandle: h})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusInvalidDomainState, nt.StatusInvalidDomainState},
		{"74 forest", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarSetForestTrustInformation(t.Context(), &gen.LsarSetForestTrustInformationRequest{PolicyHandle: h})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, nt.StatusInvalidDomainState, denied},
		{"57 SIDs", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarLookupSids2(t.Context(), &gen.LsarLookupSids2Request{PolicyHandle: h, SidEnumBuffer: gen.LSAPR_SID_ENUM_BUFFER{SidInfo: sidBuffer(nt.SIDWorld)}, LookupLevel: 1})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, ok},
		{"68 names", func(t *testing.T, c *gen.Client, h rpc.ContextHandle) (int32, error) {
			out, err := c.LsarLookupNames3(t.Context(), &gen.LsarLookupNames3Request{PolicyHandle: h, Count: 1, Names: unicode([]string{"Everyone"}), LookupLevel: 1})
			if err != nil {
				return 0, err
			}
			return out.Return, nil
		}, ok, ok},
	}
}

func sidBuffer(sids ...nt.SID) []gen.LSAPR_SID_INFORMATION {
	out := make([]gen.LSAPR_SID_INFORMATION, len(sids))
	for i, s := range sids {
		out[i].Sid = dtyp.NewRPC_SID(s)
	}
	return out
}

// TestWhoMayWhat is the table (caller, operation) → status: administrators and users with all that they are granted, both with nothing, over TCP, and with
// handles that are none.
func TestWhoMayWhat(t *testing.T) {
	for _, op := range operations() {
		for _, who := range []struct {
			name  string
			token *nt.Token
			want  nt.Status
		}{{"administrator", admin, op.admin}, {"user", user, op.user}} {
			policy := newPolicy(t)
			if err := policy.ChangeAccount(t.Context(), knownSID, true, func(a *state.LSAAccount) error { a.Privileges = nt.SeBackupPrivilege; return nil }); err != nil {
				t.Fatal(err)
			}
			if err := policy.AddSecret(t.Context(), knownSecret); err != nil {
				t.Fatal(err)
			}
			s := serve(t, lsarpc.Config{Authority: newAuthority(), Policy: policy})
			c := gen.NewClient(dial(t, s, who.token, rpc.TransportNamedPipe))
			h := open(t, c, nt.MaximumAllowed)
			if got, err := op.call(t, c, h); err != nil || status(got) != who.want {
				t.Errorf("%s as %s: %v %v, want %v", op.name, who.name, status(got), err, who.want)
			}
			// A handle of another association, a closed one and a forged one.
			other := gen.NewClient(dial(t, s, who.token, rpc.TransportNamedPipe))
			foreign := open(t, other, nt.MaximumAllowed)
			for _, bad := range []rpc.ContextHandle{foreign, {}, {UUID: nt.MustGUID("00112233-4455-6677-8899-aabbccddeeff")}} {
				if _, err := op.call(t, c, bad); !errors.Is(err, rpc.FaultContextMismatch) {
					t.Errorf("%s with a handle that is none: %v", op.name, err)
				}
			}
			tcp := gen.NewClient(dial(t, s, who.token, rpc.TransportTCP))
			if _, err := op.call(t, tcp, h); !errors.Is(err, rpc.FaultAccessDenied) {
				t.Errorf("%s over TCP: %v", op.name, err)
			}
		}
	}
}
