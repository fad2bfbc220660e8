package windows

import (
	"testing"

	"lwio/gen/dtyp"
	"lwio/gen/lsarpc"
	"lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/samr/sampass"
)

// handles of the account manager that its tools have open.
type handles struct{ server, account, builtin rpc.ContextHandle }

// sam opens the account manager as every tool does: samr 64, 6, 5, 7.
func (x *tool) sam(c *samr.Client) *handles {
	x.t.Helper()
	h := new(handles)
	lookup := func(name string, sid nt.SID) step {
		return step{"samr 5 " + name, func() (any, error) {
			return c.SamrLookupDomainInSamServer(x.ctx(), &samr.SamrLookupDomainInSamServerRequest{ServerHandle: h.server, Name: unicode(name)})
		}, &samr.SamrLookupDomainInSamServerResponse{DomainId: dtyp.NewRPC_SID(sid)}}
	}
	open := func(sid nt.SID, to *rpc.ContextHandle) step {
		return step{"samr 7", func() (any, error) {
			out, err := c.SamrOpenDomain(x.ctx(), &samr.SamrOpenDomainRequest{ServerHandle: h.server, DesiredAccess: 0x02000000, DomainId: *dtyp.NewRPC_SID(sid)})
			*to = out.DomainHandle
			return out, err
		}, &samr.SamrOpenDomainResponse{DomainHandle: handle}}
	}
	x.play([]step{
		{"samr 64", func() (any, error) {
			out, err := c.SamrConnect5(x.ctx(), &samr.SamrConnect5Request{ServerName: &x.name, DesiredAccess: 0x30, InVersion: 1,
				InRevisionInfo: samr.SAMPR_REVISION_INFO{V1: &samr.SAMPR_REVISION_INFO_V1{Revision: 3}}})
			h.server = out.ServerHandle
			return out, err
		}, that("a handle, and what the server can besides revision 3: passwords under AES (0x10)", func(out *samr.SamrConnect5Response) bool {
			v := out.OutRevisionInfo.V1
			return out.Return == 0 && out.OutVersion == 1 && v != nil && v.Revision == 3 && v.SupportedFeatures == 0x10 && !out.ServerHandle.IsZero()
		})},
		{"samr 6", func() (any, error) {
			return c.SamrEnumerateDomainsInSamServer(x.ctx(), &samr.SamrEnumerateDomainsInSamServerRequest{ServerHandle: h.server, PreferedMaximumLength: whole})
		}, &samr.SamrEnumerateDomainsInSamServerResponse{CountReturned: 2, Buffer: &samr.SAMPR_ENUMERATION_BUFFER{EntriesRead: 2,
			Buffer: []samr.SAMPR_RID_ENUMERATION{{Name: unicode(x.host)}, {Name: unicode("Builtin")}}}}},
		lookup(x.host, x.machine), open(x.machine, &h.account), lookup("Builtin", nt.SIDBuiltin), open(nt.SIDBuiltin, &h.builtin),
	})
	return h
}

