package samr

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// userChange is what a call sets of a user.
type userChange struct {
	need     nt.AccessMask
	update   func(*state.User) error // nil if only the password is
	password *state.Secret           // nil if it stays
	expire   bool                    // the password has to be changed at the next logon
}

// fieldNeeds is what setting a field wants (MS-SAMR 3.1.5.6.4.2). What is in none of them is not set by clients.
var fieldNeeds = []struct {
	fields uint32
	need   nt.AccessMask
}{
	{fieldUserComment | fieldCountryCode | fieldCodePage, userWritePreferences},
	{fieldUserName | fieldFullName | fieldPrimaryGroupID | fieldAdminComment | fieldHomeDirectory | fieldHomeDirectoryDrive | fieldScriptPath | fieldProfilePath |
		fieldWorkstations | fieldLogonHours | fieldAccountExpires | fieldAccountControl | fieldParameters, userWriteAccount},
	{fieldNTPassword | fieldLMPassword | fieldPasswordExpired, userForcePassword},
}

// setControl applies what a client sets of the account control, with or without a password in the same call: the kind of an account stays if none is named.
func setControl(u *state.User, c uint32, password bool) error {
	c &^= state.ControlLocked | state.ControlExpired
	if c&state.ControlTypes == 0 {
		c |= u.Control & state.ControlTypes
	}
	if c&state.ControlDisabled == 0 && u.Control&state.ControlDisabled != 0 && c&state.ControlNoPassword == 0 && !u.HasPassword && !password {
		return nt.StatusPasswordRestriction // nobody enables an account that needs a password and has none
	}
	if c&state.ControlTrust != 0 && u.Control&state.ControlTrust == 0 {
		return nt.StatusAccessDenied
	}
	u.Control = c
	return nil
}

func setHours(u *state.User, h *gen.SAMPR_LOGON_HOURS) error {
	if h.LogonHours == nil && h.UnitsPerWeek != 0 {
		return nt.StatusInvalidParameter
	}
	u.LogonUnits, u.LogonHours = h.UnitsPerWeek, string(h.LogonHours)
	return nil
}

