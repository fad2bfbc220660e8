package samr

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// control is the account control of a user as it is told: with what follows from lockout and from the age of the password.
func control(u *state.User, p *state.Policy) uint32 {
	c := u.Control
	if u.Locked {
		c |= state.ControlLocked
	}
	if p.Expired(u) {
		c |= state.ControlExpired
	}
	return c
}

// Fields of SAMPR_USER_ALL_INFORMATION (MS-SAMR 2.2.1.8).
const (
	fieldUserName           = 0x00000001
	fieldFullName           = 0x00000002
	fieldUserID             = 0x00000004
	fieldPrimaryGroupID     = 0x00000008
	fieldAdminComment       = 0x00000010
	fieldUserComment        = 0x00000020
	fieldHomeDirectory      = 0x00000040
	fieldHomeDirectoryDrive = 0x00000080
	fieldScriptPath         = 0x00000100
	fieldProfilePath        = 0x00000200
	fieldWorkstations       = 0x00000400
	fieldLastLogon          = 0x00000800
	fieldLastLogoff         = 0x00001000
	fieldLogonHours         = 0x00002000
	fieldBadPasswordCount   = 0x00004000
	fieldLogonCount         = 0x00008000
	fieldPasswordCanChange  = 0x00010000
	fieldPasswordMustChange = 0x00020000
	fieldPasswordLastSet    = 0x00040000
	fieldAccountExpires     = 0x00080000
	fieldAccountControl     = 0x00100000
	fieldParameters         = 0x00200000
	fieldCountryCode        = 0x00400000
	fieldCodePage           = 0x00800000
	fieldNTPassword         = 0x01000000
	fieldLMPassword         = 0x02000000
	fieldPasswordExpired    = 0x08000000

	// What each right shows.
	fieldsGeneral     = fieldUserName | fieldFullName | fieldUserID | fieldPrimaryGroupID | fieldAdminComment | fieldUserComment
	fieldsPreferences = fieldCountryCode | fieldCodePage
	fieldsLogon       = fieldHomeDirectory | fieldHomeDirectoryDrive | fieldScriptPath | fieldProfilePath | fieldWorkstations | fieldLastLogon | fieldLastLogoff |
		fieldLogonHours | fieldBadPasswordCount | fieldLogonCount | fieldPasswordCanChange | fieldPasswordMustChange
	fieldsAccount = fieldPasswordLastSet | fieldAccountExpires | fieldAccountControl | fieldParameters
)

// userNeeds is what reading a class of information wants (MS-SAMR 3.1.5.5.5). That of all is decided field by field.
var userNeeds = map[gen.USER_INFORMATION_CLASS]nt.AccessMask{
	gen.UserGeneralInformation:      userReadGeneral,
	gen.UserPreferencesInformation:  userReadGeneral | userReadPreferences,
	gen.UserLogonInformation:        userReadGeneral | userReadPreferences | userReadLogon | userReadAccount,
	gen.UserLogonHoursInformation:   userReadLogon,
	gen.UserAccountInformation:      userReadGeneral | userReadPreferences | userReadLogon | userReadAccount,
	gen.UserNameInformation:         userReadGeneral,
	gen.UserAccountNameInformation:  userReadGeneral,
	gen.UserFullNameInformation:     userReadGeneral,
	gen.UserPrimaryGroupInformation: userReadGeneral,
	gen.UserHomeInformation:         userReadLogon,
	gen.UserScriptInformation:       userReadLogon,
	gen.UserProfileInformation:      userReadLogon,
	gen.UserAdminCommentInformation: userReadGeneral,
	gen.UserWorkStationsInformation: userReadLogon,
	gen.UserControlInformation:      userReadAccount,
	gen.UserExpiresInformation:      userReadAccount,
	gen.UserParametersInformation:   userReadAccount,
	gen.UserAllInformation:          0,
}

// hours are those of a user on the wire.
func hours(u *state.User) gen.SAMPR_LOGON_HOURS {
	return gen.SAMPR_LOGON_HOURS{UnitsPerWeek: u.LogonUnits, LogonHours: []byte(u.LogonHours)}
}

// parameters are the bytes of a user's parameters as a string, which is what carries them.
func parameters(u *state.User) dtyp.RPC_UNICODE_STRING {
	b := []byte(u.Parameters)
	x := dtyp.RPC_UNICODE_STRING{Buffer: make([]uint16, 0, len(b)/2)}
	for i := 0; i+1 < len(b); i += 2 {
		x.Buffer = append(x.Buffer, uint16(b[i])|uint16(b[i+1])<<8)
	}
	x.Length = uint16(2 * min(len(x.Buffer), 0x7FFF))
	x.Buffer = x.Buffer[:x.Length/2]
	x.MaximumLength = x.Length
	return x
}

