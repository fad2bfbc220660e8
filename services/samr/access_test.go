package samr_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"lwio/gen/dtyp"
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/samr"
	"lwio/services/state"
)

// open is a service that lets every authenticated caller connect, so that the objects' descriptors are what decides.
func openWorld(t *testing.T) *world {
	sd, err := nt.ParseSDDL("O:BAG:BAD:(A;;RC;;;AU)", nt.SID{})
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(t, samr.Config{Remote: sd})
}

// TestWhoMayConnect: over the network administrators alone, by default; a program of this machine may, whoever runs it, but for the null session.
func TestWhoMayConnect(t *testing.T) {
	w := newWorld(t, samr.Config{})
	for _, test := range []struct {
		name      string
		token     *nt.Token
		transport rpc.Transport
		want      nt.Status
	}{
		{"administrator by a pipe", admin, rpc.TransportNamedPipe, nt.StatusSuccess},
		{"administrator by TCP", admin, rpc.TransportTCP, nt.StatusSuccess},
		{"user by a pipe", user, rpc.TransportNamedPipe, nt.StatusAccessDenied},
		{"user by TCP", user, rpc.TransportTCP, nt.StatusAccessDenied},
		{"nobody by a pipe", nobody, rpc.TransportNamedPipe, nt.StatusAccessDenied},
		{"user of this machine", user, rpc.TransportLocal, nt.StatusSuccess},
		{"nobody of this machine", nobody, rpc.TransportLocal, nt.StatusAccessDenied},
	} {
		c := w.over(t, test.token, test.transport, 0)
		ctx := t.Context()
		for opnum, call := range map[int]func() (int32, error){
			0: func() (int32, error) {
				r, err := c.SamrConnect(ctx, &gen.SamrConnectRequest{DesiredAccess: 1})
				return ret(r, err)
			},
			57: func() (int32, error) {
				r, err := c.SamrConnect2(ctx, &gen.SamrConnect2Request{DesiredAccess: 1})
				return ret(r, err)
			},
			61: func() (int32, error) {
				r, err := c.SamrConnect3(ctx, &gen.SamrConnect3Request{DesiredAccess: 1})
				return ret(r, err)
			},
			62: func() (int32, error) {
				r, err := c.SamrConnect4(ctx, &gen.SamrConnect4Request{DesiredAccess: 1})
				return ret(r, err)
			},
			64: func() (int32, error) {
				r, err := c.SamrConnect5(ctx, &gen.SamrConnect5Request{DesiredAccess: 1, InVersion: 1, InRevisionInfo: gen.SAMPR_REVISION_INFO{V1: &gen.SAMPR_REVISION_INFO_V1{}}})
				return ret(r, err)
			},
		} {
			if got := status(call()); got != test.want {
				t.Errorf("%s, opnum %d: %v, want %v", test.name, opnum, got, test.want)
			}
		}
	}
}

// ret is the result of a response of any operation.
func ret(response any, err error) (int32, error) {
	if err != nil {
		return 0, err
	}
	return int32(reflect.ValueOf(response).Elem().FieldByName("Return").Int()), nil
}

// row is what an operation answers to a user and to an administrator, with handles that were opened for all the caller may have.
type row struct {
	what        string
	user, admin nt.Status
	call        func(context.Context, *gen.Client, opened) (any, error)
}

const (
	ok     = nt.StatusSuccess
	denied = nt.StatusAccessDenied
)