// parametersOf are the bytes that a string carries.
func parametersOf(x *dtyp.RPC_UNICODE_STRING) string {
	b := make([]byte, 0, 2*len(x.Buffer))
	for _, u := range x.Buffer {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// changeOfAll is what a SAMPR_USER_ALL_INFORMATION sets, but for the password.
func changeOfAll(x *gen.SAMPR_USER_ALL_INFORMATION) (*userChange, nt.Status) {
	if x.WhichFields == 0 {
		return nil, nt.StatusInvalidParameter
	}
	c := &userChange{}
	rest := x.WhichFields
	for _, f := range fieldNeeds {
		if x.WhichFields&f.fields != 0 {
			c.need |= f.need
			rest &^= f.fields
		}
	}
	if rest != 0 {
		return nil, nt.StatusAccessDenied // what the server counts itself, and what nobody sets
	}
	c.expire = x.WhichFields&fieldPasswordExpired != 0 && x.PasswordExpired != 0
	c.update = func(u *state.User) error {
		for _, t := range []struct {
			field uint32
			to    *string
			from  *dtyp.RPC_UNICODE_STRING
		}{
			{fieldUserName, &u.Name, &x.UserName}, {fieldFullName, &u.FullName, &x.FullName}, {fieldAdminComment, &u.AdminComment, &x.AdminComment},
			{fieldUserComment, &u.UserComment, &x.UserComment}, {fieldHomeDirectory, &u.HomeDirectory, &x.HomeDirectory},
			{fieldHomeDirectoryDrive, &u.HomeDrive, &x.HomeDirectoryDrive}, {fieldScriptPath, &u.ScriptPath, &x.ScriptPath},
			{fieldProfilePath, &u.ProfilePath, &x.ProfilePath}, {fieldWorkstations, &u.Workstations, &x.WorkStations},
		} {
			if x.WhichFields&t.field != 0 {
				*t.to = t.from.String()
			}
		}
		if x.WhichFields&fieldPrimaryGroupID != 0 {
			u.PrimaryGroup = x.PrimaryGroupId
		}
		if x.WhichFields&fieldCountryCode != 0 {
			u.CountryCode = x.CountryCode
		}
		if x.WhichFields&fieldCodePage != 0 {
			u.CodePage = x.CodePage
		}
		if x.WhichFields&fieldAccountExpires != 0 {
			u.Expires = nt.Time(number(x.AccountExpires))
		}
		if x.WhichFields&fieldParameters != 0 {
			u.Parameters = parametersOf(&x.Parameters)
		}
		if x.WhichFields&fieldPasswordExpired != 0 {
			if u.PasswordLastSet = 0; x.PasswordExpired == 0 {
				u.PasswordLastSet = nt.NowTime()
			}
		}
		if x.WhichFields&fieldLogonHours != 0 {
			if err := setHours(u, &x.LogonHours); err != nil {
				return err
			}
		}
		return nil
	}
	if x.WhichFields&fieldAccountControl != 0 {
		c.update = then(c.update, func(u *state.User) error { return setControl(u, x.UserAccountControl, c.password != nil) })
	}
	return c, nt.StatusSuccess
}

func then(a, b func(*state.User) error) func(*state.User) error {
	return func(u *state.User) error {
		if err := a(u); err != nil {
			return err
		}
		return b(u)
	}
}

// changeOf is what a class of information sets; that of a class which is not set is STATUS_INVALID_INFO_CLASS (MS-SAMR 3.1.5.6.4).
func changeOf(class gen.USER_INFORMATION_CLASS, in *gen.SAMPR_USER_INFO_BUFFER, key []byte) (*userChange, nt.Status) {
	account := func(f func(*state.User)) (*userChange, nt.Status) {
		return &userChange{need: userWriteAccount, update: func(u *state.User) error { f(u); return nil }}, nt.StatusSuccess
	}
	switch class {
	case gen.UserPreferencesInformation:
		x := in.Preferences
		return &userChange{need: userWritePreferences, update: func(u *state.User) error {
			u.UserComment, u.CountryCode, u.CodePage = x.UserComment.String(), x.CountryCode, x.CodePage
			return nil
		}}, nt.StatusSuccess
	case gen.UserLogonHoursInformation:
		return &userChange{need: userWriteAccount, update: func(u *state.User) error { return setHours(u, &in.LogonHours.LogonHours) }}, nt.StatusSuccess
	case gen.UserNameInformation:
		return account(func(u *state.User) { u.Name, u.FullName = in.Name.UserName.String(), in.Name.FullName.String() })
	case gen.UserAccountNameInformation:
		return account(func(u *state.User) { u.Name = in.AccountName.UserName.String() })
	case gen.UserFullNameInformation:
		return account(func(u *state.User) { u.FullName = in.FullName.FullName.String() })
	case gen.UserPrimaryGroupInformation:
		return account(func(u *state.User) { u.PrimaryGroup = in.PrimaryGroup.PrimaryGroupId })
	case gen.UserHomeInformation:
		return account(func(u *state.User) {
			u.HomeDirectory, u.HomeDrive = in.Home.HomeDirectory.String(), in.Home.HomeDirectoryDrive.String()
		})
	case gen.UserScriptInformation:
		return account(func(u *state.User) { u.ScriptPath = in.Script.ScriptPath.String() })
	case gen.UserProfileInformation:
		return account(func(u *state.User) { u.ProfilePath = in.Profile.ProfilePath.String() })
	case gen.UserAdminCommentInformation:
		return account(func(u *state.User) { u.AdminComment = in.AdminComment.AdminComment.String() })
	case gen.UserWorkStationsInformation:
		return account(func(u *state.User) { u.Workstations = in.WorkStations.WorkStations.String() })
	case gen.UserExpiresInformation:
		return account(func(u *state.User) { u.Expires = nt.Time(number(in.Expires.AccountExpires)) })
	case gen.UserParametersInformation:
		return account(func(u *state.User) { u.Parameters = parametersOf(&in.Parameters.Parameters) })
	case gen.UserControlInformation:
		return &userChange{need: userWriteAccount, update: func(u *state.User) error { return setControl(u, in.Control.UserAccountControl, false) }}, nt.StatusSuccess
	}
	return passwordChangeOf(class, in, key)
}

// setUser applies a class of information. Where it clears the lockout of a user that is locked, that ends.
func (s *Service) setUser(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, class gen.USER_INFORMATION_CLASS, in *gen.SAMPR_USER_INFO_BUFFER) (nt.Status, error) {
	o, status, err := objectOf(call, h, kindUser, 0)
	if err != nil || status != nt.StatusSuccess {
		return status, err
	}
	c, status := changeOf(class, in, call.SessionKey)
	if status != nt.StatusSuccess {
		return status, nil
	}
	if o.granted&c.need != c.need {
		return nt.StatusAccessDenied, nil
	}
	if c.password != nil && call.Transport == rpc.TransportTCP && call.AuthLevel < rpc.AuthLevelPktPrivacy {
		return nt.StatusAccessDenied, nil // the key of this transport is known to everybody
	}
	if err := s.accounts.UpdateUserPassword(ctx, o.rid, c.password, c.expire, c.update); err != nil {
		return s.changed(ctx, call, "user changed", o.sid(), groupError(err)), nil
	}
	if set, clears := controlSet(class, in); set && clears {
		err = s.accounts.UnlockUser(ctx, o.rid)
	}
	what := "user changed"
	if c.password != nil {
		what = "password set"
	}
	return s.changed(ctx, call, what, o.sid(), err), nil
}

// controlSet tells whether a class sets the account control, and to one that is not locked.
func controlSet(class gen.USER_INFORMATION_CLASS, in *gen.SAMPR_USER_INFO_BUFFER) (set, clears bool) {
	var all *gen.SAMPR_USER_ALL_INFORMATION
	switch class {
	case gen.UserControlInformation:
		return true, in.Control.UserAccountControl&state.ControlLocked == 0
	case gen.UserAllInformation:
		all = in.All
	case gen.UserInternal4Information:
		all = &in.Internal4.I1
	case gen.UserInternal4InformationNew:
		all = &in.Internal4New.I1
	case gen.UserInternal8Information:
		all = &in.Internal8.I1
	}
	return all != nil && all.WhichFields&fieldAccountControl != 0, all != nil && all.UserAccountControl&state.ControlLocked == 0
}

// SamrSetInformationUser sets a class of information (MS-SAMR 3.1.5.6.5).
func (s *Service) SamrSetInformationUser(ctx context.Context, call *rpc.Call, in *gen.SamrSetInformationUserRequest) (*gen.SamrSetInformationUserResponse, error) {
	status, err := s.setUser(ctx, call, in.UserHandle, in.UserInformationClass, &in.Buffer)
	return &gen.SamrSetInformationUserResponse{Return: result(status)}, err
}

// SamrSetInformationUser2 sets a class of information (MS-SAMR 3.1.5.6.4).
func (s *Service) SamrSetInformationUser2(ctx context.Context, call *rpc.Call, in *gen.SamrSetInformationUser2Request) (*gen.SamrSetInformationUser2Response, error) {
	status, err := s.setUser(ctx, call, in.UserHandle, in.UserInformationClass, &in.Buffer)
	return &gen.SamrSetInformationUser2Response{Return: result(status)}, err
}
