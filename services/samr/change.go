package samr

import (
	"context"
	"crypto/subtle"
	"errors"

	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/samr/sampass"
	"lwio/services/state"
)

// Why a password was refused, as SamrUnicodeChangePasswordUser3 says it.
const (
	refusedOther   = 0
	refusedShort   = 1
	refusedHistory = 2
	refusedSimple  = 5
	refusedLong    = 8
)

// proveNT is the proof of MS-SAMR 3.1.5.10.3: the new password is encrypted with the hash of the old one, and the hash of the old one with that of the new.
func proveNT(buffer *gen.SAMPR_ENCRYPTED_USER_PASSWORD, verifier *gen.ENCRYPTED_LM_OWF_PASSWORD) func(old [16]byte) (state.Secret, error) {
	return func(old [16]byte) (state.Secret, error) {
		text, ok := sampass.OpenRC4(buffer.Buffer[:], old[:])
		s := state.Secret{Text: text}
		hash := s.NTHash()
		got, _ := sampass.OpenHash(verifier.Data[:], hash[:])
		if !ok || subtle.ConstantTimeCompare(got[:], old[:]) != 1 {
			return state.Secret{}, nt.StatusWrongPassword
		}
		return s, nil
	}
}

// change changes a password by the old one. reason is for SamrUnicodeChangePasswordUser3.
func (s *Service) change(ctx context.Context, call *rpc.Call, user string, proof func(old [16]byte) (state.Secret, error)) (status nt.Status, reason uint32) {
	err := s.accounts.ChangePassword(ctx, user, proof)
	for _, x := range []struct {
		err    error
		reason uint32
	}{{state.ErrPasswordShort, refusedShort}, {state.ErrPasswordHistory, refusedHistory}, {state.ErrPasswordSimple, refusedSimple}, {state.ErrPassword, refusedLong}} {
		if errors.Is(err, x.err) {
			reason = x.reason
		}
	}
	status = s.status(ctx, err)
	s.log.Info("password change", "account", user, "by", call.Token.QualifiedName(), "address", call.ClientAddress, "result", status.Name())
	return status, reason
}

// SamrUnicodeChangePasswordUser2 changes a password (MS-SAMR 3.1.5.10.3). The LM part is not looked at.
func (s *Service) SamrUnicodeChangePasswordUser2(ctx context.Context, call *rpc.Call, in *gen.SamrUnicodeChangePasswordUser2Request) (*gen.SamrUnicodeChangePasswordUser2Response, error) {
	if in.NewPasswordEncryptedWithOldNt == nil || in.OldNtOwfPasswordEncryptedWithNewNt == nil {
		return &gen.SamrUnicodeChangePasswordUser2Response{Return: result(nt.StatusInvalidParameter)}, nil
	}
	status, _ := s.change(ctx, call, in.UserName.String(), proveNT(in.NewPasswordEncryptedWithOldNt, in.OldNtOwfPasswordEncryptedWithNewNt))
	return &gen.SamrUnicodeChangePasswordUser2Response{Return: result(status)}, nil
}

// SamrUnicodeChangePasswordUser3 changes a password and says why it is refused.
func (s *Service) SamrUnicodeChangePasswordUser3(ctx context.Context, call *rpc.Call, in *gen.SamrUnicodeChangePasswordUser3Request) (*gen.SamrUnicodeChangePasswordUser3Response, error) {
	if in.NewPasswordEncryptedWithOldNt == nil || in.OldNtOwfPasswordEncryptedWithNewNt == nil {
		return &gen.SamrUnicodeChangePasswordUser3Response{Return: result(nt.StatusInvalidParameter)}, nil
	}
	status, reason := s.change(ctx, call, in.UserName.String(), proveNT(in.NewPasswordEncryptedWithOldNt, in.OldNtOwfPasswordEncryptedWithNewNt))
	out := &gen.SamrUnicodeChangePasswordUser3Response{Return: result(status)}
	if status == nt.StatusPasswordRestriction { // the old password was right: who knows it may know the policy
		p, err := s.accounts.Policy(ctx, s.machine.SID)
		if err != nil {
			return &gen.SamrUnicodeChangePasswordUser3Response{Return: result(s.status(ctx, err))}, nil
		}
		out.EffectivePasswordPolicy = passwordInformation(p)
		out.PasswordChangeFailureInfo = &gen.USER_PWD_CHANGE_FAILURE_INFORMATION{ExtendedFailureReason: reason}
	}
	return out, nil
}

// SamrUnicodeChangePasswordUser4 changes a password that is encrypted with AES (MS-SAMR 3.1.5.10.4). The derivation of its key is work for the server, of
// which one is done at a time.
func (s *Service) SamrUnicodeChangePasswordUser4(ctx context.Context, call *rpc.Call, in *gen.SamrUnicodeChangePasswordUser4Request) (*gen.SamrUnicodeChangePasswordUser4Response, error) {
	x := &in.EncryptedPassword
	if x.PBKDF2Iterations < sampass.MinIterations || x.PBKDF2Iterations > sampass.MaxIterations {
		return &gen.SamrUnicodeChangePasswordUser4Response{Return: result(nt.StatusInvalidParameter)}, nil
	}
	select {
	case s.slow <- struct{}{}:
		defer func() { <-s.slow }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	status, _ := s.change(ctx, call, in.UserName.String(), func(old [16]byte) (state.Secret, error) {
		key, ok := sampass.ChangeKey(old, &x.Salt, x.PBKDF2Iterations)
		if !ok {
			return state.Secret{}, nt.StatusWrongPassword
		}
		text, ok := sampass.OpenAES(&x.AuthData, &x.Salt, x.Cipher, key)
		if !ok {
			return state.Secret{}, nt.StatusWrongPassword
		}
		return state.Secret{Text: text}, nil
	})
	return &gen.SamrUnicodeChangePasswordUser4Response{Return: result(status)}, nil
}

// SamrChangePasswordUser is refused: it brings hashes only, of which neither length nor complexity can be judged (MS-SAMR 3.1.5.10.1).
func (s *Service) SamrChangePasswordUser(_ context.Context, call *rpc.Call, in *gen.SamrChangePasswordUserRequest) (*gen.SamrChangePasswordUserResponse, error) {
	_, status, err := objectOf(call, in.UserHandle, kindUser, userChangePassword)
	if status == nt.StatusSuccess {
		status = nt.StatusPasswordRestriction
	}
	return &gen.SamrChangePasswordUserResponse{Return: result(status)}, err
}

// SamrOemChangePasswordUser2 is refused: its proof is the LM hash, which is not kept (MS-SAMR 3.1.5.10.2). To administrators, who may ask for names
// anyway, a name that is nobody's is answered like a wrong password.
func (s *Service) SamrOemChangePasswordUser2(ctx context.Context, call *rpc.Call, in *gen.SamrOemChangePasswordUser2Request) (*gen.SamrOemChangePasswordUser2Response, error) {
	status := nt.StatusPasswordRestriction
	switch {
	case in.NewPasswordEncryptedWithOldLm == nil || in.OldLmOwfPasswordEncryptedWithNewLm == nil:
		status = nt.StatusInvalidParameter
	case call.Token.IsAdmin():
		if _, err := s.accounts.Get(ctx, string(in.UserName.Buffer)); errors.Is(err, state.ErrNoAccount) {
			status = nt.StatusWrongPassword
		}
	}
	return &gen.SamrOemChangePasswordUser2Response{Return: result(status)}, nil
}