// accessTable is who may do what: MS-SAMR 3.1.2 for the rights, the default descriptors for who has them.
func accessTable() []row {
	type c = gen.Client
	rows := []row{
		{"5 lookup domain", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrLookupDomainInSamServer(ctx, &gen.SamrLookupDomainInSamServerRequest{ServerHandle: h.server, Name: text("host")})
		}},
		{"6 enumerate domains", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrEnumerateDomainsInSamServer(ctx, &gen.SamrEnumerateDomainsInSamServerRequest{ServerHandle: h.server, PreferedMaximumLength: 1 << 16})
		}},
		{"4 shut down", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrShutdownSamServer(ctx, &gen.SamrShutdownSamServerRequest{ServerHandle: h.server})
		}},
		{"11 enumerate groups", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrEnumerateGroupsInDomain(ctx, &gen.SamrEnumerateGroupsInDomainRequest{DomainHandle: h.domain, PreferedMaximumLength: 1 << 16})
		}},
		{"13 enumerate users", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrEnumerateUsersInDomain(ctx, &gen.SamrEnumerateUsersInDomainRequest{DomainHandle: h.domain, PreferedMaximumLength: 1 << 16})
		}},
		{"15 enumerate aliases", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrEnumerateAliasesInDomain(ctx, &gen.SamrEnumerateAliasesInDomainRequest{DomainHandle: h.builtin, PreferedMaximumLength: 1 << 16})
		}},
		{"16 alias membership", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrGetAliasMembership(ctx, &gen.SamrGetAliasMembershipRequest{DomainHandle: h.builtin})
		}},
		{"17 names", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrLookupNamesInDomain(ctx, &gen.SamrLookupNamesInDomainRequest{DomainHandle: h.domain, Count: 1, Names: []dtyp.RPC_UNICODE_STRING{text("ALICE")}})
		}},
		{"18 RIDs", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrLookupIdsInDomain(ctx, &gen.SamrLookupIdsInDomainRequest{DomainHandle: h.domain, Count: 1, RelativeIds: []uint32{513}})
		}},
		{"10 create group", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrCreateGroupInDomain(ctx, &gen.SamrCreateGroupInDomainRequest{DomainHandle: h.domain, Name: text("new group"), DesiredAccess: maximum})
		}},
		{"14 create alias", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrCreateAliasInDomain(ctx, &gen.SamrCreateAliasInDomainRequest{DomainHandle: h.domain, AccountName: text("new alias"), DesiredAccess: maximum})
		}},
		{"12 create user", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrCreateUserInDomain(ctx, &gen.SamrCreateUserInDomainRequest{DomainHandle: h.domain, Name: text("new user"), DesiredAccess: maximum})
		}},
		{"50 create computer", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrCreateUser2InDomain(ctx, &gen.SamrCreateUser2InDomainRequest{DomainHandle: h.domain, Name: text("NEW$"), AccountType: gen.USER_WORKSTATION_TRUST_ACCOUNT, DesiredAccess: maximum})
		}},
		{"12 create user in BUILTIN", denied, denied, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrCreateUserInDomain(ctx, &gen.SamrCreateUserInDomainRequest{DomainHandle: h.builtin, Name: text("x"), DesiredAccess: maximum})
		}},
		{"14 create alias in BUILTIN", denied, denied, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrCreateAliasInDomain(ctx, &gen.SamrCreateAliasInDomainRequest{DomainHandle: h.builtin, AccountName: text("x"), DesiredAccess: maximum})
		}},
		{"22 add to group", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrAddMemberToGroup(ctx, &gen.SamrAddMemberToGroupRequest{GroupHandle: h.group, MemberId: 1001})
		}},
		{"25 members of group", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrGetMembersInGroup(ctx, &gen.SamrGetMembersInGroupRequest{GroupHandle: h.group})
		}},
		{"24 remove from group", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrRemoveMemberFromGroup(ctx, &gen.SamrRemoveMemberFromGroupRequest{GroupHandle: h.group, MemberId: 1001})
		}},
		{"21/4 set group", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrSetInformationGroup(ctx, &gen.SamrSetInformationGroupRequest{GroupHandle: h.group, GroupInformationClass: gen.GroupAdminCommentInformation,
				Buffer: gen.SAMPR_GROUP_INFO_BUFFER{AdminComment: &gen.SAMPR_GROUP_ADM_COMMENT_INFORMATION{AdminComment: text("c")}}})
		}},
		{"31 add to alias", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrAddMemberToAlias(ctx, &gen.SamrAddMemberToAliasRequest{AliasHandle: h.alias, MemberId: *dtyp.NewRPC_SID(machine.Child(1001))})
		}},
		{"33 members of alias", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrGetMembersInAlias(ctx, &gen.SamrGetMembersInAliasRequest{AliasHandle: h.alias})
		}},
		{"45 remove from all aliases", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrRemoveMemberFromForeignDomain(ctx, &gen.SamrRemoveMemberFromForeignDomainRequest{DomainHandle: h.builtin, MemberSid: *dtyp.NewRPC_SID(nt.SIDIUSR)})
		}},
		{"52 add several to alias", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrAddMultipleMembersToAlias(ctx, &gen.SamrAddMultipleMembersToAliasRequest{AliasHandle: h.alias})
		}},
		{"39 groups of user", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrGetGroupsForUser(ctx, &gen.SamrGetGroupsForUserRequest{UserHandle: h.user})
		}},
		{"40/1 display users", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrQueryDisplayInformation(ctx, &gen.SamrQueryDisplayInformationRequest{DomainHandle: h.domain, DisplayInformationClass: 1, EntryCount: 10, PreferredMaximumLength: 1 << 16})
		}},
		{"44 policy for user", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrGetUserDomainPasswordInformation(ctx, &gen.SamrGetUserDomainPasswordInformationRequest{UserHandle: h.user})
		}},
		{"56 policy", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrGetDomainPasswordInformation(ctx, &gen.SamrGetDomainPasswordInformationRequest{})
		}},
		{"3 query security", ok, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrQuerySecurityObject(ctx, &gen.SamrQuerySecurityObjectRequest{ObjectHandle: h.user, SecurityInformation: 4})
		}},
		{"2 set security", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			sd := mustSD("D:(A;;0xF07FF;;;BA)(A;;0x2035B;;;WD)")
			return c.SamrSetSecurityObject(ctx, &gen.SamrSetSecurityObjectRequest{ObjectHandle: h.user, SecurityInformation: 4,
				SecurityDescriptor: gen.SAMPR_SR_SECURITY_DESCRIPTOR{Length: uint32(len(sd)), SecurityDescriptor: sd}})
		}},
		{"38 change by hashes", nt.StatusPasswordRestriction, nt.StatusPasswordRestriction, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrChangePasswordUser(ctx, &gen.SamrChangePasswordUserRequest{UserHandle: h.user})
		}},
		{"66 recovery password", nt.StatusNotSupported, nt.StatusNotSupported, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrSetDSRMPassword(ctx, &gen.SamrSetDSRMPasswordRequest{UserId: 500})
		}},
	}
	for class := range gen.DOMAIN_INFORMATION_CLASS(14) {
		want := ok
		if class == 0 || class == 10 {
			want = nt.StatusInvalidInfoClass
		}
		rows = append(rows, row{"8/" + itoa(class) + " query domain", want, want, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrQueryInformationDomain2(ctx, &gen.SamrQueryInformationDomain2Request{DomainHandle: h.domain, DomainInformationClass: class})
		}})
	}
	for class := range gen.USER_INFORMATION_CLASS(34) {
		want := nt.StatusInvalidInfoClass
		if class >= 1 && class <= 14 || class == 16 || class == 17 || class == 20 || class == 21 {
			want = ok
		}
		rows = append(rows, row{"47/" + itoa(class) + " query user", want, want, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrQueryInformationUser2(ctx, &gen.SamrQueryInformationUser2Request{UserHandle: h.user, UserInformationClass: class})
		}})
	}
	// A user sets nothing of its account but its preferences.
	set := func(class gen.USER_INFORMATION_CLASS, user, admin nt.Status, b gen.SAMPR_USER_INFO_BUFFER) {
		rows = append(rows, row{"58/" + itoa(class) + " set user", user, admin, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrSetInformationUser2(ctx, &gen.SamrSetInformationUser2Request{UserHandle: h.user, UserInformationClass: class, Buffer: b})
		}})
	}
	set(1, nt.StatusInvalidInfoClass, nt.StatusInvalidInfoClass, gen.SAMPR_USER_INFO_BUFFER{General: &gen.SAMPR_USER_GENERAL_INFORMATION{}})
	set(2, ok, ok, gen.SAMPR_USER_INFO_BUFFER{Preferences: &gen.SAMPR_USER_PREFERENCES_INFORMATION{UserComment: text("mine")}})
	set(8, denied, ok, gen.SAMPR_USER_INFO_BUFFER{FullName: &gen.SAMPR_USER_F_NAME_INFORMATION{FullName: text("x")}})
	set(16, denied, ok, gen.SAMPR_USER_INFO_BUFFER{Control: &gen.USER_CONTROL_INFORMATION{UserAccountControl: state.ControlNormal}})
	set(21, nt.StatusInvalidParameter, nt.StatusInvalidParameter, gen.SAMPR_USER_INFO_BUFFER{All: &gen.SAMPR_USER_ALL_INFORMATION{}})
	set(21, denied, denied, gen.SAMPR_USER_INFO_BUFFER{All: &gen.SAMPR_USER_ALL_INFORMATION{WhichFields: 0x800}})
	set(21, ok, ok, gen.SAMPR_USER_INFO_BUFFER{All: &gen.SAMPR_USER_ALL_INFORMATION{WhichFields: 0x20, UserComment: text("also mine")}})
	set(21, denied, ok, gen.SAMPR_USER_INFO_BUFFER{All: &gen.SAMPR_USER_ALL_INFORMATION{WhichFields: 0x30, UserComment: text("not only mine")}})
	set(24, nt.StatusWrongPassword, nt.StatusWrongPassword, gen.SAMPR_USER_INFO_BUFFER{Internal5: &gen.SAMPR_USER_INTERNAL5_INFORMATION{}})
	for _, class := range []gen.DOMAIN_INFORMATION_CLASS{gen.DomainPasswordInformation, gen.DomainOemInformation} {
		b := gen.SAMPR_DOMAIN_INFO_BUFFER{Password: &gen.DOMAIN_PASSWORD_INFORMATION{}, Oem: &gen.SAMPR_DOMAIN_OEM_INFORMATION{}}
		rows = append(rows, row{"9/" + itoa(class) + " set domain", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrSetInformationDomain(ctx, &gen.SamrSetInformationDomainRequest{DomainHandle: h.domain, DomainInformationClass: class, DomainInformation: b})
		}})
	}
	return append(rows,
		row{"23 delete group", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrDeleteGroup(ctx, &gen.SamrDeleteGroupRequest{GroupHandle: h.group})
		}},
		row{"30 delete alias", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrDeleteAlias(ctx, &gen.SamrDeleteAliasRequest{AliasHandle: h.alias})
		}},
		row{"35 delete user", denied, ok, func(ctx context.Context, c *c, h opened) (any, error) {
			return c.SamrDeleteUser(ctx, &gen.SamrDeleteUserRequest{UserHandle: h.user})
		}})
}

