package lsarpc_test

import (
	"errors"
	"slices"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/lsarpc"
	"lwio/services/state"
)

func newPolicy(t *testing.T) *state.LSA {
	t.Helper()
	l, err := state.NewLSA(t.Context(), state.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// administer serves a new policy and opens it as an administrator.
func administer(t *testing.T) (*gen.Client, rpc.ContextHandle, *state.LSA) {
	t.Helper()
	l := newPolicy(t)
	c := gen.NewClient(dial(t, serve(t, lsarpc.Config{Authority: newAuthority(), Policy: l}), admin, rpc.TransportNamedPipe))
	return c, open(t, c, nt.MaximumAllowed), l
}

func sidArg(sid nt.SID) dtyp.RPC_SID { return *dtyp.NewRPC_SID(sid) }

func set(ids ...uint32) gen.LSAPR_PRIVILEGE_SET {
	var out gen.LSAPR_PRIVILEGE_SET
	for _, id := range ids {
		out.Privilege = append(out.Privilege, gen.LSAPR_LUID_AND_ATTRIBUTES{Luid: dtyp.LUID{LowPart: id}, Attributes: 2})
	}
	out.PrivilegeCount = uint32(len(ids))
	return out
}

func TestAccountObject(t *testing.T) {
	c, h, l := administer(t)
	sid := machine.Child(1000)
	created, err := c.LsarCreateAccount(t.Context(), &gen.LsarCreateAccountRequest{PolicyHandle: h, AccountSid: sidArg(sid), DesiredAccess: uint32(nt.MaximumAllowed)})
	if err != nil || created.Return != 0 {
		t.Fatalf("%+v %v", created, err)
	}
	if out, err := c.LsarCreateAccount(t.Context(), &gen.LsarCreateAccountRequest{PolicyHandle: h, AccountSid: sidArg(sid)}); err != nil || status(out.Return) != nt.StatusObjectNameCollision || !out.AccountHandle.IsZero() {
		t.Errorf("twice: %+v %v", out, err)
	}
	a := created.AccountHandle
	add := func(p gen.LSAPR_PRIVILEGE_SET) nt.Status {
		t.Helper()
		out, err := c.LsarAddPrivilegesToAccount(t.Context(), &gen.LsarAddPrivilegesToAccountRequest{AccountHandle: a, Privileges: p})
		if err != nil {
			t.Fatal(err)
		}
		return status(out.Return)
	}
	remove := func(all uint8, p *gen.LSAPR_PRIVILEGE_SET) nt.Status {
		t.Helper()
		out, err := c.LsarRemovePrivilegesFromAccount(t.Context(), &gen.LsarRemovePrivilegesFromAccountRequest{AccountHandle: a, AllPrivileges: all, Privileges: p})
		if err != nil {
			t.Fatal(err)
		}
		return status(out.Return)
	}
	if got := add(set(17, 18, 20)); got != 0 {
		t.Errorf("add: %v", got)
	}
	if got := add(set(17, 99)); got != nt.StatusInvalidParameter {
		t.Errorf("add one that there is none of: %v", got)
	}
	one := set(18)
	for _, tt := range []struct {
		all  uint8
		p    *gen.LSAPR_PRIVILEGE_SET
		want nt.Status
	}{{0, nil, nt.StatusInvalidParameter}, {1, &one, nt.StatusInvalidParameter}, {0, &one, nt.StatusSuccess}} {
		if got := remove(tt.all, tt.p); got != tt.want {
			t.Errorf("remove %d %v: %v", tt.all, tt.p, got)
		}
	}
	out, err := c.LsarEnumeratePrivilegesAccount(t.Context(), &gen.LsarEnumeratePrivilegesAccountRequest{AccountHandle: a})
	if err != nil || out.Privileges == nil || len(out.Privileges.Privilege) != 2 || out.Privileges.Privilege[0].Luid.LowPart != 17 || out.Privileges.Privilege[1].Attributes != 2 {
		t.Errorf("%+v %v", out, err)
	}
	for access, want := range map[uint32]nt.Status{0x1000: nt.StatusInvalidParameter, state.AccessDenyNetwork | state.AccessProxy: nt.StatusSuccess} {
		out, err := c.LsarSetSystemAccessAccount(t.Context(), &gen.LsarSetSystemAccessAccountRequest{AccountHandle: a, SystemAccess: access})
		if err != nil || status(out.Return) != want {
			t.Errorf("%#x: %+v %v", access, out, err)
		}
	}
	if out, err := c.LsarGetSystemAccessAccount(t.Context(), &gen.LsarGetSystemAccessAccountRequest{AccountHandle: a}); err != nil || out.SystemAccess != state.AccessDenyNetwork|state.AccessProxy {
		t.Errorf("%+v %v", out, err)
	}
	if got, _ := l.Account(sid); got.Privileges != nt.SeBackupPrivilege|nt.SeDebugPrivilege || got.SystemAccess != state.AccessDenyNetwork|state.AccessProxy {
		t.Errorf("%+v", got)
	}
	if got := remove(1, nil); got != 0 {
		t.Errorf("remove all: %v", got)
	}
	// Another handle outlives the object and is invalid then.
	other, err := c.LsarOpenAccount(t.Context(), &gen.LsarOpenAccountRequest{PolicyHandle: h, AccountSid: sidArg(sid), DesiredAccess: uint32(nt.AccountView)})
	if err != nil || other.Return != 0 {
		t.Fatalf("%+v %v", other, err)
	}
	if out, err := c.LsarDeleteObject(t.Context(), &gen.LsarDeleteObjectRequest{ObjectHandle: other.AccountHandle}); err != nil || status(out.Return) != nt.StatusAccessDenied || out.ObjectHandle.IsZero() {
		t.Errorf("without the right to: %+v %v", out, err)
	}
	if out, err := c.LsarDeleteObject(t.Context(), &gen.LsarDeleteObjectRequest{ObjectHandle: a}); err != nil || out.Return != 0 || !out.ObjectHandle.IsZero() {
		t.Errorf("%+v %v", out, err)
	}
	if _, err := c.LsarDeleteObject(t.Context(), &gen.LsarDeleteObjectRequest{ObjectHandle: a}); !errors.Is(err, rpc.FaultContextMismatch) {
		t.Errorf("with the closed handle: %v", err)
	}
	if out, err := c.LsarEnumeratePrivilegesAccount(t.Context(), &gen.LsarEnumeratePrivilegesAccountRequest{AccountHandle: other.AccountHandle}); err != nil || status(out.Return) != nt.StatusInvalidHandle {
		t.Errorf("%+v %v", out, err)
	}
	if out, err := c.LsarOpenAccount(t.Context(), &gen.LsarOpenAccountRequest{PolicyHandle: h, AccountSid: sidArg(sid)}); err != nil || status(out.Return) != nt.StatusObjectNameNotFound {
		t.Errorf("%+v %v", out, err)
	}
	if out, err := c.LsarDeleteObject(t.Context(), &gen.LsarDeleteObjectRequest{ObjectHandle: h}); err != nil || status(out.Return) != nt.StatusInvalidParameter {
		t.Errorf("the policy: %+v %v", out, err)
	}
}

// TestWrongSIDs: what is no SID is refused everywhere alike, and nothing is made of it.
func TestWrongSIDs(t *testing.T) {
	c, h, l := administer(t)
	before := len(l.Accounts(0, 1000))
	wide := make([]uint32, 255)
	for name, sid := range map[string]dtyp.RPC_SID{
		"255 subauthorities": {Revision: 1, SubAuthorityCount: 255, SubAuthority: wide},
		"16 subauthorities":  {Revision: 1, SubAuthorityCount: 16, SubAuthority: wide[:16]},
		"revision 2":         {Revision: 2, SubAuthorityCount: 1, SubAuthority: wide[:1]},
	} {
		created, err := c.LsarCreateAccount(t.Context(), &gen.LsarCreateAccountRequest{PolicyHandle: h, AccountSid: sid})
		if err == nil && status(created.Return) != nt.StatusInvalidParameter || err != nil && !errors.Is(err, rpc.FaultNDR) {
			t.Errorf("create, %s: %+v %v", name, created, err)
		}
		opened, err := c.LsarOpenAccount(t.Context(), &gen.LsarOpenAccountRequest{PolicyHandle: h, AccountSid: sid})
		if err == nil && status(opened.Return) != nt.StatusInvalidParameter || err != nil && !errors.Is(err, rpc.FaultNDR) {
			t.Errorf("open, %s: %+v %v", name, opened, err)
		}
		added, err := c.LsarAddAccountRights(t.Context(), &gen.LsarAddAccountRightsRequest{PolicyHandle: h, AccountSid: sid, UserRights: rightSet("SeBackupPrivilege")})
		if err == nil && status(added.Return) != nt.StatusInvalidParameter || err != nil && !errors.Is(err, rpc.FaultNDR) {
			t.Errorf("add, %s: %+v %v", name, added, err)
		}
	}
	if n := len(l.Accounts(0, 1000)); n != before {
		t.Errorf("%d accounts, %d before", n, before)
	}
}

func rightSet(names ...string) gen.LSAPR_USER_RIGHT_SET {
	return gen.LSAPR_USER_RIGHT_SET{UserRights: unicode(names)}
}

func TestRights(t *testing.T) {
	c, h, l := administer(t)
	sid := machine.Child(1000)
	add := func(h rpc.ContextHandle, names ...string) nt.Status {
		t.Helper()
		out, err := c.LsarAddAccountRights(t.Context(), &gen.LsarAddAccountRightsRequest{PolicyHandle: h, AccountSid: sidArg(sid), UserRights: rightSet(names...)})
		if err != nil {
			t.Fatal(err)
		}
		return status(out.Return)
	}
	remove := func(all uint8, names ...string) nt.Status {
		t.Helper()
		out, err := c.LsarRemoveAccountRights(t.Context(), &gen.LsarRemoveAccountRightsRequest{PolicyHandle: h, AccountSid: sidArg(sid), AllRights: all, UserRights: rightSet(names...)})
		if err != nil {
			t.Fatal(err)
		}
		return status(out.Return)
	}
	list := func() ([]string, nt.Status) {
		t.Helper()
		out, err := c.LsarEnumerateAccountRights(t.Context(), &gen.LsarEnumerateAccountRightsRequest{PolicyHandle: h, AccountSid: sidArg(sid)})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, r := range out.UserRights.UserRights {
			names = append(names, r.String())
		}
		return names, status(out.Return)
	}
	if _, got := list(); got != nt.StatusObjectNameNotFound {
		t.Errorf("of nobody: %v", got)
	}
	if got := remove(1); got != nt.StatusObjectNameNotFound {
		t.Errorf("from nobody: %v", got)
	}
	if got := add(open(t, c, nt.PolicyLookupNames), "SeBackupPrivilege"); got != nt.StatusAccessDenied {
		t.Errorf("by a handle that may not create: %v", got)
	}
	if got := add(h, "SeBackupPrivilege", "SeNoSuchPrivilege"); got != nt.StatusNoSuchPrivilege {
		t.Errorf("an unknown one: %v", got)
	}
	if _, ok := l.Account(sid); ok {
		t.Error("an account was made for rights that there are none of")
	}
	if got := add(h, "sebackupprivilege", "SeDenyNetworkLogonRight", "SeBatchLogonRight"); got != 0 {
		t.Errorf("%v", got)
	}
	if names, got := list(); got != 0 || !slices.Equal(names, []string{"SeBackupPrivilege", "SeBatchLogonRight", "SeDenyNetworkLogonRight"}) {
		t.Errorf("%v %v", names, got)
	}
	for right, want := range map[string]nt.Status{"SeDenyNetworkLogonRight": 0, "SeTcbPrivilege": nt.StatusNoMoreEntries, "SeNone": nt.StatusNoSuchPrivilege} {
		name := dtyp.NewRPC_UNICODE_STRING(right)
		out, err := c.LsarEnumerateAccountsWithUserRight(t.Context(), &gen.LsarEnumerateAccountsWithUserRightRequest{PolicyHandle: h, UserRight: &name})
		if err != nil || status(out.Return) != want || want == 0 && len(out.EnumerationBuffer.Information) != 1 {
			t.Errorf("%s: %+v %v", right, out, err)
		}
	}
	if out, err := c.LsarEnumerateAccountsWithUserRight(t.Context(), &gen.LsarEnumerateAccountsWithUserRightRequest{PolicyHandle: h}); err != nil || len(out.EnumerationBuffer.Information) != len(l.Accounts(0, 1000)) {
		t.Errorf("with any: %+v %v", out, err)
	}
	if got := remove(0, "SeBackupPrivilege", "SeBatchLogonRight"); got != 0 {
		t.Errorf("%v", got)
	}
	if names, _ := list(); !slices.Equal(names, []string{"SeDenyNetworkLogonRight"}) {
		t.Errorf("%v", names)
	}
	if got := remove(0, "SeDenyNetworkLogonRight"); got != 0 {
		t.Errorf("%v", got)
	}
	if _, ok := l.Account(sid); ok {
		t.Error("an account without rights is left")
	}
}

// TestEnumerations: both go on where they ended, and end.
func TestEnumerations(t *testing.T) {
	c, h, l := administer(t)
	var sids []nt.SID
	for next, i := uint32(0), 0; ; i++ {
		out, err := c.LsarEnumerateAccounts(t.Context(), &gen.LsarEnumerateAccountsRequest{PolicyHandle: h, EnumerationContext: next, PreferedMaximumLength: 20})
		if err != nil || i > 100 {
			t.Fatal(err, i)
		}
		if status(out.Return) == nt.StatusNoMoreEntries {
			break
		}
		if out.Return != 0 || len(out.EnumerationBuffer.Information) > 2 || out.EnumerationContext != next+uint32(len(out.EnumerationBuffer.Information)) {
			t.Fatalf("%+v", out)
		}
		for _, x := range out.EnumerationBuffer.Information {
			sid, err := x.Sid.SID()
			if err != nil {
				t.Fatal(err)
			}
			sids = append(sids, sid)
		}
		next = out.EnumerationContext
	}
	var want []nt.SID
	for _, a := range l.Accounts(0, 1000) {
		want = append(want, a.SID)
	}
	if !slices.Equal(sids, want) {
		t.Errorf("%v, want %v", sids, want)
	}
	n := 0
	for next := uint32(0); ; {
		out, err := c.LsarEnumeratePrivileges(t.Context(), &gen.LsarEnumeratePrivilegesRequest{PolicyHandle: h, EnumerationContext: next})
		if err != nil {
			t.Fatal(err)
		}
		if status(out.Return) == nt.StatusNoMoreEntries {
			break
		}
		x := out.EnumerationBuffer.Privileges
		if out.Return != 0 || len(x) != 1 || out.EnumerationContext != next+1 {
			t.Fatalf("%+v", out)
		}
		name, err := c.LsarLookupPrivilegeName(t.Context(), &gen.LsarLookupPrivilegeNameRequest{PolicyHandle: h, Value: x[0].LocalValue})
		if err != nil || name.Name.String() != x[0].Name.String() {
			t.Errorf("%+v %v", name, err)
		}
		value, err := c.LsarLookupPrivilegeValue(t.Context(), &gen.LsarLookupPrivilegeValueRequest{PolicyHandle: h, Name: x[0].Name})
		if err != nil || value.Value != x[0].LocalValue {
			t.Errorf("%+v %v", value, err)
		}
		next, n = out.EnumerationContext, n+1
	}
	if n != len(nt.PrivilegeNames()) {
		t.Errorf("%d privileges", n)
	}
	for _, start := range []uint32{1000, 0xFFFFFFFF} {
		a, err := c.LsarEnumerateAccounts(t.Context(), &gen.LsarEnumerateAccountsRequest{PolicyHandle: h, EnumerationContext: start, PreferedMaximumLength: 0xFFFFFFFF})
		if err != nil || status(a.Return) != nt.StatusNoMoreEntries {
			t.Errorf("accounts from %d: %+v %v", start, a, err)
		}
		p, err := c.LsarEnumeratePrivileges(t.Context(), &gen.LsarEnumeratePrivilegesRequest{PolicyHandle: h, EnumerationContext: start, PreferedMaximumLength: 0xFFFFFFFF})
		if err != nil || status(p.Return) != nt.StatusNoMoreEntries {
			t.Errorf("privileges from %d: %+v %v", start, p, err)
		}
	}
	missing := dtyp.NewRPC_UNICODE_STRING("SeNone")
	if out, err := c.LsarLookupPrivilegeValue(t.Context(), &gen.LsarLookupPrivilegeValueRequest{PolicyHandle: h, Name: missing}); err != nil || status(out.Return) != nt.StatusNoSuchPrivilege {
		t.Errorf("%+v %v", out, err)
	}
	if out, err := c.LsarLookupPrivilegeName(t.Context(), &gen.LsarLookupPrivilegeNameRequest{PolicyHandle: h, Value: dtyp.LUID{LowPart: 17, HighPart: 1}}); err != nil || status(out.Return) != nt.StatusNoSuchPrivilege || out.Name != nil {
		t.Errorf("%+v %v", out, err)
	}
	backup := dtyp.NewRPC_UNICODE_STRING("SeBackupPrivilege")
	for name, want := range map[*dtyp.RPC_UNICODE_STRING]nt.Status{&backup: 0, &missing: nt.StatusNoSuchPrivilege} {
		out, err := c.LsarLookupPrivilegeDisplayName(t.Context(), &gen.LsarLookupPrivilegeDisplayNameRequest{PolicyHandle: h, Name: *name, ClientLanguage: 0x407})
		if err != nil || status(out.Return) != want || want == 0 && (out.DisplayName.String() != "Back up files and directories" || out.LanguageReturned != 0x409) {
			t.Errorf("%s: %+v %v", name, out, err)
		}
	}
}
