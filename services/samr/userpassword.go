package samr

import (
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/services/samr/sampass"
	"lwio/services/state"
)

// passwordChangeOf is what the classes that carry a password set (MS-SAMR 3.1.5.6.4.3 to 3.1.5.6.4.8). A password that does not decrypt to one, since
// the keys differ, is STATUS_WRONG_PASSWORD.
func passwordChangeOf(class gen.USER_INFORMATION_CLASS, in *gen.SAMPR_USER_INFO_BUFFER, key []byte) (*userChange, nt.Status) {
	alone := func(s *state.Secret, status nt.Status, expired uint8) (*userChange, nt.Status) {
		if status != nt.StatusSuccess {
			return nil, status
		}
		return &userChange{need: userForcePassword, password: s, expire: expired != 0}, nt.StatusSuccess
	}
	withAll := func(all *gen.SAMPR_USER_ALL_INFORMATION, open func() (*state.Secret, nt.Status)) (*userChange, nt.Status) {
		c, status := changeOfAll(all)
		if status == nt.StatusSuccess && all.WhichFields&(fieldNTPassword|fieldLMPassword) != 0 {
			if c.password, status = open(); status != nt.StatusSuccess {
				return nil, status
			}
		}
		return c, status
	}
	switch class {
	case gen.UserAllInformation:
		return withAll(in.All, func() (*state.Secret, nt.Status) { return hashOfAll(in.All, key) })
	case gen.UserInternal1Information:
		x := in.Internal1
		if x.NtPasswordPresent == 0 {
			return nil, nt.StatusInvalidParameter // LM hashes are not kept
		}
		s, status := openHash(x.EncryptedNtOwfPassword.Data[:], key)
		return alone(s, status, x.PasswordExpired)
	case gen.UserInternal4Information:
		return withAll(&in.Internal4.I1, func() (*state.Secret, nt.Status) { return openRC4(in.Internal4.UserPassword.Buffer[:], key) })
	case gen.UserInternal5Information:
		s, status := openRC4(in.Internal5.UserPassword.Buffer[:], key)
		return alone(s, status, in.Internal5.PasswordExpired)
	case gen.UserInternal4InformationNew:
		return withAll(&in.Internal4New.I1, func() (*state.Secret, nt.Status) { return openSalted(&in.Internal4New.UserPassword, key) })
	case gen.UserInternal5InformationNew:
		s, status := openSalted(&in.Internal5New.UserPassword, key)
		return alone(s, status, in.Internal5New.PasswordExpired)
	case gen.UserInternal7Information:
		s, status := openAES(&in.Internal7.UserPassword, key)
		return alone(s, status, in.Internal7.PasswordExpired)
	case gen.UserInternal8Information:
		return withAll(&in.Internal8.I1, func() (*state.Secret, nt.Status) { return openAES(&in.Internal8.UserPassword, key) })
	}
	return nil, nt.StatusInvalidInfoClass
}

func secret(text string, ok bool) (*state.Secret, nt.Status) {
	if !ok {
		return nil, nt.StatusWrongPassword
	}
	return &state.Secret{Text: text}, nt.StatusSuccess
}

// openHash decrypts an NT hash.
func openHash(b, key []byte) (*state.Secret, nt.Status) {
	if len(key) == 0 {
		return nil, nt.StatusNoUserSessionKey
	}
	hash, ok := sampass.OpenHash(b, key)
	if !ok {
		return nil, nt.StatusInvalidParameter
	}
	return &state.Secret{Hash: hash, OnlyHash: true}, nt.StatusSuccess
}

// hashOfAll is the NT hash in a structure of all fields. One of another length is STATUS_INVALID_PARAMETER, that of the LM hash too.
func hashOfAll(x *gen.SAMPR_USER_ALL_INFORMATION, key []byte) (*state.Secret, nt.Status) {
	const size = 16
	if x.WhichFields&fieldLMPassword != 0 && (x.LmOwfPassword.Length != size || len(x.LmOwfPassword.Buffer) != size/2) ||
		x.WhichFields&fieldNTPassword == 0 || x.NtOwfPassword.Length != size || len(x.NtOwfPassword.Buffer) != size/2 {
		return nil, nt.StatusInvalidParameter
	}
	b := make([]byte, 0, size)
	for _, u := range x.NtOwfPassword.Buffer {
		b = append(b, byte(u), byte(u>>8))
	}
	return openHash(b, key)
}

func openRC4(b, key []byte) (*state.Secret, nt.Status) {
	if len(key) == 0 {
		return nil, nt.StatusNoUserSessionKey
	}
	return secret(sampass.OpenRC4(b, key))
}

func openSalted(x *gen.SAMPR_ENCRYPTED_USER_PASSWORD_NEW, key []byte) (*state.Secret, nt.Status) {
	if len(key) == 0 {
		return nil, nt.StatusNoUserSessionKey
	}
	return secret(sampass.OpenSalted(&x.Buffer, key))
}

func openAES(x *gen.SAMPR_ENCRYPTED_PASSWORD_AES, key []byte) (*state.Secret, nt.Status) {
	if len(key) == 0 {
		return nil, nt.StatusNoUserSessionKey
	}
	return secret(sampass.OpenAES(&x.AuthData, &x.Salt, x.Cipher, key))
}