func itoa[T ~uint16](v T) string {
	return strings.TrimLeft(string([]byte{'0' + byte(v/10), '0' + byte(v%10)}), "0")
}

func mustSD(s string) []byte {
	sd, err := nt.ParseSDDL(s, nt.SID{})
	if err != nil {
		panic(err)
	}
	return sd.Append(nil)
}

func TestAccessTable(t *testing.T) {
	for _, who := range []struct {
		name  string
		token *nt.Token
		want  func(*row) nt.Status
	}{{"user", user, func(r *row) nt.Status { return r.user }}, {"administrator", admin, func(r *row) nt.Status { return r.admin }}} {
		w := openWorld(t)
		c := w.as(t, who.token)
		h := openAll(t, c)
		for _, r := range accessTable() {
			got := status(ret(r.call(t.Context(), c, h)))
			if got != who.want(&r) {
				t.Errorf("%s as %s: %v, want %v", r.what, who.name, got, who.want(&r))
			}
		}
	}
	// The null session has no handle, and without one there is nothing.
	w := openWorld(t)
	admins := openAll(t, w.as(t, admin))
	c := w.as(t, nobody)
	for _, r := range accessTable() {
		got := status(ret(r.call(t.Context(), c, admins)))
		switch {
		case strings.HasPrefix(r.what, "56 "):
			if got != denied {
				t.Errorf("%s as nobody: %v", r.what, got)
			}
		case strings.HasPrefix(r.what, "66 "):
			if got != nt.StatusNotSupported {
				t.Errorf("%s as nobody: %v", r.what, got)
			}
		case got != nt.Status(rpc.FaultContextMismatch):
			t.Errorf("%s as nobody, with the handles of another association: %v", r.what, got)
		}
	}
}