func count16(n uint32) uint16 { return uint16(min(n, 0xFFFF)) }

// allOf tells those fields of a user that the handle may read.
func allOf(u *state.User, p *state.Policy, granted nt.AccessMask) *gen.SAMPR_USER_ALL_INFORMATION {
	text := dtyp.NewRPC_UNICODE_STRING
	x := &gen.SAMPR_USER_ALL_INFORMATION{}
	if granted&userReadGeneral != 0 {
		x.WhichFields |= fieldsGeneral
		x.UserName, x.FullName, x.UserId, x.PrimaryGroupId = text(u.Name), text(u.FullName), u.RID, u.PrimaryGroup
		x.AdminComment, x.UserComment = text(u.AdminComment), text(u.UserComment)
	}
	if granted&userReadPreferences != 0 {
		x.WhichFields |= fieldsPreferences
		x.CountryCode, x.CodePage = u.CountryCode, u.CodePage
	}
	if granted&userReadLogon != 0 {
		x.WhichFields |= fieldsLogon
		x.HomeDirectory, x.HomeDirectoryDrive, x.ScriptPath, x.ProfilePath, x.WorkStations = text(u.HomeDirectory), text(u.HomeDrive), text(u.ScriptPath), text(u.ProfilePath), text(u.Workstations)
		x.LastLogon, x.LogonHours, x.BadPasswordCount, x.LogonCount = oldTime(u.LastLogon), hours(u), count16(u.BadPasswords), count16(u.Logons)
		x.PasswordCanChange, x.PasswordMustChange = oldTime(p.CanChange(u.PasswordLastSet)), oldTime(p.MustChange(u))
	}
	if granted&userReadAccount != 0 {
		x.WhichFields |= fieldsAccount
		x.PasswordLastSet, x.AccountExpires, x.UserAccountControl, x.Parameters = oldTime(u.PasswordLastSet), oldTime(u.Expires), control(u, p), parameters(u)
	}
	return x
}