// TestLocalUsers lists users, opens the properties of one, and makes, sets and deletes another.
func TestLocalUsers(t *testing.T) {
	x := start(t).as(admin)
	b := x.bind("samr", samr.SamrInterface, rpc.AuthLevelNone)
	c := samr.NewClient(b)
	h := x.sam(c)
	row := func(i, rid, control uint32, name, comment string) samr.SAMPR_DOMAIN_DISPLAY_USER {
		return samr.SAMPR_DOMAIN_DISPLAY_USER{Index: i, Rid: rid, AccountControl: control, AccountName: unicode(name), AdminComment: unicode(comment)}
	}
	const normal, disabled, forever = samr.USER_NORMAL_ACCOUNT, samr.USER_ACCOUNT_DISABLED, samr.USER_DONT_EXPIRE_PASSWORD
	var u rpc.ContextHandle
	var made uint32
	never := samr.OLD_LARGE_INTEGER{LowPart: 0xFFFFFFFF, HighPart: 0x7FFFFFFF}
	hours := samr.SAMPR_LOGON_HOURS{UnitsPerWeek: 168, LogonHours: make([]byte, 21)}
	for i := range hours.LogonHours {
		hours.LogonHours[i] = 0xFF
	}
	const newPassword = "First.Passw0rd"
	x.play([]step{
		{"samr 51/1", func() (any, error) {
			return c.SamrQueryDisplayInformation3(x.ctx(), &samr.SamrQueryDisplayInformation3Request{DomainHandle: h.account, DisplayInformationClass: samr.DomainDisplayUser, EntryCount: 100, PreferredMaximumLength: whole})
		}, that("the users by their names", func(out *samr.SamrQueryDisplayInformation3Response) bool {
			l := out.Buffer.UserInformation
			if out.Return != 0 || l == nil || l.EntriesRead != 4 {
				return false
			}
			for i, want := range []samr.SAMPR_DOMAIN_DISPLAY_USER{row(1, 500, normal|disabled|forever, "Administrator", "Came with the system; administers this computer"),
				row(2, 501, normal|disabled|forever|samr.USER_PASSWORD_NOT_REQUIRED, "Guest", "Came with the system; for who has no account"), row(3, adminRID, normal|forever, admin, ""), row(4, userRID, normal|forever, user, "")} {
				got := l.Buffer[i]
				if got.Index != want.Index || got.Rid != want.Rid || got.AccountName.String() != want.AccountName.String() || got.AdminComment.String() != want.AdminComment.String() ||
					got.AccountControl|forever != want.AccountControl|forever {
					t.Errorf("%+v, want %+v", got, want)
				}
			}
			return true
		})},
		{"samr 34", func() (any, error) {
			out, err := c.SamrOpenUser(x.ctx(), &samr.SamrOpenUserRequest{DomainHandle: h.account, DesiredAccess: 0x02000000, UserId: userRID})
			u = out.UserHandle
			return out, err
		}, &samr.SamrOpenUserResponse{UserHandle: handle}},
		{"samr 47/21", func() (any, error) {
			return c.SamrQueryInformationUser2(x.ctx(), &samr.SamrQueryInformationUser2Request{UserHandle: u, UserInformationClass: samr.UserAllInformation})
		}, that("every field of an account that never logged on", func(out *samr.SamrQueryInformationUser2Response) bool {
			if out.Return != 0 || out.Buffer == nil || out.Buffer.All == nil {
				return false
			}
			a := out.Buffer.All
			return a.UserName.String() == user && a.UserId == userRID && a.PrimaryGroupId == 513 && a.UserAccountControl&normal != 0 && a.UserAccountControl&disabled == 0 && a.AccountExpires == never &&
				a.PasswordLastSet != samr.OLD_LARGE_INTEGER{} && a.LogonHours.UnitsPerWeek == 168 && len(a.LogonHours.LogonHours) == 21 && a.LogonHours.LogonHours[20] == 0xFF && a.PasswordExpired == 0 &&
				a.BadPasswordCount == 0 && a.FullName.String() == "" && a.ProfilePath.String() == "" && a.HomeDirectory.String() == "" && a.ScriptPath.String() == "" && a.WhichFields == 0x00FFFFFF
		})},
		{"samr 39", func() (any, error) {
			return c.SamrGetGroupsForUser(x.ctx(), &samr.SamrGetGroupsForUserRequest{UserHandle: u})
		}, &samr.SamrGetGroupsForUserResponse{Groups: &samr.SAMPR_GET_GROUPS_BUFFER{MembershipCount: 1, Groups: []samr.GROUP_MEMBERSHIP{{RelativeId: 513, Attributes: 7}}}}},
		{"samr 16", func() (any, error) { // the page "Member Of"
			return c.SamrGetAliasMembership(x.ctx(), &samr.SamrGetAliasMembershipRequest{DomainHandle: h.builtin,
				SidArray: samr.SAMPR_PSID_ARRAY{Count: 1, Sids: []samr.SAMPR_SID_INFORMATION{{SidPointer: dtyp.NewRPC_SID(x.machine.Child(adminRID))}}}})
		}, &samr.SamrGetAliasMembershipResponse{Membership: samr.SAMPR_ULONG_ARRAY{Count: 1, Element: []uint32{544}}}},
		{"samr 50", func() (any, error) {
			out, err := c.SamrCreateUser2InDomain(x.ctx(), &samr.SamrCreateUser2InDomainRequest{DomainHandle: h.account, Name: unicode("new"), AccountType: normal, DesiredAccess: 0x000F07FF})
			u, made = out.UserHandle, out.RelativeId
			return out, err
		}, &samr.SamrCreateUser2InDomainResponse{UserHandle: handle, GrantedAccess: 0x000F07FF, RelativeId: userRID + 1}},
		{"samr 47/16", func() (any, error) {
			return c.SamrQueryInformationUser2(x.ctx(), &samr.SamrQueryInformationUser2Request{UserHandle: u, UserInformationClass: samr.UserControlInformation})
		}, &samr.SamrQueryInformationUser2Response{Buffer: &samr.SAMPR_USER_INFO_BUFFER{Control: &samr.USER_CONTROL_INFORMATION{UserAccountControl: normal | disabled | samr.USER_PASSWORD_NOT_REQUIRED | samr.USER_PASSWORD_EXPIRED}}}},
		{"samr 58/26", func() (any, error) {
			blob, ok := sampass.SealSalted(newPassword, x.keys[samr.SamrInterface])
			if !ok {
				t.Fatal("no session key")
			}
			return c.SamrSetInformationUser2(x.ctx(), &samr.SamrSetInformationUser2Request{UserHandle: u, UserInformationClass: samr.UserInternal5InformationNew,
				Buffer: samr.SAMPR_USER_INFO_BUFFER{Internal5New: &samr.SAMPR_USER_INTERNAL5_INFORMATION_NEW{UserPassword: samr.SAMPR_ENCRYPTED_USER_PASSWORD_NEW{Buffer: blob}}}})
		}, &samr.SamrSetInformationUser2Response{}},
		{"samr 58/21", func() (any, error) { // name, comment and control, and every hour
			return c.SamrSetInformationUser2(x.ctx(), &samr.SamrSetInformationUser2Request{UserHandle: u, UserInformationClass: samr.UserAllInformation,
				Buffer: samr.SAMPR_USER_INFO_BUFFER{All: &samr.SAMPR_USER_ALL_INFORMATION{WhichFields: 0x00100000 | 0x2 | 0x10 | 0x2000, FullName: unicode("New User"), AdminComment: unicode("made by the snap-in"),
					UserAccountControl: normal, LogonHours: hours}}})
		}, &samr.SamrSetInformationUser2Response{}},
		{"samr 47/1", func() (any, error) {
			return c.SamrQueryInformationUser2(x.ctx(), &samr.SamrQueryInformationUser2Request{UserHandle: u, UserInformationClass: samr.UserGeneralInformation})
		}, &samr.SamrQueryInformationUser2Response{Buffer: &samr.SAMPR_USER_INFO_BUFFER{General: &samr.SAMPR_USER_GENERAL_INFORMATION{UserName: unicode("new"), FullName: unicode("New User"), PrimaryGroupId: 513,
			AdminComment: unicode("made by the snap-in")}}}},
	})
	// Who was made can log on now.
	if made == userRID+1 {
		y := *x
		y.cred = ptr(*x.cred)
		y.cred.User, y.cred.Password = "new", newPassword
		y.bind("lsarpc", lsarpc.LsarpcInterface, rpc.AuthLevelNone)
	}
	x.play([]step{{"samr 35", func() (any, error) {
		return c.SamrDeleteUser(x.ctx(), &samr.SamrDeleteUserRequest{UserHandle: u})
	}, &samr.SamrDeleteUserResponse{}}})
}