// TestHandles: a handle is good for who opened it, in its association group, as what it is.
func TestHandles(t *testing.T) {
	w := openWorld(t)
	c := w.as(t, admin)
	group := w.group
	h := openAll(t, c)
	ctx := t.Context()
	mismatch := nt.Status(rpc.FaultContextMismatch)
	query := func(c *gen.Client, h rpc.ContextHandle) nt.Status {
		return status(ret(c.SamrQueryInformationUser(ctx, &gen.SamrQueryInformationUserRequest{UserHandle: h, UserInformationClass: 1})))
	}
	forged := h.user
	forged.UUID[3]++
	typed := h.user
	typed.Attributes ^= 1
	for name, test := range map[string]struct {
		c    *gen.Client
		h    rpc.ContextHandle
		want nt.Status
	}{
		"its own":                       {c, h.user, ok},
		"of a domain":                   {c, h.domain, nt.StatusObjectTypeMismatch},
		"of the server":                 {c, h.server, nt.StatusObjectTypeMismatch},
		"none":                          {c, rpc.ContextHandle{}, mismatch},
		"forged":                        {c, forged, mismatch},
		"with another type":             {c, typed, mismatch},
		"of another association":        {w.as(t, admin), h.user, mismatch},
		"of its group":                  {w.over(t, admin, rpc.TransportNamedPipe, group), h.user, ok},
		"of its group, by another user": {w.over(t, other, rpc.TransportNamedPipe, group), h.user, mismatch},
	} {
		if got := query(test.c, test.h); got != test.want {
			t.Errorf("handle %s: %v, want %v", name, got, test.want)
		}
	}
	if got := status(ret(w.over(t, other, rpc.TransportNamedPipe, group).SamrCloseHandle(ctx, &gen.SamrCloseHandleRequest{SamHandle: h.user}))); got != mismatch {
		t.Errorf("another user closes a handle: %v", got)
	}
	closed, err := c.SamrCloseHandle(ctx, &gen.SamrCloseHandleRequest{SamHandle: h.user})
	if status(ret(closed, err)) != ok || !closed.SamHandle.IsZero() {
		t.Errorf("close: %+v, %v", closed, err)
	}
	if got := query(c, h.user); got != mismatch {
		t.Errorf("closed handle: %v", got)
	}
	// A handle has what it was opened with, and no more.
	u, err := c.SamrOpenUser(ctx, &gen.SamrOpenUserRequest{DomainHandle: h.domain, UserId: 1000, DesiredAccess: 0x40})
	if status(ret(u, err)) != ok {
		t.Fatal(u, err)
	}
	if got := query(c, u.UserHandle); got != denied {
		t.Errorf("a handle for another right: %v", got)
	}
	// Whose object is gone says so.
	if err := w.DeleteUser(ctx, 1001); err != nil {
		t.Fatal(err)
	}
	if got := status(ret(c.SamrOpenUser(ctx, &gen.SamrOpenUserRequest{DomainHandle: h.domain, UserId: 1001, DesiredAccess: maximum}))); got != nt.StatusNoSuchUser {
		t.Errorf("open of a deleted user: %v", got)
	}
}