func (s *Service) queryUser(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, class gen.USER_INFORMATION_CLASS) (*gen.SAMPR_USER_INFO_BUFFER, nt.Status, error) {
	need, known := userNeeds[class]
	o, status, err := objectOf(call, h, kindUser, need)
	if err != nil || status != nt.StatusSuccess {
		return nil, status, err
	}
	if !known {
		return nil, nt.StatusInvalidInfoClass, nil
	}
	u, err := s.accounts.User(ctx, o.rid)
	if err != nil {
		return nil, s.status(ctx, err), nil
	}
	p, err := s.accounts.Policy(ctx, s.machine.SID)
	if err != nil {
		return nil, s.status(ctx, err), nil
	}
	x := allOf(u, p, userReadGeneral|userReadPreferences|userReadLogon|userReadAccount)
	out := &gen.SAMPR_USER_INFO_BUFFER{}
	switch class {
	case gen.UserGeneralInformation:
		out.General = &gen.SAMPR_USER_GENERAL_INFORMATION{UserName: x.UserName, FullName: x.FullName, PrimaryGroupId: x.PrimaryGroupId, AdminComment: x.AdminComment, UserComment: x.UserComment}
	case gen.UserPreferencesInformation:
		out.Preferences = &gen.SAMPR_USER_PREFERENCES_INFORMATION{UserComment: x.UserComment, CountryCode: x.CountryCode, CodePage: x.CodePage}
	case gen.UserLogonInformation:
		out.Logon = &gen.SAMPR_USER_LOGON_INFORMATION{UserName: x.UserName, FullName: x.FullName, UserId: x.UserId, PrimaryGroupId: x.PrimaryGroupId,
			HomeDirectory: x.HomeDirectory, HomeDirectoryDrive: x.HomeDirectoryDrive, ScriptPath: x.ScriptPath, ProfilePath: x.ProfilePath, WorkStations: x.WorkStations,
			LastLogon: x.LastLogon, PasswordLastSet: x.PasswordLastSet, PasswordCanChange: x.PasswordCanChange, PasswordMustChange: x.PasswordMustChange,
			LogonHours: x.LogonHours, BadPasswordCount: x.BadPasswordCount, LogonCount: x.LogonCount, UserAccountControl: x.UserAccountControl}
	case gen.UserLogonHoursInformation:
		out.LogonHours = &gen.SAMPR_USER_LOGON_HOURS_INFORMATION{LogonHours: x.LogonHours}
	case gen.UserAccountInformation:
		out.Account = &gen.SAMPR_USER_ACCOUNT_INFORMATION{UserName: x.UserName, FullName: x.FullName, UserId: x.UserId, PrimaryGroupId: x.PrimaryGroupId,
			HomeDirectory: x.HomeDirectory, HomeDirectoryDrive: x.HomeDirectoryDrive, ScriptPath: x.ScriptPath, ProfilePath: x.ProfilePath, AdminComment: x.AdminComment,
			WorkStations: x.WorkStations, LastLogon: x.LastLogon, LogonHours: x.LogonHours, BadPasswordCount: x.BadPasswordCount, LogonCount: x.LogonCount,
			PasswordLastSet: x.PasswordLastSet, AccountExpires: x.AccountExpires, UserAccountControl: x.UserAccountControl}
	case gen.UserNameInformation:
		out.Name = &gen.SAMPR_USER_NAME_INFORMATION{UserName: x.UserName, FullName: x.FullName}
	case gen.UserAccountNameInformation:
		out.AccountName = &gen.SAMPR_USER_A_NAME_INFORMATION{UserName: x.UserName}
	case gen.UserFullNameInformation:
		out.FullName = &gen.SAMPR_USER_F_NAME_INFORMATION{FullName: x.FullName}
	case gen.UserPrimaryGroupInformation:
		out.PrimaryGroup = &gen.USER_PRIMARY_GROUP_INFORMATION{PrimaryGroupId: x.PrimaryGroupId}
	case gen.UserHomeInformation:
		out.Home = &gen.SAMPR_USER_HOME_INFORMATION{HomeDirectory: x.HomeDirectory, HomeDirectoryDrive: x.HomeDirectoryDrive}
	case gen.UserScriptInformation:
		out.Script = &gen.SAMPR_USER_SCRIPT_INFORMATION{ScriptPath: x.ScriptPath}
	case gen.UserProfileInformation:
		out.Profile = &gen.SAMPR_USER_PROFILE_INFORMATION{ProfilePath: x.ProfilePath}
	case gen.UserAdminCommentInformation:
		out.AdminComment = &gen.SAMPR_USER_ADMIN_COMMENT_INFORMATION{AdminComment: x.AdminComment}
	case gen.UserWorkStationsInformation:
		out.WorkStations = &gen.SAMPR_USER_WORKSTATIONS_INFORMATION{WorkStations: x.WorkStations}
	case gen.UserControlInformation:
		out.Control = &gen.USER_CONTROL_INFORMATION{UserAccountControl: x.UserAccountControl}
	case gen.UserExpiresInformation:
		out.Expires = &gen.USER_EXPIRES_INFORMATION{AccountExpires: x.AccountExpires}
	case gen.UserParametersInformation:
		out.Parameters = &gen.SAMPR_USER_PARAMETERS_INFORMATION{Parameters: x.Parameters}
	case gen.UserAllInformation:
		if out.All = allOf(u, p, o.granted); out.All.WhichFields == 0 {
			return nil, nt.StatusAccessDenied, nil
		}
	}
	return out, nt.StatusSuccess, nil
}

// SamrQueryInformationUser tells a class of information (MS-SAMR 3.1.5.5.6).
func (s *Service) SamrQueryInformationUser(ctx context.Context, call *rpc.Call, in *gen.SamrQueryInformationUserRequest) (*gen.SamrQueryInformationUserResponse, error) {
	buffer, status, err := s.queryUser(ctx, call, in.UserHandle, in.UserInformationClass)
	return &gen.SamrQueryInformationUserResponse{Buffer: buffer, Return: result(status)}, err
}

// SamrQueryInformationUser2 tells a class of information (MS-SAMR 3.1.5.5.5).
func (s *Service) SamrQueryInformationUser2(ctx context.Context, call *rpc.Call, in *gen.SamrQueryInformationUser2Request) (*gen.SamrQueryInformationUser2Response, error) {
	buffer, status, err := s.queryUser(ctx, call, in.UserHandle, in.UserInformationClass)
	return &gen.SamrQueryInformationUser2Response{Buffer: buffer, Return: result(status)}, err
}