// TestLocalGroups lists local groups, opens the properties of Administrators, and makes a group with a member.
func TestLocalGroups(t *testing.T) {
	x := start(t).as(admin)
	c := samr.NewClient(x.bind("samr", samr.SamrInterface, rpc.AuthLevelNone))
	h := x.sam(c)
	var a rpc.ContextHandle
	member := x.machine.Child(userRID)
	members := func(sids ...nt.SID) *samr.SamrGetMembersInAliasResponse {
		out := &samr.SamrGetMembersInAliasResponse{Members: samr.SAMPR_PSID_ARRAY_OUT{Count: uint32(len(sids))}}
		for _, s := range sids {
			out.Members.Sids = append(out.Members.Sids, samr.SAMPR_SID_INFORMATION{SidPointer: dtyp.NewRPC_SID(s)})
		}
		return out
	}
	ask := func() (any, error) {
		return c.SamrGetMembersInAlias(x.ctx(), &samr.SamrGetMembersInAliasRequest{AliasHandle: a})
	}
	x.play([]step{
		{"samr 15", func() (any, error) {
			return c.SamrEnumerateAliasesInDomain(x.ctx(), &samr.SamrEnumerateAliasesInDomainRequest{DomainHandle: h.builtin, PreferedMaximumLength: whole})
		}, that("the groups of BUILTIN, by RID", func(out *samr.SamrEnumerateAliasesInDomainResponse) bool {
			if out.Return != 0 || out.Buffer == nil || out.CountReturned < 4 || out.EnumerationContext != 0 {
				return false
			}
			l := out.Buffer.Buffer
			return l[0].RelativeId == 544 && l[0].Name.String() == "Administrators" && l[1].RelativeId == 545 && l[1].Name.String() == "Users" && l[2].Name.String() == "Guests"
		})},
		{"samr 27", func() (any, error) {
			out, err := c.SamrOpenAlias(x.ctx(), &samr.SamrOpenAliasRequest{DomainHandle: h.builtin, DesiredAccess: 0x0002000C, AliasId: 544})
			a = out.AliasHandle
			return out, err
		}, &samr.SamrOpenAliasResponse{AliasHandle: handle}},
		{"samr 28/1", func() (any, error) {
			return c.SamrQueryInformationAlias(x.ctx(), &samr.SamrQueryInformationAliasRequest{AliasHandle: a, AliasInformationClass: samr.AliasGeneralInformation})
		}, &samr.SamrQueryInformationAliasResponse{Buffer: &samr.SAMPR_ALIAS_INFO_BUFFER{General: &samr.SAMPR_ALIAS_GENERAL_INFORMATION{Name: unicode("Administrators"), MemberCount: 2,
			AdminComment: unicode("Members may do everything on this computer")}}}},
		{"samr 33", ask, members(x.machine.Child(adminRID), x.machine.Child(500))},
		{"samr 14", func() (any, error) {
			out, err := c.SamrCreateAliasInDomain(x.ctx(), &samr.SamrCreateAliasInDomainRequest{DomainHandle: h.account, AccountName: unicode("helpers"), DesiredAccess: 0x000F001F})
			a = out.AliasHandle
			return out, err
		}, &samr.SamrCreateAliasInDomainResponse{AliasHandle: handle, RelativeId: userRID + 1}},
		{"samr 31", func() (any, error) {
			return c.SamrAddMemberToAlias(x.ctx(), &samr.SamrAddMemberToAliasRequest{AliasHandle: a, MemberId: *dtyp.NewRPC_SID(member)})
		}, &samr.SamrAddMemberToAliasResponse{}},
		{"samr 31, again", func() (any, error) {
			return c.SamrAddMemberToAlias(x.ctx(), &samr.SamrAddMemberToAliasRequest{AliasHandle: a, MemberId: *dtyp.NewRPC_SID(member)})
		}, &samr.SamrAddMemberToAliasResponse{Return: status(nt.StatusMemberInAlias)}},
		{"samr 33", ask, members(member)},
		{"samr 30", func() (any, error) {
			return c.SamrDeleteAlias(x.ctx(), &samr.SamrDeleteAliasRequest{AliasHandle: a})
		}, &samr.SamrDeleteAliasResponse{}},
	})
}

func status(s nt.Status) int32 { return int32(uint32(s)) }