// TestSecurityDescriptor: what an administrator denies counts for the next that opens.
func TestSecurityDescriptor(t *testing.T) {
	w := openWorld(t)
	ctx := t.Context()
	c := w.as(t, admin)
	h := openAll(t, c)
	sd := mustSD("D:(A;;0xF07FF;;;BA)")
	if got := status(ret(c.SamrSetSecurityObject(ctx, &gen.SamrSetSecurityObjectRequest{ObjectHandle: h.domain, SecurityInformation: 4,
		SecurityDescriptor: gen.SAMPR_SR_SECURITY_DESCRIPTOR{Length: uint32(len(sd)), SecurityDescriptor: sd}}))); got != ok {
		t.Fatal(got)
	}
	u := w.as(t, user)
	s, err := u.SamrConnect2(ctx, &gen.SamrConnect2Request{DesiredAccess: maximum})
	if status(ret(s, err)) != ok {
		t.Fatal(s, err)
	}
	if got := status(ret(u.SamrOpenDomain(ctx, &gen.SamrOpenDomainRequest{ServerHandle: s.ServerHandle, DesiredAccess: maximum, DomainId: *dtyp.NewRPC_SID(machine)}))); got != denied {
		t.Errorf("a domain that is closed to users: %v", got)
	}
	q, err := c.SamrQuerySecurityObject(ctx, &gen.SamrQuerySecurityObjectRequest{ObjectHandle: h.domain, SecurityInformation: 4})
	if status(ret(q, err)) != ok || string(q.SecurityDescriptor.SecurityDescriptor) != string(sd) {
		t.Errorf("the descriptor reads %x, want %x (%v)", q.SecurityDescriptor, sd, err)
	}
	for _, bad := range [][]byte{nil, sd[:10], make([]byte, 20)} {
		if got := status(ret(c.SamrSetSecurityObject(ctx, &gen.SamrSetSecurityObjectRequest{ObjectHandle: h.domain, SecurityInformation: 4,
			SecurityDescriptor: gen.SAMPR_SR_SECURITY_DESCRIPTOR{Length: uint32(len(bad)), SecurityDescriptor: bad}}))); got == ok {
			t.Errorf("descriptor %x was taken", bad)
		}
	}
}

// TestSIDs: those that are none are refused, whatever they claim to hold.
func TestSIDs(t *testing.T) {
	w := openWorld(t)
	ctx := t.Context()
	c := w.as(t, admin)
	h := openAll(t, c)
	long := dtyp.RPC_SID{Revision: 1, SubAuthorityCount: 255, SubAuthority: make([]uint32, 255)}
	second := *dtyp.NewRPC_SID(nt.SIDWorld)
	second.Revision = 2
	for name, sid := range map[string]dtyp.RPC_SID{"of 255 subauthorities": long, "of revision 2": second} {
		for op, call := range map[string]func() (any, error){
			"open domain": func() (any, error) {
				return c.SamrOpenDomain(ctx, &gen.SamrOpenDomainRequest{ServerHandle: h.server, DomainId: sid})
			},
			"add to alias": func() (any, error) {
				return c.SamrAddMemberToAlias(ctx, &gen.SamrAddMemberToAliasRequest{AliasHandle: h.alias, MemberId: sid})
			},
			"membership": func() (any, error) {
				return c.SamrGetAliasMembership(ctx, &gen.SamrGetAliasMembershipRequest{DomainHandle: h.builtin, SidArray: gen.SAMPR_PSID_ARRAY{Count: 1, Sids: []gen.SAMPR_SID_INFORMATION{{SidPointer: &sid}}}})
			},
			"add several": func() (any, error) {
				return c.SamrAddMultipleMembersToAlias(ctx, &gen.SamrAddMultipleMembersToAliasRequest{AliasHandle: h.alias, MembersBuffer: gen.SAMPR_PSID_ARRAY{Count: 1, Sids: []gen.SAMPR_SID_INFORMATION{{SidPointer: &sid}}}})
			},
		} {
			if got := status(ret(call())); got != nt.StatusInvalidParameter && got != nt.Status(rpc.FaultNDR) {
				t.Errorf("%s with a SID %s: %v", op, name, got)
			}
		}
	}
	if got := status(ret(c.SamrAddMultipleMembersToAlias(ctx, &gen.SamrAddMultipleMembersToAliasRequest{AliasHandle: h.alias, MembersBuffer: gen.SAMPR_PSID_ARRAY{Count: 1, Sids: make([]gen.SAMPR_SID_INFORMATION, 1)}}))); got != nt.StatusInvalidParameter {
		t.Errorf("no SID: %v", got)
	}
	for name, sid := range map[string]nt.SID{"a domain": machine, "BUILTIN": nt.SIDBuiltin, "an alias": machine.Child(1003), "an alias of BUILTIN": nt.SIDBuiltinUsers} {
		if got := status(ret(c.SamrAddMemberToAlias(ctx, &gen.SamrAddMemberToAliasRequest{AliasHandle: h.alias, MemberId: *dtyp.NewRPC_SID(sid)}))); got != nt.StatusInvalidMember {
			t.Errorf("%s as a member: %v", name, got)
		}
	}
}
